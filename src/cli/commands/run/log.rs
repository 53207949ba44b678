//! The log of the daemon.

use std::ffi::OsStr;
#[cfg(any(feature = "log", feature = "defmt"))]
use std::io;
use std::path::Path;

use crate::cli::failure::Failure;
use crate::host::User;

#[cfg(any(feature = "log", feature = "defmt"))]
pub(super) fn init(
    level: Option<&OsStr>,
    to: Option<&Path>,
    user: Option<&User>,
) -> Result<(), Failure> {
    use crate::host::{Level, LogSink};

    let variable = std::env::var_os("FOGHORN_LOG").filter(|level| !level.is_empty());
    let level = match level.or(variable.as_deref()) {
        None => Level::Info,
        Some(text) => text.to_str().and_then(|text| text.parse().ok()).ok_or_else(|| {
            Failure::usage(format!(
                "--log and FOGHORN_LOG take error, warn, info, debug or trace, not {}",
                text.display()
            ))
        })?,
    };
    let sink = match to {
        Some(path) => LogSink::open(path, user),
        None if cfg!(feature = "defmt") && io::IsTerminal::is_terminal(&io::stderr()) => {
            return Err(Failure::usage(
                "this build logs in frames for defmt-print, which a terminal cannot show: add --log-to FILE",
            ));
        }
        None => LogSink::stderr(),
    };
    crate::host::init_log(level, sink.map_err(|error| Failure::of_host(&error))?);
    Ok(())
}

/// A build without log statements has nothing to set.
#[cfg(not(any(feature = "log", feature = "defmt")))]
pub(super) fn init(
    level: Option<&OsStr>,
    to: Option<&Path>,
    _: Option<&User>,
) -> Result<(), Failure> {
    for (option, given) in [("--log", level.is_some()), ("--log-to", to.is_some())] {
        if given {
            return Err(Failure::usage(format!("this build has no log: omit {option}")));
        }
    }
    Ok(())
}
