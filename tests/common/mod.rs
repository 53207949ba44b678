//! Running the built binary.

#![allow(dead_code, reason = "each test program uses its own part of this")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test must fail on the unexpected"
)]

pub(crate) mod log;
pub(crate) mod tool;

use std::cell::RefCell;
use std::fs;
use std::io::{self, BufRead, BufReader, Write as _};
use std::mem;
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::libc::O_NOCTTY;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

/// A test that waits for longer than this has failed. Nothing should take as long.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);

/// Prints that something was not tested. It writes past the test runner, which hides the output of
/// passing tests.
pub(crate) fn skip(why: &str) {
    assert!(
        std::env::var_os("FOGHORN_REQUIRE_LAB").is_none(),
        "FOGHORN_REQUIRE_LAB is set, but {why}"
    );
    let _ = writeln!(io::stderr(), "SKIPPED, not tested: {why}");
}

/// A private directory, removed on drop.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("foghorn-test-{}-{count}", std::process::id()));
        // The leftover of a killed run with the same number.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The tested binary.
pub(crate) const FOGHORN: &str = env!("CARGO_BIN_EXE_foghorn");

/// Copies the binary. Another process does it: a program can't run while it is open for writing,
/// and a child that another test starts at that moment would inherit the open file.
pub(crate) fn copy_foghorn(to: &Path) {
    assert!(Command::new("cp").arg(FOGHORN).arg(to).status().unwrap().success());
}

/// The program and the arguments that run a program built for the tests' target: the program
/// itself, or an emulator.
pub(crate) fn to_run(program: &str) -> (String, Vec<String>) {
    let emulator = std::env::var("FOGHORN_TEST_RUNNER").unwrap_or_default();
    let mut words = emulator.split_whitespace().chain([program]).map(str::to_owned);
    (words.next().unwrap_or_default(), words.collect())
}

/// Whether an emulator runs foghorn, not the kernel itself.
pub(crate) fn is_emulated() -> bool {
    std::env::var("FOGHORN_TEST_RUNNER").is_ok_and(|runner| !runner.is_empty())
}

/// A terminal that no program of another test inherits: the end of the viewer, and the end of the
/// programs in it.
pub(crate) fn terminal() -> (OwnedFd, OwnedFd) {
    let outside = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).unwrap();
    grantpt(&outside).unwrap();
    unlockpt(&outside).unwrap();
    let inside = ptsname_r(&outside).unwrap();
    let inside =
        fs::File::options().read(true).write(true).custom_flags(O_NOCTTY).open(inside).unwrap();
    (outside.into(), inside.into())
}

/// Calls until no signal interrupts the call: the kernel does not restart calls with a time limit.
pub(crate) fn undisturbed<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// A control socket without a daemon.
pub(crate) const NO_DAEMON: &str = "/nonexistent/foghorn/control.sock";

/// The foghorn binary, with an environment that does not depend on the user who runs the tests, or
/// on other daemons.
pub(crate) fn foghorn() -> Command {
    let (program, arguments) = to_run(FOGHORN);
    let mut command = Command::new(program);
    command.args(arguments);
    command
        .env("FOGHORN_CONTROL", NO_DAEMON)
        .env_remove("FOGHORN_LOG")
        .env_remove("XDG_RUNTIME_DIR");
    command.env_remove("JOURNAL_STREAM");
    command.env_remove("NOTIFY_SOCKET").env_remove("WATCHDOG_USEC").env_remove("WATCHDOG_PID");
    command
}

/// A shell that runs that script with private mounts. None where this machine can't make them; a
/// message has then been printed.
pub(crate) fn in_mount_namespace(script: &str) -> Option<Command> {
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount"]);
        command
    };
    if !unshare().arg("true").output().is_ok_and(|ended| ended.status.success()) {
        skip("this machine can't mount here: it needs unshare, and permission to use it");
        return None;
    }
    let mut shell = unshare();
    shell.args(["sh", "-c", script]);
    Some(shell)
}

