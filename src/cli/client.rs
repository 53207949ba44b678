//! Asking the daemon.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::{Failure, control_path};
use crate::control::{ErrorCode, Fields, Line, Request, VERSION};

/// How long the daemon may take to answer. It answers within milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// A line of a reply: what it tells of, and its pairs in order.
pub(super) struct Record {
    pub(super) kind: String,
    pairs: Vec<(String, String)>,
}

impl Record {
    pub(super) fn new(kind: &str, fields: Fields<'_>) -> Self {
        let pairs = fields.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        Self { kind: kind.to_owned(), pairs }
    }

    /// The value of a key. A daemon of another version may leave one out.
    pub(super) fn get(&self, key: &str) -> &str {
        self.pairs().find(|(known, _)| *known == key).map_or("?", |(_, value)| value)
    }

    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The addresses of a node, freshest first.
    pub(super) fn addresses(&self) -> impl Iterator<Item = &str> {
        self.get("addresses").split(',')
    }
}

/// A connection to the daemon.
pub(super) struct Client {
    stream: BufReader<UnixStream>,
    line: String,
}

impl Client {
    /// Connects to the daemon that was asked for, else to the first that answers.
    pub(super) fn connect(control: Option<&Path>) -> Result<Self, Failure> {
        let mut failure = None;
        for path in control_path::candidates(control) {
            match UnixStream::connect(&path) {
                Ok(stream) => return Self::new(stream).map_err(|error| lost(&error)),
                // The first place is where a daemon should be, unless there is one that may not be asked.
                Err(error) if failure.is_none() || error.kind() == io::ErrorKind::PermissionDenied => {
                    failure = Some(refused(&path, &error));
                }
                Err(_) => {}
            }
        }
        Err(failure.unwrap_or_else(|| Failure::no_daemon("no daemon answers: start one with foghorn run")))
    }

    fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream), line: String::new() })
    }

    /// Sends a request and takes in the whole reply.
    pub(super) fn ask(&mut self, request: &Request) -> Result<Vec<Record>, Failure> {
        self.send(request)?;
        let mut reply = vec![];
        while let Some(record) = self.next()? {
            reply.push(record);
        }
        Ok(reply)
    }

    /// Sends a request. What is sent before it makes sure that both mean the same by it.
    pub(super) fn send(&mut self, request: &Request) -> Result<(), Failure> {
        let both = format!("{}\n{request}\n", Request::Version(Some(VERSION)));
        let sent = self.stream.get_mut().write_all(both.as_bytes());
        // A daemon that refuses a client says so before it leaves, so what it said counts more than a failure to send.
        while self.next()?.is_some() {}
        sent.map_err(|error| lost(&error))
    }

    /// The next line of the reply; none at its end.
    pub(super) fn next(&mut self) -> Result<Option<Record>, Failure> {
        self.line.clear();
        match self.stream.read_line(&mut self.line) {
            Ok(0) => return Err(Failure::no_daemon("the daemon ended before it had answered")),
            read => read.map_err(|error| lost(&error))?,
        };
        match Line::parse(self.line.trim_end_matches('\n')) {
            Line::Data { kind, fields } => Ok(Some(Record::new(kind, fields))),
            Line::Ok => Ok(None),
            Line::Error { code, message } if code == ErrorCode::UnknownNode.name() => {
                Err(Failure::no(message))
            }
            Line::Error { message, .. } => Err(Failure::failed(format!("the daemon refused: {message}"))),
        }
    }

    /// Waits at most this long for each line from here on; for ever if `None`.
    pub(super) fn set_patience(&mut self, patience: Option<Duration>) -> Result<(), Failure> {
        self.stream.get_ref().set_read_timeout(patience).map_err(|error| lost(&error))
    }
}

fn refused(path: &Path, error: &io::Error) -> Failure {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::PermissionDenied => Failure::failed(format!(
            "no permission to use {path}: become root, or join the group that owns it"
        )),
        io::ErrorKind::InvalidInput => Failure::usage(format!("{path} cannot be a control socket: {error}")),
        _ => Failure::no_daemon(format!("no daemon answers at {path}: start one with foghorn run")),
    }
}

fn lost(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            Failure::no_daemon("the daemon does not answer")
        }
        _ => Failure::no_daemon(format!("the connection to the daemon was lost: {error}")),
    }
}
