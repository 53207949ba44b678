//! The report: a line for each check.

/// The result, a line for each check.
#[derive(Default)]
pub(super) struct Report {
    pub(super) text: String,
    pub(super) is_bad: bool,
}

impl Report {
    /// Adds a line. Each `$` stands for the next value. Further values are ignored.
    pub(super) fn line(&mut self, line: &str, values: &[&str]) {
        self.is_bad |= line.starts_with('b');
        let mut values = values.iter();
        for (number, part) in line.split('$').enumerate() {
            if number > 0 {
                self.text.push_str(values.next().unwrap_or(&""));
            }
            self.text.push_str(part);
        }
        self.text.push('\n');
    }
}
