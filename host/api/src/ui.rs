//! The dashboard's static files: one page for every path of the application, cached assets, strict headers.

use std::fmt;

/// The dashboard as the host hands it in.
#[derive(Clone, Copy)]
pub struct UiAssets {
    /// The file at a path without leading slash; the empty path is the page itself.
    pub file: fn(&str) -> Option<UiFile>,
    /// The page that stands in where the dashboard was not built.
    pub absent_page: fn() -> String,
    /// Why there is no dashboard in this build; `None` where there is one.
    pub why_not: Option<&'static str>,
}

impl fmt::Debug for UiAssets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UiAssets").field("why_not", &self.why_not).finish_non_exhaustive()
    }
}

/// One embedded file.
#[derive(Clone, Copy, Debug)]
pub struct UiFile {
    /// Its bytes.
    pub bytes: &'static [u8],
    /// The same compressed with gzip, where that was worth it.
    pub gzip: Option<&'static [u8]>,
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// A strong entity tag, with its quotes.
    pub etag: &'static str,
}
