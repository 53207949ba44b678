//! The datagrams of a LAN, compared with the first version of foghorn.

use std::net::Ipv4Addr;

use foghorn::time::Duration;

use crate::lan::{Lan, Weather};

/// Everything that makes a node speak: starts, one by one and at once, a new address, a nap, a long
/// sleep, forged newcomers, bad weather.
fn run(seed: u64) -> Lan {
    let weather = Weather { loss_percent: 5, duplicate_percent: 5, delay_ms: 40 };
    let mut lan = Lan::new(seed, weather);
    let nodes: Vec<_> = (0..24).map(|number| lan.add(&format!("node-{number}"))).collect();
    for node in &nodes[..6] {
        lan.start(*node);
        lan.run(7_000);
    }
    for node in &nodes[6..] {
        lan.start(*node);
        let pause = lan.random.below(300);
        lan.run(pause);
    }
    lan.run(100_000);
    lan.readdress(nodes[3], Ipv4Addr::new(10, 0, 9, 9));
    lan.run(50_000);
    lan.suspend(nodes[4]);
    lan.suspend(nodes[5]);
    lan.run(45_000);
    lan.resume(nodes[4]);
    lan.run(200_000);
    lan.resume(nodes[5]);
    for number in 0..300 {
        let from = Ipv4Addr::from_bits(0x0a01_0000 + number % 40);
        lan.forge(nodes[7], from, &format!("forged-{number}"));
        lan.run(20);
    }
    lan.stop(nodes[8]);
    lan.run(60_000);
    lan.start(nodes[8]);
    lan.run_until(lan.now + Duration::from_secs(300));
    lan
}

/// FNV-1a.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// With `FOGHORN_TRACE=FILE` the test writes the traces there, to compare two versions.
#[test]
fn datagrams_and_their_times_match_the_first_version() {
    let traces = [1, 2, 3].map(|seed| run(seed).trace);
    if let Some(path) = std::env::var_os("FOGHORN_TRACE") {
        std::fs::write(path, traces.concat()).unwrap();
    }
    let summaries = traces.map(|trace| (trace.lines().count(), hash(&trace)));
    let first_version =
        [(883, 0x7422_81ae_6255_9ab1), (900, 0xb9fa_0aca_9dfb_f877), (895, 0xea25_cd95_859d_47ba)];
    assert_eq!(summaries, first_version);
}
