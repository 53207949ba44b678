//! Rust source as tokens: enough to find the names that a file uses.

/// A name, a `::`, or any other character of the code. Comments and literals are ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

impl Token {
    pub(crate) fn is(&self, text: &str) -> bool {
        self.text == text
    }

    pub(crate) fn is_name(&self) -> bool {
        self.text.starts_with(is_of_name)
    }
}

fn is_of_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The tokens of a file, without code for tests only.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    without_tests(&all_tokens(source))
}

fn all_tokens(source: &str) -> Vec<Token> {
    let mut line = 1;
    let mut tokens = vec![];
    for (kind, text) in pieces(source) {
        if kind == Kind::Token {
            tokens.push(Token { text: text.to_owned(), line });
        }
        line += text.matches('\n').count();
    }
    tokens
}

/// The lines of a file, without the contents of literals.
pub(crate) fn lines_without_literals(source: &str) -> Vec<String> {
    let mut lines = String::new();
    for (kind, text) in pieces(source) {
        match kind {
            Kind::Literal => lines.extend(text.chars().filter(|&character| character == '\n')),
            _ => lines.push_str(text),
        }
    }
    lines.lines().map(str::to_owned).collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Token,
    Literal,
    /// A comment or white space.
    Other,
}

/// The whole source in pieces.
fn pieces(source: &str) -> Vec<(Kind, &str)> {
    let mut pieces = vec![];
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let name = rest.find(|character| !is_of_name(character)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(name);
        let (kind, length) = match (word, after.chars().next()) {
            ("r" | "br" | "cr", _) if raw_string(after).is_some() => {
                (Kind::Literal, name + raw_string(after).unwrap_or_default())
            }
            ("" | "b" | "c", Some('"')) => (Kind::Literal, name + string(after)),
            ("" | "b", Some('\'')) => (Kind::Literal, name + character_or_lifetime(after)),
            // A name that is also a keyword.
            ("r", Some('#')) => (Kind::Other, 2),
            ("", _) if after.starts_with("//") => {
                (Kind::Other, after.find('\n').unwrap_or(after.len()))
            }
            ("", _) if after.starts_with("/*") => (Kind::Other, block_comment(after)),
            ("", _) if first.is_whitespace() => (Kind::Other, first.len_utf8()),
            ("", _) if after.starts_with("::") => (Kind::Token, 2),
            ("", _) => (Kind::Token, first.len_utf8()),
            _ => (Kind::Token, name),
        };
        let (piece, after) = rest.split_at(length);
        pieces.push((kind, piece));
        rest = after;
    }
    pieces
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    loop {
        match rest.get(at..at + 2) {
            Some("/*") => (depth, at) = (depth + 1, at + 2),
            Some("*/") => (depth, at) = (depth - 1, at + 2),
            _ if at >= rest.len() => return rest.len(),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
}

fn string(rest: &str) -> usize {
    let mut escaped = false;
    for (at, character) in rest.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of the part of a raw string that follows its letters.
fn raw_string(rest: &str) -> Option<usize> {
    let hashes = rest.find(|character| character != '#')?;
    if !rest[hashes..].starts_with('"') {
        return None;
    }
    let end = format!("\"{}", &rest[..hashes]);
    let begin = hashes + 1;
    Some(rest[begin..].find(&end).map_or(rest.len(), |at| begin + at + end.len()))
}

fn character_or_lifetime(rest: &str) -> usize {
    let mut characters = rest.char_indices().skip(1);
    match (characters.next(), characters.next()) {
        (Some((_, '\\')), Some((at, escaped))) => {
            let after = at + escaped.len_utf8();
            rest[after..].find('\'').map_or(rest.len(), |end| after + end + 1)
        }
        (_, Some((at, '\''))) => at + 1,
        _ => 1,
    }
}

fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut kept = vec![];
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if is_for_tests(&tokens[at..]) {
            at += item(&tokens[at..]);
        } else {
            kept.push(token.clone());
            at += 1;
        }
    }
    kept
}

/// Whether `#[cfg(test)]` or `#[cfg(all(test, …))]` is next.
fn is_for_tests(tokens: &[Token]) -> bool {
    let begins = |with: &[&str]| {
        tokens.len() > with.len() && with.iter().zip(tokens).all(|(text, token)| token.is(text))
    };
    begins(&["#", "[", "cfg", "(", "test", ")"])
        || begins(&["#", "[", "cfg", "(", "all", "(", "test"])
}

/// The number of tokens in an item, with its attributes.
fn item(tokens: &[Token]) -> usize {
    let mut at = 0;
    while tokens.get(at).is_some_and(|token| token.is("#")) {
        at += 1 + group(&tokens[at + 1..]);
    }
    let head =
        tokens[at..].iter().take_while(|token| !["{", ";", "="].iter().any(|it| token.is(it)));
    let head: Vec<&str> = head.map(|token| token.text.as_str()).collect();
    let has = |words: &[&str]| head.iter().any(|word| words.contains(word));
    // A block ends a function, but not the value of a constant.
    let has_block = has(&["fn", "impl", "struct", "enum", "trait", "mod", "macro_rules"]);
    let has_semicolon = !has_block && has(&["use", "const", "static", "type", "let"]);
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            ";" => return at + 1,
            // A field, a variant or an arm of a match.
            "," if !has_block && !has_semicolon => return at + 1,
            "}" | ")" | "]" => return at,
            "{" if !has_semicolon => return at + group(&tokens[at..]),
            _ => at += group(&tokens[at..]),
        }
    }
    at
}

/// The number of tokens up to the bracket that closes the first; 1 if the first opens none.
pub(crate) fn group(tokens: &[Token]) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth <= 0 {
            return at + 1;
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<String> {
        tokens(source).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn comments_and_literals_are_ignored() {
        let source = r##"a /* b /* c */ d */ "e \" f" r#"g " h"# b"i" br"j" 'k' b'l' '\'' '\u{6d}'
            // n
            o::p 'q r#type"##;
        assert_eq!(texts(source), ["a", "o", "::", "p", "q", "type"]);
    }

    #[test]
    fn a_token_knows_its_line() {
        let tokens = tokens("a\n\"b\nc\" d");
        assert_eq!(tokens[1], Token { text: "d".into(), line: 3 });
    }

    #[test]
    fn a_line_is_as_wide_as_its_code_and_comments() {
        let source = "let a = \"bc\nde\" + 'f'; // g\n";
        assert_eq!(lines_without_literals(source), ["let a = ", " + ; // g"]);
    }

    #[test]
    fn code_for_tests_only_is_ignored() {
        for tested in [
            "use a::{b, c};",
            "mod tests;",
            "#[path = \"d\"] mod tests { fn e() {} }",
            "pub(crate) const fn f<A, B>(g: [u8; 2]) -> H { i }",
            "const J: [K; 2] = [K { l: 1 }, M];",
            "impl<A, B> N<A, B> { fn o() {} }",
            "struct P<A, B>(A, B);",
        ] {
            let source = format!("x #[cfg(test)] {tested} y");
            assert_eq!(texts(&source), ["x", "y"], "{tested}");
        }
        assert_eq!(texts("{ #[cfg(all(test, unix))] a: B<C>, d }"), ["{", "d", "}"]);
        assert_eq!(texts("{ #[cfg(test)] a }"), ["{", "}"]);
        assert_eq!(texts("#[cfg(not(test))] mod a;").last().unwrap(), ";");
    }
}
