//! Notifies the service manager that started the daemon: it is ready, its loop is running, it
//! stops.
//!
//! The protocol is that of `sd_notify(3)`: datagrams of assignments to the Unix socket that
//! `NOTIFY_SOCKET` names. If that is not set, nobody is notified.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::process;

use socket2::{Socket, Type};

use crate::host::errors::outage::Outage;
use crate::host::errors::reason::Reason;
use crate::host::files::unix_socket;
use crate::log::{Shown, warn};
use crate::time::{Duration, Instant};

const READY: &[u8] = b"READY=1\nSTATUS=`foghorn list` shows the nodes";
const ALIVE: &[u8] = b"WATCHDOG=1";
const STOPPING: &[u8] = b"STOPPING=1";

/// A manager without a watchdog that could not be notified of the start is notified again as if its
/// watchdog had this timeout.
const PATIENCE: Duration = Duration::from_secs(60);

/// The service manager that started this process.
#[derive(Debug)]
pub struct ServiceManager {
    socket: Socket,
    /// Whether it was notified that the daemon is ready.
    ready: bool,
    /// Whether it has a watchdog.
    watches: bool,
    /// A quarter of the watchdog's timeout. After this time the daemon pings the watchdog as soon
    /// as it is awake for another reason, and after twice this time at the latest. So a daemon that
    /// is awake now and then does not wake up for it.
    quarter: Duration,
    /// When the daemon last tried to notify it.
    tried: Instant,
    outage: Outage,
}

impl ServiceManager {
    /// The manager that `NOTIFY_SOCKET` names. It has a watchdog if `WATCHDOG_USEC` gives a timeout
    /// in microseconds, and `WATCHDOG_PID`, if set, is this process. A variable that is not a
    /// number is ignored. If the manager cannot be reached, a warning is logged and there is none.
    // Kept out of line so that its stack frame is freed before the loop.
    #[inline(never)]
    #[must_use]
    pub fn from_environment() -> Option<Self> {
        let socket = env::var_os("NOTIFY_SOCKET").filter(|socket| !socket.is_empty())?;
        let watchdog =
            watchdog(env::var_os("WATCHDOG_USEC"), env::var_os("WATCHDOG_PID"), process::id());
        Self::connect(&socket, watchdog)
            .map_err(|error| {
                warn!(
                    "cannot notify the service manager at {}: {}",
                    Shown(&socket.display()),
                    Shown(&error)
                );
            })
            .ok()
    }

    /// The manager that listens at a socket: a path, or @ and an abstract name. `watchdog` is the
    /// timeout of its watchdog, if it has one; at least four milliseconds. Nothing is sent yet. The
    /// process can notify it later, even as another user.
    ///
    /// # Errors
    ///
    /// No program listens there, or none can.
    pub fn connect(socket: &OsStr, watchdog: Option<Duration>) -> io::Result<Self> {
        let mut address = socket.as_bytes().to_vec();
        if let Some(first @ b'@') = address.first_mut() {
            *first = 0;
        }
        let socket = unix_socket::connect(Type::DGRAM, &OsString::from_vec(address))?;
        Ok(Self::over(socket, watchdog))
    }

    fn over(socket: Socket, watchdog: Option<Duration>) -> Self {
        let quarter = Duration::from_millis(watchdog.unwrap_or(PATIENCE).millis() / 4);
        Self {
            socket,
            ready: false,
            watches: watchdog.is_some(),
            quarter: quarter.max(Duration::from_millis(1)),
            tried: Instant::ZERO,
            outage: Outage::default(),
        }
    }

    /// To be called when all work of a turn of the loop is done. The first call notifies the
    /// manager that the daemon is ready; later ones ping its watchdog when it is time.
    pub(crate) fn go_on(&mut self, now: Instant) {
        if self.is_waiting() && now.since(self.tried) >= self.quarter {
            self.tried = now;
            self.ready |= self.notify(if self.ready { ALIVE } else { READY });
        }
    }

    /// When [`go_on`](Self::go_on) has something to do, whatever else there is to do.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.is_waiting().then(|| self.tried + self.quarter + self.quarter)
    }

    /// Notifies the manager that the daemon stops.
    pub(crate) fn notify_stopping(&mut self) {
        self.notify(STOPPING);
    }

    fn is_waiting(&self) -> bool {
        self.watches || !self.ready
    }

    /// Sends a notification without waiting. True if the manager received it.
    fn notify(&mut self, message: &[u8]) -> bool {
        match self.socket.send(message) {
            Ok(_) => {
                self.outage.end();
                true
            }
            Err(error) => {
                if self.outage.begin() {
                    warn!(
                        "cannot notify the service manager: {}; still trying",
                        Shown(&Reason::new(&error))
                    );
                }
                false
            }
        }
    }
}

/// The timeout of the watchdog for this process.
fn watchdog(micros: Option<OsString>, wanted: Option<OsString>, pid: u32) -> Option<Duration> {
    if wanted.is_some_and(|wanted| number(&wanted) != Some(pid.into())) {
        return None;
    }
    // The highest number stands for no limit.
    let micros = number(&micros?).filter(|micros| (1..u64::MAX).contains(micros))?;
    Some(Duration::from_millis(micros / 1000))
}

