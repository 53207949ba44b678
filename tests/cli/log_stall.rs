//! A stalled reader of standard error does not block the daemon.

use std::fs::File;
use std::io::{ErrorKind, Write, pipe};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{OpenOptionsExt, chown};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::Instant;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc::O_NONBLOCK;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{User, geteuid};

use crate::common::{
    Daemon, Directory, Lines, TIMEOUT, announcement, copy_foghorn, foghorn, free_udp_port, log,
    skip, terminal, to_run,
};
use crate::{Loopback, host};

/// So many messages overfill any pipe, terminal or socket.
const REJECTED: u64 = 5000;

/// A standard error, and its other end.
struct Stderr {
    kind: &'static str,
    ours: OwnedFd,
    theirs: OwnedFd,
}

impl Stderr {
    fn pipe() -> Self {
        let (reader, writer) = pipe().unwrap();
        Self { kind: "pipe", ours: reader.into(), theirs: writer.into() }
    }

    /// A pipe that is full from the start.
    fn full_pipe() -> Self {
        let stderr = Self::pipe();
        // With a separate file description: the description of the pipe's other writers must not
        // change.
        let path = format!("/proc/self/fd/{}", stderr.theirs.as_raw_fd());
        let mut writer = File::options().write(true).custom_flags(O_NONBLOCK).open(path).unwrap();
        let filling = if cfg!(feature = "defmt") { [0; 512] } else { [b'\n'; 512] };
        let full = loop {
            if let Err(error) = writer.write_all(&filling) {
                break error;
            }
        };
        assert_eq!(full.kind(), ErrorKind::WouldBlock);
        Self { kind: "full pipe", ..stderr }
    }

    fn socket() -> Self {
        let (ours, theirs) = UnixStream::pair().unwrap();
        Self { kind: "socket", ours: ours.into(), theirs: theirs.into() }
    }

    fn terminal() -> Self {
        let (ours, theirs) = terminal();
        Self { kind: "terminal", ours, theirs }
    }

    /// A terminal in which the user has typed Ctrl-S.
    fn stopped_terminal() -> Self {
        let terminal = Self::terminal();
        File::from(terminal.ours.try_clone().unwrap()).write_all(b"\x13").unwrap();
        let start = Instant::now();
        while poll(
            &mut [PollFd::new(terminal.theirs.as_fd(), PollFlags::POLLOUT)],
            PollTimeout::ZERO,
        ) != Ok(0)
        {
            assert!(start.elapsed() < TIMEOUT, "the terminal was not stopped");
            thread::yield_now();
        }
        Self { kind: "stopped terminal", ..terminal }
    }

    /// All kinds that can stall.
    fn kinds() -> Vec<Self> {
        let mut kinds = vec![Self::pipe(), Self::full_pipe(), Self::socket()];
        // Frames are not for terminals.
        if !cfg!(feature = "defmt") {
            kinds.extend([Self::terminal(), Self::stopped_terminal()]);
        }
        kinds
    }

    fn stdio(&self) -> Stdio {
        self.theirs.try_clone().unwrap().into()
    }

    /// The lines after the reader resumes.
    fn read(self) -> Lines {
        if self.kind == "stopped terminal" {
            // Ctrl-Q.
            File::from(self.ours.try_clone().unwrap()).write_all(b"\x11").unwrap();
        }
        log::lines(self.ours)
    }
}

