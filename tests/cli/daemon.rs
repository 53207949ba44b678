//! A daemon's knowledge in the output of the commands.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{
    Daemon, Directory, Ended, TIMEOUT, announcement, foghorn, is_emulated, log, suspend,
};
use crate::{Loopback, assert_failed, host};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rustix::process::{PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

#[test]
fn two_daemons_on_one_machine_know_each_other() {
    let nas =
        Loopback::new(&["--id", "nas", "--port", "22", "--announce", "web:80", "--interval", "3"]);
    let watch = nas.daemon.watch(&["watch", "--json"]);
    // The watch has begun when it prints its first line.
    while watch.lines.seen().is_empty() {
        nas.hear("marker", 1);
    }
    let control = nas.directory.path("pi.sock");
    let mut pi = Daemon::start(
        &control,
        &[
            "--id",
            "pi",
            "--port",
            "2222",
            "--interface",
            "lo",
            "--udp-port",
            &nas.port,
            "--interval",
            "3",
        ],
    );
    let event: serde_json::Value = serde_json::from_str(&watch.lines.wait_for("\"pi\"")).unwrap();
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
        ["NODE", "nas", "pi", "web"]
    );
    nas.daemon.watch(&["watch"]).lines.wait_for("known pi 127.0.0.1:2222 lo");

    assert!(pi.stop().success());
    let event: serde_json::Value = serde_json::from_str(&watch.lines.wait_for("\"pi\"")).unwrap();
    assert_eq!(event["event"], "lost");
    assert_failed(&nas.daemon.ask(&["lookup", "pi"]), 1, "pi is not known");
}

#[test]
fn node_names_cannot_break_the_output() {
    let loopback = Loopback::new(&[]);
    let id = "a=b,\"c\\d\"'$(x)`";
    loopback.hear(id, 443);
    let list: serde_json::Value =
        serde_json::from_str(&loopback.daemon.ask(&["list", "--json"]).out).unwrap();
    assert_eq!(list[0]["id"], id);
    assert_eq!(list[0]["addresses"], serde_json::json!(["127.0.0.1:443"]));
    for (key, most) in [("age_s", 20), ("known_s", 20), ("expires_s", 90), ("heard", 1)] {
        assert!(list[0][key].as_u64().unwrap() <= most, "{list}");
    }
    let lookup = loopback.daemon.ask(&["lookup", "--json", id]).out;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&lookup).unwrap()["id"], id);
    loopback.hear("--all", 1);
    assert_eq!(loopback.daemon.ask(&["lookup", "--", "--all"]).out, "127.0.0.1:1\n");
}

#[test]
fn an_empty_list_is_empty() {
    let loopback = Loopback::new(&[]);
    let list = loopback.daemon.ask(&["list"]);
    assert_eq!((list.code, list.out.as_str()), (0, ""));
    assert!(list.err.contains("no node"));
    assert_eq!(loopback.daemon.ask(&["list", "--json"]).out, "[]\n");
}

#[test]
fn bad_datagrams_are_counted_by_reason() {
    let loopback = Loopback::new(&["--id", "nas", "--port", "22"]);
    let with = |port: u16, id: &[u8]| {
        let length = u16::try_from(id.len()).unwrap();
        [&[0, 0x12, 0x10, 0x25], &port.to_be_bytes()[..], &length.to_be_bytes(), id].concat()
    };
    // 16 bytes that claim 65,535 more: the first implementation panicked on these.
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
        loopback.send(datagram);
    }
    loopback.hear("marker", 1);
    let status = loopback.daemon.status();
    for (reason, count) in status["rejected"].as_object().unwrap() {
        let expected = bad.iter().filter(|(expected, _)| expected == reason).count();
        assert_eq!(count.as_u64(), Some(expected as u64), "{reason} in {status}");
    }
    assert_eq!(status["registry"]["used"], 1);
    let text = loopback.daemon.ask(&["status"]).out;
    assert!(
        text.contains("rejected    3 truncated\n") && text.contains(" 2 node_id_too_long\n"),
        "{text}"
    );
}

#[test]
fn foreign_datagrams_are_counted_without_being_received() {
    // No more than would fit into the socket if they were received.
    const FOREIGN: u64 = 200;
    let loopback = Loopback::new(&[]);
    for _ in 0..FOREIGN {
        loopback.send(b"something else");
    }
    loopback.hear("marker", 1);
    let status = loopback.daemon.status();
    let count = |key| status["interfaces"][0][key].as_u64().unwrap();
    assert_eq!(status["rejected"]["foreign"], FOREIGN, "{status}");
    assert_eq!(status["datagrams"]["received"], count("received"), "{status}");
    assert_eq!(count("received") + count("dropped"), FOREIGN + 1, "{status}");
    // An emulator may not pass filters on to the kernel; then the daemon receives them.
    assert!(count("received") == 1 || is_emulated(), "{status}");
    let text = loopback.daemon.ask(&["status"]).out;
    assert!(text.contains(" dropped, ") && text.contains("rejected    200 foreign\n"), "{text}");
}

