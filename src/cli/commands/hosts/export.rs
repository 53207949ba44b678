//! The lines of the nodes whose names are free.

use std::path::Path;

use super::lines::{self, HostsLine, find};
use super::listed;
use super::taken::{Taken, Unreadable};
use crate::cli::asking::record::Record;
use crate::cli::asking::session::Session;
use crate::client::Error;
use crate::control::Request;

/// Where the lines come from, and which names are left out.
pub(super) struct Hosts<'a> {
    /// Patterns, in lower case.
    pub(super) excluded: Vec<String>,
    pub(super) taken: Taken,
    pub(super) control: Option<&'a Path>,
}

impl Hosts<'_> {
    pub(super) fn connect(&self) -> Result<Session, Error> {
        Session::connect(self.control)
    }

    /// The nodes as they are now.
    pub(super) fn nodes(&self) -> Result<Vec<Record>, Error> {
        self.connect()?.nodes(&Request::List)
    }

    /// Writes the lines of the nodes whose names are free. While a file can't be read, any name may
    /// be in it. Then only names that were exported before are written.
    pub(super) fn write(
        &self,
        text: &mut String,
        nodes: &[Record],
        exported: &[u8],
    ) -> Result<(), Unreadable> {
        let mut lines = lines::of(nodes, &self.excluded);
        let marked = self.taken.mark(&mut lines);
        lines.retain(|line| !line.is_taken);
        if marked.is_err() {
            keep_exported(&mut lines, exported);
        }
        lines::write(text, &lines);
        marked
    }
}

/// Keeps only the lines whose names are in the exported text.
fn keep_exported(lines: &mut Vec<HostsLine<'_>>, mut exported: &[u8]) {
    // Text in memory can always be read, and it is not too long.
    let _ = listed::for_each(&mut exported, &mut |name| {
        if let Some(line) = find(lines, name) {
            line.is_exported = true;
        }
    });
    lines.retain(|line| line.is_exported);
}
