//! Asking the daemon from a Rust program: where nodes are, and what happens to them.
//!
//! A program that only asks needs the feature `client` alone, on any Unix. It brings two small
//! dependencies, rustix and socket2:
//!
//! ```toml
//! [dependencies]
//! foghorn = { version = "0.1", default-features = false, features = ["client"] }
//! ```
//!
//! Calls block. [`Client::lookup_timeout`] waits for a node that is not known yet, and
//! [`Watch::next_timeout`] fits into an event loop.
//!
//! ```
//! use std::net::TcpStream;
//!
//! use foghorn::client::{Client, EventKind};
//! # // A stand-in for a daemon, and for the node that it knows.
//! # use std::io::{BufRead as _, Write as _};
//! # let node = std::net::TcpListener::bind("127.0.0.1:0")?;
//! # let nas = node.local_addr()?;
//! # let path = std::env::temp_dir().join(format!("foghorn-doc-{}.sock", std::process::id()));
//! # let listener = std::os::unix::net::UnixListener::bind(&path)?;
//! # let daemon = std::thread::spawn(move || {
//! #     let (mut stream, _) = listener.accept().unwrap();
//! #     let requests = std::io::BufReader::new(stream.try_clone().unwrap()).lines();
//! #     for request in requests.map_while(Result::ok) {
//! #         let reply = match request.as_str() {
//! #             "lookup nas" => format!(
//! #                 "node id=nas addresses={nas} interface=eth0 age_s=3 known_s=9 \
//! #                  expires_s=87 heard=2 contested=no\nok\n"
//! #             ),
//! #             "watch" => format!(
//! #                 "known id=nas address={nas} interface=eth0\n\
//! #                  lost id=nas address={nas} interface=eth0\n"
//! #             ),
//! #             _ => "ok\n".to_owned(),
//! #         };
//! #         stream.write_all(reply.as_bytes()).unwrap();
//! #     }
//! # });
//!
//! // `Client::connect()` asks the daemon that is found where one usually is.
//! let mut client = Client::connect_to(&path)?;
//! match client.lookup("nas")? {
//!     // Tries each address, the preferred one first.
//!     Some(node) => println!("connected: {:?}", TcpStream::connect(&node.addresses[..])?),
//!     None => println!("nas is not known"),
//! }
//! for event in client.watch()? {
//!     let event = event?;
//!     println!("{:?}: {} at {}", event.kind, event.id, event.address);
//!     if event.kind == EventKind::Lost {
//!         break;
//!     }
//! }
//! # daemon.join().unwrap();
//! # std::fs::remove_file(&path)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`PeerAddress`] is for programs in whose configuration a node's address may be `dynamic`.
//! `examples/ask.rs` is such a program.
//!
//! Announcements are not signed, so the daemon's answer does not prove who is at an address. TLS
//! and SSH prove that themselves.

pub(crate) mod address;
pub(crate) mod connection;
pub(crate) mod deadline;
mod error;
mod node;
mod peer_address;
pub(crate) mod places;
pub(crate) mod socket_address;
#[cfg(test)]
mod tests;
pub(crate) mod wait;
mod watch;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::control::{ErrorCode, Request};
use crate::wire::NodeId;

pub(crate) use connection::Connection;
pub use error::Error;
pub use node::{Event, EventKind, Node};
pub use peer_address::{InvalidPeerAddress, PeerAddress};
use wait::until_known;
pub use watch::{Stopper, Watch};

/// Asks the daemon. Each answer may take up to 5 seconds.
///
/// A client keeps its connection. The daemon disconnects a client that asks nothing for 30 seconds,
/// and may be restarted. Then the next request connects again.
#[derive(Debug)]
pub struct Client {
    control: Option<PathBuf>,
    /// None after a failure: the next lines may belong to an earlier request.
    connection: Option<Connection>,
}

impl Client {
    /// Connects to the daemon at the path in the environment's `FOGHORN_CONTROL` if there is one,
    /// else at `/run/foghorn/control.sock`, else at `$XDG_RUNTIME_DIR/foghorn/control.sock`, else
    /// at `/run/user/UID/foghorn/control.sock`.
    ///
    /// # Errors
    ///
    /// There is no daemon, or this user has no permission to ask it.
    pub fn connect() -> Result<Self, Error> {
        Self::open(None)
    }