#[test]
fn status_shows_all_counts_and_interfaces() {
    let arguments = [
        "--id",
        "nas",
        "--port",
        "22",
        "--interval",
        "7",
        "--allow",
        "10.0.0.0/8",
        "--allow=10.0.0.9",
    ];
    let loopback = Loopback::new(&arguments);
    loopback.hear("pi", 1);
    let status = loopback.daemon.status();
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(status["own"], serde_json::json!([{"id": "nas", "port": 22}]));
    assert_eq!(status["interval_s"], 7);
    assert_eq!(status["udp_port"].to_string(), loopback.port);
    assert_eq!(status["registry"]["used"], 1);
    assert_eq!(status["registry"]["capacity"], foghorn::limits::REGISTRY_CAPACITY);
    assert_eq!(status["registry"]["found"], 1);
    let lo = &status["interfaces"][0];
    assert_eq!(
        (&lo["name"], &lo["address"], &lo["state"]),
        (&"lo".into(), &"127.0.0.1".into(), &"up".into())
    );
    assert_eq!(lo["networks"], serde_json::json!(["127.0.0.1/8"]));
    assert_eq!(status["allowed"], serde_json::json!(["10.0.0.0/8", "10.0.0.9/32"]));
    assert!(status["uptime_s"].as_u64().is_some());
    let text = loopback.daemon.ask(&["status"]).out;
    assert!(text.contains(" hears 127.0.0.1/8\nalso hears  10.0.0.0/8,10.0.0.9/32\n"), "{text}");
}

#[test]
fn a_reader_that_closes_early_is_not_a_failure() {
    let loopback = Loopback::new(&[]);
    loopback.hear("nas", 1);
    for arguments in [&["list"][..], &["list", "--json"], &["status"], &["watch"]] {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let mut command = foghorn();
        command.args(arguments).env("FOGHORN_CONTROL", &loopback.daemon.control);
        let ended = command.stdin(Stdio::null()).stdout(writer).output().unwrap();
        assert_eq!(
            (ended.status.code(), ended.stderr.as_slice()),
            (Some(0), &b""[..]),
            "{arguments:?}"
        );
    }
}

#[test]
fn waiting_ends_when_the_node_appears_or_the_time_is_up() {
    let loopback = Loopback::new(&[]);
    assert_failed(&loopback.daemon.ask(&["lookup", "--wait", "0", "pi"]), 1, "pi is not known");
    assert_failed(&loopback.daemon.ask(&["lookup", "--wait", "0.01", "pi"]), 1, "pi is not known");
    let waiting = loopback.daemon.watch(&["lookup", "--wait", "20", "pi"]);
    // The command waits once it watches; then the daemon has a client.
    loopback.send(&announcement("other", 1));
    loopback.send(&announcement("pi", 7));
    assert_eq!(waiting.lines.next(), "127.0.0.1:7");
}

/// Runs the command to its end, stopped for a moment, as by ^Z, once that file of `/proc` shows
/// that it waits.
fn stopped_where_it_waits(mut command: Command, file: &str, tells: &str) -> Ended {
    let child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let file = file.replace("PID", &child.id().to_string());
    let start = Instant::now();
    while !fs::read_to_string(&file).unwrap().contains(tells) {
        assert!(start.elapsed() < TIMEOUT, "the command does not wait");
    }
    let process = Pid::from_raw(child.id().try_into().unwrap());
    suspend(process);
    kill(process, Signal::SIGCONT).unwrap();
    child.wait_with_output().unwrap().into()
}

