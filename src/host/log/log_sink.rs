//! The destination of log messages: standard error, or the place that `--log-to` names. A message
//! that cannot be written at once is dropped and counted.
//!
//! A file can be rotated, and a program that listens at a socket can be started again. Then
//! [the rule](crate::host::errors::outage) for all that the daemon can lose holds for the log, too.

use std::io;
use std::mem;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::log_place::LogPlace;
use super::outlet::Outlet;
use super::stream::Stream;
use crate::host::errors::outage::Outage;
use crate::host::errors::reason::Reason;
use crate::host::process::privileges::User;
use crate::log::{Shown, error, info, warn};
use crate::time::{Duration, Instant};

/// The destination of all messages. None before [`init`].
static SINK: Mutex<Option<LogSink>> = Mutex::new(None);

/// How many bytes of messages are held back until the place can be opened.
const HELD: usize = 4096;

/// While messages are dropped, the daemon tries the place again whenever it is awake and this has
/// passed since the last attempt.
const PAUSE: Duration = Duration::from_secs(1);

/// A place for log messages.
#[derive(Debug)]
pub struct LogSink {
    /// None if only the user that the daemon will become may open it.
    stream: Option<Stream<Outlet>>,
    /// None for standard error.
    place: Option<LogPlace>,
    held: Vec<u8>,
    /// How many messages are held back.
    holding: u32,
    /// How many messages were dropped since the last report.
    dropped: u32,
    /// Whether the place failed for another reason than a full buffer: then opening it again may
    /// help.
    failed: bool,
    opening: Outage,
    /// The place is not tried again before this.
    retry_at: Instant,
}

impl LogSink {
    /// Standard error, as it is now.
    ///
    /// # Errors
    ///
    /// The process can get no more file descriptors.
    pub fn stderr() -> io::Result<Self> {
        Ok(Self::new(Some(Outlet::stderr()?), None))
    }

    /// Opens a file to append to, the Unix stream socket at that path, or syslog at `/dev/log`. A
    /// missing file is created.
    ///
    /// If the daemon will become another user, root opens a file only in a directory that no other
    /// user can change, and gives the file to that user. Anything else is opened later, as that
    /// user.
    ///
    /// # Errors
    ///
    /// The error's text says what to do.
    pub fn open(path: &Path, user: Option<&User>) -> io::Result<Self> {
        let mut place = LogPlace::new(path)?;
        let outlet = match user {
            None => place.open().map(Some),
            Some(user) => place.open_for(user),
        };
        let outlet = outlet.map_err(|error| place.because(&error))?;
        Ok(Self::new(outlet, Some(place)))
    }

    fn new(outlet: Option<Outlet>, place: Option<LogPlace>) -> Self {
        Self {
            stream: outlet.map(Stream::new),
            place,
            held: vec![],
            holding: 0,
            dropped: 0,
            failed: false,
            opening: Outage::default(),
            retry_at: Instant::ZERO,
        }
    }

    /// Whether messages go to syslog.
    #[cfg(not(feature = "defmt"))]
    pub(crate) fn is_syslog(&self) -> bool {
        self.place.as_ref().is_some_and(LogPlace::is_syslog)
    }

    /// Whether messages go to standard error.
    #[cfg(not(feature = "defmt"))]
    pub(crate) fn is_stderr(&self) -> bool {
        self.place.is_none()
    }

    fn send(&mut self, message: &[u8]) {
        if let Some(stream) = &mut self.stream {
            if let Err(error) = stream.send(message) {
                self.dropped = self.dropped.saturating_add(1);
                self.failed |= error.kind() != io::ErrorKind::WouldBlock;
            }
        } else if self.held.len() + message.len() <= HELD {
            self.held.extend_from_slice(message);
            self.holding += 1;
        } else {
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    /// Opens the place if it is not open yet, and writes the messages that were held back.
    fn open_held(&mut self) -> io::Result<()> {
        let (None, Some(place)) = (&self.stream, &mut self.place) else { return Ok(()) };
        let outlet = place.open().map_err(|error| place.because(&error))?;
        let held = mem::take(&mut self.held);
        if self.stream.insert(Stream::new(outlet)).send(&held).is_err() {
            self.dropped = self.dropped.saturating_add(self.holding);
        }
        Ok(())
    }

    /// Opens the place again if its path now leads elsewhere, or if the program at the other end of
    /// its socket is gone. If that fails, the old file stays open: a rotated file can still be
    /// written to.
    fn look_again(&mut self) -> io::Result<()> {
        let failed = mem::take(&mut self.failed);
        if let (Some(stream), Some(place)) = (&mut self.stream, &mut self.place)
            && (place.leads_elsewhere() || failed && place.is_socket())
        {
            match place.open() {
                Ok(outlet) => *stream = Stream::new(outlet),
                Err(error) => {
                    self.failed = true;
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// True if messages were dropped or the place failed, but once in [`PAUSE`] at most: then it is
    /// time to try again.
    fn claim_retry(&mut self, now: Instant) -> bool {
        let is_due = (self.dropped > 0 || self.failed) && self.retry_at <= now;
        if is_due {
            self.retry_at = now + PAUSE;
        }
        is_due
    }
}

/// Sends all messages there. True for the first call; later ones change nothing.
pub(crate) fn init(sink: LogSink) -> bool {
    let mut place = SINK.lock().unwrap_or_else(PoisonError::into_inner);
    let is_first = place.is_none();
    if is_first {
        *place = Some(sink);
    }
    is_first
}

/// Opens a place that only the daemon's new user may open. Earlier messages were held back.
///
/// # Errors
///
/// The error's text says what to do.
pub(crate) fn open() -> io::Result<()> {
    with_sink(LogSink::open_held).unwrap_or(Ok(()))
}

/// Sends a message, or drops it if it cannot be written at once. All messages end with the same
/// byte, by which a reader tells them apart.
pub(crate) fn send(message: &[u8]) {
    with_sink(|sink| sink.send(message));
}

/// Logs how many messages were dropped. If this message is dropped, too, it is logged later.
pub(crate) fn report_dropped() {
    let dropped = with_sink(|sink| mem::take(&mut sink.dropped)).unwrap_or(0);
    if dropped > 0 {
        // An error, so that it is logged at every level.
        error!("{} log messages were dropped", dropped);
        with_sink(|sink| {
            if sink.dropped > 0 {
                sink.dropped = dropped;
            }
        });
    }
}

/// Opens the log again if its path now leads elsewhere, as after a rotation.
pub(crate) fn reopen() {
    with_sink(|sink| sink.retry_at = Instant::ZERO);
    look_again();
}

/// If messages were dropped, tries the place again.
pub(crate) fn go_on(now: Instant) {
    if with_sink(|sink| sink.claim_retry(now)) == Some(true) {
        look_again();
        report_dropped();
    }
}

/// Tries the place again, and logs when opening it begins to fail or works again.
fn look_again() {
    let Some((news, result)) = with_sink(|sink| {
        let result = sink.look_again();
        (if result.is_ok() { sink.opening.end() } else { sink.opening.begin() }, result)
    }) else {
        return;
    };
    match result {
        Ok(()) if news => info!("the log can be opened again"),
        Err(error) if news => {
            warn!("cannot open the log again: {}; still trying", Shown(&Reason::new(&error)));
        }
        _ => {}
    }
}

fn with_sink<T>(act: impl FnOnce(&mut LogSink) -> T) -> Option<T> {
    SINK.lock().unwrap_or_else(PoisonError::into_inner).as_mut().map(act)
}
