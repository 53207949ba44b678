//! Log messages on their way out.
//!
//! ```text
//! log_sink.rs    the place where messages go
//! logger.rs      messages as lines
//! frames.rs      messages as frames for defmt-print;  frames.x  the linker's part of that
//! log_place.rs   the file or socket that `--log-to` names
//! stream.rs      messages on a stream, each whole or not at all
//! outlet.rs      writing without waiting for a reader
//! journal.rs     whether standard error is systemd's journal
//! change_log.rs  how many changes of nodes are logged
//! ```

pub(super) mod change_log;
#[cfg(feature = "defmt")]
pub(super) mod frames;
pub(super) mod journal;
#[cfg(any(feature = "log", feature = "defmt"))]
mod log_place;
#[cfg(any(feature = "log", feature = "defmt"))]
pub(super) mod log_sink;
#[cfg(all(feature = "log", not(feature = "defmt")))]
pub(super) mod logger;
pub(super) mod outlet;
#[cfg(any(feature = "log", feature = "defmt"))]
mod stream;

#[cfg(any(feature = "log", feature = "defmt"))]
pub(super) use log_sink::{go_on, open, reopen};

#[cfg(not(any(feature = "log", feature = "defmt")))]
pub(super) use nowhere::{go_on, open, reopen};

/// In a build without log messages these do nothing.
#[cfg(not(any(feature = "log", feature = "defmt")))]
mod nowhere {
    #[expect(clippy::unnecessary_wraps, reason = "there are builds in which this can fail")]
    pub(crate) fn open() -> std::io::Result<()> {
        Ok(())
    }

    pub(crate) fn reopen() {}

    pub(crate) fn go_on(_: crate::time::Instant) {}
}
