//! A daemon's knowledge after a restart.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::common::{
    Daemon, Directory, Ended, FOGHORN, foghorn, free_udp_port, in_mount_namespace, log, to_run,
};
use crate::{Loopback, assert_failed, host};

fn with_state(state: &Path, arguments: &[&str]) -> Loopback {
    Loopback::new(&[&["--state", state.to_str().unwrap(), "--log", "debug"], arguments].concat())
}

fn list(loopback: &Loopback) -> serde_json::Value {
    serde_json::from_str(&loopback.daemon.ask(&["list", "--json"]).out).unwrap()
}

/// Makes it save, and waits until it has.
fn save(loopback: &Loopback, state: &Path) {
    let before = fs::metadata(state).unwrap().ino();
    loopback.daemon.signal(Signal::SIGHUP);
    // A new file replaces the old one.
    loopback.daemon.ask_until(&["status"], |_| fs::metadata(state).unwrap().ino() != before);
}

#[test]
fn a_restart_loses_nothing() {
    let directory = Directory::new();
    let state = directory.path("state");
    let mut before = with_state(&state, &[]);
    before.hear_from(host(1), "nas", 22);
    before.hear_from(host(2), "nas", 22);
    before.hear_from(host(3), "pi", 9);
    before.daemon.ask_until(&["lookup", "--all", "nas"], |ended| ended.out.lines().count() == 2);
    let known = list(&before);
    assert!(before.daemon.stop().success());
    let file = fs::metadata(&state).unwrap();
    assert_eq!(file.mode() & 0o7777, 0o600);
    assert!(!directory.path("state.new").exists());

    let after = with_state(&state, &[]);
    let watch = after.daemon.watch(&["watch"]);
    let mut told = [watch.lines.next(), watch.lines.next()];
    told.sort();
    assert_eq!(told, ["known nas 127.1.0.2:22 lo", "known pi 127.1.0.3:9 lo"]);
    assert_eq!(after.daemon.ask(&["lookup", "--all", "nas"]).out, "127.1.0.2:22\n127.1.0.1:22\n");
    let still_known = list(&after);
    for (before, after) in known.as_array().unwrap().iter().zip(still_known.as_array().unwrap()) {
        for key in ["id", "addresses", "interface", "heard"] {
            assert_eq!(before[key], after[key], "{key}");
        }
        for key in ["age_s", "known_s"] {
            assert!(before[key].as_u64() <= after[key].as_u64(), "{key} of {before} and {after}");
        }
        assert!(before["expires_s"].as_u64() >= after["expires_s"].as_u64());
    }
    assert_eq!(still_known.as_array().unwrap().len(), 2);
    // The node is heard again, and that is no news.
    let found = |status: &serde_json::Value| status["registry"]["found"].as_u64();
    after.hear_from(host(9), "marker", 1);
    after.hear_from(host(3), "pi", 9);
    watch.lines.wait_for("found marker 127.1.0.9:1 lo");
    assert_eq!(found(&after.daemon.status()), Some(1));
}

#[test]
fn the_saved_state_survives_a_crash() {
    let directory = Directory::new();
    let state = directory.path("state");
    let mut before = with_state(&state, &[]);
    before.hear("pi", 9);
    save(&before, &state);
    before.daemon.crash();
    // As if the daemon had been killed while it saved.
    let precious = directory.path("precious");
    fs::write(&precious, "precious").unwrap();
    symlink(&precious, directory.path("state.new")).unwrap();

    let mut after = with_state(&state, &[]);
    assert_eq!(after.daemon.ask(&["lookup", "pi"]).out, "127.0.0.1:9\n");
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
    assert!(after.daemon.stop().success());
    assert!(fs::symlink_metadata(directory.path("state.new")).is_err());
}

#[test]
fn the_daemon_logs_how_many_nodes_it_restored_and_their_age() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let directory = Directory::new();
    let state = directory.path("state");
    let start = || {
        let log = directory.path("log");
        let _ = fs::remove_file(&log);
        let mut loopback = Loopback::logging_to(&log, &["--state", state.to_str().unwrap()]);
        let lines = || log::lines(fs::File::open(&log).unwrap());
        loopback.hear("pi", 9);
        assert!(loopback.daemon.stop().success());
        lines().all()
    };
    let first = start();
    assert!(!first.iter().any(|line| line.contains("restored ")), "{first:#?}");
    let second = start();
    let told: Vec<_> =
        second.iter().filter(|line| line.contains("restored 1 nodes from ")).collect();
    assert!(matches!(told.as_slice(), [line] if line.contains(" s ago")), "{second:#?}");
}

