//! Rates: one tenant's flood is its own.

use harness::{
    cluster::{flag, place},
    node::Spec,
};
use serde_json::json;

#[test]
fn one_tenants_flood_is_refused_and_anothers_requests_pass() {
    let node = Spec::serve().option("--tenant-requests-per-second", "100").start();
    place(&node.client);
    flag(&node.client, "f");
    node.client.post("/api/v1/tenants", &json!({ "key": "other" })).check(201);
    node.client.post("/api/v1/tenants/other/environments", &json!({ "key": "development" })).check(201);
    let ask = |tenant: &str| {
        node.client.post(&format!("/e/{tenant}/development/ofrep/v1/evaluate/flags"), &json!({ "context": {} }))
    };
    let mut refused = 0;
    for _ in 0..600 {
        let flood = ask("demo");
        if flood.status == 429 {
            refused += 1;
            assert_eq!(flood.header("retry-after").as_deref(), Some("1"));
            assert_eq!(flood.json()["code"], "rate_limited");
            // slowly enough for its own rate
            if refused % 5 == 0 {
                ask("other").check(200);
            }
        }
    }
    // whoever goes on is answered later, so there are fewer of these than there would be
    assert!((15..200).contains(&refused), "{refused} of 600 were refused");
}
