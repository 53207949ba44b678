//! The real loop with every kind of input: once it runs, it allocates nothing.
//!
//! The test counts allocations on the loop's own thread, so those of the test itself do not count.

#![expect(clippy::unwrap_used, reason = "a test must fail on the unexpected")]

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, UdpSocket};
use std::num::NonZeroU16;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration as StdDuration;

use foghorn::host::{Daemon, Memory, Options, Pattern, ServiceManager};
use foghorn::time::Duration;
use foghorn::wire::{Announcement, NodeId};
use nix::sys::signal::{Signal, raise};

const DATAGRAMS: u32 = 100_000;

/// The number of datagrams between two checks of the daemon; it keeps the socket from overflowing.
const BURST: u32 = 50;

fn options(control: PathBuf, state: PathBuf) -> Options {
    let free = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    Options {
        announce: vec![Announcement {
            id: NodeId::try_from("nas").unwrap(),
            port: NonZeroU16::MIN,
        }],
        host_name: Some(NonZeroU16::MIN),
        expect: vec![NodeId::try_from("node-1").unwrap()],
        // Entries live 600 ms, so that many expire while others are added, and newcomers are
        // answered between two announcements.
        interval: Duration::from_millis(200),
        interfaces: vec![Pattern::new("lo").unwrap()],
        allow: vec!["10.0.0.0/8".parse().unwrap()],
        udp_port: free.local_addr().unwrap().port(),
        control,
        own_directory: false,
        user: None,
        state: Some(state),
    }
}

/// An announcement, or a datagram of a careless or hostile host.
fn datagram(number: u32) -> Vec<u8> {
    let with = |id: &[u8], length: u16, port: u16| {
        [&[0, 0x12, 0x10, 0x25], &port.to_be_bytes()[..], &length.to_be_bytes(), id].concat()
    };
    let announcement = |id: &str| with(id.as_bytes(), id.len().try_into().unwrap(), 22);
    match number % 16 {
        0 => announcement("nas"),
        1 => with(b"cut short", 500, 22),
        2 => b"another protocol".to_vec(),
        3 => with(b"", 0, 22),
        4 => with(&[b'x'; 300], 300, 22),
        5 => with(b"\x1b[2J", 4, 22),
        6 => with(b"pi", 2, 0),
        // A known node that moves: its port changes.
        7 => with(b"mover", 5, u16::try_from(1 + number % 5).unwrap()),
        8 => announcement(&format!("forged-{number}")),
        _ => announcement(&format!("node-{}", number % 7)),
    }
}

/// Sends a request to the control socket and waits for all answers.
fn ask(control: &Path, requests: &[u8], mut answers: usize) -> String {
    let mut stream = UnixStream::connect(control).unwrap();
    // The daemon may disconnect before it has read everything; its answers are received before
    // that.
    let _ = stream.write_all(requests);
    let (mut said, mut reader) = (String::new(), BufReader::new(stream));
    while answers > 0 {
        let start = said.len();
        assert_ne!(reader.read_line(&mut said).unwrap(), 0, "{said}");
        let line = said.get(start..).unwrap();
        answers -= usize::from(line == "ok\n" || line.starts_with("error "));
    }
    said
}

/// Every kind of input, again and again.
fn feed(control: &Path, udp_port: u16, hang_up: &AtomicBool) {
    // Half of the forged nodes are from one host, which soon has its share; the others are from
    // enough hosts to fill the registry.
    let sockets: Vec<_> = (1..=64)
        .map(|host| UdpSocket::bind((Ipv4Addr::new(127, 0, 0, host), 0)).unwrap())
        .collect();
    let mut watcher = UnixStream::connect(control).unwrap();
    watcher.write_all(b"watch\n").unwrap();
    watcher.set_nonblocking(true).unwrap();
    for number in 0..DATAGRAMS {
        let source = if number % 32 == 8 { number / 32 % 64 } else { 0 };
        let socket = sockets.get(usize::try_from(source).unwrap()).unwrap();
        socket.send_to(&datagram(number), (Ipv4Addr::LOCALHOST, udp_port)).unwrap();
        if number % BURST == 0 {
            ask(control, b"lookup node-1\nlookup nobody\nlookup nas\nlist\n", 4);
            // The watch reads its events now and then, so that it is sometimes slow and never too
            // slow.
            let _ = std::io::copy(&mut watcher, &mut std::io::sink());
        }
        if number % (20 * BURST) == 0 {
            ask(control, b"status\nversion\nversion 9\nnonsense\n", 4);
            ask(control, b"lookup a b\n", 1);
            ask(control, b"list all\n", 1);
            ask(control, &b"x".repeat(1000), 1);
            // In pieces, and never as a whole.
            let mut pieces = UnixStream::connect(control).unwrap();
            b"lookup".iter().for_each(|byte| pieces.write_all(&[*byte]).unwrap_or_default());
            // Silent clients that have to make room, a watch that disconnects, and one that never
            // reads.
            let _silent: Vec<_> = (0..20).map(|_| UnixStream::connect(control).unwrap()).collect();
            UnixStream::connect(control).unwrap().write_all(b"watch\n").unwrap();
            // The daemon checks the interfaces, announces, saves its state, reopens the log, and
            // creates the removed control socket again.
            let _ = std::fs::remove_file(control.with_extension("log"));
            std::fs::remove_file(control).unwrap();
            hang_up.store(true, Ordering::Relaxed);
            while UnixStream::connect(control).is_err() {}
        }
    }
    // The daemon answers a single newcomer, unless it has announced just before.
    let newcomer = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 65), 0)).unwrap();
    let sent = || {
        ask(control, b"status\n", 1)
            .split_whitespace()
            .find(|word| word.starts_with("sent="))
            .map(str::to_owned)
    };
    for number in DATAGRAMS.. {
        let before = sent();
        newcomer.send_to(&datagram(16 * number + 8), (Ipv4Addr::LOCALHOST, udp_port)).unwrap();
        while sent() == before {}
        if !ask(control, b"status\n", 1).contains("answers=0") {
            break;
        }
    }
    let status = ask(control, b"status\n", 1);
    // No other host can send to loopback.
    let elsewhere = ["bad_source=0", "off_link=0", "own_address=0", "own_name=0"];
    // If the kernel does not filter them, the daemon rejects them.
    let expected_zero =
        ["uptime_s=0", "interval_s=0", "registry_full=0", "dropped=0", "send_errors=0"];
    let zero: Vec<_> = status.split_whitespace().filter(|word| word.ends_with("=0")).collect();
    assert!(
        zero.iter().all(|word| expected_zero.contains(word) || elsewhere.contains(word)),
        "some kind of input is missing: {status}"
    );
}

