//! A log file or socket that disappears and returns.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::Loopback;
use crate::common::{Daemon, Directory, FOGHORN, TIMEOUT, free_udp_port, log, to_run};

/// The lines of a log file so far.
fn lines(path: &Path) -> Vec<String> {
    log::lines(File::open(path).unwrap()).all()
}

fn says(lines: &[String], what: &str) -> bool {
    lines.iter().any(|line| line.contains(what))
}

/// Makes the daemon check everything again. It answers the next request after that.
fn hang_up(loopback: &Loopback) {
    loopback.daemon.signal(Signal::SIGHUP);
    loopback.daemon.status();
}

fn logging_to(path: &Path) -> Loopback {
    Loopback::logging_to(path, &[])
}

/// A daemon whose log was rotated: the log's path, the new path of the old log, and the daemon.
fn rotate(directory: &Directory) -> (PathBuf, PathBuf, Loopback) {
    let [path, rotated] = ["log", "log.1"].map(|name| directory.path(name));
    let loopback = logging_to(&path);
    fs::rename(&path, &rotated).unwrap();
    (path, rotated, loopback)
}

#[test]
fn a_rotated_log_is_reopened_on_sighup() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let directory = Directory::new();
    let (path, rotated, mut loopback) = rotate(&directory);
    loopback.hear("first", 1);
    assert!(!path.exists());
    hang_up(&loopback);
    loopback.hear("second", 1);
    // The daemon appends to an existing file.
    fs::remove_file(&path).unwrap();
    fs::write(&path, if cfg!(feature = "defmt") { "\0" } else { "made by logrotate\n" }).unwrap();
    hang_up(&loopback);
    loopback.hear("third", 1);
    // A file that is truncated in place is still the same one.
    File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
    hang_up(&loopback);
    loopback.hear("fourth", 1);
    assert!(loopback.daemon.stop().success());
    let told = lines(&rotated);
    assert!(says(&told, "found first") && !says(&told, "SIGHUP: checking"), "{told:#?}");
    let told = lines(&path);
    assert!(says(&told, "SIGHUP: checking") && says(&told, "found fourth"), "{told:#?}");
    assert!(!says(&told, "found second") && !says(&told, "found third"), "{told:#?}");
}

#[test]
fn a_log_that_cannot_be_reopened_stays_in_use_and_is_retried() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let directory = Directory::new();
    let (path, rotated, mut loopback) = rotate(&directory);
    // The FIFO has no reader, and opening it for writing would wait for one.
    mkfifo(&path, Mode::S_IRWXU).unwrap();
    for _ in 0..3 {
        hang_up(&loopback);
    }
    loopback.hear("first", 1);
    fs::remove_file(&path).unwrap();
    hang_up(&loopback);
    loopback.hear("second", 1);
    assert!(loopback.daemon.stop().success());
    let told = lines(&rotated);
    let warnings = told.iter().filter(|line| line.contains("cannot open the log again: "));
    assert_eq!(warnings.count(), 1, "{told:#?}");
    assert!(says(&told, "found first") && !says(&told, "found second"), "{told:#?}");
    let told = lines(&path);
    assert!(says(&told, "the log can be opened again") && says(&told, "found second"), "{told:#?}");
}

/// Keeps the daemon awake until it has connected.
fn accept(listener: &UnixListener, loopback: &Loopback) -> UnixStream {
    listener.set_nonblocking(true).unwrap();
    let start = Instant::now();
    loop {
        if let Ok((stream, _)) = listener.accept() {
            stream.set_nonblocking(false).unwrap();
            return stream;
        }
        assert!(start.elapsed() < TIMEOUT, "the daemon does not connect again");
        loopback.hear("awake", 1);
    }
}