/// The output and the exit code of a command.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("not killed by a signal"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Runs foghorn and waits for its end.
pub(crate) fn run(arguments: &[&str]) -> Ended {
    foghorn().args(arguments).stdin(Stdio::null()).output().unwrap().into()
}

/// The commands that the help lists.
pub(crate) fn commands() -> Vec<String> {
    let help = run(&["--help"]).out;
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let commands = commands.lines().take_while(|line| !line.is_empty());
    commands.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

/// The lines that a child prints, in order.
pub(crate) struct Lines {
    receiver: Receiver<String>,
    seen: RefCell<Vec<String>>,
}

impl Lines {
    pub(crate) fn of(stream: impl io::Read + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { receiver, seen: RefCell::default() }
    }

    /// The next line; panics if there is none in time.
    pub(crate) fn next(&self) -> String {
        self.first().expect("another line")
    }

    /// The next line, if there is one in time.
    pub(crate) fn first(&self) -> Option<String> {
        let line = self.receiver.recv_timeout(TIMEOUT).ok()?;
        self.seen.borrow_mut().push(line.clone());
        Some(line)
    }

    /// All lines so far, also those that a test has waited for.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.borrow_mut().extend(self.receiver.try_iter());
        self.seen.borrow().clone()
    }

    /// The next line that contains `text`.
    pub(crate) fn wait_for(&self, text: &str) -> String {
        self.until(text).pop().expect("the line")
    }

    /// The lines up to the end.
    pub(crate) fn all(&self) -> Vec<String> {
        std::iter::from_fn(|| self.first()).collect()
    }

    /// The lines up to the next that contains `text`.
    pub(crate) fn until(&self, text: &str) -> Vec<String> {
        let mut lines = vec![];
        while !lines.last().is_some_and(|line: &String| line.contains(text)) {
            match self.first() {
                Some(line) => lines.push(line),
                None => panic!("no line with {text:?}, only {lines:#?}"),
            }
        }
        lines
    }
}

/// Stops a child where it is, and returns when it has stopped or exited.
pub(crate) fn suspend(child: Pid) {
    kill(child, Signal::SIGSTOP).unwrap();
    // The parent can still wait for its exit.
    waitid(Id::Pid(child), WaitPidFlag::WSTOPPED | WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT)
        .unwrap();
}

/// A running `foghorn run`, stopped on drop.
pub(crate) struct Daemon {
    child: Child,
    pub(crate) log: Lines,
    pub(crate) control: PathBuf,
}

impl Daemon {
    /// Starts `command run ARGUMENTS` and waits until it answers: by then it has also announced.
    pub(crate) fn start_with(command: Command, control: &Path, arguments: &[&str]) -> Self {
        let daemon = Self::spawn(command, control, arguments);
        if log::can_be_read() {
            daemon.log.wait_for("listens at");
        }
        daemon.once_it_answers()
    }

    /// The same without a readable standard error.
    pub(crate) fn start_silent(command: Command, control: &Path, arguments: &[&str]) -> Self {
        Self::spawn(command, control, arguments).once_it_answers()
    }

    pub(crate) fn once_it_answers(self) -> Self {
        self.ask_until(&["status"], |ended| ended.code == 0);
        self
    }

    /// Starts `command run ARGUMENTS` and does not wait.
    pub(crate) fn spawn(command: Command, control: &Path, arguments: &[&str]) -> Self {
        Self::spawn_with_stderr(Stdio::piped(), command, control, arguments)
    }

    /// The same with another standard error. The test reads it only from its own pipe.
    pub(crate) fn spawn_with_stderr(
        stderr: Stdio,
        mut command: Command,
        control: &Path,
        arguments: &[&str],
    ) -> Self {
        command.args(["run", "--control"]).arg(control).args(arguments);
        let mut child = command.stdin(Stdio::null()).stderr(stderr).spawn().unwrap();
        let log = child.stderr.take().map_or_else(|| Lines::of(io::empty()), log::lines);
        Self { child, log, control: control.to_owned() }
    }

    pub(crate) fn start(control: &Path, arguments: &[&str]) -> Self {
        Self::start_with(foghorn(), control, arguments)
    }

