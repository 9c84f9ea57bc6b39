//! Values on their way to a guest and back. Lists and objects travel as JSON text.

use burgee_model::{Value, json};
use serde_json::Value as Json;

use super::{bindings, config::GuestConfig, fault::GuestFault, guests::GuestCall};

/// What the guest is told.
pub(super) fn call(call: &GuestCall<'_>) -> bindings::Call {
    let attributes = match call.context.root() {
        Value::Object(members) => members.iter().map(|(name, value)| (name.to_string(), to_guest(value))).collect(),
        _ => Vec::new(),
    };
    bindings::Call {
        flag: call.flag.to_owned(),
        timestamp: call.timestamp_seconds,
        targeting_key: call.context.targeting_key().map(str::to_owned),
        attributes,
        arguments: call.arguments.iter().map(to_guest).collect(),
    }
}

/// A value for the guest.
pub(super) fn to_guest(value: &Value) -> bindings::Value {
    match value {
        Value::Null => bindings::Value::Null,
        Value::Bool(value) => bindings::Value::Boolean(*value),
        Value::Number(value) => bindings::Value::Number(*value),
        Value::Text(text) => bindings::Value::Text(text.to_string()),
        Value::List(_) | Value::Object(_) => bindings::Value::Json(json_text(value)),
    }
}

/// A guest's answer. JSON of a text or number counts as that text or number.
pub(super) fn from_guest(answer: bindings::Value, config: &GuestConfig) -> Result<Value, GuestFault> {
    match answer {
        bindings::Value::Null => Ok(Value::Null),
        bindings::Value::Boolean(value) => Ok(Value::Bool(value)),
        bindings::Value::Number(value) if value.is_finite() => Ok(Value::Number(value)),
        bindings::Value::Text(text) if text.len() <= config.answer_bytes => Ok(Value::Text(text.into())),
        bindings::Value::Json(text) if text.len() <= config.answer_bytes => {
            json::parse(text.as_bytes(), config.answer_depth).map_err(|_| GuestFault::BadResult)
        }
        _ => Err(GuestFault::BadResult),
    }
}

/// A value as JSON text. Numbers that are not finite are null.
#[must_use]
pub fn json_text(value: &Value) -> String {
    value.to_json(&|_| Json::Null).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_objects_travel_as_json() {
        let json = r#"{"a":[1,2.5,null,true,"x\"y"],"b":{"":[]}}"#;
        let value: Value = serde_json::from_str(json).unwrap();
        let bindings::Value::Json(text) = to_guest(&value) else { panic!("JSON") };
        assert_eq!(text, json);
        assert_eq!(from_guest(bindings::Value::Json(text), &GuestConfig::default()), Ok(value));
    }

    #[test]
    fn rubbish_is_no_answer() {
        let config = GuestConfig { answer_bytes: 4, answer_depth: 1, ..GuestConfig::default() };
        for rubbish in ["", "{", "[[", "[[]]", "[1,2]"] {
            let answer = from_guest(bindings::Value::Json(rubbish.into()), &config);
            assert_eq!(answer, Err(GuestFault::BadResult), "{rubbish}");
        }
        assert_eq!(from_guest(bindings::Value::Text("12345".into()), &config), Err(GuestFault::BadResult));
        for number in [f64::NAN, f64::INFINITY] {
            assert_eq!(from_guest(bindings::Value::Number(number), &config), Err(GuestFault::BadResult));
        }
        assert_eq!(from_guest(bindings::Value::Json(" 1 ".into()), &config), Ok(Value::Number(1.0)));
    }
}
