//! `watch --exec`: a command for each change, and its end.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixListener;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::{Daemon, Directory, Watch, announcement, foghorn, is_emulated, skip};
use crate::{Loopback, assert_failed, host};

fn watch(loopback: &Loopback, exec: &[&str]) -> Watch {
    start(command(loopback, exec))
}

fn command(loopback: &Loopback, exec: &[&str]) -> Command {
    let mut command = foghorn();
    command.args(["watch", "--exec"]).args(exec).env("FOGHORN_CONTROL", &loopback.daemon.control);
    command
}

fn start(mut command: Command) -> Watch {
    command.stdin(Stdio::piped());
    Watch::start(command)
}

/// Prints all of its variables.
const TELL: &str = "echo $FOGHORN_EVENT $FOGHORN_NODE $FOGHORN_ADDRESS $FOGHORN_HOST $FOGHORN_PORT $FOGHORN_INTERFACE \
                    ${FOGHORN_RIVAL-none}";

#[test]
fn exec_runs_a_command_for_each_change_with_its_details() {
    let loopback = Loopback::new(&[]);
    loopback.hear_from(host(1), "nas", 22);
    let mut command = command(&loopback, &["sh", "-c", TELL]);
    // Variables from foghorn's own environment are not passed on.
    command.env("FOGHORN_RIVAL", "leaked").env("FOGHORN_NODE", "leaked");
    let reaction = start(command);
    assert_eq!(reaction.lines.next(), "known nas 127.1.0.1:22 127.1.0.1 22 lo none");
    loopback.send_from(host(2), &announcement("nas", 22));
    assert_eq!(reaction.lines.next(), "moved nas 127.1.0.2:22 127.1.0.2 22 lo none");
    loopback.send_from(host(1), &announcement("nas", 22));
    assert_eq!(reaction.lines.next(), "contested nas 127.1.0.1:22 127.1.0.1 22 lo 127.1.0.2:22");
    loopback.send_from(host(3), &announcement("tv", 8008));
    assert_eq!(reaction.lines.next(), "found tv 127.1.0.3:8008 127.1.0.3 8008 lo none");

    let loopback = Loopback::new(&["--interval", "1"]);
    let announce = [
        "--id",
        "tv",
        "--port",
        "8008",
        "--interface",
        "lo",
        "--udp-port",
        &loopback.port,
        "--interval",
        "1",
    ];
    let mut tv = Daemon::start(&loopback.directory.path("tv.sock"), &announce);
    let reaction = watch(&loopback, &["sh", "-c", TELL]);
    reaction.lines.wait_for(" tv 127.0.0.1:8008 127.0.0.1 8008 lo none");
    tv.crash();
    reaction.lines.wait_for("lost tv 127.0.0.1:8008 127.0.0.1 8008 lo none");
}

#[test]
fn exec_passes_node_names_through_no_shell() {
    let loopback = Loopback::new(&[]);
    let reaction = watch(&loopback, &["printenv", "FOGHORN_NODE"]);
    let names = [
        "$(reboot)",
        "`reboot`",
        "a;b",
        "-rf",
        "..",
        "|cat",
        "a'b\"c",
        "*",
        "a=b",
        "リビング",
        "%s%n",
    ];
    for name in names {
        loopback.send(&announcement(name, 22));
        assert_eq!(reaction.lines.next(), name);
    }
    assert_eq!(reaction.errors.seen(), [""; 0]);
}

#[test]
fn all_words_after_exec_belong_to_the_command() {
    let loopback = Loopback::new(&[]);
    loopback.hear("nas", 22);
    let reaction = watch(&loopback, &["echo", "$FOGHORN_NODE", "--json", "--help", "a b", ""]);
    assert_eq!(reaction.lines.next(), "$FOGHORN_NODE --json --help a b ");
}

#[test]
fn exec_refuses_a_directory() {
    let loopback = Loopback::new(&[]);
    loopback.hear("nas", 22);
    fs::create_dir(loopback.directory.path("echo")).unwrap();
    let mut command = command(&loopback, &["echo", "ran"]);
    let path = std::env::var("PATH").unwrap();
    command.env("PATH", format!("{}:{path}", loopback.directory.path("").display()));
    assert_eq!(start(command).lines.next(), "ran");
}

