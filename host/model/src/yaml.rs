//! YAML as another way to write what else is JSON: read within bounds, and written so that readers of either version
//! of YAML find the same.

mod words;

use std::cell::RefCell;

use serde_json::Value;
use serde_saphyr::{
    Error, alias_limits, budget,
    budget::BudgetBreach,
    options,
    options::{DuplicateKeyPolicy, MergeKeyPolicy},
};

use crate::json::{Bounds, once};

/// The most levels of nesting that are read, whatever is allowed: each takes 4 KiB of stack, and a thread has 2 MiB. The
/// deepest rule that is allowed by default fits.
pub const LEVELS_MAX: usize = 288;
/// The most anchors, and the most names of anchors, that a document may have.
const ALIASES_MAX: usize = 10_000;
/// The most parts that are kept because an anchor is around them, once for each: a part takes 200 bytes.
const ANCHORED_MAX: usize = 200_000;
/// The longest name of a member that may stand before its colon, in characters.
const NAME_CHARS_MAX: usize = 64 * 1024;

/// Why a YAML text was refused.
#[derive(Debug, thiserror::Error)]
pub enum YamlError {
    /// More levels of lists and mappings than allowed.
    #[error("more than {max} levels of nesting")]
    TooDeep {
        /// What is allowed.
        max: usize,
    },
    /// With its aliases written out it amounts to more than allowed.
    #[error("with its aliases written out it has more than {max} bytes")]
    TooLarge {
        /// What is allowed.
        max: usize,
    },
    /// With its aliases written out it has more values than allowed.
    #[error("more than {max} values, aliases written out: the first too many is at `{path}`")]
    TooMany {
        /// Where that one stands, as a JSON Pointer.
        path: String,
        /// What is allowed.
        max: usize,
    },
    /// More is within anchors than allowed.
    #[error("more than {max} values and names within anchors")]
    Anchored {
        /// What is allowed.
        max: usize,
    },
    /// A mapping names a member twice.
    #[error("the member at `{path}` is there twice")]
    Doubled {
        /// Where it stands, as a JSON Pointer.
        path: String,
    },
    /// Not YAML, or nothing that JSON could say; says line and column.
    #[error("{0}")]
    Syntax(String),
}

/// Reads a document within bounds (and of at most [`LEVELS_MAX`] levels) that amounts to at most `max_bytes` with its
/// aliases written out, of which each mapping names each of its members once.
pub fn document(text: &[u8], bounds: Bounds, max_bytes: usize) -> Result<Value, YamlError> {
    let bounds = Bounds { depth: bounds.depth.min(LEVELS_MAX), ..bounds };
    // what the reader's own fault cannot bear leaves by the side
    let fault = RefCell::new(None);
    let room = once::Room { values: bounds.values, bytes: max_bytes };
    let read = serde_saphyr::with_deserializer_from_slice_with_options(text, options(bounds, max_bytes), |reader| {
        once::read(reader, room).map_err(|found| match found {
            once::Fault::Reader(error) => error,
            once::Fault::Doubled(path) => noted(&fault, YamlError::Doubled { path }),
            once::Fault::TooMany(path) => noted(&fault, YamlError::TooMany { path, max: bounds.values }),
            once::Fault::TooLarge => noted(&fault, YamlError::TooLarge { max: max_bytes }),
        })
    });
    read.map_err(|error| fault.take().unwrap_or_else(|| refusal(&error, bounds, max_bytes)))
}

fn noted(fault: &RefCell<Option<YamlError>>, found: YamlError) -> Error {
    let error = serde::de::Error::custom(found.to_string());
    fault.replace(Some(found));
    error
}

