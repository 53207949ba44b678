//! The error for an argument that a command does not have.

use lexopt::Arg;
use lexopt::Arg::{Long, Short, Value};

use crate::cli::arguments::help;
use crate::cli::arguments::near_miss::{meant_by, nearest};
use crate::cli::arguments::options::{has_option, options_with, word_after};
use crate::cli::failure::Failure;

/// The error for an argument that a command's help text does not have.
pub(crate) fn unexpected(argument: Arg<'_>, help: &str) -> Failure {
    let name = word_after(help, "foghorn").unwrap_or_default();
    let other_command = |word: &str| help::of(word).map(|_| format!("foghorn {word}"));
    let (what, meant) = match argument {
        Long(option) => {
            let meant = nearest(option, help, "--").map(|option| format!("--{option}"));
            let meant =
                meant.or_else(|| other_command(option)).or_else(|| meant_by(option, None, help));
            (format!("there is no option --{option}"), meant)
        }
        Short(letter) => {
            let meant = options_with(letter, help);
            let meant = meant.or_else(|| meant_by(letter.encode_utf8(&mut [0; 4]), None, help));
            (format!("there is no option -{letter}"), meant)
        }
        Value(value) => {
            let value = value.to_string_lossy();
            let mut what = format!("unexpected argument \"{value}\"");
            let meant = if has_option(help, &value) {
                Some(format!("--{value}"))
            } else if matches!(name, "lookup" | "connect") {
                what.extend([": ", name, " takes one node, and foghorn list shows all"]);
                None
            } else {
                Some(other_command(&value).unwrap_or_else(|| format!("foghorn lookup {value}")))
            };
            (what, meant)
        }
    };
    misread(&what, meant.as_deref(), name)
}

/// An error with a suggestion, if there is one, and the help to read.
pub(crate) fn misread(what: &str, meant: Option<&str>, command: &str) -> Failure {
    let mut message = what.to_owned();
    match meant {
        Some(meant) => message.extend([": did you mean ", meant, "? See foghorn "]),
        None => message.push_str("; see foghorn "),
    }
    message.push_str(command);
    message.push_str(if command.is_empty() { "--help" } else { " --help" });
    Failure::usage(message)
}
