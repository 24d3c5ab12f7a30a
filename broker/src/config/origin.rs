//! Where a setting came from.

use std::fmt;

/// Where a setting came from; shown in front of messages about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A line of a properties file.
    File {
        /// The file as named on the command line.
        file: String,
        /// The line, from 1.
        line: u32,
    },
    /// An environment variable.
    Variable(String),
    /// A command-line flag, such as `--override`.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { file, line } => write!(f, "{file}:{line}"),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}
