//! The cost of a flood of forged nodes, for the daemon and its clients.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::Ipv4Addr;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use foghorn::control::Line;
use foghorn::wire::v1::UDP_PORT;

use crate::announcement::announcement;
use crate::common::{effort, goal, median, percentile};
use crate::process::{Daemon, Workshop};
use crate::traffic::{Sender, dropped};

/// Each flood takes so many milliseconds, and there are so many forged nodes in each.
fn ticks() -> u32 {
    effort(10_000, 1_000)
}

const BATCH: u32 = 10;
const TICK: Duration = Duration::from_millis(1);

/// The daemon expects its neighbours each second, and forgets them after three.
const INTERVAL: &str = "1";

/// The neighbour announces itself, and another newcomer comes, each so many ticks.
const NEIGHBOUR: u32 = 500;
const NEWCOMER: u32 = 1000;

const ESTABLISHED: &str = "established";

/// How the forged nodes' source addresses are chosen.
const FLOODS: [(&str, u8); 2] = [("one address", 1), ("a whole network", WHOLE_NETWORK)];
const WHOLE_NETWORK: u8 = 250;

pub(crate) fn measure(workshop: &Workshop) {
    println!("a flood of {} forged nodes, {BATCH} in each millisecond", ticks() * BATCH);
    for (name, sources) in FLOODS {
        let daemon = Daemon::start(workshop, &format!("flooded-{sources}"), INTERVAL);
        // Each place of the registry has been used, and is resident, before memory is looked at.
        Flood::from(WHOLE_NETWORK).begin();
        let mut flood = Flood::from(sources);
        flood.establish();
        let before =
            (daemon.count("datagrams", "sent"), daemon.process.resident_kb(), dropped(UDP_PORT));
        let begin = Instant::now();
        let mut seen = flood.run(&daemon);
        let seconds = begin.elapsed().as_secs_f64();
        let sent = to_f64(daemon.count("datagrams", "sent") - before.0);
        let grown = to_f64(daemon.process.resident_kb().saturating_sub(before.1));
        let lost = dropped(UDP_PORT) - before.2;
        println!(
            "  from {name}: {seconds:.1} s, {lost} datagrams lost, as the socket's buffer was full"
        );
        goal("growth", grown, 0.0, " kB");
        goal(
            "datagrams sent each second, its own announcements among them",
            sent / seconds,
            20.0,
            "",
        );
        seen.print();
    }
    println!();
}

struct Flood {
    senders: Vec<Sender>,
    neighbour: Sender,
    forged: u32,
}

impl Flood {
    fn from(sources: u8) -> Self {
        let sender =
            |network, host| Sender::between(Ipv4Addr::new(127, 0, network, host), UDP_PORT);
        let senders = (1..=sources).map(|host| sender(1, host)).collect();
        Self { senders, neighbour: sender(0, 2), forged: 0 }
    }

    fn forge(&mut self) {
        for _ in 0..BATCH {
            let sender = self.forged as usize % self.senders.len();
            self.senders[sender].send(&announcement(&format!("forged-{}", self.forged)));
            self.forged += 1;
        }
    }

    /// Its first second, before anything is measured.
    fn begin(&mut self) {
        for _ in 0..effort(NEWCOMER, 20) {
            self.forge();
            thread::sleep(TICK);
        }
    }

    /// Makes the neighbour an established node, which is to be heard three times, over half of the
    /// time after which it would be forgotten; and begins.
    fn establish(&mut self) {
        for _ in 0..5 {
            self.neighbour.send(&announcement(ESTABLISHED));
            thread::sleep(NEIGHBOUR * TICK);
        }
        self.begin();
    }

    fn run(&mut self, daemon: &Daemon) -> Seen {
        let mut control = Control::connect(daemon);
        let mut seen = Seen::default();
        let mut newcomer: Option<(String, Instant)> = None;
        let begin = Instant::now();
        for tick in 0..ticks() {
            self.forge();
            if tick % NEIGHBOUR == 0 {
                self.neighbour.send(&announcement(ESTABLISHED));
            }
            if tick % NEWCOMER == NEWCOMER / 2 {
                let (id, host) =
                    (format!("newcomer-{tick}"), u8::try_from(tick / NEWCOMER).unwrap());
                Sender::between(Ipv4Addr::new(127, 0, 2, host), UDP_PORT).send(&announcement(&id));
                newcomer = Some((id, Instant::now()));
                seen.newcomers += 1;
            }
            let asked = Instant::now();
            seen.missing += u32::from(!control.knows(ESTABLISHED));
            seen.lookup_millis.push(millis_since(asked));
            if let Some((_, came)) = newcomer.take_if(|(id, _)| control.knows(id)) {
                seen.newcomer_millis.push(millis_since(came));
            }
            thread::sleep((begin + TICK * (tick + 1)).saturating_duration_since(Instant::now()));
        }
        seen
    }
}

/// The measurements of a flood.
#[derive(Default)]
struct Seen {
    lookup_millis: Vec<f64>,
    missing: u32,
    newcomers: u32,
    newcomer_millis: Vec<f64>,
}

impl Seen {
    fn print(&mut self) {
        let lookups = self.lookup_millis.len();
        goal(&format!("median of {lookups} lookups"), median(&mut self.lookup_millis), 1.0, " ms");
        goal("longest lookup", percentile(&mut self.lookup_millis, 100), 100.0, " ms");
        goal("lookups that missed the established node", f64::from(self.missing), 0.0, "");
        // Each has the time until the next arrives.
        let not_found = f64::from(self.newcomers) - to_f64(self.newcomer_millis.len() as u64);
        goal(&format!("newcomers not found within 1 s, of {}", self.newcomers), not_found, 0.0, "");
        goal(
            "longest until a newcomer was found",
            percentile(&mut self.newcomer_millis, 100),
            1000.0,
            " ms",
        );
    }
}

fn millis_since(begin: Instant) -> f64 {
    begin.elapsed().as_secs_f64() * 1e3
}

/// Without a loss: no count here is that large.
fn to_f64(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

/// An open connection to the daemon.
struct Control(BufReader<UnixStream>);

impl Control {
    fn connect(daemon: &Daemon) -> Self {
        Self(BufReader::new(UnixStream::connect(&daemon.control).unwrap()))
    }

    fn knows(&mut self, id: &str) -> bool {
        self.0.get_mut().write_all(format!("lookup {id}\n").as_bytes()).unwrap();
        let mut line = String::new();
        loop {
            line.clear();
            self.0.read_line(&mut line).unwrap();
            match Line::parse(line.trim_end()) {
                Line::Ok => return true,
                Line::Error { .. } => return false,
                Line::Data { .. } => {}
            }
        }
    }
}
