//! What people see, whole.

use burgee_model::{Bucketing, Limits};

use super::super::rules::Read;

fn said(text: &str) -> String {
    Read::new("rules.json".into(), text.as_bytes().to_vec(), Bucketing::V2, &Limits::default()).report().in_words()
}

fn golden(text: &str, expected: &str) {
    let found = said(text);
    assert_eq!(found.trim_end(), expected.trim(), "\n{found}");
}

#[test]
fn each_fault_of_a_document_is_shown_with_its_line() {
    golden(
        r#"{
    "flags": {
        "new-checkout": {
            "state": "ENABLED",
            "variants": {"on": true, "off": false},
            "defaultVariant": "off",
            "targeting": {"if": [
                {"startswith": [{"var": "email"}, "a"]}, "on",
                {"and": [{"flag": "nobody"}, {"percentage": [101]}]}, "of"
            ]}
        }
    }
}"#,
        r#"
error[unknown_operator]: there is no operator `startswith`
 --> rules.json:8:18, at /flags/new-checkout/targeting/if/0/startswith
  |
8 |                 {"startswith": [{"var": "email"}, "a"]}, "on",
  |                  ^^^^^^^^^^^^
  = hint: did you mean `starts_with`?

error[invalid_argument]: a share is from 0 to 100 percent
 --> rules.json:9:62, at /flags/new-checkout/targeting/if/2/and/1/percentage/0
  |
9 |                 {"and": [{"flag": "nobody"}, {"percentage": [101]}]}, "of"
  |                                                              ^^^

warning[unknown_flag]: there is no flag `nobody`: this gives null
 --> rules.json:9:27, at /flags/new-checkout/targeting/if/2/and/0/flag
  |
9 |                 {"and": [{"flag": "nobody"}, {"percentage": [101]}]}, "of"
  |                           ^^^^^^^^^^^^^^^^

rules.json: 2 errors, 1 warning
"#,
    );
}

#[test]
fn a_bare_rule_is_checked_too() {
    golden(
        "{\"if\": [\n\t{\"==\": [{\"var\": \"plan\"}]}, {\"ramp\": {\"start\": 0, \"end\": 1, \"form\": 5}}\n]}",
        r#"
error[wrong_arguments]: `==` takes 2 operands, here are 1
 --> rules.json:2:3, at /if/0/==
  |
2 |  {"==": [{"var": "plan"}]}, {"ramp": {"start": 0, "end": 1, "form": 5}}
  |   ^^^^

error[unknown_member]: `ramp` has no `form`: there are `from`, `to`, `start`, `end`, `steps`, `pause`
 --> rules.json:2:61, at /if/1/ramp/form
  |
2 |  {"==": [{"var": "plan"}]}, {"ramp": {"start": 0, "end": 1, "form": 5}}
  |                                                             ^^^^^^^^^

rules.json: 2 errors
"#,
    );
}

#[test]
fn text_that_is_no_json_is_shown_where_it_breaks() {
    golden(
        "{\"if\": [1,\n  2,]}",
        r#"
error[invalid_json]: trailing comma at line 2 column 5
 --> rules.json:2:5
  |
2 |   2,]}
  |     ^

rules.json: 1 error
"#,
    );
    golden(
        r#"{"a": 1, "b": {"c": 1, "c": [2]}}"#,
        r#"
error[doubled_member]: the member at `/b/c` is there twice
 --> rules.json:1:24, at /b/c
  |
1 | {"a": 1, "b": {"c": 1, "c": [2]}}
  |                        ^^^

rules.json: 1 error
"#,
    );
}

#[test]
fn of_a_long_line_only_what_is_around_the_place_is_shown() {
    let many = "1, ".repeat(2_000);
    let text = format!("{{\"in\": [1, [{many}{{\"nope\": 1}}, {many}1]]}}");
    let found = said(&text);
    let lines: Vec<&str> = found.lines().collect();
    assert!(lines[1].contains("rules.json:1:6014"), "{}", lines[1]);
    assert!(lines.iter().all(|line| line.chars().count() < 160), "{found}");
    let place = lines[4].find('^').unwrap();
    let marked: String = lines[3].chars().skip(place).take(lines[4].matches('^').count()).collect();
    assert_eq!(marked, r#""nope": 1"#);
}

#[test]
fn nothing_that_a_terminal_obeys_is_printed() {
    let found = said("{\"if\": [\u{1b}[31m");
    assert!(!found.contains('\u{1b}'), "{found:?}");
}

#[test]
fn programs_are_told_lines_and_columns() {
    let read = Read::new("r".into(), b"{\n \"zap\": 1}".to_vec(), Bucketing::V2, &Limits::default());
    let found = read.report().document();
    assert_eq!((&found[0]["line"], &found[0]["column"], &found[0]["path"]), (&2.into(), &2.into(), &"/zap".into()));
}
