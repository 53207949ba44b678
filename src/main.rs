//! Arguments in, exit code out.

#![forbid(unsafe_code)]

use std::process::ExitCode;

/// Musl's own allocator is 9 kB large. The daemon allocates nothing once it runs, so what one costs matters in size alone.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

fn main() -> ExitCode {
    match foghorn::cli::main(std::env::args_os().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.tell();
            ExitCode::from(failure.exit_code())
        }
    }
}
