//! Programs under test as child processes: output into a file, signals, waiting with a limit, never left behind.

use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How often a condition outside this process is looked at.
pub const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A child process; killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with standard output and standard error appended to `log`.
    ///
    /// # Errors
    /// A sentence that names the program and why it did not start.
    pub fn spawn(mut command: Command, log: &Path) -> Result<Self, String> {
        let open =
            || OpenOptions::new().create(true).append(true).open(log).map_err(|e| format!("{}: {e}", log.display()));
        command.stdin(Stdio::null()).stdout(open()?).stderr(open()?);
        let child = command.spawn().map_err(|e| format!("cannot start {}: {e}", command.get_program().display()))?;
        Ok(Self { child, log: log.to_path_buf() })
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How the process ended, or `None` while it runs.
    pub fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the state of an own child can be asked for")
    }

    /// SIGTERM.
    pub fn terminate(&mut self) {
        if self.exited().is_none() {
            let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        }
    }

    /// SIGKILL, and waits until the process is gone.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for the end of the process.
    ///
    /// # Errors
    /// When it still runs after `limit`.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus, String> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.exited() {
                return Ok(status);
            }
            if Instant::now() > deadline {
                return Err(format!("process {} still runs after {} s", self.id(), limit.as_secs()));
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// The last lines of what the process wrote.
    pub fn tail(&self) -> String {
        tail(&self.log)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The last lines of a log file, with its path.
pub fn tail(log: &Path) -> String {
    const LINES: usize = 40;
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(LINES)..];
    format!("--- end of {} ---\n{}\n---", log.display(), last.join("\n"))
}

/// Runs a command to its end, with `input` on its standard input, and gives back what it wrote to standard output.
///
/// # Errors
/// When it does not start, takes longer than `limit`, or ends without success; with what it wrote to both outputs.
pub fn run(command: Command, input: &str, limit: Duration) -> Result<String, String> {
    outputs(command, input, limit).map(|(output, _)| output)
}

/// As [`run`]; gives back standard output and standard error.
///
/// # Errors
/// As [`run`].
pub fn outputs(mut command: Command, input: &str, limit: Duration) -> Result<(String, String), String> {
    let shown = format!("{command:?}");
    let dir = tempfile::tempdir().map_err(|e| e.to_string())?;
    let file = |name: &str| dir.path().join(name);
    let create = |path: PathBuf| fs::File::create(path).map_err(|e| e.to_string());
    fs::write(file("in"), input).map_err(|e| e.to_string())?;
    command.stdin(fs::File::open(file("in")).map_err(|e| e.to_string())?);
    command.stdout(create(file("out"))?).stderr(create(file("err"))?);
    let child = command.spawn().map_err(|e| format!("cannot start {shown}: {e}"))?;
    let ended = Process { child, log: file("err") }.wait(limit);
    let read = |name: &str| fs::read(file(name)).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default();
    match ended {
        Ok(status) if status.success() => Ok((read("out"), read("err"))),
        Ok(status) => Err(format!("{shown} ended with {status}\n{}{}", read("out"), read("err"))),
        Err(late) => Err(format!("{shown}: {late}\n{}{}", read("out"), read("err"))),
    }
}

/// Waits until `done` answers something.
///
/// # Errors
/// When `limit` has passed; names `what` was waited for.
pub fn until<T>(what: &str, limit: Duration, mut done: impl FnMut() -> Option<T>) -> Result<T, String> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(answer) = done() {
            return Ok(answer);
        }
        if Instant::now() > deadline {
            return Err(format!("not within {} s: {what}", limit.as_secs()));
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
