//! The control socket: its permissions, its protocol, and bad clients.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;
use std::thread;

use nix::sys::signal::Signal;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};

use crate::common::{
    Daemon, Directory, Ended, FOGHORN, TIMEOUT, announcement, foghorn, free_udp_port, log, skip,
    to_run,
};
use crate::{Loopback, assert_failed, host};

#[test]
fn a_control_socket_that_cannot_be_opened_is_an_error_with_its_reason() {
    let directory = Directory::new();
    let start = |control: &Path| {
        let mut command = foghorn();
        command.args(["run", "--interface", "lo", "--log", "error", "--control"]).arg(control);
        Ended::from(command.output().unwrap())
    };
    assert_failed(&start(&directory.path("missing/control.sock")), 4, "make its directory first");
    assert_failed(&start(Path::new("")), 2, "--control");
    assert_failed(&start(Path::new("/proc/control.sock")), 4, "another path with --control");
    assert_failed(&start(&directory.path(&"x".repeat(200))), 2, "xxx");
    let file = directory.path("file");
    fs::write(&file, "precious").unwrap();
    assert_failed(
        &start(&file),
        4,
        "file exists and is not a socket: choose another path with --control",
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    assert_failed(&start(&file.join("control.sock")), 4, "choose another path with --control");
    let place = directory.path("place");
    fs::create_dir(&place).unwrap();
    let advice = format!("like {}, with --control", place.join("control.sock").display());
    assert_failed(
        &start(&place),
        4,
        &format!("place is a directory: give the path of a file in it, {advice}"),
    );
}

#[test]
fn a_live_socket_is_kept_and_a_stale_one_is_replaced() {
    let mut first = Loopback::new(&["--id", "first", "--port", "1"]);
    let control = first.directory.path("control.sock");
    let second = foghorn()
        .args(["run", "--log", "error", "--control"])
        .arg(&control)
        .output()
        .unwrap()
        .into();
    assert_failed(&second, 4, "already");
    assert_eq!(first.daemon.ask(&["list"]).code, 0);

    first.daemon.crash();
    assert!(fs::symlink_metadata(&control).unwrap().file_type().is_socket());
    assert_failed(&first.daemon.ask(&["list"]), 3, "foghorn run");
    let arguments = ["--interface", "lo", "--udp-port", &first.port];
    let mut third = Daemon::start(&control, &arguments);
    assert_eq!(third.ask(&["list"]).code, 0);
    assert!(third.stop().success());
    assert!(!control.exists());
}

#[test]
fn a_socket_that_replaced_the_daemons_is_not_removed() {
    let mut loopback = Loopback::new(&[]);
    let control = loopback.directory.path("control.sock");
    fs::remove_file(&control).unwrap();
    let _other = UnixListener::bind(&control).unwrap();
    assert!(loopback.daemon.stop().success());
    assert!(control.exists());
}

#[test]
fn a_removed_socket_is_created_again_on_sighup() {
    let loopback = Loopback::new(&[]);
    let daemon = &loopback.daemon;
    loopback.hear("pi", 9);
    let watch = daemon.watch(&["watch"]);
    assert_eq!(watch.lines.next(), "known pi 127.0.0.1:9 lo");
    fs::remove_file(&daemon.control).unwrap();
    assert_failed(&daemon.ask(&["list"]), 3, "no daemon answers");
    let (said, pid) = (daemon.ask(&["doctor"]).out, daemon.pid());
    let line = said.lines().next().unwrap();
    assert!(line.contains(&format!(
        "its socket {} is gone: sudo kill -HUP {pid} ",
        daemon.control.display()
    )));
    daemon.signal(Signal::SIGHUP);
    daemon.ask_until(&["list"], |ended| ended.code == 0);
    assert_eq!(fs::metadata(&daemon.control).unwrap().permissions().mode() & 0o7777, 0o660);
    // An existing client stayed connected.
    loopback.send(&announcement("nas", 8));
    assert_eq!(watch.lines.next(), "found nas 127.0.0.1:8 lo");
}

#[test]
fn a_socket_that_cannot_be_created_again_is_logged_once() {
    let directory = Directory::new();
    let place = directory.path("place");
    fs::create_dir(&place).unwrap();
    let arguments = ["--interface", "lo", "--udp-port", &free_udp_port()];
    let daemon = Daemon::start(&place.join("control.sock"), &arguments);
    fs::remove_dir_all(&place).unwrap();
    // The daemon checks once after several signals at once.
    for sign in ["is gone, so no client", "SIGHUP: checking"] {
        daemon.signal(Signal::SIGHUP);
        if log::can_be_read() {
            daemon.log.wait_for(sign);
        }
    }
    fs::create_dir(&place).unwrap();
    daemon.signal(Signal::SIGHUP);
    daemon.ask_until(&["list"], |ended| ended.code == 0);
    if log::can_be_read() {
        daemon.log.wait_for("listening there again");
        let warned =
            daemon.log.seen().iter().filter(|line| line.contains("is gone, so no client")).count();
        assert_eq!(warned, 1);
    }
}

/// Files that were created or got another mode or owner.
struct Changes(OwnedFd);

impl Changes {
    /// Watches that directory from now on.
    fn watch(directory: &Path) -> Self {
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
        let kinds = WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::ATTRIB;
        inotify::add_watch(&inotify, directory, kinds).unwrap();
        Self(inotify)
    }

    /// The changes so far.
    fn all(&self) -> Vec<(ReadFlags, String)> {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&self.0, &mut buffer);
        let mut changes = vec![];
        while let Ok(change) = reader.next() {
            changes
                .push((change.events(), change.file_name().unwrap().to_str().unwrap().to_owned()));
        }
        changes
    }
}

