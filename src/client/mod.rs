//! Asking the daemon from a Rust program: where nodes are, and what changes.
//!
//! Calls block. The feature `client` is enough for them, which unlike `host` is for any Unix, and
//! of dependencies brings rustix and socket2 alone.
//!
//! ```
//! use std::net::TcpStream;
//!
//! use foghorn::client::{ChangeKind, Client};
//! use foghorn::wire::NodeId;
//! # // What stands in for a daemon, and for the node that it knows.
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
//! #                 "node id=nas addresses={nas} interface=eth0 age_s=3 known_s=9 expires_s=87 heard=2 contested=no\nok\n"
//! #             ),
//! #             "watch" => format!("known id=nas address={nas} interface=eth0\nlost id=nas address={nas} interface=eth0\n"),
//! #             _ => "ok\n".to_owned(),
//! #         };
//! #         stream.write_all(reply.as_bytes()).unwrap();
//! #     }
//! # });
//!
//! // `Client::connect()` asks the daemon that is found where one usually is.
//! let mut client = Client::connect_to(&path)?;
//! let nas = NodeId::try_from("nas")?;
//! match client.lookup(&nas)? {
//!     // Tries each address, the preferred one first.
//!     Some(node) => println!("connected: {:?}", TcpStream::connect(&node.addresses[..])?),
//!     None => println!("{nas} is not known"),
//! }
//! for change in client.watch()? {
//!     let change = change?;
//!     println!("{:?}: {} at {}", change.kind, change.id, change.address);
//!     if change.kind == ChangeKind::Lost {
//!         break;
//!     }
//! }
//! # daemon.join().unwrap();
//! # std::fs::remove_file(&path)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`PeerAddress`] is for programs in whose configuration a node's address may be `dynamic`;
//! `examples/ask.rs` is such a program.
//!
//! Announcements are not signed, so what the daemon says is no proof of who answers at an address.
//! TLS and SSH see to that themselves.

pub(crate) mod connection;
pub(crate) mod deadline;
mod error;
mod node;
mod peer_address;
pub(crate) mod places;

use std::iter::FusedIterator;
use std::path::{Path, PathBuf};

use crate::control::{ErrorCode, Request};
use crate::wire::NodeId;

pub(crate) use connection::Connection;
pub use error::Error;
pub use node::{Change, ChangeKind, Node};
pub use peer_address::{InvalidPeerAddress, PeerAddress};

/// Asks the daemon, and waits up to 5 seconds for each answer.
///
/// It keeps its connection. The daemon leaves whoever asks nothing for 30 seconds, and may be
/// restarted: then the next request connects again.
#[derive(Debug)]
pub struct Client {
    control: Option<PathBuf>,
    /// None after a failure: what comes then may belong to an earlier request.
    connection: Option<Connection>,
}

impl Client {
    /// Connects to the daemon at the path in the environment's `FOGHORN_CONTROL` if there is one,
    /// else at `/run/foghorn/control.sock`, else at `$XDG_RUNTIME_DIR/foghorn/control.sock`, else
    /// at `/run/user/UID/foghorn/control.sock`.
    ///
    /// # Errors
    ///
    /// There is no daemon, or it may not be asked.
    pub fn connect() -> Result<Self, Error> {
        Self::open(None)
    }

    /// Connects to the daemon whose control socket has that path.
    ///
    /// # Errors
    ///
    /// There is no daemon, or it may not be asked.
    pub fn connect_to(control: &Path) -> Result<Self, Error> {
        Self::open(Some(control.to_owned()))
    }

    fn open(control: Option<PathBuf>) -> Result<Self, Error> {
        let connection = Connection::open(control.as_deref())?;
        Ok(Self { control, connection: Some(connection) })
    }

    /// All about the node with that name; `None` if it is not known. A node of that daemon's own
    /// machine is at the machine's own addresses; `None` if it has none now.
    ///
    /// # Errors
    ///
    /// The daemon gives no answer.
    pub fn lookup(&mut self, id: &NodeId) -> Result<Option<Node>, Error> {
        match self.ask(&Request::Lookup(id.clone())) {
            Ok(nodes) => {
                let node = nodes.into_iter().find(|node| node.id == *id);
                node.map(Some).ok_or(Error::Protocol { what: "node" })
            }
            // The list alone has the addresses of the machine's own nodes.
            Err(error) if error.refuses(ErrorCode::OwnNode) => {
                Ok(self.nodes()?.into_iter().find(|node| node.own && node.id == *id))
            }
            Err(error) if error.refuses(ErrorCode::UnknownNode) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All nodes that are known, in no order, with those of that daemon's own machine: they are
    /// [`own`](Node::own).
    ///
    /// A node is left out if its name is too long for this build, see
    /// [`NODE_ID_CAPACITY`](crate::limits::NODE_ID_CAPACITY): the daemon may be another build.
    ///
    /// # Errors
    ///
    /// The daemon gives no answer.
    pub fn nodes(&mut self) -> Result<Vec<Node>, Error> {
        self.ask(&Request::List)
    }

    /// The nodes that are known now, then each change as it happens, without end. Of nodes that
    /// [`nodes`](Self::nodes) leaves out nothing is told.
    ///
    /// # Errors
    ///
    /// The daemon does not let us watch. One of its clients can't, so that somebody can always ask.
    pub fn watch(mut self) -> Result<Watch, Error> {
        let mut connection = self.begin(&Request::Watch)?;
        connection.wait_until(None);
        Ok(Watch { connection: Some(connection) })
    }

    fn ask(&mut self, request: &Request) -> Result<Vec<Node>, Error> {
        let mut connection = self.begin(request)?;
        let reply = connection.reply(Node::read);
        // Also an error that the daemon tells ends a reply.
        if matches!(reply, Ok(_) | Err(Error::Refused { .. })) {
            self.connection = Some(connection);
        }
        reply
    }

    /// Sends a request: by the connection that there was, if it still works.
    fn begin(&mut self, request: &Request) -> Result<Connection, Error> {
        if let Some(mut kept) = self.connection.take() {
            match kept.send(request) {
                Ok(()) => return Ok(kept),
                // Who had to give way to others is told that once.
                Err(Error::Lost(_) | Error::Refused { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let mut connection = Connection::open(self.control.as_deref())?;
        connection.send(request)?;
        Ok(connection)
    }
}

/// What [`Client::watch`] tells: a [`Known`](ChangeKind::Known) for each node, and between and
/// after these the changes.
///
/// [`next`](Iterator::next) waits for a change for however long it takes, or for ever, but only 5
/// seconds for the rest of one. It ends after an error, which comes when the daemon ends, or when
/// changes come faster than they are read: that is [`Error::Refused`] with the code `slow`, and to
/// watch again makes up for it.
#[derive(Debug)]
pub struct Watch {
    connection: Option<Connection>,
}

impl Iterator for Watch {
    type Item = Result<Change, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let change = next_change(self.connection.as_mut()?).transpose();
        if !matches!(change, Some(Ok(_))) {
            self.connection = None;
        }
        change
    }
}

impl FusedIterator for Watch {}

/// The next change that is told; none at the end of the reply.
fn next_change(connection: &mut Connection) -> Result<Option<Change>, Error> {
    while let Some(line) = connection.next()? {
        if let Some(change) = Change::read(line)? {
            return Ok(Some(change));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
