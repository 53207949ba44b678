//! `foghorn status`: how the daemon does.

use std::fmt::{self, Write};
use std::mem;
use std::path::Path;

use lexopt::Parser;

use crate::cli::arguments::help;
use crate::cli::asking::client::{Client, Record};
use crate::cli::forms::json;
use crate::cli::forms::metrics;
use crate::cli::forms::terminal::Look;
use crate::cli::output;
use crate::cli::{Exit, Failure, Form, Query};
use crate::client::Error;
use crate::control::Request;

/// The lines of the reply.
pub(crate) struct Status(pub(crate) Vec<Record>);

/// The lines that each reply has, once.
const ALWAYS: [&str; 4] = ["daemon", "registry", "datagrams", "rejected"];

impl Status {
    /// Asks the daemon how it does.
    pub(crate) fn ask(control: Option<&Path>) -> Result<Self, Error> {
        let status = Self(Client::connect(control)?.ask(&Request::Status)?);
        match ALWAYS.iter().find(|kind| status.all(kind).count() != 1) {
            Some(what) => Err(Error::Protocol { what }),
            None => Ok(status),
        }
    }

    /// The lines of one kind.
    pub(crate) fn all<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Record> {
        self.0.iter().filter(move |record| record.kind() == kind)
    }

    pub(crate) fn get<'a>(&'a self, kind: &'a str, key: &str) -> &'a str {
        self.all(kind).next().map_or("?", |record| record.get(key))
    }

    /// The number that a line has to tell.
    pub(crate) fn number(&self, kind: &'static str, key: &'static str) -> Result<u64, Error> {
        let record = self.all(kind).next().ok_or(Error::Protocol { what: kind })?;
        record.require(key)?.parse().map_err(|_| Error::Protocol { what: key })
    }

    /// Counts, each with what was counted.
    fn counts(&self, kind: &str, keys: &[&str]) -> String {
        let mut counts = String::new();
        for key in keys {
            let comma = if counts.is_empty() { "" } else { ", " };
            counts.extend([comma, self.get(kind, key), " ", key]);
        }
        counts
    }
}

pub(crate) fn main(parser: &mut Parser) -> Result<(), Failure> {
    let Some(query) = Query::parse(parser, help::STATUS, &[Form::Json, Form::Metrics])? else {
        return Ok(());
    };
    let status = match Status::ask(query.control.as_deref()).map_err(Failure::from) {
        // A file for Prometheus that stayed as it was would go on telling that all is well.
        Err(failure) if query.form == Some(Form::Metrics) => {
            output::write(|out| metrics::write(out, &Status(vec![])))?;
            if failure.exit != Exit::NoDaemon {
                return Err(failure);
            }
            output::warn(&failure.message);
            return Ok(());
        }
        status => status?,
    };
    output::write(|out| match query.form {
        None => {
            let width = Look::of_output().width.unwrap_or(usize::MAX);
            write_text(&mut Text { out, width, label: "" }, &status)
        }
        Some(Form::Metrics) => metrics::write(out, &status),
        Some(_) => write_json(out, &status),
    })
}

fn write_json(out: &mut dyn Write, status: &Status) -> fmt::Result {
    let mut text = String::from("{");
    status.all("daemon").for_each(|daemon| json::pairs(&mut text, daemon));
    for (key, kind) in [
        ("own", "own"),
        ("rivals", "rival"),
        ("interfaces", "interface"),
        ("expected", "expected"),
        ("contested", "contested"),
    ] {
        json::key(&mut text, key);
        out.write_str(&text)?;
        text.clear();
        json::objects(out, &mut status.all(kind))?;
    }
    for kind in ["registry", "datagrams", "rejected", "host_name"] {
        for record in status.all(kind) {
            json::key(&mut text, kind);
            json::object(&mut text, record);
            out.write_str(&text)?;
            text.clear();
        }
    }
    out.write_str("}\n")
}

