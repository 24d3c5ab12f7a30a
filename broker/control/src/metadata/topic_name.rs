//! Which names a topic may have (Kafka: org.apache.kafka.common.internals.Topic).

/// The most characters of a name: a folder's name holds it with a partition number and a suffix.
pub const MAX_TOPIC_NAME_LENGTH: usize = 249;

/// Whether a topic may have this name; else Kafka's message for INVALID_TOPIC_EXCEPTION.
pub fn validate_topic_name(name: &str) -> Result<(), String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let reason = match name {
        "" => "the empty string is not allowed".to_owned(),
        "." => "'.' is not allowed".to_owned(),
        ".." => "'..' is not allowed".to_owned(),
        _ if name.encode_utf16().count() > MAX_TOPIC_NAME_LENGTH => {
            format!("the length of '{name}' is longer than the max allowed length {MAX_TOPIC_NAME_LENGTH}")
        }
        _ if !name.chars().all(legal) => {
            format!("'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'")
        }
        _ => return Ok(()),
    };
    Err(format!("Topic name is invalid: {reason}"))
}

/// Whether two names make the same name of a metric, in which `.` becomes `_`.
pub(super) fn collide(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).all(|(a, b)| a == b || is_dot(a) && is_dot(b))
}

fn is_dot(c: u8) -> bool {
    matches!(c, b'.' | b'_')
}

/// Whether the name has a character by which it can collide with another.
pub(super) fn can_collide(name: &str) -> bool {
    name.bytes().any(is_dot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legal_and_illegal_names_are_kafkas() {
        // TopicTest.shouldAcceptValidTopicNames and shouldThrowOnInvalidTopicNames.
        for good in ["valid", "TOPIC", "nAmEs", "ar6", "VaL1d", "_0-9_.", "...", &"a".repeat(249)] {
            assert_eq!(validate_topic_name(good), Ok(()), "{good}");
        }
        for bad in ["", "foo bar", "..", "foo:bar", "foo=bar", ".", "foo/bar", "é", &"a".repeat(250)] {
            assert!(validate_topic_name(bad).is_err(), "{bad}");
        }
        assert_eq!(
            validate_topic_name("a b").unwrap_err(),
            "Topic name is invalid: 'a b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
        );
    }

    #[test]
    fn dots_and_underscores_collide() {
        // TopicTest.testTopicHasCollision
        for (a, b) in
            [("topic", "topic"), ("top.ic", "top_ic"), ("_topic", ".topic"), ("topic_", "topic."), ("a.b_c", "a_b.c")]
        {
            assert!(collide(a, b), "{a} {b}");
        }
        assert!(!collide("a.b", "a-b"));
        assert!(!collide("a.b", "ab"));
    }
}
