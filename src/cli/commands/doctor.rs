//! `foghorn doctor`: what is wrong, and what to type.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use lexopt::Arg::{Long, Short};
use lexopt::Parser;

use crate::cli::arguments::help;
use crate::cli::arguments::unexpected::unexpected;
use crate::cli::arguments::value::{port, value};
use crate::cli::asking::record::Record;
use crate::cli::asking::status::Status;
use crate::cli::failure::Failure;
use crate::cli::forms::status::rival;
use crate::cli::forms::time::WRITTEN;
use crate::cli::stdio;
use crate::client::Error;
use crate::client::places::candidates;
use crate::host::{forbidden_port, is_running, lost_socket, port_owner, read_file, survey, wall};
use crate::wire::v1::UDP_PORT;

pub(crate) fn main(parser: &mut Parser) -> Result<(), Failure> {
    let mut udp_port = None;
    let mut control: Option<PathBuf> = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return stdio::print(help::DOCTOR),
            Long("udp-port") => udp_port = Some(port(parser, "--udp-port")?.get()),
            Long("control") => control = Some(value(parser)?.into()),
            other => return Err(unexpected(other, help::DOCTOR)),
        }
    }
    let mut report = Report::default();
    let root = Path::new("/");
    let status = match Status::ask(control.as_deref()) {
        Ok(status) => status,
        Err(error @ Error::InvalidPath { .. }) => return Err(error.into()),
        Err(error) => {
            report.is_silent = !matches!(error, Error::NoDaemon { .. });
            let mut sockets =
                candidates(control.as_deref()).into_iter().filter(|_| !report.is_silent);
            let lost = sockets.find_map(|socket| lost_socket(root, &socket));
            let complaint = lost.unwrap_or_else(|| Failure::from(error).message);
            report.line("bad   $", &[&complaint]);
            Status(vec![])
        }
    };
    let port =
        udp_port.unwrap_or_else(|| status.get("daemon", "udp_port").parse().unwrap_or(UDP_PORT));
    report.examine(&status, root, port);
    match wall() {
        Ok(time) if time.secs() >= WRITTEN => {}
        Ok(_) => {
            report.line("warn  the clock is not set: nothing in a --state file has an age", &[]);
        }
        Err(error) => {
            report.line("bad   the clock can't be read (clock_gettime): $", &[&error.to_string()]);
        }
    }
    stdio::print(&report.text)?;
    if report.is_bad {
        return Err(Failure::no("see what is bad above"));
    }
    Ok(())
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or(0)
}

/// What was found so far, a line for each check.
#[derive(Default)]
struct Report {
    text: String,
    is_bad: bool,
    /// Whether there is a daemon that gives no answer.
    is_silent: bool,
}

impl Report {
    /// Adds a line. Each `$` stands for the next value. A value that none is left for is not told.
    fn line(&mut self, line: &str, values: &[&str]) {
        self.is_bad |= line.starts_with('b');
        let mut values = values.iter();
        for (number, part) in line.split('$').enumerate() {
            if number > 0 {
                self.text.push_str(values.next().unwrap_or(&""));
            }
            self.text.push_str(part);
        }
        self.text.push('\n');
    }

