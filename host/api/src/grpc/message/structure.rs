//! `google.protobuf.Struct`: JSON in protobuf. Its numbers are doubles.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value as Json};

/// An object.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::grpc) struct Struct {
    #[prost(btree_map = "string, message", tag = "1")]
    pub(in crate::grpc) fields: BTreeMap<String, Value>,
}

/// Any value.
#[derive(Clone, PartialEq, prost::Message)]
pub(in crate::grpc) struct Value {
    #[prost(oneof = "Kind", tags = "1, 2, 3, 4, 5, 6")]
    kind: Option<Kind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Kind {
    /// An enumeration of one.
    #[prost(int32, tag = "1")]
    Null(i32),
    #[prost(double, tag = "2")]
    Number(f64),
    #[prost(string, tag = "3")]
    Text(String),
    #[prost(bool, tag = "4")]
    Bool(bool),
    #[prost(message, tag = "5")]
    Object(Struct),
    #[prost(message, tag = "6")]
    List(List),
}

#[derive(Clone, PartialEq, prost::Message)]
struct List {
    #[prost(message, repeated, tag = "1")]
    values: Vec<Value>,
}

impl From<Map<String, Json>> for Struct {
    fn from(members: Map<String, Json>) -> Self {
        Self { fields: members.into_iter().map(|(name, value)| (name, value.into())).collect() }
    }
}

impl From<Json> for Value {
    fn from(json: Json) -> Self {
        let kind = match json {
            Json::Null => Kind::Null(0),
            Json::Bool(value) => Kind::Bool(value),
            Json::Number(number) => Kind::Number(number.as_f64().unwrap_or(f64::MAX)),
            Json::String(text) => Kind::Text(text),
            Json::Array(items) => Kind::List(List { values: items.into_iter().map(Self::from).collect() }),
            Json::Object(members) => Kind::Object(members.into()),
        };
        Self { kind: Some(kind) }
    }
}

impl Serialize for Struct {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(&self.fields)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.kind {
            None | Some(Kind::Null(_)) => serializer.serialize_unit(),
            Some(Kind::Number(number)) => serializer.serialize_f64(*number),
            Some(Kind::Text(text)) => serializer.serialize_str(text),
            Some(Kind::Bool(value)) => serializer.serialize_bool(*value),
            Some(Kind::Object(object)) => object.serialize(serializer),
            Some(Kind::List(list)) => serializer.collect_seq(&list.values),
        }
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use serde_json::json;

    use super::*;

    #[test]
    fn json_goes_through_and_back() {
        let json = json!({"a": null, "b": true, "c": 1.5, "d": "x", "e": [1.0, {"f": []}], "g": {}});
        let made = Struct::from(json.as_object().unwrap().clone());
        let read = Struct::decode(&*made.encode_to_vec()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), json);
    }

    #[test]
    fn bytes_are_those_of_the_standard() {
        let made = Struct::from(json!({"a": true}).as_object().unwrap().clone());
        assert_eq!(made.encode_to_vec(), [10, 7, 10, 1, b'a', 18, 2, 32, 1]);
        let made = Struct::from(json!({"n": null}).as_object().unwrap().clone());
        assert_eq!(made.encode_to_vec(), [10, 7, 10, 1, b'n', 18, 2, 8, 0]);
    }
}
