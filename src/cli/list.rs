//! `foghorn list`: all nodes.

use std::fmt::{self, Write as _};

use lexopt::Parser;

use super::client::{Client, Record};
use super::terminal::{Look, Style};
use super::{Failure, Form, Query, help, html, json, output};
use crate::control::Request;

pub(super) fn main(parser: &mut Parser) -> Result<(), Failure> {
    let Some(query) = Query::parse(parser, help::LIST, &[Form::Json, Form::Html])? else { return Ok(()) };
    let mut nodes = Client::connect(query.control.as_deref())?.all_nodes(&Request::List)?;
    nodes.sort_unstable_by(|a, b| a.get("id").cmp(b.get("id")));
    if query.form.is_none() && nodes.iter().all(Record::is_own) {
        output::note(
            "no node has been heard yet: it can take 30 s, or as long as --interval says, and foghorn must run on another machine too",
        );
        if nodes.is_empty() {
            return Ok(());
        }
    }
    output::write(|out| match query.form {
        None => table(out, &nodes, Look::of_output()),
        Some(Form::Html) => html::write(out, &nodes),
        Some(_) => {
            json::objects(out, &mut nodes.iter());
            writeln!(out)
        }
    })
}

const HEAD: [&str; 7] = ["NODE", "ADDRESS", "INTERFACE", "HEARD", "KNOWN FOR", "TIMES", ""];

/// A row for each node; each further address of it has a row with nothing else in it. A terminal shows how much of a node's lease is left,
/// and whether it is contested.
fn table(out: &mut String, nodes: &[Record], look: Look) -> fmt::Result {
    let mut rows = vec![(HEAD.map(str::to_owned), [Style::Bold; HEAD.len()])];
    for node in nodes {
        let is_contested = look.is_terminal && node.get("contested") == "yes";
        let (word, mark) = if is_contested { ("contested", Style::Magenta) } else { ("", Style::Plain) };
        let (bar, colour) = look.lease(output::lease(node));
        let styles = [Style::Plain, mark, Style::Plain, colour, Style::Plain, Style::Plain, mark];
        let mut addresses = node.addresses();
        let cells = [
            node.get("id").to_owned(),
            addresses.next().unwrap_or_default().to_owned(),
            node.get("interface").to_owned(),
            if node.is_own() {
                "own".to_owned()
            } else {
                format!("{bar}{} ago", output::span(node.get("age_s")))
            },
            output::span(node.get("known_s")),
            node.get("heard").to_owned(),
            word.to_owned(),
        ];
        rows.push((cells, styles));
        rows.extend(addresses.map(|address| {
            let mut cells = [const { String::new() }; HEAD.len()];
            if let Some(cell) = cells.get_mut(1) {
                address.clone_into(cell);
            }
            (cells, styles)
        }));
    }
    let mut widths = [0; HEAD.len()];
    for (cells, _) in &rows {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = output::columns(cell).max(*width);
        }
    }
    for (cells, styles) in &rows {
        let mut line = String::new();
        for ((width, cell), style) in widths.iter().zip(cells).zip(styles) {
            look.paint(&mut line, *style, cell);
            // `{:width$}` counts characters, but some are two columns wide, and a style has none.
            line.extend(std::iter::repeat_n(' ', width - output::columns(cell) + 2));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes() -> [Record; 2] {
        [
            "node id=nas addresses=10.0.0.2:22,10.0.0.30:22 interface=eth0 age_s=3 known_s=300 expires_s=87 heard=4 contested=yes",
            "node id=リビング addresses=10.0.0.4:22 interface=wlan0 age_s=61 known_s=90000 expires_s=29 heard=1200 contested=no",
        ]
        .map(Record::read)
    }

    #[test]
    fn columns_line_up_also_under_wide_characters() {
        let mut out = String::new();
        table(&mut out, &nodes(), Look::default()).unwrap();
        let expected = "\
NODE      ADDRESS       INTERFACE  HEARD     KNOWN FOR  TIMES
nas       10.0.0.2:22   eth0       3 s ago   5 min      4
          10.0.0.30:22
リビング  10.0.0.4:22   wlan0      61 s ago  25 h       1200
";
        assert_eq!(out, expected);
    }

    #[test]
    fn a_terminal_shows_leases_and_who_is_contested() {
        let mut out = String::new();
        table(&mut out, &nodes(), Look::new(true, &|_| None)).unwrap();
        let expected = "\
NODE      ADDRESS       INTERFACE  HEARD           KNOWN FOR  TIMES
nas       10.0.0.2:22   eth0       ##### 3 s ago   5 min      4      contested
          10.0.0.30:22
リビング  10.0.0.4:22   wlan0      ##... 61 s ago  25 h       1200
";
        assert_eq!(out, expected);
    }

    #[test]
    fn an_own_node_is_marked_and_sorted_in() {
        let own = "own id=nas addresses=10.0.0.1:22 interface=eth0 age_s=0 known_s=300 expires_s=0 heard=0 contested=no own=yes";
        let mut out = String::new();
        table(&mut out, &[Record::read(own)], Look::new(true, &|_| None)).unwrap();
        let expected = "\
NODE  ADDRESS      INTERFACE  HEARD  KNOWN FOR  TIMES
nas   10.0.0.1:22  eth0       own    5 min      0
";
        assert_eq!(out, expected);
    }
}
