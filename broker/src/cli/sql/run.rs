//! Sends statements to the broker one by one, and keeps what they make known: the broker itself keeps no session.

use std::io::{BufRead, BufReader};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use super::grid;
use super::highlight;
use super::sink::{Format, Look, Sink, put};
use super::split::{Piece, split};
use crate::cli::exit::{CliError, CliResult, Exit};
use crate::cli::job::client::{Client, render};
use crate::cli::output::printable;
use crate::http::{SqlEnd, SqlHead, SqlLine, SqlRequest, row_of};

/// How long nothing has to come before what has come is shown.
const PAUSE: Duration = Duration::from_millis(100);
/// Lines that are read ahead.
const AHEAD: usize = 256;

/// Whether there is somebody to go on for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    On,
    /// A person has ended the statement, and with it those behind it.
    Ended,
    /// Nobody reads the output any more.
    Over,
}

/// A session.
pub(super) struct Runner {
    client: Client,
    pub look: Look,
    /// Rows after which each query ends.
    pub rows: Option<u64>,
    /// The statements that have made something known.
    definitions: Vec<String>,
    /// Set by Ctrl-C; ends the query that runs.
    pub interrupted: Arc<AtomicBool>,
    /// Whether Ctrl-C ends no more than that.
    pub is_shell: bool,
}

/// How an answer ended.
struct Answer {
    end: SqlEnd,
    flow: Flow,
}

impl Runner {
    pub(super) fn new(client: Client, look: Look, rows: Option<u64>) -> Runner {
        Runner { client, look, rows, definitions: Vec::new(), interrupted: Arc::default(), is_shell: false }
    }

    /// The statements that every request builds on.
    pub(super) fn session(&self) -> String {
        self.definitions.iter().map(|definition| format!("{definition}\n;\n")).collect()
    }

    /// Forgets them.
    pub(super) fn forget(&mut self) {
        self.definitions.clear();
    }

