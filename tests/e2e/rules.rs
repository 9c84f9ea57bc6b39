//! Burgee's own operators through the front doors: written, refused, evaluated, exported and imported.

use harness::{
    cli::Cli,
    cluster::{Apart, CONVERGE_BOUND, HEAL_BOUND, all_see, equal, flag, flag_in, pair, place, sees},
    http::Client,
    node::Spec,
};
use serde_json::{Value as Json, json};

const PLACE: &str = "demo/development";
const DOCUMENT: &str = "/api/v1/tenants/demo/environments/development/flagd.json";

fn targeted(client: &Client, key: &str, rule: &Json) {
    flag(client, key);
    client.patch(&flag_in(key), &json!({ "targeting": rule })).check(200);
}

fn variant(client: &Client, key: &str, context: &Json) -> Json {
    client.ofrep(PLACE, key, context).expect(200).json()["variant"].clone()
}

#[test]
fn our_own_operators_decide() {
    let node = Spec::serve().start();
    let client = &node.client;
    place(client);
    let on_where = |condition: Json| json!({ "if": [condition, "on", "off"] });
    targeted(client, "net", &on_where(json!({"in_network": [{"var": "ip"}, "10.0.0.0/8"]})));
    targeted(client, "mail", &on_where(json!({"matches": [{"var": "mail"}, "@x\\.org$"]})));
    targeted(client, "born", &on_where(json!({"<": [{"date": {"var": "born"}}, {"date": "2008-01-01"}]})));
    targeted(
        client,
        "ramp",
        &on_where(json!({"percentage": [{"ramp": {"start": "2020-01-01", "end": "2020-02-01"}}]})),
    );
    targeted(client, "tags", &on_where(json!({"some": [{"var": "tags"}, {"==": [{"var": ""}, "x"]}]})));
    targeted(client, "after", &on_where(json!({"==": [{"flag": "net"}, "on"]})));
    let inside = json!({"ip": "10.1.2.3", "mail": "a@x.org", "born": "1990-05-05", "tags": ["x"], "targetingKey": "u"});
    let outside = json!({"ip": "11.1.2.3", "mail": "a@y.org", "born": "2010-05-05", "tags": ["y"]});
    for key in ["net", "mail", "born", "ramp", "tags", "after"] {
        assert_eq!(variant(client, key, &inside), "on", "{key}");
        assert_eq!(variant(client, key, &outside), "off", "{key}");
    }
    // what is asked for is asked at each evaluation
    client.patch(&flag_in("net"), &json!({ "kill": true })).check(200);
    assert_eq!(variant(client, "after", &inside), "off");
}

#[test]
fn a_flag_that_would_ask_for_itself_is_refused_with_the_way() {
    let node = Spec::serve().start();
    let client = &node.client;
    place(client);
    flag(client, "c");
    targeted(client, "b", &json!({"if": [{"flag": "c"}, "on"]}));
    targeted(client, "a", &json!({"if": [{"flag": "b"}, "on"]}));
    let refusal = client.patch(&flag_in("c"), &json!({ "targeting": {"if": [{"flag": "a"}, "on"]} }));
    let problem = refusal.problem(422, "invalid_rule");
    let error = &problem["errors"][0];
    assert_eq!((&error["code"], &error["path"]), (&json!("prerequisite_cycle"), &json!("/targeting")), "{problem}");
    assert!(error["message"].as_str().unwrap().contains("`c`, `a`, `b`, `c`"), "{problem}");
    // nothing was lost, and the others still answer
    assert_eq!(variant(client, "a", &json!({})), "on");
}

#[test]
fn a_rule_that_meets_the_deletion_of_its_segment_gives_way_to_the_one_before_on_every_node() {
    let apart = Apart::with_nodes(2);
    let nodes: Vec<_> = apart.nodes.iter().collect();
    let (here, there) = (&nodes[0].client, &nodes[1].client);
    targeted(here, "f", &json!({"if": [true, "off"]}));
    here.post("/api/v1/tenants/demo/segments", &json!({ "key": "paying", "rule": true })).check(201);
    equal(&nodes, CONVERGE_BOUND);
    apart.network.isolate(0);
    here.patch(&flag_in("f"), &json!({ "targeting": {"if": [{"$ref": "paying"}, "on", "off"]} })).check(200);
    there.delete("/api/v1/tenants/demo/segments/paying").check(204);
    assert_eq!((variant(here, "f", &json!({})), variant(there, "f", &json!({}))), (json!("on"), json!("off")));
    apart.network.heal(0, 1);
    equal(&nodes, HEAL_BOUND);
    all_see("the rule before", HEAL_BOUND, &json!("off"), &nodes, |client| variant(client, "f", &json!({})));
    let codes = |client: &Client| -> Vec<Json> {
        let flag = client.get("/api/v1/tenants/demo/flags/f").expect(200).json();
        flag["problems"].as_array().unwrap().iter().map(|told| told["code"].clone()).collect()
    };
    all_see("why", HEAL_BOUND, &vec![json!("unknown_segment"), json!("earlier_rule")], &nodes, codes);
}

