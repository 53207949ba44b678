//! `hosts`: lines of a hosts file, printed or kept in a file.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use crate::common::{Daemon, Directory, Watch, announcement, foghorn, run};
use crate::{Loopback, assert_failed, host};

/// What no line may be made of.
const HOSTILE: [&str; 14] = [
    "$(reboot)",
    "-rf",
    "a;b",
    "..",
    "localhost",
    "LOCALHOST",
    "WPAD",
    "isatap",
    "www.bank.example",
    "1.2.3.4",
    "4711",
    "#nas",
    "a,b",
    "リビング",
];

#[test]
fn only_what_can_be_a_host_name_and_nobody_elses_has_a_line() {
    let loopback = Loopback::new(&[]);
    assert_eq!(loopback.daemon.ask(&["hosts"]).out, "");
    for name in HOSTILE {
        loopback.hear(name, 22);
    }
    let own = nix::unistd::gethostname().unwrap().into_string().unwrap();
    loopback.hear(own.split('.').next().unwrap(), 22);
    loopback.hear(&"x".repeat(64), 22);
    let longest = "y".repeat(63);
    loopback.hear(&longest, 22);
    loopback.hear_from(host(1), "Nas-1", 22);
    loopback.hear_from(host(2), "7z", 22);
    let ended = loopback.daemon.ask(&["hosts"]);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    assert_eq!(ended.out, format!("127.1.0.2\t7z\n127.1.0.1\tnas-1\n127.0.0.1\t{longest}\n"));
}

#[test]
fn what_is_excluded_has_no_line() {
    let loopback = Loopback::new(&[]);
    for (number, name) in ["nas", "tv-1", "TV-2", "pi"].iter().enumerate() {
        loopback.hear_from(host(number.try_into().unwrap()), name, 22);
    }
    let hosts = |options: &[&str]| loopback.daemon.ask(&[&["hosts"], options].concat()).out;
    assert_eq!(hosts(&["--exclude", "tv-?"]), "127.1.0.0\tnas\n127.1.0.3\tpi\n");
    assert_eq!(hosts(&["--exclude", "TV*", "--exclude", "Pi"]), "127.1.0.0\tnas\n");
    assert_eq!(hosts(&["--exclude", "*"]), "");
}

#[test]
fn a_contested_node_has_one_line() {
    let loopback = Loopback::new(&[]);
    loopback.hear_from(host(1), "nas", 22);
    let watch = loopback.daemon.watch(&["watch"]);
    watch.lines.wait_for("known");
    loopback.send_from(host(2), &announcement("nas", 22));
    loopback.send_from(host(1), &announcement("nas", 22));
    watch.lines.wait_for("contested");
    assert_eq!(loopback.daemon.ask(&["hosts"]).out, "127.1.0.1\tnas\n");
}

/// A `hosts --follow` that prints the file after each replacement, and then a dot.
struct Follower(Watch);

impl Follower {
    fn start(control: &Path, file: &Path) -> Self {
        Self::start_by(foghorn(), control, file)
    }

    fn start_by(mut command: Command, control: &Path, file: &Path) -> Self {
        command.args(["hosts", "--control"]).arg(control).arg("--follow").arg(file);
        command.args(["--exec", "sh", "-c", "cat \"$0\"; echo ."]).arg(file);
        Self(Watch::start(command))
    }

    /// The lines of the next replacement, without the first, which says whose file it is.
    fn next(&self) -> Vec<String> {
        let mut lines = vec![];
        loop {
            match self.0.lines.next() {
                line if line == "." => break,
                line => lines.push(line),
            }
        }
        assert!(lines.remove(0).starts_with("# kept by foghorn"));
        lines
    }

    /// The lines once there are as many.
    fn until(&self, count: usize) -> Vec<String> {
        loop {
            let lines = self.next();
            if lines.len() == count {
                return lines;
            }
        }
    }
}

#[test]
fn a_followed_file_is_replaced_when_the_nodes_change_and_not_otherwise() {
    let loopback = Loopback::new(&[]);
    let directory = Directory::new();
    let file = directory.path("hosts");
    let follower = Follower::start(&loopback.daemon.control, &file);
    assert_eq!(follower.next(), [""; 0]);
    let first = fs::metadata(&file).unwrap();
    loopback.hear("www.bank.example", 22);
    loopback.hear_from(host(1), "NAS", 22);
    assert_eq!(follower.next(), ["127.1.0.1\tnas"]);
    assert_ne!(fs::metadata(&file).unwrap().ino(), first.ino());
    loopback.send_from(host(2), &announcement("NAS", 22));
    assert_eq!(follower.next(), ["127.1.0.2\tnas"]);
    // One that begins with a file that is right already does not touch it.
    drop(follower);
    let before = fs::metadata(&file).unwrap().ino();
    let follower = Follower::start(&loopback.daemon.control, &file);
    follower.0.errors.seen();
    assert_eq!(loopback.daemon.ask(&["hosts"]).out, "127.1.0.2\tnas\n");
    assert_eq!(fs::metadata(&file).unwrap().ino(), before);
    loopback.hear_from(host(3), "tv", 8008);
    assert_eq!(follower.next(), ["127.1.0.2\tnas", "127.1.0.3\ttv"]);
    assert_eq!(follower.0.errors.seen(), [""; 0]);
    drop(follower);
    let files: Vec<_> =
        fs::read_dir(file.parent().unwrap()).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files, [file]);
}

