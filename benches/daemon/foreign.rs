//! Whether datagrams of other programs wake the daemon.

use std::thread;
use std::time::{Duration, Instant};

use foghorn::wire::v1::UDP_PORT;

use crate::common::{effort, goal};
use crate::load::{BARE_PORT, start_bare_receiver};
use crate::process::{Daemon, Process, Workshop};
use crate::traffic::Sender;

/// So many at once, and so often: 50,000 in a second.
const BURST: u32 = 50;
const PAUSE: Duration = Duration::from_millis(1);

fn bursts() -> u32 {
    effort(2_000, 20)
}

/// Datagrams for a game server that would use the protocol's port.
const FOREIGN: &[u8] = b"\xff\xff\xff\xffTSource Engine Query\0";

pub(crate) fn measure(workshop: &Workshop) {
    // It announces nothing while this lasts.
    let daemon = Daemon::start(workshop, "foreign", "3600");
    let bare = start_bare_receiver();
    // Until both sleep: to be asked has woken the daemon.
    thread::sleep(Duration::from_millis(200));
    println!("foreign datagrams, {} of them, 50,000 a second", bursts() * BURST);
    let woken = wake_ups(&daemon.process, UDP_PORT);
    println!("  foghorn woke {woken} times, a bare receiver {} times", wake_ups(&bare, BARE_PORT));
    let [received, dropped] = ["received", "dropped"].map(|key| daemon.count("interface", key));
    println!("  foghorn received {received}, the kernel dropped {dropped} for it");
    goal("wake-ups", f64::from(u32::try_from(woken).unwrap()), 0.0, "");
    println!();
}

/// How often they wake a process.
fn wake_ups(process: &Process, port: u16) -> u64 {
    let sender = Sender::to(port);
    let (before, started) = (process.switches()[0], Instant::now());
    for burst in 0..bursts() {
        (0..BURST).for_each(|_| sender.send(FOREIGN));
        // Not later for having slept too long before.
        thread::sleep((PAUSE * (burst + 1)).saturating_sub(started.elapsed()));
    }
    process.switches()[0] - before
}
