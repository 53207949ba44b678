//! Whether the daemon's memory grows with the datagrams that it hears.

use std::net::Ipv4Addr;

use foghorn::wire::v1::UDP_PORT;

use crate::announcement::announcement;
use crate::common::{effort, goal};
use crate::process::{Daemon, Workshop};
use crate::traffic::{BURST, Sender, dropped, neighbours, wait_until_taken};

/// By then the registry is full, and all of it was used once.
fn few() -> u32 {
    effort(10_000, 1_000)
}

fn many() -> u32 {
    effort(1_000_000, 2_000)
}

/// Hosts that forge nodes: twice as many as can fill the registry.
const SOURCES: u8 = 16;

/// Too short, foreign, without a name, without a port, with a space in the name, with a name beyond
/// the end.
const MALFORMED: [&[u8]; 6] = [
    b"\x00\x12\x10",
    b"GET / HTTP/1.1\r\n\r\n",
    b"\x00\x12\x10\x25\x55\xf0\x00\x00\0\0\0\0",
    b"\x00\x12\x10\x25\x00\x00\x00\x03nas\0\0\0\0",
    b"\x00\x12\x10\x25\x55\xf0\x00\x03n s\0\0\0\0",
    b"\x00\x12\x10\x25\x55\xf0\xff\xffnas\0\0\0\0",
];

pub(crate) fn measure(workshop: &Workshop) {
    let daemon = Daemon::start(workshop, "memory", "30");
    let known = neighbours();
    let senders: Vec<_> = (1..=SOURCES)
        .map(|host| Sender::between(Ipv4Addr::new(127, 0, 0, host), UDP_PORT))
        .collect();
    let mut number = 0;
    let mut send_until = |total: u32| {
        while number < total {
            // Every other forged node comes from the first host as the known do, the rest from all.
            let source = if number % 6 == 1 { number / 6 % u32::from(SOURCES) } else { 0 };
            senders[usize::try_from(source).unwrap()].send(&datagram(number, &known));
            number += 1;
            if number.is_multiple_of(BURST) {
                wait_until_taken(&daemon.process);
            }
        }
        wait_until_taken(&daemon.process);
        // To ask touches memory too: it is to count both times.
        let heard = daemon.count("datagrams", "received");
        (heard, daemon.process.resident_kb())
    };
    let (few, many) = (few(), many());
    let (_, after_few) = send_until(few);
    let (heard, after_many) = send_until(many);
    println!("memory, after datagrams of known, forged and malformed kinds by turns");
    println!(
        "  after {few}: {after_few} kB, after {many} ({heard} counted, {} dropped): {after_many} kB",
        dropped(UDP_PORT)
    );
    let grown = f64::from(u32::try_from(after_many.saturating_sub(after_few)).unwrap());
    goal("growth", grown, 0.0, " kB");
    println!();
}

fn datagram(number: u32, known: &[Vec<u8>]) -> Vec<u8> {
    let turn = usize::try_from(number / 3).unwrap();
    match number % 3 {
        0 => known[turn % known.len()].clone(),
        1 => announcement(&format!("forged-{number}")),
        _ => MALFORMED[turn % MALFORMED.len()].to_vec(),
    }
}