#[test]
fn the_command_starts_with_default_signals_and_without_sockets() {
    let loopback = Loopback::new(&[]);
    loopback.hear("nas", 22);
    let told =
        watch(&loopback, &["sh", "-c", "readlink /proc/$$/fd/*; echo end"]).lines.until("end");
    assert_eq!(told.first().unwrap(), "/dev/null");
    assert!(!told.iter().any(|line| line.starts_with("socket:")), "{told:?}");
    // This is a program by itself: a waiting shell may block some signals.
    let told = watch(&loopback, &["grep", "^Sig[BI]", "/proc/self/status"]).lines.until("SigIgn");
    let signals = |key: &str| {
        let line = told.iter().find_map(|line| line.strip_prefix(key)).unwrap();
        u64::from_str_radix(line.trim(), 16).unwrap()
    };
    assert_eq!(signals("SigBlk:"), 0);
    let pipe = 1 << (Signal::SIGPIPE as u32 - 1);
    assert_eq!(signals("SigIgn:") & pipe, 0);
}

#[test]
fn a_failed_command_is_reported_and_the_next_one_runs() {
    let loopback = Loopback::new(&[]);
    let fail = "echo $FOGHORN_NODE; case $FOGHORN_NODE in code) exit 3;; signal) kill -9 $$;; esac";
    let reaction = watch(&loopback, &["sh", "-c", fail]);
    for (name, says) in
        [("code", "sh ended with exit code 3"), ("signal", "sh was killed by a signal")]
    {
        loopback.send(&announcement(name, 22));
        assert_eq!(reaction.lines.next(), name);
        let told = reaction.errors.next();
        assert!(told.starts_with("foghorn: ") && told.ends_with(says), "{told}");
    }
    loopback.send(&announcement("fine", 22));
    assert_eq!(reaction.lines.next(), "fine");
}

#[test]
fn exec_stops_if_its_command_cannot_be_started() {
    let loopback = Loopback::new(&[]);
    loopback.hear("nas", 22);
    let no_program = loopback.directory.path("no-program");
    fs::write(&no_program, "neither a binary nor a script").unwrap();
    for (program, says) in [
        ("no-such-program-anywhere", "no program no-such-program-anywhere in PATH"),
        ("/no/such/program", "cannot run /no/such/program: No such file"),
        ("/", "cannot run /: "),
        (no_program.to_str().unwrap(), "cannot run"),
    ] {
        assert_failed(&command(&loopback, &[program]).output().unwrap().into(), 4, says);
    }
    // An empty PATH has no program, and no emulator either.
    if !is_emulated() {
        assert_failed(
            &command(&loopback, &["true"]).env("PATH", "").output().unwrap().into(),
            4,
            "in PATH",
        );
    }
}

