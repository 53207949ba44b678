//! The event loop.

use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration as StdDuration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use super::entropy::fill_randomly;
use super::host_name::HostName;
use super::links::{DATAGRAMS, Links};
use super::log;
use super::memory::{Memory, RECEIVED};
use super::options::Options;
use super::server::{Server, View};
use crate::discoverer::{Config, Discoverer, Received, Step, step};
use crate::host::errors::reason::{failure, refused, usage};
use crate::host::files::state_file::StateFile;
use crate::host::interfaces::monitor::Monitor;
use crate::host::interfaces::query::Query;
use crate::host::log::change_log::ChangeLog;
use crate::host::process::port_owner::port_owner;
use crate::host::process::privileges;
use crate::host::process::service_manager::ServiceManager;
use crate::host::process::signals::{Signal, Signals};
use crate::host::time::clock::{self, Clock};
use crate::host::time::timer::Timer;
use crate::limits::{CONTROL_CLIENTS, DATAGRAM_CAPACITY, LINKS, OWN_NODES};
use crate::log::{Shown, debug, error, info, warn};
use crate::stats::Rejected;
use crate::time::{Duration, Instant};

const SIGNALS: Token = Token(0);
const TIMER: Token = Token(1);
const MONITOR: Token = Token(2);
const LISTENER: Token = Token(3);
const FIRST_CLIENT: usize = 4;
pub(super) const FIRST_LINK: usize = FIRST_CLIENT + CONTROL_CLIENTS;

/// The core does at most this many steps before other work: the datagrams of all links, and as
/// many events.
const STEPS: usize = 2 * LINKS * DATAGRAMS;

/// The daemon retries an interface that it could not use after this time, and a host name that it
/// could not announce.
const RETRY: Duration = Duration::from_secs(30);

/// The daemon, ready to run.
pub struct Daemon<'a> {
    poll: Poll,
    events: Events,
    discoverer: Discoverer<'a>,
    links: Links,
    server: Server<'a>,
    clock: Clock,
    timer: Timer,
    signals: Signals,
    monitor: Monitor,
    query: Query,
    changes: ChangeLog,
    host_name: HostName,
    state: Option<StateFile>,
    service_manager: Option<ServiceManager>,
    received: &'a mut [u8; RECEIVED],
    started: Instant,
    /// When to retry an interface or a host name that failed.
    retry_at: Option<Instant>,
    /// Whether there is more to do before the next sleep.
    more: bool,
}

impl<'a> Daemon<'a> {
    /// Opens the control socket, signals and the timer.
    ///
    /// From here on the daemon handles SIGTERM, SIGINT and SIGHUP.
    ///
    /// # Errors
    ///
    /// The control socket can't be opened, or the kernel refuses something basic. The error's text
    /// says what to do about it.
    // Kept out of line so that its stack frame is freed before the loop.
    #[inline(never)]
    pub fn new<const N: usize>(options: &Options, memory: &'a mut Memory<N>) -> io::Result<Self> {
        let state = options.state.as_deref().map(StateFile::new).transpose()?;
        let (clock, timer) = Clock::with_timer(Timer::new)?;
        let poll = Poll::new().map_err(|error| refused("epoll_create1", error))?;
        let (signals, monitor) = (Signals::new()?, Monitor::new()?);
        for (fd, token) in
            [(signals.raw_fd(), SIGNALS), (timer.raw_fd(), TIMER), (monitor.raw_fd(), MONITOR)]
        {
            let registered =
                poll.registry().register(&mut SourceFd(&fd), token, Interest::READABLE);
            registered.map_err(|error| refused("epoll_ctl", error))?;
        }
        let registry = poll.registry();
        let server = Server::new(
            &options.control,
            options.own_directory,
            options.user.as_ref(),
            &mut memory.clients,
            registry,
            LISTENER,
            FIRST_CLIENT,
        )?;
        let (mut seed, mut hash_key) = ([0; 8], [0; 16]);
        fill_randomly(&mut seed)?;
        fill_randomly(&mut hash_key)?;
        let config = Config {
            interval: options.interval,
            udp_port: options.udp_port,
            seed: u64::from_ne_bytes(seed),
            hash_key,
        };
        let started = clock.now()?;
        Ok(Self {
            events: Events::with_capacity(FIRST_LINK + LINKS),
            links: Links::new(options.interfaces.clone(), options.udp_port, FIRST_LINK),
            poll,
            discoverer: Discoverer::new(&config, &mut memory.registry),
            server,
            clock,
            timer,
            signals,
            monitor,
            query: Query::new()?,
            changes: ChangeLog::new(),
            host_name: HostName::new(options.host_name),
            state,
            service_manager: None,
            received: &mut memory.received,
            started,
            retry_at: None,
            more: true,
        })
    }

    /// From now on the daemon reports to a service manager that it is ready, alive, and stopping.
    pub fn report_to(&mut self, service_manager: ServiceManager) {
        self.service_manager = Some(service_manager);
    }

