//! Features of a log of frames only, read by the real defmt-print.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::common::{Directory, announcement, foghorn, log, terminal};
use crate::{Loopback, host};

#[test]
fn frames_carry_the_same_messages_as_lines_in_fewer_bytes() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let directory = Directory::new();
    let path = directory.path("log");
    let arguments = ["--id", "nas", "--port", "22", "--log", "debug"];
    let mut loopback = Loopback::logging_to(&path, &arguments);
    let control = loopback.daemon.control.display().to_string();
    for number in 1..=30 {
        loopback.send_from(host(number.into()), &announcement(&format!("büro-{number}"), number));
        loopback.send(&announcement(&format!("node-{number}"), number));
        loopback.send(b"cut");
    }
    loopback.hear("marker", 1);
    assert!(loopback.daemon.stop().success());

    let told = log::decoded(File::open(&path).unwrap(), "{t} {L} {s}").all();
    let told: Vec<(f64, String, String)> = told
        .iter()
        .map(|line| {
            let (time, rest) = line.split_once(' ').unwrap();
            let (level, message) = rest.split_once(' ').unwrap();
            (time.parse().unwrap(), level.to_lowercase(), message.trim_start().to_owned())
        })
        .collect();
    assert!(told[0].0 > 0.0 && told.is_sorted_by_key(|(time, ..)| *time), "{told:#?}");
    let messages: Vec<_> =
        told.iter().map(|(_, level, message)| (level.as_str(), message.as_str())).collect();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        messages[..7],
        [
            ("info", "lo: up with address 127.0.0.1"),
            ("info", "announcing nas at port 22 every 30 s"),
            ("info", &*format!("foghorn {version} listens at {control}")),
            ("info", "found büro-1 at 127.1.0.1:1 on lo"),
            ("info", "found node-1 at 127.0.0.1:1 on lo"),
            ("debug", "lo: a datagram from 127.0.0.1 was rejected: Malformed(Truncated)"),
            ("info", "found büro-2 at 127.1.0.2:2 on lo"),
        ]
    );
    assert_eq!(messages[messages.len() - 1], ("info", "stopped"));

    let count = messages.len();
    assert_eq!(count, 3 + 3 * 30 + 2, "{messages:#?}");
    let frames = fs::metadata(path).unwrap().len();
    let lines: usize = messages
        .iter()
        .map(|(level, message)| format!("foghorn: {level}: {message}\n").len())
        .sum();
    println!("{count} messages: {frames} bytes as frames, {lines} bytes as text");
    assert!(frames < lines as u64, "{frames} bytes as frames, {lines} as text");
}

#[test]
fn a_partial_frame_does_not_damage_other_frames() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let directory = Directory::new();
    let path = directory.path("log");
    let mut loopback = Loopback::logging_to(&path, &["--id", "nas", "--port", "22"]);
    assert!(loopback.daemon.stop().success());
    let frames = fs::read(&path).unwrap();
    let whole = log::lines(File::open(&path).unwrap()).all();
    assert_eq!(whole.len(), 4, "{whole:#?}");
    // This is how the daemon continues after a part of its first frame: the next begins after a
    // zero byte.
    let end = frames.iter().skip(1).position(|byte| *byte == 0).unwrap();
    for length in 1..=end {
        fs::write(&path, [&frames[..length], b"\0", &frames[1..]].concat()).unwrap();
        assert!(log::lines(File::open(&path).unwrap()).all().ends_with(&whole), "{length}");
    }
}

#[test]
fn a_message_too_long_for_a_frame_is_dropped_and_reported() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let directory = Directory::new();
    let mut command = foghorn();
    command.args(["run", "--control"]).arg(directory.path("control.sock"));
    command.args(vec!["--interface=no-such-interface*"; 100]);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let told = log::lines(child.stderr.take().unwrap());
    told.wait_for("dropped a message");
    told.wait_for("listens at");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn frames_are_not_written_to_a_terminal() {
    let directory = Directory::new();
    let control = directory.path("control.sock");
    let (outside, inside) = terminal();
    let mut command = foghorn();
    command.args(["run", "--interface", "lo", "--control"]).arg(&control);
    let status = command.stderr(Stdio::from(inside)).status().unwrap();
    assert_eq!(status.code(), Some(2));
    let mut told = String::new();
    BufReader::new(File::from(outside)).read_line(&mut told).unwrap();
    assert!(told.starts_with("foghorn: ") && told.contains("--log-to FILE"), "{told}");
    assert!(!control.exists());
}
