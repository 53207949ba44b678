//! The status as a person reads it.

use std::fmt::{self, Write};
use std::mem;

use crate::cli::asking::record::Record;
use crate::cli::asking::status::Status;
use crate::cli::forms::fold::fold;
use crate::cli::forms::time::span;

/// Writes lines for a terminal of so many columns.
pub(crate) fn write(out: &mut dyn Write, status: &Status, width: usize) -> fmt::Result {
    let text = &mut Text { out, width, label: "" };
    let get = |kind, key| status.get(kind, key);
    let [version, uptime, port, interval, allowed] =
        ["version", "uptime_s", "udp_port", "interval_s", "allowed"].map(|key| get("daemon", key));
    let uptime = span(uptime);
    fold(text.out, &format!("foghorn {version}, up for {uptime}, UDP port {port}"), text.width)?;

    text.label = "announces";
    for own in status.all("own") {
        let [id, port] = ["id", "port"].map(|key| own.get(key));
        text.line(&format!("{id} at port {port}, every {interval} s"))?;
    }
    for host in status.all("host_name") {
        let name = host.get("name");
        text.line(&format!("not the host name, which is {name}; choose a name with --id"))?;
    }
    for other in status.all("rival") {
        text.line(&rival(other))?;
    }
    text.none("nothing, it only listens")?;

    text.label = "interfaces";
    for link in status.all("interface") {
        let [name, address, state, networks] =
            ["name", "address", "state", "networks"].map(|key| link.get(key));
        let [received, dropped, sent, errors] =
            ["received", "dropped", "sent", "send_errors"].map(|key| link.get(key));
        text.line(&format!(
            "{name} {address} {state}: {received} received, {dropped} dropped, {sent} sent, {errors} send errors, hears {networks}"
        ))?;
    }
    text.none("none, waiting for one that is up and has an IPv4 address")?;
    if !allowed.is_empty() {
        text.label = "also hears";
        text.line(allowed)?;
    }

    text.label = "registry";
    let [used, capacity] = ["used", "capacity"].map(|key| get("registry", key));
    let changes = status.counts("registry", &["found", "moved", "contested", "lost"]);
    text.line(&format!("{used} of {capacity} nodes; {changes} since it started"))?;

    text.label = "expects";
    for node in status.all("expected") {
        let [id, state] = ["id", "state"].map(|key| node.get(key));
        text.line(&format!("{id} {state}"))?;
    }
    text.none("no node in particular")?;

    text.label = "contested";
    for node in status.all("contested") {
        let addresses = node.get("addresses").replace(',', " and ");
        text.line(&format!("{} at {addresses}", node.get("id")))?;
    }
    text.none("none")?;

    text.label = "datagrams";
    text.line(&status.counts("datagrams", &["received", "own", "sent", "answers"]))?;

    text.label = "rejected";
    for (reason, count) in status.all("rejected").flat_map(Record::pairs) {
        if count != "0" {
            text.line(&format!("{count} {reason}"))?;
        }
    }
    text.none("none")
}

/// Another host that announces a node of this one.
pub(crate) fn rival(rival: &Record) -> String {
    let [address, id, age] = ["address", "id", "age_s"].map(|key| rival.get(key));
    format!("{address} also announces {id}, heard {} ago", span(age))
}

/// Lines in sections.
struct Text<'a> {
    out: &'a mut dyn Write,
    width: usize,
    /// The text before the next line, if that is the first of its section.
    label: &'static str,
}

impl Text<'_> {
    fn line(&mut self, line: &str) -> fmt::Result {
        let label = mem::take(&mut self.label);
        fold(self.out, &format!("{label:<11} {line}"), self.width)
    }

    /// Ends a section: a line for one that has none.
    fn none(&mut self, line: &str) -> fmt::Result {
        if self.label.is_empty() { Ok(()) } else { self.line(line) }
    }
}