/// What the reader itself stops at. Each value takes a byte of the text at least, or of what aliases amount to; and
/// three of the reader's events at most, with its name.
fn options(bounds: Bounds, max_bytes: usize) -> serde_saphyr::Options {
    let events_max = max_bytes.saturating_mul(2).min(bounds.values.saturating_mul(3)).saturating_add(16);
    options! {
        budget: budget! {
            max_depth: bounds.depth,
            // the scanner runs ahead; depth is counted where it is used
            flow_nesting_limit: max_bytes,
            simple_key_max_lookahead: NAME_CHARS_MAX,
            max_documents: 2,
            max_events: events_max,
            max_nodes: events_max,
            max_recorded_anchor_events: ANCHORED_MAX,
            max_recorded_anchor_bytes: max_bytes,
            max_total_scalar_bytes: max_bytes,
            max_aliases: ALIASES_MAX,
            max_anchors: ALIASES_MAX,
            max_merge_keys: ALIASES_MAX,
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: alias_limits! { max_total_replayed_events: events_max },
        // ours names the place
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::Merge,
        // what flagd's own reader of YAML finds: `on` is the name of a variant, `017` is 15
        strict_booleans: true,
        legacy_octal_numbers: true,
        with_snippet: false,
    }
}

fn refusal(error: &Error, bounds: Bounds, max_bytes: usize) -> YamlError {
    let too_many = || YamlError::TooMany { path: String::new(), max: bounds.values };
    match error {
        Error::AliasError { error, .. } => refusal(error, bounds, max_bytes),
        Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => YamlError::TooDeep { max: bounds.depth },
        Error::Budget { breach: BudgetBreach::RecordedAnchorEvents { .. }, .. } => {
            YamlError::Anchored { max: ANCHORED_MAX }
        }
        Error::Budget { breach: BudgetBreach::Events { .. } | BudgetBreach::Nodes { .. }, .. }
        | Error::AliasReplayLimitExceeded { .. } => too_many(),
        Error::Budget { .. } => YamlError::TooLarge { max: max_bytes },
        error => YamlError::Syntax(words::of(error)),
    }
}

/// Writes a value as a document in blocks.
pub fn text(value: &Value) -> Result<String, YamlError> {
    serde_saphyr::to_string(value).map_err(|error| YamlError::Syntax(error.to_string()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, json};

    use super::*;

    /// Within 64 levels.
    fn document(text: &[u8], max_bytes: usize) -> Result<Value, YamlError> {
        deep(text, 64, max_bytes)
    }

    fn deep(text: &[u8], depth: usize, max_bytes: usize) -> Result<Value, YamlError> {
        super::document(text, Bounds { depth, values: 100_000 }, max_bytes)
    }

    fn read(text: &str) -> Value {
        document(text.as_bytes(), 4096).unwrap()
    }

    #[test]
    fn it_says_what_json_would() {
        let text = "flags:\n  f: &f\n    state: ENABLED\n    variants: {on: true, off: no, 1: 1.0, y: 0x1f}\n  g:\n    <<: *f\n    state: DISABLED\n    text: |\n      a\n      b\n";
        let variants = json!({ "on": true, "off": "no", "1": 1.0, "y": 31 });
        let g = json!({ "state": "DISABLED", "text": "a\nb\n", "variants": variants });
        let expected = json!({ "flags": { "f": { "state": "ENABLED", "variants": variants }, "g": g } });
        assert_eq!(read(text), expected);
        assert_eq!(read(r#"{"a": [1, -2, 1e3, null, "x\n"]}"#), json!({ "a": [1, -2, 1000.0, null, "x\n"] }));
    }

    #[test]
    fn what_json_could_not_say_is_refused() {
        for text in
            ["a: .nan", "a: .inf", "a: 1e999", "a: [", "a: *b", "- a\n--- b", "? {a: 1}\n: 2", "a: !!binary x", "\u{0}"]
        {
            assert!(matches!(document(text.as_bytes(), 4096), Err(YamlError::Syntax(_))), "{text}");
        }
        assert!(matches!(document(b"\xff", 4096), Err(YamlError::Syntax(_))));
        let doubled = document(b"a: 1\nb: [{x/y: 1, x/y: 2}]", 4096);
        assert!(matches!(doubled, Err(YamlError::Doubled { path }) if path == "/b/0/x~1y"));
    }

    #[test]
    fn aliases_cannot_make_much_of_little() {
        let laughs = |last: char| {
            let level =
                |c: char| format!("{}: &{} [{}]\n", c, c, vec![format!("*{}", (c as u8 - 1) as char); 10].join(","));
            format!("a: &a [ha,ha,ha,ha,ha,ha,ha,ha,ha,ha]\n{}", ('b'..=last).map(level).collect::<String>())
        };
        assert_eq!(read(&laughs('b'))["b"][9][9], "ha");
        let long = format!("a: &a {}\nb: [{}]", "x".repeat(1000), ["*a"; 10].join(","));
        let merged = format!("a: &a {{k: {}}}\nb: [{}]", "x".repeat(1000), ["{<<: *a}"; 10].join(","));
        for text in [laughs('d'), laughs('i'), long, merged, format!("[{}]", vec!["&a b"; 20_000].join(","))] {
            let read = document(text.as_bytes(), 8192);
            assert!(matches!(read, Err(YamlError::TooLarge { max: 8192 })), "{read:?}");
        }
    }

    #[test]
    fn values_are_bounded_with_aliases_written_out() {
        let read = |text: &str, values| super::document(text.as_bytes(), Bounds { depth: 64, values }, 1 << 20);
        let list = format!("- &a [{}]\n{}", ["0"; 10].join(","), "- *a\n".repeat(3));
        assert!(read(&list, 45).is_ok());
        let found = read(&list, 44);
        assert!(matches!(&found, Err(YamlError::TooMany { path, max: 44 }) if path == "/3/9"), "{found:?}");
        let nested = format!("{}0{}", "&a [".repeat(60), "]".repeat(60)).replace("&a", "&a\u{20}");
        assert!(read(&nested, 61).is_ok());
        let anchored = format!("{}{}{}", "&a [".repeat(60), vec!["0"; 5_000].join(","), "]".repeat(60));
        let found = read(&anchored, 100_000);
        assert!(matches!(found, Err(YamlError::Anchored { max: ANCHORED_MAX })), "{found:?}");
    }

    #[test]
    fn depth_is_bounded_in_blocks_and_in_brackets() {
        let brackets = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        let blocks = |n: usize| format!("{}x", "- ".repeat(n));
        for text in [brackets as fn(usize) -> String, blocks] {
            assert!(deep(text(60).as_bytes(), 60, 4096).is_ok());
            assert!(matches!(deep(text(61).as_bytes(), 60, 4096), Err(YamlError::TooDeep { max: 60 })));
            let read = deep(text(100_000).as_bytes(), 60, 1 << 20);
            assert!(matches!(read, Err(YamlError::TooDeep { max: 60 })), "{read:?}");
        }
    }

    #[test]
    fn the_deepest_document_fits_a_small_stack() {
        let text = format!("{}1{}", r#"{"a":["#.repeat(LEVELS_MAX / 2), "]}".repeat(LEVELS_MAX / 2));
        let reading = std::thread::Builder::new().stack_size(2 << 20);
        let reading = reading.spawn(move || {
            let value = deep(text.as_bytes(), usize::MAX, 1 << 20).unwrap();
            deep(super::text(&value).unwrap().as_bytes(), usize::MAX, 1 << 22).unwrap() == value
        });
        assert!(reading.unwrap().join().unwrap());
    }

    /// What means something else to one reader of YAML or another.
    const KNOWN: [&str; 42] = [
        "017",
        "-017",
        "0o17",
        "on",
        "no",
        "y",
        "null",
        "~",
        "",
        "1",
        "0x1",
        "1_0",
        "1:30",
        ".nan",
        "1e3",
        "-",
        "?",
        "<<",
        "=",
        "a: b",
        "#",
        "- a",
        " a ",
        "a\n",
        "\n\na ",
        "2026-11-28",
        "!x",
        "&a",
        "*a",
        "'",
        "\"",
        "@",
        "`",
        "%",
        "a #b",
        "{",
        "[]",
        "\u{feff}",
        "\u{85}",
        "\r\n",
        "\u{2028}",
        "\u{7f}",
    ];

    fn texts() -> impl Strategy<Value = String> {
        prop_oneof![proptest::sample::select(&KNOWN[..]).prop_map(str::to_owned), any::<String>(), "[a-z ]{70,200}"]
    }

    fn values() -> impl Strategy<Value = Value> {
        let numbers = prop_oneof![
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from)
        ];
        let leaf =
            prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), numbers, texts().prop_map(Value::from)];
        leaf.prop_recursive(5, 64, 6, |inner| {
            let members = prop::collection::vec((texts(), inner.clone()), 0..6);
            prop_oneof![
                prop::collection::vec(inner, 0..6).prop_map(Value::from),
                members.prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in values()) {
            let written = text(&value).unwrap();
            let read = document(written.as_bytes(), 1 << 20);
            prop_assert_eq!(read.map_err(|error| format!("{error}\n{written}")), Ok(value));
        }

        #[test]
        fn no_text_is_a_reason_to_panic(text in "[\\-a:&*<{}\\[\\],\n #?!|>'\"]{0,40}") {
            let _ = deep(text.as_bytes(), 8, 64);
        }
    }
}
