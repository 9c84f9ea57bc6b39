//! `/openapi.json`: the API's description, collected from the handlers.

use axum::body::Bytes;
use utoipa::{
    OpenApi,
    openapi::{
        OpenApi as Document, SecurityRequirement,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

#[derive(OpenApi)]
#[openapi(info(
    title = "Burgee",
    description = "Feature flags and runtime configuration: the admin API, and evaluation by OFREP.",
    license(name = "Apache-2.0", identifier = "Apache-2.0")
))]
struct Base;

/// What every route's description is added to.
pub(crate) fn base() -> Document {
    let mut document = Base::openapi();
    let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    let key = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-API-Key")));
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("bearer", bearer);
    components.add_security_scheme("apiKey", key);
    document.security = Some(vec![SecurityRequirement::new("bearer", [""; 0])]);
    document
}

/// The document as it is served. The router writes the rest of a path as `{*key}`, OpenAPI knows `{key}` only.
pub(crate) fn render(mut document: Document) -> Bytes {
    let paths = std::mem::take(&mut document.paths.paths);
    document.paths.paths = paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
    document.to_json().unwrap_or_default().into()
}
