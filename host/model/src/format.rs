//! How documents are written: JSON or YAML.

/// How a document is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// JSON.
    #[default]
    Json,
    /// YAML.
    Yaml,
}

impl Format {
    /// By its name, as options and parameters give it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "json" => Some(Self::Json),
            "yaml" => Some(Self::Yaml),
            _ => None,
        }
    }

    /// By the end of a file's name; JSON where that says nothing.
    #[must_use]
    pub fn of_file(name: &str) -> Self {
        let end = name.rsplit('.').next().unwrap_or_default();
        if ["yaml", "yml"].iter().any(|yaml| end.eq_ignore_ascii_case(yaml)) { Self::Yaml } else { Self::Json }
    }

    /// By a media type, its parameters aside.
    #[must_use]
    pub fn of_media(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/json" => Some(Self::Json),
            "application/yaml" | "application/x-yaml" | "text/yaml" | "text/x-yaml" => Some(Self::Yaml),
            other if !other.starts_with("application/") => None,
            other if other.ends_with("+json") => Some(Self::Json),
            other if other.ends_with("+yaml") => Some(Self::Yaml),
            _ => None,
        }
    }

    /// Its media type.
    #[must_use]
    pub fn media(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Yaml => "application/yaml",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_media_types_tell() {
        for (name, format) in [
            ("a.json", Format::Json),
            ("x.y/a.YML", Format::Yaml),
            ("yaml.d/a", Format::Json),
            ("a.yaml", Format::Yaml),
        ] {
            assert_eq!(Format::of_file(name), format, "{name}");
        }
        for (media, format) in [
            ("Application/JSON; charset=utf-8", Some(Format::Json)),
            ("application/problem+json", Some(Format::Json)),
            ("text/yaml", Some(Format::Yaml)),
            ("application/vnd.x+yaml", Some(Format::Yaml)),
            ("text/plain", None),
            ("image/x+json", None),
        ] {
            assert_eq!(Format::of_media(media), format, "{media}");
        }
        assert_eq!(Format::named(Format::Yaml.media()), None);
    }
}
