//! The modules of a crate, and the file that defines the item of a path.

use std::collections::{BTreeMap, BTreeSet};

use crate::tokens::{Token, group, tokens};

/// The files below a directory: their names and contents.
pub(crate) type Files = BTreeMap<String, String>;

/// One module: a file, or a part of one.
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) file: String,
    parent: usize,
    children: BTreeMap<String, usize>,
    pub(crate) imports: Vec<Import>,
    /// The names that it defines.
    items: BTreeSet<String>,
    /// Everything except imports and modules.
    pub(crate) body: Vec<Token>,
}

/// The end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct End {
    pub(crate) module: usize,
    /// Whether the path names the module itself, not an item in it.
    pub(crate) is_module: bool,
}

/// One name that a `use` imports.
#[derive(Clone, Debug)]
pub(crate) struct Import {
    /// `*` for all names.
    name: String,
    pub(crate) path: Vec<String>,
    pub(crate) line: usize,
    pub(crate) is_public: bool,
}

impl Import {
    /// Whether the import only re-exports an item from below its module.
    pub(crate) fn is_facade(&self, module: &Module) -> bool {
        let own = |name: &String| name == "self" || module.children.contains_key(name);
        let is_used = |name: &str| {
            let before = [None].into_iter().chain(module.body.iter().map(Some));
            before.zip(&module.body).any(|(before, token)| {
                token.is(name) && !before.is_some_and(|before| before.is("::") || before.is("."))
            })
        };
        self.is_public && self.path.first().is_some_and(own) && !is_used(&self.name)
    }
}

/// All modules of a crate. The first is the root. A program has a second root, which refers to the
/// library by its name.
#[derive(Debug)]
pub(crate) struct Modules {
    pub(crate) all: Vec<Module>,
    library: &'static str,
}

impl Modules {
    /// Reads the modules of a library, `lib.rs`, and of its program, `main.rs`, if there is one.
    pub(crate) fn read(library: &'static str, files: &Files) -> Self {
        let mut modules = Self { all: vec![], library };
        for root in ["lib.rs", "main.rs"] {
            if files.contains_key(root) {
                modules.read_file(files, root, None);
            }
        }
        modules
    }

    fn read_file(&mut self, files: &Files, file: &str, parent: Option<usize>) -> usize {
        let tokens = tokens(&files[file]);
        self.read_module(files, file, parent, &tokens)
    }

    fn read_module(
        &mut self,
        files: &Files,
        file: &str,
        parent: Option<usize>,
        tokens: &[Token],
    ) -> usize {
        let number = self.all.len();
        self.all.push(Module {
            file: file.to_owned(),
            parent: parent.unwrap_or(number),
            children: BTreeMap::new(),
            imports: vec![],
            items: BTreeSet::new(),
            body: vec![],
        });
        let mut depth = 0;
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let next = |ahead: usize| tokens.get(at + ahead).map_or("", |it| it.text.as_str());
            match token.text.as_str() {
                "#" => {
                    at += 1 + usize::from(next(1) == "!");
                    at += group(&tokens[at..]);
                    continue;
                }
                "mod" if next(2) == ";" => {
                    let name = next(1).to_owned();
                    let file = beside(files, file, &name);
                    let child = self.read_file(files, &file, Some(number));
                    self.all[number].children.insert(name, child);
                    at += 3;
                    continue;
                }
                "mod" if next(2) == "{" => {
                    let name = next(1).to_owned();
                    let length = group(&tokens[at + 2..]);
                    let inside = &tokens[at + 3..at + 1 + length];
                    let child = self.read_module(files, file, Some(number), inside);
                    self.all[number].children.insert(name, child);
                    at += 2 + length;
                    continue;
                }
                "use" if next(1) != "<" => {
                    let is_public = at > 0 && (tokens[at - 1].is("pub") || tokens[at - 1].is(")"));
                    at += 1;
                    let mut tree = Tree { tokens: &tokens[at..], at: 0, is_public, leaves: vec![] };
                    tree.read(&[]);
                    at += tree.at;
                    self.all[number].imports.append(&mut tree.leaves);
                    continue;
                }
                "fn" | "struct" | "enum" | "union" | "trait" | "type" | "const" | "static"
                    if depth == 0 =>
                {
                    let name = if ["fn", "mut"].contains(&next(1)) { next(2) } else { next(1) };
                    self.all[number].items.insert(name.to_owned());
                }
                "macro_rules" => {
                    self.all[number].items.insert(next(2).to_owned());
                }
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
            self.all[number].body.push(token.clone());
            at += 1;
        }
        number
    }

    /// Resolves a path from a module: the places that define its item, however many files re-export
    /// it. There are several if conditional compilation decides, and none if the path leads out of
    /// the crate.
    pub(crate) fn ends(&self, from: usize, path: &[String]) -> BTreeSet<End> {
        let mut ends = BTreeSet::new();
        self.follow(from, path, &mut ends);
        ends
    }

    fn follow(&self, from: usize, path: &[String], ends: &mut BTreeSet<End>) {
        let Some((first, rest)) = path.split_first() else { return };
        match first.as_str() {
            "crate" => self.descend(self.root(from), rest, ends),
            "self" => self.descend(from, rest, ends),
            "super" => self.descend(self.all[from].parent, rest, ends),
            name if name == self.library && self.root(from) != 0 => self.descend(0, rest, ends),
            name if self.knows(from, name) => self.descend(from, path, ends),
            _ => {}
        }
    }

