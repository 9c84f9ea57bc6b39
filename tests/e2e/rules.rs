//! Burgee's own operators through the front doors: written, refused, evaluated, exported and imported.

use harness::{
    cluster::{flag, flag_in, place},
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
fn an_export_says_what_is_not_portable_and_an_import_takes_that_away_again() {
    let node = Spec::serve().start();
    let client = &node.client;
    place(client);
    targeted(client, "own", &json!({"if": [{"percentage": [{"ramp": {"start": 0, "end": 1}}]}, "on", "off"]}));
    targeted(client, "portable", &json!({"if": [{"missing": ["a"]}, "on", "off"]}));
    let exported = client.get(DOCUMENT).expect(200).json();
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
    // without asking, nothing of it is there; of all flags there is none
    let plain = client.post(evaluate, &json!({"flag": "f", "context": context})).expect(200).json();
    assert_eq!((plain.get("explain"), plain.get("stamps")), (None, None));
    client.post(evaluate, &json!({"explain": true})).problem(422, "invalid_value");
    client.post(evaluate, &json!({"flag": "f", "explain": "yes"})).problem(422, "invalid_value");
}
