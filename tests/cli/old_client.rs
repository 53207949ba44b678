//! The client of version 0.1.0 with this daemon. Its behaviour is recorded here, independent of the
//! code of today: its requests, the lines it knew, and the keys it required.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::unix::net::UnixStream;

use crate::Loopback;
use crate::common::{TIMEOUT, announcement};

/// The keys of the lines that it knew, in order, each with the type of its value. It ignored
/// further keys.
const LINES: [(&str, &str); 15] = [
    ("version", "protocol=number foghorn=text"),
    (
        "node",
        "id=text addresses=sockets interface=text age_s=number known_s=number expires_s=number \
         heard=number contested=flag",
    ),
    ("known", "id=text address=socket interface=text"),
    ("found", "id=text address=socket interface=text"),
    ("moved", "id=text address=socket interface=text"),
    ("contested", "id=text address=socket interface=text rival=socket"),
    ("lost", "id=text address=socket interface=text"),
    ("daemon", "version=text uptime_s=number interval_s=number udp_port=number allowed=networks"),
    (
        "registry",
        "used=number capacity=number found=number moved=number contested=number lost=number",
    ),
    ("datagrams", "received=number own=number sent=number answers=number"),
    ("rejected", "truncated=number foreign=number"),
    ("rival", "id=text address=ip age_s=number"),
    (
        "interface",
        "name=text address=ip networks=networks state=text received=number dropped=number \
         sent=number send_errors=number",
    ),
    ("expected", "id=text state=text"),
    ("ok", ""),
];

/// Lines of the same kinds in replies to other requests.
const IN_LIST: (&str, &str) = (
    "own",
    "id=text addresses=sockets interface=text age_s=number known_s=number expires_s=number \
     heard=number contested=flag own=flag",
);
const IN_STATUS: [(&str, &str); 2] =
    [("own", "id=text port=number"), ("contested", "id=text addresses=sockets")];

/// Whether it could parse a value.
fn is_of_type(value: &str, name: &str) -> bool {
    let is_list = |is_item: fn(&str) -> bool| value.split(',').all(is_item);
    match name {
        "number" => value.parse::<u64>().is_ok(),
        "flag" => ["yes", "no"].contains(&value),
        "ip" => value.parse::<Ipv4Addr>().is_ok(),
        "socket" => value.parse::<SocketAddrV4>().is_ok(),
        "sockets" => is_list(|item| item.parse::<SocketAddrV4>().is_ok()),
        "networks" => value.is_empty() || is_list(|item| item.contains('/')),
        _ => !value.is_empty(),
    }
}

/// Parses a line as it did, with the lines that it knew in replies to that request. Returns the
/// kind of the line, or none if it ignored the line.
fn read(request: &str, line: &str) -> Option<String> {
    let mut words = line.split(' ');
    let kind = words.next().unwrap();
    let special = match request {
        "list" => &[IN_LIST][..],
        "status" => &IN_STATUS,
        _ => &[],
    };
    let (_, form) = special.iter().chain(&LINES).find(|(known, _)| *known == kind)?;
    for pair in form.split(' ').filter(|pair| !pair.is_empty()) {
        let (key, name) = pair.split_once('=').unwrap();
        let (told, value) = words.next().unwrap().split_once('=').unwrap();
        assert!(told == key && is_of_type(value, name), "{key} of {line}");
    }
    assert!(words.all(|word| word.contains('=')), "{line}");
    Some(kind.to_owned())
}

/// A connection made as it did.
fn ask(daemon: &Loopback, request: &str) -> impl Iterator<Item = String> {
    let mut stream = UnixStream::connect(daemon.directory.path("control.sock")).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    write!(stream, "version 1\n{request}\n").unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    assert_eq!(read("version", &lines.next().unwrap()).as_deref(), Some("version"));
    assert_eq!(lines.next().unwrap(), "ok");
    lines
}

/// The kinds of lines that it knew in a whole reply, in order and each once.
fn kinds(daemon: &Loopback, request: &str) -> Vec<String> {
    let mut lines = ask(daemon, request);
    let reply = lines.by_ref().take_while(|line| line != "ok");
    let mut kinds: Vec<_> = reply.filter_map(|line| read(request, &line)).collect();
    kinds.dedup();
    kinds
}

#[test]
fn the_client_of_version_0_1_0_understands_each_reply() {
    let daemon = Loopback::new(&["--id", "pi", "--port", "22", "--expect", "tv"]);
    daemon.hear("nas", 22);
    daemon.hear("tv", 80);
    // Another host announces `tv`.
    let mut watch = ask(&daemon, "watch");
    let mut next = || {
        let line = watch.next().unwrap();
        (read("watch", &line), line)
    };
    for _ in 0..2 {
        assert_eq!(next().0.as_deref(), Some("known"));
    }
    for host in [2, 1, 2, 1, 2, 1] {
        daemon.send_from(Ipv4Addr::new(127, 0, 0, host), &announcement("tv", 80));
    }
    let mut seen = vec![];
    while seen.last().is_none_or(|kind| kind != "contested") {
        let (kind, line) = next();
        seen.push(kind.unwrap_or_else(|| panic!("{line}")));
    }

    assert_eq!(kinds(&daemon, "lookup nas"), ["node"]);
    assert_eq!(kinds(&daemon, "list"), ["own", "node"]);
    let status = kinds(&daemon, "status");
    let expected = [
        "daemon",
        "registry",
        "datagrams",
        "rejected",
        "own",
        "interface",
        "expected",
        "contested",
    ];
    assert_eq!(status, expected);
    for (request, error) in [
        ("lookup printer", "error unknown-node printer is not known"),
        ("lookup pi", "error own-node pi is announced by this machine itself"),
        ("later", "error bad-request "),
    ] {
        let said = ask(&daemon, request).next().unwrap();
        assert!(said.starts_with(error), "{said}");
    }
}
