//! `forebay sql` as a person and as scripts use it: on a pseudo-terminal, which `script` of util-linux makes, and without one.

#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use protocol_tests::binary;
use protocol_tests::broker::{Broker, Node};
use protocol_tests::process::LOOK_EVERY;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

const LIMIT: Duration = Duration::from_secs(60);

const CLICKS: &str = "CREATE TABLE clicks (user_id STRING, n BIGINT) WITH ('connector' = 'kafka', 'topic' = 'clicks', 'format' = 'json')";
const COPY: &str =
    "CREATE TABLE copy (user_id STRING, n BIGINT) WITH ('connector' = 'kafka', 'topic' = 'copy', 'format' = 'json')";
const BATCH: &str = "SET 'execution.runtime-mode' = 'batch'";

/// Runs `forebay sql` to its end, without a terminal.
fn sql(node: &Node, args: &[&str], input: &str) -> Output {
    let mut command = Command::new(binary::forebay());
    command.args(["sql", "-b", &node.admin_url()]).args(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// What it printed, where it must not fail.
fn printed(node: &Node, args: &[&str]) -> String {
    let output = sql(node, args, "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Values into the topic clicks.
fn produce(node: &Node, values: &[&str]) {
    let producer: BaseProducer = ClientConfig::new().set("bootstrap.servers", node.bootstrap()).create().unwrap();
    for value in values {
        producer.send(BaseRecord::<str, str>::to("clicks").payload(value)).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(LIMIT).unwrap();
}

/// A broker whose topic clicks has three records.
fn with_clicks(name: &str) -> Node {
    let node = Broker::Forebay.start_with(name, &[("num.partitions", "1")]).unwrap();
    let values = ["{\"user_id\":\"ann\",\"n\":1}", "{\"user_id\":\"bob, jr\",\"n\":2}", "{\"user_id\":null,\"n\":3}"];
    produce(&node, &values);
    node
}

#[test]
fn scripts_get_rows_in_the_form_they_ask_for() {
    let node = with_clicks("sql-forms");
    let ask = |format: &str| {
        printed(&node, &["-e", &format!("{CLICKS}; {BATCH}; SELECT n, user_id FROM clicks"), "-o", format])
    };
    assert_eq!(ask("table"), "n  user_id\n1  ann\n2  bob, jr\n3  NULL\n");
    assert_eq!(ask("csv"), "n,user_id\n1,ann\n2,\"bob, jr\"\n3,\n");
    assert_eq!(
        ask("jsonl"),
        "{\"n\":1,\"user_id\":\"ann\"}\n{\"n\":2,\"user_id\":\"bob, jr\"}\n{\"n\":3,\"user_id\":null}\n"
    );
    assert_eq!(
        ask("json"),
        "[\n{\"n\":1,\"user_id\":\"ann\"},\n{\"n\":2,\"user_id\":\"bob, jr\"},\n{\"n\":3,\"user_id\":null}\n]\n"
    );
    let folder = tempfile::tempdir().unwrap();
    let (tables, query) = (folder.path().join("tables.sql"), folder.path().join("query.sql"));
    std::fs::write(&tables, format!("-- tables; of all\n{CLICKS};\n")).unwrap();
    std::fs::write(&query, "SELECT n\nFROM clicks LIMIT 2;\nSHOW TABLES;").unwrap();
    let found = printed(&node, &["-i", tables.to_str().unwrap(), "-f", query.to_str().unwrap(), "-o", "csv"]);
    assert_eq!(found, "n\n1\n2\ntable_name,kind,topic\nclicks,table,clicks\n");
    let piped = sql(&node, &["-n", "1", "-o", "jsonl"], &format!("{CLICKS};\nSELECT user_id FROM clicks;"));
    assert_eq!(String::from_utf8(piped.stdout).unwrap(), "{\"user_id\":\"ann\"}\n");
    // Only the topic that was there: queries leave nothing.
    assert_eq!(printed(&node, &["-e", "SHOW TOPICS", "-o", "csv"]), "topic,partitions,offsets\nclicks,1,3\n");
}

#[test]
fn mistakes_have_their_place_and_an_exit_code() {
    let node = with_clicks("sql-mistakes");
    let fails = |args: &[&str]| {
        let output = sql(&node, args, "");
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.sql");
    std::fs::write(&file, format!("{CLICKS};\n\n  SELECT usr_id FROM clicks;")).unwrap();
    let (code, said) = fails(&["-f", file.to_str().unwrap()]);
    assert!(code == 1 && said.contains("x.sql: error: ") && said.contains("--> line 3, column 10"), "{said}");
    assert!(said.contains("3 |   SELECT usr_id FROM clicks\n  |          ^^^^^^\n  = did you mean user_id?"), "{said}");
    let (code, said) = fails(&["-e", &format!("{}; SELECT n FROM clicks", CLICKS.replace("'clicks'", "'clikcs'"))]);
    assert!(code == 5 && said.contains("there is no topic clikcs; did you mean clicks?"), "{code} {said}");
    assert_eq!(fails(&["-e", "x", "-f", "y"]).0, 2);
    assert_eq!(fails(&["-f", "/nowhere/x.sql"]).0, 2);
    let output =
        Command::new(binary::forebay()).args(["sql", "-b", "127.0.0.1:1", "-e", "SHOW JOBS"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_table_is_proposed_and_a_job_deployed() {
    let node = with_clicks("sql-deploys");
    let bare = "CREATE TABLE clicks WITH ('connector' = 'kafka', 'topic' = 'clicks')";
    let found = printed(&node, &["-e", &format!("{bare}; {BATCH}; SELECT n FROM clicks WHERE n > 2"), "-o", "csv"]);
    let (ddl, rows) = found.split_once(";\n").unwrap();
    assert!(
        ddl.starts_with("CREATE TABLE clicks (\n  user_id STRING,\n  n BIGINT,\n  ts TIMESTAMP_LTZ(3) METADATA"),
        "{ddl}"
    );
    assert_eq!(rows, "n\n3\n");
    let deploy =
        format!("{CLICKS}; {COPY}; SET 'pipeline.name' = 'copying'; INSERT INTO copy SELECT user_id, n FROM clicks");
    let output = sql(&node, &["-e", &deploy], "");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.starts_with("job copying runs"), "{said}");
    let copied = printed(&node, &["-e", &format!("{COPY}; SELECT n FROM copy LIMIT 3"), "-o", "jsonl"]);
    assert_eq!(copied, "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
    assert!(printed(&node, &["-e", "SHOW JOBS", "-o", "csv"]).contains("\ncopying,"));
}

/// `forebay sql` on a pseudo-terminal.
struct Terminal {
    child: Child,
    keys: Option<ChildStdin>,
    screen: Arc<Mutex<String>>,
    /// What was looked at already.
    seen: usize,
}

impl Terminal {
    fn open(node: &Node, state: &std::path::Path) -> Terminal {
        let shell = format!("stty rows 30 cols 100; exec {} sql -b {}", binary::forebay().display(), node.admin_url());
        let mut command = Command::new("script");
        command
            .args(["-qefc", &shell, "/dev/null"])
            .env("TERM", "xterm-256color")
            .env("XDG_STATE_HOME", state)
            .env_remove("NO_COLOR");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().expect("util-linux has script");
        let keys = child.stdin.take();
        let mut output = child.stdout.take().unwrap();
        let screen = Arc::new(Mutex::new(String::new()));
        let filled = screen.clone();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                filled.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        });
        Terminal { child, keys, screen, seen: 0 }
    }

    fn keys(&mut self, keys: &str) {
        let stdin = self.keys.as_mut().unwrap();
        stdin.write_all(keys.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    /// Waits for a text behind what was waited for last; returns what came up to it.
    fn until(&mut self, text: &str) -> String {
        let deadline = Instant::now() + LIMIT;
        loop {
            let screen = self.screen.lock().unwrap().clone();
            if let Some(at) = screen[self.seen..].find(text) {
                let before = screen[self.seen..self.seen + at].to_owned();
                self.seen += at + text.len();
                return before;
            }
            assert!(Instant::now() < deadline, "no {text:?} in {:?}", &screen[self.seen..]);
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        drop(self.keys.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_person_types_completes_and_looks_on() {
    let node = with_clicks("sql-person");
    let state = tempfile::tempdir().unwrap();
    let mut shell = Terminal::open(&node, state.path());
    shell.until("\\? for help");
    shell.until("forebay> ");
    // Several lines, up to the semicolon.
    shell.keys(&format!("{}\r{};\r", &CLICKS[..20], &CLICKS[20..]));
    shell.until("table clicks is known in this session");
    shell.until("forebay> ");
    // Keywords are in colour as they are typed; Tab completes the table.
    shell.keys("SELECT n FROM cl\t;\r");
    shell.until("\u{1b}[1;34mFROM\u{1b}[0m clicks");
    shell.until("\r\n3\r\n");
    // It goes on with what comes, tells how far it is, and ends by Ctrl-C; the shell stays.
    shell.until("3 records read");
    produce(&node, &["{\"n\":44}"]);
    shell.until("\u{1b}[K44\r\n");
    shell.keys("\u{3}");
    shell.until("4 rows");
    shell.until("ended by Ctrl-C");
    shell.until("forebay> ");
    // The place of a mistake is red.
    shell.keys("SELECT m FROM clicks;\r");
    shell.until("\u{1b}[1;31merror:\u{1b}[0m there is no column m");
    shell.until("\u{1b}[1;31m^\u{1b}[0m");
    shell.until("forebay> ");
    shell.keys("\\d clicks\r");
    shell.until("user_id");
    shell.until("STRING");
    shell.until("forebay> ");
    let history = std::fs::read_to_string(state.path().join("forebay/sql_history")).unwrap();
    assert!(history.contains("SELECT n FROM clicks;"), "{history}");
}
