//! The command line, through the built binary: output, errors, exit codes.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected is to fail")]

mod common;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Stdio};
use std::thread;

use common::{Daemon, Directory, Ended, TIMEOUT, announcement, foghorn, free_udp_port, run};
use nix::sys::signal::Signal;

/// A daemon on loopback, with somebody who can send it datagrams.
struct Box1 {
    directory: Directory,
    daemon: Daemon,
    port: String,
}

impl Box1 {
    fn new(arguments: &[&str]) -> Self {
        let directory = Directory::new();
        let port = free_udp_port();
        let arguments = [&["--interface", "lo", "--udp-port", &port], arguments].concat();
        let daemon = Daemon::start(&directory.path("control.sock"), &arguments);
        Self { directory, daemon, port }
    }

    fn send(&self, datagram: &[u8]) {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let to = (Ipv4Addr::LOCALHOST, self.port.parse().unwrap());
        assert_eq!(socket.send_to(datagram, to).unwrap(), datagram.len());
    }

    /// Lets the daemon hear a node and waits until it has.
    fn hear(&self, id: &str, port: u16) {
        self.send(&announcement(id, port));
        let ended = self.daemon.ask(&["lookup", "--wait", "20", "--", id]);
        assert_eq!(ended.code, 0, "{ended:?}");
    }
}

/// A failure is one line on standard error, and nothing on standard output.
fn assert_failed(ended: &Ended, code: i32, says: &str) {
    assert_eq!((ended.code, ended.out.as_str()), (code, ""), "{ended:?}");
    assert!(ended.err.starts_with("foghorn: ") && ended.err.ends_with('\n'), "{ended:?}");
    assert_eq!(ended.err.lines().count(), 1, "{ended:?}");
    assert!(ended.err.contains(says), "{ended:?} does not say {says:?}");
}

