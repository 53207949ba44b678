//! Clients that abuse the control socket: the daemon answers the others throughout, and nothing
//! grows.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use foghorn::limits::CONTROL_CLIENTS;
use nix::unistd::geteuid;

use crate::common::{
    Daemon, Directory, Ended, FOGHORN, TIMEOUT, Watch, announcement, copy_foghorn, free_udp_port,
    log, skip, to_run,
};
use crate::{Loopback, assert_failed};

/// The number of clients that connect, send nothing, and stay.
const SILENT: usize = 200;

/// The number of clients of each other kind, and how long each stays unless it is disconnected. The
/// daemon slows such clients down, so many more would take long.
const VISITS: usize = 10;
const VISIT: Duration = Duration::from_millis(200);

/// The user `nobody`, who owns no files.
const NOBODY: u32 = 65_534;

/// An action repeated on a connection until the daemon disconnects it.
type Abuse = fn(&mut UnixStream) -> io::Result<()>;

const ABUSES: [Abuse; 7] = [
    |_| Err(io::ErrorKind::Other.into()),
    |stream| stream.read_exact(&mut [0]),
    |stream| stream.write_all(b"x"),
    |stream| b"version\n".iter().try_for_each(|byte| stream.write_all(&[*byte])),
    |stream| stream.write_all(b"\x00\xff\x1b[2J\n\n"),
    |stream| {
        stream.write_all(b"garbage\n")?;
        stream.read_exact(&mut [0; 30])
    },
    |stream| stream.write_all(b"list\nstatus\n"),
];

fn visit(control: &Path, abuse: Abuse) {
    for _ in 0..VISITS {
        let mut stream = UnixStream::connect(control).unwrap();
        stream.set_read_timeout(Some(VISIT)).unwrap();
        stream.set_write_timeout(Some(VISIT)).unwrap();
        let start = Instant::now();
        while start.elapsed() < VISIT && abuse(&mut stream).is_ok() {}
    }
}

/// Every kind of abuse at once, while another client sends requests.
fn abuse_in_every_way(control: &Path, mut ask: impl FnMut()) {
    thread::scope(|scope| {
        let _silent: Vec<_> = (0..SILENT).map(|_| UnixStream::connect(control).unwrap()).collect();
        let abusers: Vec<_> =
            ABUSES.iter().map(|abuse| scope.spawn(|| visit(control, *abuse))).collect();
        while !abusers.iter().all(thread::ScopedJoinHandle::is_finished) {
            ask();
        }
    });
}

