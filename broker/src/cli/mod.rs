//! The command line: one file for each command.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::exit::CliResult;

pub mod config;
pub mod demo;
pub mod duration;
pub mod exit;
pub mod hostname;
pub mod job;
pub mod log;
pub mod output;
pub mod serve;
pub mod sql;
pub mod trial;

/// What is said to those who call it without a command.
const WELCOME: &str = "\
forebay: a broker that speaks Kafka, with a stream processor inside

  forebay demo               watch a windowed job run over live events, nothing to set up
  forebay serve              start a broker on port 9092; any Kafka client can talk to it
  forebay job apply X.sql    run a file of Flink SQL as a job inside that broker
  forebay sql                ask that broker in SQL, live

forebay --help lists all commands.";

/// A broker that speaks Kafka, with a stream processor inside.
#[derive(Debug, Parser)]
#[command(name = "forebay", version, about, disable_help_subcommand = true, infer_long_args = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a broker.
    Serve(serve::ServeArgs),
    /// Show a broker at work: a generator of events, a windowed job, and its results, live.
    Demo(demo::DemoArgs),
    /// Ask a broker in SQL: a shell on a terminal, statements and files for scripts.
    Sql(sql::SqlArgs),
    /// Run, watch and stop jobs.
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Job(job::JobArgs),
    /// Look at the files of logs, without a broker: check them, print them.
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Log(log::LogArgs),
    /// Explain configuration keys, check configuration files.
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Config(config::ConfigArgs),
}

/// Runs the program: reads the command line, does the command, says what went wrong.
#[must_use]
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Nothing is left to tell if the terminal is gone.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("forebay: {}", output::printable(&error.message));
            error.exit.into()
        }
    }
}

fn dispatch(cli: Cli) -> CliResult {
    match cli.command {
        None => output::print(WELCOME),
        Some(Command::Serve(args)) => serve::run(&args),
        Some(Command::Demo(args)) => demo::run(&args),
        Some(Command::Sql(args)) => sql::run(&args),
        Some(Command::Job(args)) => job::run(args),
        Some(Command::Log(args)) => log::run(&args),
        Some(Command::Config(args)) => config::run(args),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_mistyped_command_gets_the_nearest() {
        let error = Cli::try_parse_from(["forebay", "srve"]).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("'serve'"), "{error}");
    }

    #[test]
    fn the_commands_of_the_readme_parse() {
        for line in [
            "forebay",
            "forebay serve --config server.properties --override a=b --override c=d",
            "forebay serve --data /x",
            "forebay serve --ephemeral",
            "forebay demo --for 10s",
            "forebay demo --for 1m --rate 100 --data-dir /x --no-terminal",
            "forebay job apply x.sql --name n --admin http://127.0.0.1:1",
            "forebay job list -o json",
            "forebay sql -b 127.0.0.1:9644 -i tables.sql -e SELECT -o jsonl --rows 5",
            "forebay sql -f x.sql -o csv",
            "forebay job drop x --yes",
            "forebay log verify /data -o json",
            "forebay log dump /data/t-0/00000000000000000000.log --records",
            "forebay log adopt /data /more --leave-behind --yes -o json",
            "forebay log export /data --dry-run",
            "forebay log export /data --controller 127.0.0.1:9093 --controller-listener C",
            "forebay config explain num.partitions",
            "forebay config check server.properties",
        ] {
            Cli::try_parse_from(line.split(' ')).unwrap_or_else(|e| panic!("{line}: {e}"));
        }
        assert!(Cli::try_parse_from(["forebay", "serve", "--data", "/x", "--ephemeral"]).is_err());
        assert!(Cli::try_parse_from(["forebay", "demo", "--for", "soon"]).is_err());
    }
}
