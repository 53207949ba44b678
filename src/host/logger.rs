//! Log messages as lines of text.

use core::fmt::{self, Write};

use log::{Level, Log, Metadata, Record};

use super::log_sink::{self, LogSink};

/// Longest line that is written whole, in bytes.
const LINE: usize = 512;

/// A line, which takes as much as fits: names are short, paths may be long.
struct Line(heapless::String<LINE>);

impl Line {
    fn new(level: Level, message: fmt::Arguments<'_>) -> Self {
        let level = match level {
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
            Level::Trace => "trace",
        };
        let mut line = Self(heapless::String::new());
        let _ = write!(line, "foghorn: {level}: {message}");
        if line.0.push('\n').is_err() {
            line.0.pop();
            let _ = line.0.push('\n');
        }
        line
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|c| self.0.push(c).map_err(|_| fmt::Error))
    }
}

struct Logger;

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        // First, for the line to stand behind those that are missing.
        log_sink::tell_dropped();
        // One write for one line, without an allocation.
        log_sink::send(Line::new(record.level(), *record.args()).0.as_bytes());
    }

    fn flush(&self) {}
}

/// Sends log messages of this level and worse there. The first call counts.
pub fn init(level: Level, sink: LogSink) {
    if log_sink::init(sink) && log::set_logger(&Logger).is_ok() {
        log::set_max_level(level.to_level_filter());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_cut_and_still_a_line() {
        for length in [0, 400, 492, 493, 494, 600] {
            for letter in ["x", "ü"] {
                let path = letter.repeat(length / letter.len());
                let whole = format!("foghorn: info: {path}: why\n");
                let line = Line::new(Level::Info, format_args!("{path}: why")).0;
                let (told, rest) = whole.split_at(line.len() - 1);
                assert_eq!(line.strip_suffix('\n'), Some(told));
                assert!(rest == "\n" || line.len() > LINE - letter.len(), "{length} of {letter}: {line}");
            }
        }
    }
}