    /// Runs a client command for it.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Ended {
        foghorn().args(arguments).env("FOGHORN_CONTROL", &self.control).output().unwrap().into()
    }

    /// Runs a client command again and again until the answer is right.
    pub(crate) fn ask_until(&self, arguments: &[&str], enough: impl Fn(&Ended) -> bool) -> Ended {
        let start = Instant::now();
        loop {
            let ended = self.ask(arguments);
            if enough(&ended) {
                return ended;
            }
            assert!(start.elapsed() < TIMEOUT, "{arguments:?} still answers {ended:?}");
        }
    }

    /// A client command that keeps running.
    pub(crate) fn watch(&self, arguments: &[&str]) -> Watch {
        let mut command = foghorn();
        command.args(arguments).env("FOGHORN_CONTROL", &self.control);
        Watch::start(command)
    }

    pub(crate) fn status(&self) -> serde_json::Value {
        let status = self.ask(&["status", "--json"]);
        assert_eq!(status.code, 0, "{status:?}");
        serde_json::from_str(&status.out).unwrap()
    }

    /// The words of a line in `/proc/PID/status`.
    pub(crate) fn kernel_says(&self, key: &str) -> Vec<String> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        line.unwrap().split_whitespace().map(str::to_owned).collect()
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().unwrap())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    /// Stops it where it is, until it is [resumed](Self::resume).
    pub(crate) fn suspend(&self) {
        suspend(self.pid());
    }

    pub(crate) fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Its resident memory in kB. None under an emulator, which has memory of its own.
    pub(crate) fn resident_kb(&self) -> Option<u64> {
        if std::env::var_os("FOGHORN_TEST_RUNNER").is_some_and(|runner| !runner.is_empty()) {
            return None;
        }
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.pid())).unwrap();
        let resident = rollup.lines().find_map(|line| line.strip_prefix("Rss:")).unwrap();
        Some(resident.trim_end_matches("kB").trim().parse().unwrap())
    }

    /// The contents of one of its files in `/proc`.
    pub(crate) fn proc(&self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.child.id()))
    }

    /// Sends SIGTERM, and waits for its exit.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.ended()
    }

    /// Waits until it exits by itself.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Kills it, as a power cut would.
    pub(crate) fn crash(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command whose lines are read while it runs, stopped on drop.
pub(crate) struct Watch {
    pub(crate) child: Child,
    pub(crate) lines: Lines,
    pub(crate) errors: Lines,
}

impl Watch {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = Lines::of(child.stdout.take().unwrap());
        let errors = Lines::of(child.stderr.take().unwrap());
        Self { child, lines, errors }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A free UDP port on loopback. The kernel never picks one below 32768 by itself, and no two tests
/// get the same, even in different programs.
pub(crate) fn free_udp_port() -> String {
    static NEXT: AtomicU16 = AtomicU16::new(21_100);
    // This does not open a socket to try the port: a child that another test starts at that moment
    // would inherit it until it runs its program.
    let tables = ["/proc/net/udp", "/proc/net/udp6"]
        .map(|table| fs::read_to_string(table).unwrap_or_default());
    loop {
        let port = NEXT.fetch_add(1, Ordering::Relaxed);
        // Daemons can share a port, so this name keeps a parallel test from using the same one
        // before it is in the kernel's tables. Like the port it belongs to the network namespace.
        // This program holds it until it exits.
        let name = SocketAddr::from_abstract_name(format!("foghorn-test-{port}")).unwrap();
        let Ok(claim) = UnixListener::bind_addr(&name) else { continue };
        if !tables.iter().any(|table| table.contains(&format!(":{port:04X} "))) {
            mem::forget(claim);
            return port.to_string();
        }
    }
}

/// An announcement in version 1 of the protocol.
pub(crate) fn announcement(id: &str, port: u16) -> Vec<u8> {
    let length = u16::try_from(id.len()).unwrap();
    [&[0, 0x12, 0x10, 0x25], &port.to_be_bytes()[..], &length.to_be_bytes(), id.as_bytes(), &[0; 4]]
        .concat()
}
