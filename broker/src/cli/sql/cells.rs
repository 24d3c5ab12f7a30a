//! Rows as they come, JSON objects, into the cells of a table. Numbers stay as they are written: a DECIMAL has more digits than a DOUBLE.

/// The fields of an object in their order: name and value, both as they are written.
pub(super) fn fields(object: &str) -> Vec<(&str, &str)> {
    let inner = object.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
    let mut fields = Vec::new();
    let mut rest = inner;
    while !rest.trim_start().is_empty() {
        let at = end_of_value(rest, b':');
        let (name, after) = rest.split_at(at);
        let after = after.strip_prefix(':').unwrap_or(after);
        let end = end_of_value(after, b',');
        fields.push((name.trim(), after[..end].trim()));
        rest = after[end..].strip_prefix(',').unwrap_or_default();
    }
    fields
}

/// Where the next `stop` stands that is in no text, object or array.
fn end_of_value(text: &str, stop: u8) -> usize {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            byte if byte == stop && depth == 0 => return at,
            _ => {}
        }
    }
    text.len()
}

/// A value as a person reads it: texts without quotes, and nothing in them that a terminal would obey.
pub(super) fn shown(value: &str) -> String {
    match value {
        "null" => "NULL".to_owned(),
        text if text.starts_with('"') => plain(&text_of(text)),
        other => plain(other),
    }
}

/// The text of a JSON string.
pub(super) fn text_of(value: &str) -> String {
    serde_json::from_str(value).unwrap_or_else(|_| value.to_owned())
}

/// A text in one line, control characters written out.
pub(super) fn plain(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

/// A value of a line of CSV (RFC 4180): NULL is nothing at all.
pub(super) fn csv(value: &str) -> String {
    let text = match value {
        "null" => return String::new(),
        text if text.starts_with('"') => text_of(text),
        other => other.to_owned(),
    };
    match text.is_empty() || text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_as_they_are_written() {
        let row = r#"{"a":"x, \"y\": {","b":12345678901234567890123456789012345.678,"c":null,"d":{"e":[1,2]},"f":""}"#;
        let expected = [
            ("\"a\"", r#""x, \"y\": {""#),
            ("\"b\"", "12345678901234567890123456789012345.678"),
            ("\"c\"", "null"),
            ("\"d\"", r#"{"e":[1,2]}"#),
            ("\"f\"", "\"\""),
        ];
        assert_eq!(fields(row), expected);
        assert_eq!(fields("{}"), []);
    }

    #[test]
    fn cells_for_people_and_for_csv() {
        let found: Vec<String> =
            ["null", "\"a\\u001b[2Jb\\n\"", "1.50", "true"].iter().map(|value| shown(value)).collect();
        assert_eq!(found, ["NULL", "a\\u{1b}[2Jb\\n", "1.50", "true"]);
        let found: Vec<String> = ["null", "\"\"", "\"a,\\\"b\\\"\"", "7"].iter().map(|value| csv(value)).collect();
        assert_eq!(found, ["", "\"\"", "\"a,\"\"b\"\"\"", "7"]);
    }
}
