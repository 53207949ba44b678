//! The options of a command, as its help text lists them.

/// Whether a help text lists an option.
pub(crate) fn has_option(help: &str, option: &str) -> bool {
    options(help).contains(&option)
}

/// All options of a help text that begin with a letter, joined by "or".
pub(crate) fn options_with(letter: char, help: &str) -> Option<String> {
    let mut text = String::new();
    for option in options(help) {
        if option.starts_with(letter) {
            text.extend([if text.is_empty() { "--" } else { " or --" }, option]);
        }
    }
    (!text.is_empty()).then_some(text)
}

/// The options at the beginnings of a help text's lines.
pub(crate) fn options(help: &str) -> Vec<&str> {
    let mut options = vec![];
    for line in help.split('\n') {
        let Some(line) = line.strip_prefix("  ").filter(|line| line.starts_with('-')) else {
            continue;
        };
        // Two spaces end them.
        for word in line.split(' ').take_while(|word| !word.is_empty()) {
            options.extend(word.strip_prefix("--"));
        }
    }
    options
}

/// The word that follows another one in a help text, after one space: for an option, the name of
/// its value.
pub(crate) fn word_after<'a>(help: &'a str, word: &str) -> Option<&'a str> {
    let mut words = help.split(' ');
    words.find(|known| *known == word)?;
    words.next().filter(|word| !word.is_empty())
}