#[test]
fn an_export_says_what_is_not_portable_and_an_import_takes_that_away_again() {
    let node = Spec::serve().start();
    let client = &node.client;
    place(client);
    targeted(client, "own", &json!({"if": [{"percentage": [{"ramp": {"start": 0, "end": 1}}]}, "on", "off"]}));
    targeted(client, "portable", &json!({"if": [{"missing": ["a"]}, "on", "off"]}));
    let exported = client.get(DOCUMENT).expect(200).json();
    assert_eq!(exported["flags"]["portable"].get("metadata"), None);
    let office = json!({"in_network": [{"var": "ip"}, "10.0.0.0/8"]});
    client.post("/api/v1/tenants/demo/segments", &json!({ "key": "office", "rule": office })).check(201);
    targeted(client, "shared", &json!({"if": [{"$ref": "office"}, "on", "off"]}));
    let exported = client.get(DOCUMENT).expect(200).json();
    assert_eq!(exported["flags"]["shared"]["metadata"]["burgee.notPortable"], "in_network");
    assert_eq!(exported["flags"]["own"]["metadata"]["burgee.notPortable"], "percentage, ramp");
    assert_eq!(exported["flags"]["portable"].get("metadata"), None);
    let json = [("content-type", "application/json")];
    let report = client.send("PUT", DOCUMENT, &json, exported.to_string().as_bytes()).expect(200).json();
    assert_eq!(report["changes"], json!([]), "{report}");
    assert_eq!(client.get(DOCUMENT).expect(200).json(), exported);
}

#[test]
fn an_explanation_says_which_branch_decided_and_from_which_stamps() {
    let node = Spec::serve().start();
    let client = &node.client;
    place(client);
    let rule = json!({"if": [{"==": [{"var": "plan"}, "gold"]}, {"fractional": [["on", 1], ["off", 1]]}, "off"]});
    targeted(client, "f", &rule);
    let evaluate = "/api/v1/tenants/demo/environments/development/evaluate";
    let context = json!({"plan": "gold", "targetingKey": "user1"});
    let asked = json!({"flag": "f", "context": context, "explain": true});
    let answer = client.post(evaluate, &asked).expect(200).json();
    let tree = &answer["explain"];
    assert_eq!((&tree["operator"], &tree["branch"]), (&json!("if"), &json!(1)), "{answer}");
    assert_eq!(tree["operands"][0]["operands"][0]["value"], "gold", "{answer}");
    assert_eq!(
        (&tree["operands"][1]["of"], &tree["operands"][1]["value"]),
        (&json!(2), &answer["variant"]),
        "{answer}"
    );
    let stamps = answer["stamps"].as_object().unwrap();
    let stamp = client.get(&flag_in("f")).expect(200).json()["stamps"]["targeting"].clone();
    assert!(stamps.values().any(|found| *found == stamp), "{answer}");
    // what the rule leads to was read too
    client.post("/api/v1/tenants/demo/segments", &json!({ "key": "all", "rule": true })).check(201);
    targeted(client, "g", &json!({"if": [{"segment": "all"}, "on", "off"]}));
    let of_g = client.post(evaluate, &json!({"flag": "g", "explain": true})).expect(200).json();
    assert!(of_g["stamps"].get("segments/all/rule").is_some(), "{of_g}");
    // without asking, nothing of it is there; of all flags there is none
    let plain = client.post(evaluate, &json!({"flag": "f", "context": context})).expect(200).json();
    assert_eq!((plain.get("explain"), plain.get("stamps")), (None, None));
    client.post(evaluate, &json!({"explain": true})).problem(422, "invalid_value");
    client.post(evaluate, &json!({"flag": "f", "explain": "yes"})).problem(422, "invalid_value");
}

const ENVIRONMENT: &str = "/api/v1/tenants/demo/environments/development";

/// When the flag's targeting last changed, as its history says.
fn last_change(client: &Client, key: &str) -> Json {
    let query = format!("kind=flag&key={key}&environment=development&field=targeting&limit=1");
    let history = client.get(&format!("/api/v1/tenants/demo/history?{query}")).expect(200).json();
    history["items"][0]["at"].clone()
}

