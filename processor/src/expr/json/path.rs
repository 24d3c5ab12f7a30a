//! Paths into JSON: `[lax|strict] $.member['other'][0][*].*`.

use std::fmt;

use super::Json;
use super::tree::Unread;

/// A compiled path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JsonPath {
    source: String,
    lax: bool,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Member(String),
    /// From 0; below 0 from the end.
    Element(i64),
    /// `.*` and `[*]`.
    All,
}

/// Why a path leads to nothing in strict mode.
pub(crate) type Missing = String;

impl JsonPath {
    /// Compiles a path; or says what is wrong.
    pub(crate) fn new(source: &str) -> Result<Self, String> {
        let trimmed = source.trim();
        let word = trimmed.split_whitespace().next().unwrap_or("").to_ascii_lowercase();
        // Without a mode Flink's paths are strict.
        let (lax, path) = match word.as_str() {
            mode @ ("lax" | "strict") => (mode == "lax", trimmed[mode.len()..].trim()),
            _ => (false, trimmed),
        };
        let rest = path.strip_prefix('$').ok_or_else(|| format!("the path '{source}' does not begin with $"))?;
        let steps = steps(rest).ok_or_else(|| {
            format!("the path '{source}' is not understood: there is .member, ['member'], [0], [-1], [*] and .*")
        })?;
        Ok(Self { source: source.to_owned(), lax, steps })
    }

    /// Whether what is not there is nothing rather than an error.
    pub(crate) fn is_lax(&self) -> bool {
        self.lax
    }

    /// What the path leads to in a document; a path with `*` to an array of all it leads to. `None`, in lax mode only, is nothing:
    /// no JSON, no such value, or null.
    pub(crate) fn of(&self, text: &str) -> Result<Option<Json>, Missing> {
        let no_json = || if self.lax { Ok(None) } else { Err("the text is no JSON".to_owned()) };
        let Some(document) = Unread::of(text) else { return no_json() };
        let many = self.steps.contains(&Step::All);
        let read = match self.walk(document) {
            Ok(found) if many => found.into_iter().map(Unread::read).collect::<Option<_>>().map(Json::Array),
            Ok(found) => found.first().and_then(|found| found.read()),
            Err(_) if self.lax && many => return Ok(Some(Json::Array(Vec::new()))),
            Err(_) if self.lax => return Ok(None),
            Err(missing) => return Err(missing),
        };
        match read {
            None => no_json(),
            Some(Json::Null) if !self.lax => Err(format!("there is nothing but null at {self}")),
            Some(Json::Null) => Ok(None),
            Some(found) => Ok(Some(found)),
        }
    }

    /// What is found in a document; without `*` it is one part.
    fn walk<'a>(&self, document: Unread<'a>) -> Result<Vec<Unread<'a>>, Missing> {
        let mut found = vec![document];
        let mut many = false;
        for step in &self.steps {
            found = match step {
                Step::Member(name) => found.into_iter().filter_map(|part| part.member(name)).collect(),
                Step::Element(at) => found.into_iter().filter_map(|part| part.element(*at)).collect(),
                Step::All => found.into_iter().flat_map(Unread::all).collect(),
            };
            many |= *step == Step::All;
            if found.is_empty() && !many {
                return Err(format!("there is nothing at {self}"));
            }
        }
        Ok(found)
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

fn steps(path: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        let (step, after) = match rest.strip_prefix('.') {
            Some(member) => {
                let end = member.find(['.', '[']).unwrap_or(member.len());
                let (name, after) = member.split_at(end);
                match name.trim() {
                    "" => return None,
                    "*" => (Step::All, after),
                    name if name.contains(['(', '?', '@']) => return None,
                    name => (Step::Member(name.to_owned()), after),
                }
            }
            None => bracket(rest.strip_prefix('[')?.trim_start())?,
        };
        steps.push(step);
        rest = after;
    }
    Some(steps)
}

/// What stands after `[`.
fn bracket(text: &str) -> Option<(Step, &str)> {
    if let Some(quote) = text.chars().next().filter(|first| matches!(first, '\'' | '"')) {
        let mut name = String::new();
        let mut characters = text[1..].char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' => name.push(characters.next()?.1),
                c if c == quote => {
                    let after = text[1 + at + 1..].trim_start().strip_prefix(']')?;
                    return Some((Step::Member(name), after));
                }
                c => name.push(c),
            }
        }
        return None;
    }
    let (index, after) = text.split_once(']')?;
    match index.trim() {
        "*" => Some((Step::All, after)),
        index => Some((Step::Element(index.parse().ok()?), after)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_where_it_says() {
        let document = r#"{"a": {"b.c": [10, {"x": null}, [1, 2]]}, "d": [{"e": 1}, {"e": 2}, {}]}"#;
        let at =
            |path: &str| JsonPath::new(path).unwrap().of(document).map(|found| found.map(|found| found.to_string()));
        assert_eq!(at("$.a['b.c'][0]"), Ok(Some("10".to_owned())));
        assert_eq!(at("$.a[\"b.c\"][-1][1]"), Ok(Some("2".to_owned())));
        assert_eq!(at("lax $.a.x"), Ok(None));
        assert_eq!(at("lax $.a['b.c'][1].x"), Ok(None));
        assert!(at("$.a.x").is_err());
        assert!(at("$.a['b.c'][7]").is_err());
        assert_eq!(at("$.d[*].e"), Ok(Some("[1,2]".to_owned())));
        assert_eq!(at("strict  $.d.*"), Ok(Some(r#"[{"e":1},{"e":2},{}]"#.to_owned())));
        let twice = JsonPath::new("$.a").unwrap().of(r#"{"a":1,"\u0061":[2],"b":"\ud800"}"#).unwrap();
        assert_eq!(twice.map(|found| found.to_string()).as_deref(), Some("[2]"), "the last of a name");
    }

    #[test]
    fn what_is_no_path_is_said() {
        for path in ["a", "", "$a", "$.", "$..x", "$[", "$['a'", "$[x]", "$.d[?(@.e > 1)]", "$[0"] {
            assert!(JsonPath::new(path).is_err(), "{path}");
        }
    }
}
