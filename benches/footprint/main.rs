//! The footprint of an idle foghorn, beside that of other programs that find things on a LAN.
//!
//! All run at once, each on a host of its own: a network namespace with one link, on which nobody
//! else speaks. Of those that are not installed or do not run the table says so; without root that
//! is also avahi and lldpd, which want to become another user.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark that meets the unexpected is to stop"
)]

#[path = "../common/announcement.rs"]
mod announcement;
mod command;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/daemon.rs"]
mod daemon;
mod file;
mod host;
mod mappings;
#[path = "../common/namespace.rs"]
mod namespace;
mod program;
mod registry;
mod sample;
mod subject;
mod table;

use std::process::{Command, ExitCode};
use std::thread;
use std::time::Duration;

use common::{effort, is_bench_run};
use program::Program;
use subject::Subject;

/// Until all have started and nothing is left of that work.
const SETTLE: Duration = Duration::from_secs(20);

/// Until foghorn has answered those that fill its registry.
const REST: Duration = Duration::from_secs(5);

/// A minute, as the table says. With the rest it is less than the 90 s for which nodes stay in the
/// registry.
const WATCHED: Duration = Duration::from_secs(60);

/// Lets that time pass, if anything is measured.
fn wait(time: Duration) {
    thread::sleep(effort(time, Duration::ZERO));
}

/// Besides the network, all files under `/run` and all processes are private: when this program
/// ends, however that is, the kernel removes them. The shell is there because the first process in
/// a PID namespace is deaf to SIGINT and SIGTERM.
const PRIVATE: [&str; 9] =
    ["-m", "-p", "--fork", "--kill-child", "--mount-proc", "sh", "-c", r#""$@"; exit $?"#, "sh"];

fn main() -> ExitCode {
    if !namespace::is_private() {
        return namespace::run_again_in_private(&PRIVATE);
    }
    let mounted = Command::new("mount").args(["-t", "tmpfs", "tmpfs", "/run"]).status();
    assert!(mounted.is_ok_and(|status| status.success()), "cannot mount a private /run");
    measure();
    ExitCode::SUCCESS
}

/// A count, to be compared with a goal.
fn amount(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

fn measure() {
    // A short run is about foghorn.
    let programs =
        (1..).zip(Program::all()).filter(|(_, program)| is_bench_run() || program.is_foghorn());
    let subjects: Vec<_> =
        programs.map(|(number, program)| Subject::start(program, number)).collect();
    wait(SETTLE);
    subjects.iter().for_each(Subject::fill_registry);
    wait(REST);
    let before: Vec<_> = subjects.iter().map(Subject::sample).collect();
    wait(WATCHED);
    let after: Vec<_> = subjects.iter().map(Subject::sample).collect();
    subjects.iter().for_each(Subject::check_registry);
    table::print(&subjects, &before, &after);
    subjects.iter().for_each(Subject::print_mappings);
    for (subject, samples) in subjects.iter().zip(before.iter().zip(&after)) {
        if let (true, (Some(before), Some(after))) = (subject.program.is_small, samples) {
            println!();
            common::goal("resident", amount(after.resident_kb), 250.0, " kB");
            common::goal("wake-ups a minute", amount(after.wakeups_since(before)), 3.0, "");
        }
    }
}