fn number(text: &OsStr) -> Option<u64> {
    text.to_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixDatagram;

    use socket2::Domain;

    use super::*;

    #[test]
    fn it_waits_for_this_process_as_long_as_it_says() {
        let watchdog = |micros: &str, pid: &str| watchdog(Some(micros.into()), Some(pid.into()), 7);
        for (micros, millis) in [
            ("180000000", 180_000),
            ("1999", 1),
            ("1", 0),
            ("18446744073709551614", u64::MAX / 1000),
        ] {
            assert_eq!(watchdog(micros, "7"), Some(Duration::from_millis(millis)), "{micros}");
            assert_eq!(super::watchdog(Some(micros.into()), None, 7), watchdog(micros, "7"));
        }
        assert_eq!(super::watchdog(None, None, 7), None);
        for micros in
            ["", "0", "-1", "1s", " 1", "1.5", "18446744073709551615", "18446744073709551616"]
        {
            assert_eq!(watchdog(micros, "7"), None, "{micros:?}");
        }
        for pid in ["8", "0", "-7", "7 ", "seven", ""] {
            assert_eq!(watchdog("1000000", pid), None, "{pid:?}");
        }
    }

    #[test]
    fn a_manager_that_nobody_runs_is_not_notified() {
        let long = "/x".repeat(200);
        for socket in [
            "",
            "/",
            "@",
            "/no/such/socket",
            "/dev/null",
            &long,
            "@nobody-listens-here",
            "vsock:2:1",
        ] {
            assert!(ServiceManager::connect(socket.as_ref(), None).is_err(), "{socket:?}");
        }
    }

    fn at(millis: u64) -> Instant {
        Instant::from_millis(1_000_000 + millis)
    }

    /// A manager, and what it hears.
    fn manager(watchdog: Option<Duration>) -> (ServiceManager, impl Fn() -> Option<String>) {
        let (ours, theirs) = Socket::pair(Domain::UNIX, Type::DGRAM, None).unwrap();
        let theirs = UnixDatagram::from(OwnedFd::from(theirs));
        ours.set_nonblocking(true).unwrap();
        theirs.set_nonblocking(true).unwrap();
        let heard = move || {
            let mut buffer = [0; 200];
            match theirs.recv(&mut buffer) {
                Ok(length) => Some(String::from_utf8(buffer[..length].to_vec()).unwrap()),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                    None
                }
            }
        };
        (ServiceManager::over(ours, watchdog), heard)
    }

    #[test]
    fn a_manager_without_a_watchdog_is_notified_once() {
        let (mut manager, heard) = manager(None);
        assert!(manager.deadline().unwrap() <= at(0));
        manager.go_on(at(0));
        assert!(heard().unwrap().starts_with("READY=1\nSTATUS="));
        assert_eq!(manager.deadline(), None);
        manager.go_on(at(1_000_000_000));
        assert_eq!(heard(), None);
        manager.notify_stopping();
        assert_eq!(heard().unwrap(), "STOPPING=1");
    }

    #[test]
    fn the_watchdog_is_pinged_when_the_daemon_is_awake_and_within_half_of_its_timeout() {
        let (mut manager, heard) = manager(Some(Duration::from_secs(180)));
        manager.go_on(at(0));
        assert!(heard().unwrap().starts_with("READY=1"));
        for (woken, told, next) in [
            (1, false, 90_000),
            (44_999, false, 90_000),
            (45_000, true, 135_000),
            (89_999, false, 135_000),
            (135_000, true, 225_000),
            (1_000_000, true, 1_090_000),
        ] {
            manager.go_on(at(woken));
            assert_eq!(heard(), told.then(|| "WATCHDOG=1".to_owned()), "{woken}");
            assert_eq!(manager.deadline(), Some(at(next)), "{woken}");
        }
    }

    #[test]
    fn a_daemon_that_announces_does_not_wake_to_ping_the_watchdog() {
        let (mut manager, heard) = manager(Some(Duration::from_secs(180)));
        let mut now = 0;
        // The shortest and the longest times between announcements, by turns.
        for pause in [28_125, 31_875].into_iter().cycle().take(100) {
            manager.go_on(at(now));
            let _ = heard();
            now += pause;
            assert!(manager.deadline() > Some(at(now)));
        }
    }

    #[test]
    fn a_notification_that_did_not_fit_is_sent_again() {
        let (mut manager, heard) = manager(Some(Duration::from_secs(4)));
        while manager.notify(b"X_FULL=1") {}
        manager.go_on(at(0));
        assert_eq!(manager.deadline(), Some(at(2000)));
        while heard().is_some_and(|heard| heard == "X_FULL=1") {}
        manager.go_on(at(1000));
        assert!(heard().unwrap().starts_with("READY=1"));
        assert_eq!(manager.deadline(), Some(at(3000)));
    }

    #[test]
    fn a_manager_that_is_gone_stops_nothing() {
        let (mut manager, heard) = manager(Some(Duration::from_millis(1)));
        drop(heard);
        for millis in 0..10 {
            manager.go_on(at(millis));
            assert_eq!(manager.deadline(), Some(at(millis + 2)));
        }
    }
}
