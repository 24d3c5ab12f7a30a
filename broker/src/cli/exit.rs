//! How a command ends: its exit code, and the one message of a failure.

use std::fmt;
use std::process::ExitCode;

/// The exit codes of all commands; scripts rely on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// The operation failed.
    Failed = 1,
    /// The command line, the configuration or the input is wrong.
    Usage = 2,
    /// The broker cannot be reached, or did not answer in time.
    Unreachable = 3,
    /// Authentication or authorization refused it.
    Refused = 4,
    /// What was named is not there.
    NotThere = 5,
    /// What was to be made is there already.
    AlreadyThere = 6,
    /// Ctrl-C has ended it.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command failed: what, where, why, and the next step, for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CliError {
    /// The exit code.
    pub exit: Exit,
    /// The message, without a trailing newline.
    pub message: String,
}

/// How a command ends.
pub type CliResult = Result<(), CliError>;

impl CliError {
    /// A failure with its exit code.
    #[must_use]
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    /// The operation failed.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// The command line, the configuration or the input is wrong.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CliError {}
