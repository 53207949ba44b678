//! `foghorn lookup`: where a node is.

use std::time::Duration;

use crate::cli::arguments::node::only_node;
use crate::cli::arguments::parser::Argument::{Named, Word};
use crate::cli::arguments::parser::{Parser, refused};
use crate::cli::asking::record::ip_and_port;
use crate::cli::commands::find::{advise, ask};
use crate::cli::failure::Failure;
use crate::cli::forms::json;
use crate::cli::stdio;
use crate::client::wait::until_known;

/// The longest wait.
const DAY: Duration = Duration::from_secs(86_400);

pub(crate) fn main(parser: &mut Parser) -> Result<(), Failure> {
    let mut id = None;
    let (mut all, mut host, mut as_json) = (false, false, false);
    let mut wait = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Named("all") => all = true,
            Named("host") => host = true,
            Named("json") => as_json = true,
            Named("wait") => wait = Some(seconds(&parser.text()?)?),
            Word(word) => id = Some(only_node(id, word, parser.help())?),
            other @ Named(_) => return Err(parser.refuse(other)),
        }
    }
    let id = id.ok_or_else(|| {
        Failure::usage(
            "no node given; try foghorn lookup NODE, and foghorn list shows the known nodes",
        )
    })?;
    if as_json && (all || host) {
        return Err(Failure::usage("--json has every address anyway: omit --all and --host"));
    }
    let control = parser.control();
    let node = match wait {
        None => ask(control, &id),
        Some(wait) => until_known(control, &id, wait, || ask(control, &id)),
    };
    let node = node.map_err(|error| advise(control, &id, error))?;
    stdio::write(|out| {
        if as_json {
            let mut text = String::new();
            json::object(&mut text, &node);
            return writeln!(out, "{text}");
        }
        for address in node.addresses().take(if all { usize::MAX } else { 1 }) {
            let (ip, _) = ip_and_port(address);
            writeln!(out, "{}", if host { ip } else { address })?;
        }
        Ok(())
    })
}

/// How long to wait: also a part of a second, at most a day.
fn seconds(text: &str) -> Result<Duration, Failure> {
    let wait = decimal(text).filter(|wait| *wait <= DAY);
    wait.ok_or_else(|| {
        refused("--wait takes a number of seconds from 0 to 86400, like 10 or 0.5", text)
    })
}

/// Reads seconds, to the millisecond. Floating point would do it too, but reading it takes 15 kB of
/// tables and code.
fn decimal(text: &str) -> Option<Duration> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(decimals) {
        return None;
    }
    let digits = decimals.bytes().chain(*b"000").take(3);
    let millis = digits.fold(0, |millis, digit| 10 * millis + u64::from(digit - b'0'));
    Some(Duration::from_secs(whole.parse().ok()?) + Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::failure::Exit;

    #[test]
    fn waits_are_read_to_the_millisecond() {
        for (text, millis) in [
            ("0", 0),
            ("10", 10_000),
            ("0.5", 500),
            ("1.25", 1_250),
            ("0.0019", 1),
            ("3.", 3_000),
            ("86400", 86_400_000),
        ] {
            assert_eq!(seconds(text).unwrap(), Duration::from_millis(millis), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_wait_is_refused() {
        let bad = [
            "",
            ".",
            ".5",
            "-1",
            "+1",
            "1e3",
            "nan",
            "inf",
            "1,5",
            "1.5.5",
            "1.-5",
            "86400.001",
            "99999999999999999999",
        ];
        for text in bad {
            assert_eq!(seconds(text).unwrap_err().exit, Exit::Usage, "{text:?}");
        }
    }
}
