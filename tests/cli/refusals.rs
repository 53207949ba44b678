//! System calls that the kernel, or a sandbox, refuses: foghorn works without them, or exits and
//! names the call.

use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc::{self, c_long, sock_filter};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};

use crate::common::{Directory, Ended, TIMEOUT, free_udp_port, run, skip};
use crate::seccomp::{Calls, IF_EQUAL, LOAD, RETURN, behind, instruction, number, refusing};
use crate::{Loopback, assert_failed};

/// The errors of refused calls: of old kernels, and of sandboxes.
const ERRORS: [Errno; 3] = [Errno::EINVAL, Errno::ENOSYS, Errno::EPERM];

/// The effect of a refused call.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    /// The daemon answers, and stops on a signal.
    Works,
    /// The daemon answers, or at least runs until a signal stops it, and logs this once.
    Says(&'static str),
    /// The daemon exits by itself: exit code 4, and one line with this text.
    Ends(&'static str),
    /// The daemon works if the kernel's vDSO replaces the call, and exits otherwise.
    WorksOrEnds(&'static str),
}

use Outcome::{Ends, Says, Works, WorksOrEnds};

/// Every system call of the daemon, except those in [`EXEMPT`], with the effect of its refusal.
const CALLS: [(Calls, Outcome); 45] = [
    ((libc::SYS_accept4, None), Says("not all control clients can connect (accept4)")),
    ((libc::SYS_access, None), Works),
    ((libc::SYS_bind, Some((2, 12))), Ends("bind")),
    ((libc::SYS_bind, Some((2, 16))), Says("cannot open UDP port")),
    ((libc::SYS_bind, None), Ends("bind")),
    ((libc::SYS_capget, None), Ends("capget")),
    ((libc::SYS_clock_gettime, None), WorksOrEnds("clock_gettime")),
    ((libc::SYS_epoll_create1, None), Ends("epoll_create1")),
    ((libc::SYS_epoll_ctl, None), Ends("epoll_ctl")),
    ((libc::SYS_epoll_wait, None), Ends("epoll_wait")),
    ((libc::SYS_fcntl, None), Ends("fcntl")),
    ((libc::SYS_fcntl, Some((1, 4))), Says("cannot open UDP port")),
    ((libc::SYS_flock, None), Ends("flock")),
    ((libc::SYS_getrandom, None), Works),
    ((libc::SYS_getsockopt, None), Says("cannot read the users of control clients (getsockopt)")),
    ((libc::SYS_getsockopt, Some((2, 55))), Works),
    ((libc::SYS_getpid, None), Works),
    ((libc::SYS_gettid, None), Works),
    ((libc::SYS_ioctl, None), Works),
    ((libc::SYS_listen, None), Ends("listen")),
    ((libc::SYS_lseek, None), Works),
    // The flags of the new state file; no library is opened with them.
    ((libc::SYS_openat, Some((2, 0xa_00c1))), Ends("cannot keep the state")),
    ((libc::SYS_prlimit64, None), Works),
    ((libc::SYS_recvfrom, None), Ends("recvfrom")),
    ((libc::SYS_rename, None), Works),
    ((libc::SYS_renameat, None), Ends("cannot keep the state")),
    ((libc::SYS_rseq, None), Works),
    ((libc::SYS_rt_sigprocmask, None), Ends("rt_sigprocmask")),
    ((libc::SYS_sched_getaffinity, None), Works),
    ((libc::SYS_sendto, None), Ends("sendto")),
    ((libc::SYS_set_robust_list, None), Works),
    ((libc::SYS_setsockopt, None), Says("cannot open UDP port")),
    // The filter for datagrams; the daemon then receives a foreign one.
    ((libc::SYS_setsockopt, Some((2, 26))), Works),
    // Clients can pass no descriptors.
    ((libc::SYS_setsockopt, Some((2, 83))), Works),
    ((libc::SYS_signalfd4, None), Ends("signalfd4")),
    ((libc::SYS_socket, None), Ends("socket")),
    ((libc::SYS_socket, Some((0, 1))), Ends("socket")),
    ((libc::SYS_socket, Some((0, 2))), Says("cannot open UDP port")),
    ((libc::SYS_socket, Some((0, 16))), Ends("socket")),
    ((libc::SYS_statx, None), Works),
    ((libc::SYS_timerfd_create, None), Ends("timerfd_create")),
    ((libc::SYS_timerfd_create, Some((0, 7))), Says("the clock stops while the machine sleeps")),
    ((libc::SYS_timerfd_settime, None), Ends("timerfd_settime")),
    // With --id the daemon does not need the host name.
    ((libc::SYS_uname, None), Works),
    ((libc::SYS_unlink, None), Works),
];

/// Calls that only a daemon of root makes.
const CALLS_OF_ROOT: [(Calls, Outcome); 6] = [
    ((libc::SYS_capset, None), Ends("capset")),
    ((libc::SYS_fchownat, None), Ends("fchownat")),
    ((libc::SYS_prctl, Some((0, 8))), Ends("prctl")),
    ((libc::SYS_setgroups, None), Ends("setgroups")),
    ((libc::SYS_setgid, None), Ends("setgid")),
    ((libc::SYS_setuid, None), Ends("setuid")),
];

/// No program of the standard library can start, exit or print anything without these calls. Each
/// has the reason why the test does not refuse it.
const EXEMPT: [(c_long, &str); 26] = [
    (libc::SYS_arch_prctl, "the C library sets up thread-local storage"),
    (libc::SYS_brk, "memory"),
    (libc::SYS_close, "the dynamic linker"),
    (libc::SYS_execve, "starts the program"),
    (libc::SYS_exit_group, "ends it"),
    (libc::SYS_fstat, "the dynamic linker"),
    (libc::SYS_futex, "the C library's locks"),
    (libc::SYS_lstat, "the C library's, where there is no statx"),
    (libc::SYS_madvise, "memory"),
    (libc::SYS_mmap, "memory"),
    (libc::SYS_mprotect, "the dynamic linker"),
    (libc::SYS_munmap, "memory"),
    (libc::SYS_newfstatat, "the dynamic linker"),
    (libc::SYS_openat, "the dynamic linker"),
    (libc::SYS_open, "the C library's of musl"),
    (libc::SYS_poll, "the standard library looks at the first three descriptors before main"),
    (libc::SYS_pread64, "the dynamic linker"),
    (libc::SYS_prctl, "tells the C library what a thread is called"),
    (libc::SYS_read, "the dynamic linker"),
    (libc::SYS_readv, "the C library's of musl"),
    (libc::SYS_rt_sigaction, "the standard library sets up signals before main"),
    (libc::SYS_set_tid_address, "the C library"),
    (libc::SYS_sigaltstack, "the standard library sets up a stack for signals before main"),
    (libc::SYS_stat, "the C library's, where there is no statx"),
    (libc::SYS_umask, "no kernel refuses it, and the library takes an error for a bug"),
    (libc::SYS_write, "without it nothing can be said"),
];

/// A filter that kills a process that makes any other call.
fn allowing(calls: impl Iterator<Item = c_long>) -> Vec<sock_filter> {
    let mut filter = vec![instruction(LOAD, 0, 0, 0)];
    for call in calls {
        filter.push(instruction(IF_EQUAL, 0, 1, number(call)));
        filter.push(instruction(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW));
    }
    filter.push(instruction(RETURN, 0, 0, libc::SECCOMP_RET_KILL_PROCESS));
    filter
}

/// A daemon behind a filter, stopped on drop.
struct Sandboxed(Child);

impl Drop for Sandboxed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The result of a daemon behind a filter: whether it answered, its exit code, and its log and
/// messages.
fn outcome(mut command: Command, directory: &Path, stays: bool) -> (bool, Option<i32>, String) {
    let (control, told) = (directory.join("control.sock"), directory.join("told"));
    command.arg("--control").arg(&control).stdin(Stdio::null());
    // It logs to a file, so that the test need not read before it exits.
    let mut daemon = Sandboxed(command.stderr(fs::File::create(&told).unwrap()).spawn().unwrap());
    let (start, mut answers) = (Instant::now(), false);
    let code = loop {
        if let Some(status) = daemon.0.try_wait().unwrap() {
            break status.code();
        }
        let said = || fs::read_to_string(&told).unwrap();
        if !answers && said().contains("listens at") {
            answers = run(&["status", "--control", control.to_str().unwrap()]).code == 0;
            // A daemon that cannot hear its clients must have logged that by now, and still exits.
            if answers || stays {
                kill(Pid::from_raw(daemon.0.id().cast_signed()), Signal::SIGTERM).unwrap();
            }
        }
        assert!(start.elapsed() < TIMEOUT, "the daemon neither answers nor exits: {}", said());
        // Yields the processor to the daemon.
        thread::sleep(Duration::from_millis(5));
    };
    (answers, code, fs::read_to_string(told).unwrap())
}

/// A daemon on loopback, up to its UDP port.
const RUN: [&str; 8] = ["run", "--id", "nas", "--port", "22", "--interface", "lo", "--udp-port"];

fn check(calls: &[(Calls, Outcome)], arguments: &[&str]) {
    let port = free_udp_port();
    let mut wrong = vec![];
    for ((calls, expected), errno) in
        calls.iter().flat_map(|call| ERRORS.map(|errno| (*call, errno)))
    {
        let directory = Directory::new();
        let mut command = behind(refusing(calls, errno));
        command.args(RUN).arg(&port);
        command.args(arguments);
        // In a directory that the user may write to.
        if arguments.is_empty() {
            command.arg("--state").arg(directory.path("state"));
        }
        let (answers, code, told) =
            outcome(command, &directory.path(""), matches!(expected, Says(_)));
        let ends = |text: &str| {
            let last = told.lines().last().unwrap_or_default();
            code == Some(4) && last.starts_with("foghorn: ") && last.contains(text)
        };
        let right = match expected {
            Works => answers && code == Some(0),
            Says(text) => code == Some(0) && told.matches(text).count() == 1,
            Ends(text) => ends(text),
            WorksOrEnds(text) => answers && code == Some(0) || ends(text),
        };
        if !right {
            wrong.push(format!("{calls:?} refused with {errno:?}: expected {expected:?}, but answers is {answers}, the exit code {code:?}, and the output {told}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn is_possible() -> bool {
    let mut command = behind(refusing((libc::SYS_getppid, None), Errno::EPERM));
    let is_possible =
        command.arg("--version").stdout(Stdio::null()).status().is_ok_and(|ended| ended.success());
    if !is_possible {
        skip("this machine can't refuse calls: that needs seccomp");
    }
    is_possible
}

#[test]
fn the_daemon_makes_no_other_system_calls() {
    if !is_possible() {
        return;
    }
    let calls = CALLS.iter().chain(&CALLS_OF_ROOT).map(|((call, _), _)| *call);
    let calls = calls.chain(EXEMPT.map(|(call, _)| call));
    let directory = Directory::new();
    let mut command = behind(allowing(calls));
    command.args(RUN).arg(free_udp_port());
    command.arg("--state").arg(directory.path("state"));
    let (answers, code, told) = outcome(command, &directory.path(""), false);
    assert!(answers && code == Some(0), "exits with {code:?}: {told}");
}

#[test]
fn a_kernel_without_no_new_privs_is_logged_once() {
    if !is_possible() {
        return;
    }
    let directory = Directory::new();
    let set_no_new_privs = (libc::SYS_prctl, Some((0, 38)));
    for (errno, expected) in [(Errno::EINVAL, Some(0)), (Errno::EPERM, Some(4))] {
        let mut command = behind(refusing(set_no_new_privs, errno));
        command.args(["run", "--interface", "lo", "--udp-port", &free_udp_port()]);
        let (answers, code, told) = outcome(command, &directory.path(""), false);
        assert_eq!((answers, code), (expected == Some(0), expected), "{told}");
        let says = if answers {
            "this kernel has no PR_SET_NO_NEW_PRIVS"
        } else {
            "let foghorn use capget, capset and prctl"
        };
        assert_eq!(told.matches(says).count(), 1, "{told}");
    }
}

#[test]
fn a_daemon_that_cannot_read_the_host_name_waits_for_it() {
    if !is_possible() {
        return;
    }
    for errno in ERRORS {
        let directory = Directory::new();
        let mut command = behind(refusing((libc::SYS_uname, None), errno));
        command.args(["run", "--port", "22", "--interface", "lo", "--udp-port", &free_udp_port()]);
        let (answers, code, told) = outcome(command, &directory.path(""), false);
        assert_eq!((answers, code), (true, Some(0)), "{told}");
        assert_eq!(told.matches("cannot read the host name").count(), 1, "{told}");
    }
}

/// The messages and the exit code of a command for which that call is refused.
fn refused(arguments: &[&str], control: &Path, calls: Calls, errno: Errno) -> Ended {
    let mut command = behind(refusing(calls, errno));
    command.args(arguments).arg("--control").arg(control);
    command.stdin(Stdio::null()).output().unwrap().into()
}

#[test]
fn a_command_names_a_refused_system_call() {
    if !is_possible() {
        return;
    }
    let loopback = Loopback::new(&[]);
    let control = &loopback.daemon.control;
    for arguments in [&["list"][..], &["status"], &["lookup", "nas"], &["watch"], &["hosts"]] {
        for (call, name) in [
            (libc::SYS_socket, "socket"),
            (libc::SYS_connect, "connect"),
            (libc::SYS_setsockopt, "setsockopt"),
            (libc::SYS_sendto, "sendto"),
            (libc::SYS_recvfrom, "recvfrom"),
        ] {
            for errno in ERRORS {
                let ended = refused(arguments, control, (call, None), errno);
                assert_failed(&ended, 4, &format!("{name} was refused: "));
            }
        }
    }
}

#[test]
fn a_connection_needs_no_options_of_its_socket() {
    if !is_possible() {
        return;
    }
    let loopback = Loopback::new(&[]);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    loopback.hear("nas", listener.local_addr().unwrap().port());
    for option in [libc::TCP_NODELAY, libc::SO_KEEPALIVE] {
        let calls = (libc::SYS_setsockopt, Some((2, option.cast_unsigned())));
        let ended = thread::scope(|scope| {
            scope.spawn(|| listener.accept().unwrap().0.write_all(b"hello").unwrap());
            refused(&["connect", "nas"], &loopback.daemon.control, calls, Errno::EPERM)
        });
        assert_eq!((ended.code, ended.out.as_str(), ended.err.as_str()), (0, "hello", ""));
    }
}

#[test]
fn the_daemon_works_without_a_refused_call_or_names_it_and_exits() {
    if is_possible() {
        check(&CALLS, &[]);
    }
}

#[test]
fn a_root_daemon_works_without_a_refused_call_or_names_it_and_exits() {
    if !geteuid().is_root() {
        return skip("only root can switch users");
    }
    if is_possible() {
        check(&CALLS_OF_ROOT, &["--user", "nobody"]);
    }
}
