//! The abilities of a terminal beyond plain text.

use std::env;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::IsTerminal as _;

use rustix::stdio::stdout;
use rustix::termios::tcgetwinsize;

/// A way to show text, with its code for a terminal (SGR in ECMA-48).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Plain = 0,
    Bold = 1,
    Red = 31,
    Green = 32,
    Yellow = 33,
    Magenta = 35,
}

/// How standard output may look. It is plain if it is not a terminal, so that programs always read
/// the same.
#[derive(Clone, Copy, Default)]
pub(crate) struct Look {
    /// Whether it is a terminal at all.
    pub(crate) is_terminal: bool,
    /// How many columns a line may have there; none if that is not known.
    pub(crate) width: Option<usize>,
    has_colours: bool,
    has_utf8: bool,
}

impl Look {
    /// For what standard output is now.
    pub(crate) fn of_output() -> Self {
        let columns = || tcgetwinsize(stdout()).map_or(0, |size| usize::from(size.ws_col));
        Self::new(stdout().is_terminal().then(columns), &|name| env::var_os(name))
    }

    /// For a terminal of so many columns, or for none, and also by the environment: `NO_COLOR` and
    /// `TERM`, the locale as POSIX finds it, and `COLUMNS` where the terminal does not tell how
    /// wide it is, which is 0 then: a serial line does not. (That is what `ls` does.) An empty
    /// variable counts as not set.
    pub(crate) fn new(columns: Option<usize>, variable: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let get = |name| variable(name).filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(get).unwrap_or_default();
        // As in de_DE.UTF-8@euro and C.utf8.
        let charset = locale
            .to_str()
            .and_then(|locale| locale.split_once('.'))
            .map_or("", |(_, charset)| charset);
        let is_terminal = columns.is_some();
        let from_variable = || get("COLUMNS")?.to_str()?.parse().ok();
        let width =
            columns.and_then(|columns| if columns > 0 { Some(columns) } else { from_variable() });
        Self {
            is_terminal,
            width: width.filter(|width| *width > 0),
            has_colours: is_terminal
                && get("NO_COLOR").is_none()
                && get("TERM").is_some_and(|term| term != "dumb"),
            has_utf8: charset.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("utf")),
        }
    }

    /// Writes text in a style.
    pub(crate) fn paint(self, out: &mut String, style: Style, text: &str) {
        if self.has_colours && style != Style::Plain && !text.is_empty() {
            // Text in memory takes all that is written to it.
            let _ = write!(out, "\x1b[{}m{text}\x1b[m", style as u8);
        } else {
            out.push_str(text);
        }
    }

    /// The character in place of the middle of a name, one column wide.
    pub(crate) fn ellipsis(self) -> char {
        if self.has_utf8 { '…' } else { '~' }
    }

    /// A bar of how much of a node's lease is left, in percent, and a space. It is green as long as
    /// the node is heard on time, three times in a lease; yellow after a missed announcement or
    /// two; red when the node will soon be forgotten.
    pub(crate) fn lease(self, left: Option<u64>) -> (String, Style) {
        let Some(left) = left.filter(|_| self.is_terminal) else {
            return (String::new(), Style::Plain);
        };
        let [full, empty] = if self.has_utf8 { ['█', '░'] } else { ['#', '.'] };
        let mut bar = String::new();
        for percent in [0, 20, 40, 60, 80] {
            bar.push(if percent < left { full } else { empty });
        }
        bar.push(' ');
        let style = match left {
            0..=20 => Style::Red,
            21..=60 => Style::Yellow,
            _ => Style::Green,
        };
        (bar, style)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terminal(variables: &'static [(&str, &str)]) -> Look {
        Look::new(Some(0), &|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
        })
    }

    #[test]
    fn colours_need_a_terminal_that_has_them_and_nobody_who_minds() {
        for (variables, has_colours) in [
            (&[("TERM", "xterm")][..], true),
            (&[("TERM", "linux"), ("NO_COLOR", "")], true),
            (&[("TERM", "xterm"), ("NO_COLOR", "0")], false),
            (&[("TERM", "dumb")], false),
            (&[("TERM", "")], false),
            (&[], false),
        ] {
            assert_eq!(terminal(variables).has_colours, has_colours, "{variables:?}");
        }
        assert!(!Look::new(None, &|_| Some("xterm".into())).has_colours);
    }

    #[test]
    fn the_first_variable_of_the_locale_that_is_set_tells_the_characters() {
        for (variables, has_utf8) in [
            (&[("LANG", "de_DE.UTF-8")][..], true),
            (&[("LC_ALL", ""), ("LC_CTYPE", "C.utf8"), ("LANG", "C")], true),
            (&[("LC_ALL", "POSIX"), ("LC_CTYPE", "C.UTF-8")], false),
            (&[("LC_ALL", "de_DE.UTF-8@euro")], true),
            (&[("LANG", "de_DE.ISO-8859-15")], false),
            (&[], false),
        ] {
            assert_eq!(terminal(variables).has_utf8, has_utf8, "{variables:?}");
        }
    }

    #[test]
    fn a_terminal_that_does_not_tell_its_width_may_have_one_by_the_environment() {
        for (columns, variable, width) in [
            (Some(80), "", Some(80)),
            (Some(80), "40", Some(80)),
            (Some(0), "132", Some(132)),
            (Some(0), "", None),
            (Some(0), "0", None),
            (Some(0), "-1", None),
            (Some(0), "wide", None),
            (Some(0), "18446744073709551616", None),
            (None, "80", None),
        ] {
            let variables = |name: &str| (name == "COLUMNS").then(|| variable.into());
            assert_eq!(Look::new(columns, &variables).width, width, "{columns:?} {variable:?}");
        }
    }

    #[test]
    fn a_bar_shrinks_and_changes_its_colour() {
        let utf8 = terminal(&[("LANG", "C.UTF-8"), ("TERM", "xterm")]);
        let shown = |left| {
            let (bar, style) = utf8.lease(Some(left));
            let mut out = String::new();
            utf8.paint(&mut out, style, &bar);
            out
        };
        assert_eq!(shown(100), "\x1b[32m█████ \x1b[m");
        assert_eq!(shown(61), "\x1b[32m████░ \x1b[m");
        assert_eq!(shown(60), "\x1b[33m███░░ \x1b[m");
        assert_eq!(shown(21), "\x1b[33m██░░░ \x1b[m");
        assert_eq!(shown(20), "\x1b[31m█░░░░ \x1b[m");
        assert_eq!(shown(0), "\x1b[31m░░░░░ \x1b[m");
        assert_eq!(shown(u64::MAX), shown(100));
        assert_eq!(terminal(&[]).lease(Some(50)).0, "###.. ");
        assert_eq!(utf8.lease(None).0, "");
        assert_eq!(Look::default().lease(Some(50)).0, "");
    }
}
