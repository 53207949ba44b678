//! Receiving datagrams from an interface.

use std::io;

use crate::host::errors::outage::Outage;
use crate::host::errors::reason::Reason;
use crate::host::interfaces::interface::InterfaceName;
use crate::log::{Shown, warn};
use crate::time::{Duration, Instant};

/// While an error lasts, the daemon tries to receive again after this time.
const PAUSE: Duration = Duration::from_secs(1);

/// Whether and when to receive from a socket.
#[derive(Default)]
pub(crate) struct Intake {
    /// Whether there may be datagrams: the kernel reports this once, until all are received.
    ready: bool,
    outage: Outage,
    /// The end of a pause in which nothing is received.
    paused_until: Option<Instant>,
}

impl Intake {
    pub(crate) fn mark_ready(&mut self) {
        self.ready = true;
    }

    /// Whether to try to receive now.
    pub(crate) fn is_ready(&self, now: Instant) -> bool {
        self.ready && self.paused_until.is_none_or(|until| until <= now)
    }

    /// The end of the pause, if there may be datagrams.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.paused_until.filter(|_| self.ready)
    }

    /// Takes one datagram from `receive`.
    pub(super) fn take<T>(
        &mut self,
        now: Instant,
        name: &InterfaceName,
        receive: impl FnOnce() -> nb::Result<T, io::Error>,
    ) -> Option<T> {
        if !self.is_ready(now) {
            return None;
        }
        self.paused_until = None;
        match receive() {
            Ok(received) => {
                self.outage.end();
                Some(received)
            }
            Err(nb::Error::WouldBlock) => {
                self.ready = false;
                None
            }
            Err(nb::Error::Other(error)) => {
                // Most errors are about the interface, not about a datagram, and the kernel
                // reports them once: the first is no reason to wait.
                if self.outage.begin() {
                    warn!(
                        "{}: cannot receive: {}; still trying",
                        Shown(name),
                        Shown(&Reason::new(&error))
                    );
                } else {
                    self.paused_until = Some(now + PAUSE);
                }
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A socket with a number of datagrams. It fails while `fails` says so, and counts its calls.
    struct Faulty<F> {
        datagrams: usize,
        fails: F,
        asked: usize,
    }

    impl<F: FnMut(usize) -> bool> Faulty<F> {
        fn receive(&mut self) -> nb::Result<(), io::Error> {
            self.asked += 1;
            if (self.fails)(self.asked) {
                return Err(nb::Error::Other(io::ErrorKind::PermissionDenied.into()));
            }
            self.datagrams = self.datagrams.checked_sub(1).ok_or(nb::Error::WouldBlock)?;
            Ok(())
        }
    }

    /// Runs turns of the loop until that second, and sleeps until the deadline in each. Returns the
    /// number of datagrams received, and the number of turns.
    fn run<F: FnMut(usize) -> bool>(
        socket: &mut Faulty<F>,
        intake: &mut Intake,
        until: u64,
    ) -> [usize; 2] {
        let name = InterfaceName::new(b"eth0").unwrap();
        let (mut now, mut taken, mut turns) = (Instant::ZERO, 0, 0);
        while now < Instant::ZERO + Duration::from_secs(until) {
            if !intake.is_ready(now) {
                let Some(deadline) = intake.deadline() else { break };
                now = deadline;
                continue;
            }
            turns += 1;
            assert!(turns < 10_000, "the loop does not sleep");
            while intake.take(now, &name, || socket.receive()).is_some() {
                taken += 1;
            }
        }
        [taken, turns]
    }

    fn ready() -> Intake {
        let mut intake = Intake::default();
        intake.mark_ready();
        intake
    }

    #[test]
    fn an_intake_receives_all_datagrams_and_then_does_not_try_again() {
        let mut socket = Faulty { datagrams: 5, fails: |_| false, asked: 0 };
        let mut intake = ready();
        assert_eq!(run(&mut socket, &mut intake, 60), [5, 1]);
        assert_eq!((socket.asked, intake.deadline()), (6, None));
        assert_eq!(run(&mut socket, &mut Intake::default(), 60), [0, 0]);
    }

    #[test]
    fn a_lasting_error_does_not_keep_the_loop_busy() {
        let mut socket = Faulty { datagrams: 5, fails: |_| true, asked: 0 };
        let mut intake = ready();
        assert_eq!(run(&mut socket, &mut intake, 60)[0], 0);
        assert_eq!(socket.asked, 61);
        // A new datagram does not shorten the pause.
        intake.mark_ready();
        assert!(
            !intake.is_ready(Instant::from_millis(59_999))
                && intake.is_ready(Instant::from_millis(60_000))
        );
    }

    #[test]
    fn datagrams_behind_a_single_error_are_received_at_once() {
        let mut socket = Faulty { datagrams: 5, fails: |asked| asked % 2 == 1, asked: 0 };
        assert_eq!(run(&mut socket, &mut ready(), 1)[0], 5);
    }

    #[test]
    fn all_datagrams_are_received_after_an_outage() {
        let mut socket = Faulty { datagrams: 5, fails: |asked| asked < 10, asked: 0 };
        assert_eq!(run(&mut socket, &mut ready(), 60)[0], 5);
    }
}
