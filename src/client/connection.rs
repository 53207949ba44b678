//! A connection to the daemon: requests go out, lines come in.

use std::io::{self, Write as _};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::io::{Errno, retry_on_intr};
use rustix::net::RecvFlags;
use rustix::net::addr::SocketAddrArg;
use socket2::{Domain, Socket, Type};

use super::Error;
use super::deadline::Deadline;
use super::places::{self, FILE, SYSTEM};
use super::socket_address::socket_address;
use crate::control::{Line, Request, VERSION};
use crate::limits::{CLIENT_LINE_CAPACITY, CLIENT_LINES, CLIENT_REPLY_CAPACITY};
use crate::wire::printable::shown;

/// How long the daemon may take to answer in full, or to end a line. It usually takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// The most characters of an error that a person gets to read.
const MESSAGE_CAPACITY: usize = 512;

#[derive(Debug)]
pub(crate) struct Connection {
    pub(super) stream: UnixStream,
    /// The bytes received. The lines up to `consumed` have been handed out.
    received: Vec<u8>,
    consumed: usize,
    /// How long to wait for a line; for ever if `None`.
    deadline: Option<Deadline>,
    /// How long to wait for a reply, and for the rest of a line.
    pub(super) patience: Duration,
}

impl Connection {
    /// Connects to the daemon that the user named, else to the first that answers.
    pub(crate) fn open(control: Option<&Path>) -> Result<Self, Error> {
        if let Some(path) = places::asked_for(control) {
            return Self::new(connect(&path)?);
        }
        let (mut failure, mut tried) = (None, vec![]);
        for path in places::candidates(None) {
            match connect(&path) {
                Ok(stream) => return Self::new(stream),
                Err(Error::NoDaemon { path, .. }) => tried.push(path),
                // The first place is where a daemon should be. But a daemon that this user has no
                // permission to ask says more.
                Err(error)
                    if failure.is_none() || matches!(error, Error::PermissionDenied { .. }) =>
                {
                    failure = Some(error);
                }
                Err(_) => {}
            }
        }
        Err(failure
            .unwrap_or_else(|| Error::NoDaemon { path: Path::new(SYSTEM).join(FILE), tried }))
    }

    pub(super) fn new(stream: UnixStream) -> Result<Self, Error> {
        // A request fits into the kernel's buffer, so the kernel takes all of it or nothing.
        let limited = stream.set_write_timeout(Some(PATIENCE));
        limited.map_err(|error| Error::System { call: "setsockopt", error })?;
        Ok(Self { stream, received: vec![], consumed: 0, deadline: None, patience: PATIENCE })
    }

    /// Sends a request whose reply has to end in time. A request for the version goes before it, so
    /// that both sides mean the same by it.
    pub(crate) fn send(&mut self, request: &Request) -> Result<(), Error> {
        self.send_by(request, Deadline::after(self.patience)?)
    }

    /// The same with a reply that has to end by the deadline.
    pub(crate) fn send_by(&mut self, request: &Request, deadline: Deadline) -> Result<(), Error> {
        self.deadline = Some(deadline);
        let both = format!("{}\n{request}\n", Request::Version(Some(VERSION)));
        let sent =
            self.stream.write_all(both.as_bytes()).map_err(|error| Error::lost("sendto", error));
        if matches!(sent, Err(Error::System { .. })) {
            return sent;
        }
        // A daemon that refuses a client says so before it disconnects the client. So its answer
        // counts more than a failure to send.
        self.reply(|_| Ok(None::<()>))?;
        sent
    }

    /// Takes in a whole reply. `read` gets each line, and returns nothing for one to pass over.
    pub(crate) fn reply<T>(
        &mut self,
        read: impl Fn(&str) -> Result<Option<T>, Error>,
    ) -> Result<Vec<T>, Error> {
        let mut reply = vec![];
        let (mut lines, mut bytes) = (0, 0);
        while let Some(line) = self.next()? {
            lines += 1;
            bytes += line.len();
            if lines == CLIENT_LINES || bytes > CLIENT_REPLY_CAPACITY {
                return Err(Error::Protocol { what: "end" });
            }
            reply.extend(read(line)?);
        }
        Ok(reply)
    }

