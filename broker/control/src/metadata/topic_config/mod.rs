//! The configs of topics: their names, types, defaults and rules, and where an effective value comes from.

mod effective;
mod entry;
mod layers;
mod rule;
mod table;
mod validate;

pub use effective::Effective;
pub use entry::{ConfigEntry, ConfigSource, ConfigSynonym, ConfigType};
pub use layers::Layers;
pub use rule::Rule;
pub use table::{Definition, TOPIC_CONFIGS, definition};
pub use validate::validate;
