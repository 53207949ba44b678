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

    /// Sends a request and takes in the whole reply.
    pub(crate) fn ask(&mut self, request: &Request) -> Result<Vec<Record>, Error> {
        self.send(request)?;
        self.0.reply(|line| Ok(Some(Record::read(line))))
    }

    /// The same for a reply that tells of nodes which the daemon has heard. What else it tells of
    /// is passed over.
    pub(crate) fn nodes(&mut self, request: &Request) -> Result<Vec<Record>, Error> {
        let mut nodes = self.all_nodes(request)?;
        nodes.retain(|node| !node.is_own());
        Ok(nodes)
    }

    /// The same with the nodes of the daemon's own machine.
    pub(crate) fn all_nodes(&mut self, request: &Request) -> Result<Vec<Record>, Error> {
        let mut nodes = self.ask(request)?;
        nodes.retain(|record| record.kind() == "node" || record.is_own());
        for node in &nodes {
            node.require("id")?;
            node.require("addresses")?;
        }
        Ok(nodes)
    }

    /// Sends a request. What is sent before it makes sure that both mean the same by it.
    pub(crate) fn send(&mut self, request: &Request) -> Result<(), Error> {
        self.0.send(request)
    }

    /// The next line of the reply; none at its end.
    pub(crate) fn next(&mut self) -> Result<Option<Record>, Error> {
        Ok(self.0.next()?.map(Record::read))
    }

    /// Waits for lines until then, whatever comes meanwhile; for ever if `None`.
    pub(crate) const fn wait_until(&mut self, deadline: Option<Deadline>) {
        self.0.wait_until(deadline);
    }
}
