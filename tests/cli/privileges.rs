//! The privileges of a running daemon, as the kernel reports them.

use std::fs::{self, File};
use std::os::unix::fs::{
    MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown, symlink,
};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc::O_NONBLOCK;
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, User, geteuid, mkfifo};

use crate::common::{
    Daemon, Directory, Ended, FOGHORN, copy_foghorn, free_udp_port, is_emulated, log, run, skip,
    to_run,
};
use crate::{Loopback, assert_failed};

/// A user that exists on every machine.
fn nobody() -> User {
    User::from_name("nobody").unwrap().unwrap()
}

fn is_root_or_skip() -> bool {
    let is_root = geteuid().is_root();
    if !is_root {
        skip("only root has privileges to drop");
    }
    is_root
}

#[test]
fn the_daemon_switches_to_another_user_permanently() {
    if !is_root_or_skip() {
        return;
    }
    let nobody = nobody();
    let (uid, gid) = (nobody.uid.as_raw(), nobody.gid.as_raw());
    for user in ["nobody", &uid.to_string()] {
        let mut loopback = Loopback::new(&["--user", user]);
        // It answers only after it has dropped all privileges.
        loopback.hear("nas", 22);
        let daemon = &mut loopback.daemon;
        assert_eq!(daemon.kernel_says("Uid"), vec![uid.to_string(); 4]);
        assert_eq!(daemon.kernel_says("Gid"), vec![gid.to_string(); 4]);
        assert!(daemon.kernel_says("Groups").is_empty());
        assert!(!has_privileges(daemon));
        let socket = fs::metadata(&daemon.control).unwrap();
        assert_eq!(
            (socket.uid(), socket.gid(), socket.permissions().mode() & 0o777),
            (uid, gid, 0o660)
        );

        // The user owns the directory, so the daemon can remove the file.
        chown(loopback.directory.path(""), Some(uid), Some(gid)).unwrap();
        assert!(daemon.stop().success());
        assert!(!daemon.control.exists());
    }
}

#[test]
fn root_keeps_no_capability() {
    if !is_root_or_skip() {
        return;
    }
    let mut loopback = Loopback::new(&[]);
    loopback.hear("nas", 22);
    let daemon = &mut loopback.daemon;
    assert_eq!(daemon.kernel_says("Uid"), vec!["0"; 4]);
    assert!(!has_privileges(daemon));
    assert!(daemon.stop().success());
    assert!(!daemon.control.exists());
}

/// Whether it has a capability or can gain one.
fn has_privileges(daemon: &Daemon) -> bool {
    let sets = ["CapInh", "CapPrm", "CapEff", "CapAmb"].map(|set| daemon.kernel_says(set).concat());
    sets.iter().any(|set| set != "0000000000000000") || daemon.kernel_says("NoNewPrivs") != ["1"]
}

#[test]
fn a_socket_that_the_user_cannot_remove_is_logged_and_replaced_next_time() {
    if !is_root_or_skip() || !log::can_be_read_or_skip() {
        return;
    }
    let directory = Directory::new();
    fs::set_permissions(directory.path(""), fs::Permissions::from_mode(0o700)).unwrap();
    let control = directory.path("control.sock");
    let port = free_udp_port();
    for user in ["nobody", "root"] {
        let mut daemon =
            Daemon::start(&control, &["--interface", "lo", "--udp-port", &port, "--user", user]);
        let has_said = |what: &str| daemon.log.seen().iter().any(|line| line.contains(what));
        assert!(has_said(&format!("running as {user}")));
        assert_eq!(has_said("control.sock at exit"), user == "nobody");
        assert_eq!(daemon.ask(&["list"]).code, 0);
        assert!(daemon.stop().success());
        assert_eq!(control.exists(), user == "nobody");
    }
}

#[test]
fn the_default_directory_is_created_for_the_user() {
    if !is_root_or_skip() || !log::can_be_read_or_skip() {
        return;
    }
    // With a private /run.
    let unshare = |first: &str, program: &str| {
        let mut command = Command::new("unshare");
        let script = format!("mount -t tmpfs none /run && {first} && exec \"$@\"");
        command.args(["-m", "sh", "-c", &script, "sh", program]);
        command
    };
    if !unshare("true", "true").status().is_ok_and(|status| status.success()) {
        skip("this machine can't make a mount namespace (unshare -m)");
        return;
    }
    // The directory is missing, under any umask, or is the leftover of a foghorn run as root.
    for first in ["true", "umask 077", "umask 0", "mkdir -m 710 /run/foghorn"] {
        let (program, arguments) = to_run(FOGHORN);
        let mut command = unshare(first, &program);
        command.args(arguments).args(["run", "--interface", "lo", "--udp-port", &free_udp_port()]);
        command.args(["--user", "nobody", "--state", "/run/foghorn/state"]);
        command.env_remove("FOGHORN_CONTROL").env_remove("FOGHORN_LOG");
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let told = log::lines(child.stderr.take().unwrap());
        let said = told.until("listens at");
        assert!(said.iter().any(|line| line.contains("running as nobody")));
        let pid = child.id();
        let directory = fs::metadata(format!("/proc/{pid}/root/run/foghorn")).unwrap();
        let owner = (nobody().uid.as_raw(), nobody().gid.as_raw());
        // No other user may open it: opening is enough to lock it.
        assert_eq!(((directory.uid(), directory.gid()), directory.mode() & 0o777), (owner, 0o710));
        kill(Pid::from_raw(pid.cast_signed()), Signal::SIGTERM).unwrap();
        assert!(child.wait().unwrap().success());
        // It logged no warning that a file would remain.
        assert!(!told.seen().iter().any(|line| line.contains("at exit")));
    }
}

