//! Long lines for a narrow terminal.

use std::fmt::{self, Write};

use crate::cli::forms::columns::width;

/// Columns before an item.
const INDENT: usize = 12;

/// Writes a line. On a terminal that is too narrow it is continued on the next one, indented by two
/// more columns.
pub(crate) fn fold(out: &mut dyn Write, line: &str, width: usize) -> fmt::Result {
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

/// Where to break a text that is too wide: after punctuation, else after a word, else within a
/// list. If even the first part is too wide, after that part.
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
        columns += width(c);
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
