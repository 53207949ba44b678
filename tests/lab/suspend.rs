//! A host that sleeps: when it wakes, its daemon announces at once, forgets expired nodes and hears
//! the others again.

use crate::common::{Daemon, log};
use crate::lan::{Host, Lan};
use crate::links::{said_of, wait_for};

fn start(host: &Host<'_>, id: &str) -> Daemon {
    // No other node expires if this machine stalls for a while.
    host.daemon(&["--id", id, "--port", "22", "--interval", "2"])
}

#[test]
fn a_daemon_catches_up_after_a_long_sleep_and_reports_each_change_once() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let Some(lan) = Lan::new() else { return };
    let [nas, pi, tv] = [1, 2, 3].map(|number| lan.host(number));
    let (nas, pi, mut tv) = (start(&nas, "nas"), start(&pi, "pi"), start(&tv, "tv"));
    for (daemon, others) in [(&nas, ["pi", "tv"]), (&pi, ["nas", "tv"])] {
        for id in others {
            wait_for(daemon, id);
        }
    }
    tv.crash();
    pi.suspend();
    nas.log.wait_for("lost pi");
    // This waits until the last announcement of the NAS has expired, too: five announcements take
    // more than three intervals.
    let sent = |nas: &Daemon| nas.status()["datagrams"]["sent"].as_u64().unwrap();
    let before = sent(&nas);
    nas.ask_until(&["status"], |_| sent(&nas) >= before + 5);
    assert_eq!(nas.ask(&["lookup", "pi"]).code, 1);

    pi.resume();
    nas.log.wait_for("found pi");
    // Both were lost before any was found again: later datagrams wait in the socket.
    pi.log.wait_for("found nas");
    wait_for(&pi, "nas");
    assert_eq!(pi.ask(&["lookup", "tv"]).code, 1);
    let (found, lost) =
        ("found nas at 198.18.0.1:22 on eth0", "lost nas, last heard at 198.18.0.1:22");
    assert_eq!(said_of(pi, &["found nas", "lost nas"]), [found, lost, found]);
    let (found, lost) =
        ("found pi at 198.18.0.2:22 on eth0", "lost pi, last heard at 198.18.0.2:22");
    assert_eq!(said_of(nas, &["found pi", "lost pi"])[..3], [found, lost, found]);
}
