//! `watch --exec`: a command for each change, and what becomes of it.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::{Daemon, Watch, announcement, foghorn, is_emulated};
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

/// Says all that it was told.
const TELL: &str = "echo $FOGHORN_EVENT $FOGHORN_NODE $FOGHORN_ADDRESS $FOGHORN_HOST $FOGHORN_PORT $FOGHORN_INTERFACE \
                    ${FOGHORN_RIVAL-none}";

#[test]
fn a_command_is_run_for_each_change_and_told_what_happened() {
    let loopback = Loopback::new(&[]);
    loopback.hear_from(host(1), "nas", 22);
    let mut command = command(&loopback, &["sh", "-c", TELL]);
    // What foghorn itself was started with is not what happened.
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
fn no_shell_sees_what_a_node_is_called() {
    let loopback = Loopback::new(&[]);
    let reaction = watch(&loopback, &["printenv", "FOGHORN_NODE"]);
    let names =
        ["$(reboot)", "`reboot`", "a;b", "-rf", "..", "|cat", "a'b\"c", "*", "a=b", "リビング", "%s%n"];
    for name in names {
        loopback.send(&announcement(name, 22));
        assert_eq!(reaction.lines.next(), name);
    }
    assert_eq!(reaction.errors.seen(), [""; 0]);
}

#[test]
fn what_follows_exec_is_the_commands_own_to_the_last_word() {
    let loopback = Loopback::new(&[]);
    loopback.hear("nas", 22);
    let reaction = watch(&loopback, &["echo", "$FOGHORN_NODE", "--json", "--help", "a b", ""]);
    assert_eq!(reaction.lines.next(), "$FOGHORN_NODE --json --help a b ");
}

#[test]
fn a_directory_is_no_program() {
    let loopback = Loopback::new(&[]);
    loopback.hear("nas", 22);
    fs::create_dir(loopback.directory.path("echo")).unwrap();
    let mut command = command(&loopback, &["echo", "ran"]);
    let path = std::env::var("PATH").unwrap();
    command.env("PATH", format!("{}:{path}", loopback.directory.path("").display()));
    assert_eq!(start(command).lines.next(), "ran");
}

#[test]
fn the_command_starts_clean() {
    let loopback = Loopback::new(&[]);
    loopback.hear("nas", 22);
    let told = watch(&loopback, &["sh", "-c", "readlink /proc/$$/fd/*; echo end"]).lines.until("end");
    assert_eq!(told.first().unwrap(), "/dev/null");
    assert!(!told.iter().any(|line| line.starts_with("socket:")), "{told:?}");
    // Of itself: a shell that waits may block some.
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
fn a_command_that_fails_is_told_of_and_the_next_one_runs() {
    let loopback = Loopback::new(&[]);
    let fail = "echo $FOGHORN_NODE; case $FOGHORN_NODE in code) exit 3;; signal) kill -9 $$;; esac";
    let reaction = watch(&loopback, &["sh", "-c", fail]);
    for (name, says) in [("code", "sh ended with exit code 3"), ("signal", "sh was ended by a signal")] {
        loopback.send(&announcement(name, 22));
        assert_eq!(reaction.lines.next(), name);
        let told = reaction.errors.next();
        assert!(told.starts_with("foghorn: ") && told.ends_with(says), "{told}");
    }
    loopback.send(&announcement("fine", 22));
    assert_eq!(reaction.lines.next(), "fine");
}

#[test]
fn a_command_that_can_not_be_started_ends_it() {
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
    // An empty PATH has no program, an emulator neither.
    if !is_emulated() {
        assert_failed(&command(&loopback, &["true"]).env("PATH", "").output().unwrap().into(), 4, "in PATH");
    }
}

#[test]
fn it_ends_by_a_signal_or_with_the_daemon() {
    let mut loopback = Loopback::new(&[]);
    loopback.hear("nas", 22);
    let mut reaction = watch(&loopback, &["echo", "told"]);
    reaction.lines.wait_for("told");
    kill(Pid::from_raw(reaction.child.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(reaction.child.wait().unwrap().signal(), Some(Signal::SIGTERM as i32));

    let mut reaction = watch(&loopback, &["echo", "told"]);
    reaction.lines.wait_for("told");
    loopback.daemon.crash();
    reaction.errors.wait_for("the daemon has ended, or left this watch since the command took too long");
    assert_eq!(reaction.child.wait().unwrap().code(), Some(3));
}
