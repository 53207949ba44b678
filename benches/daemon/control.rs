//! How long the daemon takes to answer.

use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Stdio};
use std::time::Instant;

use foghorn::wire::v1::UDP_PORT;

use crate::announcement::{announcement, neighbour};
use crate::common::{effort, goal, median, percentile};
use crate::daemon::FOGHORN;
use crate::process::{Daemon, Placement, Process, Workshop};
use crate::traffic::{Sender, wait_until_taken};

/// The role this program has when it is the echo.
pub(crate) const ECHO: &str = "--echo";

fn rounds() -> usize {
    effort(10, 1)
}

fn questions() -> usize {
    effort(2_000, 20)
}

fn commands() -> usize {
    effort(300, 3)
}

pub(crate) fn measure(workshop: &Workshop) {
    let daemon = Daemon::start(workshop, "control", "30");
    Sender::to(UDP_PORT).send(&announcement(&neighbour(0)));
    wait_until_taken(&daemon.process);
    measure_questions(workshop, &daemon);
    measure_commands(&daemon);
}

/// Questions over one connection, beside a process that sends as many bytes back and does nothing
/// else.
fn measure_questions(workshop: &Workshop, daemon: &Daemon) {
    let question = format!("lookup {}\n", neighbour(0));
    let mut foghorn = UnixStream::connect(&daemon.control).unwrap();
    let reply = ask(&mut foghorn, &question);
    assert!(reply.starts_with(b"node "), "the daemon does not know the node");
    let (echo_process, mut echo) = start_echo(workshop, reply.len());
    println!("lookup over an open control connection, {} times", rounds() * questions());
    let placements = [
        ("as scheduled", Placement::Free),
        ("on one processor", Placement::OneProcessor),
        ("on two processors", Placement::TwoProcessors),
    ];
    for (name, placement) in placements {
        let (mut foghorn_micros, mut echo_micros) = (vec![], vec![]);
        for _ in 0..rounds() {
            placement.apply(daemon.process.pid());
            foghorn_micros
                .extend((0..questions()).map(|_| micros(|| ask(&mut foghorn, &question))));
            placement.apply(echo_process.pid());
            echo_micros.extend((0..questions()).map(|_| micros(|| ask(&mut echo, &question))));
        }
        println!("  {name}");
        let round_trip = print_round_trips("foghorn", &mut foghorn_micros);
        print_round_trips("echo", &mut echo_micros);
        goal(&format!("median round trip, {name}"), round_trip, 30.0, " us");
    }
    Placement::Free.apply(daemon.process.pid());
    println!();
}

fn print_round_trips(name: &str, micros: &mut [f64]) -> f64 {
    let (median, late) = (median(micros), percentile(micros, 99));
    println!("    {name:<8} median {median:>6.1} us, 99th percentile {late:>6.1} us");
    median
}

/// A process that sends a reply of that length for each question.
fn start_echo(workshop: &Workshop, length: usize) -> (Process, UnixStream) {
    let path = workshop.0.join("echo");
    let listener = UnixListener::bind(&path).unwrap();
    let here = UnixStream::connect(&path).unwrap();
    let (there, _) = listener.accept().unwrap();
    let process = Process::start(
        Command::new(std::env::current_exe().unwrap())
            .args([ECHO, &length.to_string()])
            .stdin(OwnedFd::from(there)),
    );
    (process, here)
}

/// The echo process. Its standard input is the connection.
pub(crate) fn echo(length: usize) {
    let mut stream = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned().unwrap());
    let mut reply = vec![b'x'; length];
    reply[length - 4..].copy_from_slice(b"\nok\n");
    let mut buffer = [0; 256];
    while stream.read(&mut buffer).is_ok_and(|length| length > 0) {
        stream.write_all(&reply).unwrap();
    }
}

fn ask(stream: &mut UnixStream, question: &str) -> Vec<u8> {
    stream.write_all(question.as_bytes()).unwrap();
    let mut reply = vec![0; 1024];
    let mut length = 0;
    while !reply[..length].ends_with(b"\nok\n") {
        let more = stream.read(&mut reply[length..]).unwrap();
        assert!(more > 0, "the connection was lost");
        length += more;
    }
    reply.truncate(length);
    reply
}

fn micros<T>(work: impl FnOnce() -> T) -> f64 {
    let started = Instant::now();
    work();
    started.elapsed().as_secs_f64() * 1e6
}

/// The whole command, beside one that does nothing.
fn measure_commands(daemon: &Daemon) {
    let mut lookup = Command::new(FOGHORN);
    lookup.args(["lookup", &neighbour(0), "--control"]).arg(&daemon.control);
    let mut bare = Command::new("/bin/true");
    let (mut lookup_millis, mut bare_millis) = (vec![], vec![]);
    for _ in 0..commands() {
        lookup_millis.push(millis(&mut lookup));
        bare_millis.push(millis(&mut bare));
    }
    let (lookup, bare) = (median(&mut lookup_millis), median(&mut bare_millis));
    println!("a whole command, median of {}", commands());
    println!("  foghorn lookup {lookup:.2} ms, /bin/true {bare:.2} ms");
    goal("foghorn lookup", lookup, 2.0, " ms");
    println!();
}

fn millis(command: &mut Command) -> f64 {
    let command = command.stdout(Stdio::null());
    micros(|| assert!(command.status().unwrap().success())) / 1e3
}
