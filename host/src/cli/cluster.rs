//! `cluster status` and `cluster forget`.

use burgee_model::NodeId;
use clap::{Args, Subcommand};
use serde_json::Value as Json;

use super::{Failure, Output, Target, client::segment, output};

const PATH: &str = "/api/v1/cluster";

/// Members of the answer that are shown where they are not 0.
const LEFT_OUT: [(&str, &str); 2] =
    [("versionsUnknown", "unknown versions left out"), ("versionsInvalid", "versions against the rules left out")];

/// `burgee cluster …`
#[derive(Subcommand, Debug)]
#[command(after_help = "Examples:
  burgee cluster status
  burgee cluster forget --gone")]
pub(super) enum Cluster {
    /// Show the nodes, as the asked node sees them
    Status(Status),
    /// Forget nodes that will not return: deletions are then collected without waiting for them
    Forget(Forget),
}

/// `burgee cluster status`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  burgee cluster status
  burgee cluster status --output json")]
pub(super) struct Status {
    #[command(flatten)]
    target: Target,
}

/// `burgee cluster forget`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  burgee cluster forget b
  burgee cluster forget --gone")]
pub(super) struct Forget {
    /// The node's name, or its id where several had the name
    #[arg(value_name = "NAME|ID", required_unless_present = "gone")]
    node: Option<String>,
    /// All nodes that the asked node does not reach
    #[arg(long, conflicts_with = "node")]
    gone: bool,
    #[command(flatten)]
    target: Target,
}

impl Cluster {
    pub(super) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::Status(status) => status.run(),
            Self::Forget(forget) => forget.run(),
        }
    }
}

fn nodes(cluster: &Json) -> &[Json] {
    cluster["nodes"].as_array().map_or(&[], Vec::as_slice)
}

impl Status {
    fn run(&self) -> Result<(), Failure> {
        let answer = self.target.expect("GET", PATH, None)?;
        match self.target.output {
            Output::Json => output::line(&String::from_utf8_lossy(&answer.body)),
            Output::Text => output::line(&in_words(&answer.json()?)),
        }
    }
}

/// A table of the nodes, then what is true of the whole.
fn in_words(cluster: &Json) -> String {
    let titles = ["NAME", "STATE", "READY", "LAG", "CLOCK", "ROOT", "ADDRESS", "ID"].map(str::to_owned).to_vec();
    let rows = nodes(cluster).iter().map(|node| row(node, cluster));
    let mut lines = vec![output::table(&std::iter::once(titles).chain(rows).collect::<Vec<_>>()), String::new()];
    let held = cluster["collectionHeldBy"].as_array().into_iter().flatten().filter_map(Json::as_str);
    let held: Vec<String> = held.map(|name| holder(name, cluster)).collect();
    let held = if held.is_empty() { "nobody".to_owned() } else { held.join(", ") };
    let mut whole = vec![
        vec!["leader".to_owned(), text(&cluster["leader"])],
        vec!["tombstones".to_owned(), count(&cluster["tombstones"])],
        vec!["collection held by".to_owned(), held],
        vec!["horizon".to_owned(), text(&cluster["horizon"])],
        vec!["stamps ahead".to_owned(), stamps_ahead(cluster)],
    ];
    for (member, what) in LEFT_OUT {
        if cluster[member].as_u64().is_some_and(|count| count > 0) {
            whole.push(vec![what.to_owned(), cluster[member].to_string()]);
        }
    }
    let providers = cluster["discovery"].as_array().map_or(&[][..], Vec::as_slice);
    whole.extend(providers.iter().map(discovery));
    lines.push(output::table(&whole));
    lines.join("\n")
}

/// A number that a token of a tenant is not told.
fn count(number: &Json) -> String {
    number.as_u64().map_or_else(|| "-".to_owned(), |number| number.to_string())
}

