//! The interfaces, and what the daemon counted there.

use super::report::Report;
use crate::cli::asking::record::Record;
use crate::cli::asking::status::Status;
use crate::host::survey;

/// Whether there are interfaces for the daemon.
pub(super) struct Found {
    /// Whether the daemon uses one.
    pub(super) used: bool,
    /// Whether one can be used.
    pub(super) usable: bool,
}

/// Looks at all interfaces of this machine.
pub(super) fn check(report: &mut Report, status: &Status) -> Found {
    let mut used = false;
    let mut usable = false;
    let interfaces = survey().unwrap_or_else(|error| {
        let line = "bad   cannot ask for the interfaces (sendto, recvfrom): $";
        report.line(line, &[&error.to_string()]);
        // It is not known.
        usable = true;
        vec![]
    });
    for (name, reason) in &interfaces {
        let link = status.all("interface").find(|link| link.get("name") == name);
        used |= link.is_some();
        usable |= link.is_some() || reason.is_none();
        match (link, reason) {
            (Some(link), _) => check_link(report, status, link),
            (None, Some(reason)) => report.line("ok    $: not used, $", &[name, reason]),
            (None, None) => {
                report.line("ok    $: can be used, unless --interface excludes it", &[name]);
            }
        }
    }
    if !usable {
        report.line("bad   no interface is up and has an IPv4 address: see ip addr", &[]);
    }
    Found { used, usable }
}

/// An interface in use.
fn check_link(report: &mut Report, status: &Status, link: &Record) {
    let [name, state, received, dropped, sent, errors] =
        ["name", "state", "received", "dropped", "sent", "send_errors"].map(|key| link.get(key));
    if state == "?"
        || [received, dropped, sent, errors].iter().any(|count| count.parse::<u64>().is_err())
    {
        return report.line("warn  $: the daemon does not report its state", &[name]);
    }
    let seconds = |key| number(status.get("daemon", key));
    let mut count = received;
    let verdict = if state != "up" {
        "bad   $: cannot send: see the daemon's log"
    } else if received == "0" && sent != "0" && seconds("uptime_s") > seconds("interval_s") {
        // A broadcast comes back to its sender.
        count = status.get("daemon", "udp_port");
        "bad   $: does not even hear itself: a local firewall blocks UDP $"
    } else if errors != "0" {
        count = errors;
        "warn  $: could not send $ times"
    } else if number(dropped) > number(received) {
        "warn  $: drops most datagrams: another program uses the port or floods it"
    } else {
        "ok    $: $ received"
    };
    report.line(verdict, &[name, count]);
}

/// A count; 0 if it is not a number.
fn number(text: &str) -> u64 {
    text.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_is_judged_by_what_it_counted() {
        let counted = |daemon: &str, counts: &str| {
            let status = Status::read(&[daemon, &format!("interface name=eth0 {counts}")]);
            let mut report = Report::default();
            for link in status.all("interface") {
                check_link(&mut report, &status, link);
            }
            report.text
        };
        let daemon = "daemon uptime_s=31 interval_s=30 udp_port=21025";
        for (daemon, counts, line) in [
            (
                daemon,
                "state=up received=3 dropped=1 sent=3 send_errors=0",
                "ok    eth0: 3 received\n",
            ),
            (
                daemon,
                "state=up received=0 dropped=0 sent=3 send_errors=0",
                "bad   eth0: does not even hear itself: a local firewall blocks UDP 21025",
            ),
            (daemon, "state=up received=0 dropped=0 sent=0 send_errors=0", "ok    "),
            (
                "daemon uptime_s=3 interval_s=30",
                "state=up received=0 dropped=0 sent=3 send_errors=0",
                "ok    ",
            ),
            (
                daemon,
                "state=cannot-send received=3 dropped=0 sent=3 send_errors=1",
                "bad   eth0: cannot send",
            ),
            (
                daemon,
                "state=up received=3 dropped=0 sent=3 send_errors=2",
                "warn  eth0: could not send 2 times\n",
            ),
            (
                daemon,
                "state=up received=3 dropped=4 sent=3 send_errors=0",
                "warn  eth0: drops most",
            ),
            // From another version.
            (
                "daemon",
                "state=up received=many dropped=-1 sent=3 send_errors=0",
                "warn  eth0: the daemon does not report",
            ),
            (
                "daemon",
                "received=3 dropped=1 sent=3 send_errors=0",
                "warn  eth0: the daemon does not report",
            ),
            ("daemon", "", "warn  eth0: the daemon does not report"),
        ] {
            let text = counted(daemon, counts);
            assert!(text.starts_with(line) && text.lines().count() == 1, "{counts}: {text}");
        }
    }
}
