//! `token`: who may ask, created, listed and revoked.

use burgee_model::{SYSTEM_TENANT, TokenId, TokenKind};
use clap::{Args, Subcommand, builder::PossibleValuesParser};
use serde_json::{Value as Json, json};

use super::{
    Failure, Output, Target,
    client::{Body, segment},
    output, values,
};

/// `burgee token`
#[derive(Subcommand, Debug)]
#[command(after_help = "Examples:
  burgee token create shop --kind server --environment development
  burgee token list")]
pub(super) enum Token {
    /// Create a token and print its text, which is never shown again
    Create(Create),
    /// List the tokens that are in force
    List(List),
    /// Revoke a token
    Revoke(Revoke),
}

/// `burgee token create`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  burgee token create shop --kind server --environment development
  burgee token create web --kind client --environment production --expires-at 2027-01-31T12:00:00Z
  burgee token create operations --kind admin --root")]
pub(super) struct Create {
    /// A name for people
    name: String,
    /// What it is for
    #[arg(long, value_parser = PossibleValuesParser::new(TokenKind::ALL.map(TokenKind::name)))]
    kind: String,
    /// Bind it to an environment; may be given more than once
    #[arg(long = "environment", value_parser = values::key)]
    environments: Vec<String>,
    /// From when on it is not known any more, e.g. 2027-01-31T12:00:00Z
    #[arg(long, value_name = "INSTANT")]
    expires_at: Option<String>,
    #[command(flatten)]
    of: Whose,
}

/// `burgee token list`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  burgee token list
  burgee token list --root --output json")]
pub(super) struct List {
    #[command(flatten)]
    of: Whose,
}

/// `burgee token revoke`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  burgee token list | awk '$6 == \"shop\" {print $1}' | xargs -n 1 burgee token revoke")]
pub(super) struct Revoke {
    /// The token's id, as the list shows it
    id: String,
    #[command(flatten)]
    of: Whose,
}

/// Whose tokens are meant.
#[derive(Args, Debug)]
struct Whose {
    /// Those of admins who are bound to no tenant
    #[arg(long)]
    root: bool,
    #[command(flatten)]
    target: Target,
}

impl Whose {
    fn path(&self) -> String {
        let tenant = if self.root { SYSTEM_TENANT } else { &self.target.tenant };
        format!("/api/v1/tenants/{}/tokens", segment(tenant))
    }
}

impl Token {
    pub(super) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::Create(command) => command.run(),
            Self::List(command) => command.run(),
            Self::Revoke(command) => command.run(),
        }
    }
}

impl Create {
    fn run(&self) -> Result<(), Failure> {
        let mut body = json!({ "name": self.name, "kind": self.kind });
        if !self.environments.is_empty() {
            body["environments"] = json!(self.environments);
        }
        if let Some(deadline) = &self.expires_at {
            body["expiresAt"] = json!(deadline);
        }
        let body = body.to_string();
        let target = &self.of.target;
        let answer = target.expect("POST", &self.of.path(), Some(&Body::json(body.as_bytes())))?;
        match target.output {
            Output::Json => output::line(&String::from_utf8_lossy(&answer.body)),
            // alone on its line, so that a script can keep it
            Output::Text => output::line(answer.json()?["token"].as_str().unwrap_or_default()),
        }
    }
}

impl List {
    fn run(&self) -> Result<(), Failure> {
        let target = &self.of.target;
        let items = target.list(&self.of.path(), "")?;
        if target.output == Output::Json {
            return output::line(&Json::Array(items).to_string());
        }
        let rows: Vec<Vec<String>> = items.iter().map(row).collect();
        if rows.is_empty() { Ok(()) } else { output::line(&output::table(&rows)) }
    }
}

/// Id, kind, prefix, environments, deadline and name.
fn row(token: &Json) -> Vec<String> {
    let text = |name: &str| token.get(name).and_then(Json::as_str).unwrap_or("-").to_owned();
    let environments = token.get("environments").and_then(Json::as_array).into_iter().flatten();
    let environments: Vec<&str> = environments.filter_map(Json::as_str).collect();
    let bound = if environments.is_empty() { "all".to_owned() } else { environments.join(",") };
    vec![text("id"), text("kind"), text("prefix"), bound, text("expiresAt"), text("name")]
}

impl Revoke {
    fn run(&self) -> Result<(), Failure> {
        let id: TokenId = self.id.parse().map_err(|error| Failure::Usage(format!("id: {error}")))?;
        self.of.target.expect("DELETE", &format!("{}/{id}", self.of.path()), None)?;
        output::line("Token revoked.")
    }
}
