//! How often the daemon wakes when there is nothing to do but its duty.

use std::thread;
use std::time::Duration;

use crate::common::goal;
use crate::process::{Daemon, Workshop};

const INTERVAL: &str = "2";
const INTERVALS: u32 = 10;
const WATCHED: Duration = Duration::from_secs(20);

pub(crate) fn measure(workshop: &Workshop) {
    let daemon = Daemon::start(workshop, "idle", INTERVAL);
    let neighbour = Daemon::start(workshop, "neighbour", INTERVAL);
    // Until both have found and answered each other.
    thread::sleep(Duration::from_secs(3));
    assert_eq!(daemon.count("registry", "used"), 1, "the daemon is to know its neighbour");
    let sent = || daemon.count("datagrams", "sent");
    let (sent_before, received_before) = (sent(), daemon.count("datagrams", "received"));
    // To be asked wakes it: until that is over.
    thread::sleep(Duration::from_millis(100));
    let [slept, waited] = daemon.process.switches();
    let cpu = daemon.process.cpu_nanos();
    thread::sleep(WATCHED);
    let cpu = (daemon.process.cpu_nanos() - cpu) / 1_000;
    let [slept, waited] = {
        let [slept_now, waited_now] = daemon.process.switches();
        [slept_now - slept, waited_now - waited]
    };
    let sent = sent() - sent_before;
    let received = daemon.count("datagrams", "received") - received_before;
    drop(neighbour);

    println!("idle for {} s with one neighbour, both announce every {INTERVAL} s", WATCHED.as_secs());
    println!(
        "  {slept} sleeps, {waited} involuntary switches, {sent} datagrams sent, {received} heard, {cpu} us of processor time"
    );
    // An involuntary switch is another process having its turn, not a wake-up.
    let wakeups = f64::from(u32::try_from(slept).unwrap());
    goal("wake-ups for each interval", wakeups / f64::from(INTERVALS), 2.0, "");
    goal("threads", f64::from(u32::try_from(daemon.process.threads()).unwrap()), 1.0, "");
}
