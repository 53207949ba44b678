//! The daemon as it runs: its processor time, its answers, its idling and its memory.
//!
//! All network traffic stays in a private network namespace on loopback. Each number stands beside
//! the same of something bare, measured in the same run: machines differ, ratios do less.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark that meets the unexpected is to stop"
)]

mod abuse;
#[path = "../common/announcement.rs"]
mod announcement;
#[path = "../common/mod.rs"]
mod common;
mod control;
#[path = "../common/daemon.rs"]
mod daemon;
mod flood;
mod foreign;
mod idle;
mod load;
mod memory;
#[path = "../common/namespace.rs"]
mod namespace;
mod process;
mod traffic;

use std::process::ExitCode;

use process::Workshop;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // This program also plays those that the daemon is compared with.
    match arguments.as_slice() {
        [role, port] if role == load::BARE_RECEIVER => {
            load::receive_bare(port.parse().unwrap());
            return ExitCode::SUCCESS;
        }
        [role, length] if role == control::ECHO => {
            control::echo(length.parse().unwrap());
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    if !namespace::is_private() {
        return namespace::run_again_in_private(&[]);
    }
    namespace::ip("link set lo up");
    let workshop = Workshop::new();
    load::measure(&workshop);
    control::measure(&workshop);
    abuse::measure(&workshop);
    memory::measure(&workshop);
    foreign::measure(&workshop);
    flood::measure(&workshop);
    idle::measure(&workshop);
    ExitCode::SUCCESS
}
