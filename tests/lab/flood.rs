//! A host that makes up names floods a daemon: known nodes stay known, newcomers get in, and the
//! daemon neither grows nor floods the network itself.

use std::io::BufRead as _;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{Daemon, announcement};
use crate::lan::{Host, Lan};
use crate::links::wait_for;
use crate::peer::PORT;
use crate::role::Role;

/// The number of datagrams that a flood sends at once, each [`PERIOD`]: 10,000 a second, or fewer
/// if the sender is slow.
const BATCH: u32 = 100;
const PERIOD: Duration = Duration::from_millis(10);

/// A flood stops by itself after this multiple of its planned datagrams.
const LONGEST: u32 = 6;

/// The most datagrams a second that a daemon sends because of a flood.
const SENT_PER_SECOND: u64 = 20;

/// Two hosts that are established with each other. The first will be flooded, and forgets a node
/// after nine seconds of silence; the second announces each second. So the second stays known even
/// if a slow machine drops most datagrams.
struct Neighbours {
    nas: Daemon,
    _pi: Daemon,
}

impl Neighbours {
    fn on(first: &Host<'_>, second: &Host<'_>) -> Self {
        let nas = first.daemon(&["--id", "nas", "--port", "22", "--interval", "3"]);
        let pi = second.daemon(&["--id", "pi", "--port", "22", "--interval", "1"]);
        nas.ask_until(&["lookup", "--json", "pi"], |ended| {
            let node: serde_json::Value = serde_json::from_str(&ended.out).unwrap_or_default();
            let number = |key: &str| node[key].as_u64().unwrap_or(0);
            // The last announcement is half a lease after the first, in whole seconds, one of which
            // may be incomplete.
            number("heard") >= 3 && number("known_s") >= number("age_s") + 6
        });
        Self { nas, _pi: pi }
    }

    fn check(&self) {
        let ended = self.nas.ask(&["lookup", "pi"]);
        assert_eq!(ended.out, "198.18.0.2:22\n", "{ended:?}");
    }

    fn sent(&self) -> u64 {
        self.nas.status()["datagrams"]["sent"].as_u64().unwrap()
    }
}

/// Sends that many forged nodes to the first host, in turn from that many addresses from `source`
/// on, and continues until it is stopped.
pub(crate) fn flood(from: &Host<'_>, datagrams: u32, source: Ipv4Addr, sources: u8) -> Role {
    let order = format!("{datagrams} {source} {sources}\n");
    let flood = from.role("flood::sender", &order);
    flood.lines.wait_for("flood: begins");
    flood
}

/// Stops a flood after all its datagrams, and checks the daemon throughout.
fn see_through(mut flood: Role, neighbours: &Neighbours) {
    while !flood.lines.seen().iter().any(|line| line.contains("flood: has sent all")) {
        neighbours.check();
    }
    flood.end_input();
    flood.lines.wait_for("flood: ends");
    neighbours.check();
}

#[test]
fn a_flooding_host_takes_no_places_from_others() {
    let Some(lan) = Lan::new() else { return };
    let hosts = [1, 2, 3, 4, 5].map(|number| lan.host(number));
    let stranger = Ipv4Addr::new(198, 18, 0, 3);
    let neighbours = Neighbours::on(&hosts[0], &hosts[1]);
    let nas = &neighbours.nas;
    // Memory becomes resident on first use: a short flood uses most of it.
    see_through(flood(&hosts[2], 2_000, stranger, 1), &neighbours);
    let (resident, sent, begin) = (nas.resident_kb(), neighbours.sent(), Instant::now());

    let flooding = flood(&hosts[2], 100_000, stranger, 1);
    let _newcomer = hosts[3].daemon(&["--id", "newcomer", "--port", "22", "--interval", "1"]);
    wait_for(nas, "newcomer");
    see_through(flooding, &neighbours);
    let _late = hosts[4].daemon(&["--id", "late", "--port", "22", "--interval", "1"]);
    wait_for(nas, "late");

    assert_eq!(nas.ask(&["lookup", "newcomer"]).out, "198.18.0.4:22\n");
    // A newcomer, for example, may use a page or two for the first time. All received datagrams
    // together would be 20 MB.
    let grown = resident.map(|resident| nas.resident_kb().unwrap_or(0).saturating_sub(resident));
    assert!(grown <= Some(64), "grown by {grown:?} kB from {resident:?} kB");
    let limit = SENT_PER_SECOND * (begin.elapsed().as_secs() + 1);
    assert!(
        neighbours.sent() - sent <= limit,
        "{} sent, {limit} at most",
        neighbours.sent() - sent
    );
    let registry = nas.status()["registry"].clone();
    assert_eq!(registry["used"], registry["capacity"]);
}

#[test]
fn a_flood_from_all_addresses_displaces_no_established_node() {
    let Some(lan) = Lan::new() else { return };
    let [first, second, third] = [1, 2, 3].map(|number| lan.host(number));
    let (source, sources) = (Ipv4Addr::new(198, 18, 0, 50), 200);
    let addresses =
        (0..sources).map(|number| format!("addr add 198.18.0.{}/24 dev eth0\n", 50 + number));
    third.ip_batch(&addresses.collect::<String>());
    let neighbours = Neighbours::on(&first, &second);
    let (sent, begin) = (neighbours.sent(), Instant::now());
    see_through(flood(&third, 20_000, source, sources), &neighbours);
    let registry = neighbours.nas.status()["registry"].clone();
    assert_eq!(registry["used"], registry["capacity"]);
    let limit = SENT_PER_SECOND * (begin.elapsed().as_secs() + 1);
    assert!(
        neighbours.sent() - sent <= limit,
        "{} sent, {limit} at most",
        neighbours.sent() - sent
    );
}

#[test]
#[ignore = "no test: the lab runs it on the host that floods"]
fn sender() {
    let mut order = String::new();
    std::io::stdin().read_line(&mut order).unwrap();
    let words: Vec<_> = order.split_whitespace().collect();
    let (datagrams, sources): (u32, u32) = (words[0].parse().unwrap(), words[2].parse().unwrap());
    let source: Ipv4Addr = words[1].parse().unwrap();
    let socket = |number| {
        let socket = UdpSocket::bind((Ipv4Addr::from_bits(source.to_bits() + number), 0)).unwrap();
        socket.connect((Ipv4Addr::new(198, 18, 0, 1), PORT)).unwrap();
        socket
    };
    let sockets: Vec<_> = (0..sources).map(socket).collect();
    let is_to_end = Arc::new(AtomicBool::new(false));
    let end = thread::spawn({
        let is_to_end = is_to_end.clone();
        move || {
            // Only the end of the input remains.
            let _ = std::io::stdin().lock().lines().count();
            is_to_end.store(true, Ordering::Relaxed);
        }
    });
    println!("flood: begins");
    let mut due = Instant::now();
    for batch in 0..LONGEST * datagrams / BATCH {
        for number in batch * BATCH..(batch + 1) * BATCH {
            let socket = &sockets[usize::try_from(number % sources).unwrap()];
            // Sending may fail while the interface's queue is full.
            let _ = socket.send(&announcement(&format!("forged-{source}-{number}"), 22));
        }
        if (batch + 1) * BATCH == datagrams {
            println!("flood: has sent all");
        }
        if (batch + 1) * BATCH >= datagrams && is_to_end.load(Ordering::Relaxed) {
            break;
        }
        due = (due + PERIOD).max(Instant::now());
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    // Also if it has stopped by itself.
    end.join().unwrap();
    println!("flood: ends");
}
