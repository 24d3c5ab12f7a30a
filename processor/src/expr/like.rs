//! LIKE patterns, compiled once.

/// A LIKE pattern: `%` stands for any text, `_` for any one character, the escape character makes the next one literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LikePattern {
    source: String,
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    One(char),
    AnyOne,
    AnyText,
}

impl LikePattern {
    /// Compiles a pattern. `None` if the escape character stands before something that needs none, as Flink refuses it.
    pub(crate) fn new(source: &str, escape: Option<char>) -> Option<Self> {
        let mut parts = Vec::with_capacity(source.len());
        let mut characters = source.chars();
        while let Some(character) = characters.next() {
            let part = match character {
                c if Some(c) == escape => match characters.next()? {
                    next if next == '%' || next == '_' || Some(next) == escape => Part::One(next),
                    _ => return None,
                },
                '%' if parts.last() == Some(&Part::AnyText) => continue,
                '%' => Part::AnyText,
                '_' => Part::AnyOne,
                c => Part::One(c),
            };
            parts.push(part);
        }
        Some(Self { source: source.to_owned(), parts })
    }

    /// The pattern as it was written.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// Whether the whole text matches. On a mismatch only the last `%` is taken back, so the time is at most the product of
    /// both lengths.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let (mut part, mut rest) = (0, text.chars());
        let mut retry: Option<(usize, std::str::Chars<'_>)> = None;
        loop {
            match self.parts.get(part) {
                Some(Part::AnyText) => {
                    part += 1;
                    if part == self.parts.len() {
                        return true;
                    }
                    retry = Some((part, rest.clone()));
                    continue;
                }
                Some(expected) => {
                    let mut ahead = rest.clone();
                    let character = ahead.next();
                    if character.is_some_and(|c| *expected == Part::AnyOne || *expected == Part::One(c)) {
                        (part, rest) = (part + 1, ahead);
                        continue;
                    }
                }
                None if rest.as_str().is_empty() => return true,
                None => {}
            }
            let Some((after, mut from)) = retry.take() else { return false };
            if from.next().is_none() {
                return false;
            }
            (part, rest) = (after, from.clone());
            retry = Some((after, from));
        }
    }
}
