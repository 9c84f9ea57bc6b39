//! The SDK with OFREP's provider and flagd's, by gRPC and in process, says what the node says.
#![allow(missing_docs, reason = "tests")]

use std::collections::BTreeMap;

use burgee_clients::{Answer, Node, answer, context, until};
use open_feature::{Client, EvaluationContext, OpenFeature};
use open_feature_flagd::{FlagdOptions, FlagdProvider, ResolverType};
use open_feature_ofrep::{OfrepOptions, OfrepProvider};
use serde_json::{Value as Json, json};

const KINDS: [&str; 3] = ["ofrep", "rpc", "in-process"];
/// In process the client's own engine answers: it buckets by another version, and takes `v2.1` for no version.
const OTHER_ENGINE: [&str; 2] = ["split-", "targeted-4"];

fn vectors(name: &str) -> Json {
    let path = format!("{}/../../vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

async fn client(node: &Node, kind: &'static str) -> Client {
    let mut api = OpenFeature::singleton_mut().await;
    if kind == "ofrep" {
        let mut options =
            OfrepOptions { base_url: format!("http://{}/e/demo/development", node.http), ..Default::default() };
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
/// default.
fn fits(kind: &str, item: &Json, got: &Answer) -> bool {
    match (item["errorCode"].as_str(), item.get("value"), got) {
        (Some(code), _, Err(found)) => found == code || code == "GENERAL",
        (None, Some(value), Ok((found, variant))) => {
            same(value, found) && item["variant"].as_str() == variant.as_deref()
        }
        (None, None, _) => leaves_it_to_the_code(kind, item["reason"] == "DISABLED", got),
        _ => false,
    }
}

/// This SDK's providers have no word for a flag without a value, but a default is what any error gives. OFREP's cannot read
/// an answer without one; in process a disabled flag is not found, nor is one that has no default by version 1 of flagd's
/// gRPC. Of a disabled one that version says a value of zero without a variant, and this provider passes it on as is.
fn leaves_it_to_the_code(kind: &str, disabled: bool, got: &Answer) -> bool {
    match (kind, disabled, got) {
        ("ofrep", _, Err(code)) => code == "PARSE_ERROR",
        ("rpc", true, Ok((value, variant))) => {
            let zero = [json!(false), json!(""), json!(0), json!({})];
            zero.iter().any(|zero| same(zero, value)) && variant.as_deref().unwrap_or_default().is_empty()
        }
        ("rpc", false, Err(code)) | ("in-process", true, Err(code)) => code == "FLAG_NOT_FOUND",
        _ => false,
    }
}

/// flagd's provider gives what lies deeper in an object as a text of its own: that is passed over.
fn as_told(kind: &str, item: &Json, got: Answer) -> Answer {
    let (mut value, variant) = got?;
    if let (true, Some(wanted), Some(found)) = (kind != "ofrep", item["value"].as_object(), value.as_object_mut()) {
        let deep = wanted.iter().filter(|(_, value)| value.is_object() || value.is_array());
        deep.for_each(|(name, value)| drop(found.insert(name.clone(), value.clone())));
    }
    Ok((value, variant))
}

/// Numbers are compared as numbers. The SDK has no null: of its providers some leave it out, some make it an empty text.
fn same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Null, b) => b.is_null() || *b == json!(""),
        (Json::Number(a), Json::Number(b)) => a.as_f64() == b.as_f64(),
        (Json::Object(a), Json::Object(b)) => {
            b.keys().all(|name| a.contains_key(name))
                && a.iter().all(|(name, value)| b.get(name).map_or(value.is_null(), |other| same(value, other)))
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
        if kind == "in-process" {
            // this provider refuses a whole document for one flag without a default variant
            let without =
                flags["flags"].as_object().unwrap().iter().filter(|(_, flag)| !flag["defaultVariant"].is_string());
            without.for_each(|(flag, _)| node.delete(flag));
        }
        let client = client(&node, kind).await;
        let mut wrong = BTreeMap::new();
        for wanted in contexts.as_array().unwrap() {
            let (said, context) = context(wanted);
            for item in node.all(&said) {
                let flag = item["key"].as_str().unwrap();
                let first = flags["flags"][flag]["variants"].as_object().unwrap().values().next().unwrap();
                let got = answer(&client, flag, item.get("value").unwrap_or(first), &context).await;
                let other = kind == "in-process" && OTHER_ENGINE.iter().any(|start| flag.starts_with(start));
                if !other && !fits(kind, &item, &as_told(kind, &item, got.clone())) {
                    wrong.insert(flag.to_owned(), format!("{flag} for {said}: {item}, but {got:?}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{kind}: {wrong:#?}");
        let nobody = EvaluationContext::default();
        assert_eq!(
            answer(&client, "nobody-made-this", &json!(""), &nobody).await,
            Err("FLAG_NOT_FOUND".into()),
            "{kind}"
        );
        // OFREP's provider of this SDK takes a value of another type for one that it cannot read; flagd's takes the
        // status INVALID_ARGUMENT, by which the protocol tells it, for a fault of the context
        let mistaken = match kind {
            "ofrep" => "PARSE_ERROR",
            "rpc" => "INVALID_CONTEXT",
            _ => "TYPE_MISMATCH",
        };
        let got = answer(&client, "static-text-0", &json!(true), &nobody).await;
        assert_eq!(got, Err(mistaken.into()), "{kind}");
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