#[test]
fn exec_stops_on_a_signal() {
    let loopback = Loopback::new(&[]);
    loopback.hear("nas", 22);
    let mut reaction = watch(&loopback, &["echo", "told"]);
    reaction.lines.wait_for("told");
    kill(Pid::from_raw(reaction.child.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(reaction.child.wait().unwrap().signal(), Some(Signal::SIGTERM as i32));
}

#[test]
fn exec_continues_with_the_next_daemon_and_reports_missed_changes() {
    let mut loopback = Loopback::new(&["--interval", "1"]);
    loopback.hear("nas", 22);
    let reaction = watch(&loopback, &["sh", "-c", TELL]);
    assert_eq!(reaction.lines.next(), "known nas 127.0.0.1:22 127.0.0.1 22 lo none");
    loopback.daemon.crash();
    let told = reaction.errors.next();
    assert!(told.ends_with("; waiting until a daemon answers"), "{told}");
    let arguments = ["--interface", "lo", "--udp-port", &loopback.port, "--interval", "1"];
    let control = loopback.daemon.control.clone();
    loopback.daemon = Daemon::start(&control, &arguments);
    assert!(reaction.errors.next().ends_with("a daemon answers again"));
    loopback.send_from(host(1), &announcement("tv", 80));
    // The daemon has not heard of nas for as long as a lease lasts.
    let missed = [
        "found tv 127.1.0.1:80 127.1.0.1 80 lo none",
        "lost nas 127.0.0.1:22 127.0.0.1 22 lo none",
    ];
    while !missed.iter().all(|line| reaction.lines.seen().iter().any(|told| told == line)) {
        reaction.lines.next();
    }
    assert!(
        !reaction
            .lines
            .seen()
            .iter()
            .skip(1)
            .any(|line| line.contains(" nas ") && !line.starts_with("lost"))
    );
    assert_eq!(reaction.errors.seen().len(), 2);
}

#[test]
fn exec_waits_for_a_program_that_is_being_replaced() {
    let loopback = Loopback::new(&[]);
    loopback.hear("nas", 22);
    let program = loopback.directory.path("program");
    assert!(Command::new("cp").arg("/bin/echo").arg(&program).status().unwrap().success());
    let open = fs::File::options().append(true).open(&program).unwrap();
    if Command::new(&program).output().is_ok() {
        return skip("this kernel runs a program that is open for writing");
    }
    let reaction = watch(&loopback, &[program.to_str().unwrap(), "ran"]);
    let told = reaction.errors.next();
    assert!(told.contains("cannot run") && told.ends_with("still trying"), "{told}");
    drop(open);
    assert_eq!(reaction.lines.next(), "ran");
    assert_eq!(reaction.errors.seen().len(), 1);
}

/// A stand-in for a daemon. It sends each watch in turn these lines, and an `error` is its last
/// line.
fn stand_in(control: &Path, daemon: &'static str, nodes: &'static str, watches: [&'static str; 2]) {
    let listener = UnixListener::bind(control).unwrap();
    thread::spawn(move || {
        let (mut watches, mut open) = (watches.iter(), vec![]);
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let request = BufReader::new(&stream).lines().nth(1).unwrap().unwrap();
            let reply = match request.as_str() {
                "watch" => (*watches.next().unwrap()).to_owned(),
                "status" => format!("{daemon}\nregistry\ndatagrams\nrejected\nok\n"),
                _ => {
                    assert_eq!(request, "list");
                    nodes.to_owned()
                }
            };
            let reply = format!("version protocol=1 foghorn=0.1.0\nok\n{reply}");
            stream.write_all(reply.as_bytes()).unwrap();
            if !reply.contains("error") {
                open.push(stream);
            }
        }
    });
}

/// A watch that was too slow, before and after.
const TOO_SLOW: [&str; 2] = [
    "known id=nas address=10.0.0.2:22 interface=eth0\nfuture id=x address=y\n\
     known id=tv address=10.0.0.3:80 interface=eth0\nerror slow too slow\n",
    "known id=nas address=10.0.0.9:22 interface=eth0\nknown id=pi address=10.0.0.4:22 interface=eth0\n\
     lost id=zoo address=10.0.0.5:22 interface=eth0\nfound id=zoo address=10.0.0.5:22 interface=eth0\n",
];

#[test]
fn exec_reports_changes_missed_by_a_slow_watch() {
    let directory = Directory::new();
    let control = directory.path("control.sock");
    let list = "node id=nas addresses=10.0.0.9:22\nnode id=pi addresses=10.0.0.4:22\nok\n";
    stand_in(&control, "daemon interval_s=30 uptime_s=90", list, TOO_SLOW);
    let mut command = foghorn();
    command.args(["watch", "--exec", "sh", "-c", TELL]).env("FOGHORN_CONTROL", &control);
    let reaction = start(command);
    let told: Vec<_> = std::iter::repeat_with(|| reaction.lines.next()).take(6).collect();
    assert_eq!(
        told,
        [
            "known nas 10.0.0.2:22 10.0.0.2 22 eth0 none",
            "known tv 10.0.0.3:80 10.0.0.3 80 eth0 none",
            "lost tv 10.0.0.3:80 10.0.0.3 80 eth0 none",
            "moved nas 10.0.0.9:22 10.0.0.9 22 eth0 none",
            "found pi 10.0.0.4:22 10.0.0.4 22 eth0 none",
            "found zoo 10.0.0.5:22 10.0.0.5 22 eth0 none",
        ]
    );
    assert!(reaction.errors.next().contains("the command is slower than the changes"));
    assert_eq!(reaction.errors.seen().len(), 1);
}

#[test]
fn exec_reports_no_loss_while_a_new_daemon_still_listens() {
    let directory = Directory::new();
    let control = directory.path("control.sock");
    stand_in(&control, "daemon interval_s=3600 uptime_s=0", "ok\n", TOO_SLOW);
    let mut command = foghorn();
    command.args(["watch", "--exec", "sh", "-c", TELL]).env("FOGHORN_CONTROL", &control);
    let reaction = start(command);
    reaction.lines.wait_for("found zoo");
    assert!(!reaction.lines.seen().iter().any(|line| line.starts_with("lost")));
}

#[test]
fn a_slow_watch_gets_the_reason() {
    let directory = Directory::new();
    let control = directory.path("control.sock");
    stand_in(&control, "", "", TOO_SLOW);
    let output = foghorn().arg("watch").env("FOGHORN_CONTROL", &control).output().unwrap();
    let told = "foghorn: the daemon disconnected this watch: it reads changes more slowly than they happen\n";
    assert_eq!((output.status.code(), &*String::from_utf8_lossy(&output.stderr)), (Some(4), told));
    assert_eq!(output.stdout, b"known nas 10.0.0.2:22 eth0\nknown tv 10.0.0.3:80 eth0\n");
}
