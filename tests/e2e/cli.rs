//! The command line: what it prints and how it ends.

use std::fs;

use harness::{
    cli::{Cli, Said},
    cluster::{flag, place},
    flags,
    node::{Node, Spec},
};
use serde_json::{Value as Json, json};

fn node() -> (Node, Cli) {
    let node = Spec::serve().start();
    place(&node.client);
    let cli = Cli::of(&node);
    (node, cli)
}

fn said(code: i32, out: &str, err: &str) -> Said {
    Said { code: Some(code), out: out.into(), err: err.into() }
}

#[test]
fn entries_are_put_got_listed_and_deleted() {
    let (node, cli) = node();
    assert_eq!(cli.run(&["put", "greeting", "hello world"]), said(0, "Value stored.\n", ""));
    assert_eq!(cli.run(&["get", "greeting"]), said(0, "hello world", ""), "the raw bytes only");
    assert_eq!(cli.run(&["exists", "greeting"]).code, Some(0));
    assert_eq!(cli.run(&["put", "other/key", "x", "--ttl", "1h"]), said(0, "Value stored.\n", ""));
    assert_eq!(cli.run(&["list"]), said(0, "greeting\nother/key\n", ""));
    assert_eq!(cli.run(&["list", "other/"]), said(0, "other/key\n", ""));
    assert_eq!(cli.run(&["delete", "greeting"]).code, Some(0));
    assert_eq!(cli.run(&["get", "greeting"]), said(1, "", "Key not found.\n"));
    assert_eq!(cli.run(&["delete", "greeting"]), said(1, "", "Key not found.\n"));
    assert_eq!(cli.run(&["exists", "greeting"]).code, Some(1));
    assert!(node.client.get(&harness::cluster::entry("other/key")).header("burgee-expires-at").is_some());
}

#[test]
fn json_output_is_json() {
    let (node, cli) = node();
    flag(&node.client, "f");
    let _ = cli.run(&["put", "k", "v"]);
    for command in [&["list"][..], &["flag", "list"], &["eval", "f"]] {
        let said = cli.run(&[command, &["--output", "json"]].concat());
        assert_eq!(said.code, Some(0), "{command:?}: {said:?}");
        assert!(serde_json::from_str::<Json>(&said.out).is_ok(), "{command:?}: {said:?}");
    }
}

#[test]
fn flags_are_listed_switched_killed_and_released() {
    let (node, cli) = node();
    flag(&node.client, "shop/checkout");
    flag(&node.client, "other");
    let list = cli.run(&["flag", "list"]);
    assert_eq!(list.code, Some(0), "{list:?}");
    assert!(list.out.contains("shop/checkout") && list.out.contains("other"), "{list:?}");
    let reason = || node.client.ofrep("demo/development", "shop/checkout", &json!({})).json()["reason"].clone();
    for (command, expected) in
        [("off", "DISABLED"), ("on", "STATIC"), ("kill", "DISABLED"), ("on", "DISABLED"), ("release", "STATIC")]
    {
        let done = cli.run(&["flag", command, "shop/checkout"]);
        assert_eq!(done.code, Some(0), "{command}: {done:?}");
        assert_eq!(reason(), expected, "after {command}");
    }
    let stale = |arguments: &[&str]| {
        let said = cli.run(&[arguments, &["--if-match", "old"]].concat());
        assert!(said.code == Some(1) && said.err.starts_with("stale: "), "{arguments:?}: {said:?}");
    };
    stale(&["flag", "off", "other"]);
    assert_eq!(cli.run(&["put", "k", "v"]).code, Some(0));
    stale(&["put", "k", "w"]);
    stale(&["delete", "k"]);
    assert_eq!(cli.run(&["put", "k", "w", "--if-match", "*"]).code, Some(0));
    let tag = node.client.get(&harness::cluster::entry("k")).header("burgee-stamp").unwrap();
    assert_eq!(cli.run(&["delete", "k", "--if-match", &tag]).code, Some(0));
    let _ = cli.run(&["flag", "kill", "other"]);
    let on = cli.run(&["flag", "on", "other"]);
    assert!(on.code == Some(0) && on.out.contains("killed"), "it does not answer as enabled: {on:?}");
    assert_eq!(cli.run(&["flag", "on", "nobody"]).code, Some(1));
    assert_eq!(cli.run(&["flag", "kill", "nobody"]).code, Some(1));
}

