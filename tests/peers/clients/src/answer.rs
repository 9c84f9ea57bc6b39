//! What the SDK gives, as JSON.

use open_feature::{Client, EvaluationContext, EvaluationDetails, EvaluationError, StructValue, Value};
use serde_json::{Map, Value as Json, json};

/// A value with the name of its variant, or an error's code.
pub type Answer = Result<(Json, Option<String>), String>;

/// A value that is an object, as the provider gives it.
struct Object(StructValue);

impl TryFrom<StructValue> for Object {
    type Error = std::convert::Infallible;

    fn try_from(value: StructValue) -> Result<Self, Self::Error> {
        Ok(Self(value))
    }
}

/// A context with those members that the SDK can say: its structures are of any Rust type, which no provider knows.
#[must_use]
pub fn context(wanted: &Json) -> (Json, EvaluationContext) {
    let (mut said, mut context) = (Map::new(), EvaluationContext::default());
    for (name, value) in wanted.as_object().into_iter().flatten() {
        match value {
            Json::String(text) if name == "targetingKey" => context.targeting_key = Some(text.clone()),
            Json::String(text) => context.add_custom_field(name, text.clone()),
            Json::Bool(on) => context.add_custom_field(name, *on),
            Json::Number(number) => match number.as_i64() {
                Some(integer) => context.add_custom_field(name, integer),
                None => context.add_custom_field(name, number.as_f64().unwrap_or_default()),
            },
            _ => continue,
        }
        said.insert(name.clone(), value.clone());
    }
    (Json::Object(said), context)
}

/// Evaluates with the accessor of a value's type.
pub async fn answer(client: &Client, flag: &str, like: &Json, context: &EvaluationContext) -> Answer {
    let context = Some(context);
    match like {
        Json::Bool(_) => told(client.get_bool_details(flag, context, None).await, Json::from),
        Json::String(_) => told(client.get_string_details(flag, context, None).await, Json::from),
        Json::Number(number) if number.is_i64() => told(client.get_int_details(flag, context, None).await, Json::from),
        Json::Number(_) => told(client.get_float_details(flag, context, None).await, Json::from),
        _ => told(client.get_struct_details::<Object>(flag, context, None).await, |object| members(object.0)),
    }
}

fn told<T>(given: Result<EvaluationDetails<T>, EvaluationError>, json: impl FnOnce(T) -> Json) -> Answer {
    match given {
        Ok(details) => Ok((json(details.value), details.variant)),
        Err(error) => Err(error.code.to_string()),
    }
}

fn members(value: StructValue) -> Json {
    value.fields.into_iter().map(|(name, value)| (name, json_of(value))).collect::<Map<_, _>>().into()
}

fn json_of(value: Value) -> Json {
    match value {
        Value::Bool(on) => json!(on),
        Value::Int(number) => json!(number),
        Value::Float(number) => json!(number),
        Value::String(text) => json!(text),
        Value::Array(items) => items.into_iter().map(json_of).collect(),
        Value::Struct(object) => members(object),
    }
}
