//! Asking the daemon, with its answers as they are: what is not known here is shown too.

use std::path::Path;

use crate::cli::asking::permission;
use crate::cli::asking::service;
use crate::cli::{Exit, Failure};
use crate::client::deadline::Deadline;
use crate::client::{Connection, Error};
use crate::control::{ErrorCode, Fields, Request, split};
use crate::limits::CLIENT_ADDRESSES;

/// A line of a reply: what it tells of, and its pairs in order. Only the line itself is kept: it
/// may have two thousand pairs.
#[derive(Clone)]
pub(crate) struct Record(Box<str>);

impl Record {
    pub(crate) fn read(line: &str) -> Self {
        Self(line.into())
    }

    /// How many bytes the line has.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn kind(&self) -> &str {
        split(&self.0).0
    }

    /// Whether it tells of a node of the daemon's own machine.
    pub(crate) fn is_own(&self) -> bool {
        self.kind() == "own"
    }

    /// The value of a key. A daemon of another version may leave one out.
    pub(crate) fn find(&self, key: &str) -> Option<&str> {
        self.pairs().get(key)
    }

    /// The same for a person to read.
    pub(crate) fn get(&self, key: &str) -> &str {
        self.find(key).unwrap_or("?")
    }

    pub(crate) fn pairs(&self) -> Fields<'_> {
        split(&self.0).1
    }

    /// The value of a key without which the line says nothing.
    pub(crate) fn require(&self, key: &'static str) -> Result<&str, Error> {
        self.find(key).ok_or(Error::Protocol { what: key })
    }

    /// The addresses of a node, the one to use first.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = &str> {
        let v6 = self.find("addresses6").into_iter().flat_map(|list| list.split(','));
        self.get("addresses").split(',').chain(v6).take(CLIENT_ADDRESSES)
    }
}

/// The IP address in an address, with its zone, and the port.
pub(crate) fn ip_and_port(address: &str) -> (&str, &str) {
    let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
    let ip = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    (ip.unwrap_or(host), port)
}

/// A connection to the daemon.
pub(crate) struct Client(Connection);

impl Client {
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

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if let Error::PermissionDenied { path } = &error {
            let advice = permission::advice(path);
            return Self::failed(format!("no permission to use {}: {advice}", path.display()));
        }
        if let Error::NoDaemon { path, .. } = &error
            && let Some(advice) = service::advice(Path::new("/"), path)
        {
            let message = format!("no daemon answers at {}: {advice}", path.display());
            return Self { exit: Exit::NoDaemon, message };
        }
        let exit = match &error {
            // The node was not heard, or this machine announces it and has no address.
            Error::Refused { message, .. }
                if error.refuses(ErrorCode::UnknownNode) || error.refuses(ErrorCode::OwnNode) =>
            {
                return Self::no(message);
            }
            Error::OwnNode { .. } => Exit::No,
            Error::InvalidPath { .. } | Error::InvalidName { .. } => Exit::Usage,
            Error::NoDaemon { .. } | Error::TimedOut | Error::Lost(_) => Exit::NoDaemon,
            Error::PermissionDenied { .. }
            | Error::System { .. }
            | Error::Refused { .. }
            | Error::Ended
            | Error::Protocol { .. } => Exit::Failed,
        };
        Self { exit, message: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ip_address_is_shown_without_its_port() {
        for (address, ip, port) in [
            ("198.18.0.2:22", "198.18.0.2", "22"),
            ("[2001:db8::2]:22", "2001:db8::2", "22"),
            ("[fe80::2%eth0]:22", "fe80::2%eth0", "22"),
            ("later", "later", ""),
            ("", "", ""),
        ] {
            assert_eq!(ip_and_port(address), (ip, port));
        }
    }
}
