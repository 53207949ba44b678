//! The lines of a watch.

use std::path::Path;

use crate::cli::asking::record::Record;
use crate::cli::asking::session::Session;
use crate::client::Error;
use crate::control::Request;

/// The kinds of lines. A later version may have more, which are skipped.
const EVENTS: [&str; 5] = ["known", "found", "moved", "contested", "lost"];

pub(super) fn begin(control: Option<&Path>) -> Result<Session, Error> {
    let mut watch = Session::connect(control)?;
    watch.send(&Request::Watch)?;
    watch.wait_until(None);
    Ok(watch)
}

/// The next change; none at the end.
pub(super) fn next(watch: &mut Session) -> Result<Option<Record>, Error> {
    while let Some(change) = watch.next()? {
        if EVENTS.contains(&change.kind()) {
            change.require("id")?;
            change.require("address")?;
            return Ok(Some(change));
        }
    }
    Ok(None)
}