#[test]
fn everybody_may_read_a_followed_file_whatever_the_umask() {
    let loopback = Loopback::new(&[]);
    let file = loopback.directory.path("hosts");
    let inner = foghorn();
    let mut command = Command::new("sh");
    command.args(["-c", "umask 077; exec \"$@\"", "sh"]).arg(inner.get_program()).args(inner.get_args());
    Follower::start_by(command, &loopback.daemon.control, &file).next();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o644);
}

#[test]
fn many_at_once_are_written_together() {
    let loopback = Loopback::new(&[]);
    let follower = Follower::start(&loopback.daemon.control, &loopback.directory.path("hosts"));
    follower.next();
    for number in 0..100 {
        loopback.send_from(host(number), &announcement(&format!("node-{number}"), 22));
    }
    loopback.hear("node-last", 22);
    follower.until(101);
    let seen = follower.0.lines.seen();
    let replacements = seen.iter().filter(|line| *line == ".").count();
    assert!(replacements < 50, "{replacements} times");
}

#[test]
fn what_is_not_foghorns_is_left_alone() {
    let loopback = Loopback::new(&[]);
    loopback.hear("nas", 22);
    let directory = &loopback.directory;
    let [theirs, link, socket] = ["theirs", "link", "socket"].map(|name| directory.path(name));
    fs::write(&theirs, "127.0.0.1\tlocalhost\n").unwrap();
    symlink(&theirs, &link).unwrap();
    let _listener = UnixListener::bind(&socket).unwrap();
    let here = theirs.parent().unwrap();
    for (path, says) in [
        (theirs.as_path(), "is not foghorn's: "),
        (&link, "is no file: "),
        (&socket, "is no file: "),
        (here, "is no file: "),
        (Path::new("/"), "is no file: "),
        (Path::new(""), "cannot write"),
        (Path::new("/nowhere/hosts"), "make its directory first"),
    ] {
        assert_failed(&loopback.daemon.ask(&["hosts", "--follow", path.to_str().unwrap()]), 4, says);
    }
    assert_eq!(fs::read_to_string(&theirs).unwrap(), "127.0.0.1\tlocalhost\n");
    assert!(
        fs::read_dir(here).unwrap().all(|file| !file.unwrap().file_name().to_string_lossy().starts_with('.'))
    );
    // An empty file is nobody's, and what is left of a foghorn that was ended is in nobody's way.
    let empty = directory.path("empty");
    fs::write(&empty, "").unwrap();
    fs::write(directory.path(".empty.new"), "half").unwrap();
    assert_eq!(Follower::start(&loopback.daemon.control, &empty).next(), ["127.0.0.1\tnas"]);
    assert!(!directory.path(".empty.new").exists());
}

#[test]
fn the_file_stays_while_there_is_no_daemon() {
    let mut loopback = Loopback::new(&[]);
    loopback.hear_from(host(1), "nas", 22);
    let file = loopback.directory.path("hosts");
    let control = loopback.daemon.control.clone();
    let follower = Follower::start(&control, &file);
    assert_eq!(follower.next(), ["127.1.0.1\tnas"]);
    loopback.daemon.crash();
    assert!(follower.0.errors.next().contains("hosts stays as it is until a daemon answers"));
    assert!(fs::read_to_string(&file).unwrap().ends_with("127.1.0.1\tnas\n"));
    loopback.daemon = Daemon::start(&control, &["--interface", "lo", "--udp-port", &loopback.port]);
    assert!(follower.0.errors.next().contains("answers again"));
    loopback.hear_from(host(2), "nas", 22);
    follower.0.lines.wait_for("127.1.0.2\tnas");
    assert_eq!(follower.0.errors.seen().len(), 2);
}

#[test]
fn nothing_is_written_where_no_daemon_was_at_the_start() {
    let directory = Directory::new();
    let [control, file] = ["control.sock", "hosts"].map(|name| directory.path(name));
    let follow = ["hosts", "--follow", file.to_str().unwrap(), "--control", control.to_str().unwrap()];
    assert_failed(&run(&follow), 3, "foghorn run");
    assert!(!file.exists());
}

#[test]
fn a_command_that_can_not_be_started_ends_it() {
    let loopback = Loopback::new(&[]);
    let file = loopback.directory.path("hosts");
    let follow = ["hosts", "--follow", file.to_str().unwrap(), "--exec", "/no/such/program"];
    assert_failed(&loopback.daemon.ask(&follow), 4, "cannot run /no/such/program");
}
