//! `foghorn list`: all nodes.

use std::fmt::{self, Write as _};
use std::io::{self, Write as _};

use lexopt::Parser;

use super::client::{Client, Record};
use super::{Failure, Form, Query, help, json, output};
use crate::control::Request;

pub(super) fn main(parser: &mut Parser) -> Result<(), Failure> {
    let Some(query) = Query::parse(parser, help::LIST, &[Form::Json])? else { return Ok(()) };
    let mut nodes = Client::connect(query.control.as_deref())?.ask(&Request::List)?;
    nodes.sort_unstable_by(|a, b| a.get("id").cmp(b.get("id")));
    if nodes.is_empty() && query.form.is_none() {
        let _ = writeln!(io::stderr(), "foghorn: no node has been heard yet");
        return Ok(());
    }
    output::write(|out| {
        if query.form.is_some() {
            json::array(out, &nodes, |out, node| json::object(out, &mut node.pairs()));
            return writeln!(out);
        }
        table(out, &nodes)
    })
}

const HEAD: [&str; 6] = ["NODE", "ADDRESS", "INTERFACE", "HEARD", "KNOWN FOR", "TIMES"];

/// A row for each node; each further address of it has a row with nothing else in it.
fn table(out: &mut String, nodes: &[Record]) -> fmt::Result {
    let mut rows = vec![HEAD.map(str::to_owned)];
    for node in nodes {
        let mut addresses = node.addresses();
        rows.push([
            node.get("id").to_owned(),
            addresses.next().unwrap_or_default().to_owned(),
            node.get("interface").to_owned(),
            format!("{} ago", output::span(node.get("age_s"))),
            output::span(node.get("known_s")),
            node.get("heard").to_owned(),
        ]);
        rows.extend(addresses.map(|address| {
            let mut row = [const { String::new() }; HEAD.len()];
            if let Some(cell) = row.get_mut(1) {
                address.clone_into(cell);
            }
            row
        }));
    }
    let mut widths = [0; HEAD.len()];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = output::columns(cell).max(*width);
        }
    }
    for row in &rows {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row) {
            line.push_str(cell);
            // `{:width$}` counts characters, but some are two columns wide.
            line.extend(std::iter::repeat_n(' ', width - output::columns(cell) + 2));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Line;

    #[test]
    fn columns_line_up_also_under_wide_characters() {
        let nodes = [
            "node id=nas addresses=10.0.0.2:22,10.0.0.30:22 interface=eth0 age_s=3 known_s=300 heard=4",
            "node id=リビング addresses=10.0.0.4:22 interface=wlan0 age_s=61 known_s=90000 heard=1200",
        ]
        .map(|line| match Line::parse(line) {
            Line::Data { kind, fields } => Record::new(kind, fields),
            other => panic!("{other:?}"),
        });
        let mut out = String::new();
        table(&mut out, &nodes).unwrap();
        let expected = "\
NODE      ADDRESS       INTERFACE  HEARD     KNOWN FOR  TIMES
nas       10.0.0.2:22   eth0       3 s ago   5 min      4
          10.0.0.30:22
リビング  10.0.0.4:22   wlan0      61 s ago  25 h       1200
";
        assert_eq!(out, expected);
    }
}
