//! Foghorn as process 1 of a container.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::{
    Daemon, Directory, FOGHORN, TIMEOUT, Watch, announcement, free_udp_port, is_emulated, skip,
    to_run,
};
use crate::{Loopback, host};

/// Foghorn as the first process of a process namespace. None where this machine can't make one. A
/// message has then been printed, except under an emulator, which would itself be that process.
fn first_process() -> Option<Command> {
    let unshare = |program: &str| {
        // A shell makes its background jobs ignore these two, and the tests may be such a job.
        let mut command = Command::new("env");
        command.args(["--default-signal=INT,QUIT", "unshare"]);
        command.args(["--user", "--map-root-user", "--pid", "--fork", "--kill-child", program]);
        command
    };
    if is_emulated() {
        return None;
    }
    if !unshare("true").output().is_ok_and(|ended| ended.status.success()) {
        skip("this machine can't make a process namespace (unshare)");
        return None;
    }
    let (program, arguments) = to_run(FOGHORN);
    let mut command = unshare(&program);
    command.args(arguments).env_remove("FOGHORN_LOG").env_remove("NOTIFY_SOCKET");
    Some(command)
}

/// The children of that process, each with its name.
fn children(parent: Pid) -> Vec<(Pid, String)> {
    let parent = parent.to_string();
    let child = |stat: &str| {
        let ((number, name), rest) = (stat.split_once(" (")?, stat.rsplit_once(") ")?.1);
        let is_child = rest.split(' ').nth(1) == Some(parent.as_str());
        is_child.then(|| {
            (Pid::from_raw(number.parse().unwrap()), name.split(')').next().unwrap().to_owned())
        })
    };
    let processes = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path().join("stat"));
    processes.filter_map(|stat| child(&fs::read_to_string(stat).ok()?)).collect()
}

/// The children, once there are that many of that name and no others.
fn children_when(parent: Pid, count: usize, name: &str) -> Vec<Pid> {
    let start = Instant::now();
    loop {
        let children = children(parent);
        if children.len() == count && children.iter().all(|child| child.1 == name) {
            return children.into_iter().map(|child| child.0).collect();
        }
        assert!(start.elapsed() < TIMEOUT, "the children are still {children:?}");
    }
}

/// The process that `unshare` has started.
fn inside(unshare: u32) -> Pid {
    children(Pid::from_raw(unshare.try_into().unwrap())).first().unwrap().0
}

/// A stand-in for a daemon that makes all clients wait: it knows no node, and sends nothing else.
/// It reports each request.
fn stand_in(control: &Path) -> Receiver<String> {
    let listener = UnixListener::bind(control).unwrap();
    let (sender, requests) = mpsc::channel();
    thread::spawn(move || {
        let mut open = vec![];
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let request = BufReader::new(&stream).lines().nth(1).unwrap().unwrap();
            stream.write_all(b"version protocol=1 foghorn=0.1.0\nok\n").unwrap();
            if request == "lookup nas" {
                stream.write_all(b"error unknown-node nas is not known\n").unwrap();
            }
            open.push(stream);
            if sender.send(request).is_err() {
                break;
            }
        }
    });
    requests
}

#[test]
fn a_signal_stops_each_waiting_command() {
    for (arguments, waits_for) in [
        (&["watch"][..], "watch"),
        (&["watch", "--exec", "true"], "watch"),
        (&["lookup", "--wait", "3600", "nas"], "watch"),
        (&["hosts", "--follow", "hosts"], "list"),
        (&["connect", "tv"], "lookup tv"),
        (&["status"], "status"),
    ] {
        for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT] {
            let directory = Directory::new();
            let control = directory.path("control.sock");
            let requests = stand_in(&control);
            let Some(mut command) = first_process() else { return };
            command
                .args(arguments)
                .env("FOGHORN_CONTROL", &control)
                .current_dir(directory.path(""));
            let mut command = Watch::start(command);
            while requests.recv_timeout(TIMEOUT).unwrap() != waits_for {}
            kill(inside(command.child.id()), signal).unwrap();
            assert_eq!(
                command.child.wait().unwrap().code(),
                Some(128 + signal as i32),
                "{arguments:?}"
            );
        }
    }
}

#[test]
fn an_ignored_signal_stops_nothing() {
    let directory = Directory::new();
    let control = directory.path("control.sock");
    let requests = stand_in(&control);
    let Some(unshare) = first_process() else { return };
    let mut command = Command::new("sh");
    command
        .args(["-c", "trap '' HUP && exec \"$@\"", "sh"])
        .arg(unshare.get_program())
        .args(unshare.get_args());
    command.arg("watch").env("FOGHORN_CONTROL", &control);
    let mut command = Watch::start(command);
    assert_eq!(requests.recv_timeout(TIMEOUT).unwrap(), "watch");
    let process = inside(command.child.id());
    kill(process, Signal::SIGHUP).unwrap();
    kill(process, Signal::SIGTERM).unwrap();
    assert_eq!(command.child.wait().unwrap().code(), Some(128 + Signal::SIGTERM as i32));
}

#[test]
fn a_daemon_stops_on_a_signal_and_reaps_orphans() {
    let directory = Directory::new();
    let Some(command) = first_process() else { return };
    let arguments = ["--interface", "lo", "--udp-port", &free_udp_port()];
    let mut daemon = Daemon::start_silent(command, &directory.path("control.sock"), &arguments);
    let process = inside(daemon.pid().as_raw().try_into().unwrap());
    // As `docker exec` does.
    let mut exec = Command::new("nsenter");
    exec.args(["--user", "--pid", "--preserve-credentials", "--target", &process.to_string()]);
    exec.args(["sh", "-c", "sleep 1000 > /dev/null 2>&1 &"]);
    assert!(exec.status().unwrap().success());
    let orphans = children_when(process, 1, "sleep");
    kill(orphans[0], Signal::SIGTERM).unwrap();
    children_when(process, 0, "");
    kill(process, Signal::SIGTERM).unwrap();
    assert_eq!(daemon.ended().code(), Some(0));
}

#[test]
fn orphans_of_a_hook_do_not_become_zombies() {
    let loopback = Loopback::new(&[]);
    let Some(mut command) = first_process() else { return };
    // The last one runs for longer than its children.
    let hook = "sleep 1000 & echo $FOGHORN_NODE; if [ $FOGHORN_NODE = last ]; then wait; fi";
    command
        .args(["watch", "--exec", "sh", "-c", hook])
        .env("FOGHORN_CONTROL", &loopback.daemon.control);
    let watch = Watch::start(command);
    for (number, name) in (1..).zip(["nas", "tv", "pi"]) {
        loopback.send_from(host(number), &announcement(name, 22));
        assert_eq!(watch.lines.next(), name);
    }
    let process = inside(watch.child.id());
    // The hooks have exited, and their children still run.
    let orphans = children_when(process, 3, "sleep");
    kill(orphans[0], Signal::SIGTERM).unwrap();
    children_when(process, 2, "sleep");

    loopback.send_from(host(4), &announcement("last", 22));
    assert_eq!(watch.lines.next(), "last");
    for orphan in &orphans[1..] {
        kill(*orphan, Signal::SIGTERM).unwrap();
    }
    // Foghorn still learns how the hook itself exited.
    let hook = children_when(process, 1, "sh");
    kill(hook[0], Signal::SIGKILL).unwrap();
    assert!(watch.errors.next().ends_with("sh was killed by a signal"));
    let orphans = children_when(process, 1, "sleep");
    kill(orphans[0], Signal::SIGTERM).unwrap();
    children_when(process, 0, "");
}
