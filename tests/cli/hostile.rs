//! A hostile daemon: its replies cost the client the most, and have no end.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use foghorn::limits::CLIENT_LINE_CAPACITY;

use crate::assert_failed;
use crate::common::{Directory, Ended, FOGHORN, foghorn, is_emulated};

/// Answers each request with the version and these bytes, until the client disconnects.
fn stand_in(
    control: &Path,
    reply: impl Fn(&str, &mut UnixStream) -> io::Result<()> + Send + 'static,
) {
    let listener = UnixListener::bind(control).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let request = BufReader::new(&stream).lines().nth(1).unwrap().unwrap();
            stream.write_all(b"version protocol=1 foghorn=0.1.0\nok\n").unwrap();
            let _ = reply(&request, &mut stream);
        }
    });
}

/// Runs a command with at most 8 MB of memory for its data.
fn in_8_mb(arguments: &str, control: &Path) -> Ended {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -d 8192 && exec \"$@\"", "sh", FOGHORN]).args(arguments.split(' '));
    command.env("FOGHORN_CONTROL", control).stdin(Stdio::null()).stdout(Stdio::null());
    command.output().unwrap().into()
}

#[test]
fn an_endless_reply_takes_a_bounded_amount_of_memory() {
    // An emulator uses memory of its own.
    if is_emulated() {
        return;
    }
    for (repeated, says) in [
        ("x".repeat(1 << 16), "line"),
        (format!("node{}\n", " x".repeat(CLIENT_LINE_CAPACITY / 2 - 10)), "end"),
        ("x\n".repeat(1 << 15), "end"),
    ] {
        let directory = Directory::new();
        let control = directory.path("control.sock");
        stand_in(&control, move |_, stream| {
            loop {
                stream.write_all(repeated.as_bytes())?;
            }
        });
        for command in ["list", "lookup nas", "connect nas", "hosts", "status"] {
            let ended = in_8_mb(command, &control);
            assert_failed(&ended, 4, &format!("has no valid {says}"));
        }
        // It prints that, and checks the rest.
        assert_failed(&in_8_mb("doctor", &control), 1, "see the lines marked bad above");
    }
}

#[test]
fn the_output_for_any_reply_takes_a_bounded_amount_of_memory() {
    // An emulator uses memory of its own.
    if is_emulated() {
        return;
    }
    let long = |text: &str| text.repeat(3900 / text.len());
    let lines = |line: String| line.repeat((1 << 20) / line.len());
    // Wide columns, many rows, and characters that need more room in JSON or HTML.
    let wide = format!("node id={} addresses=x\n", long("x"));
    let few =
        lines(format!("node id=nas addresses={} {}\n", long(",").get(..100).unwrap(), long("x ")));
    let many = "node id=nas addresses=x,x,x,x\n".repeat(8000);
    let markup = lines(format!("node id={} addresses=\"\n", long("<")));
    let nodes = [few, format!("{wide}{many}"), markup];
    let daemon = format!("daemon interval_s={}\nregistry\ndatagrams\nrejected\n", long("x"));
    let interface = lines(format!(
        "interface name={} {}\n",
        long("\"").get(..2000).unwrap(),
        long("sent=1 ").get(..1960).unwrap()
    ));
    let status = [format!("{daemon}{}", "own id=x\n".repeat(8000)), format!("{daemon}{interface}")];
    for (replies, commands) in [
        (&nodes[..], &["list", "list --json", "list --html", "hosts"][..]),
        (&status, &["status", "status --json", "status --metrics"]),
    ] {
        for reply in replies {
            let directory = Directory::new();
            let control = directory.path("control.sock");
            let reply = format!("{reply}ok\n");
            stand_in(&control, move |_, stream| stream.write_all(reply.as_bytes()));
            for command in commands {
                let ended = in_8_mb(command, &control);
                assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{command}");
            }
        }
    }
}

#[test]
fn an_endless_watch_takes_a_bounded_amount_of_memory() {
    // An emulator uses memory of its own.
    if is_emulated() {
        return;
    }
    let directory = Directory::new();
    let control = directory.path("control.sock");
    let interface = "x".repeat(4000);
    stand_in(&control, move |_, stream| {
        for number in 0..4000 {
            let line = format!("found id={number} address=198.18.0.2:22 interface={interface}\n");
            stream.write_all(line.as_bytes())?;
        }
        stream.write_all(b"ok\n")
    });
    assert_eq!(in_8_mb("watch", &control).code, 0);
    // The nodes that it has received are kept.
    assert_failed(&in_8_mb("watch --exec true", &control), 4, "has no valid end");
}

#[test]
fn a_wait_ends_in_time_with_any_reply() {
    for (repeated, pause) in [("later\n", 0), ("later\n", 1), ("x", 1)] {
        let directory = Directory::new();
        let control = directory.path("control.sock");
        stand_in(&control, move |request, stream| {
            if request != "watch" {
                return stream.write_all(b"error unknown-node nas is not known\n");
            }
            loop {
                thread::sleep(Duration::from_millis(pause));
                stream.write_all(repeated.as_bytes())?;
            }
        });
        let mut command = foghorn();
        command.args(["lookup", "--wait", "0.5", "nas"]).env("FOGHORN_CONTROL", &control);
        assert_failed(&command.output().unwrap().into(), 1, "nas is not known");
    }
}

#[test]
fn a_long_error_is_shortened() {
    let directory = Directory::new();
    let control = directory.path("control.sock");
    let error = format!("error busy {}\n", "x".repeat(CLIENT_LINE_CAPACITY - 20));
    stand_in(&control, move |_, stream| stream.write_all(error.as_bytes()));
    let mut command = foghorn();
    let ended: Ended =
        command.arg("list").env("FOGHORN_CONTROL", &control).output().unwrap().into();
    assert_failed(&ended, 4, "the daemon refused: xxx");
    assert!(ended.err.len() < 600, "{ended:?}");
}
