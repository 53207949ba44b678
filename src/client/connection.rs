//! A connection to the daemon: requests go out, lines come in.

use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::{Errno, retry_on_intr};
use rustix::net::SocketAddrUnix;
use rustix::net::addr::SocketAddrArg;
use socket2::{Domain, Socket, Type};

use super::Error;
use super::places::{self, SYSTEM};
use crate::control::{Fields, Line, Request, VERSION};
use crate::limits::{CLIENT_LINE_CAPACITY, CLIENT_LINES};
use crate::wire::printable::shown;

/// How long the daemon may take to answer. It answers within milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Connection {
    stream: UnixStream,
    /// What has come and is still to be told, and before it the line that was told last.
    received: Vec<u8>,
    told: usize,
}

impl Connection {
    /// Connects to the daemon that was asked for, else to the first that answers.
    pub(crate) fn open(control: Option<&Path>) -> Result<Self, Error> {
        let mut failure = None;
        for path in places::candidates(control) {
            match connect(&path) {
                Ok(stream) => return Self::new(stream),
                // The first place is where a daemon should be, unless there is one that may not be asked.
                Err(error) if failure.is_none() || matches!(error, Error::PermissionDenied { .. }) => {
                    failure = Some(error);
                }
                Err(_) => {}
            }
        }
        Err(failure.unwrap_or_else(|| Error::NoDaemon { path: PathBuf::from(SYSTEM) }))
    }

    pub(super) fn new(stream: UnixStream) -> Result<Self, Error> {
        let mut connection = Self { stream, received: vec![], told: 0 };
        connection.set_patience(Some(PATIENCE))?;
        let limited = connection.stream.set_write_timeout(Some(PATIENCE));
        limited.map_err(|error| Error::System { call: "setsockopt", error })?;
        Ok(connection)
    }

    /// Sends a request. What is sent before it makes sure that both mean the same by it.
    pub(crate) fn send(&mut self, request: &Request) -> Result<(), Error> {
        let both = format!("{}\n{request}\n", Request::Version(Some(VERSION)));
        let sent = self.stream.write_all(both.as_bytes()).map_err(|error| Error::lost("sendto", error));
        if matches!(sent, Err(Error::System { .. })) {
            return sent;
        }
        // A daemon that refuses a client says so before it leaves, so what it said counts more than a failure to send.
        self.reply(|_, _| Ok(None::<()>))?;
        sent
    }

    /// Takes in a whole reply: what is read from each line, none from those that tell of something else.
    pub(crate) fn reply<T>(
        &mut self,
        read: impl Fn(&str, Fields<'_>) -> Result<Option<T>, Error>,
    ) -> Result<Vec<T>, Error> {
        let mut reply = vec![];
        for _ in 0..CLIENT_LINES {
            let Some((kind, fields)) = self.next()? else { return Ok(reply) };
            reply.extend(read(kind, fields)?);
        }
        Err(Error::Protocol { what: "end" })
    }

    /// The next line of the reply: what it tells of, and its pairs. None at its end.
    pub(crate) fn next(&mut self) -> Result<Option<(&str, Fields<'_>)>, Error> {
        match Line::parse(self.line()?) {
            Line::Data { kind, fields } => Ok(Some((kind, fields))),
            Line::Ok => Ok(None),
            Line::Error { code, message } => {
                Err(Error::Refused { code: code.to_owned(), message: message.to_owned() })
            }
        }
    }

    fn line(&mut self) -> Result<&str, Error> {
        self.received.drain(..self.told);
        self.told = 0;
        let length = loop {
            match self.received.iter().position(|byte| *byte == b'\n') {
                Some(length) if length < CLIENT_LINE_CAPACITY => break length,
                None if self.received.len() < CLIENT_LINE_CAPACITY => self.receive()?,
                _ => return Err(Error::Protocol { what: "line" }),
            }
        };
        self.told = length + 1;
        let line = str::from_utf8(self.received.get(..length).unwrap_or_default()).ok();
        let line =
            line.filter(|line| !line.contains(char::is_control)).ok_or(Error::Protocol { what: "text" })?;
        // A terminal may show it. A name that is printable only to a newer daemon is no reason to fail: the line is
        // passed over, like one of a kind that is not known.
        Ok(if line.chars().all(|c| shown(c) == c) { line } else { "?" })
    }

    /// Waits for some more of a line.
    fn receive(&mut self) -> Result<(), Error> {
        let mut bytes = [0; 512];
        match self.stream.read(&mut bytes) {
            Ok(0) => Err(Error::Lost(io::ErrorKind::UnexpectedEof.into())),
            Ok(count) => {
                self.received.extend_from_slice(bytes.get(..count).unwrap_or_default());
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(Error::lost("recvfrom", error)),
        }
    }

    /// Waits at most this long for each line from here on; for ever if `None`.
    pub(crate) fn set_patience(&mut self, patience: Option<Duration>) -> Result<(), Error> {
        let limited = self.stream.set_read_timeout(patience);
        limited.map_err(|error| Error::System { call: "setsockopt", error })
    }
}

/// Connects. The standard library would wait for ever where the daemon takes nobody in: a stopped one, say.
fn connect(path: &Path) -> Result<UnixStream, Error> {
    // Not by socket2, whose error for a long path brings tables of Unicode: it is a text, which could be shown by `{:?}`.
    let address = SocketAddrUnix::new(path)
        .map_err(|errno| Error::InvalidPath { path: path.to_owned(), error: errno.into() })?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)
        .map_err(|error| Error::System { call: "socket", error })?;
    socket.set_write_timeout(Some(PATIENCE)).map_err(|error| Error::System { call: "setsockopt", error })?;
    open(&socket, &address).map_err(|errno| Error::unreachable(path, errno.into()))?;
    Ok(OwnedFd::from(socket).into())
}

/// Connects a socket, also when it was stopped meanwhile: with a time limit the kernel does not begin anew of itself.
pub(crate) fn open(socket: &Socket, address: &impl SocketAddrArg) -> Result<(), Errno> {
    retry_on_intr(|| rustix::net::connect(socket, address))
}
