//! The nodes as a table.

use std::fmt::{self, Write};

use crate::cli::asking::record::Record;
use crate::cli::forms::columns::{beginning, columns, end};
use crate::cli::forms::terminal::{Look, Style};
use crate::cli::forms::time::span;

const HEAD: [&str; 7] = ["NODE", "ADDRESS", "INTERFACE", "HEARD", "KNOWN FOR", "TIMES", ""];

/// The columns that a narrow terminal does without, in that order.
const SPARE: [usize; 3] = [5, 4, 2];

/// The least columns of a shortened name: for a Syncthing ID the first 7 characters and the last 3.
const SHORTEST_NAME: usize = 11;

/// A text for each column.
type Cells = [String; HEAD.len()];

/// A row for each node; each further address of it has a row with nothing else in it. A terminal
/// shows how much of a node's lease is left, and whether it is contested. On a narrow one columns
/// are left out.
pub(crate) fn write(out: &mut dyn Write, nodes: &[Record], look: Look) -> fmt::Result {
    let mut names: Vec<_> = nodes.iter().map(|node| node.get("id").to_owned()).collect();
    let mut widths = [0; HEAD.len()];
    rows(nodes, &names, look, &mut |cells, _| {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = columns(cell).max(*width);
        }
        Ok(())
    })?;
    if let Some(width) = look.width {
        fit(&mut widths, &mut names, width, look.ellipsis());
    }
    rows(nodes, &names, look, &mut |cells, styles| {
        let mut line = String::new();
        for ((width, cell), style) in
            widths.iter().zip(cells).zip(styles).filter(|((width, _), _)| **width > 0)
        {
            look.paint(&mut line, *style, cell);
            // `{:width$}` counts characters, but some are two columns wide, and a style has none.
            line.extend(std::iter::repeat_n(' ', width - columns(cell) + 2));
        }
        writeln!(out, "{}", line.trim_end_matches(' '))
    })
}

/// Calls `each` with each row and its styles. The rows are not kept: a short reply may make many.
fn rows(
    nodes: &[Record],
    names: &[String],
    look: Look,
    each: &mut dyn FnMut(&Cells, &[Style; HEAD.len()]) -> fmt::Result,
) -> fmt::Result {
    each(&HEAD.map(str::to_owned), &[Style::Bold; HEAD.len()])?;
    for (node, name) in nodes.iter().zip(names) {
        let is_contested = look.is_terminal && node.get("contested") == "yes";
        let (word, mark) =
            if is_contested { ("contested", Style::Magenta) } else { ("", Style::Plain) };
        let (bar, colour) = look.lease(node.lease());
        let styles = [Style::Plain, mark, Style::Plain, colour, Style::Plain, Style::Plain, mark];
        let mut addresses = node.addresses();
        let cells = [
            name.clone(),
            addresses.next().unwrap_or_default().to_owned(),
            node.get("interface").to_owned(),
            if node.is_own() {
                "own".to_owned()
            } else {
                format!("{bar}{} ago", span(node.get("age_s")))
            },
            span(node.get("known_s")),
            node.get("heard").to_owned(),
            word.to_owned(),
        ];
        each(&cells, &styles)?;
        for address in addresses {
            let mut cells = [const { String::new() }; HEAD.len()];
            if let Some(cell) = cells.get_mut(1) {
                address.clone_into(cell);
            }
            each(&cells, &styles)?;
        }
    }
    Ok(())
}

/// How many columns are too many for a terminal of that width.
fn excess(widths: &[usize], width: usize) -> usize {
    let columns = widths.iter().filter(|width| **width > 0);
    // Two spaces are between columns, and none behind the last.
    columns.map(|width| width + 2).sum::<usize>().saturating_sub(2).saturating_sub(width)
}

/// Makes the table as narrow as a terminal: columns get the width 0, then names lose their middle.
fn fit(widths: &mut [usize; HEAD.len()], names: &mut [String], width: usize, ellipsis: char) {
    for column in SPARE {
        if excess(widths, width) == 0 {
            return;
        }
        widths.iter_mut().skip(column).take(1).for_each(|width| *width = 0);
    }
    let excess = excess(widths, width);
    let [widest, ..] = widths;
    let room = widest.saturating_sub(excess).max(SHORTEST_NAME);
    let mut sorted: Vec<_> = names.iter().map(|name| shorten(name, room, ellipsis)).collect();
    sorted.sort_unstable();
    let [head, ..] = HEAD;
    *widest = columns(head);
    for name in names {
        let shortened = shorten(name, room, ellipsis);
        let first = sorted.partition_point(|other| *other < shortened);
        // Two nodes are not to look like one.
        if sorted.get(first + 1) != Some(&shortened) {
            *name = shortened;
        }
        *widest = columns(name).max(*widest);
    }
}

