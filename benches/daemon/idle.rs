//! How often the daemon wakes when there is nothing to do but its duty.

use std::thread;
use std::time::Duration;

use crate::common::{effort, goal};
use crate::process::{Daemon, Workshop};

const INTERVAL: Duration = Duration::from_secs(2);

fn watched() -> Duration {
    effort(Duration::from_secs(20), Duration::from_millis(100))
}

pub(crate) fn measure(workshop: &Workshop) {
    let interval = INTERVAL.as_secs();
    let daemon = Daemon::start(workshop, "idle", &interval.to_string());
    let neighbour = Daemon::start(workshop, "neighbour", &interval.to_string());
    while daemon.count("registry", "used") == 0 {
        thread::sleep(Duration::from_millis(10));
    }
    // Until both have answered each other.
    thread::sleep(effort(Duration::from_secs(3), Duration::ZERO));
    let sent = || daemon.count("datagrams", "sent");
    let (sent_before, received_before) = (sent(), daemon.count("datagrams", "received"));
    // To be asked wakes it: until that is over.
    thread::sleep(Duration::from_millis(100));
    let [slept, waited] = daemon.process.switches();
    let cpu = daemon.process.cpu_nanos();
    thread::sleep(watched());
    let cpu = (daemon.process.cpu_nanos() - cpu) / 1_000;
    let [slept, waited] = {
        let [slept_now, waited_now] = daemon.process.switches();
        [slept_now - slept, waited_now - waited]
    };
    let sent = sent() - sent_before;
    let received = daemon.count("datagrams", "received") - received_before;
    drop(neighbour);

    println!(
        "idle for {} s with one neighbour, both announce every {interval} s",
        watched().as_secs_f64()
    );
    println!(
        "  {slept} sleeps, {waited} involuntary switches, {sent} datagrams sent, {received} heard, {cpu} us of processor time"
    );
    // An involuntary switch is another process having its turn, not a wake-up.
    let wakeups = f64::from(u32::try_from(slept).unwrap());
    let intervals = watched().as_secs_f64() / INTERVAL.as_secs_f64();
    goal("wake-ups for each interval", wakeups / intervals, 2.0, "");
    goal("threads", f64::from(u32::try_from(daemon.process.threads()).unwrap()), 1.0, "");
}
