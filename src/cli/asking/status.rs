//! How the daemon is doing.

use std::path::Path;

use crate::cli::asking::record::Record;
use crate::cli::asking::session::Session;
use crate::client::Error;
use crate::control::Request;

/// The lines of the reply.
pub(crate) struct Status(pub(crate) Vec<Record>);

/// The lines that each reply has, once.
const ALWAYS: [&str; 4] = ["daemon", "registry", "datagrams", "rejected"];

impl Status {
    /// Asks the daemon how it does.
    pub(crate) fn ask(control: Option<&Path>) -> Result<Self, Error> {
        let status = Self(Session::connect(control)?.ask(&Request::Status)?);
        match ALWAYS.iter().find(|kind| status.all(kind).count() != 1) {
            Some(what) => Err(Error::Protocol { what }),
            None => Ok(status),
        }
    }

    #[cfg(test)]
    pub(crate) fn read(lines: &[&str]) -> Self {
        Self(lines.iter().map(|line| Record::read(line)).collect())
    }

    /// The lines of one kind.
    pub(crate) fn all<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Record> {
        self.0.iter().filter(move |record| record.kind() == kind)
    }

    pub(crate) fn get<'a>(&'a self, kind: &'a str, key: &str) -> &'a str {
        self.all(kind).next().map_or("?", |record| record.get(key))
    }

    /// A number, which the line must have.
    pub(crate) fn number(&self, kind: &'static str, key: &'static str) -> Result<u64, Error> {
        let record = self.all(kind).next().ok_or(Error::Protocol { what: kind })?;
        record.require(key)?.parse().map_err(|_| Error::Protocol { what: key })
    }

    /// Counts, each with its name.
    pub(crate) fn counts(&self, kind: &str, keys: &[&str]) -> String {
        let mut counts = String::new();
        for key in keys {
            let comma = if counts.is_empty() { "" } else { ", " };
            counts.extend([comma, self.get(kind, key), " ", key]);
        }
        counts
    }
}
