//! `burgee shell`, at a terminal and from a pipe.

use std::fs;

use harness::{
    cli::{Cli, Said},
    cluster::{entry, place},
    node::{Node, Spec},
    terminal::Terminal,
};

const PROMPT: &str = "burgee> ";

fn node() -> (Node, Cli) {
    let node = Spec::serve().start();
    place(&node.client);
    let cli = Cli::of(&node);
    (node, cli)
}

#[test]
fn a_shell_at_a_terminal() {
    let (node, cli) = node();
    let home = tempfile::tempdir().unwrap();
    let open = || {
        let mut command = cli.command(&["shell"]);
        command.env("XDG_STATE_HOME", home.path());
        let mut terminal = Terminal::start(command);
        terminal.expect(PROMPT);
        terminal
    };
    let mut shell = open();
    let mut say = |keys: &str, answer: &str| {
        shell.keys(keys);
        shell.expect(answer);
        shell.expect(PROMPT);
    };
    say("put greeting hello  brave world\r", "\nValue stored.");
    say("get greeting\r", "\nValue: hello  brave world\r\n");
    say("put \"a key\" x\r", "\nValue stored.");
    say("list\r", "\na key\r\ngreeting\r\n");
    say("\r", "");
    say("   \r", "");
    say("dance\r", "Unknown command: dance");
    say("get\r", "Usage: get KEY");
    say("put greeting\r", "Usage: put KEY VALUE");
    say("get half a line \x03", "");
    say("delete greeting\r", "\nKey deleted.");
    say("get greeting\r", "\nKey not found.");
    // editing: back over the last letter, and another one in its place
    say("get a-key\x7f\x7f\x7f\x7f\x7f\"a key\"\r", "\nValue: x\r\n");
    // the line before, again
    say("\x1b[A\r", "\nValue: x\r\n");
    shell.keys("quit\r");
    shell.expect("\nGoodbye!");
    assert!(shell.ended().success());
    node.client.get(&entry("greeting")).check(404);

    let mut shell = open();
    shell.keys("\x1b[A\x1b[A\r");
    shell.expect("\nValue: x\r\n");
    shell.expect(PROMPT);
    shell.keys("\x04");
    shell.expect("Goodbye!");
    assert!(shell.ended().success(), "the end of input is a good end");
    let history = fs::metadata(home.path().join("burgee/shell-history")).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&history.permissions()) & 0o077, 0, "values are typed there");
}

#[test]
fn a_shell_outlives_a_node_that_is_gone() {
    let (node, cli) = node();
    let mut shell = Terminal::start(cli.command(&["shell"]));
    shell.expect(PROMPT);
    let again = node.again();
    drop(node);
    shell.keys("get a\r");
    shell.expect("burgee: url: ");
    shell.expect(PROMPT);
    let node = again.start();
    node.client.put(&entry("a"), "1").check(201);
    shell.keys("get a\r");
    shell.expect("\nValue: 1\r\n");
}

#[test]
fn a_shell_in_a_pipe() {
    let (_node, cli) = node();
    let script = b"put k a value\n\nget k\nnonsense\nput k \xff\nlist\ndelete k\nget k";
    let Said { code, out, err } = cli.run_with(&["shell"], script);
    assert_eq!(out, "Value stored.\nValue: a value\nk\nKey deleted.\nKey not found.\nGoodbye!\n");
    assert_eq!(err, "Unknown command: nonsense. `help` says what there is.\nThe line is not UTF-8.\n");
    assert_eq!(code, Some(0));
}
