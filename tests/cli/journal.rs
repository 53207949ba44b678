//! Messages and the log in systemd's journal.

use std::fs;
use std::io::Read as _;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use nix::sys::stat::fstat;

use crate::common::{Daemon, Directory, Ended, foghorn, free_udp_port};

/// A stream as systemd makes one for a service: the end to read, and the other end with its name in
/// `JOURNAL_STREAM`.
fn journal() -> (UnixStream, UnixStream, String) {
    let (reader, writer) = UnixStream::pair().unwrap();
    let stream = stream(&writer);
    (reader, writer, stream)
}

fn stream(of: impl AsFd) -> String {
    let stat = fstat(of).unwrap();
    format!("{}:{}", stat.st_dev, stat.st_ino)
}

/// A command that fails because no daemon answers.
fn list(directory: &Directory) -> Command {
    let mut command = foghorn();
    command.arg("list").arg("--control").arg(directory.path("none.sock"));
    command
}

/// Runs a daemon to its end, with that as its standard error.
fn run_daemon(stderr: impl Into<Stdio>, stream: &str, directory: &Directory, arguments: &[&str]) {
    let port = free_udp_port();
    let mut command = foghorn();
    command.env("JOURNAL_STREAM", stream);
    let arguments = [&["--interface", "lo", "--udp-port", &port], arguments].concat();
    let control = directory.path("control.sock");
    let daemon = Daemon::spawn_with_stderr(stderr.into(), command, &control, &arguments);
    assert!(daemon.once_it_answers().stop().success());
}

#[test]
fn the_journal_gets_the_priority_and_not_the_name() {
    let directory = Directory::new();
    let (mut reader, writer, stream) = journal();
    let mut command = list(&directory);
    let status =
        command.env("JOURNAL_STREAM", stream).stderr(OwnedFd::from(writer)).status().unwrap();
    drop(command);
    assert_eq!(status.code(), Some(3));
    let mut said = String::new();
    reader.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("<3>no daemon answers at ") && said.lines().count() == 1, "{said}");

    if cfg!(feature = "defmt") {
        return;
    }
    let (mut reader, writer, stream) = journal();
    let arguments = ["--log", "debug", "--id", "pi", "--port", "22"];
    run_daemon(OwnedFd::from(writer), &stream, &directory, &arguments);
    let mut said = String::new();
    reader.read_to_string(&mut said).unwrap();
    for line in ["<6>announcing pi at port 22 every 30 s", "<6>stopped"] {
        assert!(said.lines().any(|told| told == line), "{line} in {said}");
    }
    assert!(said.lines().all(|line| line.starts_with("<6>") || line.starts_with("<7>")), "{said}");
}

#[test]
fn other_readers_than_the_journal_get_the_name() {
    let directory = Directory::new();
    let (_reader, _writer, other) = journal();
    let file = directory.path("said");
    let this = || stream(fs::File::open(&file).unwrap());
    fs::write(&file, "").unwrap();
    let (device, inode) =
        this().split_once(':').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    for named in [
        "",
        ":",
        "8",
        "8:",
        ":8",
        "x:y",
        "-1:-1",
        "18446744073709551616:18446744073709551616",
        &format!("{device}:"),
        &format!("{device}:{inode}0"),
        &format!("{device}:{inode} "),
        &format!("{device}:{inode}:"),
        &format!("{inode}:{device}"),
        &other,
        &"9".repeat(4096),
    ] {
        let mut command = list(&directory);
        command.env("JOURNAL_STREAM", named).stderr(fs::File::create(&file).unwrap());
        assert_eq!(command.status().unwrap().code(), Some(3));
        let said = fs::read_to_string(&file).unwrap();
        assert!(said.starts_with("foghorn: no daemon answers at "), "{named:?}: {said}");
    }
    // A closed standard error has no device number.
    let mut command = Command::new("sh");
    command.args(["-c", "exec \"$@\" 2>&-", "sh"]).arg(list(&directory).get_program());
    command.args(list(&directory).get_args()).env("JOURNAL_STREAM", "0:0");
    assert_eq!(Ended::from(command.output().unwrap()).code, 3);
}

#[test]
fn a_separate_log_has_no_prefixes() {
    if cfg!(feature = "defmt") {
        return;
    }
    let directory = Directory::new();
    let (mut reader, writer, stream) = journal();
    let path = directory.path("log");
    let to = ["--log-to", path.to_str().unwrap()];
    run_daemon(OwnedFd::from(writer), &stream, &directory, &to);
    let log = fs::read_to_string(&path).unwrap();
    assert!(log.lines().count() >= 2, "{log}");
    assert!(log.lines().all(|line| line.starts_with("foghorn: info: ")), "{log}");
    let mut said = String::new();
    reader.read_to_string(&mut said).unwrap();
    assert_eq!(said, "");
}
