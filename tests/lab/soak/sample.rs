//! The resources that the daemons of a soak use.

use std::fs;
use std::time::Duration;

use super::site::{Resident, Site};

/// Memory that may be used for the first time in the second half: some pages of stack, or of code
/// that seldom runs.
const FIRST_USED_KB: u64 = 16;

/// The resources that a daemon uses now, or has used since its start.
#[derive(Clone, Copy)]
struct Sample {
    resident_kb: u64,
    descriptors: usize,
    cpu_millis: u64,
    wakeups: u64,
    log_lines: usize,
}

impl Sample {
    fn of(resident: &Resident<'_>) -> Self {
        let daemon = &resident.daemon;
        let read =
            |file: &str| fs::read_to_string(format!("/proc/{}/{file}", daemon.pid())).unwrap();
        let status = read("status");
        let switches =
            status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap();
        let nanos: u64 = read("schedstat").split(' ').next().unwrap().parse().unwrap();
        Self {
            resident_kb: daemon.resident_kb().expect("a daemon without an emulator"),
            descriptors: resident.descriptors(),
            cpu_millis: nanos / 1_000_000,
            wakeups: switches.trim().parse().unwrap(),
            log_lines: daemon.log.seen().len(),
        }
    }
}

/// The samples of each daemon, all at the same times.
pub(super) struct Table {
    ids: Vec<&'static str>,
    rows: Vec<Vec<Sample>>,
}

impl Table {
    pub(super) fn new(site: &Site<'_>) -> Self {
        println!("\n     s  daemon  resident kB  descriptors  processor ms  wake-ups  log lines");
        let ids = site.residents.iter().map(|resident| resident.id).collect();
        let rows = vec![site.residents.iter().map(Sample::of).collect()];
        Self { ids, rows }
    }

    /// Takes a sample, and prints the use since the last one.
    pub(super) fn add(&mut self, elapsed: Duration, site: &Site<'_>) {
        let row: Vec<_> = site.residents.iter().map(Sample::of).collect();
        let before = self.rows.last().unwrap();
        for ((id, now), before) in self.ids.iter().zip(&row).zip(before) {
            println!(
                "{:>6}  {id:<6}  {:>11}  {:>11}  {:>12}  {:>8}  {:>9}",
                elapsed.as_secs(),
                now.resident_kb,
                now.descriptors,
                now.cpu_millis - before.cpu_millis,
                now.wakeups - before.wakeups,
                now.log_lines - before.log_lines,
            );
        }
        self.rows.push(row);
    }

    /// The resources that have grown: a leak uses more in the second half than ever in the first.
    pub(super) fn failures(&self) -> Vec<String> {
        let (first, second) = self.rows.split_at(self.rows.len().div_ceil(2));
        let mut failures = vec![];
        for (number, id) in self.ids.iter().enumerate() {
            let most = |rows: &[Vec<Sample>]| {
                let samples = rows.iter().map(|row| &row[number]);
                let resident_kb =
                    samples.clone().map(|sample| sample.resident_kb).max().unwrap_or(0);
                (resident_kb, samples.map(|sample| sample.descriptors).max().unwrap_or(0))
            };
            let (before, after) = (most(first), most(second));
            if after.0 > before.0 + FIRST_USED_KB {
                failures.push(format!("{id} has grown from {} kB to {} kB", before.0, after.0));
            }
            if after.1 > before.1 {
                failures.push(format!("{id} had {} descriptors, and then {}", before.1, after.1));
            }
        }
        failures
    }
}
