//! Accepts clients, no faster than the daemon can afford.

use std::io;
use std::path::Path;

use mio::net::{UnixListener, UnixStream};
use mio::{Interest, Token};
use nix::errno::Errno;
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use socket2::{Domain, SockRef, Socket, Type};

use super::passed::Guard;
use super::socket_file::{self, SocketFile};
use crate::host::errors::outage::Outage;
use crate::host::errors::reason::{Reason, refused};
use crate::host::process::privileges::User;
use crate::log::{Shown, info, warn};
use crate::time::{Duration, Instant};

/// Processor time that newcomers may cost, in nanoseconds for each millisecond: 2.5 %. A client
/// that connects again and again gets no more than that, on a slow processor too. Waking up for
/// newcomers costs about as much again.
const SHARE: u64 = 25_000;

/// When that time is used up, the listener accepts the next newcomers after this: several at once,
/// since each wake-up has a cost, too.
const PERIOD: Duration = Duration::from_millis(10);

/// The processor time that newcomers may cost at once.
const BURST: u64 = SHARE * PERIOD.millis();

/// Stands for the user of a client when the kernel does not report one: a number that no user has.
const UNKNOWN: u32 = u32::MAX;

/// Connections that the kernel keeps waiting, less one. Few, since they are accepted in order: a
/// newcomer should not wait behind many.
const BACKLOG: i32 = 7;

/// An outage is over when nothing has failed for this long: clients can make it come and go as they
/// like, and each end is logged.
const CALM: Duration = Duration::from_secs(300);

/// The message when a client cannot be accepted.
const CONNECTING: &str = "not all control clients can connect (accept4)";

/// How often the socket's file is looked at, when the daemon is awake for something else.
const CHECK_INTERVAL: Duration = Duration::from_secs(60);

pub(super) struct Listener {
    socket: UnixListener,
    file: SocketFile,
    guard: Guard,
    /// Whether a client may be waiting: the kernel says so once, until all were accepted.
    ready: bool,
    /// Nanoseconds that newcomers have cost, minus the nanoseconds granted up to `settled`.
    spent: u64,
    settled: Instant,
    /// A descriptor in reserve. When the process has no other, a client can be accepted before
    /// another is evicted.
    reserve: Option<Socket>,
    outage: Outage,
    failed: Instant,
    /// When the socket's file was looked at last.
    checked: Instant,
    /// The file is gone and cannot be made again.
    gone: Outage,
}

/// A client that has just connected.
pub(super) struct Newcomer {
    pub(super) stream: UnixStream,
    pub(super) user: u32,
    /// No more descriptors are free: this client may stay only in the place of another.
    pub(super) on_reserve: bool,
}

impl Listener {
    pub(super) fn new(
        path: &Path,
        own_directory: bool,
        user: Option<&User>,
        poll: &mio::Registry,
        token: Token,
    ) -> io::Result<Self> {
        let (mut socket, file) = socket_file::bind(path, own_directory, user)?;
        register(&mut socket, poll, token)?;
        Ok(Self {
            guard: Guard::new(&socket),
            socket,
            file,
            ready: true,
            spent: 0,
            settled: Instant::ZERO,
            reserve: Some(reserve().map_err(|error| refused("socket of AF_UNIX", error))?),
            outage: Outage::default(),
            failed: Instant::ZERO,
            checked: Instant::ZERO,
            gone: Outage::default(),
        })
    }

    /// Makes the next [`check_file`](Self::check_file) look at the socket's file.
    pub(super) fn request_check(&mut self) {
        self.checked = Instant::ZERO;
    }

    /// Looks at the socket's file once in a while, and listens again if it is gone. Connected
    /// clients stay connected.
    pub(super) fn check_file(&mut self, now: Instant, poll: &mio::Registry, token: Token) {
        if now.since(self.checked) < CHECK_INTERVAL {
            return;
        }
        self.checked = now;
        let path = self.file.path().display();
        if self.file.is_there() {
            if self.gone.end() {
                info!("{} is there again", Shown(&path));
            }
            return;
        }
        match self.listen_again(poll, token) {
            Ok(()) => {
                self.gone.end();
                info!("{} was gone: listening there again", Shown(&self.file.path().display()));
            }
            Err(error) => {
                if self.gone.begin() {
                    let path = self.file.path().display();
                    warn!(
                        "{} is gone, so no client can connect: {}; still trying",
                        Shown(&path),
                        Shown(&error)
                    );
                }
            }
        }
    }

