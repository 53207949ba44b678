//! Hours of whatever can happen on a LAN, and what that leaves behind. `tests/soak` runs it.

mod mishaps;
mod sample;
mod site;

use std::thread;
use std::time::{Duration, Instant};

use crate::lan::Lan;
use mishaps::MISHAPS;
use sample::Table;
use site::{PACE, Site};

/// Each time this has passed, or an eighth of all, it is looked at what the daemons use.
const SAMPLE: Duration = Duration::from_secs(30);

#[test]
#[ignore = "takes as long as it is told to: tests/soak runs it"]
fn soak() {
    let seconds = std::env::var("FOGHORN_SOAK_SECONDS").unwrap_or_default();
    let length = Duration::from_secs(seconds.parse().expect("FOGHORN_SOAK_SECONDS says how long"));
    let Some(lan) = Lan::new() else { return };
    let mut site = Site::new(&lan);
    let mut happened = [0; MISHAPS.len()];
    // All of it once: memory is resident from its first use on.
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
