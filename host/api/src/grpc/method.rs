//! The calls that there are, by their paths.

/// A call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    All,
    One(Version, Kind),
    Events,
    Sync,
    Fetch,
    Metadata,
}

/// The version of flagd's evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// Knows no absent values.
    One,
    Two,
}

/// The kind of value that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Boolean,
    Text,
    Float,
    Int,
    Object,
}

impl Method {
    /// Reads `/SERVICE/METHOD`.
    pub(super) fn of(path: &str) -> Option<Self> {
        let (service, method) = path.strip_prefix('/')?.split_once('/')?;
        match service {
            "flagd.evaluation.v1.Service" if method == "ResolveAll" => Some(Self::All),
            "flagd.evaluation.v1.Service" => Self::evaluation(Version::One, method),
            "flagd.evaluation.v2.Service" => Self::evaluation(Version::Two, method),
            "flagd.sync.v1.FlagSyncService" => match method {
                "SyncFlags" => Some(Self::Sync),
                "FetchAllFlags" => Some(Self::Fetch),
                "GetMetadata" => Some(Self::Metadata),
                _ => None,
            },
            _ => None,
        }
    }

    fn evaluation(version: Version, method: &str) -> Option<Self> {
        let kind = match method {
            "ResolveBoolean" => Kind::Boolean,
            "ResolveString" => Kind::Text,
            "ResolveFloat" => Kind::Float,
            "ResolveInt" => Kind::Int,
            "ResolveObject" => Kind::Object,
            "EventStream" => return Some(Self::Events),
            _ => return None,
        };
        Some(Self::One(version, kind))
    }

    /// Whether it answers with a stream.
    pub(super) fn streams(self) -> bool {
        matches!(self, Self::Events | Self::Sync)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::access::routes::OTHERS;

    /// Whatever is added here must be added there, where the tests of who may do what find it.
    #[test]
    fn every_call_stands_in_the_table_of_routes() {
        let source = include_str!("method.rs");
        let code = source.split("#[cfg(test)]").next().unwrap();
        let quoted: BTreeSet<&str> = code.split('"').skip(1).step_by(2).collect();
        let (services, methods): (Vec<&str>, Vec<&str>) = quoted.into_iter().partition(|text| text.contains('.'));
        let paths =
            services.iter().flat_map(|service| methods.iter().map(move |method| format!("/{service}/{method}")));
        let calls: BTreeSet<String> = paths.filter(|path| Method::of(path).is_some()).collect();
        let listed = OTHERS.iter().map(|(_, path, _)| *path).filter(|path| path.starts_with("/flagd."));
        assert_eq!(calls, listed.map(str::to_owned).collect());
    }

    #[test]
    fn only_whole_names_count() {
        let v2 = Method::of("/flagd.evaluation.v2.Service/ResolveInt");
        assert_eq!(v2, Some(Method::One(Version::Two, Kind::Int)));
        assert_eq!(Method::of("/flagd.evaluation.v1.Service/ResolveAll"), Some(Method::All));
        for wrong in [
            "/flagd.evaluation.v2.Service/ResolveAll",
            "/flagd.evaluation.v1.Service/resolveInt",
            "/flagd.evaluation.v1.Service",
            "/flagd.sync.v1.FlagSyncService/SyncFlags/",
            "//flagd.sync.v1.FlagSyncService/SyncFlags",
            "/",
            "",
        ] {
            assert_eq!(Method::of(wrong), None, "{wrong}");
        }
    }
}
