//! `flag show`, `flag create` and `flag targeting`: one flag, and its rule in an environment.

use std::path::PathBuf;

use burgee_model::json::{self, Bounds};
use clap::Args;
use serde_json::{Map, Value as Json, json};

use super::{
    Failure, Output, Target,
    client::{Body, Condition, segment},
    flags, output, values,
};

/// What a document may be before a node is asked; its own limits are below.
const BOUNDS: Bounds = Bounds { depth: 512, values: 1_000_000 };

/// `burgee flag show`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  burgee flag show new-checkout
  burgee flag show new-checkout --env production --output json")]
pub(super) struct FlagShow {
    /// The flag's key
    #[arg(value_parser = values::key)]
    flag: String,
    #[command(flatten)]
    target: Target,
}

/// `burgee flag create`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  burgee flag create dark-mode --name 'Dark mode'
  burgee flag create theme --variants '{\"light\": \"#fff\", \"dark\": \"#000\"}' --default light --on")]
pub(super) struct FlagCreate {
    /// The flag's key
    #[arg(value_parser = values::key)]
    flag: String,
    /// Its variants: a JSON object of values of one type
    #[arg(long, value_name = "JSON", default_value = r#"{"on": true, "off": false}"#)]
    variants: String,
    /// The variant that it answers in the environment where no rule decides; `off` where there is one of that name
    #[arg(long, value_name = "VARIANT")]
    default: Option<String>,
    /// Enable it in the environment: else it is off until `flag on`
    #[arg(long)]
    on: bool,
    /// What people call it
    #[arg(long)]
    name: Option<String>,
    /// What it is for
    #[arg(long)]
    description: Option<String>,
    /// A tag; may be given several times
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// A note for the history
    #[arg(long)]
    note: Option<String>,
    #[command(flatten)]
    target: Target,
}

/// `burgee flag targeting`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  burgee flag targeting new-checkout
  burgee flag targeting new-checkout --rule '{\"if\": [{\"==\": [{\"var\": \"plan\"}, \"pro\"]}, \"on\", \"off\"]}'
  burgee flag targeting new-checkout --file rule.json --env staging
  burgee flag targeting new-checkout --clear")]
pub(super) struct FlagTargeting {
    /// The flag's key
    #[arg(value_parser = values::key)]
    flag: String,
    /// The rule that the flag goes by from now on, as JSON. Without any of these options the present one is printed
    #[arg(long, value_name = "JSON", group = "change")]
    rule: Option<String>,
    /// The same from a file; `-` is stdin
    #[arg(long, value_name = "FILE", group = "change")]
    file: Option<PathBuf>,
    /// Take the rule away: the flag answers its default variant
    #[arg(long, group = "change")]
    clear: bool,
    /// A note for the history
    #[arg(long, requires = "change")]
    note: Option<String>,
    #[command(flatten)]
    condition: Condition,
    #[command(flatten)]
    target: Target,
}

fn document(what: &str, bytes: &[u8]) -> Result<Json, Failure> {
    json::document(bytes, BOUNDS).map_err(|error| Failure::Usage(format!("{what}: {error}")))
}

fn flag_path(target: &Target, flag: &str) -> String {
    format!("{}/flags/{}", target.tenant_path(), segment(flag))
}

impl FlagShow {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let answer = self.target.expect("GET", &flag_path(&self.target, &self.flag), None)?;
        match self.target.output {
            Output::Json => output::line(&String::from_utf8_lossy(&answer.body)),
            Output::Text => in_words(&answer.json()?).iter().try_for_each(|line| output::line(line)),
        }
    }
}