    /// The next line of the reply; none at its end.
    pub(crate) fn next(&mut self) -> Result<Option<&str>, Error> {
        let line = self.line()?;
        match Line::parse(line) {
            Line::Data { .. } => Ok(Some(line)),
            Line::Ok => Ok(None),
            Line::Error { code, message } => {
                let message = message.chars().take(MESSAGE_CAPACITY).collect();
                Err(Error::Refused { code: code.to_owned(), message })
            }
        }
    }

    fn line(&mut self) -> Result<&str, Error> {
        let mut deadline = self.deadline;
        let length = loop {
            let rest = self.received.get(self.consumed..).unwrap_or_default();
            match rest.iter().position(|byte| *byte == b'\n') {
                Some(length) if length < CLIENT_LINE_CAPACITY => break length,
                None if rest.len() < CLIENT_LINE_CAPACITY => {
                    // A line that may come at any time comes whole, too.
                    if deadline.is_none() && !rest.is_empty() {
                        deadline = Some(Deadline::after(self.patience)?);
                    }
                    self.receive(deadline)?;
                }
                _ => return Err(Error::Protocol { what: "line" }),
            }
        };
        let start = self.consumed;
        self.consumed += length + 1;
        let line =
            str::from_utf8(self.received.get(start..start + length).unwrap_or_default()).ok();
        let line = line
            .filter(|line| !line.contains(char::is_control))
            .ok_or(Error::Protocol { what: "text" })?;
        // A terminal may show the line. A name that only a newer daemon finds printable is no
        // reason to fail: the line is passed over, like one of an unknown kind.
        Ok(if line.chars().all(|c| shown(c) == c) { line } else { "?" })
    }

    /// Waits for some more of a line.
    fn receive(&mut self, deadline: Option<Deadline>) -> Result<(), Error> {
        let left = deadline.map(Deadline::left).transpose()?;
        if left == Some(Duration::ZERO) {
            return Err(Error::TimedOut);
        }
        let limited = self.stream.set_read_timeout(left);
        limited.map_err(|error| Error::System { call: "setsockopt", error })?;
        self.take_in(RecvFlags::empty())
    }

    /// Takes in what has come, unless there is a line already. It does not wait. False if nothing
    /// has come.
    pub(super) fn receive_waiting(&mut self) -> Result<bool, Error> {
        if self.received.iter().skip(self.consumed).any(|byte| *byte == b'\n') {
            return Ok(true);
        }
        match self.take_in(RecvFlags::DONTWAIT) {
            Err(Error::TimedOut) => Ok(false),
            taken => taken.map(|()| true),
        }
    }

    /// Reads once.
    fn take_in(&mut self, flags: RecvFlags) -> Result<(), Error> {
        self.received.drain(..self.consumed);
        self.consumed = 0;
        let mut bytes = [0; CLIENT_LINE_CAPACITY];
        match rustix::net::recv(&self.stream, &mut bytes, flags) {
            Ok((0, _)) => Err(Error::Lost(io::ErrorKind::UnexpectedEof.into())),
            Ok((count, _)) => {
                self.received.extend_from_slice(bytes.get(..count).unwrap_or_default());
                Ok(())
            }
            Err(Errno::INTR) => Ok(()),
            Err(errno) => Err(Error::lost("recvfrom", errno.into())),
        }
    }

    /// Ends the connection, so that the daemon has a place for another client.
    pub(super) fn close(&mut self) {
        // It fails only where the daemon has closed its side.
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// Waits for lines until the deadline, whatever comes meanwhile; for ever if `None`.
    pub(crate) const fn wait_until(&mut self, deadline: Option<Deadline>) {
        self.deadline = deadline;
    }
}

/// Connects. The standard library would wait for ever for a daemon that accepts no connection, a
/// stopped one, say.
fn connect(path: &Path) -> Result<UnixStream, Error> {
    let address = socket_address(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)
        .map_err(|error| Error::System { call: "socket", error })?;
    socket
        .set_write_timeout(Some(PATIENCE))
        .map_err(|error| Error::System { call: "setsockopt", error })?;
    open(&socket, &address).map_err(|errno| Error::unreachable(path, errno.into()))?;
    Ok(OwnedFd::from(socket).into())
}

/// Connects a socket, even if the process is stopped meanwhile: the kernel does not restart a call
/// that has a time limit.
pub(crate) fn open(socket: &Socket, address: &impl SocketAddrArg) -> Result<(), Errno> {
    retry_on_intr(|| rustix::net::connect(socket, address))
}
