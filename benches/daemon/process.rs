//! The processes that are measured, with the kernel's figures.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use crate::common;
use crate::daemon::{FOGHORN, status};

/// A directory for control sockets, gone at the end.
pub(crate) struct Workshop(pub(crate) PathBuf);

impl Workshop {
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("foghorn-bench-{}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A child process of one thread, ended at the end.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.0.id().cast_signed())
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{file}", self.0.id())).unwrap()
    }

    /// The number after `key`.
    fn number(&self, file: &str, key: &str) -> u64 {
        common::number(&self.read(file), key).unwrap()
    }

    /// Nanoseconds on a processor, in user and kernel mode. Exact while it sleeps; `/proc/PID/stat`
    /// counts ticks only.
    pub(crate) fn cpu_nanos(&self) -> u64 {
        self.read("schedstat").split_whitespace().next().unwrap().parse().unwrap()
    }

    pub(crate) fn is_asleep(&self) -> bool {
        // The name before the state is in parentheses and may hold anything.
        self.read("stat").rsplit_once(") ").unwrap().1.starts_with('S')
    }

    /// How often it went to sleep, and how often it was made to wait for another process.
    pub(crate) fn switches(&self) -> [u64; 2] {
        ["voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:"]
            .map(|key| self.number("status", key))
    }

    pub(crate) fn threads(&self) -> u64 {
        self.number("status", "Threads:")
    }

    /// Its memory that is in RAM. `VmRSS` says the same but may lag behind by some pages for each
    /// processor.
    pub(crate) fn resident_kb(&self) -> u64 {
        self.number("smaps_rollup", "Rss:")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Where two processes run that talk to each other. To wake a processor that sleeps can cost more
/// than all else, and the scheduler chooses now so, now so.
#[derive(Clone, Copy)]
pub(crate) enum Placement {
    Free,
    OneProcessor,
    TwoProcessors,
}

impl Placement {
    /// Places this process and another.
    pub(crate) fn apply(self, other: Pid) {
        // As it was before anything was placed.
        static ALL: OnceLock<CpuSet> = OnceLock::new();
        let all = *ALL.get_or_init(|| sched_getaffinity(Pid::from_raw(0)).unwrap());
        let mut usable = (0..CpuSet::count()).filter(|number| all.is_set(*number).unwrap());
        let first = usable.next().unwrap();
        let last = usable.next_back().unwrap_or(first);
        let only = |number| {
            let mut set = CpuSet::new();
            set.set(number).unwrap();
            set
        };
        let (here, there) = match self {
            Self::Free => (all, all),
            Self::OneProcessor => (only(first), only(first)),
            Self::TwoProcessors => (only(first), only(last)),
        };
        sched_setaffinity(Pid::from_raw(0), &here).unwrap();
        sched_setaffinity(other, &there).unwrap();
    }
}

/// A running daemon on loopback.
pub(crate) struct Daemon {
    pub(crate) process: Process,
    pub(crate) control: PathBuf,
}

impl Daemon {
    /// Starts one that announces a node of that name, and waits until it hears.
    pub(crate) fn start(workshop: &Workshop, name: &str, interval: &str) -> Self {
        let control = workshop.0.join(name);
        let process = Process::start(
            Command::new(FOGHORN)
                .args(["run", "--interface", "lo", "--log", "error", "--id", name, "--port", "1"])
                .args(["--interval", interval, "--control"])
                .arg(&control),
        );
        let daemon = Self { process, control };
        for _ in 0..2_000 {
            if UnixStream::connect(&daemon.control).is_ok()
                && daemon.status("interface", "state") == "up"
            {
                return daemon;
            }
            thread::sleep(Duration::from_millis(10));
        }
        unreachable!("the daemon does not start");
    }

    /// A value from its status, from the first line of that kind.
    pub(crate) fn status(&self, kind: &str, key: &str) -> String {
        status(&self.control, kind, key)
    }

    pub(crate) fn count(&self, kind: &str, key: &str) -> u64 {
        self.status(kind, key).parse().unwrap()
    }
}