    /// Looks at all but the clock, in a system below `root`, which is `/` but in tests. No daemon
    /// answers if the status is empty.
    fn examine(&mut self, status: &Status, root: &Path, port: u16) {
        let version = status.get("daemon", "version");
        if version == env!("CARGO_PKG_VERSION") {
            self.line("ok    the daemon answers", &[]);
        } else if version != "?" {
            self.line("warn  the daemon is of another version, $: restart it", &[version]);
        }
        let mut used = false;
        let mut usable = false;
        let interfaces = survey().unwrap_or_else(|error| {
            let line = "bad   cannot ask for the interfaces (sendto, recvfrom): $";
            self.line(line, &[&error.to_string()]);
            // Nobody knows.
            usable = true;
            vec![]
        });
        for (name, reason) in &interfaces {
            let link = status.all("interface").find(|link| link.get("name") == name);
            used |= link.is_some();
            usable |= link.is_some() || reason.is_none();
            match (link, reason) {
                (Some(link), _) => self.check_link(status, link),
                (None, Some(reason)) => self.line("ok    $: not used, $", &[name, reason]),
                (None, None) => {
                    self.line("ok    $: can be used, unless --interface leaves it out", &[name]);
                }
            }
        }
        if !usable {
            self.line("bad   no interface is up and has an IPv4 address: see ip addr", &[]);
        }
        // Another program that has the port keeps the daemon out. A daemon that gives no answer has
        // it itself.
        let is_its_own = self.is_silent && is_running(root, "foghorn");
        if !used && !is_its_own {
            if let Some(complaint) = port_owner(root, port) {
                self.line("bad   $", &[&complaint]);
            } else if status.0.is_empty()
                && let Some(complaint) = forbidden_port(root, port)
            {
                self.line("warn  $", &[&complaint]);
            } else if usable && !status.0.is_empty() {
                self.line("bad   the daemon uses no interface: see its --interface", &[]);
            }
        }
        let rejected = |reason| status.get("rejected", reason);
        if status.get("registry", "used") == "0" {
            let mut value = rejected("off_link");
            let line = if number(value) > 0 {
                "warn  $ announcements came from other networks: see ip addr and --allow"
            } else {
                // Who knows this one already does not answer.
                value = status.get("daemon", "interval_s");
                "warn  no other node is heard, which takes up to $ s: does one run in this LAN?"
            };
            self.line(line, &[value]);
        }
        for line in status.all("rival").map(rival) {
            self.line("warn  $: give one of the two another name with --id", &[&line]);
        }
        for host in status.all("host_name") {
            let line = "warn  this machine is not announced while its host name is $: set one, or give --id";
            self.line(line, &[host.get("name")]);
        }
        let count = |key| status.get("datagrams", key);
        if count("received") == count("own") {
            self.check_firewall(root, &port.to_string());
        }
        for node in status.all("expected").filter(|node| node.get("state") == "missing") {
            self.line("warn  $ is expected, but not there", &[node.get("id")]);
        }
        for node in status.all("contested") {
            let values = &[node.get("id"), node.get("addresses")];
            self.line(
                "warn  $ is at $: it has two network cards, or somebody claims its name",
                values,
            );
        }
    }

    /// An interface in use.
    fn check_link(&mut self, status: &Status, link: &Record) {
        let [name, state, received, dropped, sent, errors] =
            ["name", "state", "received", "dropped", "sent", "send_errors"]
                .map(|key| link.get(key));
        if state == "?"
            || [received, dropped, sent, errors].iter().any(|count| count.parse::<u64>().is_err())
        {
            return self.line("warn  $: the daemon's answer does not say how it is", &[name]);
        }
        let seconds = |key| number(status.get("daemon", key));
        let mut count = received;
        let verdict = if state != "up" {
            "bad   $: cannot send, the daemon's log says why"
        } else if received == "0" && sent != "0" && seconds("uptime_s") > seconds("interval_s") {
            // What is broadcast comes back to who sends it.
            "bad   $: hears not even itself, a firewall of this machine keeps all out"
        } else if errors != "0" {
            count = errors;
            "warn  $: could not send $ times"
        } else if number(dropped) > number(received) {
            "warn  $: drops most, another program uses the port or floods it"
        } else {
            "ok    $: $ received"
        };
        self.line(verdict, &[name, count]);
    }