fn write_text(text: &mut Text<'_>, status: &Status) -> fmt::Result {
    let get = |kind, key| status.get(kind, key);
    let [version, uptime, port, interval, allowed] =
        ["version", "uptime_s", "udp_port", "interval_s", "allowed"].map(|key| get("daemon", key));
    let uptime = output::span(uptime);
    fold(text.out, &format!("foghorn {version}, up for {uptime}, UDP port {port}"), text.width)?;

    text.label = "announces";
    for own in status.all("own") {
        let [id, port] = ["id", "port"].map(|key| own.get(key));
        text.line(&format!("{id} at port {port}, every {interval} s"))?;
    }
    for host in status.all("host_name") {
        let name = host.get("name");
        text.line(&format!("not the host name while that is {name}; give another with --id"))?;
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
    format!("{address} also announces {id}, heard {} ago", output::span(age))
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

/// Columns before an item.
const INDENT: usize = 12;

/// Writes a line. Where a terminal has no room for all of it, it goes on in the next one, two
/// columns further to the right than items begin.
fn fold(out: &mut dyn Write, line: &str, width: usize) -> fmt::Result {
    let (label, mut rest) = line.split_at_checked(INDENT).unwrap_or(("", line));
    out.write_str(label)?;
    let mut room = width.saturating_sub(INDENT);
    while let Some((part, next)) =
        place_to_break(rest, room).and_then(|end| rest.split_at_checked(end))
    {
        write!(out, "{part}\n{:1$}", "", INDENT + 2)?;
        rest = next.trim_start_matches(' ');
        room = width.saturating_sub(INDENT + 2);
    }
    writeln!(out, "{rest}")
}

/// Where to break a text that has no room: behind a comma or the like, else behind a word, else
/// within a list. If no beginning has room, behind the first that can be broken off.
fn place_to_break(text: &str, room: usize) -> Option<usize> {
    let (mut best, mut place) = (0, None);
    let (mut columns, mut before) = (0, ' ');
    for (at, c) in text.char_indices() {
        let rank = match (before, c) {
            (' ', _) => 0,
            (',' | ';' | ':', ' ') => 3,
            (_, ' ') => 2,
            (',', _) => 1,
            _ => 0,
        };
        if rank > 0 && if columns > room { place.is_none() } else { rank >= best } {
            (best, place) = (rank, Some(at));
        }
        columns += output::width(c);
        before = c;
    }
    place.filter(|_| columns > room)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(line: &str, width: usize) -> String {
        let mut out = String::new();
        fold(&mut out, line, width).unwrap();
        out
    }

    #[test]
    fn a_line_is_folded_between_its_parts() {
        let line = "interfaces  eth0 198.18.0.1 up: 5 received, 0 dropped, 3 sent, 0 send errors, hears 198.18.0.0/24";
        for width in [97, 200, usize::MAX] {
            assert_eq!(folded(line, width), format!("{line}\n"), "{width}");
        }
        for width in [82, 96] {
            let expected = "\
interfaces  eth0 198.18.0.1 up: 5 received, 0 dropped, 3 sent, 0 send errors,
              hears 198.18.0.0/24
";
            assert_eq!(folded(line, width), expected);
        }
        let expected = "\
interfaces  eth0 198.18.0.1 up:
              5 received,
              0 dropped, 3 sent,
              0 send errors,
              hears
              198.18.0.0/24
";
        assert_eq!(folded(line, 32), expected);
    }

    #[test]
    fn a_long_list_is_folded_and_a_long_word_is_not() {
        let line = "            198.18.0.0/24,10.0.0.0/8";
        assert_eq!(folded(line, 30), "            198.18.0.0/24,\n              10.0.0.0/8\n");
        let line = "            P56IOI7MZJNU2IQGDREYDM2MGTMGL3BXNPQ6W5BTBBZ4TJXZWICQ known";
        let broken = line.replace(" known", "\n              known\n");
        for width in [0, 1, 20, 40] {
            assert_eq!(folded(line, width), broken, "{width}");
        }
    }

    #[test]
    fn nothing_is_lost_however_narrow_the_terminal() {
        let words = |text: &str| text.split([' ', '\n']).collect::<String>();
        for line in [
            "",
            "foghorn 9, up for ? s",
            "表示: 表示, 表示 表示,表示",
            "interfaces  リビング 10.0.0.1/8,10.0.0.2/8 x: , ;",
        ] {
            for width in 0..60 {
                assert_eq!(words(&folded(line, width)), words(line), "{line} {width}");
            }
        }
    }
}