#[test]
fn help_and_version_are_answers() {
    for arguments in [&["--help"][..], &["-h"], &["help"]] {
        let ended = run(arguments);
        assert_eq!((ended.code, ended.err.as_str()), (0, ""));
        assert!(ended.out.contains("foghorn lookup nas"));
    }
    for command in ["run", "lookup", "list", "watch", "status", "connect"] {
        let ended = run(&[command, "--help"]);
        assert_eq!((ended.code, ended.err.as_str()), (0, ""));
        assert!(ended.out.contains(&format!("Usage: foghorn {command}")));
        assert!(run(&["--help"]).out.contains(&format!("\n  {command}")));
    }
    assert_eq!(run(&["--version"]).out, format!("foghorn {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn help_is_no_wider_than_a_terminal() {
    for command in ["run", "lookup", "list", "watch", "status", "connect"] {
        assert!(run(&[command, "--help"]).out.lines().all(|line| line.len() <= 80));
    }
}

#[test]
fn wrong_usage_is_told_in_one_line() {
    let long = "x".repeat(foghorn::limits::NODE_ID_CAPACITY + 1);
    for (arguments, says) in [
        (&[][..], "--help"),
        (&["lokup", "nas"], "lokup"),
        (&["--frobnicate"], "--frobnicate"),
        (&["run", "--frobnicate"], "--frobnicate"),
        (&["run", "nas"], "nas"),
        (&["run", "--id", "nas"], "--port"),
        (&["run", "--id", "", "--port", "22"], "empty"),
        (&["run", "--id", &long, "--port", "22"], "at most 64 bytes"),
        (&["run", "--id", "my nas", "--port", "22"], "white space"),
        (&["run", "--id", "nas\x1b[2J", "--port", "22"], "control characters"),
        (&["run", "--port"], "--port"),
        (&["run", "--port", "0"], "1 to 65535"),
        (&["run", "--port", "70000"], "1 to 65535"),
        (&["run", "--port", "ssh"], "1 to 65535"),
        (&["run", "--port", "-1"], "1 to 65535"),
        (&["run", "--announce", "nas"], "NODE:PORT"),
        (&["run", "--announce", "nas:70000"], "NODE:PORT"),
        (&["run", "--announce", "a b:22"], "white space"),
        (&["run", "--interval", "0"], "1 to 3600"),
        (&["run", "--interval", "3601"], "1 to 3600"),
        (&["run", "--interval", "1.5"], "1 to 3600"),
        (&["run", "--interface", ""], "pattern"),
        (&["run", "--interface", "!"], "pattern"),
        (&["run", "--udp-port", "0"], "1 to 65535"),
        (&["run", "--log", "loud"], "error, warn, info, debug or trace"),
        (&["run", "--log", ""], "error, warn, info, debug or trace"),
        (&["lookup"], "which node"),
        (&["lookup", ""], "empty"),
        (&["lookup", "a b"], "white space"),
        (&["lookup", &long], "at most 64 bytes"),
        (&["lookup", "nas", "pi"], "pi"),
        (&["lookup", "nas", "--wait", "soon"], "--wait"),
        (&["lookup", "nas", "--json", "--host"], "--json"),
        (&["list", "--xml"], "--xml"),
        (&["watch", "nas"], "nas"),
        (&["status", "--json=yes"], "--json"),
        (&["connect"], "which node"),
    ] {
        assert_failed(&run(arguments), 2, says);
    }
}

#[test]
fn the_same_node_twice_or_too_many_are_wrong_usage() {
    let directory = Directory::new();
    let control = directory.path("control.sock");
    let with = |arguments: &[&str]| {
        let mut command = foghorn();
        command.args(["run", "--interface", "lo", "--control"]).arg(&control).args(["--log", "error"]);
        Ended::from(command.args(arguments).output().unwrap())
    };
    assert_failed(&with(&["--id", "nas", "--port", "22", "--announce", "nas:80"]), 2, "nas");
    let announce = (0..=foghorn::limits::OWN_NODES).map(|number| format!("--announce=node{number}:22"));
    let announce: Vec<_> = announce.collect();
    assert_failed(&with(&announce.iter().map(String::as_str).collect::<Vec<_>>()), 2, "at most 8");
    assert!(!control.exists());
}

#[test]
fn arguments_that_are_not_text_are_refused() {
    use std::os::unix::ffi::OsStrExt as _;
    let bytes = std::ffi::OsStr::from_bytes(b"na\xffs");
    for command in ["lookup", "connect"] {
        assert_failed(&foghorn().arg(command).arg(bytes).output().unwrap().into(), 2, "");
    }
    assert_failed(&foghorn().arg(bytes).output().unwrap().into(), 2, "no command");
    assert_failed(&foghorn().args(["run", "--port"]).arg(bytes).output().unwrap().into(), 2, "--port");
}

#[test]
fn the_environment_is_read_and_checked() {
    let bad = foghorn().arg("run").env("FOGHORN_LOG", "loud").output().unwrap().into();
    assert_failed(&bad, 2, "FOGHORN_LOG");
    let away = foghorn().arg("list").env("FOGHORN_CONTROL", "/nowhere/control.sock").output().unwrap().into();
    assert_failed(&away, 3, "/nowhere/control.sock");
}

#[test]
fn without_a_daemon_it_says_how_to_start_one() {
    let directory = Directory::new();
    let control = directory.path("control.sock");
    let control = control.to_str().unwrap();
    for command in [&["lookup", "nas"][..], &["list"], &["watch"], &["status"], &["connect", "nas"]] {
        assert_failed(&run(&[command, &["--control", control]].concat()), 3, "foghorn run");
    }
    // A directory that is no socket, and a path that no socket can have.
    assert_failed(&run(&["list", "--control", "/"]), 3, "foghorn run");
    assert_failed(&run(&["list", "--control", &"x".repeat(200)]), 2, "control socket");
    // The default, where there is none.
    if !std::path::Path::new("/run/foghorn/control.sock").exists() {
        assert_failed(&run(&["lookup", "nas"]), 3, "foghorn run");
    }
}

#[test]
fn the_control_socket_is_opened_or_the_reason_is_told() {
    let directory = Directory::new();
    let start = |control: &std::path::Path| {
        let mut command = foghorn();
        command.args(["run", "--interface", "lo", "--log", "error", "--control"]).arg(control);
        Ended::from(command.output().unwrap())
    };
    assert_failed(&start(&directory.path("missing/control.sock")), 4, "make its directory first");
    assert_failed(&start(std::path::Path::new("")), 2, "--control");
    assert_failed(&start(std::path::Path::new("/proc/control.sock")), 4, "another path with --control");
    assert_failed(&start(&directory.path(&"x".repeat(200))), 2, "xxx");
    let file = directory.path("file");
    fs::write(&file, "precious").unwrap();
    assert_failed(&start(&file), 4, "remove it or give another path");
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
}

#[test]
fn a_live_socket_is_left_alone_and_a_stale_one_replaced() {
    let mut first = Box1::new(&["--id", "first", "--port", "1"]);
    let control = first.directory.path("control.sock");
    let second =
        foghorn().args(["run", "--log", "error", "--control"]).arg(&control).output().unwrap().into();
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
fn a_socket_that_took_the_place_of_ours_is_not_removed() {
    let mut box1 = Box1::new(&[]);
    let control = box1.directory.path("control.sock");
    fs::remove_file(&control).unwrap();
    let _other = UnixListener::bind(&control).unwrap();
    assert!(box1.daemon.stop().success());
    assert!(control.exists());
}

#[test]
fn the_control_socket_is_private_under_any_umask() {
    let directory = Directory::new();
    for umask in ["0", "777"] {
        let control = directory.path(umask);
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")]).arg(env!("CARGO_BIN_EXE_foghorn"));
        let _daemon =
            Daemon::start_with(shell, &control, &["--interface", "lo", "--udp-port", &free_udp_port()]);
        assert_eq!(fs::metadata(&control).unwrap().permissions().mode() & 0o7777, 0o660);
    }
}

#[test]
fn two_daemons_on_one_machine_know_each_other() {
    let nas = Box1::new(&["--id", "nas", "--port", "22", "--announce", "web:80", "--interval", "2"]);
    nas.hear("marker", 1);
    let watch = nas.daemon.watch(&["watch", "--json"]);
    assert!(watch.lines.next().contains("\"known\""));
    let control = nas.directory.path("pi.sock");
    let mut pi = Daemon::start(
        &control,
        &["--id", "pi", "--port", "2222", "--interface", "lo", "--udp-port", &nas.port, "--interval", "1"],
    );
    let event: serde_json::Value = serde_json::from_str(&watch.lines.next()).unwrap();
    let expected = serde_json::json!(
        {"event": "found", "id": "pi", "address": "127.0.0.1:2222", "interface": "lo"}
    );
    assert_eq!(event, expected);

    let found = pi.ask(&["lookup", "--wait", "20", "nas"]);
    assert_eq!((found.code, found.out.as_str()), (0, "127.0.0.1:22\n"));
    assert_eq!(pi.ask(&["lookup", "--host", "--wait", "20", "web"]).out, "127.0.0.1\n");
    assert_eq!(pi.ask(&["lookup", "--all", "web"]).out, "127.0.0.1:80\n");
    let list = pi.ask(&["list"]).out;
    assert_eq!(
        list.lines().map(|line| line.split_whitespace().next().unwrap()).collect::<Vec<_>>(),
        ["NODE", "nas", "web"]
    );
    assert_failed(&pi.ask(&["lookup", "pi"]), 1, "this machine");
    nas.daemon.watch(&["watch"]).lines.wait_for("known pi 127.0.0.1:2222 lo");

    assert!(pi.stop().success());
    let event: serde_json::Value = serde_json::from_str(&watch.lines.wait_for("\"pi\"")).unwrap();
    assert_eq!(event["event"], "lost");
    assert_failed(&nas.daemon.ask(&["lookup", "pi"]), 1, "pi is not known");
}

#[test]
fn what_a_node_is_called_can_not_break_the_output() {
    let box1 = Box1::new(&[]);
    let id = "a=b,\"c\\d\"'$(x)`";
    box1.hear(id, 443);
    let list: serde_json::Value = serde_json::from_str(&box1.daemon.ask(&["list", "--json"]).out).unwrap();
    assert_eq!(list[0]["id"], id);
    assert_eq!(list[0]["addresses"], serde_json::json!(["127.0.0.1:443"]));
    for (key, most) in [("age_s", 20), ("known_s", 20), ("expires_s", 90), ("heard", 1)] {
        assert!(list[0][key].as_u64().unwrap() <= most, "{list}");
    }
    let lookup = box1.daemon.ask(&["lookup", "--json", id]).out;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&lookup).unwrap()["id"], id);
    box1.hear("--all", 1);
    assert_eq!(box1.daemon.ask(&["lookup", "--", "--all"]).out, "127.0.0.1:1\n");
}

#[test]
fn an_empty_list_is_empty() {
    let box1 = Box1::new(&[]);
    let list = box1.daemon.ask(&["list"]);
    assert_eq!((list.code, list.out.as_str()), (0, ""));
    assert!(list.err.contains("no node"));
    assert_eq!(box1.daemon.ask(&["list", "--json"]).out, "[]\n");
}

#[test]
fn bad_datagrams_are_counted_by_reason() {
    let box1 = Box1::new(&["--id", "nas", "--port", "22"]);
    let with = |port: u16, id: &[u8]| {
        let length = u16::try_from(id.len()).unwrap();
        [&[0, 0x12, 0x10, 0x25], &port.to_be_bytes()[..], &length.to_be_bytes(), id].concat()
    };
    // 16 bytes that claim 65,535 more: the first implementation panicked.
    let mut liar = announcement("xxxx", 1);
    liar[6..8].copy_from_slice(&[0xff, 0xff]);
    let bad = [
        ("truncated", b"".to_vec()),
        ("truncated", b"\x00\x12\x10\x25".to_vec()),
        ("truncated", liar),
        ("foreign", b"\x20\x0f\x10\x25 something else".to_vec()),
        ("empty_node_id", with(1, b"")),
        ("node_id_too_long", with(1, &[b'x'; 65])),
        ("node_id_too_long", with(1, &[b'x'; 1000])),
        ("node_id_not_printable", with(1, b"a b")),
        ("node_id_not_printable", with(1, b"\x1b]0;title\x07")),
        ("node_id_not_printable", with(1, b"\xff\xfe")),
        ("no_port", with(0, b"pi")),
    ];
    for (_, datagram) in &bad {
        box1.send(datagram);
    }
    box1.hear("marker", 1);
    let status = box1.daemon.status();
    for (reason, count) in status["rejected"].as_object().unwrap() {
        let expected = bad.iter().filter(|(expected, _)| expected == reason).count();
        assert_eq!(count.as_u64(), Some(expected as u64), "{reason} in {status}");
    }
    assert_eq!(status["registry"]["used"], 1);
    let text = box1.daemon.ask(&["status"]).out;
    assert!(text.contains("rejected    3 truncated\n") && text.contains(" 2 node_id_too_long\n"), "{text}");
}

#[test]
fn status_tells_what_there_is() {
    let box1 = Box1::new(&["--id", "nas", "--port", "22", "--interval", "7"]);
    box1.hear("pi", 1);
    let status = box1.daemon.status();
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(status["own"], serde_json::json!([{"id": "nas", "port": 22}]));
    assert_eq!(status["interval_s"], 7);
    assert_eq!(status["udp_port"].to_string(), box1.port);
    assert_eq!(status["registry"]["used"], 1);
    assert_eq!(status["registry"]["capacity"], foghorn::limits::REGISTRY_CAPACITY);
    assert_eq!(status["registry"]["found"], 1);
    let lo = &status["interfaces"][0];
    assert_eq!(
        (&lo["name"], &lo["address"], &lo["state"]),
        (&"lo".into(), &"127.0.0.1".into(), &"up".into())
    );
    assert!(status["uptime_s"].as_u64().is_some());
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let box1 = Box1::new(&[]);
    // More than a pipe holds, so that foghorn does meet the closed end.
    for number in 0..200 {
        box1.send(&announcement(&format!("{}{number}", "x".repeat(60)), 1));
    }
    box1.hear("marker", 1);
    for arguments in [&["list"][..], &["list", "--json"], &["status"], &["watch"]] {
        let mut command = foghorn();
        command.args(arguments).env("FOGHORN_CONTROL", &box1.daemon.control);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(0), &b""[..]), "{arguments:?}");
    }
}

