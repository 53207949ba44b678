//! The node that was typed.

use std::ffi::OsString;
use std::net::Ipv4Addr;

use lexopt::Arg::Value;
use lexopt::ValueExt as _;

use crate::cli::arguments::options::has_option;
use crate::cli::arguments::unexpected::unexpected;
use crate::cli::failure::Failure;
use crate::wire::NodeId;

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

/// Recognises a URL, an address and the like in place of a node's name: its kind, and the part that
/// may be the name.
pub(crate) fn mistaken(text: &str) -> Option<(&'static str, &str)> {
    let (mut what, mut name) = (None, text);
    if let Some(rest) = text.split_once(':').and_then(|(_, rest)| rest.strip_prefix("//")) {
        what = Some("a URL");
        name = rest.split('/').next().unwrap_or(rest);
    }
    if let Some((_, rest)) = name.rsplit_once('@') {
        what = what.or(Some(USER));
        name = rest;
    }
    let colons = name.bytes().filter(|byte| *byte == b':').count();
    if colons > 1 && name.bytes().all(|byte| byte == b':' || byte.is_ascii_hexdigit()) {
        return Some((ADDRESS, name));
    }
    if let Some((rest, port)) = name.rsplit_once(':')
        && port.parse::<u16>().is_ok()
    {
        what = what.or(Some("a name and a port"));
        name = rest;
    }
    if name.parse::<Ipv4Addr>().is_ok() {
        what = Some(ADDRESS);
    }
    what.map(|what| (what, name))
}

/// The kind of `user@name`, as for SSH. A node can have such a name.
pub(crate) const USER: &str = "a user and a name";

pub(crate) const ADDRESS: &str = "an address";
