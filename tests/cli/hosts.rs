//! `hosts`: lines of a hosts file, printed or kept in a file.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::common::{Daemon, Directory, Watch, announcement, foghorn, run, skip};
use crate::{Loopback, assert_failed, host};

/// Names that must not get a line.
const HOSTILE: [&str; 20] = [
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
    "com",
    "lan",
    "local",
    "localdomain",
    "autodiscover",
    "0x0a4d0042",
];

#[test]
fn only_valid_host_names_of_other_machines_have_a_line() {
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
fn excluded_names_have_no_line() {
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
        Self::start_by(foghorn(), control, file, &[])
    }

    fn start_by(mut command: Command, control: &Path, file: &Path, options: &[&str]) -> Self {
        command.args(["hosts", "--control"]).arg(control).arg("--follow").arg(file).args(options);
        command.args(["--exec", "sh", "-c", "cat \"$0\"; echo ."]).arg(file);
        Self(Watch::start(command))
    }

    /// The lines of the next replacement, without the first, which names the owner of the file.
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

    /// Waits until the lines are these.
    fn wait_for(&self, lines: &[&str]) {
        while self.next() != lines {}
    }

    /// Waits until there are that many lines.
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
fn a_followed_file_is_replaced_only_when_the_nodes_change() {
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
    // A command that starts with an up-to-date file does not touch it.
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
fn a_followed_file_is_readable_by_all_users_under_any_umask() {
    let loopback = Loopback::new(&[]);
    let file = loopback.directory.path("hosts");
    let inner = foghorn();
    let mut command = Command::new("sh");
    command
        .args(["-c", "umask 077; exec \"$@\"", "sh"])
        .arg(inner.get_program())
        .args(inner.get_args());
    Follower::start_by(command, &loopback.daemon.control, &file, &[]).next();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o644);
}

#[test]
fn many_changes_at_once_are_written_together() {
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
fn the_command_runs_less_often_during_endless_changes() {
    let loopback = Loopback::new(&[]);
    let file = loopback.directory.path("hosts");
    let mut command = foghorn();
    command.args(["hosts", "--control"]).arg(&loopback.daemon.control).arg("--follow").arg(&file);
    command.args(["--exec", "cut", "-d", ".", "-f", "1", "/proc/uptime"]);
    let follower = Watch::start(command);
    let times = [(); 4].map(|()| {
        let seconds: u64 = follower.lines.next().parse().unwrap();
        // Each change follows the end of the command for the previous one.
        loopback.hear(&format!("node-{}", fs::read_to_string(&file).unwrap().lines().count()), 22);
        seconds
    });
    // Pauses of 1, 2 and 4 s, two of which a busy machine may skip.
    assert!(times[3] - times[0] >= 5, "{times:?}");
    // The command also runs for the last change.
    follower.lines.next();
    assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 5);
}

#[test]
fn a_file_of_another_program_is_not_replaced() {
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
        (&link, "is not a file: "),
        (&socket, "is not a file: "),
        (here, "is a directory: give the path of a file in it"),
        (Path::new("/"), "is a directory: "),
        (Path::new(""), "cannot write"),
        (Path::new("/nowhere/hosts"), "make its directory first"),
    ] {
        let ended = loopback.daemon.ask(&["hosts", "--follow", path.to_str().unwrap()]);
        assert_failed(&ended, 4, says);
        assert!(!ended.err.contains("remove"), "{ended:?}");
    }
    assert_eq!(fs::read_to_string(&theirs).unwrap(), "127.0.0.1\tlocalhost\n");
    assert!(
        fs::read_dir(here).unwrap().all(|file| !file
            .unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with('.'))
    );
    // An empty file has no owner, and the leftover of a killed foghorn blocks nobody.
    let empty = directory.path("empty");
    fs::write(&empty, "").unwrap();
    fs::write(directory.path(".empty.new"), "half").unwrap();
    assert_eq!(Follower::start(&loopback.daemon.control, &empty).next(), ["127.0.0.1\tnas"]);
    assert!(!directory.path(".empty.new").exists());
}