#[test]
fn output_that_can_not_be_written_is_a_failure() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut child = foghorn().arg("--help").stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(4));
    assert!(err.contains("cannot write to standard output"), "{err}");
}

#[test]
fn waiting_ends_when_the_node_comes_or_the_time_is_over() {
    let box1 = Box1::new(&[]);
    assert_failed(&box1.daemon.ask(&["lookup", "--wait", "0", "pi"]), 1, "pi is not known");
    let waiting = box1.daemon.watch(&["lookup", "--wait", "20", "pi"]);
    // It waits once it watches; then there is a client.
    box1.send(&announcement("other", 1));
    box1.send(&announcement("pi", 7));
    assert_eq!(waiting.lines.next(), "127.0.0.1:7");
}

#[test]
fn connect_joins_a_node_to_standard_input_and_output() {
    let box1 = Box1::new(&[]);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    box1.hear("nas", listener.local_addr().unwrap().port());
    // The node answers only when all has been said, so both directions and the end of the first are passed on.
    let node = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        stream.write_all(said.to_uppercase().as_bytes()).unwrap();
    });
    let mut command = foghorn();
    command.args(["connect", "nas"]).env("FOGHORN_CONTROL", &box1.daemon.control);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"hello").unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), ended.stdout.as_slice()), (Some(0), &b"HELLO"[..]));
    node.join().unwrap();
}