    /// Runs all statements of a text, up to the first mistake.
    pub(super) fn script(&mut self, text: &str, name: Option<&str>) -> CliResult {
        for piece in split(text).pieces {
            let done = self.statement(&piece).map_err(|error| match name {
                Some(name) if error.exit == Exit::Failed => {
                    CliError { message: format!("{name}: {}", error.message), ..error }
                }
                _ => error,
            })?;
            if done != Flow::On {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Runs a statement.
    pub(super) fn statement(&mut self, piece: &Piece) -> Result<Flow, CliError> {
        let Answer { end, flow } = self.answer(piece)?;
        if end.keep {
            self.definitions.push(piece.text.clone());
        }
        if !end.message.is_empty() {
            self.tell(&end);
        }
        match (&end.ddl, flow) {
            (Some(ddl), Flow::On) => self.proposed(ddl),
            _ => Ok(flow),
        }
    }

    /// A person is told everything; a script has what it asked for on its standard output, and nothing but that.
    fn tell(&self, end: &SqlEnd) {
        let message = printable(&end.message);
        if self.look.live {
            println!("{}", highlight::dim(&message, self.look.color));
        } else if !end.keep {
            eprintln!("{message}");
        }
    }

    /// Shows a statement that the broker proposes, and takes it: a person is asked before.
    fn proposed(&mut self, ddl: &str) -> Result<Flow, CliError> {
        // Names of columns are those of fields, whatever is in them.
        let plain = if self.look.on_terminal { printable(ddl) } else { ddl.into() };
        let shown = if self.look.color { highlight::statement(&plain) } else { plain.into_owned() };
        if !put(&format!("{shown};\n"))? {
            return Ok(Flow::Over);
        }
        if self.look.live && !super::shell::yes("Take this table into the session? [Y/n] ") {
            return Ok(Flow::On);
        }
        self.statement(&Piece { text: ddl.to_owned(), line: 1, column: 1 })
    }

    fn answer(&mut self, piece: &Piece) -> Result<Answer, CliError> {
        // The broker speaks of the places that the statement has in its text.
        let place = format!("{}{}", "\n".repeat(piece.line - 1), " ".repeat(piece.column - 1));
        let request = SqlRequest {
            sql: format!("{place}{}", piece.text),
            session: self.session(),
            rows: self.rows,
            progress: self.look.live,
        };
        if self.is_shell {
            self.interrupted.store(false, Ordering::Relaxed);
        }
        let lines = ask(self.client.clone(), request);
        let mut sink = None;
        loop {
            if self.interrupted.swap(false, Ordering::Relaxed) {
                return self.cut_short(sink);
            }
            let wrote = match lines.recv_timeout(PAUSE) {
                Ok(Ok(line)) => match self.line(&line, &mut sink)? {
                    Line::Wrote(wrote) => wrote,
                    Line::Last(answer) => return Ok(answer),
                },
                Err(RecvTimeoutError::Timeout) => sink.as_mut().map_or(Ok(true), Sink::pause)?,
                Ok(Err(error)) => return Err(error),
                Err(RecvTimeoutError::Disconnected) => return Err(left()),
            };
            if !wrote {
                return Ok(Answer { end: SqlEnd::default(), flow: Flow::Over });
            }
        }
    }

    fn line(&self, line: &str, sink: &mut Option<Sink>) -> Result<Line, CliError> {
        if let (Some((op, row)), Some(sink)) = (row_of(line), sink.as_mut()) {
            return sink.row(op, row).map(Line::Wrote);
        }
        let strange = || CliError::failed("the broker has answered with something else than lines of rows");
        let wrote = match serde_json::from_str(line).map_err(|_| strange())? {
            SqlLine::Head(head) => {
                self.warn(&head);
                *sink = Some(Sink::new(self.look, &head));
                true
            }
            SqlLine::Progress(progress) => sink.as_mut().map_or(Ok(true), |sink| sink.progress(&progress))?,
            SqlLine::End(end) => {
                let wrote = sink.as_mut().map_or(Ok(true), |sink| sink.end(&end, None))?;
                return Ok(Line::Last(Answer { end, flow: if wrote { Flow::On } else { Flow::Over } }));
            }
            SqlLine::Error(problem) => {
                if let Some(sink) = sink {
                    sink.pause()?;
                    put(if self.look.live { "\r\x1b[K" } else { "" })?;
                }
                return Err(CliError::failed(render(&problem)));
            }
        };
        Ok(Line::Wrote(wrote))
    }

    fn warn(&self, head: &SqlHead) {
        for warning in &head.warnings {
            let warning = format!("warning: {}", printable(warning));
            let warning = if self.look.live { grid::wrapped(&warning, grid::screen().0) } else { warning };
            eprintln!("{}", highlight::dim(&warning, self.look.color && self.look.live));
        }
    }

    fn cut_short(&self, sink: Option<Sink>) -> Result<Answer, CliError> {
        let end = SqlEnd::default();
        if let Some(mut sink) = sink {
            sink.end(&end, Some("ended by Ctrl-C"))?;
        } else if self.look.live {
            println!();
        }
        match self.is_shell {
            true => Ok(Answer { end, flow: Flow::Ended }),
            false => Err(CliError::new(Exit::Interrupted, "ended by Ctrl-C")),
        }
    }
}

enum Line {
    Wrote(bool),
    Last(Answer),
}

/// Asks the broker, and reads the lines of its answer, on a thread of its own: whoever takes them can leave at any time. The thread ends when
/// nobody takes them any more, and with it the query.
fn ask(client: Client, request: SqlRequest) -> Receiver<Result<String, CliError>> {
    let (sender, receiver) = sync_channel(AHEAD);
    std::thread::spawn(move || {
        let mut lines = match client.sql(&request) {
            Ok(answer) => BufReader::new(answer),
            Err(error) => {
                // Nobody waits for it any more.
                let _ = sender.send(Err(error));
                return;
            }
        };
        loop {
            let mut line = String::new();
            let read = lines.read_line(&mut line);
            let last = !matches!(read, Ok(bytes) if bytes > 0);
            if matches!(read, Ok(0)) || sender.send(read.map(|_| line).map_err(|_| left())).is_err() || last {
                return;
            }
        }
    });
    receiver
}

fn left() -> CliError {
    CliError::new(Exit::Unreachable, "the broker has left before the answer was over; is it being stopped?")
}

impl Format {
    /// The form of this name.
    pub(super) fn named(name: &str) -> Option<Format> {
        [("table", Format::Table), ("json", Format::Json), ("jsonl", Format::Jsonl), ("csv", Format::Csv)]
            .into_iter()
            .find(|(known, _)| *known == name)
            .map(|(_, format)| format)
    }
}