#[test]
fn a_restored_node_that_is_now_an_own_node_is_dropped() {
    let directory = Directory::new();
    let state = directory.path("state");
    let mut before = with_state(&state, &[]);
    before.hear("pi", 9);
    before.hear("nas", 22);
    assert!(before.daemon.stop().success());
    let after = with_state(&state, &["--id", "pi", "--port", "9"]);
    assert_eq!(list(&after)[0]["id"], "nas");
    assert_eq!(list(&after)[1]["own"], true);
    assert_eq!(after.daemon.ask(&["lookup", "--all", "pi"]).out, "127.0.0.1:9\n");
}

#[test]
fn a_damaged_file_is_set_aside() {
    let directory = Directory::new();
    let state = directory.path("state");
    let mut daemon = with_state(&state, &[]);
    daemon.hear("pi", 9);
    assert!(daemon.daemon.stop().success());
    let whole = fs::read(&state).unwrap();
    let mut flipped = whole.clone();
    flipped[60] ^= 1;
    for (bytes, says) in [
        (vec![], "cut short"),
        (whole[..whole.len() - 1].to_vec(), "checksum"),
        ([&whole[..], b"\n"].concat(), "checksum"),
        (flipped, "checksum"),
        (b"#!/bin/sh\n".to_vec(), "not a foghorn's"),
        (vec![0; 1 << 20], "too long"),
    ] {
        fs::write(&state, &bytes).unwrap();
        let mut loopback =
            Loopback::logging_to(&directory.path("log"), &["--state", state.to_str().unwrap()]);
        assert_eq!(loopback.daemon.ask(&["list", "--json"]).out, "[]\n");
        assert_eq!(fs::read(directory.path("state.damaged")).unwrap(), bytes);
        assert!(loopback.daemon.stop().success());
        if log::can_be_read() {
            let told = log::lines(fs::File::open(directory.path("log")).unwrap()).all();
            let mut warnings = told.iter().filter(|line| line.contains("restored nothing from"));
            assert!(warnings.next_back().unwrap().contains(says), "{told:#?} lacks {says}");
        }
        // The next daemon finds an undamaged file.
        let mut next = with_state(&state, &[]);
        assert!(next.daemon.stop().success());
        assert_eq!(fs::read(directory.path("state.damaged")).unwrap(), bytes);
    }
}

#[test]
fn a_file_of_another_version_is_ignored_and_not_called_damaged() {
    for version in [1, 2, 4] {
        let directory = Directory::new();
        let state = directory.path("state");
        let mut daemon = with_state(&state, &[]);
        daemon.hear("pi", 9);
        assert!(daemon.daemon.stop().success());
        let mut bytes = fs::read(&state).unwrap();
        bytes[7] = version;
        fs::write(&state, &bytes).unwrap();
        let log = directory.path("log");
        let mut other = Loopback::logging_to(&log, &["--state", state.to_str().unwrap()]);
        assert_eq!(other.daemon.ask(&["list", "--json"]).out, "[]\n");
        other.hear("nas", 22);
        assert!(other.daemon.stop().success());
        if log::can_be_read() {
            let told = log::lines(fs::File::open(&log).unwrap()).all();
            let line = format!("state version {version}");
            assert!(told.iter().any(|told| told.contains(&line)), "{told:#?}");
            assert!(!told.iter().any(|told| told.to_lowercase().contains("warn")), "{told:#?}");
        }
        assert!(!directory.path("state.damaged").exists());
        // A file of this version has replaced it.
        assert_eq!(list(&with_state(&state, &[]))[0]["id"], "nas");
    }
}

#[test]
fn a_damaged_file_that_cannot_be_set_aside_is_replaced() {
    let directory = Directory::new();
    let state = directory.path("state");
    fs::write(&state, "damaged").unwrap();
    fs::create_dir(directory.path("state.damaged")).unwrap();
    let mut loopback = with_state(&state, &[]);
    loopback.hear("pi", 9);
    assert!(loopback.daemon.stop().success());
    let after = with_state(&state, &[]);
    assert_eq!(after.daemon.ask(&["lookup", "pi"]).code, 0);
}

