//! `eval` and `flag`: flags of an environment.

use burgee_model::json::{self, Bounds};
use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use super::{
    Failure, Output, Target,
    client::{Body, Condition, segment},
    flag_edit::{FlagCreate, FlagShow, FlagTargeting},
    output, values,
};

/// What a context may be; the node's own limits are far below.
const CONTEXT_BOUNDS: Bounds = Bounds { depth: 128, values: 100_000 };

/// `burgee eval`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  burgee eval new-checkout --context '{\"targetingKey\": \"user-1\"}'
  burgee eval new-checkout --env production --context '{\"email\": \"anna@burgee.example\"}' --explain")]
pub(super) struct Eval {
    /// The flag's key
    #[arg(value_parser = values::key)]
    flag: String,
    /// The evaluation context, a JSON object
    #[arg(long, default_value = "{}", value_name = "JSON")]
    context: String,
    /// As of when: RFC 3339 like 2026-11-26T14:05:00Z, a day, or milliseconds since 1970
    #[arg(long, value_name = "INSTANT")]
    at: Option<String>,
    /// Also say why: what each part of the rule gave, and which branch decided
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    target: Target,
}

/// `burgee flag …`
#[derive(Subcommand, Debug)]
#[command(after_help = "Examples:
  burgee flag list
  burgee flag on loyalty-points
  burgee flag kill recommendations --reason 'the service is slow'")]
pub(super) enum Flag {
    /// List the tenant's flags and their state in the environment
    List(FlagList),
    /// Show a flag: its variants, and its state and rule in each environment
    Show(FlagShow),
    /// Make a flag
    Create(FlagCreate),
    /// Enable a flag in the environment
    #[command(after_help = "Examples:
  burgee flag on loyalty-points --note 'the beta begins'")]
    On(FlagSwitch),
    /// Disable a flag in the environment
    #[command(after_help = "Examples:
  burgee flag off loyalty-points --env staging")]
    Off(FlagSwitch),
    /// Kill a flag in the environment: it answers as disabled until it is released
    #[command(after_help = "Examples:
  burgee flag kill recommendations --env production --reason 'the service is slow'")]
    Kill(FlagKill),
    /// Release a killed flag
    #[command(after_help = "Examples:
  burgee flag release recommendations --env production --note 'it is fast again'")]
    Release(FlagSwitch),
    /// Print, set or take away a flag's rule in the environment
    Targeting(FlagTargeting),
}

/// `burgee flag list`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  burgee flag list
  burgee flag list --env production --output json")]
pub(super) struct FlagList {
    #[command(flatten)]
    target: Target,
}

/// `burgee flag on|off|release`
#[derive(Args, Debug)]
pub(super) struct FlagSwitch {
    /// The flag's key
    #[arg(value_parser = values::key)]
    flag: String,
    /// A note for the history
    #[arg(long)]
    note: Option<String>,
    #[command(flatten)]
    condition: Condition,
    #[command(flatten)]
    target: Target,
}

/// `burgee flag kill`
#[derive(Args, Debug)]
pub(super) struct FlagKill {
    /// Why
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    switch: FlagSwitch,
}

impl Eval {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let context: Json = json::document(self.context.as_bytes(), CONTEXT_BOUNDS)
            .map_err(|e| Failure::Usage(format!("context: {e}")))?;
        let mut body = json!({ "flag": self.flag, "context": context });
        if self.explain {
            body["explain"] = true.into();
        }
        if let Some(at) = &self.at {
            body["at"] = at.parse::<u64>().map_or_else(|_| at.as_str().into(), Json::from);
        }
        let body = body.to_string();
        let path = format!("{}/evaluate", self.target.environment_path());
        let answer = self.target.expect("POST", &path, Some(&Body::json(body.as_bytes())))?;
        let item = answer.json()?;
        if self.target.output == Output::Json {
            output::line(&item.to_string())?;
        }
        if let Some(code) = item.get("errorCode").and_then(Json::as_str) {
            let details = item.get("errorDetails").and_then(Json::as_str).unwrap_or_default();
            return Err(Failure::Refused(format!("{code}: {details}")));
        }
        if self.target.output == Output::Text {
            output::line(&in_words(&item))?;
            explanation(&item["explain"], 0).iter().try_for_each(|line| output::line(line))?;
            if item["complete"] == false {
                output::error("incomplete: of some of what was read, only its state of today is known");
            }
        }
        Ok(())
    }
}

