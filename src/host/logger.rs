//! Log messages as lines of text.

use core::fmt::{self, Write};

use log::{Level, Log, Metadata, Record};

use super::log_sink::{self, LogSink};
use crate::wire::printable::shown;

/// Longest line that is written whole, in bytes.
const LINE: usize = 512;

/// A line, which takes as much as fits: names are short, paths may be long.
struct Line(heapless::String<LINE>);

impl Line {
    fn new(is_syslog: bool, level: Level, message: fmt::Arguments<'_>) -> Self {
        // The priority is that of RFC 3164: eight times the facility, which is 3 for a daemon, and the severity.
        let (level, priority) = match level {
            Level::Error => ("error: ", "<27>"),
            Level::Warn => ("warn: ", "<28>"),
            Level::Info => ("info: ", "<30>"),
            Level::Debug => ("debug: ", "<31>"),
            Level::Trace => ("trace: ", "<31>"),
        };
        let (priority, level) = if is_syslog { (priority, "") } else { ("", level) };
        let mut line = Self(heapless::String::new());
        let _ = write!(line, "{priority}foghorn: {level}{message}");
        if line.0.push('\n').is_err() {
            line.0.pop();
            let _ = line.0.push('\n');
        }
        line
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // What a message quotes may come from anybody.
        text.chars().map(shown).try_for_each(|c| self.0.push(c).map_err(|_| fmt::Error))
    }
}

struct Logger {
    is_syslog: bool,
}

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
        log_sink::send(Line::new(self.is_syslog, record.level(), *record.args()).0.as_bytes());
    }

    fn flush(&self) {}
}

/// Sends log messages of this level and worse there. The first call counts.
pub fn init(level: Level, sink: LogSink) {
    static TEXT: Logger = Logger { is_syslog: false };
    static SYSLOG: Logger = Logger { is_syslog: true };
    let logger = if sink.is_syslog() { &SYSLOG } else { &TEXT };
    if log_sink::init(sink) && log::set_logger(logger).is_ok() {
        log::set_max_level(level.to_level_filter());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_a_word_or_a_priority_of_syslog() {
        for (level, text, syslog) in [
            (Level::Error, "foghorn: error: it\n", "<27>foghorn: it\n"),
            (Level::Warn, "foghorn: warn: it\n", "<28>foghorn: it\n"),
            (Level::Info, "foghorn: info: it\n", "<30>foghorn: it\n"),
            (Level::Debug, "foghorn: debug: it\n", "<31>foghorn: it\n"),
            (Level::Trace, "foghorn: trace: it\n", "<31>foghorn: it\n"),
        ] {
            let lines = [false, true].map(|is_syslog| Line::new(is_syslog, level, format_args!("it")).0);
            assert_eq!(lines, [text, syslog]);
        }
    }

    #[test]
    fn a_long_line_is_cut_and_still_a_line() {
        for length in [0, 400, 492, 493, 494, 600] {
            for letter in ["x", "ü"] {
                let path = letter.repeat(length / letter.len());
                let whole = format!("foghorn: info: {path}: why\n");
                let line = Line::new(false, Level::Info, format_args!("{path}: why")).0;
                let (told, rest) = whole.split_at(line.len() - 1);
                assert_eq!(line.strip_suffix('\n'), Some(told));
                assert!(rest == "\n" || line.len() > LINE - letter.len(), "{length} of {letter}: {line}");
            }
        }
    }

    #[test]
    fn what_is_not_printable_is_a_question_mark() {
        let line = Line::new(false, Level::Warn, format_args!("{} {}", "a\x1b[2J\u{202e}\n", "büro")).0;
        assert_eq!(line, "foghorn: warn: a?[2J?? büro\n");
    }
}
