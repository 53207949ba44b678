//! Checks of the nodes that the daemon knows.

use super::report::Report;
use crate::cli::asking::status::Status;
use crate::cli::forms::status::rival;

/// Checks that other nodes are heard, and that own nodes are announced.
pub(super) fn check_heard(report: &mut Report, status: &Status) {
    let rejected = |reason| status.get("rejected", reason);
    if status.get("registry", "used") == "0" {
        let mut value = rejected("off_link");
        let line = if value.parse::<u64>().is_ok_and(|count| count > 0) {
            "warn  $ announcements came from other networks: see ip addr and --allow"
        } else {
            // A daemon that knows this one already does not answer.
            value = status.get("daemon", "interval_s");
            "warn  no other node is heard, which can take $ s: does foghorn run on another machine?"
        };
        report.line(line, &[value]);
    }
    for line in status.all("rival").map(rival) {
        report.line("warn  $: rename one of the two with --id", &[&line]);
    }
    for host in status.all("host_name") {
        let line = "warn  this machine is not announced because its host name is $: set another one, or use --id";
        report.line(line, &[host.get("name")]);
    }
}

/// Looks at the nodes that are expected or contested.
pub(super) fn check_named(report: &mut Report, status: &Status) {
    for node in status.all("expected").filter(|node| node.get("state") == "missing") {
        report.line("warn  $ is expected but missing", &[node.get("id")]);
    }
    for node in status.all("contested") {
        let values = &[node.get("id"), node.get("addresses")];
        report.line(
            "warn  $ is at $: it has two cards in one network, or somebody claims its name",
            values,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lines: &[&str]) -> String {
        let mut report = Report::default();
        check_heard(&mut report, &Status::read(lines));
        check_named(&mut report, &Status::read(lines));
        report.text
    }

    #[test]
    fn nodes_that_are_missing_or_contested_are_told_of() {
        let lines = [
            "datagrams received=5 own=1",
            "expected id=nas state=known",
            "expected id=$ state=missing",
            "contested id=web addresses=10.0.0.2:80,10.0.0.3:80",
        ];
        let text = told(&lines);
        for line in [
            "warn  $ is expected but missing",
            "warn  web is at 10.0.0.2:80,10.0.0.3:80: it has two cards in one network, or somebody claims its name",
        ] {
            assert!(text.lines().any(|said| said == line), "{line}: {text}");
        }
        assert!(!text.contains("nas") && !text.contains("heard"), "{text}");
    }

    #[test]
    fn who_hears_nobody_is_told_why() {
        let (daemon, counts) = ("daemon uptime_s=3 interval_s=30", "datagrams received=5 own=2");
        let nobody = "warn  no other node is heard, which can take 30 s: does foghorn run on another machine?\n";
        let others = "warn  3 announcements came from other networks: see ip addr and --allow\n";
        for (registry, rejected, expected) in [
            ("registry used=0", "rejected off_link=0", &[nobody][..]),
            ("registry used=0", "rejected", &[nobody]),
            ("registry used=0", "rejected off_link=3", &[others]),
            ("registry used=1", "rejected off_link=3", &[]),
            // From another version.
            ("registry", "rejected off_link=many", &[]),
        ] {
            let text = told(&[daemon, registry, counts, rejected]);
            let all = [nobody, others];
            let found = all.iter().filter(|line| text.contains(**line)).copied();
            assert!(found.eq(expected.iter().copied()), "{registry}, {rejected}: {text}");
        }
        assert!(!told(&[]).contains("is heard"));
    }

    #[test]
    fn a_host_that_announces_a_name_of_this_one_is_named() {
        let twin =
            "warn  198.18.7.4 also announces pi, heard 12 s ago: rename one of the two with --id\n";
        let other = "warn  ? also announces ?, heard ? ago: rename one of the two with --id\n";
        for (line, expected) in [
            ("rival id=pi address=198.18.7.4 age_s=12", twin),
            // The counter may be about a host that left long ago.
            ("rejected own_name=7", ""),
            // From another version.
            ("rival", other),
            ("rival age_s=-1", other),
        ] {
            let text = told(&[line]);
            assert!(text.contains(expected), "{line}: {text}");
            assert_eq!(text.contains("announces"), !expected.is_empty(), "{line}: {text}");
        }
    }
}