#[test]
fn the_file_is_kept_while_the_daemon_is_down() {
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
fn hosts_waits_for_a_daemon_that_starts_later() {
    let directory = Directory::new();
    let [control, file] = ["control.sock", "hosts"].map(|name| directory.path(name));
    let follower = Follower::start(&control, &file);
    let told = follower.0.errors.next();
    assert!(
        told.contains("foghorn run") && told.ends_with("stays as it is until a daemon answers"),
        "{told}"
    );
    assert!(!file.exists());
    let loopback = Loopback::new(&[]);
    loopback.hear("nas", 22);
    symlink(&loopback.daemon.control, &control).unwrap();
    follower.wait_for(&["127.0.0.1\tnas"]);
    assert_eq!(follower.0.errors.seen().len(), 2);
}

#[test]
fn a_file_that_cannot_be_written_is_reported_even_without_a_daemon() {
    let directory = Directory::new();
    let control = directory.path("control.sock");
    for (file, says) in [("/etc", "is a directory"), ("/nowhere/hosts", "make its directory first")]
    {
        let follow = ["hosts", "--follow", file, "--control", control.to_str().unwrap()];
        assert_failed(&run(&follow), 4, says);
    }
}

#[test]
fn hosts_stops_if_its_command_cannot_be_started() {
    let loopback = Loopback::new(&[]);
    let file = loopback.directory.path("hosts");
    let follow = ["hosts", "--follow", file.to_str().unwrap(), "--exec", "/no/such/program"];
    assert_failed(&loopback.daemon.ask(&follow), 4, "cannot run /no/such/program");
}

/// Writes a file atomically: no reader sees a part of it.
fn put(path: &Path, text: &str) {
    let new = path.with_file_name(".put");
    fs::write(&new, text).unwrap();
    fs::rename(new, path).unwrap();
}

#[test]
fn a_removed_or_changed_file_is_written_again_even_after_its_directory_was_gone() {
    let loopback = Loopback::new(&[]);
    loopback.hear("nas", 22);
    let directory = Directory::new();
    let parent = directory.path("hostsdir");
    let file = parent.join("hosts");
    fs::create_dir(&parent).unwrap();
    let follower = Follower::start(&loopback.daemon.control, &file);
    assert_eq!(follower.next(), ["127.0.0.1\tnas"]);

    fs::remove_file(&file).unwrap();
    assert_eq!(follower.next(), ["127.0.0.1\tnas"]);
    let text = fs::read_to_string(&file).unwrap();
    put(&file, &text.replace("nas", "www"));
    assert_eq!(follower.next(), ["127.0.0.1\tnas"]);
    assert_eq!(follower.0.errors.seen(), [""; 0]);

    fs::remove_dir_all(&parent).unwrap();
    let told = follower.0.errors.next();
    assert!(told.contains("cannot write") && told.ends_with("still trying"), "{told}");
    fs::create_dir(&parent).unwrap();
    assert_eq!(follower.next(), ["127.0.0.1\tnas"]);
    assert!(follower.0.errors.next().ends_with("can be written again"));

    // A file of another program stays there, and foghorn reports it once.
    fs::remove_file(&file).unwrap();
    put(&file, "10.0.0.1 theirs\n");
    assert!(follower.0.errors.next().contains("is not foghorn's"));
    loopback.hear("tv", 22);
    fs::remove_file(&file).unwrap();
    assert_eq!(follower.next(), ["127.0.0.1\tnas", "127.0.0.1\ttv"]);
    assert_eq!(follower.0.errors.seen().len(), 4);
}

/// Foghorn in a private mount namespace, after that script. None where this machine can't make one.
fn in_mount_namespace(script: &str) -> Option<Command> {
    let can = Command::new("unshare").args(["-rm", "true"]).stderr(Stdio::null()).status();
    if !can.is_ok_and(|status| status.success()) {
        skip("this machine can't make a mount namespace");
        return None;
    }
    let inner = foghorn();
    let mut command = Command::new("unshare");
    command
        .args(["-rm", "sh", "-ec", &format!("{script}\nexec \"$@\""), "sh"])
        .arg(inner.get_program());
    command.args(inner.get_args()).env_remove("FOGHORN_CONTROL");
    Some(command)
}

#[test]
fn a_full_disk_is_reported_once_and_survived() {
    let directory = Directory::new();
    let disk = directory.path("disk");
    fs::create_dir(&disk).unwrap();
    let at = disk.display();
    // The disk is full until the file that fills it is cut. Its path is the same inside and
    // outside.
    let fill = directory.path("fill");
    let script = format!(
        "mount -t tmpfs -o size=64k tmpfs {at}; head -c 65536 /dev/zero > {at}/fill || true
         (until [ -e {} ]; do sleep 0.1; done; rm {at}/fill) </dev/null >/dev/null 2>&1 &",
        fill.display()
    );
    let Some(command) = in_mount_namespace(&script) else { return };
    let loopback = Loopback::new(&[]);
    loopback.hear("nas", 22);
    let follower = Follower::start_by(command, &loopback.daemon.control, &disk.join("hosts"), &[]);
    let told = follower.0.errors.next();
    assert!(told.contains("cannot write") && told.ends_with("still trying"), "{told}");
    loopback.hear("tv", 22);
    fs::write(fill, "").unwrap();
    follower.wait_for(&["127.0.0.1\tnas", "127.0.0.1\ttv"]);
    assert!(follower.0.errors.next().ends_with("can be written again"));
    assert_eq!(follower.0.errors.seen().len(), 2);
}

#[test]
fn a_bind_mounted_file_is_written_in_place() {
    let directory = Directory::new();
    let [file, source] = ["hosts", "source"].map(|name| directory.path(name));
    fs::write(&file, "").unwrap();
    fs::write(&source, "").unwrap();
    let mount = format!("mount --bind {} {}", source.display(), file.display());
    let Some(command) = in_mount_namespace(&mount) else { return };
    let loopback = Loopback::new(&[]);
    let follower = Follower::start_by(command, &loopback.daemon.control, &file, &[]);
    for (number, name) in ["a-long-name-of-a-node", "b", "c"].iter().enumerate() {
        loopback.hear_from(host(number.try_into().unwrap()), name, 22);
    }
    follower.until(3);
    let text = fs::read_to_string(&source).unwrap();
    assert!(text.starts_with("# kept by") && text.ends_with("127.1.0.2\tc\n"), "{text}");
    assert_eq!(follower.0.errors.seen(), [""; 0]);
}

#[test]
fn names_in_other_hosts_files_are_not_exported() {
    let loopback = Loopback::new(&[]);
    for name in ["nas", "mail", "Printer", "tv"] {
        loopback.hear(name, 22);
    }
    let directory = Directory::new();
    let file = directory.path("foghorn");
    put(&directory.path("theirs"), "10.0.0.5 mail.lan # tv\n10.0.0.6\tx PRINTER\n");
    // A name server reads neither of these.
    for name in [".hidden", "old~", "#draft#"] {
        fs::write(directory.path(name), "10.0.0.7 nas\n").unwrap();
    }
    mkfifo(&directory.path("fifo"), Mode::S_IRWXU).unwrap();
    symlink("nowhere", directory.path("dangling")).unwrap();
    // Foghorn's own file under another name adds no names to keep out.
    symlink(&file, directory.path("alias")).unwrap();
    let follower = Follower::start(&loopback.daemon.control, &file);
    assert_eq!(follower.next(), ["127.0.0.1\tnas", "127.0.0.1\ttv"]);
    // A changed file beside it counts even without a change of a node.
    put(&directory.path("more"), "10.0.0.8 tv\n");
    assert_eq!(follower.next(), ["127.0.0.1\tnas"]);
    fs::remove_file(directory.path("theirs")).unwrap();
    assert_eq!(follower.next(), ["127.0.0.1\tmail", "127.0.0.1\tnas", "127.0.0.1\tprinter"]);
    assert_eq!(follower.0.errors.seen(), [""; 0]);
}

#[test]
fn names_in_the_machines_hosts_file_are_not_exported() {
    let directory = Directory::new();
    let hosts = directory.path("hosts");
    fs::write(&hosts, "127.0.0.1 localhost\n10.0.0.5 mail.example.org\n0.0.0.0 tv.ads.example\n")
        .unwrap();
    let Some(mut command) =
        in_mount_namespace(&format!("mount --bind {} /etc/hosts", hosts.display()))
    else {
        return;
    };
    let loopback = Loopback::new(&[]);
    for name in ["mail", "tv"] {
        loopback.hear(name, 22);
    }
    let output =
        command.args(["hosts", "--control"]).arg(&loopback.daemon.control).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "127.0.0.1\ttv\n", "{output:?}");
}

