//! Modules: what is refused on upload, and when one is compiled.

use std::time::{Duration, Instant};

use burgee_engine::guest::{GuestConfig, GuestFault, ModuleError};
use burgee_model::Value;

use super::{support::Node, wat};

fn refused(module: &[u8]) -> ModuleError {
    Node::new().guests.prepare(module).err().unwrap()
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
    assert!(Node::new().guests.prepare(&damaged).is_err());
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
