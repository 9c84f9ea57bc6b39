//! The manifest of OpenFeature's command line.

use serde_json::Value as Json;
use utoipa::ToSchema;

/// The type of a flag's values.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum ManifestType {
    Boolean,
    String,
    Integer,
    Float,
    Object,
}

/// A flag as code generators want it.
#[derive(ToSchema)]
pub(crate) struct ManifestFlag {
    key: String,
    #[schema(nullable = false)]
    name: Option<String>,
    r#type: ManifestType,
    #[schema(nullable = false)]
    description: Option<String>,
    /// What the default variant has; without one, false or the first variant's value.
    #[schema(rename = "defaultValue")]
    default_value: Json,
}

/// All flags.
#[derive(ToSchema)]
pub(crate) struct Manifest {
    flags: Vec<ManifestFlag>,
}

/// A flag to create.
#[derive(ToSchema)]
pub(crate) struct NewManifestFlag {
    #[schema(min_length = 1, max_length = 512)]
    key: String,
    r#type: ManifestType,
    #[schema(max_length = 512)]
    name: Option<String>,
    #[schema(max_length = 4096)]
    description: Option<String>,
    #[schema(rename = "defaultValue")]
    default_value: Json,
}

/// What a flag is to become.
#[derive(ToSchema)]
pub(crate) struct ManifestFlagChange {
    /// The same as in the path.
    #[schema(min_length = 1, max_length = 512)]
    key: String,
    /// The same as before.
    r#type: ManifestType,
    #[schema(max_length = 512)]
    name: Option<String>,
    #[schema(max_length = 4096)]
    description: Option<String>,
    #[schema(rename = "defaultValue")]
    default_value: Option<Json>,
}

/// A flag that was written.
#[derive(ToSchema)]
pub(crate) struct ManifestFlagShown {
    flag: ManifestFlag,
    #[schema(rename = "updatedAt", format = DateTime)]
    updated_at: String,
}

/// A flag that was deleted.
#[derive(ToSchema)]
pub(crate) struct ManifestFlagGone {
    message: String,
    #[schema(rename = "archivedAt", format = DateTime)]
    archived_at: String,
}

/// Why a request was refused.
#[derive(ToSchema)]
pub(crate) struct ManifestProblem {
    error: ManifestError,
}

/// The same in words and as a status, with each fault's place.
#[derive(ToSchema)]
pub(crate) struct ManifestError {
    message: String,
    status: u16,
    details: Vec<ManifestFault>,
}

/// One fault.
#[derive(ToSchema)]
pub(crate) struct ManifestFault {
    field: String,
    code: String,
    message: String,
}