#[test]
fn connect_tells_why_it_can_not() {
    let box1 = Box1::new(&[]);
    assert_failed(&box1.daemon.ask(&["connect", "nas"]), 1, "nas is not known");
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    box1.hear("nas", closed);
    assert_failed(&box1.daemon.ask(&["connect", "nas"]), 4, "cannot connect to nas at 127.0.0.1");
}

#[test]
fn signals_are_obeyed() {
    let mut box1 = Box1::new(&["--id", "nas", "--port", "22"]);
    let sent = |box1: &Box1| box1.daemon.status()["datagrams"]["sent"].as_u64().unwrap();
    let before = sent(&box1);
    box1.daemon.signal(Signal::SIGHUP);
    box1.daemon.log.wait_for("announce now");
    assert_eq!(sent(&box1), before + 1);
    assert!(box1.daemon.stop().success());
    assert!(box1.daemon.log.wait_for("ends").contains("info"));

    let mut box1 = Box1::new(&[]);
    box1.daemon.signal(Signal::SIGINT);
    box1.daemon.log.wait_for("ends");
    assert!(box1.daemon.stop().success());
}

#[test]
fn a_pattern_that_matches_nothing_is_waited_for() {
    let directory = Directory::new();
    let control = directory.path("control.sock");
    let mut command = foghorn();
    command.args(["run", "--interface", "no-such*", "--control"]).arg(&control);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let log = common::Lines::of(child.stderr.take().unwrap());
    assert!(log.wait_for("no usable interface").contains("no-such*"));
    log.wait_for("listens at");
    let status = foghorn().args(["status", "--control"]).arg(&control).output().unwrap();
    assert!(String::from_utf8(status.stdout).unwrap().contains("waiting for one"));
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Says something to the control socket and reads all the answers.
fn say(box1: &Box1, words: &[u8]) -> String {
    let mut stream = UnixStream::connect(&box1.daemon.control).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    let _ = stream.write_all(words);
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = vec![];
    // A daemon that leaves a client with words unread resets the connection; what it said comes first.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

#[test]
fn the_control_protocol_can_be_typed() {
    let box1 = Box1::new(&["--id", "nas", "--port", "22"]);
    box1.hear("pi", 9);
    let version = format!("version protocol=1 foghorn={}\nok\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(say(&box1, b"version\r\nversion 1\n"), version.repeat(2));
    assert!(say(&box1, b"version 2\n").starts_with("error version "));
    assert_eq!(say(&box1, b"lookup printer\n"), "error unknown-node printer is not known\n");
    let both = say(&box1, b"lookup pi\nlist\n");
    assert_eq!(both.matches("node id=pi addresses=127.0.0.1:9 interface=lo age_s=").count(), 2, "{both}");
    assert_eq!(both.matches("\nok\n").count(), 2);
    let status = say(&box1, b"status\n");
    for kind in [
        "daemon version=",
        "registry used=1 ",
        "datagrams received=",
        "rejected truncated=0 ",
        "own id=nas",
        "interface name=lo ",
    ] {
        assert_eq!(status.lines().filter(|line| line.starts_with(kind)).count(), 1, "{kind} in {status}");
    }
    assert!(status.ends_with("\nok\n"));
}

#[test]
fn bad_requests_get_an_answer() {
    let box1 = Box1::new(&[]);
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
        let answer = say(&box1, request);
        assert!(answer.starts_with("error bad-request ") && answer.lines().count() == 1, "{answer}");
    }
    let answer = say(&box1, &b"x".repeat(100_000));
    assert_eq!(answer, "error bad-request the line is too long\n");
    // A request without its newline is none.
    assert_eq!(say(&box1, b"list"), "");
    assert_eq!(box1.daemon.ask(&["list", "--json"]).out, "[]\n");
}

#[test]
fn a_request_may_come_a_byte_at_a_time() {
    let box1 = Box1::new(&[]);
    let mut stream = UnixStream::connect(&box1.daemon.control).unwrap();
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
    let box1 = Box1::new(&[]);
    box1.hear("pi", 9);
    let mut stream = UnixStream::connect(&box1.daemon.control).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    let mut writer = stream.try_clone().unwrap();
    // Far more than all buffers hold: the daemon has to wait for its reader and go on where it stopped.
    let requests = 20_000;
    let writer = thread::spawn(move || writer.write_all(&b"list\n".repeat(requests)).unwrap());
    let answers = BufReader::new(&mut stream).lines().map(Result::unwrap).filter(|line| line == "ok");
    assert_eq!(answers.take(requests).count(), requests);
    writer.join().unwrap();
}

#[test]
fn silent_clients_give_way_and_watching_ones_do_not() {
    let box1 = Box1::new(&[]);
    let slots = foghorn::limits::CONTROL_CLIENTS;
    let silent: Vec<_> = (0..3 * slots).map(|_| UnixStream::connect(&box1.daemon.control).unwrap()).collect();
    assert_eq!(box1.daemon.ask(&["list", "--json"]).out, "[]\n");
    drop(silent);

    box1.hear("pi", 9);
    let watching: Vec<_> = (0..slots).map(|_| box1.daemon.watch(&["watch"])).collect();
    for watch in &watching {
        assert_eq!(watch.lines.next(), "known pi 127.0.0.1:9 lo");
    }
    assert_failed(&box1.daemon.ask(&["list"]), 4, "all client slots are taken");
    box1.send(&announcement("nas", 8));
    for watch in &watching {
        assert_eq!(watch.lines.next(), "found nas 127.0.0.1:8 lo");
    }
    drop(watching);
    // The slots come free as the daemon sees the clients go.
    box1.daemon.ask_until(&["list"], |ended| ended.code == 0);
}

#[test]
fn a_watcher_that_does_not_read_is_left_and_the_rest_are_served() {
    let box1 = Box1::new(&[]);
    let mut stuck = UnixStream::connect(&box1.daemon.control).unwrap();
    stuck.write_all(b"watch\n").unwrap();
    let id = |number: u32| format!("{}{number}", "x".repeat(50));
    // Newcomers displace each other: two lines for each. The daemon's send buffer is far smaller than all of them.
    for number in 0..6000 {
        box1.send(&announcement(&id(number), 1));
        if number % 100 == 0 {
            box1.hear(&format!("marker-{number}"), 1);
        }
    }
    box1.hear("marker", 1);
    // What had been written comes, then the end.
    stuck.set_read_timeout(Some(TIMEOUT)).unwrap();
    let mut said = vec![];
    stuck.read_to_end(&mut said).unwrap();
    assert!(String::from_utf8(said).unwrap().lines().count() < 12_000);
}

#[test]
fn the_registry_never_holds_more_than_its_capacity() {
    let box1 = Box1::new(&[]);
    let capacity = foghorn::limits::REGISTRY_CAPACITY;
    for number in 0..3 * capacity {
        box1.send(&announcement(&format!("forged-{number}"), 1));
        if number % 100 == 0 {
            box1.hear("established", 1);
        }
    }
    box1.hear("marker", 1);
    box1.daemon.signal(Signal::SIGHUP);
    let told = box1.daemon.log.until("announce now").iter().filter(|line| line.contains("forged")).count();
    assert!(told < 200, "{told} lines about forged nodes");
    let status = box1.daemon.status();
    assert_eq!(status["registry"]["used"], capacity);
    assert_eq!(box1.daemon.ask(&["list", "--json"]).out.matches("\"id\"").count(), capacity);
    assert_eq!(box1.daemon.ask(&["lookup", "established"]).code, 0);
}
