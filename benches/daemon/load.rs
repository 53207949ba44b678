//! Processor time for each announcement of a known node, beside that of a process which only
//! receives.

use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsFd as _;
use std::process::Command;
use std::thread;
use std::time::Duration;

use foghorn::limits::DATAGRAM_CAPACITY;
use foghorn::wire::v1::UDP_PORT;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::signal::{Signal, kill};

use crate::common::{effort, goal, median};
use crate::process::{Daemon, Placement, Process, Workshop};
use crate::traffic::{Sender, dropped, is_open, neighbours, wait_until_taken};

/// The role this program has when it is the bare receiver.
pub(crate) const BARE_RECEIVER: &str = "--bare-receiver";
pub(crate) const BARE_PORT: u16 = UDP_PORT + 1;

fn rounds() -> u32 {
    effort(5, 1)
}

/// Datagrams that a socket's buffer holds for certain.
const BACKLOG: u32 = 200;

/// Enough for the receiver to fall asleep after each datagram.
const PAUSE: Duration = Duration::from_micros(40);

/// Starts this program as the bare receiver, and waits until that receives.
pub(crate) fn start_bare_receiver() -> Process {
    let process = Process::start(
        Command::new(std::env::current_exe().unwrap())
            .args([BARE_RECEIVER, &BARE_PORT.to_string()]),
    );
    while !is_open(BARE_PORT) {
        thread::sleep(PAUSE);
    }
    process
}

/// The least that a receiver can do: wait, and take until there is nothing more.
pub(crate) fn receive_bare(port: u16) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    socket.set_nonblocking(true).unwrap();
    let epoll = Epoll::new(EpollCreateFlags::empty()).unwrap();
    epoll.add(socket.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, 0)).unwrap();
    let mut events = [EpollEvent::empty()];
    let mut buffer = [0; DATAGRAM_CAPACITY];
    loop {
        // Fails when the process was stopped meanwhile.
        let _ = epoll.wait(&mut events, EpollTimeout::NONE);
        while socket.recv_from(&mut buffer).is_ok() {}
    }
}

/// The pace of the datagrams.
#[derive(Clone, Copy)]
enum Load {
    /// Some at once, and more when those were taken.
    Bursts,
    /// The next when the receiver sleeps again.
    OneByOne,
    /// As many at once as the socket's buffer holds, put there while the receiver is stopped: it
    /// takes all of them without a sleep, so that what it does for each counts most.
    Backlog,
}

impl Load {
    const ALL: [Self; 3] = [Self::Bursts, Self::OneByOne, Self::Backlog];

    fn name(self) -> &'static str {
        match self {
            Self::Bursts => "bursts of 32",
            Self::OneByOne => "one by one",
            Self::Backlog => "backlog of 200",
        }
    }

    fn datagrams(self) -> u32 {
        let full = match self {
            Self::Bursts | Self::Backlog => 200_000,
            Self::OneByOne => 20_000,
        };
        // Of so few none is lost, however late they are taken.
        effort(full, BACKLOG)
    }

    fn send(self, process: &Process, port: u16, datagrams: &[Vec<u8>]) {
        let mut sender = Sender::to(port);
        let mut left =
            (0..self.datagrams()).zip(datagrams.iter().cycle()).map(|(_, datagram)| datagram);
        match self {
            Self::Bursts => left.for_each(|datagram| sender.send_in_bursts(datagram, process)),
            Self::OneByOne => left.for_each(|datagram| {
                sender.send(datagram);
                thread::sleep(PAUSE);
            }),
            Self::Backlog => {
                for _ in 0..self.datagrams() / BACKLOG {
                    kill(process.pid(), Signal::SIGSTOP).unwrap();
                    left.by_ref().take(BACKLOG as usize).for_each(|datagram| sender.send(datagram));
                    kill(process.pid(), Signal::SIGCONT).unwrap();
                    wait_until_taken(process);
                }
            }
        }
        wait_until_taken(process);
    }
}

struct Receiver<'a> {
    name: &'static str,
    process: &'a Process,
    port: u16,
}

/// The result of one round.
struct Sample {
    nanos: f64,
    /// Datagrams for each time it slept: a slower daemon wakes less often.
    batch: f64,
}

impl Receiver<'_> {
    fn round(&self, load: Load, datagrams: &[Vec<u8>]) -> Sample {
        let Self { process, port, .. } = *self;
        // Else rounds differ by the choices of the scheduler.
        Placement::TwoProcessors.apply(process.pid());
        let before = (process.cpu_nanos(), process.switches()[0]);
        let dropped_before = dropped(port);
        load.send(process, port, datagrams);
        let (nanos, sleeps) = (process.cpu_nanos() - before.0, process.switches()[0] - before.1);
        assert_eq!(dropped(port), dropped_before, "the receiver is to get all datagrams");
        let received = f64::from(load.datagrams());
        Sample { nanos: to_f64(nanos) / received, batch: received / to_f64(sleeps) }
    }
}

/// Without a loss: no count here is that large.
fn to_f64(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

pub(crate) fn measure(workshop: &Workshop) {
    let daemon = Daemon::start(workshop, "load", "30");
    let bare = start_bare_receiver();
    let datagrams = neighbours();
    let sender = Sender::to(UDP_PORT);
    for datagram in &datagrams {
        sender.send(datagram);
    }
    // Until it has answered the newcomers.
    thread::sleep(effort(Duration::from_secs(5), Duration::ZERO));
    let heard = || daemon.count("datagrams", "received") - daemon.count("datagrams", "own");
    let heard_before = heard();
    println!("processor time for each announcement of a known node, median of {} rounds", rounds());
    let foghorn = Receiver { name: "foghorn", process: &daemon.process, port: UDP_PORT };
    let bare = Receiver { name: "bare", process: &bare, port: BARE_PORT };
    for load in Load::ALL {
        compare(load, &foghorn, &bare, &datagrams);
    }
    let sent: u32 = Load::ALL.iter().map(|load| rounds() * load.datagrams()).sum();
    println!("  sent to the daemon {sent}, counted by it {}", heard() - heard_before);
    Placement::Free.apply(daemon.process.pid());
    println!();
}

fn compare(load: Load, foghorn: &Receiver<'_>, bare: &Receiver<'_>, datagrams: &[Vec<u8>]) {
    let (mut foghorn_samples, mut bare_samples) = (vec![], vec![]);
    for round in 0..rounds() {
        if round % 2 == 0 {
            foghorn_samples.push(foghorn.round(load, datagrams));
            bare_samples.push(bare.round(load, datagrams));
        } else {
            bare_samples.push(bare.round(load, datagrams));
            foghorn_samples.push(foghorn.round(load, datagrams));
        }
    }
    let foghorn_nanos = print_samples(load, foghorn, &foghorn_samples);
    let bare_nanos = print_samples(load, bare, &bare_samples);
    let what = format!("processor time, {}, to a bare receiver", load.name());
    goal(&what, foghorn_nanos / bare_nanos, 1.15, " x");
}

fn print_samples(load: Load, receiver: &Receiver<'_>, samples: &[Sample]) -> f64 {
    let mut all: Vec<f64> = samples.iter().map(|sample| sample.nanos).collect();
    let mut batches: Vec<f64> = samples.iter().map(|sample| sample.batch).collect();
    // Sorts them too.
    let (nanos, batch) = (median(&mut all), median(&mut batches));
    println!(
        "  {:<14}  {:<7} {nanos:>5.0} ns ({:.0} to {:.0}), {batch:>5.1} taken for each sleep",
        load.name(),
        receiver.name,
        all[0],
        all[all.len() - 1]
    );
    nanos
}