#[test]
fn a_command_gives_up_on_a_daemon_that_accepts_no_client() {
    let directory = Directory::new();
    let control = directory.path("control.sock");
    let stuck = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    let address = SockAddr::unix(&control).unwrap();
    stuck.bind(&address).unwrap();
    stuck.listen(0).unwrap();
    // As many as the daemon's queue holds, so that no place is free.
    let mut waiting = vec![];
    loop {
        let client = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        client.set_nonblocking(true).unwrap();
        match client.connect(&address) {
            Ok(()) => waiting.push(client),
            Err(error) => break assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
    }
    let mut command = foghorn();
    command.args(["lookup", "nas", "--control"]).arg(&control);
    assert_failed(
        &stopped_where_it_waits(command, "/proc/PID/stat", ") S "),
        3,
        "the daemon does not answer",
    );
}

#[test]
fn a_watch_after_a_long_sleep_reports_no_loss_of_an_unreported_node() {
    let loopback = Loopback::new(&["--interval", "1"]);
    loopback.hear("nas", 22);
    let lease = Instant::now() + Duration::from_secs(3);
    // The client is connected already, so that its request and the end of the lease wake the daemon
    // at once.
    let mut client = UnixStream::connect(&loopback.daemon.control).unwrap();
    let mut told = BufReader::new(client.try_clone().unwrap()).lines().map(Result::unwrap);
    client.write_all(b"version\n").unwrap();
    assert!(told.find(|line| line == "ok").is_some());
    loopback.daemon.suspend();
    client.write_all(b"watch\n").unwrap();
    // This test is about the passing of this time.
    thread::sleep(lease.saturating_duration_since(Instant::now()));
    loopback.daemon.resume();
    loopback.hear("pi", 9);
    // Whether the request or the datagram comes first is up to the daemon: pi is found, or known.
    let told: Vec<_> = told.take_while(|line| !line.contains(" id=pi ")).collect();
    // The daemon is suspended in the middle of a turn of its loop. It finishes that turn as if no
    // time had passed: nas is still known, and lost in the next turn.
    assert!(told.first().is_none_or(|first| first.starts_with("known id=nas ")), "{told:?}");
}

#[test]
fn connect_connects_a_node_to_standard_input_and_output() {
    let loopback = Loopback::new(&[]);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    loopback.hear("nas", listener.local_addr().unwrap().port());
    // The node answers only after the last byte, so connect passes on both directions and the end
    // of the first.
    let node = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        stream.write_all(said.to_uppercase().as_bytes()).unwrap();
    });
    let mut command = foghorn();
    command.args(["connect", "nas"]).env("FOGHORN_CONTROL", &loopback.daemon.control);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"hello").unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), ended.stdout.as_slice()), (Some(0), &b"HELLO"[..]));
    node.join().unwrap();
}

/// The TCP sockets of a process, each as a duplicate descriptor.
fn tcp_sockets(process: &Child) -> Vec<Socket> {
    let pid = rustix::process::Pid::from_child(process);
    let process = pidfd_open(pid, PidfdFlags::empty()).unwrap();
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let numbers =
        descriptors.map(|entry| entry.unwrap().file_name().to_str().unwrap().parse().unwrap());
    // A descriptor that was closed meanwhile is skipped.
    let copies =
        numbers.filter_map(|number| pidfd_getfd(&process, number, PidfdGetfdFlags::empty()).ok());
    let sockets = copies.map(Socket::from);
    sockets.filter(|socket| matches!(socket.protocol(), Ok(Some(Protocol::TCP)))).collect()
}

#[test]
fn connect_sends_short_messages_at_once_and_notices_a_peer_that_has_vanished() {
    if is_emulated() {
        return;
    }
    let loopback = Loopback::new(&[]);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    loopback.hear("nas", listener.local_addr().unwrap().port());
    let mut command = foghorn();
    command.args(["connect", "nas"]).env("FOGHORN_CONTROL", &loopback.daemon.control);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    // A byte that passed through shows that the connection exists.
    child.stdin.as_mut().unwrap().write_all(b"x").unwrap();
    stream.read_exact(&mut [0]).unwrap();
    let sockets = tcp_sockets(&child);
    assert!(!sockets.is_empty());
    assert!(
        sockets.iter().all(|socket| socket.tcp_nodelay().unwrap() && socket.keepalive().unwrap())
    );
    drop((sockets, stream));
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn connect_ignores_case_if_only_one_node_matches() {
    let loopback = Loopback::new(&[]);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    loopback.hear("OpenWrt", listener.local_addr().unwrap().port());
    let node = thread::spawn(move || drop(listener.accept().unwrap()));
    let ended = loopback.daemon.ask(&["connect", "openwrt"]);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    node.join().unwrap();
    loopback.hear_from(host(2), "OPENWRT", 22);
    assert_failed(
        &loopback.daemon.ask(&["connect", "openwrt"]),
        1,
        "openwrt is not known: did you mean",
    );
    // All other commands compare names exactly.
    assert_failed(&loopback.daemon.ask(&["lookup", "openwrt"]), 1, "openwrt is not known");
}

#[test]
fn connect_gives_up_on_a_node_that_accepts_no_connection() {
    let loopback = Loopback::new(&[]);
    let node = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    node.bind(&SockAddr::from(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))).unwrap();
    node.listen(0).unwrap();
    let address = node.local_addr().unwrap();
    let port = address.as_socket().unwrap().port();
    // The connection that waits to be accepted takes the only place.
    let first = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    first.connect(&address).unwrap();
    loopback.hear("nas", port);
    let mut command = foghorn();
    command.args(["connect", "nas"]).env("FOGHORN_CONTROL", &loopback.daemon.control);
    let ended = stopped_where_it_waits(command, "/proc/net/tcp", &format!(":{port:04X} 02 "));
    assert_failed(&ended, 4, "timed out");
}

