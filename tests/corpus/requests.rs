//! Any bytes as a request, as a reply, and as a node in a reply.

#![expect(clippy::unwrap_used, reason = "a check must fail on the unexpected")]

use core::fmt;
use core::net::{Ipv4Addr, SocketAddr};
use core::num::NonZeroU16;

use foghorn::control::{
    self, Address, ErrorCode, EventLine, Fields, Line, NodeLine, Request, read_address,
};
use foghorn::limits::{ADDRESSES_PER_NODE, REPLY_LINE_CAPACITY, REQUEST_CAPACITY};
use foghorn::net::{self, LinkId, Links};
use foghorn::registry::{Claim, Entry, Name, Registry, Storage};
use foghorn::time::{Duration, Instant};
use foghorn::wire::NodeId;

use crate::input::Input;

const LEASE: Duration = Duration::from_secs(90);
const INTERFACE: &str = "interface-name-";

pub(crate) fn check(bytes: &[u8]) {
    check_request(bytes);
    check_reply(bytes);
    check_node(bytes);
}

fn check_request(line: &[u8]) {
    match Request::parse(line) {
        Ok(request) => {
            let line = request.to_string();
            assert!(line.len() < REQUEST_CAPACITY && !line.contains(char::is_control), "{line:?}");
            assert_eq!(Request::parse(line.as_bytes()).as_ref(), Ok(&request));
            assert_eq!(Request::parse(format!("{line}\r").as_bytes()), Ok(request));
        }
        Err(invalid) => {
            let reply = line_of(|out| control::error(out, ErrorCode::BadRequest, invalid));
            let Line::Error { code: "bad-request", message } = Line::parse(&reply) else {
                unreachable!("{reply}")
            };
            assert_eq!(message, invalid.to_string());
        }
    }
}

/// Any reply that a newer daemon, or another program, may send to a client.
fn check_reply(line: &[u8]) {
    let Ok(line) = str::from_utf8(line) else { return };
    match Line::parse(line) {
        Line::Ok => assert_eq!(line.split(' ').next(), Some("ok")),
        Line::Error { code, message } => {
            assert!(!code.contains(' '));
            assert!(line.starts_with("error") && line.ends_with(message));
        }
        Line::Data { kind, fields } => {
            assert!(!kind.contains(' ') && line.starts_with(kind));
            if let Some(Ok((read, zone))) = fields.get("address").map(read_address) {
                let written = Address { socket: read, interface: &zone }.to_string();
                assert_eq!(read_address(&written), Ok((read, zone)));
            }
            for (key, value) in fields {
                assert!(!key.contains([' ', '=']) && !value.contains(' '));
            }
        }
    }
}

/// A node from bytes: one byte for the number of its addresses, then two bytes each for the time
/// and the address; the rest is its `NodeID`.
fn check_node(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let times = 1 + input.byte().unwrap_or(0) % 8;
    let heard: Vec<_> = (0..times).filter_map(|_| Some((input.byte()?, input.byte()?))).collect();
    let Ok(id) = NodeId::new(input.bytes(usize::MAX)) else { return };

    let mut storage = Storage::<2>::new();
    let mut registry = Registry::new(&mut storage, [7; 16], LEASE);
    let mut now = Instant::from_millis(1);
    for (pause, host) in heard {
        now = now + Duration::from_secs(u64::from(pause % 100));
        let ip = Ipv4Addr::new(255, 255, 255, host).into();
        let socket = SocketAddr::new(ip, u16::MAX - u16::from(host));
        let address = net::Address { socket, link: LinkId(1), heard: now };
        let claim = Claim { name: Name::New(&id), claimant: ip, address };
        registry.hear(&claim, &Links::default()).unwrap();
        while registry.poll_event(now).is_some() {}
    }
    let unknown = line_of(|out| {
        control::error(out, ErrorCode::UnknownNode, format_args!("{id} is not known"))
    });
    let expected = Line::Error { code: "unknown-node", message: &format!("{id} is not known") };
    assert_eq!(Line::parse(&unknown), expected);

    let own = line_of(|out| control::own(out, &id, NonZeroU16::MAX));
    let own = fields(&own, "own");
    assert!(own.eq([("id", id.as_str()), ("port", "65535")]));

    let Some(entry) = registry.get(now, id.as_str()) else { return };
    let addresses: Vec<_> = entry.addresses().map(|address| address.socket).collect();
    assert!((1..=ADDRESSES_PER_NODE).contains(&addresses.len()));
    check_lines(&id, &entry, &addresses);
}

/// The lines for a node and its addresses.
fn check_lines(id: &NodeId, entry: &Entry<'_>, addresses: &[SocketAddr]) {
    let address = |socket: SocketAddr| Address { socket, interface: &INTERFACE };
    let line = NodeLine {
        id,
        addresses: &|number| addresses.get(number).copied().map(address),
        age: entry.age(),
        known: entry.known(),
        expires_in: entry.expires_in(),
        heard: entry.heard(),
        contested: entry.is_contested(),
        own: false,
    };
    let node = line_of(|out| line.write(out));
    let texts: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    assert!(fields(&node, "node").eq([
        ("id", id.as_str()),
        ("addresses", &texts.join(",")),
        ("interface", INTERFACE),
        ("age_s", "0"),
        ("known_s", &entry.known().secs().to_string()),
        ("expires_s", "90"),
        ("heard", &entry.heard().to_string()),
        ("contested", if entry.is_contested() { "yes" } else { "no" }),
    ]));
    for text in &texts {
        let (read, zone) = read_address(text).unwrap();
        assert!(zone.is_empty() && texts.contains(&read.to_string()));
    }

    let socket = entry.address();
    let event = |kind| EventLine { kind, id, address: address(socket), rival: None };
    for kind in ["known", "found", "moved", "lost"] {
        let line = line_of(|out| event(kind).write(out));
        let place = socket.to_string();
        assert!(fields(&line, kind).eq([
            ("id", id.as_str()),
            ("address", &place),
            ("interface", INTERFACE)
        ]));
    }
    let contested = EventLine { rival: Some(address(socket)), ..event("contested") };
    let contested = line_of(|out| contested.write(out));
    assert_eq!(fields(&contested, "contested").get("rival"), Some(socket.to_string().as_str()));
}

/// Writes a line, and checks that it is one line and fits. Returns it without its newline.
fn line_of(write: impl FnOnce(&mut String) -> fmt::Result) -> String {
    let mut line = String::new();
    write(&mut line).unwrap();
    assert!(line.len() <= REPLY_LINE_CAPACITY, "{line:?}");
    assert_eq!(line.pop(), Some('\n'));
    assert!(!line.contains(char::is_control), "{line:?}");
    line
}

fn fields<'a>(line: &'a str, expected: &str) -> Fields<'a> {
    let Line::Data { kind, fields } = Line::parse(line) else { unreachable!("{line}") };
    assert_eq!(kind, expected);
    fields
}
