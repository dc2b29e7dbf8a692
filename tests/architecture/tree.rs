//! The crate's files as a tree of modules, and the resolution of a path to the file that defines it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::Path;

use crate::scan::{Reference, Scan, scan};

/// A module path below the crate: `["plan", "classify"]`; empty for `lib.rs`.
pub(crate) type ModulePath = Vec<String>;

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Complaint {
    pub(crate) file: String,
    /// 0 when the whole file is meant.
    pub(crate) line: usize,
    pub(crate) text: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "  src/{}: {}", self.file, self.text),
            line => write!(f, "  src/{}:{line}: {}", self.file, self.text),
        }
    }
}

/// One source file.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// Relative to `src`, with forward slashes.
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) module: ModulePath,
    pub(crate) scan: Scan,
    /// Exists in test builds only.
    pub(crate) test_only: bool,
}

impl SourceFile {
    /// `lib.rs`, `main.rs` or a file in `bin/`.
    pub(crate) fn is_root(&self) -> bool {
        ["lib.rs", "main.rs"].contains(&self.name.as_str()) || self.name.starts_with("bin/")
    }

    /// The row of the table that the file answers to.
    pub(crate) fn room(&self) -> &str {
        if self.is_root() {
            &self.name
        } else {
            &self.module[0]
        }
    }

    pub(crate) fn complaint(&self, line: usize, text: impl Into<String>) -> Complaint {
        Complaint {
            file: self.name.clone(),
            line,
            text: text.into(),
        }
    }
}

/// All files, in the order of their names.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) files: Vec<SourceFile>,
    modules: BTreeMap<ModulePath, usize>,
    broken: Vec<Complaint>,
}

impl Tree {
    /// Reads every `.rs` file below `src`.
    pub(crate) fn load(src: &Path) -> Self {
        fn visit(folder: &Path, src: &Path, into: &mut BTreeMap<String, String>) {
            for entry in fs::read_dir(folder).expect("a folder of sources can be listed") {
                let path = entry.expect("a folder of sources can be listed").path();
                if path.is_dir() {
                    visit(&path, src, into);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let name = path.strip_prefix(src).expect("found below src");
                    let name = name.to_string_lossy().replace('\\', "/");
                    into.insert(name, fs::read_to_string(&path).expect("sources are UTF-8"));
                }
            }
        }
        let mut texts = BTreeMap::new();
        visit(src, src, &mut texts);
        Self::new(texts)
    }

    /// A tree from file names and texts.
    pub(crate) fn new(texts: BTreeMap<String, String>) -> Self {
        let mut tree = Self {
            files: Vec::new(),
            modules: BTreeMap::new(),
            broken: Vec::new(),
        };
        for (name, text) in texts {
            match scan(&text) {
                Ok(scan) => {
                    let module = module_of(&name);
                    let test_only = scan.all_test;
                    tree.files.push(SourceFile {
                        name,
                        text,
                        module,
                        scan,
                        test_only,
                    });
                }
                Err(error) => tree.broken.push(Complaint {
                    file: name,
                    line: 0,
                    text: error,
                }),
            }
        }
        tree.modules = (tree.files.iter().enumerate())
            .filter(|(_, file)| !file.is_root() || file.name == "lib.rs")
            .map(|(index, file)| (file.module.clone(), index))
            .collect();
        tree.mark_test_modules();
        tree
    }

    /// A file is test code when its own declaration, or that of a module around it, is under `#[cfg(test)]`.
    fn mark_test_modules(&mut self) {
        let mut test_only: BTreeSet<ModulePath> = BTreeSet::new();
        for file in &self.files {
            if file.scan.all_test {
                test_only.insert(file.module.clone());
            }
            for name in &file.scan.test_modules {
                test_only.insert(child(&file.module, name));
            }
        }
        for file in &mut self.files {
            file.test_only |=
                (1..=file.module.len()).any(|length| test_only.contains(&file.module[..length]));
        }
    }

