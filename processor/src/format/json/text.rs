//! JSON kept as text: what a STRING column gets from a field that is not a string.

/// The same JSON without white space between its tokens, as Jackson prints a tree. `json` must be valid.
pub fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut inside, mut escaped) = (false, false);
    for c in json.chars() {
        if inside || !c.is_ascii_whitespace() {
            out.push(c);
        }
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = inside,
            '"' => inside = !inside,
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_between_tokens_go_and_others_stay() {
        assert_eq!(compact(r#" { "a b" : [ 1 , "x \" y" ] } "#), r#"{"a b":[1,"x \" y"]}"#);
    }
}
