//! The page that stands in for a dashboard which was not built.

use crate::WHY_NOT;

/// An HTML page which says why there is no dashboard and how to get one.
#[must_use]
pub fn absent_page() -> String {
    page(WHY_NOT.unwrap_or("the requested page is not part of it"))
}

fn page(why: &str) -> String {
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Burgee: no dashboard in this build</title>
<style>
body {{ font: 15px/1.6 system-ui, sans-serif; max-width: 40rem; margin: 12vh auto; padding: 0 1.5rem; }}
h1 {{ font-size: 1.3rem; }}
pre {{ padding: .8rem 1rem; border: 1px solid #8886; border-radius: 8px; overflow-x: auto; }}
</style>
</head>
<body>
<main>
<h1>This build has no dashboard</h1>
<p>The server itself works: the API, OFREP and the command line are all there. The pages are missing because:</p>
<pre>{}</pre>
<p>To add them, install Node.js 20.19 or newer with npm and build once more:</p>
<pre>cargo build --release</pre>
<p>With <code>FLAGS_UI_REQUIRED=1</code> such a build fails instead of leaving the dashboard out.</p>
</main>
</body>
</html>
"#,
        escape(why)
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_cannot_add_markup() {
        let page = page("npm ended: <script>&");
        assert!(page.contains("npm ended: &lt;script&gt;&amp;"));
        assert!(!page.contains("<script>"));
    }
}
