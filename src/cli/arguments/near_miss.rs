//! Suggestions for input that foghorn does not understand.

use crate::cli::arguments::options::has_option;

/// Words that people type. The suggestion follows the colon: an option, if the command has it, or
/// another command. `@` stands for the node, `~` for the word itself.
const WORDS: &str = "\
verbose debug v:--log debug
quiet silent q:--log error
name hostname host node n:--id
iface device dev:--interface
timeout time t:--wait
socket sock s:--control
expected:--expect
port:--udp-port
start up serve server service daemon d background b:foghorn run, systemctl start foghorn or service foghorn start
stop down kill quit exit:systemctl stop foghorn or service foghorn stop
restart reload enable disable:systemctl ~ foghorn or service foghorn ~
log logs:journalctl -u foghorn or logread -e foghorn
version v:foghorn --version
h ? man usage:foghorn --help
l ls nodes devices peers neighbors show ps all scan discover browse:foghorn list
json:foghorn list --json
html:foghorn list --html
metrics:foghorn status --metrics
info stats state:foghorn status
check test diagnose:foghorn doctor
monitor follow tail events:foghorn watch
config configure settings:foghorn run --help
find get resolve where query host dig nslookup:foghorn lookup @
ping:ping \"$(foghorn lookup --host @)\"
ssh:ssh -o ProxyCommand='foghorn connect %h' @
nc telnet:foghorn connect @
announce register publish add:foghorn run --announce @
";

/// The suggestion for a word that is followed by `next`. It is an option only if the help text has
/// that option.
pub(crate) fn meant_by(word: &str, next: Option<&str>, help: &str) -> Option<String> {
    for line in WORDS.split('\n') {
        let (words, meant) = line.split_once(':')?;
        let option = meant.strip_prefix("--").and_then(|option| option.split(' ').next());
        if words.split(' ').any(|known| known.eq_ignore_ascii_case(word))
            && option.is_none_or(|option| has_option(help, option))
        {
            return Some(meant.replace('~', word).replace('@', next.unwrap_or("NODE")));
        }
    }
    None
}

/// The word that was probably meant, among the words of a text that begin with `mark`. It is
/// returned without the mark. Best is a word that differs only in case, then one with a typing
/// error or two, then one that begins like the typed word or the other way round. The first of
/// several wins.
pub(crate) fn nearest<'a>(typed: &str, text: &'a str, mark: &str) -> Option<&'a str> {
    let mut best = (u8::MAX, None);
    for word in text.split_ascii_whitespace() {
        if let Some(word) = word.strip_prefix(mark)
            && let Some(distance) = distance(typed, word).filter(|distance| *distance < best.0)
        {
            best = (distance, Some(word));
        }
    }
    best.1
}

/// How many typing errors lie between two words, if they are few.
fn distance(typed: &str, meant: &str) -> Option<u8> {
    let most = match typed.len() {
        0..2 => 0,
        2..5 => 1,
        _ => 2,
    };
    for slips in 0..=most {
        if is_within(slips, typed.as_bytes(), meant.as_bytes()) {
            return Some(slips);
        }
    }
    (!typed.is_empty() && (meant.starts_with(typed) || typed.starts_with(meant)))
        .then_some(most + 1)
}

/// Whether at most so many typing errors lead from one word to the other: a letter too many, a
/// missing letter, a wrong one, or two that changed places. The common beginning is skipped, so
/// each error takes 4 steps and no memory.
fn is_within(slips: u8, typed: &[u8], meant: &[u8]) -> bool {
    let alike = typed.iter().zip(meant).take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count();
    match (typed.get(alike..).unwrap_or_default(), meant.get(alike..).unwrap_or_default()) {
        ([], rest) | (rest, []) => rest.len() <= usize::from(slips),
        _ if slips == 0 => false,
        (typed @ [t, typed_rest @ ..], meant @ [m, meant_rest @ ..]) => {
            let is_near = |typed, meant| is_within(slips - 1, typed, meant);
            is_near(typed_rest, meant_rest)
                || is_near(typed_rest, meant)
                || is_near(typed, meant_rest)
                || matches!((typed_rest, meant_rest), ([t2, typed @ ..], [m2, meant @ ..])
                    if t == m2 && m == t2 && is_near(typed, meant))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_nearest_is_found_first() {
        let commands = "run lookup list watch status connect";
        for (typed, meant) in [
            ("lokup", Some("lookup")),
            ("lookpu", Some("lookup")),
            ("LIST", Some("list")),
            ("lsit", Some("list")),
            ("rnu", Some("run")),
            ("stats", Some("status")),
            ("conect", Some("connect")),
            ("conn", Some("connect")),
            ("lists", Some("list")),
            ("s", Some("status")),
            ("", None),
            ("nas", None),
            ("frobnicate", None),
            ("kupook", None),
            ("łist", Some("list")),
        ] {
            assert_eq!(nearest(typed, commands, ""), meant, "{typed:?}");
        }
    }

    #[test]
    fn nodes_are_found_by_a_part_of_their_name_and_with_a_port_behind() {
        let id = "P56IOI7MZJNU2IQGDREYDM2MGTMGL3BXNPQ6W5BTBBZ4TJXZWICQ";
        let nodes = format!("{id} NAS nas");
        for (typed, meant) in
            [("P56IOI7", id), ("nas:22", "nas"), ("nsa", "nas"), ("Nas", "NAS"), ("nas", "NAS")]
        {
            assert_eq!(nearest(typed, &nodes, ""), Some(meant), "{typed}");
        }
        assert_eq!(nearest("nas", "", ""), None);
    }

    #[test]
    fn only_marked_words_count() {
        let help =
            "Options:\n  -h, --help     this text\n  --id NODE --port PORT  announce NODE at PORT";
        for (typed, meant) in [
            ("prt", Some("port")),
            ("i", Some("id")),
            ("ports", Some("port")),
            ("text", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, help, "--"), meant, "{typed}");
        }
    }

    #[test]
    fn a_slip_is_any_of_four() {
        for (typed, slips) in [
            ("list", 0),
            ("lst", 1),
            ("liist", 1),
            ("lisp", 1),
            ("ilst", 1),
            ("lt", 2),
            ("ilts", 2),
            ("tsil", 3),
        ] {
            for allowed in 0..6 {
                assert_eq!(
                    is_within(allowed, typed.as_bytes(), b"list"),
                    slips <= allowed,
                    "{typed} {allowed}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn it_is_the_same_both_ways(a in ".{0,80}", b in ".{0,80}") {
            let left = is_within(2, a.as_bytes(), b.as_bytes());
            let right = is_within(2, b.as_bytes(), a.as_bytes());
            prop_assert_eq!(left, right);
            prop_assert!(is_within(0, a.as_bytes(), a.as_bytes()));
        }
    }
}
