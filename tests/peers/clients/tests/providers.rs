//! The SDK with OFREP's provider and flagd's, by gRPC and in process, says what the node says.
#![allow(missing_docs)]

use std::collections::BTreeMap;

use burgee_clients::{Answer, Node, answer, context, until};
use open_feature::{Client, EvaluationContext, OpenFeature};
use open_feature_flagd::{FlagdOptions, FlagdProvider, ResolverType};
use open_feature_ofrep::{OfrepOptions, OfrepProvider};
use serde_json::{Value as Json, json};

const KINDS: [&str; 3] = ["ofrep", "rpc", "in-process"];

fn vectors(name: &str) -> Json {
    let path = format!("{}/../../vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

async fn client(node: &Node, kind: &'static str) -> Client {
    let mut api = OpenFeature::singleton_mut().await;
    if kind == "ofrep" {
        let mut options = OfrepOptions { base_url: format!("http://{}/e/demo/development", node.http), ..Default::default() };
        options.headers.insert("authorization", "Bearer token-of-the-tests".parse().unwrap());
        api.set_named_provider(kind, OfrepProvider::new(options).await.unwrap()).await;
    } else {
        let (host, port) = node.grpc.split_once(':').unwrap();
        let resolver_type = if kind == "rpc" { ResolverType::Rpc } else { ResolverType::InProcess };
        let options = FlagdOptions {
            host: host.to_owned(),
            port: port.parse().unwrap(),
            resolver_type,
            cache_settings: None,
            retry_backoff_ms: 100,
            retry_backoff_max_ms: 500,
            retry_grace_period: 100,
            ..FlagdOptions::default()
        };
        api.set_named_provider(kind, FlagdProvider::new(options).await.unwrap()).await;
    }
    api.create_named_client(kind)
}

/// What an answer should be, by the node's own item: a value, an error's code, or none where the application takes its
/// default, which this SDK's providers have no word for.
fn fits(item: &Json, got: &Answer) -> bool {
    match (item["errorCode"].as_str(), item.get("value"), got) {
        (Some(code), _, Err(found)) => found == code || code == "GENERAL",
        (None, Some(value), Ok((found, variant))) => same(value, found) && item["variant"].as_str() == variant.as_deref(),
        (None, None, _) => true,
        _ => false,
    }
}

/// Numbers are compared as numbers; a member that is null is not there in the SDK.
fn same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => a.as_f64() == b.as_f64(),
        (Json::Object(a), Json::Object(b)) => {
            let there: BTreeMap<_, _> = a.iter().filter(|(_, value)| !value.is_null()).collect();
            there.len() == b.len() && there.iter().all(|(name, value)| b.get(*name).is_some_and(|other| same(value, other)))
        }
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        _ => a == b,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn providers_say_what_the_node_says_and_hear_of_changes() {
    let mut node = Node::start().await;
    let (flags, contexts) = (vectors("hundred.json"), vectors("hundred.cases.json")["contexts"].take());
    for kind in KINDS {
        let client = client(&node, kind).await;
        let mut wrong = Vec::new();
        for wanted in contexts.as_array().unwrap() {
            let (said, context) = context(wanted);
            for item in node.all(&said) {
                let flag = item["key"].as_str().unwrap();
                let first = flags["flags"][flag]["variants"].as_object().unwrap().values().next().unwrap();
                let got = answer(&client, flag, item.get("value").unwrap_or(first), &context).await;
                if !fits(&item, &got) {
                    wrong.push(format!("{kind}: {flag} for {said}: {item}, but {got:?}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{} answers differ:\n{}", wrong.len(), wrong[..wrong.len().min(30)].join("\n"));
        let nobody = EvaluationContext::default();
        assert_eq!(answer(&client, "nobody-made-this", &json!(""), &nobody).await, Err("FLAG_NOT_FOUND".into()), "{kind}");
        assert_eq!(answer(&client, "static-text-0", &json!(true), &nobody).await, Err("TYPE_MISMATCH".into()), "{kind}");
        let shown = async |variant: &str| {
            let got = answer(&client, "static-boolean-0", &json!(true), &nobody).await;
            got.is_ok_and(|(_, found)| found.as_deref() == Some(variant))
        };
        for variant in ["off", "on"] {
            node.default_variant(variant);
            until(&format!("{kind}: {variant}"), async || shown(variant).await).await;
        }
        node.restart().await;
        node.default_variant("off");
        until(&format!("{kind}: off after a restart"), async || shown("off").await).await;
        node.default_variant("on");
        until(&format!("{kind}: on after a restart"), async || shown("on").await).await;
    }
}
