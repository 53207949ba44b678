//! Log lines on standard error.

use core::fmt::Write as _;
use std::io::Write as _;

use log::{Level, LevelFilter, Log, Metadata, Record};

/// Longest line that is written whole, in bytes.
const LINE: usize = 512;

struct Logger;

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let level = match record.level() {
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
            Level::Trace => "trace",
        };
        // One write for one line, without an allocation. What does not fit is cut: names are short, paths may be long.
        let mut line = heapless::String::<LINE>::new();
        let _ = write!(line, "foghorn: {level}: {}", record.args());
        let _ = line.push('\n');
        let mut stderr = std::io::stderr().lock();
        let _ = stderr.write_all(line.as_bytes());
        if !line.ends_with('\n') {
            let _ = stderr.write_all(b"\n");
        }
    }

    fn flush(&self) {}
}

/// Sends log lines of this level and worse to standard error. The first call counts.
pub fn init(level: LevelFilter) {
    if log::set_logger(&Logger).is_ok() {
        log::set_max_level(level);
    }
}