fn descriptors(daemon: &Daemon) -> Vec<u32> {
    let names = fs::read_dir(daemon.proc("fd")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut numbers: Vec<_> = names.map(|name| name.to_str().unwrap().parse().unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

/// Its descriptors once it holds no client connection any more.
fn idle_descriptors(daemon: &Daemon) -> Vec<u32> {
    let start = Instant::now();
    // The kernel lists the daemon's end of a connection under the name of the listening socket.
    let sockets = || fs::read_to_string(daemon.proc("net/unix")).unwrap();
    let control = daemon.control.to_str().unwrap();
    while sockets().lines().filter(|line| line.ends_with(control)).count() != 1 {
        assert!(start.elapsed() < TIMEOUT, "{}", sockets());
    }
    descriptors(daemon)
}

/// Its memory outside files, in kB.
fn memory(daemon: &Daemon) -> u64 {
    let rollup = fs::read_to_string(daemon.proc("smaps_rollup")).unwrap();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Anonymous:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn hundreds_of_abusive_clients_do_not_block_others_and_nothing_grows() {
    let loopback = Loopback::new(&[]);
    let daemon = &loopback.daemon;
    let idle = idle_descriptors(daemon);
    loopback.hear("pi", 9);
    let round = || {
        abuse_in_every_way(&daemon.control, || {
            // A client of the same user as the abusers may be disconnected before its request.
            let ended = daemon.ask_until(&["lookup", "pi"], |ended| ended.code != 3);
            assert_eq!(ended.out, "127.0.0.1:9\n", "{ended:?}");
        });
        let start = Instant::now();
        while descriptors(daemon) != idle {
            assert!(start.elapsed() < TIMEOUT, "{:?}, before {idle:?}", descriptors(daemon));
        }
        memory(daemon)
    };
    // The first time uses all buffers and the whole depth of the stack.
    let first = round();
    let second = round();
    // Hundreds of clients connected. The stack may have been a page or two deeper at some time, and
    // an emulator has memory of its own.
    let emulated = to_run(FOGHORN).0 != FOGHORN;
    assert!(emulated || second <= first + 16, "{first} kB and then {second} kB");
}

/// A client that watches, and has received that pi is there.
fn watcher(control: &Path) -> BufReader<UnixStream> {
    let mut stream = UnixStream::connect(control).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    stream.write_all(b"watch\n").unwrap();
    let mut watcher = BufReader::new(stream);
    assert_eq!(line(&mut watcher), "known id=pi address=127.0.0.1:9 interface=lo\n");
    watcher
}

fn line(client: &mut BufReader<UnixStream>) -> String {
    let mut line = String::new();
    client.read_line(&mut line).unwrap();
    line
}

#[test]
fn a_daemon_without_free_descriptors_still_answers() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let idle = idle_descriptors(&Loopback::new(&[]).daemon);
    // Two descriptors are left below that.
    let limit = (0..).filter(|number| !idle.contains(number)).nth(2).unwrap();
    let directory = Directory::new();
    let port = free_udp_port();
    let (program, arguments) = to_run(FOGHORN);
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &format!("ulimit -n {limit}; exec \"$0\" \"$@\"")])
        .arg(program)
        .args(arguments);
    let daemon = Daemon::start_with(
        shell,
        &directory.path("control.sock"),
        &["--interface", "lo", "--udp-port", &port],
    );
    let mut loopback = Loopback { directory, daemon, port };
    loopback.hear("pi", 9);
    let control = loopback.daemon.control.clone();
    let lookup = |loopback: &Loopback| loopback.daemon.ask(&["lookup", "pi"]);

    // Silent clients make room.
    for _ in 0..3 {
        let _silent: Vec<_> = (0..20).map(|_| UnixStream::connect(&control).unwrap()).collect();
        assert_eq!(lookup(&loopback).out, "127.0.0.1:9\n");
    }
    // Busy clients don't.
    let watchers = [watcher(&control), watcher(&control)];
    assert_failed(&lookup(&loopback), 4, "all client slots are taken");
    assert_failed(&lookup(&loopback), 4, "all client slots are taken");
    drop(watchers);
    loopback.daemon.ask_until(&["lookup", "pi"], |ended| ended.code == 0);

    assert!(loopback.daemon.stop().success());
    let told = loopback.daemon.log.all();
    let short = told.iter().filter(|line| line.contains("not all control clients can connect"));
    assert_eq!(short.count(), 1, "{told:#?}");
}

#[test]
fn one_user_cannot_block_another() {
    if !geteuid().is_root() {
        return skip("only root can run a client as another user");
    }
    let loopback = Loopback::new(&[]);
    loopback.hear("pi", 9);
    let control = &loopback.daemon.control;
    // The other user needs access to the program, and the group to the socket.
    let program = loopback.directory.path("foghorn");
    copy_foghorn(&program);
    fs::set_permissions(program.parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
    let (runner, arguments) = to_run(program.to_str().unwrap());
    let as_nobody = |command: &str| {
        let mut nobody = Command::new(&runner);
        nobody.args(&arguments).args([command, "--control"]).arg(control).uid(NOBODY).gid(0);
        nobody
    };
    let ask_as_nobody = || Ended::from(as_nobody("lookup").arg("pi").output().unwrap());

    let mut watchers: Vec<_> = (1..CONTROL_CLIENTS).map(|_| watcher(control)).collect();
    assert_eq!(ask_as_nobody().out, "127.0.0.1:9\n");
    let nobody = Watch::start(as_nobody("watch"));
    assert_eq!(nobody.lines.next(), "known pi 127.0.0.1:9 lo");
    // One watch had to make room, and received the reason. The others continue.
    loopback.send(&announcement("nas", 8));
    assert_eq!(nobody.lines.next(), "found nas 127.0.0.1:8 lo");
    let told: Vec<_> = watchers.iter_mut().map(line).collect();
    let busy = "error busy all client slots are taken: try again later\n";
    assert_eq!(told.iter().filter(|line| *line == busy).count(), 1, "{told:?}");
    let found = "found id=nas address=127.0.0.1:8 interface=lo\n";
    assert_eq!(told.iter().filter(|line| *line == found).count(), watchers.len() - 1, "{told:?}");
    drop((watchers, nobody));

    abuse_in_every_way(control, || assert_eq!(ask_as_nobody().out, "127.0.0.1:9\n"));
}
