//! `foghorn status`: how the daemon does.

use std::fmt::{self, Write};
use std::iter::once;
use std::path::Path;

use lexopt::Parser;

use super::client::{Client, Record};
use super::terminal::Look;
use super::{Exit, Failure, Form, Query, help, json, metrics, output};
use crate::client::Error;
use crate::control::Request;

/// The lines of the reply.
pub(super) struct Status(pub(super) Vec<Record>);

/// The lines that each reply has, once.
const ALWAYS: [&str; 4] = ["daemon", "registry", "datagrams", "rejected"];

impl Status {
    /// Asks the daemon how it does.
    pub(super) fn ask(control: Option<&Path>) -> Result<Self, Error> {
        let status = Self(Client::connect(control)?.ask(&Request::Status)?);
        match ALWAYS.iter().find(|kind| status.all(kind).count() != 1) {
            Some(what) => Err(Error::Protocol { what }),
            None => Ok(status),
        }
    }

    /// The lines of one kind.
    pub(super) fn all<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Record> {
        self.0.iter().filter(move |record| record.kind() == kind)
    }

    fn pairs<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.all(kind).flat_map(Record::pairs)
    }

    pub(super) fn get<'a>(&'a self, kind: &'a str, key: &str) -> &'a str {
        self.all(kind).next().map_or("?", |record| record.get(key))
    }

    /// The number that a line has to tell.
    pub(super) fn number(&self, kind: &'static str, key: &'static str) -> Result<u64, Error> {
        let record = self.all(kind).next().ok_or(Error::Protocol { what: kind })?;
        record.require(key)?.parse().map_err(|_| Error::Protocol { what: key })
    }

    /// Counts, each with what was counted.
    fn counts(&self, kind: &str, keys: &[&str]) -> String {
        let mut counts = String::new();
        for key in keys {
            let comma = if counts.is_empty() { "" } else { ", " };
            // Text in memory takes all that is written to it.
            let _ = write!(counts, "{comma}{} {key}", self.get(kind, key));
        }
        counts
    }
}

pub(super) fn main(parser: &mut Parser) -> Result<(), Failure> {
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
            write_text(&mut Folded { out, line: String::new(), width }, &status)
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
    for record in
        ["registry", "datagrams", "rejected", "host_name"].into_iter().flat_map(|kind| status.all(kind))
    {
        json::key(&mut text, record.kind());
        json::object(&mut text, record);
        out.write_str(&text)?;
        text.clear();
    }
    out.write_str("}\n")
}

fn write_text(out: &mut dyn Write, status: &Status) -> fmt::Result {
    let get = |kind, key| status.get(kind, key);
    let uptime = output::span(get("daemon", "uptime_s"));
    writeln!(
        out,
        "foghorn {}, up for {uptime}, UDP port {}",
        get("daemon", "version"),
        get("daemon", "udp_port")
    )?;

    let announces = status.all("own").map(|own| {
        format!("{} at port {}, every {} s", own.get("id"), own.get("port"), get("daemon", "interval_s"))
    });
    let waiting = status
        .all("host_name")
        .map(|host| format!("not the host name while that is {}; give another with --id", host.get("name")));
    let mut lines = announces.chain(waiting).chain(status.all("rival").map(rival));
    section(out, "announces", &mut lines, "nothing, it only listens")?;

    let mut interfaces = status.all("interface").map(|link| {
        let [name, address, state] = ["name", "address", "state"].map(|key| link.get(key));
        let [networks, received, dropped] = ["networks", "received", "dropped"].map(|key| link.get(key));
        let [sent, errors] = ["sent", "send_errors"].map(|key| link.get(key));
        format!(
            "{name} {address} {state}: {received} received, {dropped} dropped, {sent} sent, {errors} send errors, hears {networks}"
        )
    });
    section(out, "interfaces", &mut interfaces, "none, waiting for one that is up and has an IPv4 address")?;
    let allowed = get("daemon", "allowed");
    if !allowed.is_empty() {
        section(out, "also hears", &mut once(allowed.to_owned()), "")?;
    }

    let nodes = format!("{} of {} nodes", get("registry", "used"), get("registry", "capacity"));
    let changes = status.counts("registry", &["found", "moved", "contested", "lost"]);
    section(out, "registry", &mut once(format!("{nodes}; {changes} since it started")), "")?;

    let mut expected = status.all("expected").map(|node| format!("{} {}", node.get("id"), node.get("state")));
    section(out, "expects", &mut expected, "no node in particular")?;

    let mut contested = status
        .all("contested")
        .map(|node| format!("{} at {}", node.get("id"), node.get("addresses").replace(',', " and ")));
    section(out, "contested", &mut contested, "none")?;

    let datagrams = status.counts("datagrams", &["received", "own", "sent", "answers"]);
    section(out, "datagrams", &mut once(datagrams), "")?;

    let rejected = status.pairs("rejected").filter(|(_, count)| *count != "0");
    section(out, "rejected", &mut rejected.map(|(reason, count)| format!("{count} {reason}")), "none")
}

/// Another host that announces a node of this one.
pub(super) fn rival(rival: &Record) -> String {
    let [address, id, age] = ["address", "id", "age_s"].map(|key| rival.get(key));
    format!("{address} also announces {id}, heard {} ago", output::span(age))
}

/// A label and a line for each item; one line that says so if there is none.
fn section(
    out: &mut dyn Write,
    label: &str,
    items: &mut dyn Iterator<Item = String>,
    none: &str,
) -> fmt::Result {
    writeln!(out, "{label:<11} {}", items.next().as_deref().unwrap_or(none))?;
    for item in items {
        writeln!(out, "{:<11} {item}", "")?;
    }
    Ok(())
}

/// Columns before an item.
const INDENT: usize = 12;

/// Text whose lines are folded as soon as they have ended.
struct Folded<'a> {
    out: &'a mut dyn Write,
    /// The line that has begun.
    line: String,
    width: usize,
}

impl Write for Folded<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for piece in text.split_inclusive('\n') {
            let ended = piece.strip_suffix('\n');
            self.line.push_str(ended.unwrap_or(piece));
            if ended.is_some() {
                fold(self.out, &self.line, self.width)?;
                self.line.clear();
            }
        }
        Ok(())
    }
}

/// Writes a line. Where a terminal has no room for all of it, it goes on in the next one, two columns further to the right than items
/// begin: behind a comma or the like, else behind a word, else within a list.
fn fold(out: &mut dyn Write, line: &str, width: usize) -> fmt::Result {
    let (label, mut rest) = line.split_at_checked(INDENT).unwrap_or(("", line));
    out.write_str(label)?;
    let mut room = width.saturating_sub(INDENT);
    while output::columns(rest) > room {
        // The space where it is broken needs no room.
        let [with_space, without] = [room + 1, room].map(|room| output::beginning(rest, room));
        let pair = [", ", "; ", ": "].into_iter().filter_map(|end| with_space.rfind(end)).max();
        let end = pair.map(|at| at + 1).or_else(|| with_space.rfind(' '));
        let end = end.or_else(|| without.rfind(',').map(|at| at + 1));
        let end = end.or_else(|| rest.find(' ')).and_then(|end| rest.split_at_checked(end));
        let Some((part, next)) = end.filter(|(part, _)| !part.is_empty()) else { break };
        writeln!(out, "{part}")?;
        write!(out, "{:1$}", "", INDENT + 2)?;
        rest = next.trim_start();
        room = width.saturating_sub(INDENT + 2);
    }
    writeln!(out, "{rest}")
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
