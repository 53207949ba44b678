//! How many columns of a terminal a text takes.

/// How many columns of a terminal a text takes.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().map(width).sum()
}

/// How many columns a character takes: two for East Asian characters and pictures, none for one
/// that combines with the one before. Whole blocks are told apart, as most terminals do; a table of
/// all characters would take 11 kB.
pub(crate) fn width(character: char) -> usize {
    match character {
        '\u{300}'..='\u{36f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{20d0}'..='\u{20ff}'
        | '\u{fe00}'..='\u{fe0f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{303e}'
        | '\u{3041}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1f64f}'
        | '\u{1f680}'..='\u{1f6ff}'
        | '\u{1f900}'..='\u{1f9ff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

/// The longest beginning of a text that takes no more columns than that.
pub(crate) fn beginning(text: &str, room: usize) -> &str {
    let mut columns = 0;
    for (at, c) in text.char_indices() {
        columns += width(c);
        if columns > room {
            return text.get(..at).unwrap_or_default();
        }
    }
    text
}

/// The longest end of a text that takes no more columns than that.
pub(crate) fn end(text: &str, room: usize) -> &str {
    let mut ends = text.char_indices().filter_map(|(at, _)| text.get(at..));
    ends.find(|end| columns(end) <= room).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_and_combining_characters_are_counted_as_terminals_show_them() {
        let texts = [
            ("nas", 3),
            ("", 0),
            ("näs", 3),
            ("na\u{308}s", 3),
            ("リビング", 8),
            ("한글", 4),
            ("ﾃﾚﾋﾞ", 4),
            ("📺 tv", 5),
        ];
        for (text, expected) in texts {
            assert_eq!(columns(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_beginning_and_an_end_take_no_more_columns_than_they_may() {
        for (text, room, expected) in [
            ("nas", 0, ("", "")),
            ("nas", 1, ("n", "s")),
            ("nas", 3, ("nas", "nas")),
            ("nas", usize::MAX, ("nas", "nas")),
            ("", 3, ("", "")),
            ("リビング", 3, ("リ", "グ")),
            ("リビング", 1, ("", "")),
            ("na\u{308}s", 2, ("na\u{308}", "a\u{308}s")),
        ] {
            assert_eq!((beginning(text, room), end(text, room)), expected, "{text} {room}");
        }
    }
}
