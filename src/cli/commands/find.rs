//! Where a node is, and what to say when it is not known.

use std::path::Path;

use crate::cli::arguments::near_miss::nearest;
use crate::cli::arguments::node::{ADDRESS, mistaken};
use crate::cli::asking::record::{Record, ip_and_port};
use crate::cli::asking::session::Session;
use crate::cli::failure::Failure;
use crate::client::Error;
use crate::control::{ErrorCode, Request};
use crate::wire::NodeId;

/// Asks the daemon where a node is.
pub(crate) fn ask(control: Option<&Path>, id: &NodeId) -> Result<Record, Error> {
    let mut session = Session::connect(control)?;
    match session.nodes(&Request::Lookup(id.clone())) {
        // The list alone has the addresses of the machine's own nodes.
        Err(error) if error.refuses(ErrorCode::OwnNode) => {
            let mut all = session.all_nodes(&Request::List)?.into_iter();
            all.find(|node| node.is_own() && node.get("id") == id.as_str()).ok_or(error)
        }
        reply => reply?.into_iter().next().ok_or(Error::Protocol { what: "node" }),
    }
}

/// The failure to report when a node is not found. If it is not known, the message suggests another
/// one.
pub(crate) fn advise(control: Option<&Path>, id: &NodeId, error: Error) -> Failure {
    let is_unknown = error.refuses(ErrorCode::UnknownNode);
    let failure = Failure::from(error);
    if !is_unknown {
        return failure;
    }
    let nodes = Session::connect(control).and_then(|mut session| session.all_nodes(&Request::List));
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