/// Foghorn for a user other than root. It is a copy, since that user may have no access to the
/// directories of the build.
fn foghorn_of_nobody(directory: &Directory) -> Command {
    let copy = directory.path("foghorn");
    copy_foghorn(&copy);
    let (program, arguments) = to_run(copy.to_str().unwrap());
    let mut command = Command::new(program);
    command.args(arguments).env_remove("FOGHORN_CONTROL").env_remove("FOGHORN_LOG");
    if geteuid().is_root() {
        command.uid(nobody().uid.as_raw()).gid(nobody().gid.as_raw());
    }
    command
}

#[test]
fn a_privileged_port_is_refused_at_start() {
    let first =
        fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap_or_default();
    if first.trim_end().parse() != Ok(1024) {
        skip("this machine does not reserve the ports below 1024");
        return;
    }
    let directory = Directory::new();
    let says = "UDP port 80 needs privileges: choose one from 1024 on with --udp-port, start foghorn as root";
    for interface in ["lo", "eth99"] {
        let mut command = foghorn_of_nobody(&directory);
        command.args([
            "run",
            "--log",
            "error",
            "--udp-port",
            "80",
            "--interface",
            interface,
            "--control",
        ]);
        // In a directory that all users may write to.
        let control =
            std::env::temp_dir().join(format!("foghorn-test-port-{}.sock", std::process::id()));
        assert_failed(&command.arg(&control).output().unwrap().into(), 4, says);
        assert!(!control.exists());
    }
    let mut command = foghorn_of_nobody(&directory);
    command.args(["doctor", "--udp-port", "80", "--control"]).arg(directory.path("none.sock"));
    let doctor = Ended::from(command.output().unwrap());
    assert_eq!(doctor.code, 1, "{doctor:?}");
    assert!(doctor.out.contains(&format!("\nwarn  {says}")), "{doctor:?}");
}

#[test]
fn a_doctor_without_permission_to_ask_the_daemon_checks_the_rest() {
    if !is_root_or_skip() {
        return;
    }
    let loopback = Loopback::new(&[]);
    let mut command = foghorn_of_nobody(&loopback.directory);
    command
        .args(["doctor", "--udp-port", &loopback.port, "--control"])
        .arg(&loopback.daemon.control);
    let doctor = Ended::from(command.output().unwrap());
    assert_eq!(doctor.code, 1, "{doctor:?}");
    assert!(doctor.out.starts_with("bad   no permission to use "), "{doctor:?}");
    assert!(doctor.out.contains("\nok    lo: not used, it is loopback\n"), "{doctor:?}");
    // The daemon itself has the port.
    assert!(is_emulated() || !doctor.out.contains("is in use by"), "{doctor:?}");
}

#[test]
fn only_root_can_switch_users_and_only_to_users_of_this_machine() {
    let directory = Directory::new();
    let control = directory.path("control.sock");
    let path = control.to_str().unwrap();
    for user in ["", "no-such-user", "-1", "4294967295", "4294967296", "nobody:nogroup", "1.5"] {
        let ended = run(&["run", "--control", path, "--user", user]);
        assert_failed(&ended, 2, &format!("no user {user:?}: make one"));
    }
    assert_failed(&run(&["run", "--user"]), 2, "--user");

    let mut command = foghorn_of_nobody(&directory);
    command.args(["run", "--control", path, "--user", "nobody"]);
    assert_failed(&command.output().unwrap().into(), 4, "only root can switch to another user");
    assert!(!control.exists());
}

#[test]
fn a_daemon_that_cannot_switch_users_does_not_run() {
    // Root of a namespace without any other users.
    let unshare = |program: &str| {
        let mut command = Command::new("unshare");
        command.args(["-Ur", program]);
        command
    };
    if !unshare("true").status().is_ok_and(|status| status.success()) {
        skip("this machine can't make a user namespace (unshare -Ur)");
        return;
    }
    let directory = Directory::new();
    let control = directory.path("control.sock");
    let (program, arguments) = to_run(FOGHORN);
    for (user, says) in [("nobody", "leave --user out"), ("root", "cannot become root")] {
        let mut command = unshare(&program);
        command
            .args(&arguments)
            .args(["run", "--log", "error", "--user", user, "--control"])
            .arg(&control);
        assert_failed(&command.output().unwrap().into(), 4, says);
        assert!(!control.exists());
    }
}

fn give_to_nobody(path: &Path) {
    chown(path, Some(nobody().uid.as_raw()), Some(nobody().gid.as_raw())).unwrap();
}

