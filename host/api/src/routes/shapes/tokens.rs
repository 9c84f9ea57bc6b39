//! Tokens and sessions.

use utoipa::ToSchema;

/// What a token is for: `server` and `client` evaluate, the others are roles.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum TokenKind {
    Server,
    Client,
    Viewer,
    Editor,
    Operator,
    Admin,
}

/// A token, its text aside.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Token {
    /// 32 hex digits.
    id: String,
    name: String,
    /// What its text begins with.
    prefix: String,
    kind: TokenKind,
    /// What it is bound to; empty is bound to none.
    environments: Vec<String>,
    created_at: String,
    created_by: String,
    #[schema(nullable = false)]
    expires_at: Option<String>,
    /// On the node that answers and on the live ones that it reached, on each since its start.
    #[schema(nullable = false)]
    last_used_at: Option<String>,
}

/// A token, with its text.
#[derive(ToSchema)]
pub(crate) struct CreatedToken {
    #[serde(flatten)]
    known: Token,
    /// Shown this once.
    token: String,
}

/// A token to create.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct NewToken {
    #[schema(min_length = 1, max_length = 512)]
    name: String,
    kind: TokenKind,
    /// Binds it to these; without it, it is for all.
    #[schema(min_items = 1, max_items = 100)]
    environments: Option<Vec<String>>,
    /// An instant, RFC 3339.
    expires_at: Option<String>,
}

/// A page of tokens.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct TokenList {
    items: Vec<Token>,
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// Who logs in.
#[derive(ToSchema)]
pub(crate) struct NewSession {
    /// A token with a role.
    token: String,
}

/// Who is logged in.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(crate) struct Session {
    kind: TokenKind,
    /// Absent where it is bound to none.
    #[schema(nullable = false)]
    tenant: Option<String>,
    environments: Vec<String>,
    /// Whether the node asks for a login at all.
    login: bool,
    /// What writes show in `X-CSRF-Token`; only where a cookie stands for the token.
    #[schema(nullable = false)]
    csrf_token: Option<String>,
    #[schema(nullable = false)]
    expires_at: Option<String>,
}