    /// Opens a UDP socket for each interface, and sets the nodes to announce. The daemon sends
    /// nothing before it [runs](Self::run). A machine without an interface is no error: the daemon
    /// waits for one.
    ///
    /// # Errors
    ///
    /// The daemon can't announce or expect a node, allow a network, or open the UDP port without a
    /// privilege. The error's text says which and why.
    // Separate from `new`, so that the stack frame of `new` is free again.
    pub fn start(&mut self, options: &Options) -> io::Result<()> {
        // The privilege will not appear later, so there is nothing to wait for.
        if let Some(complaint) = privileges::forbidden_port(Path::new("/"), options.udp_port) {
            return Err(failure(io::ErrorKind::PermissionDenied, complaint));
        }
        // These calls are not needed yet. They find out early whether a sandbox refuses them: a
        // retry would not help, and the loop uses the same calls.
        self.monitor.drain()?;
        match self.query.with_address(self.received, &mut |_| ()) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                return Err(refused("asking for the interfaces (sendto, recvfrom)", error));
            }
            _ => {}
        }
        for network in &options.allow {
            self.discoverer
                .allow(*network)
                .map_err(|error| usage(format!("cannot allow {network}: {error}")))?;
        }
        if options.announce.len() + usize::from(options.host_name.is_some()) > OWN_NODES {
            return Err(usage(format!("at most {OWN_NODES} nodes can be announced")));
        }
        for node in &options.announce {
            self.discoverer
                .announce(self.started, node.clone())
                .map_err(|error| usage(format!("cannot announce {}: {error}", node.id)))?;
        }
        for id in &options.expect {
            self.discoverer.expect(id).map_err(|_| {
                let capacity = self.discoverer.registry().capacity();
                usage(format!("cannot expect {id}: all {capacity} places are reserved for others"))
            })?;
        }
        self.links.warn_of_idle_patterns(&mut self.query, self.received);
        if self.use_interfaces(self.started) == Some(io::ErrorKind::AddrInUse)
            && let Some(complaint) = port_owner(Path::new("/"), options.udp_port)
        {
            // This search allocates and needs privileges that the daemon drops later.
            error!("{}", complaint.as_str());
        }
        Ok(())
    }

    /// Drops the privileges that the daemon no longer needs: it switches to the requested user,
    /// keeps only the capabilities that opening a UDP socket needs, and can gain no others. The
    /// process must have only this thread. Then it opens the log as that user, if it is not open.
    ///
    /// # Errors
    ///
    /// The daemon can't drop a privilege, or can't open the log. The error's text says what to do;
    /// the daemon must not run then.
    pub fn drop_privileges(&self, options: &Options) -> io::Result<()> {
        privileges::drop(options.user.as_ref(), options.udp_port)?;
        log::open()?;
        if !self.server.can_remove_file() {
            info!(
                "cannot remove {} at exit: its directory is not writable",
                Shown(&options.control.display())
            );
        }
        Ok(())
    }

    /// Restores the nodes known before a restart, if a state file keeps them. Logs the nodes that
    /// it announces, and that the daemon is ready: nothing can fail any more. Call it as the user
    /// that the daemon [runs as](Self::drop_privileges).
    ///
    /// # Errors
    ///
    /// The daemon can't keep its state in that file. The error's text says why and what to do.
    pub fn restore(&mut self, options: &Options) -> io::Result<()> {
        if let Some(state) = &mut self.state {
            state.start(self.started, &mut self.discoverer, self.received)?;
        }
        for node in &options.announce {
            info!(
                "announcing {} at port {} every {} s",
                node.id,
                node.port,
                options.interval.secs()
            );
        }
        self.look_at_host_name(self.started);
        info!(
            "foghorn {} listens at {}",
            env!("CARGO_PKG_VERSION"),
            Shown(&options.control.display())
        );
        Ok(())
    }

    /// Runs until SIGTERM or SIGINT. Call [`start`](Self::start) first.
    ///
    /// # Errors
    ///
    /// The kernel no longer lets it wait, set its timer, read signals or read the time. Nothing
    /// else stops it.
    pub fn run(&mut self) -> io::Result<()> {
        while self.turn()?.is_continue() {}
        if let Some(service_manager) = &mut self.service_manager {
            service_manager.notify_stopping();
        }
        if let Some(state) = &mut self.state {
            state.save(self.clock.now()?, self.discoverer.registry(), self.received);
        }
        info!("stopped");
        Ok(())
    }

    /// Runs the loop once: waits for something to do, and does it. [`ControlFlow::Break`] after a
    /// signal to stop.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn turn(&mut self) -> io::Result<ControlFlow<()>> {
        if let Some(due) = self.deadline() {
            self.timer.wake_by(due)?;
        }
        match self.poll.poll(&mut self.events, self.more.then_some(StdDuration::ZERO)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                return Ok(ControlFlow::Continue(()));
            }
            polled => polled.map_err(|error| refused("epoll_wait", error))?,
        }
        let now = self.clock.now()?;
        if self.take_in(now)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        // Timeouts are handled before requests: otherwise a client could receive a node that has
        // already expired.
        self.discoverer.handle_timeout(now);
        self.more = self.exchange(now);
        self.answer(now);
        self.maintain(now);
        Ok(ControlFlow::Continue(()))
    }

    /// Handles the events that the kernel reports, except those of clients.
    /// [`ControlFlow::Break`] after a signal to stop.
    fn take_in(&mut self, now: Instant) -> io::Result<ControlFlow<()>> {
        let mut changed = false;
        for readiness in &self.events {
            match readiness.token() {
                SIGNALS => {
                    while let Some(signal) = self.signals.take_next()? {
                        if signal == Signal::Stop {
                            return Ok(ControlFlow::Break(()));
                        }
                        log::reopen();
                        info!(
                            "SIGHUP: checking the interfaces and the host name, and announcing now"
                        );
                        self.discoverer.announce_now(now);
                        self.server.request_check();
                        changed = true;
                        if let Some(state) = &mut self.state {
                            state.request();
                        }
                    }
                }
                TIMER => {
                    self.timer.mark_fired();
                    // The kernel's counts could wrap if no client asked for days.
                    let _ = self.links.dropped();
                }
                // A message that the daemon can't read may be about a change.
                MONITOR => changed |= self.monitor.drain().unwrap_or(true),
                LISTENER => self.server.mark_ready(),
                token if token.0 >= FIRST_LINK => self.links.mark_ready(token),
                _ => {}
            }
        }
        if changed || self.retry_at.is_some_and(|at| at <= now) {
            // A booting machine gets its name at about the same time as its address.
            self.use_interfaces(now);
            self.look_at_host_name(now);
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Moves datagrams between links and core, and reports events. True if there is more to do than
    /// one turn allows.
    fn exchange(&mut self, now: Instant) -> bool {
        self.links.begin_turn(now);
        for _ in 0..STEPS {
            let buffer = self.received.get_mut(..DATAGRAM_CAPACITY).unwrap_or_default();
            match step(&mut self.discoverer, &mut self.links, now, buffer) {
                Ok(Step::Event(event)) => {
                    self.changes.log(now, &event, self.links.name(event.address.link));
                    self.server.publish(&event, &self.links, now);
                }
                Ok(Step::Rejected(received, reason)) => self.report(now, &received, reason),
                Ok(Step::Heard(_) | Step::Sent(_)) => {}
                Err(nb::Error::WouldBlock) => return self.links.is_ready(now),
            }
        }
        true
    }

    /// Reports a rejected datagram.
    fn report(&mut self, now: Instant, received: &Received, reason: Rejected) {
        let (name, from) = (self.links.name(received.link), received.from.ip());
        debug!("{}: a datagram from {} was rejected: {}", Shown(name), from, reason);
        if reason == Rejected::OwnName
            && let Some((id, address)) = self.discoverer.poll_rival()
            && self.changes.claim_line(now)
        {
            warn!("{} also announces {}: give one of the two another name", address, id);
        }
    }

    /// Answers clients.
    fn answer(&mut self, now: Instant) {
        let view = view(now, self.started, &self.discoverer, &self.links, &self.host_name);
        for readiness in &self.events {
            if (FIRST_CLIENT..FIRST_LINK).contains(&readiness.token().0) {
                self.server.handle_client(readiness, &view);
            }
        }
        self.server.handle_timeout(now);
        self.more |= self.server.go_on(self.poll.registry(), &view);
    }

    /// Continues the work with deadlines of its own: the state, the service manager, the log.
    fn maintain(&mut self, now: Instant) {
        if let Some(state) = &mut self.state {
            state.go_on(now, self.discoverer.registry(), self.received);
        }
        if let Some(service_manager) = &mut self.service_manager {
            service_manager.go_on(now);
        }
        log::go_on(now);
    }

    /// Brings the interfaces in use up to date with the kernel's. Returns the error if one could
    /// not be used.
    fn use_interfaces(&mut self, now: Instant) -> Option<io::ErrorKind> {
        let (registry, discoverer) = (self.poll.registry(), &mut self.discoverer);
        let failed =
            self.links.reconcile(now, &mut self.query, self.received, discoverer, registry);
        self.retry_at = failed.map(|_| now + RETRY);
        failed
    }

    /// Announces the host name, if it is new and the options ask for it.
    fn look_at_host_name(&mut self, now: Instant) {
        if self.host_name.update(now, &mut self.discoverer) {
            self.retry_at = Some(now + RETRY);
        }
    }

    /// When the daemon must wake up next.
    fn deadline(&self) -> Option<Instant> {
        let state = self.state.as_ref().and_then(StateFile::deadline);
        let sign_of_life = self.service_manager.as_ref().and_then(ServiceManager::deadline);
        let core = self.discoverer.poll_at();
        let (links, server) = (self.links.deadline(), self.server.deadline());
        [core, links, server, self.retry_at, state, sign_of_life].into_iter().flatten().min()
    }
}

/// The data that answers to control clients are made from.
fn view<'a, 'b>(
    now: Instant,
    started: Instant,
    discoverer: &'a Discoverer<'b>,
    links: &'a Links,
    host_name: &'a HostName,
) -> View<'a, 'b> {
    View { now, processor_time: clock::processor_time, started, discoverer, links, host_name }
}