#[test]
fn a_log_never_goes_to_a_file_that_only_root_may_write() {
    if !is_root_or_skip() {
        return;
    }
    let directory = Directory::new();
    let [precious, theirs, open] = ["precious", "theirs", "open"].map(|name| directory.path(name));
    fs::write(&precious, "precious").unwrap();
    fs::set_permissions(&precious, fs::Permissions::from_mode(0o600)).unwrap();
    // The user's own directory, one that all may write to, and one of root's that the user can
    // replace.
    for place in [&theirs, &open] {
        fs::create_dir(place).unwrap();
        symlink(&precious, place.join("link")).unwrap();
        fs::hard_link(&precious, place.join("twin")).unwrap();
    }
    give_to_nobody(&theirs);
    fs::set_permissions(&open, fs::Permissions::from_mode(0o1777)).unwrap();
    let inner = theirs.join("inner");
    fs::create_dir(&inner).unwrap();
    symlink("inner", theirs.join("way")).unwrap();
    // The user may also follow a link by root in a directory of root.
    symlink(&precious, directory.path("link")).unwrap();
    let control = directory.path("control.sock");
    let start = |to: &Path, says: &str| {
        let ended = run(&[
            "run",
            "--interface",
            "lo",
            "--udp-port",
            &free_udp_port(),
            "--user",
            "nobody",
            "--control",
            control.to_str().unwrap(),
            "--log-to",
            to.to_str().unwrap(),
        ]);
        assert_failed(&ended, 4, says);
        assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
        assert_eq!(fs::metadata(&precious).unwrap().uid(), 0);
    };
    for to in
        ["theirs/link", "theirs/twin", "theirs/inner/log", "theirs/way/log", "open/twin", "link"]
    {
        start(&directory.path(to), "let the daemon's user write there");
    }
    start(&open.join("link"), "give the path itself");
    assert!(!inner.join("log").exists());
}

#[test]
fn a_log_in_a_directory_of_root_is_given_to_the_user() {
    if !is_root_or_skip() || !log::can_be_read_or_skip() {
        return;
    }
    let directory = Directory::new();
    let [path, rotated] = ["log", "log.1"].map(|name| directory.path(name));
    let says = |path: &Path, messages: [&str; 2]| {
        let told = log::lines(File::open(path).unwrap()).all();
        messages.iter().all(|message| told.iter().any(|line| line.contains(message)))
    };
    let uid = nobody().uid.as_raw();
    // The file does not exist yet, or root owns it from before.
    for is_there in [false, true] {
        if is_there {
            fs::write(&path, "").unwrap();
        }
        let mut loopback =
            Loopback::logging_to(&path, &["--user", "nobody", "--id", "own", "--port", "1"]);
        let daemon = &mut loopback.daemon;
        assert_eq!(fs::metadata(&path).unwrap().uid(), uid);
        assert!(says(&path, ["announcing own", "running as nobody"]));
        // The user can't create a file there, and keeps using the old one until another user
        // creates it.
        fs::rename(&path, &rotated).unwrap();
        daemon.signal(Signal::SIGHUP);
        daemon.status();
        assert!(!path.exists());
        assert!(says(
            &rotated,
            ["cannot open the log again: permission denied", "SIGHUP: checking"]
        ));
        fs::write(&path, "").unwrap();
        give_to_nobody(&path);
        daemon.signal(Signal::SIGHUP);
        daemon.status();
        assert!(says(&path, ["the log can be opened again", "SIGHUP: checking"]));
        assert!(daemon.stop().success());
        fs::remove_file(&path).unwrap();
    }
    // Root keeps anything that is not a regular file.
    mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    // It is opened for reading without a writer, and the daemon must not wait for one.
    let reader = File::options().read(true).custom_flags(O_NONBLOCK).open(&path).unwrap();
    let mut loopback = Loopback::logging_to(&path, &["--user", "nobody"]);
    fcntl(&reader, FcntlArg::F_SETFL(OFlag::empty())).unwrap();
    let told = log::lines(reader);
    told.wait_for("running as nobody");
    assert_eq!(fs::metadata(&path).unwrap().uid(), 0);
    assert!(loopback.daemon.stop().success());
    told.wait_for("stopped");
}

#[test]
fn the_log_has_the_messages_from_before_the_switch_of_users() {
    if !is_root_or_skip() || !log::can_be_read_or_skip() {
        return;
    }
    let directory = Directory::new();
    give_to_nobody(&directory.path(""));
    let path = directory.path("log");
    let mut loopback =
        Loopback::logging_to(&path, &["--user", "nobody", "--id", "own", "--port", "1"]);
    assert!(loopback.daemon.stop().success());
    assert!(loopback.daemon.log.all().is_empty());
    assert_eq!(fs::metadata(&path).unwrap().uid(), nobody().uid.as_raw());
    let told = log::lines(File::open(&path).unwrap()).all();
    let mut told = told.iter();
    for message in ["running as nobody", "announcing own", "listens at", "stopped"] {
        assert!(told.any(|line| line.contains(message)), "{message}");
    }
}
