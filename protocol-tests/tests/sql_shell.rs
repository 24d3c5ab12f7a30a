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
        Terminal::run(node, state, "")
    }

    /// With more words on the command line, as a shell reads them.
    fn run(node: &Node, state: &std::path::Path, more: &str) -> Terminal {
        let forebay = binary::forebay();
        let shell = format!("stty rows 30 cols 100; exec {} sql -b {} {more}", forebay.display(), node.admin_url());
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

    /// Waits for its end; its exit code.
    fn ended(mut self) -> Option<i32> {
        let deadline = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < deadline, "it goes on: {:?}", &self.screen.lock().unwrap()[self.seen..]);
            std::thread::sleep(LOOK_EVERY);
        }
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

/// What was typed in one session is there in the next; Tab knows columns and functions; a result that changes is drawn over itself; `quit` and
/// Ctrl-D leave.
#[test]
fn a_person_comes_back() {
    let node = with_clicks("sql-back");
    let folder = tempfile::tempdir().unwrap();
    let tables = folder.path().join("tables.sql");
    std::fs::write(&tables, format!("{CLICKS};")).unwrap();
    let init = format!("-i {}", tables.display());
    let mut shell = Terminal::run(&node, folder.path(), &init);
    shell.until("forebay> ");
    // A column, and a function with few others like it.
    shell.keys("SELECT REGEXP_EXT\t(user_\t, 'a') AS x FROM clicks LIMIT 1;\r");
    shell.until("\u{1b}[1;34mLIMIT\u{1b}[0m");
    shell.until("1 row");
    shell.until("forebay> ");
    shell.keys("SELECT COUNT(*) AS c FROM clicks;\r");
    shell.until("\r\n3\r\n");
    produce(&node, &["{\"n\":44}"]);
    // The lines of before are gone: the cursor goes up and the screen is cleared from there.
    shell.until("\u{1b}[J");
    shell.until("\r\n4\r\n");
    shell.keys("\u{3}");
    shell.until("ended by Ctrl-C");
    shell.until("forebay> ");
    shell.keys("quit\r");
    assert_eq!(shell.ended(), Some(0));

    let mut shell = Terminal::run(&node, folder.path(), &init);
    shell.until("forebay> ");
    // The last is `quit`, before it the count, and before that what is asked for again.
    shell.keys("\u{1b}[A\u{1b}[A\u{1b}[A\r");
    shell.until("REGEXP_EXTRACT(user_id");
    shell.until("1 row");
    shell.until("forebay> ");
    shell.keys("\u{4}");
    assert_eq!(shell.ended(), Some(0));
}

/// Ctrl-C ends what runs where no shell goes on: what was written is whole, and the exit code says so.
#[test]
fn ctrl_c_ends_a_script() {
    let node = with_clicks("sql-ctrl-c");
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("rows.json");
    let words = format!("-o json -e \"{CLICKS}; SELECT n FROM clicks; SELECT n FROM clicks\" > {}", rows.display());
    let mut script = Terminal::run(&node, folder.path(), &words);
    let deadline = Instant::now() + LIMIT;
    // It is written to a file: nothing is on the screen to be waited for.
    while !std::fs::read_to_string(&rows).is_ok_and(|text| text.contains("{\"n\":3}")) {
        assert!(Instant::now() < deadline, "no rows");
        std::thread::sleep(LOOK_EVERY);
    }
    script.keys("\u{3}");
    script.until("ended by Ctrl-C");
    assert_eq!(script.ended(), Some(130));
    assert_eq!(std::fs::read_to_string(&rows).unwrap(), "[\n{\"n\":1},\n{\"n\":2},\n{\"n\":3}\n]\n");
}

/// The words of a record are shown, not obeyed.
#[test]
fn a_terminal_is_not_given_what_it_would_obey() {
    let node = with_clicks("sql-escapes");
    produce(&node, &["{\"user_id\":\"\\u001b]0;x\\u0007\",\"n\":9,\"a\\u001b[2J\":1}"]);
    let folder = tempfile::tempdir().unwrap();
    for format in ["table", "csv"] {
        let words = format!("-o {format} -e \"{CLICKS}; SELECT user_id FROM clicks WHERE n = 9 LIMIT 1\"");
        let mut shown = Terminal::run(&node, folder.path(), &words);
        shown.until("\\u{1b}]0;x\\u{7}");
        assert_eq!(shown.ended(), Some(0));
    }
    let mut shell = Terminal::open(&node, folder.path());
    shell.until("forebay> ");
    shell.keys("\\infer clicks\r");
    let before = shell.until("a\\u{1b}[2J");
    assert!(!before.contains("\u{1b}[2J"), "{before:?}");
    // Neither Ctrl-C nor Ctrl-D is a yes.
    shell.until("Take this table into the session? [Y/n] ");
    shell.keys("\u{3}");
    shell.until("forebay> ");
    shell.keys("\\d\r");
    shell.until("0 rows");
}
