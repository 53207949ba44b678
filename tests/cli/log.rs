//! The destination and the level of the log.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::os::unix::net::UnixListener;
use std::path::Path;

use socket2::{Domain, SockAddr, Socket, Type};

use crate::common::{Directory, Ended, foghorn, log};
use crate::{Loopback, assert_failed, host};

/// A datagram that is rejected, which `--log debug` reports.
const TRUNCATED: &[u8] = b"\x00\x12\x10\x25";

/// So many messages overfill a socket.
const REJECTED: usize = 5000;

#[test]
fn a_log_file_is_appended_to() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let directory = Directory::new();
    let path = directory.path("log");
    for _ in 0..2 {
        let mut loopback = Loopback::logging_to(&path, &["--id", "nas", "--port", "22"]);
        loopback.hear("pi", 9);
        assert!(loopback.daemon.stop().success());
        assert!(loopback.daemon.log.all().is_empty());
    }
    let told = log::lines(File::open(&path).unwrap()).all();
    for message in [
        "announcing nas at port 22 every 30 s",
        "lo: up with address 127.0.0.1",
        "listens at ",
        "found pi at 127.0.0.1:9 on lo",
        "stopped",
    ] {
        let lines: Vec<_> = told.iter().filter(|line| line.contains(message)).collect();
        assert_eq!(lines.len(), 2, "{message:?} in {told:#?}");
        assert!(lines.iter().all(|line| line.contains(log::INFO)), "{lines:?}");
    }
}

#[test]
fn only_messages_of_the_chosen_level_are_logged() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let directory = Directory::new();
    for (level, lines) in [("error", 0), ("info", 4), ("DEBUG", 5)] {
        let path = directory.path(level);
        let mut loopback = Loopback::logging_to(&path, &["--log", level]);
        loopback.send(TRUNCATED);
        loopback.hear("pi", 9);
        assert!(loopback.daemon.stop().success());
        let mut told = log::lines(File::open(&path).unwrap()).all();
        // An emulator may not pass filters on to the kernel, and foghorn logs that.
        told.retain(|line| !line.contains("this kernel does not filter"));
        assert_eq!(told.len(), lines, "{told:#?}");
    }
    assert_eq!(fs::read(directory.path("error")).unwrap(), b"");
}

#[test]
fn the_log_can_go_to_a_unix_socket() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let directory = Directory::new();
    let path = directory.path("log.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let mut loopback = Loopback::logging_to(&path, &[]);
    let told = log::lines(listener.accept().unwrap().0);
    told.wait_for("listens at");
    loopback.hear("pi", 9);
    told.wait_for("found pi");
    assert!(loopback.daemon.stop().success());
    assert!(told.all().last().unwrap().contains("stopped"));
}

#[test]
fn a_stalled_log_reader_does_not_block_the_daemon() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let directory = Directory::new();
    let path = directory.path("log.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let mut loopback = Loopback::logging_to(&path, &["--log", "debug"]);
    let mut stream = listener.accept().unwrap().0;
    for number in 0..REJECTED {
        loopback.send(TRUNCATED);
        if number % 50 == 0 {
            loopback.hear_from(host(number.try_into().unwrap()), &format!("marker-{number}"), 1);
        }
    }
    loopback.hear("marker", 1);
    assert_eq!(loopback.daemon.status()["rejected"]["truncated"], REJECTED);

    // The lines that the socket held arrive, and then the new ones.
    let mut logged = vec![];
    stream.set_nonblocking(true).unwrap();
    assert_eq!(stream.read_to_end(&mut logged).unwrap_err().kind(), ErrorKind::WouldBlock);
    loopback.hear("late", 1);
    assert!(loopback.daemon.stop().success());
    stream.set_nonblocking(false).unwrap();
    stream.read_to_end(&mut logged).unwrap();
    let file = directory.path("log");
    fs::write(&file, logged).unwrap();
    let told = log::lines(File::open(file).unwrap()).all();
    assert!(told.iter().any(|line| line.contains("127.0.0.1 was rejected: ")), "{told:#?}");
    assert!(told.iter().any(|line| line.contains("log messages were dropped")), "{told:#?}");
    assert!(told.iter().any(|line| line.contains("found late at 127.0.0.1:1 on lo")), "{told:#?}");
    assert!(told.last().unwrap().contains("stopped"), "{told:#?}");
}

#[test]
fn the_daemon_outlives_the_log_reader() {
    let directory = Directory::new();
    let path = directory.path("log.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let mut loopback = Loopback::logging_to(&path, &["--log", "debug"]);
    drop(listener.accept().unwrap());
    drop(listener);
    for number in 0..10 {
        loopback.send(TRUNCATED);
        loopback.hear(&format!("node-{number}"), 1);
    }
    assert!(loopback.daemon.stop().success());
}

#[test]
fn a_log_that_cannot_be_opened_is_an_error_with_its_reason() {
    let directory = Directory::new();
    let start = |to: &Path| {
        let mut command = foghorn();
        command.args(["run", "--interface", "lo", "--control"]).arg(directory.path("control.sock"));
        Ended::from(command.arg("--log-to").arg(to).output().unwrap())
    };
    assert_failed(&start(Path::new("")), 2, "give the path of a file or a socket");
    assert_failed(&start(Path::new("/")), 4, "give the path of a file or a socket");
    assert_failed(&start(&directory.path("missing/log")), 4, "make its directory first");
    assert_failed(&start(Path::new("/proc/log")), 4, "another path with --log-to");
    let stale = directory.path("stale.sock");
    // It never listened: a child that another test starts at that moment would inherit a listening
    // socket until it runs its program.
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    socket.bind(&SockAddr::unix(&stale).unwrap()).unwrap();
    assert_failed(&start(&stale), 4, "start the program that should listen there first");
    assert!(!directory.path("control.sock").exists());
}
