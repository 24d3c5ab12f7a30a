//! What is prepared from texts that rows bring: each is prepared once.

use std::cell::RefCell;

use hashbrown::HashMap;

/// Prepared things by the text they are made of. Jobs have few of these; with too many, as when each row brings its own, it is begun anew.
#[derive(Debug)]
pub(crate) struct Cache<T> {
    most: usize,
    known: RefCell<HashMap<String, T>>,
}

impl<T: Clone> Cache<T> {
    /// Of at most so many.
    pub(crate) fn of(most: usize) -> Cache<T> {
        Cache { most, known: RefCell::default() }
    }

    /// What `text` stands for, which `make` makes.
    pub(crate) fn get(&self, text: &str, make: impl FnOnce() -> T) -> T {
        if let Some(found) = self.known.borrow().get(text) {
            return found.clone();
        }
        let made = make();
        let mut known = self.known.borrow_mut();
        if known.len() >= self.most {
            known.clear();
        }
        known.insert(text.to_owned(), made.clone());
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_made_once_while_there_are_few() {
        let cache = Cache::of(2);
        let made = RefCell::new(Vec::new());
        for text in ["a", "b", "a", "b", "c", "c", "a"] {
            let length = cache.get(text, || {
                made.borrow_mut().push(text);
                text.len()
            });
            assert_eq!(length, 1);
        }
        assert_eq!(*made.borrow(), ["a", "b", "c", "a"]);
    }
}
