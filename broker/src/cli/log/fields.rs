//! Named values in the order in which people want to read them.

use serde::{Serialize, Serializer};
use serde_json::Value;

/// The fields of an entry; an object in JSON.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Fields(pub(super) Vec<(&'static str, Value)>);

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// Writes [`Fields`] as `json!` writes an object.
macro_rules! fields {
    ({ $($name:literal : $value:expr),* $(,)? }) => {
        $crate::cli::log::fields::Fields(vec![$(($name, serde_json::json!($value))),*])
    };
}
pub(super) use fields;
