//! The command line, in layers. Each layer uses only those above it.
//!
//! ```text
//! failure     why a command failed, and the exit code
//! stdio       standard output and standard error
//! arguments   options, help, and what was meant instead of what was typed
//! asking      the connection to the daemon, and what its answers say
//! forms       an answer as a table, JSON, a page for a browser, metrics
//! commands    a file or a folder each
//! ```

mod arguments;
mod asking;
mod commands;
mod failure;
mod forms;
mod stdio;

use std::ffi::OsString;

use crate::cli::arguments::help;
use crate::cli::arguments::parser::Parser;
use crate::cli::commands::unknown::no_command;
use crate::cli::commands::{connect, doctor, hosts, list, lookup, run, status, watch};
use crate::cli::failure::{Exit, Failure};

/// Runs a command with its arguments. It is a pointer, since one function with all commands inlined
/// would need the stack of all.
type Command = fn(&mut Parser) -> Result<(), Failure>;

const COMMANDS: [(&str, Command); help::TEXTS.len()] = [
    ("run", run::main),
    ("lookup", lookup::main),
    ("list", list::main),
    ("watch", watch::main),
    ("hosts", hosts::main),
    ("status", status::main),
    ("connect", connect::main),
    ("doctor", doctor::main),
    ("help", |_| stdio::print(help::OVERVIEW)),
];

/// Runs the command that the arguments (without the program's name) begin with, and returns the
/// exit code. If it fails, one line on standard error says what went wrong and what to do.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    crate::host::survive_file_limit();
    crate::host::act_as_first_process();
    let ended =
        run_command(arguments.into_iter().collect()).or_else(|failure| match failure.exit {
            Exit::Help => stdio::print(&failure.message),
            _ => Err(failure),
        });
    match ended {
        Ok(()) => 0,
        Err(failure) => {
            stdio::fail(&failure.message);
            failure.exit_code()
        }
    }
}

fn run_command(mut arguments: Vec<OsString>) -> Result<(), Failure> {
    // `help lookup` is `lookup --help`.
    if let [help, _] = arguments.as_mut_slice()
        && help == "help"
    {
        *help = "--help".into();
        arguments.reverse();
    }
    let Some(first) = arguments.first() else {
        return Err(Failure::usage("no command given; try foghorn --help"));
    };
    match first.to_str() {
        Some("--help" | "-h") => stdio::print(help::OVERVIEW),
        Some("--version" | "-V") => {
            stdio::print(concat!("foghorn ", env!("CARGO_PKG_VERSION"), "\n"))
        }
        name => match COMMANDS.iter().find(|(known, _)| name == Some(known)) {
            Some((name, command)) => {
                let help = help::of(name).unwrap_or_default();
                command(&mut Parser::new(help, arguments))
            }
            None => Err(no_command(&arguments)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_a_help_text() {
        let commands = COMMANDS.iter().map(|(name, _)| name);
        assert!(commands.eq(help::TEXTS.iter().map(|(name, _)| name)));
    }
}
