//! The routes against a fake of the jobs, over a real socket.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot, watch};

use super::*;

#[derive(Default)]
struct FakeJobs {
    jobs: Mutex<BTreeMap<String, JobStatus>>,
    savepoints: Mutex<Vec<SavepointInfo>>,
    /// A job called `slow` is being paused.
    pausing: Notify,
    /// It may go on.
    goes_on: Notify,
    /// It is paused.
    paused: Notify,
}

fn status(name: &str, sql: String) -> JobStatus {
    JobStatus {
        name: name.to_owned(),
        state: JobState::Running,
        reason: None,
        sql,
        sources: vec!["clicks".to_owned()],
        sinks: vec!["out".to_owned()],
        group: format!("job-{name}"),
        created_at_ms: 1,
        watermark_ms: Some(2_000),
        watermark_behind_ms: Some(5),
        why: vec!["partition clicks-2 holds the watermark".to_owned()],
        next_close_ms: Some(10_000),
        records_aside: 1,
        bytes_read: 1_100,
        bytes_written: 300,
        open_windows: 2,
        state_keys: 40,
        state_bytes: 4_096,
        state_memory_bytes: 8_192,
        state_disk_bytes: 65_536,
        changelog_bytes: 512,
        busy_share: 0.25,
        waiting_share: 0.75,
        restarts: 0,
        commit_p50_ms: Some(0.2),
        last_error_at_ms: None,
        well_since_ms: None,
        lag_records: 7,
        records_read: 11,
        records_written: 3,
        records_read_per_second: 1.5,
        late_records: 2,
        undecodable_records: 0,
        commits: 4,
        commit_p99_ms: Some(0.5),
        last_error: None,
        partitions: vec![JobPartition {
            topic: "clicks".to_owned(),
            partition: 2,
            position: 3,
            end: 10,
            watermark_ms: Some(2_000),
            idle: false,
            late_records: 2,
            undecodable_records: 0,
            holds_watermark: true,
            waits_for_others: false,
        }],
        tasks: vec![JobTask {
            pipeline: 0,
            stage: "global".to_owned(),
            number: 1,
            records_read: 9,
            lag_records: 4,
            watermark_ms: None,
            state_keys: 5,
            state_bytes: 6,
            commits: 8,
        }],
    }
}

fn a_savepoint(job: &str, name: String) -> SavepointInfo {
    let topic = format!("__forebay-{job}-savepoint-{name}");
    SavepointInfo { job: job.to_owned(), name, created_at_ms: 5, topic, sql: "INSERT".to_owned() }
}

impl FakeJobs {
    fn change(&self, name: &str, state: JobState) -> Result<JobStatus, JobError> {
        let mut jobs = self.jobs.lock();
        let job = jobs.get_mut(name).ok_or_else(|| JobError::NotFound(name.to_owned()))?;
        job.state = state;
        Ok(job.clone())
    }
}

impl JobsApi for FakeJobs {
    fn state(&self, job: String, key: Option<String>, limit: Option<u64>) -> Answer<'_, JobStateView> {
        Box::pin(async move {
            if job != "j" {
                return Err(JobError::NotFound(job));
            }
            let row = format!(r#"{{"key":"{}","n":{}}}"#, key.unwrap_or_default(), limit.unwrap_or(0));
            let rows = vec![StateRow { table: "o".to_owned(), row }];
            Ok(JobStateView { rows, complete: true, ..JobStateView::default() })
        })
    }

