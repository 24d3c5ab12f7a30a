//! The parts of a URL, as `java.net.URL` cuts it: nothing is decoded, nothing is put right.

use super::{EvalError, MISSHAPEN, Value, string};

/// A URL of one of these is one; others Java does not know.
const PROTOCOLS: &[&str] = &["http", "https", "ftp", "file", "jar", "mailto"];

/// The parts that are there.
#[derive(Debug, Default, PartialEq, Eq)]
struct Url<'a> {
    protocol: String,
    authority: Option<&'a str>,
    user: Option<&'a str>,
    host: &'a str,
    path: &'a str,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
}

fn parse(text: &str) -> Option<Url<'_>> {
    let (protocol, rest) = text.trim().split_once(':')?;
    let protocol = protocol.to_ascii_lowercase();
    if !PROTOCOLS.contains(&protocol.as_str()) {
        return None;
    }
    let (rest, fragment) = cut(rest, '#');
    let (rest, query) = cut(rest, '?');
    let mut url = Url { protocol, path: rest, query, fragment, ..Url::default() };
    if let Some(rest) = rest.strip_prefix("//") {
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (user, place) = authority.rsplit_once('@').map_or((None, authority), |(user, place)| (Some(user), place));
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port),
            _ => (place, ""),
        };
        if !port.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        url = Url { authority: Some(authority), user, host, path, ..url };
    }
    Some(url)
}

fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

impl Url<'_> {
    fn part(&self, name: &str) -> Option<String> {
        match name {
            "PROTOCOL" => Some(self.protocol.clone()),
            "AUTHORITY" => self.authority.map(str::to_owned),
            "USERINFO" => self.user.map(str::to_owned),
            "HOST" => Some(self.host.to_owned()),
            "PATH" => Some(self.path.to_owned()),
            "QUERY" => self.query.map(str::to_owned),
            "REF" => self.fragment.map(str::to_owned),
            "FILE" => Some(self.query.map_or_else(|| self.path.to_owned(), |query| format!("{}?{query}", self.path))),
            _ => None,
        }
    }

    fn parameter(&self, key: &str) -> Option<String> {
        let mut parameters = self.query?.split('&').filter_map(|pair| pair.split_once('='));
        parameters.find(|(name, _)| *name == key).map(|(_, value)| value.to_owned())
    }
}

/// `PARSE_URL(url, part [, key])`.
pub(super) fn parse_url(values: &[Value<'_>]) -> Result<Value<'static>, EvalError> {
    let found = match values {
        [Value::String(url), Value::String(part)] => parse(url).and_then(|url| url.part(part)),
        [Value::String(url), Value::String(part), Value::String(key)] if part == "QUERY" => {
            parse(url).and_then(|url| url.parameter(key))
        }
        // Only a query has keys.
        [Value::String(_), Value::String(_), Value::String(_)] => None,
        _ => return Err(MISSHAPEN),
    };
    Ok(found.map_or(Value::Null, string))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Flink 2.2.1 gave.
    #[test]
    fn a_url_is_cut_as_java_cuts_it() {
        let part = |text: &'static str, name: &str| parse(text).and_then(|url| url.part(name));
        let url = "http://u:p@a.b:80/c/d?x=1&y=2#f";
        for (name, expected) in [
            ("PROTOCOL", "http"),
            ("AUTHORITY", "u:p@a.b:80"),
            ("USERINFO", "u:p"),
            ("HOST", "a.b"),
            ("PATH", "/c/d"),
            ("QUERY", "x=1&y=2"),
            ("REF", "f"),
            ("FILE", "/c/d?x=1&y=2"),
        ] {
            assert_eq!(part(url, name).as_deref(), Some(expected), "{name}");
        }
        assert_eq!(parse(url).and_then(|url| url.parameter("y")).as_deref(), Some("2"));
        assert_eq!(part("http://a.b/c", "QUERY"), None);
        assert_eq!(part("http://a.b/c", "FILE").as_deref(), Some("/c"));
        for none in ["nonsense", "gopher://a.b", "http://a.b:x/"] {
            assert_eq!(parse(none), None, "{none}");
        }
        assert_eq!(part("http://[::1]:80/", "HOST").as_deref(), Some("[::1]"));
    }
}
