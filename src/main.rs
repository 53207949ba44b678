//! Arguments in, exit code out.

#![forbid(unsafe_code)]

use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    match foghorn::cli::main(std::env::args_os().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Unlike `eprintln!` this does not panic when nobody listens.
            let _ = writeln!(std::io::stderr(), "foghorn: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}