/// What a flag is, then a line for each variant, each environment and each problem.
fn in_words(flag: &Json) -> Vec<String> {
    let text = |value: &Json| value.as_str().unwrap_or("-").to_owned();
    let tags: Vec<&str> = flag["tags"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
    let mut about = vec![vec!["key".to_owned(), text(&flag["key"])]];
    for member in ["name", "description"] {
        about.extend(flag[member].is_string().then(|| vec![member.to_owned(), text(&flag[member])]));
    }
    about.extend((!tags.is_empty()).then(|| vec!["tags".to_owned(), tags.join(", ")]));
    let each = |member: &str| flag[member].as_object().into_iter().flatten().collect::<Vec<_>>();
    about.extend(each("variants").into_iter().map(|(name, value)| vec![format!("variant {name}"), value.to_string()]));
    let mut lines = vec![output::table(&about)];
    for (name, here) in each("environments") {
        lines.push(format!("in {name}: {}, default {}", flags::state(here), text(&here["defaultVariant"])));
        lines.extend(here["targeting"].is_object().then(|| format!("  {}", here["targeting"])));
    }
    let problems = flag["problems"].as_array().into_iter().flatten();
    lines.extend(problems.map(|problem| format!("problem: {}", text(&problem["message"]))));
    lines
}

impl FlagCreate {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let variants = document("variants", self.variants.as_bytes())?;
        let Some(names) = variants.as_object() else {
            return Err(Failure::Usage("variants: a JSON object of at least one variant".to_owned()));
        };
        let default = self.default.as_deref().or_else(|| names.contains_key("off").then_some("off"));
        let state = if self.on { "ENABLED" } else { "DISABLED" };
        let mut here = Map::from_iter([("state".to_owned(), json!(state))]);
        here.extend(default.map(|default| ("defaultVariant".to_owned(), json!(default))));
        let mut flag = json!({ "key": self.flag, "environments": { self.target.env.clone(): here } });
        let texts = [("name", &self.name), ("description", &self.description), ("note", &self.note)];
        for (member, text) in texts {
            if let Some(text) = text {
                flag[member] = json!(text);
            }
        }
        if !self.tags.is_empty() {
            flag["tags"] = json!(self.tags);
        }
        flag["variants"] = variants;
        let (path, body) = (format!("{}/flags", self.target.tenant_path()), flag.to_string());
        let answer = self.target.expect("POST", &path, Some(&Body::json(body.as_bytes())))?;
        match self.target.output {
            Output::Json => output::line(&String::from_utf8_lossy(&answer.body)),
            Output::Text => {
                let state = if self.on { "on" } else { "off" };
                output::line(&format!("Flag created, {state} in {}.", self.target.env))
            }
        }
    }
}

impl FlagTargeting {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let path = format!("{}/environments/{}", flag_path(&self.target, &self.flag), segment(&self.target.env));
        let rule = match (&self.rule, &self.file) {
            (Some(rule), _) => rule.clone().into_bytes(),
            (_, Some(file)) => values::file(file)?,
            _ if self.clear => b"null".to_vec(),
            _ => return self.show(&path),
        };
        let rule = document("rule", &rule)?;
        if !rule.is_object() && !self.clear {
            return Err(Failure::Usage("rule: a rule is a JSON object; `--clear` takes it away".to_owned()));
        }
        let mut change = json!({ "targeting": rule });
        if let Some(note) = &self.note {
            change["note"] = json!(note);
        }
        let (body, headers) = (change.to_string(), self.condition.headers());
        let answer = self.target.expect_with("PATCH", &path, Some(&Body::json(body.as_bytes())), &headers)?;
        let done = if self.clear { "Rule taken away" } else { "Rule stored" };
        match self.target.output {
            Output::Json => output::line(&String::from_utf8_lossy(&answer.body)),
            Output::Text => output::line(&format!("{done} in {}.", self.target.env)),
        }
    }

    fn show(&self, path: &str) -> Result<(), Failure> {
        let here = self.target.expect("GET", path, None)?.json()?;
        if here["targeting"].is_object() {
            return output::line(&format!("{:#}", here["targeting"]));
        }
        Err(Failure::Refused(format!("The flag has no rule in {}.", self.target.env)))
    }
}
