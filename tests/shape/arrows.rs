//! The imports between files, and the circles among them.

use std::collections::{BTreeMap, BTreeSet};

use crate::modules::{Files, Module, Modules};

/// For each pair of files, the first of which imports from the second: a line of the import.
#[derive(Debug, Default)]
pub(crate) struct Arrows(pub(crate) BTreeMap<(String, String), usize>);

impl Arrows {
    /// The arrows between the files of a crate. An arrow ends at the file that defines the item,
    /// however many files re-export it. A re-export from below is no import, unless the file uses
    /// the name itself. A module and its children belong together, as in Rust's privacy rules:
    /// there is no arrow between a file and the file that declares it.
    pub(crate) fn of(library: &'static str, files: &Files) -> Self {
        let modules = Modules::read(library, files);
        let mut arrows = Self::default();
        for (number, module) in modules.all.iter().enumerate() {
            let named = module
                .imports
                .iter()
                .filter(|import| !import.is_facade(module))
                .map(|import| (import.path.clone(), import.line))
                .chain(paths(module));
            for (path, line) in named {
                for end in modules.ends(number, &path) {
                    let to = &modules.all[end.module].file;
                    // A module's name is the start of a path that follows.
                    if !end.is_module
                        && *to != module.file
                        && !modules.are_family(number, end.module)
                    {
                        let pair = (module.file.clone(), to.clone());
                        arrows.0.entry(pair).or_insert(line);
                    }
                }
            }
        }
        arrows
    }

    /// The groups of files that import from each other, directly or through others.
    pub(crate) fn circles(&self) -> BTreeSet<BTreeSet<&str>> {
        let below: BTreeMap<&str, BTreeSet<&str>> =
            self.0.keys().map(|(from, _)| (from.as_str(), self.reached(from))).collect();
        let leads_to = |from: &str, to: &str| below.get(from).is_some_and(|it| it.contains(to));
        let circles = below.iter().map(|(file, reached)| {
            reached.iter().copied().filter(|other| leads_to(other, file)).collect::<BTreeSet<_>>()
        });
        circles.filter(|circle| !circle.is_empty()).collect()
    }

    /// The files reachable from a file; the file itself only if it is in a circle.
    pub(crate) fn reached(&self, from: &str) -> BTreeSet<&str> {
        let mut reached = BTreeSet::new();
        let mut next = vec![from];
        while let Some(file) = next.pop() {
            for (from, to) in self.0.keys() {
                if from == file && reached.insert(to.as_str()) {
                    next.push(to);
                }
            }
        }
        reached
    }
}

/// The paths in the body of a module, each with its line.
fn paths(module: &Module) -> Vec<(Vec<String>, usize)> {
    let mut paths = vec![];
    let mut rest = module.body.as_slice();
    let mut is_first = true;
    while let Some(token) = rest.first() {
        let mut path = vec![token.text.clone()];
        let mut length = 1;
        while let [separator, name, ..] = &rest[length..]
            && separator.is("::")
            && name.is_name()
        {
            path.push(name.text.clone());
            length += 2;
        }
        if is_first && token.is_name() && path.len() > 1 {
            paths.push((path, token.line));
        }
        is_first = !rest[length - 1].is("::") && !rest[length - 1].is(".");
        rest = &rest[length..];
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrows(files: &[(&str, &str)]) -> Arrows {
        let files = files.iter().map(|&(file, text)| (file.to_owned(), text.to_owned()));
        Arrows::of("foghorn", &files.collect())
    }

    #[test]
    fn imports_and_paths_are_arrows_and_others_are_not() {
        let arrows = arrows(&[
            ("lib.rs", "mod a; mod b; mod c; mod d;"),
            (
                "a.rs",
                "use crate::b::{self, B};\n\nfn f() { super::c::g(); b::B::new(); x.d::<B>(); }",
            ),
            (
                "b.rs",
                "pub struct B; // crate::c::g\nconst C: &str = \"crate::c::g\"; use core::fmt;",
            ),
            ("c.rs", "pub fn g() {} #[cfg(test)] mod tests { use crate::a; use crate::d::H; }"),
            ("d.rs", "pub struct H;"),
        ]);
        let told: Vec<_> =
            arrows.0.iter().map(|((a, b), line)| format!("{a}:{line} {b}")).collect();
        assert_eq!(told, ["a.rs:1 b.rs", "a.rs:3 c.rs"]);
    }

    #[test]
    fn a_circle_is_found_behind_a_facade_and_through_other_files() {
        let arrows = arrows(&[
            ("lib.rs", "mod a; mod b;"),
            ("a/mod.rs", "mod c; mod d; pub use c::C; pub use d::D; pub fn e() { d::f(); }"),
            ("a/c.rs", "use super::D; pub struct C;"),
            ("a/d.rs", "use crate::b::g; use super::e; pub struct D; pub fn f() {}"),
            ("b.rs", "use crate::a::C; pub fn g() {}"),
        ]);
        assert_eq!(arrows.circles(), [["a/c.rs", "a/d.rs", "b.rs"].into()].into());
    }
}
