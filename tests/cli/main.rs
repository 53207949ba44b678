//! The command line, through the built binary: output, errors, exit codes.

#![expect(clippy::unwrap_used, reason = "a test must fail on the unexpected")]

mod abuse;
#[path = "../common/mod.rs"]
mod common;
mod control;
mod daemon;
mod exec;
mod first_process;
#[cfg(feature = "defmt")]
mod frames;
mod hostile;
mod hosts;
mod html;
mod journal;
mod log;
mod log_reopen;
mod log_stall;
mod metrics;
mod near_miss;
mod old_client;
mod output;
mod own;
mod passed;
mod privileges;
// System call numbers differ between architectures, and the tests read messages as text.
#[cfg(all(target_arch = "x86_64", not(feature = "defmt")))]
mod refusals;
mod replies;
mod seccomp;
mod service;
mod service_manager;
mod state;
mod terminal;
mod usage;

use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::time::Instant;

use common::{Daemon, Directory, Ended, TIMEOUT, announcement, foghorn, free_udp_port};

/// A daemon on loopback, with a socket that sends it datagrams.
struct Loopback {
    directory: Directory,
    daemon: Daemon,
    port: String,
}

impl Loopback {
    fn new(arguments: &[&str]) -> Self {
        let directory = Directory::new();
        let port = free_udp_port();
        let arguments = [&["--interface", "lo", "--udp-port", &port], arguments].concat();
        let daemon = Daemon::start(&directory.path("control.sock"), &arguments);
        Self { directory, daemon, port }
    }

    /// A daemon that logs elsewhere than to standard error.
    fn logging_to(path: &Path, arguments: &[&str]) -> Self {
        let directory = Directory::new();
        let port = free_udp_port();
        let to = path.to_str().unwrap();
        let arguments =
            [&["--interface", "lo", "--udp-port", &port, "--log-to", to], arguments].concat();
        let daemon = Daemon::start_silent(foghorn(), &directory.path("control.sock"), &arguments);
        Self { directory, daemon, port }
    }

    fn send(&self, datagram: &[u8]) {
        self.send_from(Ipv4Addr::LOCALHOST, datagram);
    }

    /// Sends from that address, one of 127.0.0.0/8, as a host would.
    fn send_from(&self, source: Ipv4Addr, datagram: &[u8]) {
        let socket = UdpSocket::bind((source, 0)).unwrap();
        let to = (Ipv4Addr::LOCALHOST, self.port.parse().unwrap());
        assert_eq!(socket.send_to(datagram, to).unwrap(), datagram.len());
    }

    /// Sends the daemon an announcement, and waits until it knows the node.
    fn hear(&self, id: &str, port: u16) {
        self.hear_from(Ipv4Addr::LOCALHOST, id, port);
    }

    fn hear_from(&self, source: Ipv4Addr, id: &str, port: u16) {
        let begin = Instant::now();
        // This sends repeatedly, since a datagram is lost if the daemon's socket is full.
        loop {
            self.send_from(source, &announcement(id, port));
            let ended = self.daemon.ask(&["lookup", "--wait", "5", "--", id]);
            if ended.code == 0 {
                break;
            }
            assert!(ended.code == 1 && begin.elapsed() < TIMEOUT, "{ended:?}");
        }
    }
}

/// The address of one of many hosts.
fn host(number: u32) -> Ipv4Addr {
    let [_, _, high, low] = number.to_be_bytes();
    Ipv4Addr::new(127, 1, high, low)
}

/// A failure is one line on standard error, and nothing on standard output.
pub(crate) fn assert_failed(ended: &Ended, code: i32, says: &str) {
    assert_eq!((ended.code, ended.out.as_str()), (code, ""), "{ended:?}");
    assert!(ended.err.starts_with("foghorn: ") && ended.err.ends_with('\n'), "{ended:?}");
    assert_eq!(ended.err.lines().count(), 1, "{ended:?}");
    assert!(ended.err.contains(says), "{ended:?} lacks {says:?}");
}
