//! Running the built binary.

#![allow(dead_code, reason = "each test program uses its own part of this")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that meets the unexpected is to fail"
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

/// After this a test has failed: what it waits for will not come. Nothing is expected to take as
/// long.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);

/// Says that something was not tested. Written past the test runner, which keeps what passing tests
/// print.
pub(crate) fn skip(why: &str) {
    assert!(
        std::env::var_os("FOGHORN_REQUIRE_LAB").is_none(),
        "FOGHORN_REQUIRE_LAB is set, but {why}"
    );
    let _ = writeln!(io::stderr(), "SKIPPED, not tested: {why}");
}

/// A directory of one's own, removed at the end.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("foghorn-test-{}-{count}", std::process::id()));
        // Of a run that was killed, and had the same number.
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

/// The binary that is tested.
pub(crate) const FOGHORN: &str = env!("CARGO_BIN_EXE_foghorn");

/// Copies the binary. Another process does it: a program can't be run while it is open for writing,
/// as it would be in what another test starts just then.
pub(crate) fn copy_foghorn(to: &Path) {
    assert!(Command::new("cp").arg(FOGHORN).arg(to).status().unwrap().success());
}

/// The program and the arguments that run a program of the machine that the tests were built for:
/// itself, or an emulator of that machine.
pub(crate) fn to_run(program: &str) -> (String, Vec<String>) {
    let emulator = std::env::var("FOGHORN_TEST_RUNNER").unwrap_or_default();
    let mut words = emulator.split_whitespace().chain([program]).map(str::to_owned);
    (words.next().unwrap_or_default(), words.collect())
}

/// Whether what runs foghorn is not the kernel but an emulator on top of it.
pub(crate) fn is_emulated() -> bool {
    std::env::var("FOGHORN_TEST_RUNNER").is_ok_and(|runner| !runner.is_empty())
}

/// A terminal that no program inherits which another test starts: the end of who looks at it, and
/// that of the programs in it.
pub(crate) fn terminal() -> (OwnedFd, OwnedFd) {
    let outside = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).unwrap();
    grantpt(&outside).unwrap();
    unlockpt(&outside).unwrap();
    let inside = ptsname_r(&outside).unwrap();
    let inside =
        fs::File::options().read(true).write(true).custom_flags(O_NOCTTY).open(inside).unwrap();
    (outside.into(), inside.into())
}

/// Calls until no signal cuts the call short: one with a time limit is not begun anew by the
/// kernel.
pub(crate) fn undisturbed<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// A control socket that no daemon has.
pub(crate) const NO_DAEMON: &str = "/nonexistent/foghorn/control.sock";

/// The foghorn binary, with an environment that does not depend on who runs the tests, or on
/// daemons that run beside them.
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

/// A shell that runs that script with mounts of its own. None where those can't be made; that has
/// then been said.
pub(crate) fn in_mount_namespace(script: &str) -> Option<Command> {
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount"]);
        command
    };
    if !unshare().arg("true").output().is_ok_and(|ended| ended.status.success()) {
        skip("nothing can be mounted here: it takes unshare, and permission to use it");
        return None;
    }
    let mut shell = unshare();
    shell.args(["sh", "-c", script]);
    Some(shell)
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("not ended by a signal"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Runs foghorn to its end.
pub(crate) fn run(arguments: &[&str]) -> Ended {
    foghorn().args(arguments).stdin(Stdio::null()).output().unwrap().into()
}

/// The commands, as help tells them.
pub(crate) fn commands() -> Vec<String> {
    let help = run(&["--help"]).out;
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let commands = commands.lines().take_while(|line| !line.is_empty());
    commands.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

/// The lines that a child prints, as they come.
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

    /// The next line; panics if none comes.
    pub(crate) fn next(&self) -> String {
        self.first().expect("another line")
    }

    /// The next line, if one comes.
    pub(crate) fn first(&self) -> Option<String> {
        let line = self.receiver.recv_timeout(TIMEOUT).ok()?;
        self.seen.borrow_mut().push(line.clone());
        Some(line)
    }

    /// All lines that have come so far, also those that were waited for.
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
                None => panic!("no line with {text:?} came, only {lines:#?}"),
            }
        }
        lines
    }
}

/// Stops a child where it is, and returns when it has stopped, or ended before.
pub(crate) fn suspend(child: Pid) {
    kill(child, Signal::SIGSTOP).unwrap();
    // Whoever waits for its end still learns of it.
    waitid(Id::Pid(child), WaitPidFlag::WSTOPPED | WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT)
        .unwrap();
}

/// A running `foghorn run`, ended when this is dropped.
pub(crate) struct Daemon {
    child: Child,
    pub(crate) log: Lines,
    pub(crate) control: PathBuf,
}

impl Daemon {
    /// Starts `command run ARGUMENTS` and waits until it answers: by then it has announced, too.
    pub(crate) fn start_with(command: Command, control: &Path, arguments: &[&str]) -> Self {
        let daemon = Self::spawn(command, control, arguments);
        if log::can_be_read() {
            daemon.log.wait_for("listens at");
        }
        daemon.once_it_answers()
    }

    /// The same where nothing can be read on standard error.
    pub(crate) fn start_silent(command: Command, control: &Path, arguments: &[&str]) -> Self {
        Self::spawn(command, control, arguments).once_it_answers()
    }

    pub(crate) fn once_it_answers(self) -> Self {
        self.ask_until(&["status"], |ended| ended.code == 0);
        self
    }

    /// Starts `command run ARGUMENTS` and waits for nothing.
    pub(crate) fn spawn(command: Command, control: &Path, arguments: &[&str]) -> Self {
        Self::spawn_with_stderr(Stdio::piped(), command, control, arguments)
    }

    /// The same with another standard error. Only what comes in a pipe of ours is read.
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

    /// Asks it, by the command line.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Ended {
        foghorn().args(arguments).env("FOGHORN_CONTROL", &self.control).output().unwrap().into()
    }

    /// Asks it again and again until the answer is as it should be.
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

    /// A command that asks it and goes on running.
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

    /// What `/proc/PID/status` says, word by word.
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

    /// Its memory that is in RAM, in kB. None where that of an emulator would be told.
    pub(crate) fn resident_kb(&self) -> Option<u64> {
        if std::env::var_os("FOGHORN_TEST_RUNNER").is_some_and(|runner| !runner.is_empty()) {
            return None;
        }
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.pid())).unwrap();
        let resident = rollup.lines().find_map(|line| line.strip_prefix("Rss:")).unwrap();
        Some(resident.trim_end_matches("kB").trim().parse().unwrap())
    }

    /// What the kernel tells of it in a file of `/proc`.
    pub(crate) fn proc(&self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.child.id()))
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.ended()
    }

    /// Waits until it has ended of itself.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Ends it as a power cut would.
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

/// A command whose lines are read while it runs, ended when this is dropped.
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

/// A UDP port on loopback that nobody uses. The kernel gives those below 32768 to no one who leaves
/// the choice to it, and no two tests get the same, of whatever program.
pub(crate) fn free_udp_port() -> String {
    static NEXT: AtomicU16 = AtomicU16::new(21_100);
    // Not tried out by a socket: what another test starts just then would have that, too, until it
    // runs its program.
    let tables = ["/proc/net/udp", "/proc/net/udp6"]
        .map(|table| fs::read_to_string(table).unwrap_or_default());
    loop {
        let port = NEXT.fetch_add(1, Ordering::Relaxed);
        // Daemons can share a port, so this name keeps a test that runs beside this program from
        // taking the same one before it is in the tables. Like the port it belongs to the network
        // namespace. It is held until this program ends.
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
