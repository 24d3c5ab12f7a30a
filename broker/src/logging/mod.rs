//! Where log lines go: one line each to stderr, coloured only on a terminal, as verbose as `FOREBAY_LOG` says.

use std::io::IsTerminal;

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The variable that sets what is logged: `debug`, or `forebay::net=trace,warn`.
pub const VARIABLE: &str = "FOREBAY_LOG";

/// Starts logging to stderr, from `default` on where the variable says nothing. A second call changes nothing.
///
/// # Errors
/// One line, if `FOREBAY_LOG` cannot be understood.
pub fn start(default: Level) -> Result<(), String> {
    let wanted = std::env::var(VARIABLE).unwrap_or_default();
    let targets = parse(&wanted, default)?;
    let stderr = std::io::stderr();
    let colour = stderr.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let lines = tracing_subscriber::fmt::layer().compact().with_ansi(colour).with_writer(std::io::stderr);
    // An error means that another subscriber is there, as in tests; it keeps its place.
    let _ = tracing_subscriber::registry().with(lines).with(targets).try_init();
    Ok(())
}

/// Reads a list of `level` and `target=level`.
fn parse(text: &str, default: Level) -> Result<Targets, String> {
    let mut targets = Targets::new().with_default(default);
    for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let (target, level) = entry.split_once('=').map_or((None, entry), |(target, level)| (Some(target), level));
        let Ok(level) = level.trim().parse::<LevelFilter>() else {
            return Err(format!(
                "variable {VARIABLE}: {level} is not a level; use error, warn, info, debug, trace or off, \
                 alone or as target=level, separated by commas"
            ));
        };
        targets = match target {
            None => targets.with_default(level),
            Some(target) => targets.with_target(target.trim(), level),
        };
    }
    Ok(targets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Targets, String> {
        super::parse(text, Level::INFO)
    }

    #[test]
    fn levels_and_targets() {
        assert!(parse("").unwrap().would_enable("forebay::net", &Level::INFO));
        assert!(!parse("").unwrap().would_enable("forebay::net", &Level::DEBUG));
        let both = parse("forebay::net=trace, warn").unwrap();
        assert!(both.would_enable("forebay::net::tls", &Level::TRACE));
        assert!(!both.would_enable("forebay::api", &Level::INFO));
        assert!(!parse("off").unwrap().would_enable("forebay", &Level::ERROR));
        assert!(parse("loud").unwrap_err().contains("loud is not a level"));
    }
}
