//! Watching: the nodes that are known, and then each event.

use std::iter::FusedIterator;
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::deadline::Deadline;
use super::{Connection, Error, Event};

/// How often a watch reads what has come when its time is over. A daemon never says so much else
/// than events.
const READS: usize = 64;

/// The result of [`Client::watch`](super::Client::watch): an event of the kind
/// [`Known`](super::EventKind::Known) for each node, and between and after these what happens.
///
/// As an iterator it waits for the next event for as long as it takes. It ends after an error, and
/// when a [`Stopper`] stops it. An error comes when the daemon ends, or when events come faster
/// than the program reads them. The latter is [`Error::Refused`] with the code `slow`: the program
/// has missed events, and may watch again, which begins with all nodes.
///
/// A program with an event loop waits until [`as_fd`](AsFd::as_fd) can be read. It then calls
/// [`next_timeout`](Self::next_timeout) with [`Duration::ZERO`] until that returns `None`. It does
/// so once before it first waits, too: some events may have come already. That is enough for
/// edge-triggered loops like those of mio.
#[derive(Debug)]
pub struct Watch {
    pub(super) connection: Connection,
    has_ended: bool,
    is_stopped: Arc<AtomicBool>,
}

impl Watch {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection, has_ended: false, is_stopped: Arc::default() }
    }

    /// Waits for the next event for at most that long. `None` if there was none: the watch goes on.
    ///
    /// # Errors
    ///
    /// The watch ends with this error. A watch that has ended, or was stopped, returns
    /// [`Error::Ended`].
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Option<Event>, Error> {
        let deadline = Deadline::after(timeout)?;
        match self.next_by(Some(deadline)) {
            // The deadline is the only time limit of this.
            Err(Error::TimedOut) => Ok(None),
            event => event.map(Some),
        }
    }

    /// Gets what stops this watch from another thread.
    ///
    /// # Errors
    ///
    /// The system has no file descriptor left.
    pub fn stopper(&self) -> Result<Stopper, Error> {
        let stream = self.connection.stream.try_clone();
        let stream = stream.map_err(|error| Error::System { call: "fcntl", error })?;
        Ok(Stopper { stream, is_stopped: Arc::clone(&self.is_stopped) })
    }

    fn next_by(&mut self, deadline: Option<Deadline>) -> Result<Event, Error> {
        if self.has_ended || self.is_stopped() {
            return Err(Error::Ended);
        }
        let event = self.read(deadline);
        if self.is_stopped() {
            return Err(Error::Ended);
        }
        let has_timed_out = deadline.is_some() && matches!(event, Err(Error::TimedOut));
        if event.is_err() && !has_timed_out {
            self.has_ended = true;
            self.connection.close();
        }
        event
    }

    /// Reads lines until one is an event. When the deadline has passed, it takes what has come
    /// already, so that nothing is left that wakes nobody.
    fn read(&mut self, deadline: Option<Deadline>) -> Result<Event, Error> {
        self.connection.wait_until(deadline);
        for _ in 0..READS {
            let has_more = deadline.is_some() && self.connection.receive_waiting()?;
            match self.next_event() {
                Err(Error::TimedOut) if has_more => {}
                event => return event,
            }
        }
        Err(Error::TimedOut)
    }

    fn next_event(&mut self) -> Result<Event, Error> {
        while let Some(line) = self.connection.next()? {
            if let Some(event) = Event::read(line)? {
                return Ok(event);
            }
        }
        // The daemon says that this is all.
        Err(Error::Ended)
    }

    fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Acquire)
    }
}

impl Iterator for Watch {
    type Item = Result<Event, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.next_by(None) {
            Err(Error::Ended) => None,
            event => Some(event),
        }
    }
}

impl FusedIterator for Watch {}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.connection.stream.as_fd()
    }
}

/// Stops a [`Watch`] from another thread.
#[derive(Debug)]
pub struct Stopper {
    stream: UnixStream,
    is_stopped: Arc<AtomicBool>,
}

impl Stopper {
    /// Ends the watch, also while it waits for an event.
    pub fn stop(&self) {
        self.is_stopped.store(true, Ordering::Release);
        // It fails only where the connection has ended, and then nobody waits.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}
