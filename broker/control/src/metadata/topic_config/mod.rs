//! The configs of topics: their names, types, defaults and rules.

mod entry;

pub use entry::{ConfigEntry, ConfigSource, ConfigSynonym, ConfigType};