    fn listen_again(&mut self, poll: &mio::Registry, token: Token) -> io::Result<()> {
        let mut socket = self.file.bind_again()?;
        register(&mut socket, poll, token)?;
        let guard = Guard::new(&socket);
        let before = std::mem::replace(&mut self.socket, socket);
        self.guard.limit(|| drop(before));
        self.guard = guard;
        self.ready = true;
        Ok(())
    }

    /// Whether the socket's file can be removed at the end, with the privileges that are left.
    pub(super) fn can_remove_file(&self) -> bool {
        self.file.can_be_removed()
    }

    /// The guard for connections of this listener.
    pub(super) fn guard(&self) -> Guard {
        self.guard
    }

    pub(super) fn mark_ready(&mut self) {
        self.ready = true;
    }

    /// Grants newcomers the processor time that has accrued up to now.
    pub(super) fn settle(&mut self, now: Instant) {
        let granted = now.since(self.settled).millis().saturating_mul(SHARE);
        self.spent = self.spent.saturating_sub(granted);
        self.settled = now;
    }

    /// Whether a client may be waiting and may be accepted now.
    pub(super) fn may_accept(&self) -> bool {
        self.ready && self.spent < BURST
    }

    /// When that may change, if a client may be waiting.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.ready.then(|| self.settled + PERIOD)
    }

    /// Charges newcomers that many nanoseconds of processor time. If the kernel does not report it,
    /// they are charged all that they may cost at once.
    pub(super) fn charge(&mut self, nanos: Option<u64>) {
        self.spent = self.spent.saturating_add(nanos.unwrap_or(BURST));
    }

    /// Accepts a client. The caller [charges](Self::charge) the cost.
    pub(super) fn accept(&mut self, now: Instant) -> Option<Newcomer> {
        if self.reserve.is_none() {
            self.reserve = reserve().ok();
        }
        let (accepted, shortage) = match self.socket.accept() {
            Err(error) if is_shortage(&error) && self.reserve.take().is_some() => {
                (self.socket.accept(), Some(error))
            }
            accepted => (accepted, None),
        };
        match accepted {
            Ok((stream, _)) => {
                match &shortage {
                    Some(error) => self.note_failure(CONNECTING, error, now),
                    None => self.note_success(now),
                }
                let user = match getsockopt(&stream, PeerCredentials) {
                    Ok(credentials) => credentials.uid(),
                    // The client is served all the same. It shares slots with other clients of
                    // unknown users.
                    Err(errno) => {
                        self.note_failure(
                            "cannot read the users of control clients (getsockopt)",
                            &errno.into(),
                            now,
                        );
                        UNKNOWN
                    }
                };
                return Some(Newcomer { stream, user, on_reserve: shortage.is_some() });
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.ready = false,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                self.note_failure(CONNECTING, &error, now);
                self.charge(Some(BURST));
            }
        }
        None
    }

    fn note_failure(&mut self, what: &'static str, error: &io::Error, now: Instant) {
        self.failed = now;
        if self.outage.begin() {
            warn!("{}: {}; still trying", what, Shown(&Reason::new(error)));
        }
    }

    fn note_success(&mut self, now: Instant) {
        if self.failed + CALM <= now && self.outage.end() {
            info!("control clients can connect again");
        }
    }
}

fn register(socket: &mut UnixListener, poll: &mio::Registry, token: Token) -> io::Result<()> {
    // The socket listens already. This makes its queue shorter.
    SockRef::from(&*socket).listen(BACKLOG).map_err(|error| refused("listen", error))?;
    poll.register(socket, token, Interest::READABLE).map_err(|error| refused("epoll_ctl", error))
}

/// Whether this process, or the whole system, has no descriptor left.
fn is_shortage(error: &io::Error) -> bool {
    matches!(error.raw_os_error().map(Errno::from_raw), Some(Errno::EMFILE | Errno::ENFILE))
}

/// A socket that only holds a descriptor.
fn reserve() -> io::Result<Socket> {
    Socket::new(Domain::UNIX, Type::STREAM, None)
}