    fn sql(&self, request: SqlRequest) -> Answer<'_, Lines> {
        let lines =
            SqlLine::End(SqlEnd { message: request.sql, keep: !request.session.is_empty(), ..SqlEnd::default() })
                .bytes();
        Box::pin(async move {
            let (sender, receiver) = tokio::sync::mpsc::channel(2);
            let half = lines.len() / 2;
            for part in [&lines[..half], &lines[half..]] {
                sender.send(axum::body::Bytes::copy_from_slice(part)).await.unwrap();
            }
            Ok(receiver)
        })
    }

    fn create(&self, request: CreateJob) -> Answer<'_, JobStatus> {
        Box::pin(async move {
            if request.sql.contains("SELEC ") {
                let problem = SqlProblem {
                    message: "expected SELECT".to_owned(),
                    line: Some(3),
                    column: Some(5),
                    hint: Some("did you mean SELECT?".to_owned()),
                    rendered: Some("3 | SELEC\n    ^".to_owned()),
                    ..SqlProblem::default()
                };
                return Err(JobError::Invalid(problem));
            }
            let name = request.name.unwrap_or_else(|| "out".to_owned());
            let mut jobs = self.jobs.lock();
            if jobs.contains_key(&name) {
                return Err(JobError::Exists(name));
            }
            let made = status(&name, request.sql);
            jobs.insert(name, made.clone());
            Ok(made)
        })
    }

    fn list(&self) -> Vec<JobStatus> {
        self.jobs.lock().values().cloned().collect()
    }

    fn get(&self, name: &str) -> Option<JobStatus> {
        self.jobs.lock().get(name).cloned()
    }

    fn pause(&self, name: String) -> Answer<'_, JobStatus> {
        Box::pin(async move {
            if name == "slow" {
                self.pausing.notify_one();
                self.goes_on.notified().await;
                self.paused.notify_one();
            }
            self.change(&name, JobState::Paused)
        })
    }

    fn resume(&self, name: String) -> Answer<'_, JobStatus> {
        Box::pin(async move { self.change(&name, JobState::Running) })
    }

    fn replace(&self, name: String, request: ReplaceJob) -> Answer<'_, Replaced> {
        Box::pin(async move {
            if request.sql.contains("other keys") {
                return Err(JobError::Conflict("the keys change".to_owned()));
            }
            let mut jobs = self.jobs.lock();
            let job = jobs.get_mut(&name).ok_or(JobError::NotFound(name))?;
            job.sql = request.sql;
            Ok(Replaced { job: job.clone(), kept: vec!["goes on".to_owned()], warnings: Vec::new() })
        })
    }

    fn savepoint(&self, job: String, name: String) -> Answer<'_, SavepointInfo> {
        Box::pin(async move {
            self.get(&job).ok_or(JobError::NotFound(job.clone()))?;
            let made = a_savepoint(&job, name);
            self.savepoints.lock().push(made.clone());
            Ok(made)
        })
    }

    fn savepoints(&self, job: Option<&str>) -> Vec<SavepointInfo> {
        let all = self.savepoints.lock();
        all.iter().filter(|savepoint| job.is_none_or(|job| savepoint.job == job)).cloned().collect()
    }

    fn remove_savepoint(&self, job: String, name: String) -> Answer<'_, ()> {
        Box::pin(async move {
            let mut all = self.savepoints.lock();
            let before = all.len();
            all.retain(|savepoint| (savepoint.job != job) | (savepoint.name != name));
            if all.len() < before { Ok(()) } else { Err(JobError::NoSavepoint("there is none".to_owned())) }
        })
    }

    fn remove(&self, name: String) -> Answer<'_, ()> {
        Box::pin(async move { self.jobs.lock().remove(&name).map(|_| ()).ok_or(JobError::NotFound(name)) })
    }
}

pub(crate) struct Server {
    pub(crate) address: String,
    jobs: Arc<FakeJobs>,
    ready: watch::Sender<bool>,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<io::Result<()>>,
}

pub(crate) async fn start() -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (ready, is_ready) = watch::channel(false);
    let (stop, stopped) = oneshot::channel();
    let jobs = Arc::new(FakeJobs::default());
    let metrics = Arc::new(Metrics::new(|_| None));
    metrics.observe_jobs(jobs.clone());
    let state = HttpState { jobs: jobs.clone(), metrics, ready: is_ready };
    let task = tokio::spawn(serve(listener, state, async { stopped.await.unwrap_or_default() }));
    Server { address, jobs, ready, stop, task }
}

