//! Messages to a service manager, as in `sd_notify(3)`.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;

use crate::common::{
    Daemon, Directory, FOGHORN, TIMEOUT, foghorn, free_udp_port, log, skip, to_run, undisturbed,
};
use nix::unistd::geteuid;

/// A service manager that receives the daemon's messages at `NOTIFY_SOCKET`.
struct Manager(UnixDatagram);

impl Manager {
    fn at(path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).unwrap();
        socket.set_read_timeout(Some(TIMEOUT)).unwrap();
        Self(socket)
    }

    fn hears(&self) -> String {
        let mut message = [0; 1000];
        let length = undisturbed(|| self.0.recv(&mut message)).unwrap();
        String::from_utf8(message.get(..length).unwrap().to_vec()).unwrap()
    }
}

/// A daemon with these variables in its environment. This does not wait for it.
fn start(directory: &Directory, variables: &[(&str, &str)], arguments: &[&str]) -> Daemon {
    let mut command = foghorn();
    command.envs(variables.iter().copied());
    let port = free_udp_port();
    let arguments = [&["--interface", "lo", "--udp-port", &port], arguments].concat();
    Daemon::spawn(command, &directory.path("control.sock"), &arguments)
}

#[test]
fn a_manager_hears_of_the_start_regular_pings_and_the_stop() {
    let directory = Directory::new();
    let path = directory.path("notify");
    let manager = Manager::at(&path);
    let variables = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "200000")];
    let mut daemon =
        start(&directory, &variables, &["--id", "nas", "--port", "22", "--interval", "3600"]);
    // The daemon is ready when it reports that: the first request gets its answer.
    assert!(manager.hears().starts_with("READY=1\nSTATUS="));
    assert!(daemon.ask(&["list", "--json"]).out.starts_with("[{\"id\":\"nas\","));
    // No other work wakes it.
    for _ in 0..5 {
        assert_eq!(manager.hears(), "WATCHDOG=1");
    }
    assert!(daemon.stop().success());
    let last = std::iter::repeat_with(|| manager.hears()).find(|message| message != "WATCHDOG=1");
    assert_eq!(last.unwrap(), "STOPPING=1");
}

#[test]
fn a_manager_without_a_watchdog_hears_of_the_start_and_the_stop() {
    let directory = Directory::new();
    let path = directory.path("notify");
    let manager = Manager::at(&path);
    let notify = path.to_str().unwrap();
    // The time is meant for another process, or is invalid.
    for (variable, value) in
        [("WATCHDOG_PID", "1"), ("WATCHDOG_USEC", "soon"), ("WATCHDOG_USEC", "0")]
    {
        let variables = [("NOTIFY_SOCKET", notify), ("WATCHDOG_USEC", "1000"), (variable, value)];
        let mut daemon = start(&directory, &variables, &["--interval", "1"]);
        assert!(manager.hears().starts_with("READY=1\n"));
        assert_eq!(daemon.ask(&["status"]).code, 0);
        assert!(daemon.stop().success());
        assert_eq!(manager.hears(), "STOPPING=1", "{variable}={value}");
    }
}

#[test]
fn a_daemon_started_by_exec_pings_the_watchdog() {
    let directory = Directory::new();
    let path = directory.path("notify");
    let manager = Manager::at(&path);
    let (program, arguments) = to_run(FOGHORN);
    let mut command = Command::new("sh");
    command.args(["-c", "export WATCHDOG_PID=$$; exec \"$0\" \"$@\"", &program]).args(arguments);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "200000");
    let arguments = ["--interface", "lo", "--udp-port", &free_udp_port()];
    let _daemon = Daemon::spawn(command, &directory.path("control.sock"), &arguments);
    assert!(manager.hears().starts_with("READY=1\n"));
    assert_eq!(manager.hears(), "WATCHDOG=1");
}

#[test]
fn the_daemon_can_notify_the_manager_as_any_user() {
    if !geteuid().is_root() {
        return skip("only root can switch users");
    }
    let directory = Directory::new();
    let path = directory.path("notify");
    let manager = Manager::at(&path);
    // Only root may connect to it.
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let variables = [("NOTIFY_SOCKET", path.to_str().unwrap())];
    let mut daemon = start(&directory, &variables, &["--user", "nobody"]);
    assert!(manager.hears().starts_with("READY=1\n"));
    assert!(daemon.stop().success());
    assert_eq!(manager.hears(), "STOPPING=1");
}

#[test]
fn a_daemon_that_cannot_notify_its_manager_runs() {
    let can_be_read = log::can_be_read_or_skip();
    for (socket, told) in [
        ("/no/such/socket", "/no/such/socket: No such file or directory"),
        ("/dev/null", "/dev/null: "),
        ("vsock:2:1", "vsock:2:1: No such file or directory"),
    ] {
        let directory = Directory::new();
        let daemon =
            start(&directory, &[("NOTIFY_SOCKET", socket), ("WATCHDOG_USEC", "1000")], &[]);
        if can_be_read {
            assert!(daemon.log.wait_for("cannot notify the service manager at").contains(told));
        }
        daemon.ask_until(&["status"], |ended| ended.code == 0);
    }
}

#[test]
fn a_manager_that_disappears_is_logged_once() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let directory = Directory::new();
    let path = directory.path("notify");
    let manager = Manager::at(&path);
    // The messages must not overfill the socket, which holds ten, before it is closed.
    let variables = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "1000000")];
    let mut daemon = start(&directory, &variables, &[]);
    assert!(manager.hears().starts_with("READY=1\n"));
    drop(manager);
    daemon.log.wait_for(
        "cannot notify the service manager: connection refused (os error 111); still trying",
    );
    assert_eq!(daemon.ask(&["status"]).code, 0);
    assert!(daemon.stop().success());
    let told = daemon.log.until("stopped");
    assert!(!told.iter().any(|line| line.contains("service manager")), "{told:#?}");
}
