//! A bad cable loses, duplicates, delays and reorders datagrams. A daemon behind it knows the
//! others and remains known.
//!
//! The cable is this test program, between two interfaces of the switch. `tc qdisc add ... netem`
//! does the same if the kernel has it. Here the third announcement in a row is never lost by
//! chance.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::time::{Duration, Instant};

use nix::ifaddrs::getifaddrs;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, bind, recv, send, socket,
};

use crate::common::{Daemon, log};
use crate::lan::Lan;
use crate::links::said_of;

/// Each tenth datagram is lost; each twentieth of the others is sent twice.
const LOST: u32 = 10;
const TWICE: u32 = 20;

/// The delays of successive datagrams. Of three pairs that are sent together, two change their
/// order.
const DELAYS: [Duration; 3] =
    [Duration::from_millis(130), Duration::from_millis(70), Duration::from_millis(10)];

#[test]
fn a_daemon_behind_a_bad_cable_knows_the_others_and_remains_known() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let Some(lan) = Lan::new() else { return };
    let hosts = [1, 2, 3].map(|number| lan.host(number));
    let mut cable = lan.splice(&hosts[2], "weather::cable");
    cable.lines.wait_for("cable: ready");
    let [nas, tv, pi] = [(0, "nas"), (1, "tv"), (2, "pi")].map(|(number, id)| {
        // Two datagrams at once, so that one may overtake the other. No node expires if this
        // machine stalls for a while.
        let web = format!("{id}-web:80");
        hosts[number].daemon(&["--id", id, "--port", "22", "--announce", &web, "--interval", "3"])
    });
    let heard = |daemon: &Daemon, id: &str, times: u64| {
        daemon.ask_until(&["lookup", "--json", id], |ended| {
            let node: serde_json::Value = serde_json::from_str(&ended.out).unwrap_or_default();
            node["heard"].as_u64() >= Some(times)
        });
    };
    for id in ["nas", "tv"] {
        heard(&pi, id, 12);
    }
    for daemon in [&nas, &tv] {
        heard(daemon, "pi", 12);
    }
    cable.end_input();
    let ended = cable.lines.wait_for("overtaken");
    let counts: Vec<u32> = ended.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    assert!(counts.len() == 3 && counts.iter().all(|count| *count > 0), "{ended}");

    let found = |ids: [&str; 4]| {
        let ports = ids.map(|id| if id.ends_with("-web") { 80 } else { 22 });
        let hosts = ids.map(|id| {
            ["nas", "tv", "pi"].iter().position(|host| id.starts_with(host)).unwrap() + 1
        });
        [0, 1, 2, 3]
            .map(|at| format!("found {} at 198.18.0.{}:{} on eth0", ids[at], hosts[at], ports[at]))
    };
    for (daemon, others) in [
        (pi, ["nas", "nas-web", "tv", "tv-web"]),
        (nas, ["pi", "pi-web", "tv", "tv-web"]),
        (tv, ["nas", "nas-web", "pi", "pi-web"]),
    ] {
        // The others lose the daemons that stop first: not now, but within three seconds.
        let mut said = said_of(daemon, &["found ", "is now at"]);
        said.sort_unstable();
        assert_eq!(said, found(others));
    }
}

/// A datagram in transit; ordered by its time of arrival.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Datagram {
    due: Instant,
    number: u32,
    /// The end where it arrives.
    to: usize,
    frame: Vec<u8>,
}

/// The cable between two interfaces.
struct Cable {
    ends: [OwnedFd; 2],
    under_way: BinaryHeap<Reverse<Datagram>>,
    /// The datagrams that went in, and the last that came out, for each end of arrival.
    entered: [u32; 2],
    left: [u32; 2],
    lost: u32,
    twice: u32,
    overtaken: u32,
}

impl Cable {
    fn new(ends: [OwnedFd; 2]) -> Self {
        let under_way = BinaryHeap::new();
        Self { ends, under_way, entered: [0; 2], left: [0; 2], lost: 0, twice: 0, overtaken: 0 }
    }

    /// Receives the datagrams at one end.
    fn take(&mut self, from: usize) {
        let to = 1 - from;
        let mut buffer = [0; 2048];
        while let Ok(length) =
            recv(self.ends[from].as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT)
        {
            let frame = &mut buffer[..length];
            if !is_udp(frame) {
                let _ = send(self.ends[to].as_raw_fd(), frame, MsgFlags::empty());
                continue;
            }
            // The kernel leaves the checksum to a network card, which does not exist here. Zero
            // means no checksum.
            frame[40..42].fill(0);
            self.entered[to] += 1;
            let number = self.entered[to];
            if number.is_multiple_of(LOST) {
                self.lost += 1;
                continue;
            }
            let copies = 1 + u32::from(number % TWICE == 1);
            self.twice += copies - 1;
            for copy in 0..copies {
                let due = Instant::now() + DELAYS[(number + copy) as usize % DELAYS.len()];
                self.under_way.push(Reverse(Datagram { due, number, to, frame: frame.to_vec() }));
            }
        }
    }

    /// Sends the due datagrams, and returns the time until the next is due.
    fn deliver(&mut self) -> PollTimeout {
        while let Some(Reverse(next)) = self.under_way.peek() {
            let left = next.due.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                return PollTimeout::try_from(left).unwrap();
            }
            let Some(Reverse(Datagram { number, to, frame, .. })) = self.under_way.pop() else {
                break;
            };
            let _ = send(self.ends[to].as_raw_fd(), &frame, MsgFlags::empty());
            self.overtaken += u32::from(number < self.left[to]);
            self.left[to] = number;
        }
        PollTimeout::NONE
    }
}

/// Whether a frame has a UDP datagram in IPv4 without options.
fn is_udp(frame: &[u8]) -> bool {
    frame.len() >= 42 && frame[12..15] == [8, 0, 0x45] && frame[23] == 17
}

/// A socket that receives and sends frames at an interface.
fn open(interface: &str) -> OwnedFd {
    let mut addresses = getifaddrs().unwrap().filter(|found| found.interface_name == interface);
    let address = addresses.find_map(|found| found.address?.as_link_addr().copied()).unwrap();
    let all = SockProtocol::EthAll;
    let fd = socket(AddressFamily::Packet, SockType::Raw, SockFlag::empty(), all).unwrap();
    bind(fd.as_raw_fd(), &address).unwrap();
    fd
}

#[test]
#[ignore = "no test: the lab runs it in the switch as the cable of a host"]
fn cable() {
    let mut order = String::new();
    std::io::stdin().read_line(&mut order).unwrap();
    let (inner, outer) = order.trim().split_once(' ').unwrap();
    let mut cable = Cable::new([open(inner), open(outer)]);
    println!("cable: ready");
    let stdin = std::io::stdin();
    loop {
        let timeout = cable.deliver();
        let fds = [cable.ends[0].as_fd(), cable.ends[1].as_fd(), stdin.as_fd()];
        let mut ready = fds.map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        poll(&mut ready, timeout).unwrap();
        // Only the end of the input remains.
        if ready[2].any().unwrap() {
            break;
        }
        cable.take(0);
        cable.take(1);
    }
    println!("cable: {} lost, {} twice, {} overtaken", cable.lost, cable.twice, cable.overtaken);
}
