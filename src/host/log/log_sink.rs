//! Where log messages go: to standard error, or where `--log-to` says. What is not taken there at
//! once is dropped and counted.
//!
//! A file can be rotated, and a program that listens at a socket can be started again. Then
//! [the rule](super::outage) for all that the daemon can lose holds for the log, too.

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

/// Where all messages go; none before [`init`].
static SINK: Mutex<Option<LogSink>> = Mutex::new(None);

/// So much of what is said before a place can be opened is held back for it, in bytes.
const HELD: usize = 4096;

/// While messages are dropped the daemon looks whether that has changed when it is awake, and this
/// has passed since the last time.
const PAUSE: Duration = Duration::from_secs(1);

/// A place for log messages.
#[derive(Debug)]
pub struct LogSink {
    /// None if it can't be opened before the daemon has become another user.
    stream: Option<Stream<Outlet>>,
    /// None for standard error.
    place: Option<LogPlace>,
    held: Vec<u8>,
    /// How many messages are held back.
    holding: u32,
    /// How many messages were dropped since that was last said.
    dropped: u32,
    /// Whether the place failed, and not for want of room: a look at it may help.
    failed: bool,
    opening: Outage,
    /// Not to look again before.
    retry_at: Instant,
}

impl LogSink {
    /// Standard error, as it is now.
    ///
    /// # Errors
    ///
    /// The process may not have another file descriptor.
    pub fn stderr() -> io::Result<Self> {
        Ok(Self::new(Some(Outlet::stderr()?), None))
    }

    /// A file to append to, which is made if it is missing, the Unix stream socket at that path, or
    /// syslog at `/dev/log`.
    ///
    /// If the daemon is to become another user, root opens a file only in a directory that nobody
    /// else can change, and gives it to that user. Anything else is opened later, by the user
    /// itself.
    ///
    /// # Errors
    ///
    /// The error's text says what to do about it.
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

    /// Opens what is not open yet, and sends there what was held back.
    fn open_held(&mut self) -> io::Result<()> {
        let (None, Some(place)) = (&self.stream, &mut self.place) else { return Ok(()) };
        let outlet = place.open().map_err(|error| place.because(&error))?;
        let held = mem::take(&mut self.held);
        if self.stream.insert(Stream::new(outlet)).send(&held).is_err() {
            self.dropped = self.dropped.saturating_add(self.holding);
        }
        Ok(())
    }

    /// Opens the place anew if its path leads elsewhere by now, or if its socket has nobody at the
    /// other end. If that fails, what was open stays so: a file that was rotated can still be
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

    /// Whether it is time to look whether messages are taken again.
    fn claim_retry(&mut self, now: Instant) -> bool {
        let is_due = (self.dropped > 0 || self.failed) && self.retry_at <= now;
        if is_due {
            self.retry_at = now + PAUSE;
        }
        is_due
    }
}

/// Sends all messages there. True the first time; then it stays so.
pub(crate) fn init(sink: LogSink) -> bool {
    let mut place = SINK.lock().unwrap_or_else(PoisonError::into_inner);
    let is_first = place.is_none();
    if is_first {
        *place = Some(sink);
    }
    is_first
}

/// Opens a place that only the user may open that the daemon has become. What was said before is
/// held back until then.
///
/// # Errors
///
/// The error's text says what to do about it.
pub(crate) fn open() -> io::Result<()> {
    with_sink(LogSink::open_held).unwrap_or(Ok(()))
}

/// Sends a message, or drops what is not taken of it at once. Each ends with the same byte, by
/// which a reader tells them apart.
pub(crate) fn send(message: &[u8]) {
    with_sink(|sink| sink.send(message));
}

/// Says how many messages were dropped. If that is dropped, too, it is said later.
pub(crate) fn report_dropped() {
    let dropped = with_sink(|sink| mem::take(&mut sink.dropped)).unwrap_or(0);
    if dropped > 0 {
        // An error, so that it is said at every level.
        error!("{} log messages were dropped", dropped);
        with_sink(|sink| {
            if sink.dropped > 0 {
                sink.dropped = dropped;
            }
        });
    }
}

/// Opens the place for the log anew if its path leads elsewhere by now, as after a rotation.
pub(crate) fn reopen() {
    with_sink(|sink| sink.retry_at = Instant::ZERO);
    look_again();
}

/// If messages were dropped, looks whether they are taken again.
pub(crate) fn go_on(now: Instant) {
    if with_sink(|sink| sink.claim_retry(now)) == Some(true) {
        look_again();
        report_dropped();
    }
}

/// Looks at the place again, and says what is new about whether it can be opened.
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
