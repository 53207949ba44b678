//! Log messages as lines of text.

use core::fmt::Write as _;
use std::sync::{Mutex, OnceLock, PoisonError};

use log::{Level, Log, Metadata, Record};

use super::log_sink::LogSink;

/// Longest line that is written whole, in bytes.
const LINE: usize = 512;

struct Logger {
    sink: Mutex<LogSink>,
}

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
        if line.push('\n').is_err() {
            line.pop();
            let _ = line.push('\n');
        }
        self.sink.lock().unwrap_or_else(PoisonError::into_inner).send(line.as_bytes());
    }

    fn flush(&self) {}
}

/// Sends log messages of this level and worse there. The first call counts.
pub fn init(level: Level, sink: LogSink) {
    static LOGGER: OnceLock<Logger> = OnceLock::new();
    let logger = LOGGER.get_or_init(|| Logger { sink: Mutex::new(sink) });
    if log::set_logger(logger).is_ok() {
        log::set_max_level(level.to_level_filter());
    }
}
