//! `foghorn connect`: a TCP connection to a node, joined to standard input and output.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr};
use std::ops::Range;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::io::Errno;
use rustix::stdio::{stdin, stdout};
use socket2::{Domain, Socket, Type};

use crate::cli::arguments::node::only_node;
use crate::cli::arguments::parser::Argument::{Named, Word};
use crate::cli::arguments::parser::Parser;
use crate::cli::asking::record::Record;
use crate::cli::asking::session::Session;
use crate::cli::commands::find::{advise, ask};
use crate::cli::failure::Failure;
use crate::cli::stdio;
use crate::client::address::usable;
use crate::client::{Error, connection};
use crate::control::{ErrorCode, Request};
use crate::wire::NodeId;

/// How long each address of the node may take to accept.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) fn main(parser: &mut Parser) -> Result<(), Failure> {
    let mut id = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Word(word) => id = Some(only_node(id, word, parser.help())?),
            other @ Named(_) => return Err(parser.refuse(other)),
        }
    }
    let id = id.ok_or_else(|| Failure::usage("no node given; try foghorn connect NODE"))?;
    let control = parser.control();
    let node = ask(control, &id).or_else(|error| {
        let is_unknown = error.refuses(ErrorCode::UnknownNode);
        let meant = if is_unknown { in_other_letters(control, &id) } else { None };
        meant.ok_or_else(|| advise(control, &id, error))
    })?;
    let mut failure = Failure::failed(format!("{id} has no address"));
    for address in node.addresses() {
        let socket = match usable(address, "addresses") {
            Ok(Some(socket)) => socket,
            // Its interface is gone, or it is of a form that a later version has.
            Ok(None) | Err(Error::Protocol { .. }) => continue,
            Err(error) => return Err(error.into()),
        };
        match open(socket) {
            Ok(stream) => return join(&stream),
            Err(error) => {
                failure = Failure::failed(format!(
                    "cannot connect to {id} at {address}: {error}: is its server running?"
                ));
            }
        }
    }
    Err(failure)
}

/// The only node whose name differs just in case: SSH makes names lower case.
fn in_other_letters(control: Option<&Path>, id: &NodeId) -> Option<Record> {
    let nodes = Session::connect(control).ok()?.all_nodes(&Request::List).ok()?;
    let mut alike =
        nodes.into_iter().filter(|node| node.get("id").eq_ignore_ascii_case(id.as_str()));
    alike.next().filter(|_| alike.next().is_none())
}

/// Connects. `TcpStream::connect_timeout` would do it too, but takes a kilobyte more.
fn open(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // Linux waits for a connection no longer than that either, and then says that it is in
    // progress.
    socket.set_write_timeout(Some(PATIENCE))?;
    // A short message goes out at once, not when the one before it is acknowledged 40 ms later. A
    // peer that has vanished is noticed in the end. Where a sandbox refuses either, the connection
    // still works, so that is no reason to fail.
    let _ = socket.set_tcp_nodelay(true);
    let _ = socket.set_keepalive(true);
    connection::open(&socket, &address).map_err(|errno| match errno {
        Errno::INPROGRESS | Errno::ALREADY => Errno::TIMEDOUT,
        _ => errno,
    })?;
    Ok(socket)
}

/// Passes bytes both ways until the node closes its side, or standard output is closed.
fn join(stream: &Socket) -> Result<(), Failure> {
    let stuck = |error: io::Error| Failure::failed(format!("the connection broke: {error}"));
    let [node, input, output] = plain(stream).map_err(stuck)?;
    let mut from_node = Flow::new(&node, &output);
    let mut to_node = Flow::new(&input, &node);
    while from_node.is_open {
        let [from_ready, to_ready] = wait(&from_node, &to_node).map_err(stuck)?;
        if to_ready {
            // A node that accepts no more data may still send some.
            let _ = to_node.advance();
            if !to_node.is_open {
                let _ = stream.shutdown(Shutdown::Write);
            }
        }
        if from_ready {
            match from_node.advance() {
                // Standard output is closed.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
                advanced => advanced.map_err(stuck)?,
            }
        }
    }
    Ok(())
}

/// The node, standard input and standard output, all without a buffer, so that everything that was
/// read is passed on.
fn plain(stream: &Socket) -> io::Result<[File; 3]> {
    stream.set_nonblocking(true)?;
    Ok([stdio::plain(stream.as_fd())?, stdio::plain(stdin())?, stdio::plain(stdout())?])
}

/// Waits until one of the two can advance, and returns which can.
fn wait(first: &Flow<'_>, second: &Flow<'_>) -> io::Result<[bool; 2]> {
    let mut waiting = [first.waits_for(), second.waits_for()];
    // `poll` would report the closed source of a flow that has ended again and again.
    let open = if second.is_open { waiting.as_mut_slice() } else { waiting.split_at_mut(1).0 };
    match poll(open, PollTimeout::NONE) {
        Ok(_) | Err(nix::Error::EINTR) => {
            Ok(waiting.map(|descriptor| descriptor.any() == Some(true)))
        }
        Err(errno) => Err(errno.into()),
    }
}

/// As much as a pipe that can take something takes without making the writer wait.
const CHUNK: usize = 4096;

/// One direction: waits for its source when it has nothing, for its destination when it has
/// something.
struct Flow<'a> {
    source: &'a File,
    destination: &'a File,
    buffer: Vec<u8>,
    /// Where in the buffer that is which has been read and not yet written.
    held: Range<usize>,
    is_open: bool,
}

impl<'a> Flow<'a> {
    fn new(source: &'a File, destination: &'a File) -> Self {
        Self { source, destination, buffer: vec![0; CHUNK], held: 0..0, is_open: true }
    }

    fn waits_for(&self) -> PollFd<'a> {
        if self.held.is_empty() {
            PollFd::new(self.source.as_fd(), PollFlags::POLLIN)
        } else {
            PollFd::new(self.destination.as_fd(), PollFlags::POLLOUT)
        }
    }

    /// Reads or writes once. Not open any more when the source has ended or either side failed.
    fn advance(&mut self) -> io::Result<()> {
        let held = self.buffer.get(self.held.clone()).unwrap_or_default();
        let advanced = if held.is_empty() {
            self.source.read(&mut self.buffer).map(|count| {
                self.held = 0..count;
                self.is_open = count > 0;
            })
        } else {
            self.destination.write(held).map(|count| self.held.start += count)
        };
        match advanced {
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                Ok(())
            }
            Err(error) => {
                self.is_open = false;
                Err(error)
            }
            Ok(()) => Ok(()),
        }
    }
}