#[test]
fn names_to_keep_out_are_reread_and_nothing_new_is_exported_while_that_fails() {
    let loopback = Loopback::new(&[]);
    for (number, name) in ["mail", "nas", "www"].iter().enumerate() {
        loopback.hear_from(host(number.try_into().unwrap()), name, 22);
    }
    let (here, elsewhere) = (Directory::new(), Directory::new());
    let file = here.path("foghorn");
    let [names, hosts] = ["names", "hosts"].map(|name| elsewhere.path(name));
    put(&names, "# free in DNS only\nMail\n");
    put(&hosts, "10.0.0.9 www.example\n");
    let options = ["--keep-out", names.to_str().unwrap(), "--keep-out", hosts.to_str().unwrap()];
    assert_eq!(loopback.daemon.ask(&[&["hosts"], &options[..]].concat()).out, "127.1.0.1\tnas\n");

    let follower = Follower::start_by(foghorn(), &loopback.daemon.control, &file, &options);
    assert_eq!(follower.next(), ["127.1.0.1\tnas"]);
    put(&names, "mail\nnas\n");
    assert_eq!(follower.next(), [""; 0]);
    put(&names, "");
    assert_eq!(follower.next(), ["127.1.0.0\tmail", "127.1.0.1\tnas"]);

    fs::remove_file(&names).unwrap();
    let told = follower.0.errors.next();
    assert!(
        told.contains("names for names to keep out: No such file") && told.contains("no new names"),
        "{told}"
    );
    assert_failed(&loopback.daemon.ask(&[&["hosts"], &options[..]].concat()), 4, "cannot read");
    // An exported name follows its node, and names in the other file count.
    loopback.hear_from(host(9), "tv", 22);
    loopback.send_from(host(7), &announcement("nas", 22));
    assert_eq!(follower.next(), ["127.1.0.0\tmail", "127.1.0.7\tnas"]);
    put(&hosts, "10.0.0.9 mail\n");
    assert_eq!(follower.next(), ["127.1.0.7\tnas"]);
    // A foghorn that starts meanwhile exports nothing new either.
    drop(follower);
    let follower = Follower::start_by(foghorn(), &loopback.daemon.control, &file, &options);
    assert!(follower.0.errors.next().contains("no new names"));
    put(&names, "");
    assert_eq!(follower.next(), ["127.1.0.7\tnas", "127.1.0.9\ttv", "127.1.0.2\twww"]);
    assert!(follower.0.errors.next().ends_with("can be read again"));
    assert_eq!(follower.0.errors.seen().len(), 2);
}

#[test]
fn an_unreadable_hosts_file_does_not_block() {
    let loopback = Loopback::new(&[]);
    loopback.hear("nas", 22);
    let fifo = loopback.directory.path("fifo");
    mkfifo(&fifo, Mode::S_IRWXU).unwrap();
    for file in [fifo.to_str().unwrap(), "/", "/dev/zero", "/nowhere"] {
        let ended = loopback.daemon.ask(&["hosts", "--keep-out", file]);
        assert_failed(&ended, 4, &format!("cannot read {file} for names to keep out: "));
    }
}
