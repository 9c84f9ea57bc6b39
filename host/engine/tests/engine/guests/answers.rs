//! What guests are told, and what they answer.

use burgee_engine::guest::GuestFault;
use burgee_model::Value;

use super::{
    support::{Node, value},
    wat,
};

#[test]
fn a_guest_in_wat_answers() {
    let node = Node::new();
    let seven = node.put("t", "seven", &wat::seven());
    assert_eq!(node.call(&seven), Ok(Value::Number(7.0)));
    let counts = node.put("t", "counts", &wat::counts_attributes());
    assert_eq!(node.ask(&counts, r#"{"a":1,"b":{"c":2},"targetingKey":"u"}"#, "[]"), Ok(Value::Number(3.0)));
}

#[test]
fn a_guest_reads_config_entries_of_every_type() {
    let node = Node::new();
    let limit = node.put("t", "limit", &wat::limit());
    for json in ["null", "true", "2.5", r#""text""#, r#"[1,{"a":[]}]"#, r#"{"a":1}"#] {
        let config = |key: &str| {
            assert_eq!(key, "limit");
            value(json)
        };
        assert_eq!(node.ask_with(&limit, "{}", "[]", &config), Ok(value(json)));
    }
}

#[test]
fn the_guest_of_the_sdks_folder_is_one() {
    let node = Node::new();
    let text = include_str!("../../../../../guest-sdk/examples/wat/limit.wat");
    let limit = node.put("t", "limit", &::wat::parse_str(text).unwrap());
    assert_eq!(node.ask_with(&limit, "{}", "[]", &|_| Value::Number(3.0)), Ok(Value::Number(3.0)));
}

#[test]
fn an_error_of_its_own_is_told_apart_and_suspends_nobody() {
    let node = Node::new();
    let fails = node.put("t", "fails", &wat::fails());
    for _ in 0..20 {
        assert_eq!(node.call(&fails), Err(GuestFault::Failed));
    }
    assert_eq!(node.faults(GuestFault::Failed), 20);
}

#[test]
fn a_caller_that_panics_while_it_is_asked_leaves_the_thread_fit() {
    let node = Node::new();
    let limit = node.put("t", "limit", &wat::limit());
    for _ in 0..20 {
        let asked = std::panic::AssertUnwindSafe(|| node.ask_with(&limit, "{}", "[]", &|_| panic!("as told")));
        assert!(std::panic::catch_unwind(asked).is_err());
    }
    assert_eq!(node.ask_with(&limit, "{}", "[]", &|_| Value::Bool(true)), Ok(Value::Bool(true)));
}