    /// Connects to the daemon whose control socket has that path.
    ///
    /// # Errors
    ///
    /// There is no daemon, or this user has no permission to ask it.
    pub fn connect_to(control: &Path) -> Result<Self, Error> {
        Self::open(Some(control.to_owned()))
    }

    fn open(control: Option<PathBuf>) -> Result<Self, Error> {
        let connection = Connection::open(control.as_deref())?;
        Ok(Self { control, connection: Some(connection) })
    }

    /// Looks a node up by its name; `None` if it is not known. A node that this machine announces
    /// is at the machine's own addresses, and is [`own`](Node::own).
    ///
    /// # Errors
    ///
    /// The daemon gives no answer. [`Error::InvalidName`] if no node can have that name, and
    /// [`Error::OwnNode`] if this machine announces the node and has no address now.
    pub fn lookup(&mut self, name: &str) -> Result<Option<Node>, Error> {
        let id = node_id(name)?;
        or_unknown(self.find(&id))
    }

    /// Looks a node up, and if it is not known, waits for at most that long until it is. `None` if
    /// it is still not known then.
    ///
    /// # Errors
    ///
    /// As [`lookup`](Self::lookup), and [`watch`](Self::watch).
    pub fn lookup_timeout(&mut self, name: &str, timeout: Duration) -> Result<Option<Node>, Error> {
        let id = node_id(name)?;
        let control = self.control.clone();
        or_unknown(until_known(control.as_deref(), &id, timeout, || self.find(&id)))
    }

    /// All about a node. It is an error if the node is not known.
    fn find(&mut self, id: &NodeId) -> Result<Node, Error> {
        match self.ask(&Request::Lookup(id.clone())) {
            Ok(nodes) => {
                let node = nodes.into_iter().find(|node| node.id == *id);
                node.ok_or(Error::Protocol { what: "node" })
            }
            // Only the list has the addresses of the machine's own nodes.
            Err(error) if error.refuses(ErrorCode::OwnNode) => {
                let own = self.nodes()?.into_iter().find(|node| node.own && node.id == *id);
                own.ok_or_else(|| Error::OwnNode { id: id.clone() })
            }
            Err(error) => Err(error),
        }
    }

    /// All nodes that are known, in no order. Those that this machine announces are among them, as
    /// [`own`](Node::own) nodes.
    ///
    /// The daemon may be another build. A node is left out if its name is too long for this build,
    /// see [`NODE_ID_CAPACITY`](crate::limits::NODE_ID_CAPACITY).
    ///
    /// # Errors
    ///
    /// The daemon gives no answer.
    pub fn nodes(&mut self) -> Result<Vec<Node>, Error> {
        self.ask(&Request::List)
    }

    /// The nodes that are known now, then each event as it happens, without end. It leaves out the
    /// nodes that [`nodes`](Self::nodes) leaves out.
    ///
    /// # Errors
    ///
    /// The daemon gives no answer. It lets all clients but one watch: the last place is for clients
    /// that ask.
    pub fn watch(mut self) -> Result<Watch, Error> {
        Ok(Watch::new(self.begin(&Request::Watch)?))
    }

    fn ask(&mut self, request: &Request) -> Result<Vec<Node>, Error> {
        let mut connection = self.begin(request)?;
        let reply = connection.reply(Node::read);
        // An error that the daemon sends ends a reply, too.
        if matches!(reply, Ok(_) | Err(Error::Refused { .. })) {
            self.connection = Some(connection);
        }
        reply
    }

    /// Sends a request, by the connection that there was if it still works.
    fn begin(&mut self, request: &Request) -> Result<Connection, Error> {
        if let Some(mut kept) = self.connection.take() {
            match kept.send(request) {
                Ok(()) => return Ok(kept),
                // A client that had to give way to others finds an error that says so.
                Err(Error::Lost(_) | Error::Refused { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let mut connection = Connection::open(self.control.as_deref())?;
        connection.send(request)?;
        Ok(connection)
    }
}

fn node_id(name: &str) -> Result<NodeId, Error> {
    name.parse().map_err(|reason| Error::InvalidName { name: name.to_owned(), reason })
}

/// None in place of the error that the node is not known.
fn or_unknown(found: Result<Node, Error>) -> Result<Option<Node>, Error> {
    match found {
        Err(error) if error.refuses(ErrorCode::UnknownNode) => Ok(None),
        found => found.map(Some),
    }
}
