//! The status in Prometheus' text format, version 0.0.4.
//!
//! Nodes are counted, and only expected nodes are named. If strangers chose the values of labels,
//! they could make up time series without end.

use std::fmt::{Result, Write};

use crate::cli::asking::status::Status;
use crate::cli::forms::json;

/// One family a line. Text takes half the room of a table. Its columns:
///
/// - the name, which tells the type, too: counters end in `_total`
/// - the lines of the status that it is taken from
/// - their keys, a sample each; `*` for all, `#` for the number of lines
/// - the label that tells samples apart, if any
/// - the key of the label's value, or none where that is the sample's own key
/// - what it is
///
/// The first family alone has a sample where there is no status.
const FAMILIES: &str = "\
up|daemon|#|||Whether the daemon answered.
build_info|daemon|version|version|version|The daemon's version.
uptime_seconds|daemon|uptime_s|||Time since the daemon started.
nodes|registry|used|||Nodes that are known.
nodes_limit|registry|capacity|||Nodes that there is room for.
node_events_total|registry|found,moved,contested,lost|event||What happened to nodes.
contested_nodes|contested|#|||Nodes that speak at several addresses.
expected_node_up|expected|state|node|id|Whether the node is known.
datagrams_received_total|datagrams|received|||Datagrams received.
datagrams_own_total|datagrams|own|||Announcements of own nodes among those received.
datagrams_sent_total|datagrams|sent|||Datagrams sent.
answers_total|datagrams|answers|||Times that newcomers were answered.
datagrams_rejected_total|rejected|*|reason||Datagrams of no use; foreign includes those dropped at interfaces.
interface_up|interface|state|interface|name|Whether the interface works.
interface_datagrams_received_total|interface|received|interface|name|Datagrams received there.
interface_datagrams_dropped_total|interface|dropped|interface|name|Datagrams that the kernel dropped there.
interface_datagrams_sent_total|interface|sent|interface|name|Datagrams sent there.
interface_send_errors_total|interface|send_errors|interface|name|Datagrams that could not be sent there.";

/// Writes all families that the status has samples for. A daemon of another version may leave some
/// out. The status is empty if no daemon answered.
pub(crate) fn write(out: &mut dyn Write, status: &Status) -> Result {
    let families = if status.0.is_empty() { 1 } else { usize::MAX };
    for line in FAMILIES.split('\n').take(families) {
        let mut columns = line.split('|');
        let [name, kind, keys, label, from, help] =
            [(); 6].map(|()| columns.next().unwrap_or_default());
        let form = if name.ends_with("_total") { "counter" } else { "gauge" };
        // The head goes out with the first sample.
        let mut text = format!("# HELP foghorn_{name} {help}\n# TYPE foghorn_{name} {form}\n");
        if keys == "#" {
            writeln!(out, "{text}foghorn_{name} {}", status.all(kind).count())?;
            continue;
        }
        for record in status.all(kind) {
            for (key, told) in record.pairs() {
                let labelled = if from.is_empty() { Some(key) } else { record.find(from) };
                if (keys == "*" || keys.split(',').any(|wanted| wanted == key))
                    && let Some(value) = value(kind, key, told)
                    && let Some(labelled) = labelled
                {
                    text.extend(["foghorn_", name]);
                    if !label.is_empty() {
                        text.extend(["{", label, "="]);
                        // As in JSON: there is no control character in what the daemon says.
                        json::string(&mut text, labelled);
                        text.push('}');
                    }
                    text.extend([" ", value, "\n"]);
                    out.write_str(&text)?;
                    text.clear();
                }
            }
        }
    }
    Ok(())
}

/// The number of a sample; none if this version does not know the value.
fn value<'a>(kind: &str, key: &str, told: &'a str) -> Option<&'a str> {
    match (kind, key, told) {
        (_, "version", _) | ("interface", "state", "up") | ("expected", "state", "known") => {
            Some("1")
        }
        // The state of an interface that is not up may be one of many words.
        ("interface", "state", _) | ("expected", "state", "missing") => Some("0"),
        _ => Some(told).filter(|told| json::is_number(told)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::asking::record::Record;

    fn metrics(reply: &str) -> String {
        let records = reply.lines().map(Record::read);
        let mut out = String::new();
        write(&mut out, &Status(records.collect())).unwrap();
        out
    }

    const REPLY: &str = "\
daemon version=0.1.0 uptime_s=86400 interval_s=30 udp_port=21025 allowed=
registry used=3 capacity=256 found=5 moved=1 contested=1 lost=2
datagrams received=900 own=10 sent=40 answers=4
rejected truncated=7 foreign=18446744073709551615
own id=pi port=22
interface name=eth0 address=198.18.0.9 networks=198.18.0.9/24 state=up received=890 dropped=6 sent=20 send_errors=0
interface name=eth1 address=10.0.0.9 networks=10.0.0.9/8 state=cannot-send received=10 dropped=0 sent=20 send_errors=3
expected id=nas state=known
expected id=tv state=missing
contested id=nas addresses=198.18.0.2:22,198.18.0.66:22
";

    #[test]
    fn a_status_is_told_as_prometheus_reads_it() {
        assert_eq!(metrics(REPLY), include_str!("../../../tests/cli/status.prom"));
    }

    #[test]
    fn names_can_not_break_out_of_a_label() {
        let told =
            metrics("expected id=a\\\"}x,y=\"{z state=known\ninterface name=büro\u{85} state=up");
        assert!(told.contains(r#"expected_node_up{node="a\\\"}x,y=\"{z"} 1"#), "{told}");
        assert!(told.contains("interface_up{interface=\"büro\u{85}\"} 1\n"), "{told}");
    }

    #[test]
    fn what_a_daemon_of_another_version_says_differently_is_left_out() {
        let told = metrics(
            "daemon uptime_s=1e5\nregistry used=-1 capacity= later=7\ndatagrams received\nrejected new_reason=1\n\
             interface name=eth0\nfuture x=1\n\
             interface state=up received=7\nexpected state=known\nexpected id=nas state=maybe\nexpected id=tv state=",
        );
        let samples: Vec<_> = told.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            samples,
            [
                "foghorn_up 1",
                "foghorn_contested_nodes 0",
                "foghorn_datagrams_rejected_total{reason=\"new_reason\"} 1"
            ]
        );
        assert_eq!(told.lines().count(), 9, "{told}");
    }

    #[test]
    fn where_no_daemon_answers_that_is_all_that_is_told() {
        let expected = "# HELP foghorn_up Whether the daemon answered.\n# TYPE foghorn_up gauge\nfoghorn_up 0\n";
        assert_eq!(metrics(""), expected);
    }
}
