//! `foghorn lookup`: where a node is.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lexopt::Arg::{Long, Short, Value};
use lexopt::{Parser, ValueExt as _};

use crate::cli::arguments::help;
use crate::cli::arguments::near_miss::{ADDRESS, has_option, mistaken, nearest};
use crate::cli::asking::client::{Client, Record, ip_and_port};
use crate::cli::forms::json;
use crate::cli::output;
use crate::cli::{Failure, refused, text, unexpected, value};
use crate::client::Error;
use crate::client::wait::until_known;
use crate::control::{ErrorCode, Request};
use crate::wire::NodeId;

/// The longest wait.
const DAY: Duration = Duration::from_secs(86_400);

pub(crate) fn main(parser: &mut Parser) -> Result<(), Failure> {
    let mut id = None;
    let (mut all, mut host, mut as_json) = (false, false, false);
    let mut control: Option<PathBuf> = None;
    let mut wait = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return output::print(help::LOOKUP),
            Long("all") => all = true,
            Long("host") => host = true,
            Long("json") => as_json = true,
            Long("wait") => wait = Some(seconds(&text(parser)?)?),
            Long("control") => control = Some(value(parser)?.into()),
            Value(value) => id = Some(only_node(id, value, help::LOOKUP)?),
            other => return Err(unexpected(other, help::LOOKUP)),
        }
    }
    let id = id.ok_or_else(|| {
        Failure::usage(
            "no node given; try foghorn lookup NODE, and foghorn list shows the known nodes",
        )
    })?;
    if as_json && (all || host) {
        return Err(Failure::usage("--json has every address: leave --all and --host out"));
    }
    let control = control.as_deref();
    let node = match wait {
        None => ask(control, &id),
        Some(wait) => until_known(control, &id, wait, || ask(control, &id)),
    };
    let node = node.map_err(|error| advise(control, &id, error))?;
    output::write(|out| {
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

/// The `NodeID` that was typed.
pub(crate) fn node_id(text: &str) -> Result<NodeId, Failure> {
    NodeId::try_from(text).map_err(|invalid| {
        Failure::usage(format!("\"{text}\" is not a valid node name: {invalid}"))
    })
}

/// The node that was typed, unless there was one before: `lookup nas tv`, or `lookup all nas` for
/// `--all`.
pub(crate) fn only_node(
    before: Option<NodeId>,
    value: OsString,
    help: &str,
) -> Result<NodeId, Failure> {
    match before {
        None => node_id(&value.string()?),
        Some(option) if has_option(help, option.as_str()) => {
            Err(unexpected(Value(option.as_str().into()), help))
        }
        Some(_) => Err(unexpected(Value(value), help)),
    }
}

/// Asks the daemon where a node is.
pub(crate) fn ask(control: Option<&Path>, id: &NodeId) -> Result<Record, Error> {
    let mut client = Client::connect(control)?;
    match client.nodes(&Request::Lookup(id.clone())) {
        // The list alone has the addresses of the machine's own nodes.
        Err(error) if error.refuses(ErrorCode::OwnNode) => {
            let mut all = client.all_nodes(&Request::List)?.into_iter();
            all.find(|node| node.is_own() && node.get("id") == id.as_str()).ok_or(error)
        }
        reply => reply?.into_iter().next().ok_or(Error::Protocol { what: "node" }),
    }
}

/// What to say of a failure to find a node: if it is not known, also which one may be meant
/// instead.
pub(crate) fn advise(control: Option<&Path>, id: &NodeId, error: Error) -> Failure {
    let is_unknown = error.refuses(ErrorCode::UnknownNode);
    let failure = Failure::from(error);
    if !is_unknown {
        return failure;
    }
    let nodes = Client::connect(control).and_then(|mut client| client.all_nodes(&Request::List));
    let nodes = nodes.unwrap_or_default();
    let (what, name) = mistaken(id.as_str()).unwrap_or(("", id.as_str()));
    let mut names = String::new();
    let has_address =
        |node: &Record| node.addresses().any(|address| ip_and_port(address).0 == name);
    for node in nodes.iter().filter(|node| what != ADDRESS || has_address(node)) {
        names.extend([node.get("id"), " "]);
    }
    let meant = if what == ADDRESS { names.split(' ').next() } else { nearest(name, &names, "") };
    let mut message = failure.to_string();
    if !what.is_empty() {
        message.extend([": that is ", what]);
    }
    match meant.filter(|meant| !meant.is_empty()) {
        Some(meant) => message.extend([": did you mean ", meant, "?"]),
        None => message.push_str(": foghorn list shows the known nodes"),
    }
    Failure::no(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Exit;

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
