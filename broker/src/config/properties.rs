//! Java's properties syntax: `key=value`, `key: value` or `key value`, comments, escapes, continued lines.
//!
//! The rules are those of `java.util.Properties.load`.

/// One entry of a properties file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// The key, escapes resolved.
    pub key: String,
    /// The value, escapes resolved; trailing blanks stay, as in Java.
    pub value: String,
    /// The line the entry starts on, from 1.
    pub line: u32,
}

/// A broken `\u` escape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadEscape {
    /// The line it stands on, from 1.
    pub line: u32,
}

/// Reads a properties file.
///
/// # Errors
/// A `\u` that four hexadecimal digits do not follow.
pub fn parse(text: &str) -> Result<Vec<Property>, BadEscape> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut entries = Vec::new();
    let mut lines = text.lines().zip(1_u32..);
    while let Some((first, line)) = lines.next() {
        let first = first.trim_start_matches(is_blank);
        if first.is_empty() || first.starts_with(['#', '!']) {
            continue;
        }
        let mut logical = first.to_owned();
        while ends_with_continuation(&logical) {
            logical.pop();
            match lines.next() {
                Some((next, _)) => logical.push_str(next.trim_start_matches(is_blank)),
                None => break,
            }
        }
        let (key, value) = split(&logical);
        let resolve = |part| unescape(part).ok_or(BadEscape { line });
        entries.push(Property { key: resolve(key)?, value: resolve(value)?, line });
    }
    Ok(entries)
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\x0c')
}

/// A line goes on when it ends in an odd number of backslashes.
fn ends_with_continuation(line: &str) -> bool {
    line.bytes().rev().take_while(|&b| b == b'\\').count() % 2 == 1
}

/// Splits at the first separator that no backslash precedes: blanks, or `=` or `:` with blanks around.
fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = line.char_indices().find_map(|(i, c)| {
        let separates = !escaped && (c == '=' || c == ':' || is_blank(c));
        escaped = c == '\\' && !escaped;
        separates.then_some(i)
    });
    let Some(end) = end else { return (line, "") };
    let rest = line[end..].trim_start_matches(is_blank);
    let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (&line[..end], rest.trim_start_matches(is_blank))
}

fn unescape(text: &str) -> Option<String> {
    if !text.contains('\\') {
        return Some(text.to_owned());
    }
    // `\u` escapes are UTF-16 units: a character above U+FFFF comes as two of them.
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let c = if c == '\\' {
            match chars.next() {
                None => break,
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('f') => '\x0c',
                Some('u') => {
                    let digits: String = chars.by_ref().take(4).collect();
                    let all_hex = digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_hexdigit());
                    units.push(u16::from_str_radix(&digits, 16).ok().filter(|_| all_hex)?);
                    continue;
                }
                Some(other) => other,
            }
        } else {
            c
        };
        units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
    }
    Some(String::from_utf16_lossy(&units))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap().into_iter().map(|p| (p.key, p.value)).collect()
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    /// The examples of `java.util.Properties.load`'s documentation.
    #[test]
    fn java_s_own_examples() {
        assert_eq!(pairs("Truth = Beauty\n Truth:Beauty\nTruth\t\t\t:Beauty"), vec![pair("Truth", "Beauty"); 3]);
        let continued = "fruits                           apple, banana, pear, \\\n                                  cantaloupe, watermelon, \\\n                                  kiwi, mango";
        assert_eq!(pairs(continued), [pair("fruits", "apple, banana, pear, cantaloupe, watermelon, kiwi, mango")]);
        assert_eq!(pairs("cheeses"), [pair("cheeses", "")]);
    }

    #[test]
    fn separators_escapes_and_comments() {
        assert_eq!(pairs("# no\n  ! no\n\n\t\na=b=c"), [pair("a", "b=c")]);
        assert_eq!(pairs(r"a\:b\=c\ d = e\tf\\"), [pair("a:b=c d", "e\tf\\")]);
        assert_eq!(pairs("k   v w  "), [pair("k", "v w  ")]);
        assert_eq!(pairs("=v"), [pair("", "v")]);
        assert_eq!(pairs("a=\\u0041\\ud83d\\ude00\\z"), [pair("a", "A\u{1f600}z")]);
        assert_eq!(pairs("a=1\r\nb=2\r\n"), [pair("a", "1"), pair("b", "2")]);
        assert_eq!(pairs("\u{feff}a=1"), [pair("a", "1")]);
        assert_eq!(pairs("a=1\\"), [pair("a", "1")]);
        assert_eq!(pairs("a=1\\\\\nb=2"), [pair("a", "1\\"), pair("b", "2")]);
        // A comment sign inside a continued line belongs to the value.
        assert_eq!(pairs("a=1,\\\n# 2"), [pair("a", "1,# 2")]);
    }

    #[test]
    fn lines_are_counted_where_an_entry_starts() {
        let lines: Vec<u32> = parse("# x\na=1,\\\n 2\n\nb=3").unwrap().iter().map(|p| p.line).collect();
        assert_eq!(lines, [2, 5]);
        assert_eq!(parse("a=1\nb=\\u00g1"), Err(BadEscape { line: 2 }));
    }

    proptest! {
        #[test]
        fn whatever_the_text_it_does_not_panic(text in "\\PC*(\n|\\\\|[=: \t#!]|\\PC)*") {
            let _ = parse(&text);
        }
    }
}
