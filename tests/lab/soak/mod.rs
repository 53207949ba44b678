//! Hours of random events on a LAN, and their lasting effects. `tests/soak` runs it.

mod mishaps;
mod sample;
mod site;

use std::thread;
use std::time::{Duration, Instant};

use crate::lan::Lan;
use mishaps::MISHAPS;
use sample::Table;
use site::{PACE, Site};

/// The time between samples of the daemons' resources; an eighth of the whole if that is shorter.
const SAMPLE: Duration = Duration::from_secs(30);

#[test]
#[ignore = "takes as long as it is told to: tests/soak runs it"]
fn soak() {
    let seconds = std::env::var("FOGHORN_SOAK_SECONDS").unwrap_or_default();
    let length =
        Duration::from_secs(seconds.parse().expect("FOGHORN_SOAK_SECONDS is a number of seconds"));
    let Some(lan) = Lan::new() else { return };
    let mut site = Site::new(&lan);
    let mut happened = [0; MISHAPS.len()];
    // Each event happens once first: memory becomes resident on first use.
    for (_, mishap) in MISHAPS {
        mishap(&mut site);
        site.ask();
    }
    let mut table = Table::new(&site);
    let (begin, between) = (Instant::now(), SAMPLE.min(length / 8));
    let mut due = begin + between;
    while begin.elapsed() < length {
        let number = site.random.below(MISHAPS.len());
        MISHAPS[number].1(&mut site);
        happened[number] += 1;
        site.ask();
        if Instant::now() >= due {
            site.settle();
            table.add(begin.elapsed(), &site);
            due = Instant::now() + between;
        }
        thread::sleep(PACE);
    }
    println!();
    for ((name, _), times) in MISHAPS.iter().zip(happened) {
        println!("{times:>6} times {name}");
    }
    let mut failures = table.failures();
    failures.extend(site.end());
    for failure in &failures {
        println!("FAILED: {failure}");
    }
    println!("{}", if failures.is_empty() { "PASS" } else { "FAIL" });
    assert!(failures.is_empty(), "see above");
}