    /// Firewalls that keep everything out which no rule lets in.
    fn check_firewall(&mut self, root: &Path, port: &str) {
        // Root alone may read the rules.
        let has = |path, begin: &str| match read_file(&root.join(path)) {
            Ok(text) => Some(
                text.split(|byte| *byte == b'\n').any(|line| line.starts_with(begin.as_bytes())),
            ),
            Err(error) => (error.kind() == ErrorKind::NotFound).then_some(false),
        };
        if has("etc/ufw/ufw.conf", "ENABLED=yes") == Some(true) {
            match has("etc/ufw/user.rules", &format!("-A ufw-user-input -p udp --dport {port} ")) {
                Some(true) => {}
                Some(false) => {
                    self.line("warn  ufw may keep foghorn out: sudo ufw allow $/udp", &[port]);
                }
                None => {
                    let line = "warn  ufw may keep foghorn out, its rules can't be read: see sudo foghorn doctor";
                    self.line(line, &[]);
                }
            }
        }
        if is_running(root, "firewalld") {
            let advice = "warn  firewalld may keep foghorn out: sudo firewall-cmd --permanent --add-port=$/udp && sudo firewall-cmd --reload";
            self.line(advice, &[port]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::scratch::Scratch;

    fn status(lines: &[&str]) -> Status {
        Status(lines.iter().map(|line| Record::read(line)).collect())
    }

    #[test]
    fn an_interface_is_judged_by_what_it_counted() {
        let counted = |daemon: &str, counts: &str| {
            let status = status(&[daemon, &format!("interface name=eth0 {counts}")]);
            let mut report = Report::default();
            for link in status.all("interface") {
                report.check_link(&status, link);
            }
            report.text
        };
        let daemon = "daemon uptime_s=31 interval_s=30";
        for (daemon, counts, line) in [
            (
                daemon,
                "state=up received=3 dropped=1 sent=3 send_errors=0",
                "ok    eth0: 3 received\n",
            ),
            (
                daemon,
                "state=up received=0 dropped=0 sent=3 send_errors=0",
                "bad   eth0: hears not even itself",
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
                "warn  eth0: the daemon's answer",
            ),
            (
                "daemon",
                "received=3 dropped=1 sent=3 send_errors=0",
                "warn  eth0: the daemon's answer",
            ),
            ("daemon", "", "warn  eth0: the daemon's answer"),
        ] {
            let text = counted(daemon, counts);
            assert!(text.starts_with(line) && text.lines().count() == 1, "{counts}: {text}");
        }
    }

    #[test]
    fn nodes_that_are_missing_or_contested_are_told_of() {
        let lines = [
            "daemon version=0.0.1",
            "datagrams received=5 own=1",
            "expected id=nas state=known",
            "expected id=$ state=missing",
            "contested id=web addresses=10.0.0.2:80,10.0.0.3:80",
        ];
        let mut report = Report::default();
        report.examine(&status(&lines), Path::new("/nowhere"), 1);
        for line in [
            "warn  the daemon is of another version, 0.0.1: restart it",
            "warn  $ is expected, but not there",
            "warn  web is at 10.0.0.2:80,10.0.0.3:80: it has two network cards, or somebody claims its name",
        ] {
            assert!(report.text.lines().any(|said| said == line), "{line}: {}", report.text);
        }
        assert!(!report.text.contains("nas") && !report.text.contains("heard"), "{}", report.text);
    }

    #[test]
    fn who_hears_nobody_is_told_why() {
        let says = |lines: &[&str]| {
            let mut report = Report::default();
            report.examine(&status(lines), Path::new("/nowhere"), 1);
            report.text
        };
        let (daemon, counts) = ("daemon uptime_s=3 interval_s=30", "datagrams received=5 own=2");
        let nobody =
            "warn  no other node is heard, which takes up to 30 s: does one run in this LAN?\n";
        let others = "warn  3 announcements came from other networks: see ip addr and --allow\n";
        for (registry, rejected, expected) in [
            ("registry used=0", "rejected off_link=0", &[nobody][..]),
            ("registry used=0", "rejected", &[nobody]),
            ("registry used=0", "rejected off_link=3", &[others]),
            ("registry used=1", "rejected off_link=3", &[]),
            // From another version.
            ("registry", "rejected off_link=many", &[]),
        ] {
            let text = says(&[daemon, registry, counts, rejected]);
            let all = [nobody, others];
            let told = all.iter().filter(|line| text.contains(**line)).copied();
            assert!(told.eq(expected.iter().copied()), "{registry}, {rejected}: {text}");
        }
        assert!(!says(&[]).contains("is heard"));
    }

    #[test]
    fn a_host_that_announces_a_name_of_this_one_is_named() {
        let twin = "warn  198.18.7.4 also announces pi, heard 12 s ago: give one of the two another name with --id\n";
        let other =
            "warn  ? also announces ?, heard ? ago: give one of the two another name with --id\n";
        for (line, expected) in [
            ("rival id=pi address=198.18.7.4 age_s=12", twin),
            // The counter may tell of a host that has gone long ago.
            ("rejected own_name=7", ""),
            // From another version.
            ("rival", other),
            ("rival age_s=-1", other),
        ] {
            let mut report = Report::default();
            report.examine(&status(&[line]), Path::new("/nowhere"), 1);
            assert!(report.text.contains(expected), "{line}: {}", report.text);
            assert_eq!(
                report.text.contains("announces"),
                !expected.is_empty(),
                "{line}: {}",
                report.text
            );
        }
    }

    #[test]
    fn the_port_of_a_daemon_that_gives_no_answer_is_its_own() {
        let root = Scratch::new("doctor-port");
        for directory in ["proc/net", "proc/7"] {
            fs::create_dir_all(root.join(directory)).unwrap();
        }
        let socket = "  1: 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 17 2 0 0\n";
        fs::write(root.join("proc/net/udp"), socket).unwrap();
        for (comm, is_silent, is_told) in [
            ("foghorn\n", false, true),
            ("foghorn\n", true, false),
            ("other\n", true, true),
            ("", true, true),
            ("foghorn-hosts\n", true, true),
        ] {
            fs::write(root.join("proc/7/comm"), comm).unwrap();
            let mut report = Report { is_silent, ..Report::default() };
            report.examine(&status(&[]), &root, 1);
            let told = report.text.contains("bad   UDP port 1 is in use by ");
            assert_eq!(told, is_told, "{comm} {is_silent}: {}", report.text);
        }
    }

    #[test]
    fn a_firewall_without_a_rule_is_told_of() {
        let root = Scratch::new("doctor");
        for directory in ["etc/ufw", "proc/7"] {
            fs::create_dir_all(root.join(directory)).unwrap();
        }
        let says = || {
            let mut report = Report::default();
            report.check_firewall(&root, "21025");
            assert!(!report.is_bad);
            report.text
        };
        let set = |file, text: &[u8]| fs::write(root.join(file), text).unwrap();
        assert_eq!(says(), "");
        for off in [&b"ENABLED=no\nLOGLEVEL=low\n"[..], b"#ENABLED=yes\n", b"", b"\xff\n"] {
            set("etc/ufw/ufw.conf", off);
            assert_eq!(says(), "");
        }
        set("etc/ufw/ufw.conf", b"# on\nENABLED=yes\nLOGLEVEL=low\n");
        assert_eq!(says(), "warn  ufw may keep foghorn out: sudo ufw allow 21025/udp\n");
        for closed in [&b"-A ufw-user-input -p tcp --dport 21025 -j ACCEPT\n-A ufw-user-input -p udp --dport 210 -j ACCEPT\n"[..], b"\xff\xff", b"\n"]
        {
            set("etc/ufw/user.rules", closed);
            assert!(says().contains("ufw"));
        }
        for source in ["", "-s 198.18.0.0/24 "] {
            let rule =
                format!("*filter\n-A ufw-user-input -p udp --dport 21025 {source}-j ACCEPT\n");
            set("etc/ufw/user.rules", rule.as_bytes());
            assert_eq!(says(), "", "{source}");
        }
        fs::remove_file(root.join("etc/ufw/user.rules")).unwrap();
        fs::create_dir(root.join("etc/ufw/user.rules")).unwrap();
        let unread =
            "warn  ufw may keep foghorn out, its rules can't be read: see sudo foghorn doctor\n";
        assert_eq!(says(), unread);
        set("etc/ufw/ufw.conf", b"ENABLED=no\n");
        set("proc/7/comm", b"firewalld\n");
        assert!(says().starts_with("warn  firewalld may"), "{}", says());
    }
}
