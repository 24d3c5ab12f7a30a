//! What can be wrong with a configuration, each as one line that says what, where, why and what to do.

use std::fmt;

use super::origin::Origin;

/// One thing that is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A key that neither Kafka nor Forebay knows.
    #[error("{origin}: unknown key {key}{}{}", did_you_mean(*nearest), not_for_us(origin))]
    UnknownKey {
        /// The key as written.
        key: String,
        /// The known key closest to it.
        nearest: Option<&'static str>,
        /// Where it stands.
        origin: Origin,
    },
    /// A value that the key does not take.
    #[error("{origin}: {key}={value} is not valid: {allowed} is expected")]
    BadValue {
        /// The key.
        key: String,
        /// The value as written; hidden for passwords.
        value: String,
        /// What is allowed.
        allowed: String,
        /// Where it stands.
        origin: Origin,
    },
    /// Values that are valid each and do not go together, or that ask for something that is not there.
    #[error("{origin}: {key}: {reason}")]
    Refused {
        /// The key.
        key: &'static str,
        /// Why, and what to do.
        reason: String,
        /// Where it stands.
        origin: Origin,
    },
    /// Text that is not a setting.
    #[error("{origin}: {reason}")]
    Syntax {
        /// Why, and what to do.
        reason: String,
        /// Where it stands.
        origin: Origin,
    },
}

/// Everything that is wrong with the configuration, in the order of the sources; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self(vec![error])
    }
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map(|name| format!("; did you mean {name}?")).unwrap_or_default()
}

/// Variables may be meant for another program.
fn not_for_us(origin: &Origin) -> &'static str {
    if matches!(origin, Origin::Variable(_)) { " (unset the variable if it is not for the broker)" } else { "" }
}
