//! The hundred flags of the comparison: half are on for everybody, half for half of the paying customers.

use serde_json::{Map, Value as Json, json};

/// The flagd document.
#[must_use]
pub fn document() -> Json {
    let mut flags = Map::new();
    for number in 0..50 {
        flags.insert(
            format!("static-{number}"),
            json!({ "state": "ENABLED", "variants": { "on": true, "off": false }, "defaultVariant": "on" }),
        );
        let rule = json!({ "if": [
            { "in": [{ "var": "plan" }, ["pro", "team"]] },
            { "fractional": [["on", 50], ["off", 50]] },
            "off",
        ] });
        flags.insert(
            format!("rule-{number}"),
            json!({
                "state": "ENABLED", "variants": { "on": true, "off": false }, "defaultVariant": "off", "targeting": rule,
            }),
        );
    }
    json!({ "flags": flags })
}

/// The body of a request.
#[must_use]
pub fn request() -> String {
    json!({ "context": {
        "targetingKey": "user-4711", "plan": "pro", "country": "NL", "email": "user4711@example.com",
    } })
    .to_string()
}