#[test]
fn connect_reports_a_reset_connection() {
    let loopback = Loopback::new(&[]);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    loopback.hear("nas", listener.local_addr().unwrap().port());
    let node = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0]).unwrap();
        // TCP resets a connection that is closed like this.
        Socket::from(stream).set_linger(Some(Duration::ZERO)).unwrap();
    });
    let mut command = foghorn();
    command.args(["connect", "nas"]).env("FOGHORN_CONTROL", &loopback.daemon.control);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A byte at the node shows that the connection exists before it is reset.
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"x").unwrap();
    node.join().unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "foghorn: the connection broke: Connection reset by peer (os error 104)\n");
    assert_eq!(child.wait().unwrap().code(), Some(4));
}

#[test]
fn connect_gives_the_reason_for_a_failure() {
    let loopback = Loopback::new(&[]);
    assert_failed(&loopback.daemon.ask(&["connect", "nas"]), 1, "nas is not known");
    // The socket is bound, so that no other test gets the port, and does not listen.
    let closed = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    closed.bind(&SockAddr::from(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))).unwrap();
    let closed_port = closed.local_addr().unwrap().as_socket().unwrap().port();
    loopback.hear("nas", closed_port);
    assert_failed(
        &loopback.daemon.ask(&["connect", "nas"]),
        4,
        "cannot connect to nas at 127.0.0.1",
    );
}

#[test]
fn the_daemon_obeys_signals() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let mut loopback = Loopback::new(&["--id", "nas", "--port", "22"]);
    let sent =
        |loopback: &Loopback| loopback.daemon.status()["datagrams"]["sent"].as_u64().unwrap();
    let before = sent(&loopback);
    loopback.daemon.signal(Signal::SIGHUP);
    loopback.daemon.log.wait_for("SIGHUP: checking");
    assert_eq!(sent(&loopback), before + 1);
    assert!(loopback.daemon.stop().success());
    assert!(loopback.daemon.log.wait_for("stopped").contains(log::INFO));

    let mut loopback = Loopback::new(&[]);
    loopback.daemon.signal(Signal::SIGINT);
    loopback.daemon.log.wait_for("stopped");
    assert!(loopback.daemon.stop().success());
}

#[test]
fn the_daemon_waits_for_an_interface_that_matches() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let directory = Directory::new();
    let control = directory.path("control.sock");
    let mut command = foghorn();
    command.args(["run", "--interface", "no-such*", "--control"]).arg(&control);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let told = log::lines(child.stderr.take().unwrap());
    assert!(told.wait_for("no usable interface").contains("no-such*"));
    told.wait_for("listens at");
    let status = foghorn().args(["status", "--control"]).arg(&control).output().unwrap();
    assert!(String::from_utf8(status.stdout).unwrap().contains("waiting for one"));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn the_registry_never_holds_more_than_its_capacity() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let loopback = Loopback::new(&[]);
    let capacity = foghorn::limits::REGISTRY_CAPACITY;
    // While there is room, all nodes of one host have a place.
    for number in 0..capacity - 1 {
        loopback.send_from(
            Ipv4Addr::new(127, 0, 0, 9),
            &announcement(&format!("from-one-{number}"), 1),
        );
    }
    loopback.hear("established", 1);
    assert_eq!(loopback.daemon.status()["registry"]["used"], capacity);
    assert_eq!(loopback.daemon.status()["registry"]["lost"], 0);

    for number in 0..3 * capacity {
        let host = host((number % 100).try_into().unwrap());
        loopback.send_from(host, &announcement(&format!("forged-{number}"), 1));
        if number % 100 == 0 {
            loopback.hear("established", 1);
        }
    }
    loopback.hear("marker", 1);
    loopback.daemon.signal(Signal::SIGHUP);
    let told = loopback
        .daemon
        .log
        .until("SIGHUP: checking")
        .iter()
        .filter(|line| line.contains("forged"))
        .count();
    assert!(told < 200, "{told} lines about forged nodes");
    let status = loopback.daemon.status();
    assert_eq!(status["registry"]["used"], capacity);
    assert_eq!(loopback.daemon.ask(&["list", "--json"]).out.matches("\"id\"").count(), capacity);
    assert_eq!(loopback.daemon.ask(&["lookup", "established"]).code, 0);
}