    fn descend(&self, at: usize, path: &[String], ends: &mut BTreeSet<End>) {
        let module = &self.all[at];
        let Some((first, rest)) = path.split_first() else {
            ends.insert(End { module: at, is_module: true });
            return;
        };
        if ["self", "super"].contains(&first.as_str()) {
            return self.follow(at, path, ends);
        }
        if let Some(&child) = module.children.get(first) {
            return self.descend(child, rest, ends);
        }
        let before = ends.len();
        if !module.items.contains(first) {
            for import in &module.imports {
                if import.name == *first && import.path[0] != *first {
                    let whole = [&import.path, rest].concat();
                    self.follow(at, &whole, ends);
                } else if import.name == "*" {
                    for End { module, .. } in self.ends(at, &import.path) {
                        if module != at && self.knows(module, first) {
                            self.descend(module, path, ends);
                        }
                    }
                }
            }
        }
        if ends.len() == before {
            ends.insert(End { module: at, is_module: false });
        }
    }

    fn knows(&self, at: usize, name: &str) -> bool {
        let module = &self.all[at];
        module.children.contains_key(name)
            || module.items.contains(name)
            || module.imports.iter().any(|import| import.name == name && import.path[0] != name)
    }

    /// Whether the file of one module declares that of the other.
    pub(crate) fn are_family(&self, one: usize, other: usize) -> bool {
        let declares = |parent: usize, child: usize| {
            let file = &self.all[child].file;
            let mut above = child;
            while self.all[above].file == *file && self.all[above].parent != above {
                above = self.all[above].parent;
            }
            self.all[above].file == self.all[parent].file
        };
        declares(one, other) || declares(other, one)
    }

    fn root(&self, mut at: usize) -> usize {
        while self.all[at].parent != at {
            at = self.all[at].parent;
        }
        at
    }
}

/// The file of a module that another file declares.
fn beside(files: &Files, file: &str, name: &str) -> String {
    let (directory, file) = file.rsplit_once('/').map_or(("", file), |(it, file)| (it, file));
    let directory = match file {
        "lib.rs" | "main.rs" | "mod.rs" => directory.to_owned(),
        _ => [directory, file.trim_end_matches(".rs")].join("/"),
    };
    let at = |file: String| format!("{directory}/{file}").trim_start_matches('/').to_owned();
    let candidates = [at(format!("{name}.rs")), at(format!("{name}/mod.rs"))];
    let found = candidates.iter().find(|candidate| files.contains_key(*candidate));
    found.unwrap_or_else(|| panic!("none of {candidates:?} exists")).clone()
}

/// The tree of names behind a `use`.
struct Tree<'a> {
    tokens: &'a [Token],
    at: usize,
    is_public: bool,
    leaves: Vec<Import>,
}

impl Tree<'_> {
    fn read(&mut self, prefix: &[String]) {
        let mut path = prefix.to_vec();
        let mut name = String::new();
        let line = self.tokens[self.at].line;
        loop {
            let token = &self.tokens[self.at];
            self.at += 1;
            match token.text.as_str() {
                "::" => {}
                "{" => {
                    while !self.tokens[self.at].is("}") {
                        self.read(&path);
                        self.at += usize::from(self.tokens[self.at].is(","));
                    }
                    self.at += 1;
                    return;
                }
                "as" => {
                    name.clone_from(&self.tokens[self.at].text);
                    self.at += 1;
                }
                "*" => "*".clone_into(&mut name),
                ";" | "," | "}" => {
                    // The caller handles the end, except for the last.
                    self.at -= usize::from(!token.is(";"));
                    break;
                }
                text => path.push(text.to_owned()),
            }
        }
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        if name.is_empty() {
            name = path.last().cloned().unwrap_or_default();
        }
        self.leaves.push(Import { name, path, line, is_public: self.is_public });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Files {
        let files = [
            ("lib.rs", "mod a; pub mod b; #[cfg(test)] mod absent;"),
            ("a.rs", "mod c { pub struct D; } pub use c::D; pub use crate::b::*; use core::fmt;"),
            ("b/mod.rs", "mod e; pub use e::{F as G, h}; pub fn i() {} pub use self::e as j;"),
            ("b/e.rs", "pub struct F; pub fn h() {} use super::super::a;"),
            ("main.rs", "mod k; use foghorn::b;"),
            ("k.rs", ""),
        ];
        files.map(|(file, text)| (file.to_owned(), text.to_owned())).into()
    }

    #[test]
    fn a_path_ends_where_its_item_is_defined() {
        let modules = Modules::read("foghorn", &files());
        let find = |file: &str| modules.all.iter().position(|it| it.file == file).unwrap();
        for (from, path, file) in [
            ("lib.rs", "a::D", "a.rs"),
            ("lib.rs", "crate::b::G::new", "b/e.rs"),
            ("lib.rs", "self::a::i", "b/mod.rs"),
            ("a.rs", "super::a::h", "b/e.rs"),
            ("a.rs", "crate::b::j::F", "b/e.rs"),
            ("b/e.rs", "a::G", "b/e.rs"),
            ("b/e.rs", "super::unknown", "b/mod.rs"),
            ("main.rs", "b::i", "b/mod.rs"),
            ("main.rs", "foghorn::b::h", "b/e.rs"),
            ("main.rs", "crate::k", "k.rs"),
        ] {
            let path: Vec<String> = path.split("::").map(str::to_owned).collect();
            let ends = modules.ends(find(from), &path);
            let files: Vec<_> =
                ends.iter().map(|end| modules.all[end.module].file.as_str()).collect();
            assert_eq!(files, [file], "{path:?}");
        }
        for path in ["core::fmt", "std", "b"] {
            let path: Vec<String> = path.split("::").map(str::to_owned).collect();
            assert_eq!(modules.ends(find("a.rs"), &path), BTreeSet::new(), "{path:?}");
        }
    }
}
