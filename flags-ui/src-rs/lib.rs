//! The dashboard as embedded files. The build script makes them with npm and Vite; this crate
//! only looks them up, so that the HTTP layer decides on routes, caching and encodings.
//!
//! A build without Node.js has no files: [`WHY_NOT`] then says why, and [`absent_page`] is
//! what a browser should be shown in their place.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod absent;
#[cfg(test)]
mod embed;

mod table {
    include!(concat!(env!("OUT_DIR"), "/table.rs"));
}

pub use absent::absent_page;

/// Why this build holds no dashboard; `None` if it does.
pub const WHY_NOT: Option<&str> = table::WHY_NOT;

/// One file of the dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File {
    /// Path under the dashboard's root, without a leading slash, e.g. `assets/index-x.js`.
    pub path: &'static str,
    /// The content.
    pub bytes: &'static [u8],
    /// The content compressed with gzip, where that was worth it.
    pub gzip: Option<&'static [u8]>,
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// A strong entity tag of `bytes`, with its quotes.
    pub etag: &'static str,
}

impl File {
    /// Whether the name holds a hash of the content, so that a cache may keep it for ever.
    #[must_use]
    pub fn is_immutable(&self) -> bool {
        self.path.starts_with("assets/")
    }
}

/// The file at `path`; a leading slash is ignored, and the empty path is the page itself.
#[must_use]
pub fn file(path: &str) -> Option<&'static File> {
    let path = match path.trim_start_matches('/') {
        "" => "index.html",
        path => path,
    };
    let files = files();
    let at = files.binary_search_by(|file| file.path.cmp(path)).ok()?;
    files.get(at)
}

/// All files, sorted by path.
#[must_use]
pub fn files() -> &'static [File] {
    table::FILES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_sorted_so_that_they_can_be_searched() {
        assert!(files().is_sorted_by(|a, b| a.path < b.path));
        for each in files() {
            assert_eq!(file(each.path), Some(each));
        }
    }

    #[test]
    fn the_page_is_there_or_a_reason() {
        let page = file("/");
        assert_eq!(page.is_none(), WHY_NOT.is_some());
        let Some(page) = page else { return };
        assert_eq!(page.content_type, "text/html; charset=utf-8");
        assert!(!page.is_immutable());
        let html = std::str::from_utf8(page.bytes).unwrap();
        let scripts: Vec<&str> = html.split("src=\"/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(!scripts.is_empty());
        for script in scripts {
            let script = file(script).expect("the page names embedded files");
            assert!(script.is_immutable() && script.gzip.is_some());
        }
    }

    #[test]
    fn an_unknown_path_has_no_file() {
        assert_eq!(file("assets/none.js"), None);
        assert_eq!(file("../Cargo.toml"), None);
    }

    #[test]
    fn media_types_are_those_of_the_extension() {
        assert_eq!(embed::content_type("favicon.svg"), "image/svg+xml");
        assert_eq!(embed::content_type("LICENSE"), "application/octet-stream");
    }
}