#[test]
fn a_restarted_log_reader_gets_the_log_again() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let directory = Directory::new();
    let path = directory.path("log.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let mut loopback = logging_to(&path);
    let (stream, _) = listener.accept().unwrap();
    log::lines(stream.try_clone().unwrap()).wait_for("listens at");
    stream.shutdown(Shutdown::Both).unwrap();
    drop(listener);
    fs::remove_file(&path).unwrap();
    for number in 0..10 {
        loopback.hear(&format!("early-{number}"), 1);
    }
    // A file there would block the program.
    hang_up(&loopback);
    assert!(!path.exists());

    let listener = UnixListener::bind(&path).unwrap();
    let told = log::lines(accept(&listener, &loopback));
    loopback.hear("late", 1);
    assert!(loopback.daemon.stop().success());
    told.wait_for("stopped");
    let seen = told.seen();
    let dropped = seen.iter().find_map(|line| line.strip_suffix(" log messages were dropped"));
    let dropped: u32 = dropped.unwrap().rsplit(' ').next().unwrap().parse().unwrap();
    assert!(dropped >= 10, "{seen:#?}");
    assert!(says(&seen, "found late"), "{seen:#?}");
}

#[test]
fn a_new_log_reader_at_the_same_socket_gets_the_log_on_sighup() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let directory = Directory::new();
    let path = directory.path("log.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let mut loopback = logging_to(&path);
    let first = log::lines(listener.accept().unwrap().0);
    // A stopped program whose queue is full.
    fs::remove_file(&path).unwrap();
    let stopped = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    stopped.bind(&SockAddr::unix(&path).unwrap()).unwrap();
    stopped.listen(0).unwrap();
    let mut queue = vec![];
    let full = loop {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        socket.set_nonblocking(true).unwrap();
        match socket.connect(&SockAddr::unix(&path).unwrap()) {
            Ok(()) => queue.push(socket),
            Err(error) => break error,
        }
    };
    assert_eq!(full.kind(), ErrorKind::WouldBlock);
    hang_up(&loopback);
    loopback.hear("early", 1);
    first.wait_for("cannot open the log again: ");
    first.wait_for("found early");

    fs::remove_file(&path).unwrap();
    let listener = UnixListener::bind(&path).unwrap();
    hang_up(&loopback);
    let told = log::lines(listener.accept().unwrap().0);
    told.wait_for("the log can be opened again");
    // The daemon does not touch the log while it exists.
    hang_up(&loopback);
    loopback.hear("late", 1);
    told.wait_for("found late");
    assert!(loopback.daemon.stop().success());
    told.wait_for("stopped");
    assert!(!says(&first.seen(), "late"));
}

#[test]
fn a_log_at_the_limit_of_file_sizes_does_not_stop_the_daemon() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let directory = Directory::new();
    let [path, rotated, control] =
        ["log", "log.1", "control.sock"].map(|name| directory.path(name));
    let port = free_udp_port();
    let (program, arguments) = to_run(FOGHORN);
    let mut command = Command::new("sh");
    // In blocks of 512 or 1024 bytes.
    command.args(["-c", "ulimit -f 4; exec \"$0\" \"$@\""]).arg(program).args(arguments);
    command.env_remove("FOGHORN_LOG");
    let to = path.to_str().unwrap();
    let arguments = ["--interface", "lo", "--udp-port", &port, "--log", "debug", "--log-to", to];
    let daemon = Daemon::start_silent(command, &control, &arguments);
    let mut loopback = Loopback { directory, daemon, port };
    for number in 0..200 {
        loopback.send(b"\x00\x12\x10\x25");
        if number % 50 == 0 {
            loopback.hear(&format!("node-{number}"), 1);
        }
    }
    loopback.hear("last", 1);
    // The limit applies to files only.
    fs::rename(&path, &rotated).unwrap();
    hang_up(&loopback);
    loopback.hear("late", 1);
    assert!(loopback.daemon.stop().success());
    assert!(!says(&lines(&rotated), "found last"));
    let told = lines(&path);
    assert!(says(&told, " log messages were dropped") && says(&told, "found late"), "{told:#?}");
}