/// A way in which nodes are found, and what it finds or why it does not.
fn discovery(provider: &Json) -> Vec<String> {
    let found = provider["endpoints"].as_array().map_or(0, Vec::len);
    let found = format!("{found} {}", if found == 1 { "endpoint" } else { "endpoints" });
    let stands = match provider["failing"].as_str() {
        Some(why) => format!("failing ({why}); found before: {found}"),
        None => found,
    };
    vec![format!("discovery by {}", text(&provider["provider"])), stands]
}

/// How many stamps lie too far ahead, and whose they are.
fn stamps_ahead(cluster: &Json) -> String {
    let by = cluster["stampsAheadBy"].as_array().into_iter().flatten();
    let by = by.map(|of| {
        let name = of["name"].as_str().or(of["id"].as_str()).unwrap_or("-");
        format!("{name} {}", of["stamps"])
    });
    let by: Vec<String> = by.collect();
    let all = count(&cluster["stampsAhead"]);
    if by.is_empty() { all } else { format!("{all} ({})", by.join(", ")) }
}

/// A node that collection waits for, and why.
fn holder(name: &str, cluster: &Json) -> String {
    let why =
        nodes(cluster).iter().filter(|node| node["name"] == name).find_map(|node| node["holdsCollection"].as_str());
    why.map_or_else(|| name.to_owned(), |why| format!("{name} ({})", why.replace('_', " ")))
}

/// The asked node is marked with a star; of roots the first digits tell whether two are alike.
fn row(node: &Json, cluster: &Json) -> Vec<String> {
    let own = if node["name"] == cluster["self"] && node["state"] == "live" { "*" } else { "" };
    let lag = node["lagMs"].as_u64().map_or_else(|| "-".to_owned(), |ms| format!("{ms}ms"));
    let clock = node["skewMs"].as_i64().map_or_else(|| "-".to_owned(), |ms| format!("{ms:+}ms"));
    let ready = if node["ready"] == true { "yes" } else { "no" };
    let root: String = text(&node["root"]).chars().take(8).collect();
    let name = format!("{}{own}", text(&node["name"]));
    let state = format!("{}{}", text(&node["state"]), if node["joining"] == true { ", joining" } else { "" });
    vec![name, state, ready.to_owned(), lag, clock, root, text(&node["address"]), text(&node["id"])]
}

fn text(value: &Json) -> String {
    value.as_str().filter(|text| !text.is_empty()).unwrap_or("-").to_owned()
}

impl Forget {
    fn run(&self) -> Result<(), Failure> {
        let Some(node) = &self.node else { return self.forget_all_gone() };
        let id = match node.parse::<NodeId>() {
            Ok(id) => id.to_string(),
            Err(_) => named(&self.target.expect("GET", PATH, None)?.json()?, node)?,
        };
        self.forget(&id)?;
        match self.target.output {
            Output::Json => output::line(&serde_json::json!({ "forgotten": id }).to_string()),
            Output::Text => output::line("Node forgotten."),
        }
    }

    fn forget(&self, id: &str) -> Result<(), Failure> {
        self.target.expect("DELETE", &format!("{PATH}/nodes/{}", segment(id)), None).map(drop)
    }

    /// Says each as it is done: where one is refused, those before it are forgotten all the same.
    fn forget_all_gone(&self) -> Result<(), Failure> {
        let cluster = self.target.expect("GET", PATH, None)?.json()?;
        let gone: Vec<&Json> = nodes(&cluster).iter().filter(|node| node["state"] == "gone").collect();
        if gone.is_empty() && self.target.output == Output::Text {
            return output::line("No node is gone.");
        }
        for node in gone {
            let id = text(&node["id"]);
            self.forget(&id)?;
            match self.target.output {
                Output::Json => output::line(&serde_json::json!({ "forgotten": id }).to_string())?,
                Output::Text => output::line(&format!("Node {} ({id}) forgotten.", text(&node["name"])))?,
            }
        }
        Ok(())
    }
}