/// The messages to the service manager. Its socket has room for a few only; after that sending
/// fails.
fn heard(manager: &UnixDatagram) -> Vec<String> {
    manager.set_nonblocking(true).unwrap();
    let mut message = [0; 200];
    std::iter::from_fn(|| {
        let length = manager.recv(&mut message).ok()?;
        Some(String::from_utf8_lossy(message.get(..length)?).into_owned())
    })
    .collect()
}

/// Sets a flag on drop, even if the thread that holds it panics.
struct SetAtEnd<'a>(&'a AtomicBool);

impl Drop for SetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn after_start_up_the_loop_allocates_nothing() {
    let path =
        std::env::temp_dir().join(format!("foghorn-allocations-{}.sock", std::process::id()));
    // In a build that logs, all messages are logged.
    #[cfg(any(feature = "log", feature = "defmt"))]
    let log = path.with_extension("log");
    #[cfg(any(feature = "log", feature = "defmt"))]
    foghorn::host::init_log(
        foghorn::host::Level::Trace,
        foghorn::host::LogSink::open(&log, None).unwrap(),
    );
    let state = path.with_extension("state");
    let notify = path.with_extension("notify");
    let manager = UnixDatagram::bind(&notify).unwrap();
    let options = options(path.clone(), state.clone());
    let memory: &'static mut Memory<64> = Box::leak(Box::new(Memory::new()));
    let mut daemon = Daemon::new(&options, memory).unwrap();
    let watchdog = Some(Duration::from_millis(40));
    daemon.report_to(ServiceManager::connect(notify.as_os_str(), watchdog).unwrap());
    daemon.start(&options).unwrap();
    daemon.restore(&options).unwrap();
    // The nodes that are saved.
    std::fs::remove_file(&state).unwrap();

    let (done, hang_up) = (AtomicBool::new(false), AtomicBool::new(false));
    let allocations = thread::scope(|scope| {
        scope.spawn(|| {
            let _done = SetAtEnd(&done);
            feed(&path, options.udp_port, &hang_up);
        });
        allocation_counter::measure(|| {
            // Its own announcements wake it often enough to notice the end.
            while !done.load(Ordering::Relaxed) {
                if hang_up.swap(false, Ordering::Relaxed) {
                    // To this thread only: it would stop the test runner's other threads.
                    raise(Signal::SIGHUP).unwrap();
                }
                assert!(daemon.turn().unwrap().is_continue());
            }
        })
    });
    assert_eq!(allocations.count_total, 0, "{allocations:?}");
    assert!(std::fs::metadata(&state).unwrap().len() > 1000);
    std::fs::remove_file(&state).unwrap();
    let heard = heard(&manager);
    assert!(
        heard.first().unwrap().starts_with("READY=1") && heard.get(1).unwrap() == "WATCHDOG=1",
        "{heard:?}"
    );
    std::fs::remove_file(&notify).unwrap();
    #[cfg(any(feature = "log", feature = "defmt"))]
    std::fs::remove_file(&log).unwrap();

    // This checks the counter: the loop would look like this if it allocated.
    let counted =
        allocation_counter::measure(|| drop(std::hint::black_box(Box::new(StdDuration::ZERO))));
    assert_eq!(counted.count_total, 1);
}