    /// Files that are not Rust.
    pub(crate) fn broken(&self) -> Vec<Complaint> {
        self.broken.clone()
    }

    /// The files that are compiled into the shipped program.
    pub(crate) fn shipped(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().filter(|file| !file.test_only)
    }

    /// The file of a module.
    pub(crate) fn file_of(&self, module: &[String]) -> Option<usize> {
        self.modules.get(module).copied()
    }

    /// A reference as a path from the crate's root; none when it leaves the crate.
    pub(crate) fn absolute(&self, file: &SourceFile, reference: &Reference) -> Option<ModulePath> {
        let mut segments = reference.segments.clone();
        let mut inside = reference.inside.as_slice();
        // `use super::types; types::find()`: the first word stands for the path behind it.
        if let Some(path) = file.scan.aliases.get(&segments[0])
            && *path != segments
            && path.first() != segments.first()
        {
            segments.splice(0..1, path.iter().cloned());
            inside = &[];
        }
        let mut base: ModulePath = file.module.iter().chain(inside).cloned().collect();
        let mut rest = segments.as_slice();
        match rest.first()?.as_str() {
            "crate" => base.clear(),
            "roboinfra" if file.is_root() => base.clear(),
            "self" => {}
            "super" => {
                base.pop()?;
                while rest.get(1).is_some_and(|word| word == "super") {
                    base.pop()?;
                    rest = &rest[1..];
                }
            }
            name if self.modules.contains_key(&child(&base, name)) => {
                return Some(base.into_iter().chain(segments).collect());
            }
            _ => return None,
        }
        base.extend_from_slice(&rest[1..]);
        Some(base)
    }

    /// The file that defines what an absolute path names; re-exports count to the file they come from.
    pub(crate) fn resolve(&self, path: &[String]) -> Option<usize> {
        self.resolve_within(path, 8)
    }

    fn resolve_within(&self, path: &[String], depth: usize) -> Option<usize> {
        let length = (1..=path.len())
            .rev()
            .find(|&n| self.modules.contains_key(&path[..n]))?;
        let index = self.modules[&path[..length]];
        let file = &self.files[index];
        let (Some(name), true) = (path.get(length), depth > 0) else {
            return Some(index);
        };
        let from_here = |segments: &[String]| {
            let reference = Reference {
                line: 0,
                inside: Vec::new(),
                segments: segments.to_vec(),
            };
            self.absolute(file, &reference)
        };
        if let Some(target) = file
            .scan
            .aliases
            .get(name)
            .and_then(|alias| from_here(alias))
        {
            return self.resolve_within(&target, depth - 1);
        }
        let globs = file
            .scan
            .references
            .iter()
            .filter(|r| r.segments.last().is_some_and(|s| s == "*"));
        for glob in globs {
            let Some(mut target) = from_here(&glob.segments) else {
                continue;
            };
            target.pop();
            if let Some(index) = self.file_of(&target)
                && self.files[index].defines(name)
            {
                return Some(index);
            }
        }
        Some(index)
    }
}

impl SourceFile {
    fn defines(&self, name: &str) -> bool {
        self.scan
            .types
            .iter()
            .chain(&self.scan.values)
            .any(|named| named.name == name)
    }
}

fn child(module: &[String], name: &str) -> ModulePath {
    module.iter().cloned().chain([name.to_owned()]).collect()
}

/// `plan/mod.rs` is `plan`, `plan/bill.rs` is `plan::bill`, `lib.rs` is the crate.
fn module_of(name: &str) -> ModulePath {
    let stem = name.strip_suffix(".rs").unwrap_or(name);
    let stem = stem.strip_suffix("/mod").unwrap_or(stem);
    if stem == "lib" || stem == "main" || stem.starts_with("bin/") {
        return Vec::new();
    }
    stem.split('/').map(ToOwned::to_owned).collect()
}