/// One line for each operation that was looked at, indented as they nest: `== /if/0  true`.
fn explanation(node: &Json, level: usize) -> Vec<String> {
    let Some(operator) = node.get("operator").and_then(Json::as_str) else { return Vec::new() };
    let text = |name: &str| node.get(name).and_then(Json::as_str).unwrap_or_default();
    let value = node.get("value").map_or_else(|| text("error").to_owned(), ToString::to_string);
    let more = match (node.get("bucket"), node.get("of"), node.get("segment"), node.get("flag")) {
        (Some(bucket), Some(of), ..) => format!("  bucket {bucket} of {of}"),
        (_, _, Some(name), _) | (_, _, _, Some(name)) => format!("  {name}"),
        _ => String::new(),
    };
    let line = format!("{}{operator} {}  {value}{more}", "  ".repeat(level), text("path"));
    let operands = node.get("operands").and_then(Json::as_array).into_iter().flatten();
    std::iter::once(line).chain(operands.flat_map(|operand| explanation(operand, level + 1))).collect()
}

/// `true  on  TARGETING_MATCH`; where the application takes its own default, `-` stands for the value.
fn in_words(item: &Json) -> String {
    let text = |name: &str| item.get(name).and_then(Json::as_str).unwrap_or("-").to_owned();
    let value = item.get("value").map_or_else(|| "-".to_owned(), ToString::to_string);
    output::table(&[vec![value, text("variant"), text("reason")]])
}

impl Flag {
    pub(super) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::List(list) => list.run(),
            Self::Show(show) => show.run(),
            Self::Create(create) => create.run(),
            Self::Targeting(targeting) => targeting.run(),
            Self::On(switch) => switch.patch(json!({ "state": "ENABLED" }), "enabled"),
            Self::Off(switch) => switch.patch(json!({ "state": "DISABLED" }), "disabled"),
            Self::Release(switch) => switch.patch(json!({ "kill": false }), "released"),
            Self::Kill(kill) => {
                let mut change = json!({ "kill": true });
                if let Some(reason) = &kill.reason {
                    change["reason"] = json!(reason);
                }
                kill.switch.patch(change, "killed")
            }
        }
    }
}

impl FlagSwitch {
    fn patch(&self, mut change: Json, done: &str) -> Result<(), Failure> {
        if let Some(note) = &self.note {
            change["note"] = json!(note);
        }
        let target = &self.target;
        let path =
            format!("{}/flags/{}/environments/{}", target.tenant_path(), segment(&self.flag), segment(&target.env));
        let change = change.to_string();
        let body = Body::json(change.as_bytes());
        let answer = target.expect_with("PATCH", &path, Some(&body), &self.condition.headers())?;
        match target.output {
            Output::Json => output::line(&String::from_utf8_lossy(&answer.body)),
            // whoever turns on what stays off must hear of it
            Output::Text if done == "enabled" && answer.json()?["kill"] == true => output::line(&format!(
                "Flag enabled in {}, but it is killed: it answers as disabled until it is released.",
                target.env
            )),
            Output::Text => output::line(&format!("Flag {done} in {}.", target.env)),
        }
    }
}

/// What a flag's part in an environment says of it.
pub(super) fn state(here: &Json) -> &'static str {
    match (here["kill"].as_bool(), here["state"].as_str()) {
        (Some(true), _) => "killed",
        (_, Some("ENABLED")) => "on",
        _ => "off",
    }
}

impl FlagList {
    pub(super) fn run(&self) -> Result<(), Failure> {
        // a flag that is not configured reads as off, and so would every flag in an environment that is not there
        self.target.expect("GET", &self.target.environment_path(), None)?;
        let items = self.target.list(&format!("{}/flags", self.target.tenant_path()), "")?;
        if self.target.output == Output::Json {
            return output::line(&Json::Array(items).to_string());
        }
        let rows: Vec<Vec<String>> = items.iter().map(|flag| self.row(flag)).collect();
        if rows.is_empty() { Ok(()) } else { output::line(&output::table(&rows)) }
    }

    fn row(&self, flag: &Json) -> Vec<String> {
        let here = &flag["environments"][&self.target.env];
        let text = |value: &Json| value.as_str().unwrap_or("-").to_owned();
        let rule = if here["targeting"].is_object() { "rule" } else { "-" };
        vec![
            text(&flag["key"]),
            state(here).to_owned(),
            text(&here["defaultVariant"]),
            rule.to_owned(),
            text(&flag["name"]),
        ]
    }
}
