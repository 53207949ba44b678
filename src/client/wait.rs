//! Waiting until a node is known.

use std::path::Path;
use std::time::Duration;

use super::deadline::Deadline;
use super::{Connection, Error};
use crate::control::{ErrorCode, Request, split};
use crate::wire::NodeId;

/// Asks, and while the node is not known, waits and asks again. `ask` fails if the node is not
/// known; so does this when the wait is over.
pub(crate) fn until_known<T>(
    control: Option<&Path>,
    id: &NodeId,
    wait: Duration,
    mut ask: impl FnMut() -> Result<T, Error>,
) -> Result<T, Error> {
    let deadline = Deadline::after(wait)?;
    loop {
        let unknown = match ask() {
            Err(error) if error.refuses(ErrorCode::UnknownNode) => error,
            result => return result,
        };
        match watch_for(control, id, deadline) {
            Ok(()) => {}
            Err(_) if deadline.has_passed()? => return Err(unknown),
            // The process was stopped for a while, say.
            Err(error) if error.refuses(ErrorCode::Slow) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Waits until a node appears. A watch begins with the known nodes, so it has a node that came
/// since the daemon was asked.
fn watch_for(control: Option<&Path>, id: &NodeId, deadline: Deadline) -> Result<(), Error> {
    let mut watch = Connection::open(control)?;
    watch.send_by(&Request::Watch, deadline)?;
    loop {
        let (kind, fields) = split(watch.next()?.ok_or(Error::Protocol { what: "watch" })?);
        if kind != "lost" && fields.get("id") == Some(id.as_str()) {
            return Ok(());
        }
    }
}
