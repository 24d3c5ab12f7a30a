//! The commands against a real HTTP server with a fake of the jobs behind it.

use clap::Parser;

use super::*;
use crate::http::JobState;
use crate::http::tests::{Server, start};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: JobArgs,
}

/// A server of its own, and the commands run against it.
struct Fixture {
    _runtime: tokio::runtime::Runtime,
    /// Stops when dropped.
    _server: Server,
    admin: String,
    dir: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let server = runtime.block_on(start());
        let admin = format!("http://{}", server.address);
        Self { _runtime: runtime, _server: server, admin, dir: tempfile::tempdir().unwrap() }
    }

    fn file(&self, name: &str, sql: &str) -> String {
        let path = self.dir.path().join(name);
        std::fs::write(&path, sql).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn run(&self, words: &[&str]) -> CliResult {
        let line = ["job"].iter().chain(words).chain(&["--admin", self.admin.as_str()]).copied().collect::<Vec<_>>();
        run(Line::try_parse_from(line).unwrap().args)
    }

    fn exit(&self, words: &[&str]) -> Exit {
        self.run(words).unwrap_err().exit
    }

    fn client(&self) -> Client {
        Client::new(&self.admin).unwrap()
    }
}

#[test]
fn a_job_s_life() {
    let fixture = Fixture::new();
    let file = fixture.file("user-metrics.sql", "INSERT INTO out SELECT 1");
    fixture.run(&["apply", &file]).unwrap();
    let made = fixture.client().describe("user-metrics").unwrap();
    assert_eq!((made.sql.as_str(), made.state), ("INSERT INTO out SELECT 1", JobState::Running));
    fixture.run(&["pause", "user-metrics"]).unwrap();
    assert_eq!(fixture.client().list().unwrap()[0].state, JobState::Paused);
    fixture.run(&["resume", "user-metrics"]).unwrap();
    assert_eq!(fixture.client().list().unwrap()[0].state, JobState::Running);
    for words in [["list", "-o", "json"], ["list", "-o", "table"]] {
        fixture.run(&words).unwrap();
    }
    fixture.run(&["drop", "user-metrics", "--yes"]).unwrap();
    assert!(fixture.client().list().unwrap().is_empty());
}

#[test]
fn savepoints_and_other_statements() {
    let fixture = Fixture::new();
    let file = fixture.file("a.sql", "INSERT");
    fixture.run(&["apply", &file, "--replace"]).unwrap();
    let other = fixture.file("b.sql", "INSERT MORE");
    fixture.run(&["apply", &other, "--name", "a", "--replace"]).unwrap();
    assert_eq!(fixture.client().describe("a").unwrap().sql, "INSERT MORE");
    let refused = fixture.file("c.sql", "other keys");
    let error = fixture.run(&["apply", &refused, "--name", "a", "--replace"]).unwrap_err();
    assert_eq!(error, CliError::failed("job a stays as it is: the keys change"));
    assert_eq!(fixture.client().describe("a").unwrap().sql, "INSERT MORE");
    fixture.run(&["savepoint", "create", "a", "s"]).unwrap();
    assert_eq!(fixture.client().savepoints(Some("a")).unwrap().len(), 1);
    assert!(fixture.client().savepoints(Some("b")).unwrap().is_empty());
    fixture.run(&["savepoint", "list"]).unwrap();
    fixture.run(&["savepoint", "drop", "a", "s"]).unwrap();
    assert_eq!(fixture.exit(&["savepoint", "drop", "a", "s"]), Exit::NotThere);
    fixture.run(&["savepoint", "drop", "a", "s", "--if-exists"]).unwrap();
    assert_eq!(fixture.exit(&["savepoint", "create", "none", "s"]), Exit::NotThere);
}

#[test]
fn exit_codes_say_what_went_wrong() {
    let fixture = Fixture::new();
    let file = fixture.file("a.sql", "INSERT");
    fixture.run(&["apply", &file]).unwrap();
    assert_eq!(fixture.exit(&["apply", &file]), Exit::AlreadyThere);
    fixture.run(&["apply", &file, "--if-not-exists"]).unwrap();
    fixture.run(&["apply", &file, "--name", "b"]).unwrap();
    for words in [&["describe", "none"][..], &["pause", "none"], &["resume", "none"], &["drop", "none", "--yes"]] {
        assert_eq!(fixture.exit(words), Exit::NotThere, "{words:?}");
    }
    fixture.run(&["drop", "none", "--yes", "--if-exists"]).unwrap();
    assert_eq!(fixture.exit(&["apply", "/nowhere.sql"]), Exit::Usage);
}

#[test]
fn a_mistake_is_told_with_its_file_and_place() {
    let fixture = Fixture::new();
    let file = fixture.file("a.sql", "SELEC 1");
    let error = fixture.run(&["apply", &file]).unwrap_err();
    assert_eq!(error, CliError::failed(format!("{file}: 3 | SELEC\n    ^")));
}
