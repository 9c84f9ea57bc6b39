//! `flagd.evaluation.v1` and `v2`. Version 2 differs in that values and variants may be absent, so one message
//! serves both: what version 1 always has is always set there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value as Json;

use super::Struct;

/// Every request for one flag, and with no key that for all.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::grpc) struct ResolveRequest {
    #[prost(string, tag = "1")]
    pub(in crate::grpc) flag_key: String,
    #[prost(message, optional, tag = "2")]
    pub(in crate::grpc) context: Option<Struct>,
}

/// What all answers for one flag have besides the value.
#[derive(Clone, Debug)]
pub(in crate::grpc) struct Answer {
    pub(in crate::grpc) reason: &'static str,
    pub(in crate::grpc) variant: Option<String>,
    pub(in crate::grpc) metadata: Struct,
}

/// An answer for one flag, as the kinds of values have it.
pub(in crate::grpc) trait Resolved: prost::Message + Serialize {
    /// The answer with a value; none where it is not of this kind.
    fn with(answer: Answer, value: Json) -> Option<Self>
    where
        Self: Sized;

    /// The answer without one.
    fn without(answer: Answer) -> Self
    where
        Self: Sized;

    /// The answer with the kind's zero value, for clients that know no absence.
    fn zero(answer: Answer) -> Self
    where
        Self: Sized;
}

