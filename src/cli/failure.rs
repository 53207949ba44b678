//! Why a command failed, and the exit code that says so.

use std::{fmt, io};

use crate::host::is_usage;

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
}

/// The exit codes that scripts rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It was asked for help, which the message is.
    Help = 0,
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
    pub(crate) fn no(message: impl Into<String>) -> Self {
        Self { exit: Exit::No, message: message.into() }
    }

    /// Help was asked for, instead of what the command does.
    pub(crate) fn help(help: &str) -> Self {
        Self { exit: Exit::Help, message: help.to_owned() }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into() }
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, message: message.into() }
    }

    /// An error of the host, whose text says what to do.
    pub(crate) fn of_host(error: &io::Error) -> Self {
        let message = error.to_string();
        if is_usage(error) { Self::usage(message) } else { Self::failed(message) }
    }

    /// The exit code of the process: 0 to 4.
    pub(crate) fn exit_code(&self) -> u8 {
        self.exit as u8
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
