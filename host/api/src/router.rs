//! Puts the routes together, each group behind what it needs.

use std::{any::Any, sync::Arc};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderValue, header},
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tower::ServiceBuilder;
use tower_http::{
    CompressionLevel,
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer,
        predicate::{NotForContentType, Predicate, SizeAbove},
    },
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    set_header::SetResponseHeaderLayer,
    trace::{DefaultOnFailure, DefaultOnResponse, TraceLayer},
};
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt},
    routes,
};

use crate::{
    access::{self, Source},
    error::ApiError,
    grpc,
    http::{Api, cors, guard, query::Params, reply},
    ofrep, openapi,
    routes::{
        backup, cluster, config, conflicts, entries, environments, evaluate, flag_in, flagd, flags, guests, health,
        history, manifest, metrics, rollouts, segments, session, tenants, tokens, watch,
    },
    state::ApiState,
    ui::{self, UiAssets},
};

/// Bodies from this size on are compressed for clients that take it.
const COMPRESSED_BYTES_MIN: u64 = 1024;
/// The same for bulk evaluations, which must be quick before they are small.
const COMPRESSED_BULK_BYTES_MIN: u64 = 16 * 1024;
/// Paths that are the API's, whether or not there is a route.
const API_PATHS: [&str; 6] = ["/api", "/ofrep", "/e", "/openfeature", "/metrics", "/openapi.json"];

/// What a node serves, by port.
pub struct Routers {
    /// The admin API, OFREP, health, the API's description, and the dashboard.
    pub http: Router,
    /// flagd's services.
    pub grpc: Router,
}

/// Every route of a node.
pub fn routers(state: ApiState, ui: UiAssets) -> Routers {
    let api = Arc::new(Api::new(state));
    access::last_use::tell(&api.access, &*api.status);
    Routers { grpc: grpc::router(&api), http: http_router(api, ui) }
}

fn http_router(api: Arc<Api>, ui: UiAssets) -> Router {
    let (plain, described) = OpenApiRouter::with_openapi(openapi::base()).merge(documents()).split_for_parts();
    let (raw, of_raw) = OpenApiRouter::with_openapi(described).merge(raw_bodies()).split_for_parts();
    let (manifest, of_manifest) = OpenApiRouter::with_openapi(of_raw).merge(manifest_routes()).split_for_parts();
    let (open, of_open) = OpenApiRouter::with_openapi(of_manifest).merge(health_routes()).split_for_parts();
    let (login, of_login) = OpenApiRouter::with_openapi(of_open).merge(login_route()).split_for_parts();
    let (evaluation, whole) = OpenApiRouter::with_openapi(of_login).merge(ofrep_routes()).split_for_parts();
    let description = openapi::render(whole);
    let plain = plain
        .route("/openapi.json", get(move |_: Params<()>| describe(description)))
        .layer(from_fn_with_state(api.clone(), guard::counted))
        .layer(compression(COMPRESSED_BYTES_MIN))
        .layer(from_fn(reply::weak_where_encoded));
    let raw = raw.layer(from_fn_with_state(api.clone(), guard::counted));
    let manifest = manifest.layer(from_fn_with_state(api.clone(), guard::counted));
    let admin = behind_the_token(plain.merge(raw), &api);
    // its errors are read back to be written as its clients expect them: compressed after that
    let manifest = behind_the_token(manifest, &api).layer(from_fn(manifest::in_its_shape));
    let all = admin
        .merge(manifest.layer(compression(COMPRESSED_BYTES_MIN)))
        .merge(open)
        .merge(login.layer(from_fn_with_state(api.clone(), guard::in_time)).layer(from_fn(no_sniffing)))
        .merge(evaluation.method_not_allowed_fallback(ofrep::other_method).layer(cors::evaluation(api.auth.open)))
        .fallback(move |state: State<Arc<Api>>, request: Request| fallback(state, ui, request))
        .method_not_allowed_fallback(other_method);
    let all = if api.auth.open { all.layer(from_fn_with_state(api.clone(), guard::open_to_loopback)) } else { all };
    let all = if api.http.tls { all.layer(by_tls_from_now_on()) } else { all };
    all.layer(CatchPanicLayer::custom(panicked)).with_state(api)
}

/// Has browsers ask for this host by TLS alone, for a year.
fn by_tls_from_now_on() -> SetResponseHeaderLayer<HeaderValue> {
    let year = HeaderValue::from_static("max-age=31536000");
    SetResponseHeaderLayer::if_not_present(header::STRICT_TRANSPORT_SECURITY, year)
}

