//! The client with a stand-in for the daemon.

mod asking;
mod bounds;
mod reading;
mod versions;
mod watching;

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr};
use std::os::unix::net::UnixStream;
use std::thread;

use super::{Client, Connection, Error, Event, EventKind, Node, PeerAddress, Watch};
use crate::wire::NodeId;

const VERSION: &str = "version protocol=1 foghorn=0.1.0\nok\n";
const NAS: &str = "node id=nas addresses=198.18.0.2:22,198.18.0.3:22 interface=eth0 age_s=3 known_s=120 expires_s=87 heard=4 contested=yes";

/// A connection to a daemon that says this whatever it is asked, and then ends.
fn connection(says: impl Into<Vec<u8>>) -> Connection {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let says = says.into();
    thread::spawn(move || {
        // The client may disconnect before the end.
        let _ = theirs.write_all(&says);
        let _ = theirs.shutdown(Shutdown::Write);
        let _ = theirs.read_to_end(&mut vec![]);
    });
    Connection::new(ours).unwrap()
}

/// A client of such a daemon. There is no other to connect to.
fn client(says: impl Into<Vec<u8>>) -> Client {
    Client { control: Some("/nowhere".into()), connection: Some(connection(says)) }
}

fn name(text: &str) -> NodeId {
    NodeId::try_from(text).unwrap()
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn node(line: &str) -> Result<Option<Node>, Error> {
    Node::read(line)
}

fn event(line: &str) -> Result<Option<Event>, Error> {
    Event::read(line)
}

fn invalid<T>(result: Result<T, Error>) -> &'static str {
    match result {
        Err(Error::Protocol { what }) => what,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was believed"),
    }
}
