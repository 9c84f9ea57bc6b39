//! Tenants and environments.

use utoipa::ToSchema;

use super::Stamps;

/// A tenant.
#[derive(ToSchema)]
pub(crate) struct Tenant {
    key: String,
    #[schema(nullable = false)]
    name: Option<String>,
    stamps: Stamps,
}

/// A tenant to create.
#[derive(ToSchema)]
pub(crate) struct NewTenant {
    #[schema(min_length = 1, max_length = 512)]
    key: String,
    name: Option<String>,
}

/// What to change of a tenant.
#[derive(ToSchema)]
pub(crate) struct TenantPatch {
    name: Option<String>,
}

/// A page of tenants.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct TenantList {
    items: Vec<Tenant>,
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// An environment.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Environment {
    key: String,
    #[schema(nullable = false)]
    name: Option<String>,
    protected: bool,
    /// Which version of flagd's bucketing `fractional` follows.
    #[schema(minimum = 2, maximum = 3)]
    fractional_version: u64,
    stamps: Stamps,
}

/// An environment to create.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct NewEnvironment {
    #[schema(min_length = 1, max_length = 512)]
    key: String,
    name: Option<String>,
    protected: Option<bool>,
    /// Which version of flagd's bucketing `fractional` follows; 2 unless given.
    #[schema(minimum = 2, maximum = 3)]
    fractional_version: Option<u64>,
}

/// What to change of an environment.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct EnvironmentPatch {
    name: Option<String>,
    protected: Option<bool>,
    /// Moves users between variants. Null means 2.
    #[schema(minimum = 2, maximum = 3)]
    fractional_version: Option<u64>,
}

/// A page of environments.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct EnvironmentList {
    items: Vec<Environment>,
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}
