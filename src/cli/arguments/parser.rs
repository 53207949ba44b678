//! The arguments of a command. Its help text is the list of its options: one that is not there does
//! not exist.

use std::ffi::OsString;
use std::num::NonZeroU16;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use lexopt::Arg::{Long, Short, Value};
use lexopt::{RawArgs, ValueExt as _};

use crate::cli::arguments::options::{options, word_after};
use crate::cli::arguments::unexpected::{misread, unexpected};
use crate::cli::failure::Failure;

/// An argument of a command.
pub(crate) enum Argument {
    /// An option, by its name in the help text.
    Named(&'static str),
    /// Anything else.
    Word(OsString),
}

/// Reads the arguments of a command one by one. The option `--control`, which all have, it keeps.
pub(crate) struct Parser {
    lexer: lexopt::Parser,
    help: &'static str,
    /// The option that was read last.
    option: &'static str,
    control: Option<PathBuf>,
}

impl Parser {
    /// For a command with that help text. The first argument is its name.
    pub(crate) fn new(help: &'static str, arguments: Vec<OsString>) -> Self {
        let lexer = lexopt::Parser::from_iter(arguments);
        Self { lexer, help, option: "", control: None }
    }

    pub(crate) const fn help(&self) -> &'static str {
        self.help
    }

    /// The socket that was asked for, once all arguments are read.
    pub(crate) fn control(&self) -> Option<&Path> {
        self.control.as_deref()
    }

    /// The next argument; none at the end.
    ///
    /// # Errors
    ///
    /// The command has no such option, or help was asked for.
    pub(crate) fn next(&mut self) -> Result<Option<Argument>, Failure> {
        loop {
            match self.lexer.next()? {
                None => return Ok(None),
                Some(Long("help") | Short('h')) => return Err(Failure::help(self.help)),
                Some(Value(word)) => return Ok(Some(Argument::Word(word))),
                Some(argument) => {
                    let listed = options(self.help).into_iter().find(|name| argument == Long(name));
                    self.option = listed.ok_or_else(|| unexpected(argument, self.help))?;
                }
            }
            if self.option != "control" {
                return Ok(Some(Argument::Named(self.option)));
            }
            self.control = Some(self.value()?.into());
        }
    }

    /// The error for an argument that the command has no use for.
    pub(crate) fn refuse(&self, argument: Argument) -> Failure {
        let argument = match argument {
            Argument::Named(name) => Long(name),
            Argument::Word(word) => Value(word),
        };
        unexpected(argument, self.help)
    }

    /// The value of the option. Only after an equals sign may it begin with `--`: otherwise it is
    /// the next option.
    pub(crate) fn value(&mut self) -> Result<OsString, Failure> {
        if let Some(value) = self.lexer.optional_value() {
            return Ok(value);
        }
        let mut rest = self.lexer.raw_args()?;
        let value = rest.next_if(|value| !value.as_encoded_bytes().starts_with(b"--"));
        value.ok_or_else(|| {
            let option = format!("--{}", self.option);
            let kind = match word_after(self.help, &option) {
                None | Some("NODE") => "name",
                Some("SECONDS") => "number of seconds",
                Some(kind) => &kind.to_ascii_lowercase(),
            };
            let name = word_after(self.help, "foghorn").unwrap_or_default();
            misread(&format!("{option} needs a {kind}"), None, name)
        })
    }

    /// The value of the option, which is text.
    pub(crate) fn text(&mut self) -> Result<String, Failure> {
        Ok(self.value()?.string()?)
    }

    /// The value of the option, which is a whole number within a range.
    pub(crate) fn number(&mut self, range: RangeInclusive<u64>) -> Result<u64, Failure> {
        let value = self.value()?;
        let value = value.to_string_lossy();
        let within = |text: &str| text.parse().ok().filter(|number| range.contains(number));
        if let Some(number) = within(&value) {
            return Ok(number);
        }
        let option = self.option;
        let [min, max] = [range.start(), range.end()];
        let mut message =
            format!("--{option} takes a whole number from {min} to {max}, not \"{value}\"");
        // `30s`, `22/tcp`
        let digits = value.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        if within(digits).is_some() {
            message.extend([": did you mean --", option, " ", digits, "?"]);
        }
        Err(Failure::usage(message))
    }

    /// The value of the option, which is a port.
    pub(crate) fn port(&mut self) -> Result<NonZeroU16, Failure> {
        let number = self.number(1..=65_535)?;
        u16::try_from(number)
            .ok()
            .and_then(NonZeroU16::new)
            .ok_or_else(|| Failure::usage("no such port"))
    }

    /// All that is left, as it was typed.
    pub(crate) fn rest(&mut self) -> Result<RawArgs<'_>, Failure> {
        Ok(self.lexer.raw_args()?)
    }
}

/// The error for a value that an option does not take.
pub(crate) fn refused(takes: &str, value: &str) -> Failure {
    Failure::usage(format!("{takes}, not \"{value}\""))
}

impl From<lexopt::Error> for Failure {
    fn from(error: lexopt::Error) -> Self {
        use lexopt::Error::{NonUnicodeValue, UnexpectedValue};
        // Not as the error displays itself: that quotes by `{:?}`, which takes 600 bytes more.
        let message = match error {
            UnexpectedValue { option, value } => {
                format!("{option} takes no value: leave ={} out", value.display())
            }
            NonUnicodeValue(value) => format!("invalid UTF-8 in \"{}\"", value.display()),
            _ => "wrong arguments".to_owned(),
        };
        Self::usage(message)
    }
}