#[test]
fn a_flag_is_made_shown_and_targeted() {
    let (_node, cli) = node();
    let eval = |context: &str| cli.run(&["eval", "theme", "--context", context]).out;
    let variants = r##"{"light": "#fff", "dark": "#000"}"##;
    let create = ["flag", "create", "theme", "--variants", variants, "--default", "light", "--tag", "ui"];
    assert_eq!(cli.run(&create), said(0, "Flag created, off in development.\n", ""));
    assert_eq!(cli.run(&["flag", "create", "plain", "--on"]), said(0, "Flag created, on in development.\n", ""));
    let again = cli.run(&create);
    assert!(again.code == Some(1) && again.err.starts_with("already_exists: "), "{again:?}");
    assert_eq!(cli.run(&["flag", "on", "theme"]).code, Some(0));
    let absent = cli.run(&["flag", "targeting", "theme"]);
    assert_eq!(absent, said(1, "", "The flag has no rule in development.\n"));
    let rule = r#"{"if": [{"==": [{"var": "plan"}, "pro"]}, "dark", "light"]}"#;
    let set = cli.run(&["flag", "targeting", "theme", "--rule", rule, "--note", "pro first"]);
    assert_eq!(set, said(0, "Rule stored in development.\n", ""));
    assert!(eval(r#"{"plan": "pro"}"#).contains("dark") && eval("{}").contains("light"));
    let printed: Json = serde_json::from_str(&cli.run(&["flag", "targeting", "theme"]).out).unwrap();
    assert_eq!(printed, serde_json::from_str::<Json>(rule).unwrap());
    let shown = cli.run(&["flag", "show", "theme"]);
    for part in ["theme", "ui", "variant dark   \"#000\"", "in development: on, default light", "\"plan\""] {
        assert!(shown.out.contains(part), "{part}: {shown:?}");
    }
    for (wrong, part) in [(r#"{"if": ["#, "rule: "), ("7", "rule: "), (r#"{"nonsense": []}"#, "no operator")] {
        let refused = cli.run(&["flag", "targeting", "theme", "--rule", wrong]);
        assert!(refused.code != Some(0) && refused.err.contains(part), "{wrong}: {refused:?}");
    }
    assert!(eval(r#"{"plan": "pro"}"#).contains("dark"), "nothing was changed");
    assert_eq!(cli.run(&["flag", "targeting", "theme", "--clear"]), said(0, "Rule taken away in development.\n", ""));
    assert!(eval(r#"{"plan": "pro"}"#).contains("light"));
    assert_eq!(cli.run(&["flag", "show", "nobody"]).code, Some(1));
}

#[test]
fn a_document_is_imported_evaluated_and_exported() {
    let (node, cli) = node();
    let file = flags::file().display().to_string();
    let import = cli.run(&["import", &file]);
    assert_eq!(import.code, Some(0), "{import:?}");
    let eval = cli.run(&["eval", "price-pro", "--context", r#"{"targetingKey":"u","plan":"pro"}"#]);
    assert_eq!(eval.code, Some(0), "{eval:?}");
    assert!(eval.out.contains("20") && eval.out.contains("usual") && eval.out.contains("TARGETING_MATCH"), "{eval:?}");
    assert_eq!(cli.run(&["eval", "nobody"]).code, Some(1));
    let export = cli.run(&["export"]);
    assert_eq!((export.code, export.err.as_str()), (Some(0), ""));
    let exported: Json = serde_json::from_str(&export.out).unwrap();
    assert_eq!(exported["flags"].as_object().unwrap().len(), flags::COUNT);
    drop(node);
    let other = Spec::serve().start();
    place(&other.client);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("exported.json");
    fs::write(&path, &export.out).unwrap();
    let other_cli = Cli::of(&other);
    assert_eq!(other_cli.run(&["import", &path.display().to_string()]).code, Some(0));
    assert_eq!(other_cli.run(&["export"]).out, export.out);
}

#[test]
fn a_document_of_yaml_is_as_good_and_a_dry_run_says_what_would_change() {
    let (node, cli) = node();
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        fs::write(dir.path().join(name), text).unwrap();
        dir.path().join(name).display().to_string()
    };
    let on = "flags:\n  a: {state: ENABLED, variants: {on: true, off: false}, defaultVariant: on}\n";
    let first = file("first.yml", on);
    let dry = cli.run(&["import", "--dry-run", &first]);
    let (lines, tag) = dry.out.split_once("To import over just this: --if-match ").unwrap();
    assert_eq!(
        (lines, dry.code),
        ("+ flag a (boolean, on)\nWould import: 1 created, 0 changed, 0 unchanged, 0 pruned.\n", Some(0))
    );
    let over = |tag: &str| cli.run(&["import", &first, "--if-match", tag]);
    let stale = over("0123456789abcdef0123456789abcdef");
    assert!(stale.code == Some(1) && stale.err.starts_with("stale: "), "{stale:?}");
    assert_eq!(over("not a tag").code, Some(2));
    assert_eq!(over(tag.trim()).code, Some(0));
    // it has changed by that
    assert_eq!(over(tag.trim()).code, Some(1));
    let more = "flags:\n  a:\n    state: ENABLED\n    variants: {on: true, off: false}\n    defaultVariant: on\n    targeting: {if: [true, on]}\n  b: {state: DISABLED, variants: {x: 1}}\n";
    let second = file("second", more);
    assert_eq!(cli.run(&["import", &second]).code, Some(1), "it is no JSON");
    let done = cli.run(&["import", "--format", "yaml", &second]);
    let lines = "~ flag a: targeting\n+ flag b (number, off)\nImported: 1 created, 1 changed, 0 unchanged, 0 pruned.\n";
    assert_eq!(done, said(0, lines, ""));
    let yaml = cli.run(&["export", "--format", "yaml"]);
    assert!(yaml.code == Some(0) && yaml.out.starts_with("flags:\n  a:\n"), "{yaml:?}");
    let json = cli.run(&["export"]).out;
    let pruned = cli.run(&["import", "--prune", &first]).out;
    assert!(pruned.starts_with("~ flag a: targeting\n- flag b\n"), "{pruned}");
    assert_eq!(Cli::bare().run(&["rule", "check", &second]).code, Some(1), "it is no JSON");
    let exported = file("exported.yaml", &yaml.out);
    assert_eq!(Cli::bare().run(&["rule", "check", &exported]).code, Some(0));
    assert_eq!(cli.run(&["import", &exported]).code, Some(0));
    assert_eq!(cli.run(&["export"]).out, json);
    drop(node);
    let other = Spec::serve().import("demo/development", std::path::Path::new(&exported)).start();
    assert_eq!(Cli::of(&other).run(&["export"]).out, json);
}

#[test]
fn rules_are_checked_without_a_node() {
    let dir = tempfile::tempdir().unwrap();
    let check = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        Cli::bare().run(&["rule", "check", &path.display().to_string()])
    };
    assert_eq!(Cli::bare().run(&["rule", "check", &flags::file().display().to_string()]).code, Some(0));
    assert_eq!(check("good.json", r#"{"if":[{"==":[{"var":"plan"},"pro"]},"on"]}"#).code, Some(0));
    let bad = check("bad.json", r#"{"if":[{"nonsense":[1]},"on"]}"#);
    assert_eq!(bad.code, Some(1), "{bad:?}");
    assert!(format!("{}{}", bad.out, bad.err).contains("/if/0"), "the place is named: {bad:?}");
    let document = r#"{"flags":{"f":{"state":"ENABLED","variants":{"on":true},"defaultVariant":"on","targeting":{"nonsense":1}}}}"#;
    let bad = check("document.json", document);
    assert_eq!(bad.code, Some(1), "{bad:?}");
    assert!(format!("{}{}", bad.out, bad.err).contains("/flags/f/targeting"), "the place is named: {bad:?}");
    assert_eq!(check("broken.json", "{").code, Some(1));
    assert_eq!(Cli::bare().run(&["rule", "check", "/no/such/file"]).code, Some(1));
}

#[test]
fn rules_are_compiled_without_a_node() {
    let dir = tempfile::tempdir().unwrap();
    let (rule, out) = (dir.path().join("rule.json"), dir.path().join("out.wasm"));
    let compile = |text: &str, more: &[&str]| {
        fs::write(&rule, text).unwrap();
        let (rule, out) = (rule.display().to_string(), out.display().to_string());
        Cli::bare().run(&[&["rule", "compile", &rule, "-o", &out], more].concat())
    };
    assert_eq!(compile(r#"{"iff": []}"#, &[]).code, Some(1));
    let (good, itself) = (r#"{"if": [{"var": "x"}, "on", "off"]}"#, rule.display().to_string());
    fs::write(&rule, good).unwrap();
    let said = Cli::bare().run(&["rule", "compile", &itself, "-o", &itself]);
    assert_eq!((said.code, fs::read_to_string(&rule).unwrap().as_str()), (Some(2), good), "{said:?}");
    assert!(!out.exists());
    assert_eq!(compile(r#"{"if": [{"flag": "other"}, "on"]}"#, &[]).code, Some(1), "it is interpreted");
    let said = compile(r#"{"if": [{"var": "x"}, "on", "off"]}"#, &["--emit", "wat"]);
    assert_eq!((said.code, said.out.starts_with("(module")), (Some(0), true), "{said:?}");
    assert_eq!(fs::read(&out).unwrap()[..4], *b"\0asm");
    // more flags than one module holds
    let flag = json!({"state": "ENABLED", "variants": {"on": true}, "targeting": {"if": [{"var": "x"}, "on"]}});
    let flags: serde_json::Map<String, Json> = (0..300).map(|n| (format!("f{n}"), flag.clone())).collect();
    let said = compile(&json!({ "flags": flags }).to_string(), &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(dir.path().join("out.1.wasm").exists() && said.out.lines().count() >= 3, "{said:?}");
}

#[test]
fn what_cannot_be_done_ends_with_1_and_what_cannot_be_meant_with_2() {
    let (node, cli) = node();
    for usage in [
        &["put"][..],
        &["nonsense"],
        &["get"],
        &["flag"],
        &["flag", "frob", "f"],
        &["list", "--output", "xml"],
        &["serve", "--nonsense"],
    ] {
        let said = Cli::bare().run(usage);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{usage:?}: {said:?}");
        assert!(!said.err.is_empty(), "{usage:?}");
    }
    assert_eq!(cli.run(&["eval", "f", "--context", "{"]).code, Some(2));
    assert_eq!(cli.run(&["eval", "f", "--context", r#"{"a":1,"a":2}"#]).code, Some(2));
    for (option, wrong) in [
        ("--url", "garbage"),
        ("--url", "127.0.0.1:8080"),
        ("--url", "http://"),
        ("--url", "http://127.0.0.1:80808"),
        ("--token", "with space"),
        ("--tenant", ""),
        ("--tenant", "$cluster"),
        ("--env", ".."),
    ] {
        let said = Cli::bare().run(&["get", "k", option, wrong]);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{option} {wrong}: {said:?}");
        assert!(said.err.starts_with(&format!("burgee: {}: ", &option[2..])), "{said:?}");
        assert_eq!(said.err.lines().count(), 1, "{said:?}");
        assert!(option != "--token" || !said.err.contains(wrong), "a secret is not shown");
    }
    let near = Cli::bare().run(&["gett", "k"]);
    assert!(near.code == Some(2) && near.err.contains("'get'"), "{near:?}");
    assert_eq!(cli.run(&["put", "k", "v", "--ttl", "soon"]).code, Some(2));
    assert_eq!(cli.run(&["import", "/no/such/file"]).code, Some(1));
    assert_eq!(cli.run(&["get", ".."]).code, Some(2));
    drop(node);
    let unreachable = cli.run(&["get", "k"]);
    assert_eq!((unreachable.code, unreachable.out.as_str()), (Some(1), ""), "{unreachable:?}");
    assert!(unreachable.err.lines().count() == 1 && !unreachable.err.contains("Key not found"), "{unreachable:?}");
}

#[test]
fn a_wrong_token_is_told_apart_from_an_absent_key() {
    let (node, _) = node();
    let url = &node.client.base;
    let wrong = Cli::bare().run(&[
        "get",
        "k",
        "--url",
        url,
        "--token",
        "wrong-token",
        "--tenant",
        "demo",
        "--env",
        "development",
    ]);
    assert_eq!((wrong.code, wrong.out.as_str()), (Some(1), ""), "{wrong:?}");
    assert!(!wrong.err.contains("Key not found") && !wrong.err.is_empty(), "{wrong:?}");
}

#[test]
fn help_and_version_go_to_stdout() {
    for command in ["--help", "--version", "help"] {
        let said = Cli::bare().run(&[command]);
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
        assert!(said.out.to_lowercase().contains("burgee"), "{said:?}");
    }
}

#[test]
fn values_come_from_files_and_pipes() {
    let (node, cli) = node();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("limits.json");
    fs::write(&file, r#"{"a":1}"#).unwrap();
    assert_eq!(cli.run(&["put", "limits", "--file", file.to_str().unwrap()]), said(0, "Value stored.\n", ""));
    assert_eq!(
        node.client.get(&harness::cluster::entry("limits")).header("content-type").as_deref(),
        Some("application/json")
    );
    let bytes = [0xff, 0, b'\n'];
    assert_eq!(cli.run_with(&["put", "blob", "-f", "-"], &bytes), said(0, "Value stored.\n", ""));
    assert_eq!(node.client.get(&harness::cluster::entry("blob")).body, bytes);
    let missing = cli.run(&["put", "k", "--file", "no/such/file"]);
    assert!(missing.code == Some(1) && missing.err.contains("no/such/file"), "{missing:?}");
    assert_eq!(cli.run(&["put", "k"]).code, Some(2));
    assert_eq!(cli.run(&["put", "k", "v", "--file", "-"]).code, Some(2));
    let large = vec![b'x'; 1024 * 1024 + 1];
    let refused = cli.run_with(&["put", "large", "--file", "-"], &large);
    assert!(refused.code == Some(1) && refused.err.contains("too_large"), "{refused:?}");
}

#[test]
fn shells_complete() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let said = Cli::bare().run(&["completions", shell]);
        assert!(said.code == Some(0) && said.out.contains("watch") && said.out.contains("ready-timeout"), "{shell}");
    }
    let script = Cli::bare().run(&["completions", "bash"]).out;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("burgee.bash");
    fs::write(&file, script).unwrap();
    let ask = format!(
        ". {}; COMP_WORDS=(burgee clus); COMP_CWORD=1; _burgee burgee clus burgee; echo ${{COMPREPLY[@]}}",
        file.display()
    );
    let done = std::process::Command::new("bash").args(["-c", &ask]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&done.stdout).trim(), "cluster");
}
