//! What a person types: one file per command.

mod arguments;
mod asking;
mod commands;
mod forms;
mod output;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use lexopt::Arg::{Long, Short, Value};
use lexopt::{Arg, Parser, ValueExt as _};
use nix::sys::utsname::uname;

use arguments::help;
use arguments::near_miss::{has_option, meant_by, mistaken, nearest, options_with, word_after};
use commands::{connect, doctor, hosts, list, lookup, run, status, watch};

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    message: String,
}

/// The exit codes that scripts rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    /// The answer is no.
    No = 1,
    /// It was used wrongly.
    Usage = 2,
    /// No daemon answers.
    NoDaemon = 3,
    /// Anything else.
    Failed = 4,
}

impl Failure {
    fn no(message: impl Into<String>) -> Self {
        Self { exit: Exit::No, message: message.into() }
    }

    fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into() }
    }

    fn failed(message: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, message: message.into() }
    }

    /// Says on standard error what went wrong. Unlike `eprintln!` this does not panic when nobody
    /// listens.
    pub fn tell(&self) {
        output::fail(&self.message);
    }

    /// What the process ends with: 1 to 4.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.exit as u8
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<lexopt::Error> for Failure {
    fn from(error: lexopt::Error) -> Self {
        use lexopt::Error::{MissingValue, NonUnicodeValue, UnexpectedValue};
        // Not as the error displays itself: that quotes by `{:?}`, which takes 600 bytes more.
        let message = match error {
            MissingValue { option: Some(option) } => format!("{option} needs a value"),
            UnexpectedValue { option, value } => {
                format!("{option} takes no value: leave ={} out", value.display())
            }
            NonUnicodeValue(value) => format!("invalid UTF-8 in \"{}\"", value.display()),
            _ => "wrong arguments".to_owned(),
        };
        Self::usage(message)
    }
}

/// Does what the arguments behind its name ask for. By a pointer: compiled into one function, each
/// command would have the stack of all.
type Command = fn(&mut Parser) -> Result<(), Failure>;

/// Each command, with its help text.
const COMMANDS: [(&str, Command, &str); 9] = [
    ("run", run::main, help::RUN),
    ("lookup", lookup::main, help::LOOKUP),
    ("list", list::main, help::LIST),
    ("watch", watch::main, help::WATCH),
    ("hosts", hosts::main, help::HOSTS),
    ("status", status::main, help::STATUS),
    ("connect", connect::main, help::CONNECT),
    ("doctor", doctor::main, help::DOCTOR),
    ("help", |_| output::print(help::OVERVIEW), help::OVERVIEW),
];

/// Does what the arguments (without the program's name) ask for.
///
/// # Errors
///
/// [`Failure`] says in one line what went wrong and what to do.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Result<(), Failure> {
    crate::host::survive_file_limit();
    crate::host::act_as_first_process();
    let mut arguments: Vec<_> = arguments.into_iter().collect();
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
        Some("--help" | "-h") => output::print(help::OVERVIEW),
        Some("--version" | "-V") => {
            output::print(concat!("foghorn ", env!("CARGO_PKG_VERSION"), "\n"))
        }
        name => match name.and_then(command) {
            Some((_, command, _)) => command(&mut Parser::from_iter(arguments)),
            None => Err(no_command(&arguments)),
        },
    }
}

/// The command of that name.
fn command(name: &str) -> Option<&'static (&'static str, Command, &'static str)> {
    COMMANDS.iter().find(|(known, ..)| *known == name)
}