#[test]
fn an_unusable_state_file_is_an_error_at_start() {
    let directory = Directory::new();
    let control = directory.path("control.sock");
    let start = |state: &Path| {
        let mut command = foghorn();
        command.args(["run", "--interface", "lo", "--log", "error", "--control"]).arg(&control);
        Ended::from(command.arg("--state").arg(state).output().unwrap())
    };
    assert_failed(&start(Path::new("")), 2, "give the path of a file with --state");
    assert_failed(&start(&directory.path("missing/state")), 4, "make its directory first");
    assert_failed(&start(Path::new("/proc/state")), 4, "another path with --state");
    assert_failed(&start(&directory.path(&"x".repeat(254))), 4, "another path with --state");

    let file = directory.path("file");
    fs::write(&file, "precious").unwrap();
    assert_failed(&start(&file.join("state")), 4, "another path with --state");
    let link = directory.path("link");
    symlink(&file, &link).unwrap();
    assert_failed(
        &start(&link),
        4,
        "exists and is not a regular file: choose another path with --state",
    );
    assert_eq!(fs::read_link(&link).unwrap(), file);
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    let fifo = directory.path("fifo");
    mkfifo(&fifo, Mode::S_IRWXU).unwrap();
    assert_failed(
        &start(&fifo),
        4,
        "exists and is not a regular file: choose another path with --state",
    );
    assert!(fs::metadata(&fifo).unwrap().file_type().is_fifo());
    assert_failed(
        &start(Path::new("/dev/null")),
        4,
        "exists and is not a regular file: choose another path with --state",
    );
    let inner = directory.path("inner");
    fs::create_dir(&inner).unwrap();
    let advice = format!("like {}, with --state", inner.join("state").display());
    assert_failed(
        &start(&inner),
        4,
        &format!("inner is a directory: give the path of a file in it, {advice}"),
    );
    fs::create_dir(directory.path("state.new")).unwrap();
    assert_failed(
        &start(&directory.path("state")),
        4,
        "with .new is not foghorn's: choose another path",
    );
    assert!(!control.exists() && !directory.path("state").exists());
}

#[test]
fn a_daemon_that_cannot_save_logs_it_once_and_continues() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let directory = Directory::new();
    let place = directory.path("place");
    fs::create_dir(&place).unwrap();
    let mut loopback = with_state(&place.join("state"), &[]);
    let daemon = &mut loopback.daemon;
    fs::remove_dir_all(&place).unwrap();
    let mut told = vec![];
    for _ in 0..3 {
        daemon.signal(Signal::SIGHUP);
        told.extend(daemon.log.until("SIGHUP: checking"));
        assert_eq!(daemon.ask(&["list", "--json"]).out, "[]\n");
    }
    fs::create_dir(&place).unwrap();
    daemon.signal(Signal::SIGHUP);
    told.extend(daemon.log.until("is saved to"));
    let says = |what: &str| told.iter().filter(|line| line.contains(what)).count();
    assert_eq!((says("cannot save the state"), says("can be saved to")), (1, 1), "{told:#?}");
    assert!(place.join("state").exists());
}

#[test]
fn a_full_disk_does_not_prevent_the_start() {
    let directory = Directory::new();
    let place = directory.path("place");
    fs::create_dir(&place).unwrap();
    let state = place.join("state");
    // Room for the directory and one file, which exists already.
    let mount = format!(
        "mount -t tmpfs -o nr_inodes=2 none {place:?} && echo > {state:?} && exec \"$0\" \"$@\""
    );
    let Some(mut shell) = in_mount_namespace(&mount) else { return };
    let (program, arguments) = to_run(FOGHORN);
    shell.arg(program).args(arguments);
    let port = free_udp_port();
    let arguments = ["--state", state.to_str().unwrap(), "--interface", "lo", "--udp-port", &port];
    let mut daemon = Daemon::start_silent(shell, &directory.path("control.sock"), &arguments);
    assert!(daemon.stop().success());
    if log::can_be_read() {
        let told = daemon.log.all();
        let warnings = told.iter().filter(|line| line.contains("cannot save the state"));
        assert_eq!(warnings.count(), 1, "{told:#?}");
    }
}

#[test]
fn the_limit_of_file_sizes_does_not_stop_the_daemon() {
    let directory = Directory::new();
    let state = directory.path("state");
    let (program, arguments) = to_run(FOGHORN);
    // Writing to any file fails.
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f 0; exec \"$0\" \"$@\""]).arg(program).args(arguments);
    command.env_remove("FOGHORN_LOG");
    let port = free_udp_port();
    let arguments = ["--state", state.to_str().unwrap(), "--interface", "lo", "--udp-port", &port];
    let mut daemon = Daemon::start_silent(command, &directory.path("control.sock"), &arguments);
    for _ in 0..3 {
        daemon.signal(Signal::SIGHUP);
        if log::can_be_read() {
            daemon.log.wait_for("SIGHUP: checking");
        }
        assert_eq!(daemon.ask(&["list", "--json"]).out, "[]\n");
    }
    assert!(daemon.stop().success());
    assert!(!state.exists());
    if log::can_be_read() {
        daemon.log.wait_for("stopped");
        let told = daemon.log.seen();
        let warnings = told.iter().filter(|line| line.contains("cannot save the state"));
        assert_eq!(warnings.count(), 1, "{told:#?}");
    }
}
