//! Arguments in, exit code out.

#[cfg(target_env = "musl")]
mod allocator;

use std::process::ExitCode;

#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: allocator::Allocator = allocator::Allocator::new();

fn main() -> ExitCode {
    foghorn::cli::main(std::env::args_os().skip(1)).into()
}