/// The error for a line that does not begin with a command.
#[cold]
fn no_command(arguments: &[OsString]) -> Failure {
    let typed: Vec<_> =
        arguments.iter().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let first = typed.first().map_or("", String::as_str);
    let word = first.trim_start_matches(['-', '/']);
    let is_option = word.len() < first.len();
    let option = word.split('=').next().unwrap_or_default();
    let has_it = |name: &String| command(name).is_some_and(|(.., help)| has_option(help, option));
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
    for (name, ..) in COMMANDS {
        names.extend([name, " "]);
    }
    if command(word).is_some() {
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
    let is_known = lookup::node_id(name).is_ok_and(|id| lookup::ask(None, &id).is_ok());
    is_known.then(|| format!("foghorn lookup {name}"))
}

/// The error for an argument that a command's help text does not have.
fn unexpected(argument: Arg<'_>, help: &str) -> Failure {
    let name = word_after(help, "foghorn").unwrap_or_default();
    let other_command = |word: &str| command(word).map(|(name, ..)| format!("foghorn {name}"));
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
fn misread(what: &str, meant: Option<&str>, command: &str) -> Failure {
    let mut message = what.to_owned();
    match meant {
        Some(meant) => message.extend([": did you mean ", meant, "? See foghorn "]),
        None => message.push_str("; see foghorn "),
    }
    message.push_str(command);
    message.push_str(if command.is_empty() { "--help" } else { " --help" });
    Failure::usage(message)
}

/// A form of an answer that is asked for by an option; without one it is for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// For programs.
    Json,
    /// For a browser.
    Html,
    /// For Prometheus.
    Metrics,
}

impl Form {
    const fn option(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Html => "html",
            Self::Metrics => "metrics",
        }
    }
}

/// What `list` and `status` are told.
#[derive(Default)]
struct Query {
    form: Option<Form>,
    control: Option<PathBuf>,
}

impl Query {
    /// Reads the options. None if help was asked for, which has then been given.
    fn parse(parser: &mut Parser, help: &str, forms: &[Form]) -> Result<Option<Self>, Failure> {
        let mut query = Self::default();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("help") | Short('h') => return output::print(help).map(|()| None),
                Long("control") => query.control = Some(value(parser)?.into()),
                other => match forms.iter().find(|form| other == Long(form.option())) {
                    Some(form) => query.choose(*form)?,
                    None => return Err(unexpected(other, help)),
                },
            }
        }
        Ok(Some(query))
    }

    fn choose(&mut self, form: Form) -> Result<(), Failure> {
        match self.form.replace(form) {
            Some(other) if other != form => Err(Failure::usage(format!(
                "use either --{} or --{}",
                other.option(),
                form.option()
            ))),
            _ => Ok(()),
        }
    }
}

/// An option's value. It begins with `--` only behind an equals sign: else the next option would be
/// taken for it.
fn value(parser: &mut Parser) -> Result<OsString, Failure> {
    if let Some(value) = parser.optional_value() {
        return Ok(value);
    }
    if let Some(rest) = parser.try_raw_args()
        && rest.peek().is_some_and(|next| next.as_encoded_bytes().starts_with(b"--"))
    {
        rest.for_each(drop);
    }
    parser.value().map_err(|error| {
        let name = parser.bin_name().unwrap_or_default();
        let lexopt::Error::MissingValue { option: Some(option) } = &error else {
            return error.into();
        };
        let help = command(name).map_or("", |(.., help)| help);
        let kind = match word_after(help, option) {
            None | Some("NODE") => "name",
            Some("SECONDS") => "number of seconds",
            Some(kind) => &kind.to_ascii_lowercase(),
        };
        misread(&format!("{option} needs a {kind}"), None, name)
    })
}

/// The error for a value that an option does not take.
fn refused(takes: &str, value: &str) -> Failure {
    Failure::usage(format!("{takes}, not \"{value}\""))
}

/// What this machine is called.
fn host_name() -> String {
    uname().map(|system| system.nodename().to_string_lossy().into_owned()).unwrap_or_default()
}

/// Text, as an option's value.
fn text(parser: &mut Parser) -> Result<String, Failure> {
    Ok(value(parser)?.string()?)
}

/// A whole number within a range, as an option's value.
fn number(
    parser: &mut Parser,
    option: &str,
    range: std::ops::RangeInclusive<u64>,
) -> Result<u64, Failure> {
    let value = value(parser)?;
    let value = value.to_string_lossy();
    let within = |text: &str| text.parse().ok().filter(|number| range.contains(number));
    if let Some(number) = within(&value) {
        return Ok(number);
    }
    let [min, max] = [range.start(), range.end()];
    let mut message = format!("{option} takes a whole number from {min} to {max}, not \"{value}\"");
    // `30s`, `22/tcp`
    let digits = value.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    if within(digits).is_some() {
        message.extend([": did you mean ", option, " ", digits, "?"]);
    }
    Err(Failure::usage(message))
}
