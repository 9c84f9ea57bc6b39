//! Reading the repository: the files that git would take, nothing that was built.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// Folders that are built or downloaded.
const NOT_OURS: [&str; 6] = ["target", "node_modules", "dist", "burgee-data", ".git", "coverage"];

/// A text file of the repository.
#[derive(Debug)]
pub(crate) struct Text {
    /// Its path from the top, with `/`.
    pub(crate) path: String,
    /// What it holds.
    pub(crate) text: String,
}

impl Text {
    /// Whether its name ends so.
    pub(crate) fn is(&self, extension: &str) -> bool {
        self.path.ends_with(extension)
    }
}

/// The top of the repository.
pub(crate) fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// All text files, ordered by path.
pub(crate) static TEXTS: LazyLock<Vec<Text>> = LazyLock::new(|| {
    let mut texts = Vec::new();
    collect(&top(), &top(), &mut texts);
    texts.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(texts.len() > 100, "the repository was found");
    texts
});

fn collect(top: &Path, dir: &Path, texts: &mut Vec<Text>) {
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
        if NOT_OURS.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            collect(top, &path, texts);
        } else if let Ok(text) = fs::read_to_string(&path) {
            texts.push(Text { path: path.strip_prefix(top).unwrap().display().to_string(), text });
        }
    }
}

/// Our Rust files.
pub(crate) fn rust() -> impl Iterator<Item = &'static Text> {
    TEXTS.iter().filter(|text| text.is(".rs"))
}

/// The folder of the crate that a file belongs to: the nearest one with a manifest.
pub(crate) fn crate_of(path: &str) -> &str {
    let folders = path.match_indices('/').map(|(at, _)| &path[..at]).collect::<Vec<_>>();
    let is_crate = |folder: &&&str| TEXTS.iter().any(|t| t.path.strip_prefix(**folder) == Some("/Cargo.toml"));
    folders.iter().rev().find(is_crate).copied().unwrap_or("")
}

/// Files that are compiled for tests only: those of the tests' own crates, and modules behind `cfg(test)`.
pub(crate) static TEST_FILES: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let whole = |path: &str| ["/benches/", "/examples/", "/tests/"].iter().any(|part| path.contains(part));
    let outside =
        rust().filter(|text| text.path.starts_with("tests/") || whole(&text.path)).map(|text| text.path.as_str());
    let modules: HashSet<String> = rust().flat_map(test_modules).collect();
    outside.chain(rust().map(|text| text.path.as_str()).filter(|path| modules.contains(*path))).collect()
});

/// The files of the modules that a file declares behind `cfg(test)`.
fn test_modules(text: &Text) -> Vec<String> {
    let dir = text.path.rsplit_once('/').map_or("", |(dir, _)| dir);
    let stem = text.path.trim_end_matches(".rs");
    let home = if ["/lib", "/main", "/mod"].iter().any(|name| stem.ends_with(name)) { dir } else { stem };
    let declared = text.text.split("#[cfg(test)]").skip(1).filter_map(|after| {
        let line = after.trim_start().lines().next()?;
        line.split_once("mod ")?.1.strip_suffix(';')
    });
    declared.flat_map(|name| [format!("{home}/{name}.rs"), format!("{home}/{name}/mod.rs")]).collect()
}

/// A Rust file's text without its tests: cut at the first test module.
pub(crate) fn without_tests(text: &str) -> &str {
    let inline = text.match_indices("#[cfg(test)]").find(|(at, _)| {
        let after = text[*at..].lines().nth(1).unwrap_or_default();
        after.trim_start().starts_with("mod ") && after.ends_with('{')
    });
    inline.map_or(text, |(at, _)| &text[..at])
}