/// Routes whose bodies are documents.
fn documents() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(tenants::list_tenants, tenants::create_tenant))
        .routes(routes!(tenants::get_tenant, tenants::patch_tenant, tenants::delete_tenant))
        .routes(routes!(environments::list_environments, environments::create_environment))
        .routes(routes!(
            environments::get_environment,
            environments::patch_environment,
            environments::delete_environment
        ))
        .routes(routes!(flags::list_flags, flags::create_flag))
        .routes(routes!(flags::get_flag, flags::patch_flag, flags::delete_flag))
        .routes(routes!(flag_in::get_flag_in, flag_in::patch_flag_in))
        .routes(routes!(segments::list_segments, segments::create_segment))
        .routes(routes!(segments::get_segment, segments::patch_segment, segments::delete_segment))
        .routes(routes!(guests::list_guests))
        // the handler has a limit of its own
        .routes(routes!(guests::get_guest, guests::put_guest, guests::delete_guest).layer(DefaultBodyLimit::disable()))
        .routes(routes!(flagd::get_flagd, flagd::put_flagd))
        .routes(routes!(evaluate::evaluate))
        .routes(routes!(config::list_config, config::purge_config))
        .routes(routes!(rollouts::list_rollouts))
        .routes(routes!(rollouts::get_rollout, rollouts::start_rollout, rollouts::act_on_rollout))
        .routes(routes!(history::list_history))
        .routes(routes!(history::restore))
        .routes(routes!(conflicts::list_conflicts))
        .routes(routes!(conflicts::dismiss_conflict))
        .routes(routes!(tokens::list_tokens, tokens::create_token))
        .routes(routes!(tokens::get_token, tokens::revoke_token))
        .routes(routes!(session::get_session, session::close_session))
        .routes(routes!(cluster::get_cluster))
        .routes(routes!(cluster::forget_node))
        .routes(routes!(metrics::get_metrics))
}

/// Routes whose bodies are bytes as they are, or streams: never compressed.
fn raw_bodies() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(entries::get_entry, config::put_entry, config::delete_entry))
        .routes(routes!(watch::watch_environment))
        .routes(routes!(watch::watch_tenant))
        .routes(routes!(cluster::watch_cluster))
        .routes(routes!(backup::get_backup))
}

/// OpenFeature's manifest on both paths.
fn manifest_routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(manifest::get_manifest))
        .routes(routes!(manifest::get_manifest_in))
        .routes(routes!(manifest::create_manifest_flag))
        .routes(routes!(manifest::create_manifest_flag_in))
        .routes(routes!(manifest::update_manifest_flag, manifest::delete_manifest_flag))
        .routes(routes!(manifest::update_manifest_flag_in, manifest::delete_manifest_flag_in))
}

fn health_routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new().routes(routes!(health::healthz)).routes(routes!(health::readyz))
}

/// Logging in needs no token yet.
fn login_route() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new().routes(routes!(session::open_session))
}

/// OFREP on both paths; all flags with a trailing slash too. Nothing that costs stands before one flag.
fn ofrep_routes() -> OpenApiRouter<Arc<Api>> {
    let bulk = OpenApiRouter::new()
        .routes(routes!(ofrep::bulk))
        .routes(routes!(ofrep::bulk_in))
        .route("/ofrep/v1/evaluate/flags/", post(ofrep::bulk))
        .route("/e/{tenant}/{environment}/ofrep/v1/evaluate/flags/", post(ofrep::bulk_in))
        .layer(compression(COMPRESSED_BULK_BYTES_MIN));
    bulk.routes(routes!(ofrep::single)).routes(routes!(ofrep::single_in)).routes(routes!(ofrep::events))
}

fn compression(min_bytes: u64) -> CompressionLayer<impl Predicate> {
    let when = SizeAbove::new(min_bytes).and(NotForContentType::SSE);
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(when)
}

/// Traced, authorised, in time; in this order from the outside.
fn behind_the_token(routes: Router<Arc<Api>>, api: &Arc<Api>) -> Router<Arc<Api>> {
    let trace = TraceLayer::new_for_http()
        .make_span_with(|request: &Request| {
            let id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
            tracing::debug_span!("request", method = %request.method(), path = request.uri().path(), id)
        })
        .on_request(())
        .on_response(DefaultOnResponse::new().level(tracing::Level::DEBUG))
        .on_failure(DefaultOnFailure::new().level(tracing::Level::DEBUG));
    let layers = ServiceBuilder::new()
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(trace)
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(from_fn(no_sniffing))
        .layer(from_fn_with_state(api.clone(), guard::admin))
        .layer(from_fn_with_state(api.clone(), guard::in_time));
    routes.method_not_allowed_fallback(other_method).layer(layers)
}

/// Answers are documents: no browser is to guess otherwise, to run them, or to show them in a frame.
async fn no_sniffing(request: Request, next: axum::middleware::Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let policy = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    response
}

/// Stands within each group's layers, so that it needs what the group needs.
async fn other_method() -> ApiError {
    ApiError::MethodNotAllowed
}

async fn describe(description: Bytes) -> Response {
    reply::bytes_of(http::StatusCode::OK, description, "application/json")
}

/// Paths without a route: the API's are refused, all others are the dashboard's.
async fn fallback(State(api): State<Arc<Api>>, ui: UiAssets, request: Request) -> Response {
    let path = request.uri().path();
    let of_api = API_PATHS
        .iter()
        .any(|prefix| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')));
    if !of_api {
        return ui::serve(&ui, &request);
    }
    match access::authenticate(&api, request.headers(), request.extensions(), Source::BearerOrKey) {
        Ok(_) => ApiError::NoRoute.into_response(),
        Err(error) => {
            access::hold(&api, error.is_held()).await;
            error.into_response()
        }
    }
}

/// The last resort: a fault of ours costs one request, not the connection.
#[allow(clippy::needless_pass_by_value, reason = "the layer hands the panic over")]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    ApiError::Internal(format!("a handler panicked: {}", text.unwrap_or("unknown"))).into_response()
}
