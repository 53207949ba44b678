//! The cost of clients that abuse the control socket, and their effect on other clients.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use foghorn::wire::v1::UDP_PORT;

use crate::announcement::{announcement, neighbour};
use crate::common::{effort, goal, median, percentile};
use crate::process::{Daemon, Workshop};
use crate::traffic::{Sender, wait_until_taken};

/// How long each kind of abuse is watched.
fn each() -> Duration {
    effort(Duration::from_secs(1), Duration::from_millis(20))
}

/// How long all of them are watched at once.
fn all() -> Duration {
    5 * each()
}

/// The pause between two lookups.
const PAUSE: Duration = Duration::from_millis(10);

/// After this an abuser looks whether all is over.
const PATIENCE: Duration = Duration::from_millis(200);

/// Clients that connect, say nothing, and stay.
const SILENT: usize = 300;

/// The use of a connection until the daemon closes it. Then the abuser reconnects at once.
type Abuse = fn(&mut UnixStream) -> io::Result<()>;

const ABUSES: [(&str, Abuse); 6] = [
    ("connects and goes", |_| Err(io::ErrorKind::Other.into())),
    ("says nothing", |stream| stream.read_exact(&mut [0])),
    ("sends a byte at a time", |stream| stream.write_all(b"x")),
    ("sends a request a byte at a time", |stream| {
        b"version\n".iter().try_for_each(|byte| stream.write_all(&[*byte]))
    }),
    ("sends garbage and reads the replies", |stream| {
        stream.write_all(b"garbage\n")?;
        BufReader::new(stream).skip_until(b'\n').map(drop)
    }),
    ("asks and never reads", |stream| stream.write_all(b"status\n")),
];

pub(crate) fn measure(workshop: &Workshop) {
    let daemon = Daemon::start(workshop, "abuse", "30");
    Sender::to(UDP_PORT).send(&announcement(&neighbour(0)));
    wait_until_taken(&daemon.process);
    println!(
        "lookups, each over a new connection, while others abuse the control socket; processor time of one core"
    );
    watch("nobody abuses it", &[], each(), &daemon);
    for abuse in ABUSES {
        watch(&format!("one {}", abuse.0), &[abuse], each(), &daemon);
    }
    let _silent: Vec<_> =
        (0..SILENT).map(|_| UnixStream::connect(&daemon.control).unwrap()).collect();
    // At first the buffers of all clients come into use.
    watch("all of these", &ABUSES, each(), &daemon);
    let before = daemon.process.resident_kb();
    let (worst, percent) =
        watch(&format!("all of these, and {SILENT} are silent"), &ABUSES, all(), &daemon);
    let grown = daemon.process.resident_kb().saturating_sub(before);
    goal("worst lookup under abuse", worst, 100.0, " ms");
    goal("processor time under abuse", percent, 5.0, " %");
    goal("growth under abuse", f64::from(u32::try_from(grown).unwrap()), 0.0, " kB");
    println!();
}

/// The worst lookup in milliseconds, and the daemon's share of a core.
fn watch(what: &str, abuses: &[(&str, Abuse)], lasts: Duration, daemon: &Daemon) -> (f64, f64) {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for (_, abuse) in abuses {
            scope.spawn(|| come_again(*abuse, &daemon.control, &over));
        }
        let (started, cpu) = (Instant::now(), daemon.process.cpu_nanos());
        let mut millis = vec![];
        let mut failed = 0;
        while started.elapsed() < lasts {
            let asked = Instant::now();
            failed += u32::from(!lookup(&daemon.control));
            millis.push(asked.elapsed().as_secs_f64() * 1e3);
            thread::sleep(PAUSE);
        }
        let cpu = Duration::from_nanos(daemon.process.cpu_nanos() - cpu);
        let percent = 100.0 * cpu.as_secs_f64() / started.elapsed().as_secs_f64();
        over.store(true, Ordering::Relaxed);
        let (median, worst) = (median(&mut millis), percentile(&mut millis, 100));
        println!(
            "  {what:<41} median {median:>5.2} ms, worst {worst:>6.2} ms, {failed} of {} failed, {percent:.2} %",
            millis.len()
        );
        (worst, percent)
    })
}

fn come_again(abuse: Abuse, control: &Path, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        let mut stream = UnixStream::connect(control).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        while !over.load(Ordering::Relaxed) && abuse(&mut stream).is_ok() {}
    }
}

fn lookup(control: &Path) -> bool {
    let mut stream = UnixStream::connect(control).unwrap();
    let mut line = String::new();
    stream.write_all(format!("lookup {}\n", neighbour(0)).as_bytes()).is_ok()
        && BufReader::new(stream).read_line(&mut line).is_ok()
        && line.starts_with("node ")
}
