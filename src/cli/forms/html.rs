//! The nodes as a page for a browser: one file without scripts that needs nothing else.

use std::fmt::{self, Write};

use crate::cli::asking::record::Record;
use crate::cli::failure::Failure;
use crate::cli::forms::time::{WRITTEN, span, utc};

/// The page up to the name of the machine. Its policy keeps a browser from running or fetching
/// anything, even if a node's name were not escaped.
const HEAD: &str = "\
<!DOCTYPE html>
<html lang=en>
<meta charset=utf-8>
<meta name=viewport content=\"width=device-width\">
<meta http-equiv=refresh content=30>
<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">
<style>
:root{color-scheme:light dark;font:1rem/1.4 system-ui,sans-serif}
body{max-width:60rem;margin:auto;padding:1rem}
h1,p{margin:.5rem}
meter{width:3rem}
table{width:100%;border-collapse:collapse}
tr{border-bottom:1px solid #8886}
td,th{padding:.5rem;text-align:left;vertical-align:top;overflow:hidden}
td:first-child{overflow-wrap:anywhere}
tr>:nth-child(n+4){text-align:right;white-space:nowrap}
@media(max-width:40rem){tr{display:flex;flex-wrap:wrap;justify-content:space-between}td{padding:.2rem .5rem}td:first-child{width:100%;font-weight:bold}th,td:nth-child(3),td:last-child{display:none}}
</style>
<title>Nodes at ";

const NOBODY: &str =
    "<p>No node has been heard yet: wait 30 s, and check that foghorn runs on another machine.\n";

/// From the time to the first row.
const TABLE: &str = "\
<table>
<tr><th>Node<th>Address<th>Interface<th>Heard<th>Known for";

/// Writes the page of a machine with that name, as of that number of seconds since 1970. Without an
/// answer the page says why: an old page would go on showing nodes.
pub(crate) fn write(
    out: &mut dyn Write,
    host: &str,
    time: Option<u64>,
    nodes: Result<&[Record], &Failure>,
) -> fmt::Result {
    out.write_str(HEAD)?;
    escape(out, host)?;
    out.write_str("</title>\n<h1>Nodes at ")?;
    escape(out, host)?;
    out.write_str("</h1>\n<p>")?;
    match time {
        Some(time) if time >= WRITTEN => writeln!(out, "As of {}", utc(time))?,
        _ => out.write_str("The clock is not set, so this page does not show how old it is.\n")?,
    }
    let nodes = match nodes {
        Ok(nodes) => nodes,
        Err(failure) => {
            out.write_str("<p><mark>")?;
            escape(out, &failure.message)?;
            return out.write_str("</mark>\n");
        }
    };
    if nodes.iter().all(Record::is_own) {
        out.write_str(NOBODY)?;
    }
    if nodes.is_empty() {
        return Ok(());
    }
    out.write_str(TABLE)?;
    for node in nodes {
        out.write_str("\n<tr><td>")?;
        escape(out, node.get("id"))?;
        if node.get("contested") == "yes" {
            out.write_str(" <mark>contested</mark>")?;
        }
        let mut separator = "<td>";
        for address in node.addresses() {
            out.write_str(separator)?;
            escape(out, address)?;
            separator = "<br>";
        }
        out.write_str("<td>")?;
        escape(out, node.get("interface"))?;
        let [age, known] = ["age_s", "known_s"].map(|key| span(node.get(key)));
        if node.is_own() {
            out.write_str("<td>own")?;
        } else {
            write!(out, "<td>{age} ago")?;
        }
        if let Some(left) = node.lease() {
            write!(out, " <meter max=100 low=20 high=60 optimum=100 value={left}></meter>")?;
        }
        write!(out, "<td>{known}")?;
    }
    out.write_str("\n</table>\n")
}

/// Writes text with all markup escaped.
fn escape(out: &mut dyn Write, text: &str) -> fmt::Result {
    text.chars().try_for_each(|c| match c {
        '&' | '<' | '>' | '"' | '\'' => write!(out, "&#{};", u32::from(c)),
        _ => out.write_char(c),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The part of the page after the head and the time.
    fn body(lines: &[&str]) -> String {
        let nodes: Vec<_> = lines.iter().map(|line| Record::read(line)).collect();
        after_head(Some(2_208_988_800), Ok(&nodes))
            .strip_prefix("<p>As of 2040-01-01 00:00:00 UTC\n")
            .unwrap()
            .to_owned()
    }

    fn after_head(time: Option<u64>, nodes: Result<&[Record], &Failure>) -> String {
        let mut out = String::new();
        write(&mut out, "pi", time, nodes).unwrap();
        assert!(out.starts_with(HEAD));
        out.split_once("</h1>\n").unwrap().1.to_owned()
    }

    #[test]
    fn a_page_from_a_clock_that_is_not_set_has_no_time() {
        for time in [None, Some(0), Some(300), Some(WRITTEN - 1)] {
            let page = after_head(time, Ok(&[]));
            assert!(
                page.starts_with("<p>The clock is not set") && !page.contains("UTC"),
                "{time:?}: {page}"
            );
        }
    }

    #[test]
    fn a_page_without_an_answer_says_why() {
        let failure = Failure::failed("no daemon answers at <b>");
        let page = after_head(Some(WRITTEN), Err(&failure));
        let expected =
            "<p>As of 2026-01-01 00:00:00 UTC\n<p><mark>no daemon answers at &#60;b&#62;</mark>\n";
        assert_eq!(page, expected);
    }

    #[test]
    fn each_node_has_a_row() {
        let lines = [
            "node id=nas addresses=10.0.0.2:22,10.0.0.30:22 interface=eth0 age_s=45 known_s=300 expires_s=45 heard=4 contested=yes",
            "node id=tv addresses=10.0.0.4:80",
        ];
        let expected = "\
<table>
<tr><th>Node<th>Address<th>Interface<th>Heard<th>Known for
<tr><td>nas <mark>contested</mark><td>10.0.0.2:22<br>10.0.0.30:22<td>eth0\
<td>45 s ago <meter max=100 low=20 high=60 optimum=100 value=50></meter><td>5 min
<tr><td>tv<td>10.0.0.4:80<td>?<td>? ago<td>?
</table>
";
        assert_eq!(body(&lines), expected);
    }

    #[test]
    fn a_page_without_nodes_says_so() {
        assert_eq!(body(&[]), NOBODY);
        let own = body(&[
            "own id=nas addresses=10.0.0.2:22 interface=eth0 age_s=0 known_s=300 expires_s=0 own=yes",
        ]);
        assert!(own.starts_with(NOBODY), "{own}");
        assert!(own.contains("\n<tr><td>nas<td>10.0.0.2:22<td>eth0<td>own<td>5 min\n"), "{own}");
    }

    #[test]
    fn nothing_that_the_daemon_says_is_markup() {
        let body = body(&[
            "node id=<b>&'\" addresses=<b> interface=<b> age_s=<b> known_s=<b> expires_s=<b> contested=<b>",
        ]);
        assert!(
            body.contains(
                "<tr><td>&#60;b&#62;&#38;&#39;&#34;<td>&#60;b&#62;<td>&#60;b&#62;<td>? ago<td>?\n"
            ),
            "{body}"
        );
    }
}
