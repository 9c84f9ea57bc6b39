//! Modules: what is refused on upload, and when one is compiled.

use std::time::{Duration, Instant};

use burgee_engine::{
    Engine, EngineConfig,
    guest::{GuestConfig, GuestFault, ModuleError},
};
use burgee_model::{Key, Value};
use serde_json::json;

use super::{support::Node, wat};
use crate::support::{boolean_flag, no_config, source};

fn refused(module: &[u8]) -> ModuleError {
    refused_by(&Node::new(), module)
}

fn refused_by(node: &Node, module: &[u8]) -> ModuleError {
    node.guests.prepare(&Key::new("t").unwrap(), "g", module).err().unwrap()
}

#[test]
fn what_a_guest_may_not_import_is_refused_by_name() {
    let error = refused(&wat::nosy());
    assert_eq!(error, ModuleError::Import("wasi_snapshot_preview1.random_get".into()));
    let component = r#"(component (import "wasi:cli/environment@0.2.0" (instance)))"#;
    let error = refused(&::wat::parse_str(component).unwrap());
    assert_eq!(error, ModuleError::Import("wasi:cli/environment@0.2.0".into()));
    assert!(error.to_string().contains("`burgee:guest/store@0.1.0`"), "{error}");
}

#[test]
fn what_is_not_of_the_world_is_refused() {
    let error = refused(&wat::other_world());
    assert!(matches!(&error, ModuleError::World(why) if why.contains("evaluate")), "{error}");
    let error = refused(&::wat::parse_str("(component)").unwrap());
    assert!(matches!(&error, ModuleError::World(why) if why.contains("evaluate")), "{error}");
    let other = r#"(component (core module $m (func (export "f"))) (core instance $i (instantiate $m))
        (func (export "evaluate") (canon lift (core func $i "f"))))"#;
    let error = refused(&::wat::parse_str(other).unwrap());
    assert!(matches!(error, ModuleError::World(_)), "{error}");
}

#[test]
fn what_is_no_module_is_refused() {
    for bytes in [&b""[..], b"\0asm", b"hello", b"\0asm\x01\0\0\0\xff\xff\xff", b"\0asm\x0d\0\x01\0\xff"] {
        let error = refused(bytes);
        assert!(matches!(error, ModuleError::NotWasm(_) | ModuleError::World(_)), "{bytes:?}: {error}");
    }
    let mut damaged = wat::seven();
    let end = damaged.len() - 1;
    damaged[end] ^= 0xff;
    refused(&damaged);
}

#[test]
fn a_module_is_compiled_when_it_is_first_called() {
    let config = GuestConfig { time_limit: Duration::from_secs(5), ..GuestConfig::default() };
    let node = Node::new();
    let seven = node.put("t", "seven", &wat::seven());
    let restarted = node.restarted(config);
    assert_eq!(restarted.call(&seven), Ok(Value::Number(7.0)));
}

#[test]
fn a_module_can_be_compiled_before_it_is_called() {
    let node = Node::new();
    let seven = node.put("t", "seven", &wat::seven());
    let restarted = node.restarted(GuestConfig { time_limit: Duration::ZERO, ..GuestConfig::default() });
    restarted.warm(&seven);
    let began = Instant::now();
    while restarted.call(&seven) == Err(GuestFault::Missing) {
        assert!(began.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_module_that_is_not_here_is_missing_until_it_comes() {
    let (node, other) =
        (Node::new(), Node::with(GuestConfig { time_limit: Duration::from_secs(5), ..GuestConfig::default() }));
    let seven = node.put("t", "seven", &wat::seven());
    assert_eq!(other.call(&seven), Err(GuestFault::Missing));
    other.put("t", "seven", &wat::seven());
    assert_eq!(other.call(&seven), Ok(Value::Number(7.0)));
}

#[test]
fn only_so_many_compiled_modules_are_kept_and_all_can_be_called() {
    let config = GuestConfig { modules: 1, time_limit: Duration::from_secs(5), ..GuestConfig::default() };
    let node = Node::with(config);
    let (seven, counts) = (node.put("t", "a", &wat::seven()), node.put("t", "b", &wat::counts_attributes()));
    for _ in 0..3 {
        assert_eq!(node.call(&seven), Ok(Value::Number(7.0)));
        assert_eq!(node.call(&counts), Ok(Value::Number(0.0)));
    }
}

#[test]
fn what_would_take_long_to_compile_is_refused_before() {
    let node = Node::with(GuestConfig { function_bytes: 20, ..GuestConfig::default() });
    let error = refused_by(&node, &wat::seven());
    assert!(matches!(error, ModuleError::TooLarge { what: "bytes in one function", max: 20, .. }), "{error}");
    assert_eq!(node.guests.modules().waiting, 0);
    // one that was taken in where more is allowed does not compile here
    let elsewhere = Node::new();
    let seven = elsewhere.put("t", "seven", &wat::seven());
    let patient = GuestConfig { time_limit: Duration::from_secs(5), ..GuestConfig::default() };
    let here = elsewhere.restarted(GuestConfig { function_bytes: 20, ..patient });
    assert_eq!(here.call(&seven), Err(GuestFault::Import));
}

#[test]
fn only_guests_that_rules_call_are_compiled_ahead() {
    let node = Node::new();
    let (called, idle) = (node.put("acme", "called", &wat::seven()), node.put("acme", "idle", &wat::counter()));
    let last = node.put("acme", "last", &wat::limit());
    let restarted = node.restarted(GuestConfig { time_limit: Duration::from_secs(5), ..GuestConfig::default() });
    let engine = Engine::with_guests(EngineConfig::default(), restarted.guests.clone()).unwrap();
    let mut state = source(&json!({"flags": {"f": boolean_flag(json!({"if": [{"guest": "called"}, "on"]}))}}));
    for (name, guest) in [("called", &called), ("idle", &idle), ("last", &last)] {
        state.guests.insert(Key::new(name).unwrap(), guest.digest());
    }
    engine.build(None, state, &no_config);
    // a tenant's modules are compiled in turn: once this one is, those asked for before are
    assert_eq!(restarted.call(&last), Ok(Value::Null));
    assert_eq!(restarted.guests.modules().compiled, 2);
}

#[test]
fn a_tenant_with_many_modules_takes_none_of_anothers() {
    let config = GuestConfig { modules: 3, time_limit: Duration::from_secs(5), ..GuestConfig::default() };
    let node = Node::with(config);
    let small = node.put("small", "seven", &wat::seven());
    for (name, module) in [("a", wat::counter()), ("b", wat::limit()), ("c", wat::fails()), ("d", wat::reads())] {
        node.put("large", name, &module);
    }
    assert_eq!((node.guests.modules().compiled, node.guests.modules().evicted), (3, 2));
    node.lose_all();
    assert_eq!(node.call(&small), Ok(Value::Number(7.0)), "it need not be compiled again");
}