/// Leaves out the middle of a name that is wider than that.
fn shorten(name: &str, room: usize, ellipsis: char) -> String {
    if columns(name) <= room {
        return name.to_owned();
    }
    let room = room.saturating_sub(1);
    let at_end = room / 3;
    let mut shortened = beginning(name, room - at_end).to_owned();
    shortened.push(ellipsis);
    shortened + end(name, at_end)
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
        write(&mut out, &nodes(), Look::default()).unwrap();
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
        write(&mut out, &nodes(), Look::new(Some(0), &|_| None)).unwrap();
        let expected = "\
NODE      ADDRESS       INTERFACE  HEARD           KNOWN FOR  TIMES
nas       10.0.0.2:22   eth0       ##### 3 s ago   5 min      4      contested
          10.0.0.30:22
リビング  10.0.0.4:22   wlan0      ##... 61 s ago  25 h       1200
";
        assert_eq!(out, expected);
    }

    const SYNCTHING: &str = "P56IOI7MZJNU2IQGDREYDM2MGTMGL3BXNPQ6W5BTBBZ4TJXZWICQ";

    fn at_width(
        width: usize,
        nodes: &[Record],
        variable: &dyn Fn(&str) -> Option<std::ffi::OsString>,
    ) -> String {
        let mut out = String::new();
        write(&mut out, nodes, Look::new(Some(width), variable)).unwrap();
        out
    }

    fn named(id: &str) -> Record {
        Record::read(&format!(
            "node id={id} addresses=198.18.100.200:22000 interface=enp0s31f6 age_s=100 known_s=300 expires_s=87 heard=4 contested=no"
        ))
    }

    #[test]
    fn a_narrow_terminal_loses_columns_and_then_the_middle_of_names() {
        let nodes = [named(SYNCTHING), named("nas")];
        let all = "NODE ADDRESS INTERFACE HEARD KNOWN FOR TIMES";
        for (width, head, name) in [
            (0, all, SYNCTHING),
            (usize::MAX, all, SYNCTHING),
            (200, all, SYNCTHING),
            (120, all, SYNCTHING),
            (119, "NODE ADDRESS INTERFACE HEARD KNOWN FOR", SYNCTHING),
            (112, "NODE ADDRESS INTERFACE HEARD", SYNCTHING),
            (102, "NODE ADDRESS INTERFACE HEARD", SYNCTHING),
            (101, "NODE ADDRESS HEARD", SYNCTHING),
            (91, "NODE ADDRESS HEARD", SYNCTHING),
            (80, "NODE ADDRESS HEARD", "P56IOI7MZJNU2IQGDREYDM2MGTM…TBBZ4TJXZWICQ"),
            (50, "NODE ADDRESS HEARD", "P56IOI7…ICQ"),
            (40, "NODE ADDRESS HEARD", "P56IOI7…ICQ"),
            (20, "NODE ADDRESS HEARD", "P56IOI7…ICQ"),
            (1, "NODE ADDRESS HEARD", "P56IOI7…ICQ"),
        ] {
            let out = at_width(width, &nodes, &|name| (name == "LANG").then(|| "C.UTF-8".into()));
            let mut lines = out.lines();
            assert_eq!(
                lines.next().unwrap().split_whitespace().collect::<Vec<_>>().join(" "),
                head,
                "{width}"
            );
            assert_eq!(
                lines.next().unwrap().split_whitespace().next(),
                Some(name),
                "{width}: {out}"
            );
            assert!(lines.next().unwrap().starts_with("nas "), "{out}");
            let widest = out.lines().map(columns).max().unwrap();
            assert!(width < 50 || widest <= width, "{width}: {out}");
        }
        assert!(at_width(20, &nodes, &|_| None).contains("P56IOI7~ICQ "));
    }

    #[test]
    fn names_that_would_look_alike_are_shown_in_full() {
        let [one, two] =
            [1, 2].map(|number| format!("camera-at-the-back-door-{number}-of-the-house"));
        let nodes = [&one, &two, SYNCTHING, "P56IOI7~ICQ"].map(named);
        let out = at_width(40, &nodes, &|_| None);
        for name in [&one, &two, SYNCTHING, "P56IOI7~ICQ"] {
            assert_eq!(out.matches(&format!("{name} ")).count(), 1, "{out}");
        }
    }

    #[test]
    fn wide_names_are_shortened_by_their_columns() {
        assert_eq!(shorten("リビングのテレビ", 11, '…'), "リビン…ビ");
        assert_eq!(shorten("リビングのテレビ", 16, '…'), "リビングのテレビ");
        for room in 0..20 {
            assert!(columns(&shorten("リビングのテレビ", room, '~')) <= room.max(1), "{room}");
        }
    }

    #[test]
    fn an_own_node_is_marked_and_sorted_in() {
        let own = "own id=nas addresses=10.0.0.1:22 interface=eth0 age_s=0 known_s=300 expires_s=0 heard=0 contested=no own=yes";
        let mut out = String::new();
        write(&mut out, &[Record::read(own)], Look::new(Some(0), &|_| None)).unwrap();
        let expected = "\
NODE  ADDRESS      INTERFACE  HEARD  KNOWN FOR  TIMES
nas   10.0.0.1:22  eth0       own    5 min      0
";
        assert_eq!(out, expected);
    }
}
