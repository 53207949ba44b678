//! `foghorn connect`: a TCP connection to a node, joined to standard input and output.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use lexopt::Arg::{Long, Short, Value};
use lexopt::{Parser, ValueExt as _};

use super::lookup::{ask, node_id};
use super::{Failure, help, output};

/// How long each address of the node may take to accept.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn main(parser: &mut Parser) -> Result<(), Failure> {
    let mut id = None;
    let mut control: Option<PathBuf> = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return output::print(help::CONNECT),
            Long("control") => control = Some(parser.value()?.into()),
            Value(value) if id.is_none() => id = Some(node_id(&value.string()?)?),
            other => return Err(other.unexpected().into()),
        }
    }
    let id = id.ok_or_else(|| Failure::usage("which node? Try foghorn connect NODE"))?;
    let node = ask(control.as_deref(), &id)?;
    let mut failure = Failure::failed(format!("{id} has no address"));
    for address in node.addresses() {
        let Ok(address) = address.parse::<SocketAddr>() else { continue };
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => return join(&stream),
            Err(error) => failure = Failure::failed(format!("cannot connect to {id} at {address}: {error}")),
        }
    }
    Err(failure)
}

/// Passes bytes both ways until the node has closed its side.
fn join(stream: &TcpStream) -> Result<(), Failure> {
    let to_node = stream.try_clone().map_err(|error| Failure::failed(format!("cannot go on: {error}")))?;
    // Detached: when the node is done this process ends, whatever standard input still has.
    thread::spawn(move || {
        // If the node no longer takes anything, what it still sends counts.
        let _ = copy(&mut io::stdin().lock(), &mut &to_node);
        let _ = to_node.shutdown(Shutdown::Write);
    });
    output::done(copy(&mut &*stream, &mut io::stdout().lock())).map(|_| ())
}

/// Passes on what can be read as soon as it can be.
fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                to.write_all(buffer.get(..count).unwrap_or_default())?;
                to.flush()?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
