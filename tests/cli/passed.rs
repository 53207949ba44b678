//! Descriptors that clients pass to the daemon, and that wait for a peer when they are closed.

use std::fs;
use std::io::{IoSlice, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use socket2::SockRef;

use crate::Loopback;
use crate::common::{Daemon, Directory, TIMEOUT, free_udp_port, is_emulated};
use crate::seccomp::{behind, refusing};

/// `SO_PASSRIGHTS`: with it the daemon makes the kernel refuse descriptors.
const OPTION: u32 = 83;

/// A connection that takes a day to close, unless its peer disconnects.
struct Lingering {
    // This is dropped first, which ends the connection.
    _peer: TcpListener,
    stream: Option<TcpStream>,
}

impl Lingering {
    fn new() -> Self {
        let peer = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut stream = TcpStream::connect(peer.local_addr().unwrap()).unwrap();
        stream.set_nonblocking(true).unwrap();
        while stream.write(&[0; 4096]).is_ok() {}
        SockRef::from(&stream).set_linger(Some(Duration::from_secs(86_400))).unwrap();
        Self { _peer: peer, stream: Some(stream) }
    }

    /// Passes the connection with some bytes to the daemon. Only the daemon has a copy afterwards.
    fn pass(&mut self, daemon: &Daemon, client: &UnixStream, words: &[u8]) -> Result<(), Errno> {
        // If the daemon closed its copy before this one, this copy would be the last.
        daemon.suspend();
        let stream = self.stream.take_if(|stream| {
            let descriptors = [stream.as_raw_fd()];
            let rights = [ControlMessage::ScmRights(&descriptors)];
            let words = [IoSlice::new(words)];
            sendmsg::<()>(client.as_raw_fd(), &words, &rights, MsgFlags::empty(), None).is_ok()
        });
        let passed = stream.map(drop).ok_or_else(Errno::last);
        daemon.resume();
        passed
    }
}

/// Foghorn as on a kernel that can't refuse descriptors.
fn on_an_older_kernel() -> Command {
    behind(refusing((libc::SYS_setsockopt, Some((2, OPTION))), Errno::ENOPROTOOPT))
}

fn connect(daemon: &Daemon) -> UnixStream {
    let stream = UnixStream::connect(&daemon.control).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    stream
}

/// Makes the daemon stop reading from this client.
fn watching(daemon: &Daemon) -> UnixStream {
    let mut stream = connect(daemon);
    stream.write_all(b"version\nwatch\n").unwrap();
    let mut answer = vec![];
    while !answer.ends_with(b"ok\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        answer.extend(byte);
    }
    stream
}

#[test]
fn the_kernel_refuses_descriptors_for_the_daemon_where_it_can() {
    if is_emulated() {
        return;
    }
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers =
        release.split(|byte: char| !byte.is_ascii_digit()).map_while(|text| text.parse().ok());
    let version: (u32, u32) = (numbers.next().unwrap(), numbers.next().unwrap());
    if version < (6, 16) {
        // The next test covers such kernels, so this test may be skipped there.
        return;
    }
    let loopback = Loopback::new(&[]);
    let (mut client, mut lingering) = (connect(&loopback.daemon), Lingering::new());
    assert_eq!(lingering.pass(&loopback.daemon, &client, b"version\n"), Err(Errno::EPERM));
    // The daemon may work without it.
    client.write_all(b"version\n").unwrap();
    client.read_exact(&mut [0; 8]).unwrap();
}

#[test]
fn passed_descriptors_do_not_block_the_daemon_on_older_kernels() {
    // An emulator makes calls of its own.
    if is_emulated() {
        return;
    }
    let directory = Directory::new();
    let arguments = ["--interface", "lo", "--udp-port", &free_udp_port()];
    let mut daemon =
        Daemon::start_with(on_an_older_kernel(), &directory.path("control.sock"), &arguments);
    let answers = |daemon: &Daemon| assert_eq!(daemon.ask(&["list"]).code, 0);
    let mut passed = [(); 4].map(|()| Lingering::new());
    let [read, garbage, closed, unread] = &mut passed;

    // The daemon reads it.
    let mut client = connect(&daemon);
    read.pass(&daemon, &client, b"version\n").unwrap();
    client.read_exact(&mut [0; 8]).unwrap();
    answers(&daemon);
    garbage.pass(&daemon, &client, b"x").unwrap();
    answers(&daemon);

    // The daemon closes the connection with unread bytes.
    let client = watching(&daemon);
    closed.pass(&daemon, &client, b"version\n").unwrap();
    drop(client);
    answers(&daemon);

    // The daemon exits with unread bytes.
    let client = watching(&daemon);
    unread.pass(&daemon, &client, b"version\n").unwrap();
    assert!(daemon.stop().success());
}
