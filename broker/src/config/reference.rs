//! The reference page of all keys, `docs/reference/configuration.md`, made from the table.

use std::fmt::Write;

use super::dynamic::acts;
use super::key::{Effect, Key, Scope};
use super::table::table;
use super::value::describe_allowed;

/// What stands above the tables.
const INTRODUCTION: &str = "\
# Configuration keys

Made from the table in `broker/src/config/keys/`; change it there, then run
`FOREBAY_REWRITE=1 cargo test -p forebay --lib reference`.

A broker reads, and the last wins: Apache Kafka's defaults, the file of `--config` (Kafka's `server.properties`),
environment variables as Apache Kafka's container image maps them (`KAFKA_LOG_DIRS` is `log.dirs`, `__` is `_`, `___` is
`-`), `--override KEY=VALUE`, and `--data DIR` (`log.dirs`). Without any of them it listens on port 9092 of every
interface as node 1, and keeps its data where Kafka does, in `/tmp/kafka-logs`.

Names, types, defaults and meanings are those of Apache Kafka 4.3. Keys marked with * are accepted and change nothing
here; if any is set, one warning names them all, and so it names the keys that Kafka 4 dropped. An unknown key, or a
value that is not allowed, is an error that says where it stands. `forebay config explain KEY` shows one key,
`forebay config check FILE` checks a file without starting a broker.

Every key that is per-broker or cluster-wide can be set at run time with `kafka-configs.sh` or IncrementalAlterConfigs, is stored and
shown. Those with + act at once, among them the defaults of topics, the limits of connections and the cleaner's; what is set of the others does nothing, not even after
a restart: put them into the file.

What cannot be kept is refused, never ignored: listeners with SSL or SASL, `authorizer.class.name`, and the roles and
voters of a cluster of several nodes are not there yet.
";

/// The page.
#[must_use]
pub fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    let mut family = "";
    for key in table().keys() {
        if key.family != family {
            family = key.family;
            start_family(&mut page, key);
        }
        add_row(&mut page, key);
    }
    page
}

fn start_family(page: &mut String, key: &Key) {
    let changes = if key.scope == Scope::Broker { " Changes |" } else { "" };
    let rule = if key.scope == Scope::Broker { "---|" } else { "" };
    let _ = write!(
        page,
        "\n## {}\n\n| Key | Type | Default | Allowed |{changes} Meaning |\n|---|---|---|---|{rule}---|\n",
        key.family
    );
}

fn add_row(page: &mut String, key: &Key) {
    let mark = if key.effect == Effect::Meaningless { " *" } else { "" };
    let default = match key.default {
        None => "not set".to_owned(),
        Some("") => "empty".to_owned(),
        Some(default) => format!("`{default}`"),
    };
    let allowed = if key.allowed.is_empty() { String::new() } else { describe_allowed(key) };
    let at_once = if acts(key) { " +" } else { "" };
    let changes = format!(" {}{at_once} |", key.update_mode.name());
    let changes = if key.scope == Scope::Broker { changes } else { String::new() };
    let (name, kind) = (key.name, key.key_type.name());
    let _ = writeln!(page, "| `{name}`{mark} | {kind} | {default} | {allowed} |{changes} {} |", key.doc);
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/configuration.md");

    #[test]
    fn the_page_is_up_to_date() {
        if std::env::var_os("FOREBAY_REWRITE").is_some() {
            std::fs::create_dir_all(std::path::Path::new(PAGE).parent().unwrap()).unwrap();
            std::fs::write(PAGE, page()).unwrap();
        }
        let found = std::fs::read_to_string(PAGE).unwrap_or_default();
        let stale = found.lines().zip(page().lines().map(str::to_owned)).find(|(old, new)| old != new);
        assert!(
            found == page(),
            "docs/reference/configuration.md is stale at {stale:?}; run FOREBAY_REWRITE=1 cargo test -p forebay --lib reference"
        );
    }
}
