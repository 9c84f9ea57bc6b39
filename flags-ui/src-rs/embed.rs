//! What the build script does without npm: which packages are installed, and the text of the
//! table. It lives here so that the library's tests reach it.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

/// The source of a table that holds each file of `folder`, sorted by path; `NAME.gz` becomes
/// the compressed form of `NAME`.
pub(crate) fn table(folder: &Path) -> io::Result<String> {
    let folder = folder.canonicalize()?;
    let mut files = Vec::new();
    walk(&folder, &mut files)?;
    let mut rows: Vec<(String, String)> = Vec::new();
    for file in files.iter().filter(|f| f.extension() != Some("gz".as_ref())) {
        rows.push(row(&folder, file)?);
    }
    rows.sort();
    let mut source = head(None);
    for (_, row) in &rows {
        source.push_str(row);
    }
    source.push_str("];\n");
    Ok(source)
}

/// The source of a table without files.
pub(crate) fn absent(why: &str) -> String {
    head(Some(why)) + "];\n"
}

fn head(why_not: Option<&str>) -> String {
    format!(
        "pub(crate) const WHY_NOT: Option<&str> = {why_not:?};\n\
         pub(crate) static FILES: &[crate::File] = &[\n"
    )
}

fn row(folder: &Path, file: &Path) -> io::Result<(String, String)> {
    let path = url_path(folder, file)?;
    let mut row = String::new();
    let gz = PathBuf::from(format!("{}.gz", file.display()));
    let gzip = if gz.is_file() { format!("Some(include_bytes!({gz:?}))") } else { "None".to_owned() };
    writeln!(
        row,
        "crate::File {{ path: {path:?}, bytes: include_bytes!({file:?}), gzip: {gzip}, \
         content_type: {:?}, etag: {:?} }},",
        content_type(&path),
        etag(&fs::read(file)?),
    )
    .map_err(io::Error::other)?;
    Ok((path, row))
}

fn url_path(folder: &Path, file: &Path) -> io::Result<String> {
    let relative = file.strip_prefix(folder).map_err(io::Error::other)?;
    let text = relative.to_str().ok_or_else(|| io::Error::other(format!("{} is not UTF-8", relative.display())))?;
    Ok(text.replace('\\', "/"))
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// The media type by the path's extension.
pub(crate) fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// A strong entity tag, quoted: FNV-1a over the content, 64 bits in hex.
pub(crate) fn etag(bytes: &[u8]) -> String {
    let hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("\"{hash:016x}\"")
}

/// The last `count` lines that hold text, on one line.
pub(crate) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    lines[lines.len().saturating_sub(count)..].join(" | ")
}

/// Whether npm's record of what it installed holds every package, in its version, that a
/// production install of `lock` needs. More, such as the development tools, is welcome.
pub(crate) fn is_installed(lock: &str, installed: &str) -> bool {
    let installed = packages(installed);
    packages(lock)
        .iter()
        .filter(|(_, wanted)| !wanted.spare)
        .all(|(path, wanted)| installed.get(path).is_some_and(|have| have.version == wanted.version))
}

#[derive(Default)]
struct Package<'a> {
    version: &'a str,
    /// A development tool, or meant for another platform.
    spare: bool,
}

/// The packages of a lockfile, read by its indentation: npm writes it, always alike, so that
/// no JSON parser is needed here.
fn packages(lock: &str) -> BTreeMap<&str, Package<'_>> {
    let mut packages = BTreeMap::new();
    let mut current = None;
    for line in lock.lines() {
        if let Some(path) = entry_path(line) {
            current = Some(path);
            packages.insert(path, Package::default());
        } else if let Some(package) = current.and_then(|path| packages.get_mut(path)) {
            note(package, line);
        }
    }
    packages
}

fn entry_path(line: &str) -> Option<&str> {
    let path = line.strip_prefix("    \"")?.strip_suffix("\": {")?;
    path.starts_with("node_modules/").then_some(path)
}

fn note<'a>(package: &mut Package<'a>, line: &'a str) {
    let Some(member) = line.strip_prefix("      \"") else {
        return;
    };
    let member = member.trim_end_matches(',');
    if let Some(version) = member.strip_prefix("version\": ") {
        package.version = version;
    }
    package.spare |= matches!(member, "dev\": true" | "optional\": true" | "devOptional\": true");
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"{
  "packages": {
    "": {
      "name": "ui"
    },
    "node_modules/react": {
      "version": "19.3.1",
      "integrity": "sha512-x"
    },
    "node_modules/biome": {
      "version": "2.5.15",
      "dev": true
    },
    "node_modules/rolldown-other-platform": {
      "version": "1.0.0",
      "optional": true,
      "os": [
        "other"
      ]
    }
  }
}"#;

    #[test]
    fn a_full_install_is_kept_and_a_production_install_is_enough() {
        assert!(is_installed(LOCK, LOCK));
        let production = LOCK.replace("node_modules/biome", "node_modules/else");
        assert!(is_installed(LOCK, &production));
    }

    #[test]
    fn another_version_or_none_is_not_installed() {
        assert!(!is_installed(LOCK, &LOCK.replace("19.3.1", "19.3.0")));
        assert!(!is_installed(LOCK, ""));
    }

    #[test]
    fn this_lockfile_is_understood() {
        let lock = include_str!("../package-lock.json");
        let needed: Vec<_> = packages(lock).into_iter().filter(|(_, package)| !package.spare).collect();
        assert!(needed.iter().any(|(path, _)| *path == "node_modules/react"));
        assert!(needed.iter().all(|(_, package)| !package.version.is_empty()));
        assert!(!lock.contains("\"resolved\""));
    }

    #[test]
    fn a_folder_becomes_a_sorted_table_with_compressed_forms() -> io::Result<()> {
        let folder = std::env::temp_dir().join(format!("flags-ui-table-{}", std::process::id()));
        fs::create_dir_all(folder.join("assets"))?;
        fs::write(folder.join("index.html"), "<p>")?;
        fs::write(folder.join("assets/a.js"), "1")?;
        fs::write(folder.join("assets/a.js.gz"), "z")?;
        let source = table(&folder);
        fs::remove_dir_all(&folder)?;
        let source = source?;
        let rows: Vec<&str> = source.lines().filter(|l| l.contains("path: ")).collect();
        assert_eq!(rows.len(), 2);
        assert!(rows[0].contains(r#"path: "assets/a.js""#) && rows[0].contains("a.js.gz"));
        assert!(rows[1].contains(r#"path: "index.html""#) && rows[1].contains("gzip: None"));
        assert!(source.contains("WHY_NOT: Option<&str> = None"));
        Ok(())
    }

    #[test]
    fn a_reason_is_quoted_as_rust() {
        assert!(absent("no \"npm\"").contains(r#"Some("no \"npm\"")"#));
    }

    #[test]
    fn tags_follow_the_content() {
        assert_eq!(etag(b""), "\"cbf29ce484222325\"");
        assert_ne!(etag(b"a"), etag(b"b"));
    }

    #[test]
    fn the_end_of_an_output_fits_a_line() {
        assert_eq!(last_lines("a\n\n b\nc\n", 2), "b | c");
        assert_eq!(last_lines("", 2), "");
    }
}
