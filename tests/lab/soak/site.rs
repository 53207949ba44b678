//! The hosts and daemons of a soak.

use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{Daemon, TIMEOUT};
use crate::lan::{Host, Lan};

/// The time between events or requests.
pub(super) const PACE: Duration = Duration::from_millis(200);

/// A daemon that runs from the beginning to the end.
pub(super) struct Resident<'a> {
    pub(super) id: &'static str,
    pub(super) host: Host<'a>,
    pub(super) daemon: Daemon,
    /// The number of its descriptors when it has no client.
    descriptors: usize,
}

impl<'a> Resident<'a> {
    fn new(host: Host<'a>, id: &'static str, interval: &str) -> Self {
        let state = host.path("state");
        let daemon = host.daemon(
            &[
                &[
                    "--id",
                    id,
                    "--port",
                    "22",
                    "--interval",
                    interval,
                    "--state",
                    state.to_str().unwrap(),
                ][..],
                &["--expect", "printer", "--allow", "198.19.0.0/16"],
            ]
            .concat(),
        );
        let mut resident = Self { id, host, daemon, descriptors: usize::MAX };
        // The client that checked the daemon disconnects.
        resident.descriptors = (0..100).map(|_| resident.descriptors()).min().unwrap();
        resident
    }

    pub(super) fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.daemon.pid())).unwrap().count()
    }
}

/// A host with a daemon that starts and stops.
pub(super) struct Visitor<'a> {
    pub(super) host: Host<'a>,
    pub(super) number: usize,
    pub(super) daemon: Option<Daemon>,
}

pub(super) struct Site<'a> {
    pub(super) lan: &'a Lan,
    /// Two hosts that must never lose each other, and one that loses its link and sleeps.
    pub(super) residents: [Resident<'a>; 3],
    pub(super) visitors: [Visitor<'a>; 2],
    pub(super) stranger: Host<'a>,
    /// Useless clients of the control sockets.
    pub(super) clients: Vec<UnixStream>,
    pub(super) random: Random,
    pub(super) flooded: Option<Instant>,
    lookups: Vec<Duration>,
    failed_lookups: Vec<String>,
}

impl<'a> Site<'a> {
    pub(super) fn new(lan: &'a Lan) -> Self {
        let [nas, tv, pi] = [(1, "nas", "2"), (2, "tv", "2"), (3, "pi", "1")]
            .map(|(number, id, interval)| Resident::new(lan.host(number), id, interval));
        let stranger = lan.host(6);
        let addresses = (50..250).map(|number| format!("addr add 198.18.0.{number}/24 dev eth0\n"));
        stranger.ip_batch(&addresses.collect::<String>());
        let site = Self {
            lan,
            residents: [nas, tv, pi],
            visitors: [4, 5].map(|number| Visitor {
                host: lan.host(number),
                number: number.into(),
                daemon: None,
            }),
            stranger,
            clients: vec![],
            random: Random(1),
            flooded: None,
            lookups: vec![],
            failed_lookups: vec![],
        };
        // Waits until the two are established with each other: heard three times, over half a lease
        // of six seconds.
        for (daemon, id) in site.pairs() {
            daemon.ask_until(&["lookup", "--json", id], |ended| {
                let node: serde_json::Value = serde_json::from_str(&ended.out).unwrap_or_default();
                node["heard"].as_u64() >= Some(4)
            });
        }
        site
    }

    /// The pairs that must know each other all the time.
    fn pairs(&self) -> [(&Daemon, &'static str); 2] {
        let [nas, tv, _] = &self.residents;
        [(&nas.daemon, tv.id), (&tv.daemon, nas.id)]
    }

    /// Looks up the nodes that must be known.
    pub(super) fn ask(&mut self) {
        for number in 0..self.pairs().len() {
            let (daemon, id) = self.pairs()[number];
            let begin = Instant::now();
            let ended = daemon.ask(&["lookup", id]);
            self.lookups.push(begin.elapsed());
            if ended.code != 0 {
                self.failed_lookups.push(format!("{id}: {ended:?}"));
            }
        }
    }

    /// Repeats an action for some time.
    pub(super) fn ask_for(&mut self, time: Duration) {
        let begin = Instant::now();
        while begin.elapsed() < time {
            self.ask();
            thread::sleep(PACE);
        }
    }

    /// Closes all clients, and waits until the daemons have noticed.
    pub(super) fn settle(&mut self) {
        self.clients.clear();
        let begin = Instant::now();
        let is_settled = |resident: &Resident<'_>| resident.descriptors() <= resident.descriptors;
        while !self.residents.iter().all(is_settled) && begin.elapsed() < TIMEOUT {}
    }

    /// Stops all daemons, and returns the faults.
    pub(super) fn end(mut self) -> Vec<String> {
        self.settle();
        self.lookups.sort_unstable();
        let [median, worst] =
            [self.lookups.len() / 2, self.lookups.len() - 1].map(|at| self.lookups[at]);
        println!(
            "{:>6} lookups, whole commands: median {median:.1?}, worst {worst:.1?}",
            self.lookups.len()
        );
        let mut failures: Vec<_> =
            self.failed_lookups.drain(..).map(|what| format!("lookup of {what}")).collect();
        for resident in &mut self.residents {
            let (id, left) =
                (resident.id, resident.descriptors().saturating_sub(resident.descriptors));
            if left > 0 {
                failures.push(format!("{id} has {left} descriptors more than at first"));
            }
            let status = resident.daemon.stop();
            if !status.success() {
                failures.push(format!("{id} ended with {status}"));
            }
        }
        failures
    }
}

/// A small generator (`SplitMix64`): the same mishaps in each run.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % bound as u64).unwrap()
    }
}
