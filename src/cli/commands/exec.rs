//! `--exec`: a command that foghorn runs because something happened.
//!
//! No shell is involved. A node's name, which a stranger chooses, reaches the command only as the
//! value of a variable.

use std::env;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::sys::wait::WaitStatus;
use nix::unistd::{AccessFlags, Pid, access, dup2_stdin};

use crate::cli::arguments::parser::Parser;
use crate::cli::failure::Failure;
use crate::cli::stdio::warn;
use crate::host::{Outage, run_child, spawn};

/// Between attempts to start a command.
const RETRY: Duration = Duration::from_secs(1);

/// The variables that describe the event. The command never inherits them from foghorn's own
/// environment.
const VARIABLES: [&str; 7] = [
    "FOGHORN_EVENT",
    "FOGHORN_NODE",
    "FOGHORN_ADDRESS",
    "FOGHORN_HOST",
    "FOGHORN_PORT",
    "FOGHORN_INTERFACE",
    "FOGHORN_RIVAL",
];

/// A command: the path of its program, and its arguments with the name that was typed as the first.
pub(crate) struct Exec {
    path: CString,
    arguments: Vec<CString>,
}

impl Exec {
    /// Takes the rest of the command line.
    pub(crate) fn parse(parser: &mut Parser) -> Result<Self, Failure> {
        let mut arguments = vec![];
        for argument in parser.rest()? {
            // No argument of a process has a NUL inside.
            arguments.extend(CString::new(argument.into_vec()));
        }
        let program = arguments.first().filter(|program| !program.is_empty());
        let program =
            program.ok_or_else(|| Failure::usage("--exec takes a command and its arguments"))?;
        let path = find(program).ok_or_else(|| {
            Failure::failed(format!("there is no program {} in PATH", program.to_string_lossy()))
        })?;
        Ok(Self { path, arguments })
    }

    /// Runs the command to its end. `values` are those of the [`VARIABLES`], in the same order;
    /// variables without a value are not set.
    ///
    /// A command that fails causes a warning. One that can't be started is an error, unless the
    /// reason may go away.
    pub(crate) fn run(&self, values: &[&str]) -> Result<(), Failure> {
        let path = self.path.to_string_lossy();
        let mut trying = Outage::default();
        let ended = loop {
            let errno = match run_child(|| self.start(values)) {
                Ok(ended) => break ended,
                Err(errno) => errno,
            };
            let failure = format!("cannot run {path}: {}", io::Error::from(errno));
            // There are too many processes, there is too little memory, or somebody just replaces
            // the program.
            if !matches!(errno, Errno::EAGAIN | Errno::ENOMEM | Errno::ETXTBSY) {
                return Err(Failure::failed(failure));
            }
            if trying.begin() {
                warn(&format!("{failure}; still trying"));
            }
            thread::sleep(RETRY);
        };
        match ended {
            // The kernel does not keep exit codes if foghorn's parent ignored SIGCHLD.
            Ok(WaitStatus::Exited(_, 0)) | Err(Errno::ECHILD) => {}
            Ok(WaitStatus::Exited(_, code)) => warn(&format!("{path} ended with exit code {code}")),
            _ => warn(&format!("{path} was killed by a signal")),
        }
        Ok(())
    }

    /// Starts the command with nothing to read.
    fn start(&self, values: &[&str]) -> nix::Result<Pid> {
        // It has foghorn's own standard input, which foghorn has no use for.
        dup2_stdin(open("/dev/null", OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?)?;
        spawn(&self.path, &self.arguments, &environment(values))
    }
}

/// The path of a program: the program itself, if it has a slash, else the first one in the
/// directories of PATH.
fn find(program: &CStr) -> Option<CString> {
    if program.to_bytes().contains(&b'/') {
        return Some(program.to_owned());
    }
    let directories = env::var_os("PATH")?;
    let mut places = directories.as_bytes().split(|byte| *byte == b':').filter_map(|directory| {
        let mut place = directory.to_vec();
        place.push(b'/');
        place.extend_from_slice(program.to_bytes());
        CString::new(place).ok()
    });
    // Of a directory, too, the kernel says that it is executable.
    let is_file = |place: &CStr| {
        fs::metadata(OsStr::from_bytes(place.to_bytes())).is_ok_and(|place| place.is_file())
    };
    places.find(|place| access(place.as_c_str(), AccessFlags::X_OK).is_ok() && is_file(place))
}

/// Foghorn's own environment, with these values of the [`VARIABLES`].
fn environment(values: &[&str]) -> Vec<CString> {
    let mut environment = vec![];
    let mut add = |name: OsString, value: OsString| {
        let mut pair = name.into_vec();
        pair.push(b'=');
        pair.extend_from_slice(value.as_bytes());
        environment.extend(CString::new(pair));
    };
    for (name, value) in env::vars_os() {
        if !VARIABLES.iter().any(|variable| name == *variable) {
            add(name, value);
        }
    }
    for (name, value) in VARIABLES.iter().zip(values) {
        add(name.into(), value.into());
    }
    environment
}