macro_rules! resolved {
    ($(#[$about:meta])* $name:ident, $type:ty, $kind:ident, $of:expr $(, $write:literal)?) => {
        $(#[$about])*
        #[derive(Clone, PartialEq, prost::Message, Serialize)]
        pub(in crate::grpc) struct $name {
            #[prost($kind, optional, tag = "1")]
            #[serde(skip_serializing_if = "Option::is_none" $(, serialize_with = $write)?)]
            pub(in crate::grpc) value: Option<$type>,
            #[prost(string, tag = "2")]
            pub(in crate::grpc) reason: String,
            #[prost(string, optional, tag = "3")]
            #[serde(skip_serializing_if = "Option::is_none")]
            pub(in crate::grpc) variant: Option<String>,
            #[prost(message, optional, tag = "4")]
            pub(in crate::grpc) metadata: Option<Struct>,
        }

        impl Resolved for $name {
            fn with(answer: Answer, value: Json) -> Option<Self> {
                let of: fn(Json) -> Option<$type> = $of;
                Some(Self { value: Some(of(value)?), ..Self::without(answer) })
            }

            fn without(Answer { reason, variant, metadata }: Answer) -> Self {
                Self { value: None, reason: reason.into(), variant, metadata: Some(metadata) }
            }

            fn zero(answer: Answer) -> Self {
                let variant = Some(String::new());
                Self { value: Some(<$type>::default()), variant, ..Self::without(answer) }
            }
        }
    };
}

resolved!(
    /// A boolean.
    ResolveBooleanResponse, bool, bool, |json| json.as_bool()
);
resolved!(
    /// A text.
    ResolveStringResponse, String, string, |json| match json {
        Json::String(text) => Some(text),
        _ => None,
    }
);
resolved!(
    /// A number.
    ResolveFloatResponse, f64, double, |json| json.as_f64()
);
resolved!(
    /// A whole number: what a number has behind its point is cut off.
    ResolveIntResponse, i64, int64, |json| json.as_i64().or_else(|| json.as_f64().map(truncated)), "as_text"
);
resolved!(
    /// An object.
    ResolveObjectResponse, Struct, message, |json| match json {
        Json::Object(members) => Some(members.into()),
        _ => None,
    }
);

/// Saturates beyond 64 bits.
#[allow(clippy::cast_possible_truncation, reason = "it is what is wanted")]
fn truncated(number: f64) -> i64 {
    number as i64
}

/// Protojson has 64 bits as a text.
#[allow(clippy::ref_option, reason = "the signature is serde's")]
fn as_text<S: Serializer>(value: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&value.unwrap_or_default())
}

/// All flags.
#[derive(Clone, PartialEq, prost::Message, Serialize)]
pub(in crate::grpc) struct ResolveAllResponse {
    #[prost(btree_map = "string, message", tag = "1")]
    pub(in crate::grpc) flags: BTreeMap<String, AnyFlag>,
    #[prost(message, optional, tag = "2")]
    pub(in crate::grpc) metadata: Option<Struct>,
}

/// One of all flags.
#[derive(Clone, PartialEq, prost::Message, Serialize)]
pub(in crate::grpc) struct AnyFlag {
    #[prost(string, tag = "1")]
    pub(in crate::grpc) reason: String,
    #[prost(string, tag = "2")]
    pub(in crate::grpc) variant: String,
    #[prost(oneof = "AnyValue", tags = "3, 4, 5, 6")]
    #[serde(flatten)]
    pub(in crate::grpc) value: Option<AnyValue>,
    #[prost(message, optional, tag = "7")]
    pub(in crate::grpc) metadata: Option<Struct>,
}

/// A value of any kind.
#[derive(Clone, PartialEq, prost::Oneof, Serialize)]
pub(in crate::grpc) enum AnyValue {
    #[prost(bool, tag = "3")]
    #[serde(rename = "boolValue")]
    Bool(bool),
    #[prost(string, tag = "4")]
    #[serde(rename = "stringValue")]
    Text(String),
    #[prost(double, tag = "5")]
    #[serde(rename = "doubleValue")]
    Number(f64),
    #[prost(message, tag = "6")]
    #[serde(rename = "objectValue")]
    Object(Struct),
}

impl AnyValue {
    /// None for what the protocol has no kind for: null and lists.
    pub(in crate::grpc) fn of(json: Json) -> Option<Self> {
        match json {
            Json::Bool(value) => Some(Self::Bool(value)),
            Json::String(text) => Some(Self::Text(text)),
            Json::Number(number) => number.as_f64().map(Self::Number),
            Json::Object(members) => Some(Self::Object(members.into())),
            Json::Null | Json::Array(_) => None,
        }
    }
}

/// What happened.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
pub(in crate::grpc) struct EventStreamResponse {
    #[prost(string, tag = "1")]
    #[serde(rename = "type")]
    pub(in crate::grpc) kind: String,
    #[prost(message, optional, tag = "2")]
    #[serde(skip_serializing_if = "Option::is_none", skip_deserializing)]
    pub(in crate::grpc) data: Option<Struct>,
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use serde_json::json;

    use super::*;

    fn answer() -> Answer {
        Answer { reason: "STATIC", variant: Some("it".into()), metadata: Struct::default() }
    }

    #[test]
    fn a_false_value_is_there_and_an_absent_one_is_not() {
        let made = ResolveBooleanResponse::with(answer(), json!(false)).unwrap();
        assert_eq!(made.encode_to_vec()[..2], [8, 0]);
        let wanted = json!({"value": false, "reason": "STATIC", "variant": "it", "metadata": {}});
        assert_eq!(json!(made), wanted);
        let none = ResolveBooleanResponse::without(Answer { variant: None, ..answer() });
        assert_eq!(json!(none), json!({"reason": "STATIC", "metadata": {}}));
    }

    #[test]
    fn whole_numbers_are_cut_and_written_as_text() {
        let whole = |json| ResolveIntResponse::with(answer(), json).map(|made| json!(made)["value"].clone());
        assert_eq!(whole(json!(9_007_199_254_740_993_i64)), Some(json!("9007199254740993")));
        assert_eq!(whole(json!(-2.9)), Some(json!("-2")));
        assert_eq!(whole(json!(1e300)), Some(json!(i64::MAX.to_string())));
        assert_eq!(whole(json!("2")), None);
    }

    #[test]
    fn one_of_all_flags_names_its_kind() {
        let value = AnyValue::of(json!(2));
        let flag = AnyFlag { reason: "STATIC".into(), variant: "it".into(), value, metadata: None };
        assert_eq!(json!(flag), json!({"reason": "STATIC", "variant": "it", "doubleValue": 2.0, "metadata": null}));
    }
}
