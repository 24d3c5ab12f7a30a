//! The shell on a terminal: reads statements and commands until the person leaves.

use std::path::PathBuf;

use rustyline::Editor;
use rustyline::config::{Behavior, Builder, CompletionType};
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;

use super::commands::{self, Command};
use super::complete::Typing;
use super::highlight;
use super::run::{Flow, Runner};
use super::sink::Format;
use super::split::split;
use crate::cli::exit::{CliError, CliResult};
use crate::cli::output::printable;

/// Statements that are remembered.
const HISTORY: usize = 5_000;
const PROMPT: &str = "forebay> ";

/// Runs the shell.
///
/// # Errors
/// The terminal cannot be used.
pub(super) fn run(runner: &mut Runner, admin: &str) -> CliResult {
    runner.is_shell = true;
    let failed =
        |error: ReadlineError| CliError::failed(format!("the terminal cannot be used: {error}; -e takes statements"));
    let config = Builder::new().max_history_size(HISTORY).map_err(failed)?.history_ignore_space(true);
    // Rows may go to a file: the line that is typed does not.
    let config = config.behavior(Behavior::PreferTerm);
    let config = config.completion_type(CompletionType::List).auto_add_history(false).build();
    let mut editor: Editor<Typing, FileHistory> = Editor::with_config(config).map_err(failed)?;
    editor.set_helper(Some(Typing::new(runner.look.color)));
    let history = history_file();
    if let Some(file) = &history {
        // There is none yet at the first time.
        let _ = editor.load_history(file);
    }
    println!("Forebay {} at {admin}. \\? for help, \\q to leave.", env!("CARGO_PKG_VERSION"));
    loop {
        if let Some(typing) = editor.helper_mut() {
            typing.know(&runner.session());
        }
        match editor.readline(PROMPT) {
            Ok(text) if text.trim().is_empty() => {}
            Ok(text) => {
                // What cannot be kept is lost at the end, no more.
                let _ = editor.add_history_entry(text.trim());
                if let Some(file) = &history {
                    let _ = editor.append_history(file);
                }
                if !take(runner, &text)? {
                    return Ok(());
                }
            }
            // The line is given up, the shell stays.
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(failed(error)),
        }
    }
}

/// Does what was typed; false if the person wants to leave.
fn take(runner: &mut Runner, text: &str) -> Result<bool, CliError> {
    if commands::is_command(text) {
        return command(runner, commands::parse(text));
    }
    if commands::is_leaving(text) {
        return Ok(false);
    }
    for piece in split(text).pieces {
        match runner.statement(&piece) {
            Ok(Flow::On) => {}
            Ok(Flow::Over) => return Ok(false),
            Ok(Flow::Ended) => break,
            Err(error) => {
                complain(runner, &error);
                break;
            }
        }
    }
    Ok(true)
}

fn complain(runner: &Runner, error: &CliError) {
    let message = printable(&error.message);
    match runner.look.color {
        true => eprintln!("{}", highlight::message(&message)),
        false => eprintln!("{message}"),
    }
}

fn command(runner: &mut Runner, command: Command) -> Result<bool, CliError> {
    match command {
        Command::Quit => return Ok(false),
        Command::Help => println!("{}", commands::HELP),
        Command::Sql(text) => return take(runner, &text),
        Command::Limit(rows) => runner.rows = rows,
        Command::Format(name) => match Format::named(&name) {
            Some(format) => runner.look.format = format,
            None => eprintln!("there is no format {name}; there is table, json, jsonl, csv"),
        },
        Command::Include(file) => {
            let done = std::fs::read_to_string(&file)
                .map_err(|error| CliError::usage(format!("cannot read {file}: {error}")))
                .and_then(|text| runner.script(&text, Some(&file)));
            if let Err(error) = done {
                complain(runner, &error);
            }
        }
        Command::Session => print!("{}", printable(&runner.session())),
        Command::Forget => runner.forget(),
        Command::Wrong(message) => eprintln!("{message}"),
    }
    Ok(true)
}

/// Asks a person; an empty line is yes, Ctrl-C and Ctrl-D are no.
pub(super) fn yes(question: &str) -> bool {
    let config = Builder::new().behavior(Behavior::PreferTerm).build();
    let Ok(mut editor) = Editor::<(), FileHistory>::with_config(config) else { return false };
    editor.readline(question).is_ok_and(|answer| !answer.trim().to_ascii_lowercase().starts_with('n'))
}

/// Where statements are remembered: the XDG base directories' place for what outlives a program and is no setting.
fn history_file() -> Option<PathBuf> {
    let set = |key: &str| std::env::var_os(key).filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")))?;
    let folder = state.join("forebay");
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder.join("sql_history"))
}
