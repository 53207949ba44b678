//! `foghorn status --metrics`, parsed by Prometheus' own promtool.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use crate::common::{Directory, Ended, announcement, foghorn, run, tool::find};
use crate::{Loopback, assert_failed};

/// Runs promtool on metrics: it prints nothing if they follow the format and Prometheus'
/// conventions.
fn assert_clean(metrics: &str) {
    let Some(promtool) = find("promtool", "prometheus") else { return };
    let mut command = Command::new(promtool);
    command
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert_eq!((ended.code, &*ended.out, &*ended.err), (0, "", ""), "{metrics}");
}

/// The value of a sample; empty if there is none.
fn sample<'a>(metrics: &'a str, name: &str) -> &'a str {
    metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap_or_default()
}

#[test]
fn the_metrics_of_a_daemon_are_its_status() {
    let hostile = "a\\\"}\\n{b=\"é";
    let loopback =
        Loopback::new(&["--id", "pi", "--port", "22", "--expect", "nas", "--expect", hostile]);
    loopback.send(b"cut");
    loopback.send(&announcement("pi", 22));
    loopback.hear("nas", 22);
    let ended = loopback.daemon.ask(&["status", "--metrics"]);
    assert_eq!((ended.code, &*ended.err), (0, ""));
    let metrics = ended.out;
    let status = loopback.daemon.status();
    for (name, value) in [
        ("foghorn_up", "1"),
        (concat!("foghorn_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}"), "1"),
        ("foghorn_nodes", "1"),
        ("foghorn_nodes_limit", &status["registry"]["capacity"].to_string()),
        ("foghorn_node_events_total{event=\"found\"}", "1"),
        ("foghorn_contested_nodes", "0"),
        ("foghorn_expected_node_up{node=\"nas\"}", "1"),
        ("foghorn_expected_node_up{node=\"a\\\\\\\"}\\\\n{b=\\\"é\"}", "0"),
        ("foghorn_datagrams_rejected_total{reason=\"truncated\"}", "1"),
        ("foghorn_interface_up{interface=\"lo\"}", "1"),
    ] {
        assert_eq!(sample(&metrics, name), value, "{name} in {metrics}");
    }
    let received = sample(&metrics, "foghorn_datagrams_received_total");
    assert_eq!(
        received,
        sample(&metrics, "foghorn_interface_datagrams_received_total{interface=\"lo\"}")
    );
    assert!(received.parse::<u64>().unwrap() >= 3, "{metrics}");
    assert_clean(&metrics);
}

#[test]
fn every_counter_is_in_the_status_and_the_metrics() {
    let loopback = Loopback::new(&[]);
    let text = loopback.daemon.ask(&["status"]).out;
    let metrics = loopback.daemon.ask(&["status", "--metrics"]).out;
    let status = loopback.daemon.status();
    let keys = ["registry", "datagrams"].map(|section| status[section].as_object().unwrap().keys());
    // The text has these two as "0 of 256 nodes".
    for key in keys.into_iter().flatten().filter(|key| *key != "used" && *key != "capacity") {
        assert!(text.contains(&format!(" {key}")), "{key} is not in {text}");
        let names = [format!("{key}_total "), format!("\"{key}\"}} ")];
        assert!(names.iter().any(|name| metrics.contains(name)), "{key} is not in {metrics}");
    }
}

#[test]
fn the_metrics_of_a_full_status_are_clean() {
    assert_clean(include_str!("status.prom"));
}

#[test]
fn without_a_daemon_the_metrics_show_that_it_is_down() {
    let directory = Directory::new();
    let ask = |control: &Path| {
        let mut command = foghorn();
        command.args(["status", "--metrics", "--control"]).arg(control);
        Ended::from(command.output().unwrap())
    };
    let ended = ask(&directory.path("none.sock"));
    assert_eq!((ended.code, sample(&ended.out, "foghorn_up")), (0, "0"), "{ended:?}");
    assert!(ended.err.starts_with("foghorn: no daemon answers at "), "{ended:?}");
    assert_eq!(ended.out.lines().count(), 3, "{ended:?}");
    assert_clean(&ended.out);

    // A daemon with an unreadable reply did not answer either, but it is there.
    let control = directory.path("other.sock");
    let listener = UnixListener::bind(&control).unwrap();
    let other = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"error version another\n").unwrap();
        // Until the client has read that.
        let _ = stream.read_to_end(&mut vec![]);
    });
    let ended = ask(&control);
    other.join().unwrap();
    assert_eq!((ended.code, sample(&ended.out, "foghorn_up")), (4, "0"), "{ended:?}");
    assert!(ended.err.starts_with("foghorn: the daemon refused: another"), "{ended:?}");

    // An invalid socket path is wrong usage.
    let ended = ask(Path::new(&"x".repeat(200)));
    assert_eq!((ended.code, sample(&ended.out, "foghorn_up")), (2, "0"), "{ended:?}");
    // Without the option nothing changes.
    assert_failed(
        &run(&["status", "--control", directory.path("none.sock").to_str().unwrap()]),
        3,
        "no daemon",
    );
}

#[test]
fn only_one_output_format_is_accepted() {
    let loopback = Loopback::new(&[]);
    assert_failed(
        &loopback.daemon.ask(&["status", "--json", "--metrics"]),
        2,
        "--json or --metrics",
    );
    assert_failed(
        &loopback.daemon.ask(&["status", "--metrics", "--json"]),
        2,
        "--metrics or --json",
    );
    assert_failed(&loopback.daemon.ask(&["status", "--metrics=yes"]), 2, "--metrics");
    assert_failed(&loopback.daemon.ask(&["list", "--metrics"]), 2, "--metrics");
    assert_eq!(loopback.daemon.ask(&["status", "--metrics", "--metrics"]).code, 0);
}