/// Makes a daemon log more than its standard error has room for, sends it a request, and then reads
/// its log.
fn stall(stderr: Stderr, command: Command, directory: Directory) {
    let kind = stderr.kind;
    let port = free_udp_port();
    let arguments = ["--interface", "lo", "--udp-port", &port, "--log", "debug"];
    let control = directory.path("control.sock");
    let daemon =
        Daemon::spawn_with_stderr(stderr.stdio(), command, &control, &arguments).once_it_answers();
    let mut loopback = Loopback { directory, daemon, port };
    for number in 0..REJECTED {
        loopback.send(b"\x00\x12\x10\x25");
        // No more at once than its socket holds.
        if number % 200 == 0 {
            loopback.hear_from(host(number.try_into().unwrap()), &format!("marker-{number}"), 1);
        }
    }
    loopback.hear("marker", 1);
    let rejected = loopback.daemon.status().pointer("/rejected/truncated").unwrap().as_u64();
    assert_eq!(rejected, Some(REJECTED), "{kind}");
    let flags = fcntl(&stderr.theirs, FcntlArg::F_GETFL).unwrap();
    assert!(!OFlag::from_bits_retain(flags).contains(OFlag::O_NONBLOCK), "{kind} is shared");

    let told = stderr.read();
    // Until it logs that, it wakes up now and then.
    let start = Instant::now();
    let dropped = |lines: &[String]| -> Vec<u64> {
        let told = lines.iter().filter_map(|line| line.split_once(" log messages were dropped"));
        told.map(|(line, _)| line.rsplit(' ').next().unwrap().parse().unwrap()).collect()
    };
    while dropped(&told.seen()).is_empty() {
        assert!(start.elapsed() < TIMEOUT, "{kind}: {:#?}", told.seen());
        loopback.send(&announcement("marker", 1));
    }
    // On a busy machine, the reader may still be behind when the first is found.
    let mut number = 0;
    while !told.seen().iter().any(|line| line.contains("found late-")) {
        assert!(start.elapsed() < TIMEOUT, "{kind}: {:#?}", told.seen());
        number += 1;
        loopback.hear(&format!("late-{number}"), 1);
    }
    assert!(loopback.daemon.stop().success(), "{kind}");
    told.all();
    let seen = told.seen();
    let rejected =
        seen.iter().filter(|line| line.contains("127.0.0.1 was rejected: ")).count() as u64;
    let dropped: u64 = dropped(&seen).iter().sum();
    assert!(
        rejected < REJECTED && rejected + dropped >= REJECTED,
        "{kind}: {rejected} and {dropped}"
    );
}

#[test]
fn a_stalled_reader_of_standard_error_does_not_block_the_daemon() {
    if !log::can_be_read_or_skip() {
        return;
    }
    for stderr in Stderr::kinds() {
        stall(stderr, foghorn(), Directory::new());
    }
}

#[test]
fn a_stalled_pipe_or_terminal_that_cannot_be_reopened_does_not_block_the_daemon() {
    if !log::can_be_read_or_skip() {
        return;
    }
    if !geteuid().is_root() {
        return skip("only root can run a daemon as another user with a pipe of root");
    }
    let nobody = User::from_name("nobody").unwrap().unwrap();
    for stderr in Stderr::kinds() {
        let directory = Directory::new();
        let copy = directory.path("foghorn");
        copy_foghorn(&copy);
        chown(directory.path(""), Some(nobody.uid.as_raw()), None).unwrap();
        let (program, arguments) = to_run(copy.to_str().unwrap());
        let mut command = Command::new(program);
        command.args(arguments).env_remove("FOGHORN_LOG");
        command.uid(nobody.uid.as_raw()).gid(nobody.gid.as_raw());
        stall(stderr, command, directory);
    }
}

#[test]
fn a_failing_daemon_exits_even_if_nobody_reads_the_reason() {
    for stderr in [Stderr::full_pipe(), Stderr::stopped_terminal()] {
        let mut command = foghorn();
        let mut child =
            command.args(["run", "--port", "99999"]).stderr(stderr.stdio()).spawn().unwrap();
        let start = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if start.elapsed() > TIMEOUT {
                child.kill().unwrap();
                child.wait().unwrap();
                panic!("the daemon still waits for the reader of a {}", stderr.kind);
            }
            thread::yield_now();
        };
        assert_eq!(ExitStatus::code(&status), Some(2), "{}", stderr.kind);
    }
}
