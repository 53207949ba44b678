//! Log messages as lines of text.

use core::fmt::{self, Write};

use log::{Level, Log, Metadata, Record};

use super::journal::is_journal;
use super::log_sink::{self, LogSink};
use crate::wire::printable::shown;

/// Longest line that is written whole, in bytes.
const LINE: usize = 512;

/// The facility of daemons in the priority of a message for syslog, RFC 3164.
const DAEMON: u8 = 3 * 8;

/// How a line shows its origin and level.
#[derive(Clone, Copy)]
enum Form {
    /// The name of the program and the level as a word.
    Text,
    /// The severity by a number: systemd's journal adds the name itself.
    Journal,
    /// Facility and severity by a number, and the name.
    Syslog,
}

/// A line. Text that does not fit is cut off: names are short, but paths may be long.
struct LogLine(heapless::String<LINE>);

impl LogLine {
    fn new(form: Form, level: Level, message: fmt::Arguments<'_>) -> Self {
        let (level, severity) = match level {
            Level::Error => ("error", 3),
            Level::Warn => ("warn", 4),
            Level::Info => ("info", 6),
            Level::Debug => ("debug", 7),
            Level::Trace => ("trace", 7),
        };
        let mut line = Self(heapless::String::new());
        let _ = match form {
            Form::Text => write!(line, "foghorn: {level}: {message}"),
            Form::Journal => write!(line, "<{severity}>{message}"),
            Form::Syslog => write!(line, "<{}>foghorn: {message}", DAEMON + severity),
        };
        if line.0.push('\n').is_err() {
            line.0.pop();
            let _ = line.0.push('\n');
        }
        line
    }
}

impl Write for LogLine {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // A message may quote text of strangers.
        text.chars().map(shown).try_for_each(|c| self.0.push(c).map_err(|_| fmt::Error))
    }
}

struct Logger(Form);

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        // This comes first, so that the report stands where the dropped messages would be.
        log_sink::report_dropped();
        // One write for one line, without an allocation.
        log_sink::send(LogLine::new(self.0, record.level(), *record.args()).0.as_bytes());
    }

    fn flush(&self) {}
}

/// Sends log messages of this level and worse there. The first call counts.
pub fn init(level: Level, sink: LogSink) {
    static TEXT: Logger = Logger(Form::Text);
    static JOURNAL: Logger = Logger(Form::Journal);
    static SYSLOG: Logger = Logger(Form::Syslog);
    let logger = match () {
        () if sink.is_syslog() => &SYSLOG,
        () if sink.is_stderr() && is_journal() => &JOURNAL,
        () => &TEXT,
    };
    if log_sink::init(sink) && log::set_logger(logger).is_ok() {
        log::set_max_level(level.to_level_filter());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_a_word_or_a_priority() {
        for (level, text, journal, syslog) in [
            (Level::Error, "foghorn: error: it\n", "<3>it\n", "<27>foghorn: it\n"),
            (Level::Warn, "foghorn: warn: it\n", "<4>it\n", "<28>foghorn: it\n"),
            (Level::Info, "foghorn: info: it\n", "<6>it\n", "<30>foghorn: it\n"),
            (Level::Debug, "foghorn: debug: it\n", "<7>it\n", "<31>foghorn: it\n"),
            (Level::Trace, "foghorn: trace: it\n", "<7>it\n", "<31>foghorn: it\n"),
        ] {
            let lines = [Form::Text, Form::Journal, Form::Syslog]
                .map(|form| LogLine::new(form, level, format_args!("it")).0);
            assert_eq!(lines, [text, journal, syslog]);
        }
    }

    #[test]
    fn a_long_line_is_cut_and_still_a_line() {
        for length in [0, 400, 492, 493, 494, 600] {
            for letter in ["x", "ü"] {
                let path = letter.repeat(length / letter.len());
                let whole = format!("foghorn: info: {path}: why\n");
                let line = LogLine::new(Form::Text, Level::Info, format_args!("{path}: why")).0;
                let (told, rest) = whole.split_at(line.len() - 1);
                assert_eq!(line.strip_suffix('\n'), Some(told));
                assert!(
                    rest == "\n" || line.len() > LINE - letter.len(),
                    "{length} of {letter}: {line}"
                );
            }
        }
    }

    #[test]
    fn what_is_not_printable_is_a_question_mark() {
        let line = LogLine::new(
            Form::Text,
            Level::Warn,
            format_args!("{} {}", "a\x1b[2J\u{202e}\n", "büro"),
        )
        .0;
        assert_eq!(line, "foghorn: warn: a?[2J?? büro\n");
    }
}