/// The id of the one node with a name. A live one among several is never meant: it cannot be forgotten.
fn named(cluster: &Json, name: &str) -> Result<String, Failure> {
    let ids = |wanted: &dyn Fn(&Json) -> bool| -> Vec<String> {
        let found = nodes(cluster).iter().filter(|node| node["name"] == name && wanted(&node["state"]));
        found.filter_map(|node| node["id"].as_str()).map(str::to_owned).collect()
    };
    let (gone, rest) = (ids(&|state| state == "gone"), ids(&|state| state == "live"));
    match (gone.as_slice(), rest.as_slice()) {
        ([id], _) | ([], [id]) => Ok(id.clone()),
        ([], []) => Err(Failure::Refused(format!("not_found: no node is named `{name}`"))),
        (several, _) => {
            let ids = several.iter().chain(&rest).map(|id| format!("\n  {id}")).collect::<String>();
            Err(Failure::Usage(format!("node: several nodes are named `{name}`; name one by its id:{ids}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cluster() -> Json {
        let node = |name: &str, id: &str, state: &str| {
            json!({ "name": name, "id": id, "state": state, "ready": state == "live", "address": "tcp/127.0.0.1:1",
                "lagMs": 3, "skewMs": -12, "root": "0123456789abcdef" })
        };
        let mut gone = node("b", "b1", "gone");
        gone["holdsCollection"] = json!("away");
        let nodes = [
            node("a", "a1", "live"),
            gone,
            node("b", "b2", "live"),
            node("c", "c1", "gone"),
            node("c", "c2", "gone"),
            node("d", "d1", "forgotten"),
        ];
        json!({ "self": "a", "leader": "a", "nodes": nodes, "stampsAhead": 0, "tombstones": 7,
            "collectionHeldBy": ["b", "c"], "horizon": null })
    }

    #[test]
    fn a_name_means_the_one_that_is_gone() {
        let cluster = cluster();
        assert_eq!(named(&cluster, "b").unwrap(), "b1");
        assert_eq!(named(&cluster, "a").unwrap(), "a1", "the node itself says that it is live");
        assert!(matches!(named(&cluster, "x"), Err(Failure::Refused(_))));
        assert!(matches!(named(&cluster, "d"), Err(Failure::Refused(_))));
        let Err(Failure::Usage(text)) = named(&cluster, "c") else { panic!("two are meant") };
        assert!(text.contains("c1") && text.contains("c2"), "{text}");
    }

    #[test]
    fn the_status_is_a_table_with_what_holds_collection() {
        let text = in_words(&cluster());
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("NAME") && lines[0].ends_with("ID"), "{text}");
        assert!(lines[1].starts_with("a*") && lines[1].contains("-12ms") && lines[1].ends_with("a1"), "{text}");
        assert!(text.contains("01234567 ") && text.contains("collection held by  b (away), c"), "{text}");
        let found = |failing| json!({ "provider": "dns", "endpoints": ["a", "b"], "failing": failing, "failures": 1 });
        let finds = in_words(&json!({ "discovery": [found(Json::Null)] }));
        assert!(finds.contains("discovery by dns    2 endpoints") && !text.contains("discovery"), "{finds}");
        let fails = in_words(&json!({ "discovery": [found("no answer in time".into())] }));
        assert!(fails.contains("failing (no answer in time); found before: 2 endpoints"), "{fails}");
        let by = json!([{ "name": "b", "id": "b1", "stamps": 2 }, { "name": null, "id": "x1", "stamps": 1 }]);
        let ahead = in_words(&json!({ "stampsAhead": 3, "stampsAheadBy": by }));
        assert!(ahead.contains("stamps ahead        3 (b 2, x1 1)"), "{ahead}");
        let newer = in_words(&json!({ "versionsUnknown": 7, "versionsInvalid": 0 }));
        assert!(newer.contains("unknown versions left out  7") && !newer.contains("against the rules"), "{newer}");
        let insane = in_words(&json!({ "versionsUnknown": 0, "versionsInvalid": 3 }));
        assert!(insane.contains("versions against the rules left out  3") && !text.contains("left out"), "{insane}");
    }
}