#[test]
fn what_stood_is_told_by_every_node_and_on_the_command_line() {
    let (a, b) = pair();
    targeted(&a.client, "f", &json!({"if": [{"==": [{"var": "plan"}, "gold"]}, "on", "off"]}));
    let then = last_change(&a.client, "f");
    // instants have milliseconds, and a write in the same one would count
    std::thread::sleep(std::time::Duration::from_millis(2));
    a.client.patch(&flag_in("f"), &json!({ "targeting": null, "kill": true })).check(200);
    let context = json!({"plan": "gold"});
    let asked = json!({"flag": "f", "context": context, "at": then, "explain": true});
    sees("the kill", CONVERGE_BOUND, &json!("DISABLED"), || {
        b.client.ofrep(PLACE, "f", &context).json().get("reason").cloned().unwrap_or_default()
    });
    for client in [&a.client, &b.client] {
        let answer = client.post(&format!("{ENVIRONMENT}/evaluate"), &asked).expect(200).json();
        assert_eq!((&answer["variant"], &answer["complete"]), (&json!("on"), &json!(true)), "{answer}");
        assert_eq!(answer["explain"]["branch"], 1, "{answer}");
    }
    let (at, context) = (then.as_str().unwrap(), context.to_string());
    let said = Cli::of(&b).run(&["eval", "f", "--context", &context, "--at", at, "--output", "json"]);
    let item: Json = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.code, &item["variant"]), (Some(0), &json!("on")), "{said:?}");
    let said = Cli::of(&b).run(&["eval", "f", "--at", "2001-01-01"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("history_not_kept"), "{said:?}");
}

#[test]
fn a_version_of_bucketing_holds_on_every_node() {
    let (a, b) = pair();
    targeted(&a.client, "f", &json!({"fractional": [["on", 1], ["off", 1]]}));
    // flag key `f`: what version 2 and version 3 give differs for at least one of these
    let variants = |client: &Client| -> Vec<Json> {
        (0..16).map(|user| variant(client, "f", &json!({"targetingKey": user.to_string()}))).collect()
    };
    let before = variants(&a.client);
    a.client.patch(ENVIRONMENT, &json!({ "fractionalVersion": 3 })).check(200);
    let after = variants(&a.client);
    assert_ne!(after, before);
    sees("the version", CONVERGE_BOUND, &json!(3), || b.client.get(ENVIRONMENT).json()["fractionalVersion"].clone());
    sees("its variants", CONVERGE_BOUND, &after, || variants(&b.client));
}

#[test]
fn a_cycle_that_nobody_wrote_as_such_is_listed() {
    let node = Spec::serve().start();
    let client = &node.client;
    place(client);
    let asking = |other: &str| json!({"state": "ENABLED", "variants": {"on": true, "off": false}, "targeting": {"if": [{"flag": other}, "on", "off"]}});
    // an import is taken as it is, as what merges is
    let document = json!({"flags": {"a": asking("b"), "b": asking("a"), "c": asking("nobody")}});
    let json = [("content-type", "application/json")];
    client.send("PUT", DOCUMENT, &json, document.to_string().as_bytes()).check(200);
    for (key, code, severity) in [
        ("a", "prerequisite_cycle", Json::Null),
        ("b", "prerequisite_cycle", Json::Null),
        ("c", "unknown_flag", json!("warning")),
    ] {
        let flag = client.get(&format!("/api/v1/tenants/demo/flags/{key}")).expect(200).json();
        let problem = &flag["problems"][0];
        assert_eq!((&problem["code"], &problem["severity"]), (&json!(code), &severity), "{flag}");
        assert_eq!(problem["environment"], "development", "{flag}");
    }
    let answer = client.ofrep(PLACE, "a", &json!({})).json();
    assert!(answer["errorDetails"].as_str().unwrap().starts_with("prerequisite_cycle"), "{answer}");
    assert_eq!(variant(client, "c", &json!({})), "off");
}

#[test]
fn no_rule_takes_the_node_down_whatever_it_builds() {
    let node = Spec::serve().start();
    let client = &node.client;
    place(client);
    let on_where = |condition: Json| json!({ "if": [condition, "on", "off"] });
    let nested = json!({"reduce": [{"var": "l"}, [{"var": "accumulator"}], 0]});
    let doubled = json!({"reduce": [{"var": "l"}, [{"var": "accumulator"}, {"var": "accumulator"}], 0]});
    targeted(client, "nested", &on_where(nested));
    targeted(client, "doubled", &on_where(doubled.clone()));
    targeted(client, "told", &on_where(json!({"guest": ["g", doubled]})));
    let context = json!({ "l": vec![0; 30_000], "targetingKey": "u" });
    for key in ["nested", "doubled", "told"] {
        let item = client.ofrep(PLACE, key, &context).json();
        assert_eq!(item["errorCode"], "GENERAL", "{item}");
        assert!(item["errorDetails"].as_str().unwrap().starts_with("rule_too_costly"), "{item}");
        let body = json!({ "flag": key, "context": context, "explain": true });
        let answer = client.post("/api/v1/tenants/demo/environments/development/evaluate", &body);
        answer.check(200);
    }
    let few = json!({ "l": vec![0; 60] });
    assert_eq!(variant(client, "doubled", &few), "on", "nobody goes through it");
    let body = json!({ "flag": "doubled", "context": few, "explain": true });
    let answer = client.post("/api/v1/tenants/demo/environments/development/evaluate", &body);
    assert!(answer.body.len() < 4_000, "{}", answer.body.len());
    assert_eq!(answer.expect(200).json()["explain"]["operands"][0]["valueTruncated"], true);
}