impl Server {
    /// Sends one request on its own connection; answers the status and the body.
    async fn ask(&self, request: &str, body: &str) -> (u16, String) {
        let mut socket = TcpStream::connect(&self.address).await.unwrap();
        let head =
            format!("{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
        socket.write_all(head.as_bytes()).await.unwrap();
        // A server that refuses a large body may close before it has read all of it.
        let _ = socket.write_all(body.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer).await;
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    async fn ask_json(&self, request: &str, body: &str) -> (u16, Value) {
        let (status, body) = self.ask(request, body).await;
        (status, serde_json::from_str(&body).unwrap_or_else(|_| panic!("not JSON: {body}")))
    }
}

#[tokio::test]
async fn a_job_is_made_listed_paused_resumed_and_dropped() {
    let server = start().await;
    let (code, made) = server.ask_json("POST /v1/jobs", r#"{"name":"j-1","sql":"INSERT"}"#).await;
    assert_eq!((code, made["name"].as_str(), made["state"].as_str()), (201, Some("j-1"), Some("running")));
    let (code, list) = server.ask_json("GET /v1/jobs", "").await;
    assert_eq!((code, list["jobs"][0]["sql"].as_str()), (200, Some("INSERT")));
    let (code, paused) = server.ask_json("POST /v1/jobs/j-1/pause", "").await;
    assert_eq!((code, paused["state"].as_str()), (200, Some("paused")));
    assert_eq!(server.ask_json("GET /v1/jobs/j-1", "").await.1["state"], "paused");
    assert_eq!(server.ask_json("POST /v1/jobs/j-1/resume", "").await.1["state"], "running");
    assert_eq!(server.ask("DELETE /v1/jobs/j-1", "").await, (204, String::new()));
    assert_eq!(server.ask("GET /v1/jobs/j-1", "").await.0, 404);
}

#[tokio::test]
async fn savepoints_and_other_statements() {
    let server = start().await;
    server.ask("POST /v1/jobs", r#"{"name":"j","sql":"x"}"#).await;
    let (code, made) = server.ask_json("POST /v1/jobs/j/savepoints", r#"{"name":"s"}"#).await;
    assert_eq!((code, made["name"].as_str()), (201, Some("s")));
    for (request, count) in
        [("GET /v1/savepoints", 1), ("GET /v1/jobs/j/savepoints", 1), ("GET /v1/jobs/k/savepoints", 0)]
    {
        let (code, list) = server.ask_json(request, "").await;
        assert_eq!((code, list["savepoints"].as_array().unwrap().len()), (200, count), "{request}");
    }
    let (code, replaced) = server.ask_json("PUT /v1/jobs/j", r#"{"sql":"y"}"#).await;
    assert_eq!(
        (code, replaced["job"]["sql"].as_str(), replaced["kept"][0].as_str()),
        (200, Some("y"), Some("goes on"))
    );
    let (code, refused) = server.ask_json("PUT /v1/jobs/j", r#"{"sql":"other keys"}"#).await;
    assert_eq!((code, refused["error"]["message"].as_str()), (409, Some("the keys change")));
    for (request, body, code) in [
        ("PUT /v1/jobs/none", r#"{"sql":"y"}"#, 404),
        ("PUT /v1/jobs/j", r#"{"text":"y"}"#, 400),
        ("POST /v1/jobs/none/savepoints", r#"{"name":"s"}"#, 404),
        ("POST /v1/jobs/j/savepoints", "{}", 400),
        ("DELETE /v1/jobs/j/savepoints/other", "", 404),
    ] {
        assert_eq!(server.ask_json(request, body).await.0, code, "{request}");
    }
    assert_eq!(server.ask("DELETE /v1/jobs/j/savepoints/s", "").await.0, 204);
    assert_eq!(server.ask("DELETE /v1/jobs/j/savepoints/s", "").await.0, 404);
}

#[tokio::test]
async fn a_job_without_a_name_gets_one() {
    let server = start().await;
    let (code, made) = server.ask_json("POST /v1/jobs", r#"{"sql":"INSERT"}"#).await;
    assert_eq!((code, made["name"].as_str()), (201, Some("out")));
}

#[tokio::test]
async fn errors_are_json_with_their_place() {
    let server = start().await;
    let (code, body) = server.ask_json("POST /v1/jobs", r#"{"name":"a","sql":"SELEC 1"}"#).await;
    assert_eq!(code, 400);
    assert_eq!((body["error"]["line"].as_u64(), body["error"]["column"].as_u64()), (Some(3), Some(5)));
    assert_eq!(body["error"]["rendered"], "3 | SELEC\n    ^");
    server.ask("POST /v1/jobs", r#"{"name":"a","sql":"x"}"#).await;
    let (code, body) = server.ask_json("POST /v1/jobs", r#"{"name":"a","sql":"x"}"#).await;
    assert_eq!((code, body["error"]["message"].as_str()), (409, Some("there is a job a already")));
    for (request, body, code) in [
        ("POST /v1/jobs", "{", 400),
        ("POST /v1/jobs", r#"{"sql":"x","nmae":"y"}"#, 400),
        ("POST /v1/jobs", r#"{"sql":"x","name":"a/b"}"#, 400),
        ("POST /v1/jobs", r#"{"sql":"x","name":".."}"#, 400),
        ("DELETE /v1/jobs/none", "", 404),
        ("POST /v1/jobs/none/pause", "", 404),
        ("GET /v2", "", 404),
        ("PUT /v1/jobs", "", 405),
        ("POST /metrics", "", 405),
    ] {
        let (found, answer) = server.ask_json(request, body).await;
        assert_eq!(found, code, "{request} {body}: {answer}");
        assert!(answer["error"]["message"].is_string(), "{request}: {answer}");
    }
}

#[tokio::test]
async fn a_body_has_a_limit() {
    let server = start().await;
    let body = format!(r#"{{"sql":"{}"}}"#, "x".repeat(MAX_BODY_BYTES));
    assert_eq!(server.ask_json("POST /v1/jobs", &body).await.0, 413);
}

#[tokio::test]
async fn health_is_always_and_readiness_follows_the_broker() {
    let server = start().await;
    assert_eq!(server.ask("GET /healthz", "").await.0, 200);
    assert_eq!(server.ask("GET /readyz", "").await.0, 503);
    server.ready.send(true).unwrap();
    assert_eq!(server.ask("GET /readyz", "").await.0, 200);
}

#[tokio::test]
async fn metrics_show_the_jobs_as_they_are_at_that_moment() {
    let server = start().await;
    assert!(!server.ask("GET /metrics", "").await.1.contains("forebay_job_lag_records{"));
    server.ask("POST /v1/jobs", r#"{"name":"j","sql":"x"}"#).await;
    let (code, text) = server.ask("GET /metrics", "").await;
    assert_eq!(code, 200);
    for line in [
        "forebay_job_lag_records{job=\"j\"} 7",
        "forebay_job_read_bytes_total{job=\"j\"} 1100",
        "forebay_job_written_bytes_total{job=\"j\"} 300",
        "forebay_job_late_records_total{job=\"j\"} 2",
        "forebay_job_commit_milliseconds{job=\"j\",quantile=\"0.5\"} 0.2",
        "forebay_job_commit_milliseconds{job=\"j\",quantile=\"0.99\"} 0.5",
        "forebay_job_state_bytes{job=\"j\"} 4096",
        "forebay_job_state_memory_bytes{job=\"j\"} 8192",
        "forebay_job_state_disk_bytes{job=\"j\"} 65536",
        "forebay_job_state_keys{job=\"j\"} 40",
        "forebay_job_busy_ratio{job=\"j\"} 0.25",
        "forebay_job_waiting_ratio{job=\"j\"} 0.75",
        "forebay_job_next_close_milliseconds{job=\"j\"} 10000",
        "forebay_job_task_records_read{job=\"j\",insert=\"1\",stage=\"global\",task=\"1\"} 9",
        "forebay_job_task_lag_records{job=\"j\",insert=\"1\",stage=\"global\",task=\"1\"} 4",
        "forebay_job_partition_lag_records{job=\"j\",topic=\"clicks\",partition=\"2\"} 7",
        "forebay_job_partition_watermark_milliseconds{job=\"j\",topic=\"clicks\",partition=\"2\"} 2000",
        "forebay_job_partition_holds_watermark{job=\"j\",topic=\"clicks\",partition=\"2\"} 1",
        "forebay_job_partition_idle{job=\"j\",topic=\"clicks\",partition=\"2\"} 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(text.trim_end().ends_with("# EOF"));
}

#[tokio::test]
async fn it_stops_when_told() {
    let server = start().await;
    server.stop.send(()).unwrap();
    server.task.await.unwrap().unwrap();
    assert!(TcpStream::connect(&server.address).await.is_err());
}

#[tokio::test]
async fn a_change_of_a_job_comes_to_its_end_also_when_who_asked_for_it_has_left() {
    let server = start().await;
    server.ask("POST /v1/jobs", r#"{"name":"slow","sql":"x"}"#).await;
    let mut socket = TcpStream::connect(&server.address).await.unwrap();
    socket.write_all(b"POST /v1/jobs/slow/pause HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    server.jobs.pausing.notified().await;
    drop(socket);
    // A server that stops ends when its connections have ended.
    server.stop.send(()).unwrap();
    server.task.await.unwrap().unwrap();
    server.jobs.goes_on.notify_one();
    let paused = tokio::time::timeout(Duration::from_secs(30), server.jobs.paused.notified()).await;
    paused.expect("the pause was given up");
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = bind(&address).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("http.listeners: {address} is in use")) && !error.contains('\n'), "{error}");
}

#[tokio::test]
async fn sql_is_answered_in_lines_however_it_is_sent() {
    let server = start().await;
    let lines = |body: &str| {
        // Chunks: a length in hexadecimal before each, 0 at the end.
        body.split("\r\n").filter(|part| part.starts_with(['{', '"', ':']) || part.len() > 8).collect::<String>()
    };
    let (code, body) = server.ask("POST /v1/sql", r#"{"sql":"SHOW TABLES","session":"CREATE"}"#).await;
    assert_eq!(code, 200, "{body}");
    assert!(lines(&body).contains(r#""message":"SHOW TABLES","keep":true"#), "{body}");
    let (code, body) = server.ask("POST /v1/sql", "SELECT 1").await;
    assert_eq!(code, 200, "{body}");
    assert!(lines(&body).contains(r#""message":"SELECT 1","keep":false"#), "{body}");
    let (code, refused) = server.ask_json("POST /v1/sql", r#"{"text":"SELECT 1"}"#).await;
    assert_eq!((code, refused["error"]["hint"].is_string()), (400, true));
}

#[tokio::test]
async fn the_state_of_a_job_is_asked_for_by_key() {
    let server = start().await;
    let (code, body) = server.ask("GET /v1/jobs/j/state?key=ann%20b&limit=5", "").await;
    assert_eq!(
        (code, body.as_str()),
        (
            200,
            r#"{"rows":[{"table":"o","row":{"key":"ann b","n":5}}],"offsets":[],"more":false,"changing":false,"complete":true}"#
        )
    );
    assert_eq!(server.ask("GET /v1/jobs/j/state?limit=many", "").await.0, 400);
    assert_eq!(server.ask("GET /v1/jobs/k/state", "").await.0, 404);
}
