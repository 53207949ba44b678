//! A daemon's log as lines of text, whether the build logs in lines or in frames.

use std::env;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::thread;

use super::{Lines, skip};

/// The level of most messages in the output of [`lines`].
pub(crate) const INFO: &str = if cfg!(feature = "defmt") { "INFO" } else { "info" };

/// The lines of a log. Empty where the test [can't read](can_be_read) a log.
pub(crate) fn lines(log: impl Into<OwnedFd>) -> Lines {
    let log = log.into();
    if !cfg!(feature = "defmt") {
        return Lines::of(File::from(log));
    }
    decoded(log, "{L} {s}")
}

/// The lines that defmt-print makes of frames, in the format of [`lines`].
pub(crate) fn decoded(frames: impl Into<OwnedFd>, format: &str) -> Lines {
    let mut command = defmt_print();
    command.args([
        "-e",
        env!("CARGO_BIN_EXE_foghorn"),
        "--show-skipped-frames",
        "--log-format",
        format,
    ]);
    let Ok(mut child) = command.stdin(frames.into()).stdout(Stdio::piped()).spawn() else {
        return Lines::of(std::io::empty());
    };
    let lines = Lines::of(child.stdout.take().unwrap());
    // It exits at the end of its input.
    thread::spawn(move || child.wait());
    lines
}

/// Whether the test can read a log here: a log in frames needs defmt-print.
pub(crate) fn can_be_read() -> bool {
    !cfg!(feature = "defmt")
        || defmt_print().arg("--version").output().is_ok_and(|version| version.status.success())
}

/// The same, with a message if it can't.
pub(crate) fn can_be_read_or_skip() -> bool {
    let can = can_be_read();
    if !can {
        skip(
            "frames need defmt-print: cargo install --locked defmt-print --version 1.2.0, or set FOGHORN_DEFMT_PRINT",
        );
    }
    can
}

fn defmt_print() -> Command {
    Command::new(env::var_os("FOGHORN_DEFMT_PRINT").unwrap_or_else(|| "defmt-print".into()))
}
