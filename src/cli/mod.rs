//! What a person types: one file per command.

mod absence;
mod client;
mod connect;
mod control_path;
mod doctor;
mod exec;
mod help;
mod hosts;
mod html;
mod json;
mod list;
mod lookup;
mod metrics;
mod near_miss;
mod output;
mod permission;
mod run;
mod status;
mod terminal;
mod watch;

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;

use lexopt::Arg::{Long, Short, Value};
use lexopt::{Arg, Parser, ValueExt as _};
use nix::sys::utsname::uname;

use near_miss::nearest;

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

    /// Says on standard error what went wrong. Unlike `eprintln!` this does not panic when nobody listens.
    pub fn tell(&self) {
        output::note(&self.message);
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
        use lexopt::Error::{
            MissingValue, NonUnicodeValue, UnexpectedArgument, UnexpectedOption, UnexpectedValue,
        };
        // Not as the error displays itself: that quotes by `{:?}`.
        let (what, which) = match &error {
            MissingValue { option: Some(option) } => ("missing argument for option", Cow::from(option)),
            UnexpectedOption(option) => ("there is no option", Cow::from(option)),
            UnexpectedArgument(value) => ("unexpected argument", value.to_string_lossy()),
            UnexpectedValue { option, .. } => ("unexpected argument for option", Cow::from(option)),
            NonUnicodeValue(value) => ("invalid UTF-8 in", value.to_string_lossy()),
            _ => ("wrong arguments", Cow::from("")),
        };
        Self::usage(format!("{what} {}; see foghorn COMMAND --help", Quoted(&which)))
    }
}

/// Text in quotes. What is behind `{:?}` takes 600 bytes more.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        f.write_str(self.0)?;
        f.write_str("\"")
    }
}

/// Does what the arguments behind its name ask for. By a pointer: compiled into one function, each command would have the stack of all.
type Command = fn(&mut Parser) -> Result<(), Failure>;

const COMMANDS: [(&str, Command); 9] = [
    ("run", run::main),
    ("lookup", lookup::main),
    ("list", list::main),
    ("watch", watch::main),
    ("hosts", hosts::main),
    ("status", status::main),
    ("connect", connect::main),
    ("doctor", doctor::main),
    ("help", |_| output::print(help::OVERVIEW)),
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
    let mut parser = Parser::from_args(arguments);
    match parser.next()? {
        None => Err(Failure::usage("what is to be done? Try foghorn --help")),
        Some(Long("help") | Short('h')) => output::print(help::OVERVIEW),
        Some(Long("version") | Short('V')) => {
            output::print(concat!("foghorn ", env!("CARGO_PKG_VERSION"), "\n"))
        }
        Some(Value(name)) => command(&name)?(&mut parser),
        Some(option) => Err(unexpected(option, help::OVERVIEW)),
    }
}

/// The command of that name.
fn command(name: &OsStr) -> Result<Command, Failure> {
    let mut names = String::new();
    for (known, command) in COMMANDS {
        if name == known {
            return Ok(command);
        }
        names.extend([known, " "]);
    }
    let name = name.to_string_lossy();
    if nearest(&name, &names, "").is_none()
        && let Ok(id) = lookup::node_id(&name)
        && lookup::ask(None, &id).is_ok()
    {
        return Err(Failure::usage(format!(
            "there is no command {name}: did you mean foghorn lookup {name}?"
        )));
    }
    Err(unknown("command ", &name, &names, ""))
}

/// What to say of an argument that is not among those which a help text tells of.
fn unexpected(argument: Arg<'_>, help: &str) -> Failure {
    match argument {
        Long(option) => unknown("option --", option, help, "--"),
        Short(option) => unknown("option -", option.encode_utf8(&mut [0; 4]), help, "--"),
        Value(value) => lexopt::Error::UnexpectedArgument(value).into(),
    }
}

/// What to say of a word that is not known: which of those that are, marked in a text, may be meant.
fn unknown(what: &str, typed: &str, known: &str, mark: &str) -> Failure {
    let help = if mark.is_empty() { "foghorn --help" } else { "foghorn COMMAND --help" };
    Failure::usage(match nearest(typed, known, mark) {
        Some(meant) => format!("there is no {what}{typed}: did you mean {mark}{meant}? See {help}"),
        None => format!("there is no {what}{typed}; see {help}"),
    })
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
                "an answer has one form: leave --{} or --{} out",
                other.option(),
                form.option()
            ))),
            _ => Ok(()),
        }
    }
}

/// An option's value.
fn value(parser: &mut Parser) -> Result<OsString, Failure> {
    Ok(parser.value()?)
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
fn number(parser: &mut Parser, option: &str, range: std::ops::RangeInclusive<u64>) -> Result<u64, Failure> {
    let value = value(parser)?;
    let number = value.to_str().and_then(|text| text.parse().ok()).filter(|number| range.contains(number));
    number.ok_or_else(|| {
        let (min, max) = range.into_inner();
        let value = value.to_string_lossy();
        Failure::usage(format!("{option} takes a whole number from {min} to {max}, not {}", Quoted(&value)))
    })
}