#[test]
fn a_name_at_two_addresses_is_contested_and_keeps_its_address() {
    let loopback = Loopback::new(&[]);
    let [first, second] = [Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::new(127, 0, 0, 3)];
    loopback.hear_from(first, "nas", 22);
    let watch = loopback.daemon.watch(&["watch"]);
    assert_eq!(watch.lines.next(), "known nas 127.0.0.2:22 lo");
    // It seems to have moved. But it still speaks at its old address.
    loopback.send_from(second, &announcement("nas", 22));
    assert_eq!(watch.lines.next(), "moved nas 127.0.0.3:22 lo");
    let in_json = loopback.daemon.watch(&["watch", "--json"]);
    in_json.lines.wait_for("known");
    loopback.send_from(first, &announcement("nas", 22));
    assert_eq!(watch.lines.next(), "contested nas 127.0.0.2:22 lo 127.0.0.3:22");
    assert_eq!(
        in_json.lines.next(),
        r#"{"event":"contested","id":"nas","address":"127.0.0.2:22","interface":"lo","rival":"127.0.0.3:22"}"#
    );
    for number in 0..10 {
        loopback.send_from(second, &announcement("nas", 22));
        loopback.hear(&format!("other-{number}"), 1);
        assert_eq!(loopback.daemon.ask(&["lookup", "nas"]).out, "127.0.0.2:22\n");
    }
    assert_eq!(
        loopback.daemon.ask(&["lookup", "--all", "nas"]).out,
        "127.0.0.2:22\n127.0.0.3:22\n"
    );
    let status = loopback.daemon.status();
    let expected =
        serde_json::json!([{"id": "nas", "addresses": ["127.0.0.2:22", "127.0.0.3:22"]}]);
    assert_eq!((&status["contested"], &status["registry"]["contested"]), (&expected, &1.into()));
    assert!(loopback.daemon.ask(&["status"]).out.contains("nas at 127.0.0.2:22 and 127.0.0.3:22"));
    let nodes: serde_json::Value =
        serde_json::from_str(&loopback.daemon.ask(&["list", "--json"]).out).unwrap();
    let contested = nodes.as_array().unwrap().iter().filter(|node| node["contested"] == true);
    assert!(contested.map(|node| &node["id"]).eq(["nas"]));
    assert!(
        (0..10).all(|number| watch.lines.next().starts_with(&format!("found other-{number} ")))
    );
}

#[test]
fn an_expected_node_is_shown_and_has_room_among_any_number() {
    let loopback = Loopback::new(&["--expect", "nas", "--expect", "pi", "--expect", "pi"]);
    let expects = |nas, pi| {
        let status = loopback.daemon.status();
        assert_eq!(
            status["expected"],
            serde_json::json!([{"id": "nas", "state": nas}, {"id": "pi", "state": pi}])
        );
    };
    expects("missing", "missing");
    assert!(loopback.daemon.ask(&["status"]).out.contains("expects     nas missing\n"));
    let last = u32::try_from(foghorn::limits::REGISTRY_CAPACITY).unwrap() + 50;
    for number in 0..=last {
        loopback.send_from(host(number), &announcement(&format!("stranger-{number}"), 1));
    }
    loopback.daemon.ask(&["lookup", "--wait", "20", &format!("stranger-{last}")]);
    loopback.hear("pi", 22);
    for number in last..2 * last {
        loopback.send_from(host(number), &announcement(&format!("stranger-{number}"), 1));
    }
    loopback.daemon.ask(&["lookup", "--wait", "20", &format!("stranger-{}", 2 * last - 1)]);
    expects("missing", "known");
    assert_eq!(
        loopback.daemon.status()["registry"]["used"],
        foghorn::limits::REGISTRY_CAPACITY - 1
    );
    loopback.hear("nas", 22);
    expects("known", "known");
}

#[test]
fn too_many_expected_nodes_are_refused() {
    let directory = Directory::new();
    let many: Vec<_> = (0..=foghorn::limits::REGISTRY_CAPACITY)
        .map(|number| format!("--expect=n{number}"))
        .collect();
    let mut command = foghorn();
    command.args(["run", "--interface", "lo", "--control"]).arg(directory.path("control.sock"));
    command.args(["--log", "error"]).args(many);
    assert_failed(&command.output().unwrap().into(), 2, "places");
}
