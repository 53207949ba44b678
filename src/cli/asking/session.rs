//! A connection to the daemon.

use std::path::Path;

use crate::cli::asking::record::Record;
use crate::client::deadline::Deadline;
use crate::client::{Connection, Error};
use crate::control::Request;

/// A connection to the daemon.
pub(crate) struct Session(Connection);

impl Session {
    /// Connects to the daemon that was asked for, else to the first that answers.
    pub(crate) fn connect(control: Option<&Path>) -> Result<Self, Error> {
        Ok(Self(Connection::open(control)?))
    }

    /// Sends a request and reads the whole reply.
    pub(crate) fn ask(&mut self, request: &Request) -> Result<Vec<Record>, Error> {
        self.send(request)?;
        self.0.reply(|line| Ok(Some(Record::read(line))))
    }

    /// The nodes in the reply that the daemon has heard. Other lines are skipped.
    pub(crate) fn nodes(&mut self, request: &Request) -> Result<Vec<Record>, Error> {
        let mut nodes = self.all_nodes(request)?;
        nodes.retain(|node| !node.is_own());
        Ok(nodes)
    }

    /// The nodes in the reply, including those of the daemon's own machine.
    pub(crate) fn all_nodes(&mut self, request: &Request) -> Result<Vec<Record>, Error> {
        let mut nodes = self.ask(request)?;
        nodes.retain(|record| record.kind() == "node" || record.is_own());
        for node in &nodes {
            node.require("id")?;
            node.require("addresses")?;
        }
        Ok(nodes)
    }

    /// Sends a request, after the version of the protocol if it is the first.
    pub(crate) fn send(&mut self, request: &Request) -> Result<(), Error> {
        self.0.send(request)
    }

    /// The next line of the reply; none at its end.
    pub(crate) fn next(&mut self) -> Result<Option<Record>, Error> {
        Ok(self.0.next()?.map(Record::read))
    }

    /// Sets how long to wait for lines, however many come; for ever if `None`.
    pub(crate) const fn wait_until(&mut self, deadline: Option<Deadline>) {
        self.0.wait_until(deadline);
    }
}