#[test]
fn the_control_socket_is_private_under_any_umask() {
    let directory = Directory::new();
    for umask in ["0", "777"] {
        let control = directory.path(umask);
        let changes = Changes::watch(control.parent().unwrap());
        let (program, arguments) = to_run(FOGHORN);
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")])
            .arg(program)
            .args(arguments);
        let _daemon = Daemon::start_with(
            shell,
            &control,
            &["--interface", "lo", "--udp-port", &free_udp_port()],
        );
        assert_eq!(fs::metadata(&control).unwrap().permissions().mode() & 0o7777, 0o660);
        // It was created with that mode.
        assert_eq!(changes.all(), [(ReadFlags::CREATE, umask.to_owned())]);
    }
}

/// Sends some bytes to the control socket and reads all the answers.
fn say(loopback: &Loopback, words: &[u8]) -> String {
    let mut stream = UnixStream::connect(&loopback.daemon.control).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    let _ = stream.write_all(words);
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = vec![];
    // A daemon that disconnects a client with unread bytes resets the connection; its last answer
    // is received before that.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

#[test]
fn the_control_protocol_can_be_typed_by_hand() {
    let loopback = Loopback::new(&["--id", "nas", "--port", "22"]);
    loopback.hear("pi", 9);
    let version = format!("version protocol=1 foghorn={}\nok\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(say(&loopback, b"version\r\nversion 1\n"), version.repeat(2));
    assert!(say(&loopback, b"version 2\n").starts_with("error version "));
    assert_eq!(say(&loopback, b"lookup printer\n"), "error unknown-node printer is not known\n");
    let both = say(&loopback, b"lookup pi\nlist\n");
    assert_eq!(
        both.matches("node id=pi addresses=127.0.0.1:9 interface=lo age_s=").count(),
        2,
        "{both}"
    );
    assert_eq!(both.matches("\nok\n").count(), 2);
    let status = say(&loopback, b"status\n");
    for kind in [
        "daemon version=",
        "registry used=1 ",
        "datagrams received=",
        "rejected truncated=0 ",
        "own id=nas",
        "interface name=lo ",
    ] {
        assert_eq!(
            status.lines().filter(|line| line.starts_with(kind)).count(),
            1,
            "{kind} in {status}"
        );
    }
    assert!(status.ends_with("\nok\n"));
}

#[test]
fn bad_requests_get_an_answer() {
    let loopback = Loopback::new(&[]);
    for request in [
        &b"\n"[..],
        b"LIST\n",
        b"\xff\xff\n",
        b"lookup\n",
        b"lookup a b\n",
        b"lookup \x1b[2J\n",
        b"list all\n",
        b"version x\n",
    ] {
        let answer = say(&loopback, request);
        assert!(
            answer.starts_with("error bad-request ") && answer.lines().count() == 1,
            "{answer}"
        );
    }
    let answer = say(&loopback, &b"x".repeat(100_000));
    assert_eq!(answer, "error bad-request the line is too long\n");
    // A request without its newline is incomplete.
    assert_eq!(say(&loopback, b"list"), "");
    assert_eq!(loopback.daemon.ask(&["list", "--json"]).out, "[]\n");
}

#[test]
fn a_request_may_arrive_byte_by_byte() {
    let loopback = Loopback::new(&[]);
    let mut stream = UnixStream::connect(&loopback.daemon.control).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    for byte in b"version\n" {
        stream.write_all(&[*byte]).unwrap();
    }
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    assert!(line.starts_with("version protocol=1 "));
}

#[test]
fn many_requests_at_once_are_all_answered() {
    let loopback = Loopback::new(&[]);
    loopback.hear("pi", 9);
    let mut stream = UnixStream::connect(&loopback.daemon.control).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    let mut writer = stream.try_clone().unwrap();
    // The answers overfill all buffers: the daemon has to wait for its reader and continue where it
    // stopped.
    let requests = 20_000;
    let writer = thread::spawn(move || writer.write_all(&b"list\n".repeat(requests)).unwrap());
    let answers =
        BufReader::new(&mut stream).lines().map(Result::unwrap).filter(|line| line == "ok");
    assert_eq!(answers.take(requests).count(), requests);
    writer.join().unwrap();
}

#[test]
fn silent_clients_make_room_and_watching_clients_do_not() {
    let loopback = Loopback::new(&[]);
    let slots = foghorn::limits::CONTROL_CLIENTS;
    let silent: Vec<_> =
        (0..3 * slots).map(|_| UnixStream::connect(&loopback.daemon.control).unwrap()).collect();
    assert_eq!(loopback.daemon.ask(&["list", "--json"]).out, "[]\n");
    drop(silent);

    loopback.hear("pi", 9);
    // All clients but one may watch: the last slot is for requests.
    let watching: Vec<_> = (1..slots).map(|_| loopback.daemon.watch(&["watch"])).collect();
    for watch in &watching {
        assert_eq!(watch.lines.next(), "known pi 127.0.0.1:9 lo");
    }
    assert_eq!(loopback.daemon.ask(&["watch"]).code, 4);
    let silent: Vec<_> =
        (0..3 * slots).map(|_| UnixStream::connect(&loopback.daemon.control).unwrap()).collect();
    assert_eq!(loopback.daemon.ask(&["lookup", "pi"]).out, "127.0.0.1:9\n");
    drop(silent);
    loopback.send(&announcement("nas", 8));
    for watch in &watching {
        assert_eq!(watch.lines.next(), "found nas 127.0.0.1:8 lo");
    }
    drop(watching);
    // The slots become free when the daemon notices that the clients are gone.
    loopback.daemon.ask_until(&["lookup", "--wait", "0", "tv"], |ended| ended.code == 1);
}

#[test]
fn a_watch_that_does_not_read_is_disconnected_and_others_are_served() {
    let loopback = Loopback::new(&[]);
    let mut stuck = UnixStream::connect(&loopback.daemon.control).unwrap();
    stuck.write_all(b"watch\n").unwrap();
    let id = |number: u32| format!("{}{number}", "x".repeat(50));
    // Newcomers from one host displace each other: two lines for each. All of them overfill the
    // daemon's send buffer many times.
    for number in 0..6000 {
        loopback.send_from(host(0), &announcement(&id(number), 1));
        if number % 100 == 0 {
            loopback.hear_from(host(0), &format!("marker-{number}"), 1);
        }
    }
    loopback.hear("marker", 1);
    // The client receives the lines written so far, then the reason for the end.
    stuck.set_read_timeout(Some(TIMEOUT)).unwrap();
    let mut said = String::new();
    stuck.read_to_string(&mut said).unwrap();
    assert!(said.lines().count() < 12_000);
    assert!(said.lines().last().unwrap().starts_with("error slow "), "{said}");
}

#[test]
fn a_users_daemon_is_found_without_xdg_runtime_dir() {
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
        // With a private /run, which has no daemon of the system.
        command
            .arg(format!("mount -t tmpfs none /run && touch /run/foghorn && {script}"))
            .arg("sh");
        let (program, arguments) = to_run(FOGHORN);
        command.arg(program).args(arguments);
        for variable in ["FOGHORN_CONTROL", "FOGHORN_LOG", "XDG_RUNTIME_DIR"] {
            command.env_remove(variable);
        }
        command
    };
    let run = |script: &str| Ended::from(unshare(script).output().unwrap());
    if !unshare("true").output().is_ok_and(|ended| ended.status.success()) {
        return skip("this machine can't make a mount namespace (unshare)");
    }
    let system = "no daemon answers at /run/foghorn/control.sock";
    let advice = ": start one with foghorn run, or set FOGHORN_CONTROL to the socket of one\n";
    let ended = run("exec \"$@\" list");
    assert_failed(&ended, 3, &format!("{system} (XDG_RUNTIME_DIR is not set){advice}"));
    let ended = run("XDG_RUNTIME_DIR=run exec \"$@\" list");
    assert_failed(
        &ended,
        3,
        &format!("{system} (XDG_RUNTIME_DIR is not an absolute path){advice}"),
    );
    let places = "/run/x/foghorn/control.sock or /run/user/0/foghorn/control.sock";
    let ended = run("mkdir -p /run/user/0 && XDG_RUNTIME_DIR=/run/x exec \"$@\" list");
    assert_failed(&ended, 3, &format!("{system} or {places}{advice}"));
    let ended = run("FOGHORN_CONTROL=/x exec \"$@\" list");
    assert_failed(&ended, 3, "no daemon answers at /x: start one with foghorn run\n");
    let ended = run("exec \"$@\" run --interface lo");
    assert_failed(
        &ended,
        4,
        "cannot write to /run/foghorn (XDG_RUNTIME_DIR is not set); choose a path with --control",
    );

    let port = free_udp_port();
    let script = format!(
        "mkdir -p /run/user/0 && {{ \"$@\" run --interface lo --udp-port {port} 2>/run/log & }} && \
         until \"$@\" list --json 2>/run/error || ! kill -0 $!; do :; done; \
         XDG_RUNTIME_DIR= \"$@\" list --json; XDG_RUNTIME_DIR=/run/user/0/ \"$@\" list --json; \
         ls /run/user/0/foghorn; kill $!; wait $!"
    );
    let ended = run(&script);
    assert_eq!((ended.code, ended.out.as_str()), (0, "[]\n[]\n[]\ncontrol.sock\n"), "{ended:?}");
}
