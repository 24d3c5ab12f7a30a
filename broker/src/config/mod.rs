//! Configuration: one table of keys, the sources they are set by, and the typed result.
//!
//! `table` is the list of all keys, `load` reads the sources into a `BrokerConfig`, `describe` answers
//! what clients ask about it. Nothing here touches files or the environment; the caller hands both in as text.

pub mod client_metrics;
pub mod describe;
pub mod dynamic;
pub mod env;
pub mod error;
pub mod group;
pub mod key;
pub mod listeners;
pub mod origin;
pub mod properties;
pub mod reference;
pub mod settings;
pub mod synonyms;
pub mod table;
pub mod topic;
pub mod value;

mod broker;
mod load;
mod values;

pub use broker::BrokerConfig;
pub use error::{ConfigError, ConfigErrors};
pub use listeners::{Listener, Listeners, SecurityProtocol};
pub use load::{Loaded, Sources, load};
pub use origin::Origin;
pub use values::{Setting, Values};
