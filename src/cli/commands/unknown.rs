//! A line that does not begin with a command, and what was meant by it.

use std::ffi::OsString;

use crate::cli::arguments::help;
use crate::cli::arguments::near_miss::{meant_by, nearest};
use crate::cli::arguments::node::{mistaken, node_id};
use crate::cli::arguments::options::{has_option, options_with};
use crate::cli::arguments::unexpected::misread;
use crate::cli::commands::find::ask;
use crate::cli::failure::Failure;

/// The error for a line that does not begin with a command.
#[cold]
pub(crate) fn no_command(arguments: &[OsString]) -> Failure {
    let typed: Vec<_> =
        arguments.iter().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let first = typed.first().map_or("", String::as_str);
    let word = first.trim_start_matches(['-', '/']);
    let is_option = word.len() < first.len();
    let option = word.split('=').next().unwrap_or_default();
    let has_it = |name: &String| help::of(name).is_some_and(|help| has_option(help, option));
    if let Some(place) = typed.iter().position(has_it).filter(|_| is_option) {
        let meant = typed.get(place).map(|command| line(command, &typed, place));
        return misread("options go behind the command", meant.as_deref(), "");
    }
    let mut message =
        String::from(if is_option { "there is no option " } else { "there is no command " });
    message.push_str(first);
    misread(&message, other_line(&typed, word, is_option).as_deref(), "")
}

/// A command line with all that was typed but for one word.
fn line(command: &str, typed: &[String], without: usize) -> String {
    let mut line = String::from("foghorn ");
    line.push_str(command);
    for (number, argument) in typed.iter().enumerate() {
        if number != without {
            line.extend([" ", argument]);
        }
    }
    line
}

/// The suggestion for a line that begins with a word that is no command.
fn other_line(typed: &[String], word: &str, is_option: bool) -> Option<String> {
    let next = typed.get(1).map(String::as_str);
    let mut names = String::new();
    for (name, _) in help::TEXTS {
        names.extend([name, " "]);
    }
    if help::of(word).is_some() {
        return Some(line(word, typed, 0));
    }
    if let Some(meant) = meant_by(word, next, "") {
        return Some(meant);
    }
    if is_option {
        let mut meant = String::from("run --");
        if has_option(help::RUN, word.split('=').next().unwrap_or_default()) {
            meant.push_str(word);
            return Some(line(&meant, typed, 0));
        }
        let mut letters = word.chars();
        let letter = letters.next().filter(|_| letters.next().is_none());
        let option = letter.and_then(|letter| options_with(letter, help::RUN));
        if let Some(option) = option.or_else(|| meant_by(word, next, help::RUN)) {
            return Some(line(&format!("run {option}"), &[], 0));
        }
        names.push_str("--version --help");
    }
    if let Some(meant) = nearest(word, &names, "").or_else(|| nearest(word, &names, "--")) {
        let dashes = if meant == "version" { "--" } else { "" };
        return Some(line(&format!("{dashes}{meant}"), typed, 0));
    }
    let name = mistaken(word).map_or(word, |(_, name)| name);
    let is_known = node_id(name).is_ok_and(|id| ask(None, &id).is_ok());
    is_known.then(|| format!("foghorn lookup {name}"))
}
