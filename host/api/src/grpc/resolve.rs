//! Evaluations, by the same way as OFREP's.

use axum::body::Bytes;
use burgee_engine::{ErrorCode, Evaluation, Outcome, Reason, Seen, Snapshot};
use burgee_model::{Context, Limits, context::ContextError, flagd::plain_metadata};
use prost::Message;
use serde::Deserialize;
use serde_json::Value as Json;

use super::{
    message::{
        Answer, AnyFlag, AnyValue, ResolveAllResponse, ResolveBooleanResponse, ResolveFloatResponse,
        ResolveIntResponse, ResolveObjectResponse, ResolveRequest, ResolveStringResponse, Resolved, Struct,
        null_is_default,
    },
    method::{Kind, Version},
    place::Place,
    status::{Code, Status},
    wire::{Encoding, Wire},
};
use crate::{
    http::{
        Api,
        evaluating::{Work, evaluating},
    },
    ofrep,
};

/// What a request may have beside its context: a key of 512 bytes, and what frames both.
const KEY_BYTES: usize = 1_024;

/// What is asked: a flag, and the request as OFREP has it, `{"context"?: …}`.
struct Asked {
    key: String,
    text: Bytes,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    #[serde(rename = "flagKey", alias = "flag_key", deserialize_with = "null_is_default")]
    flag_key: String,
}

impl Asked {
    fn read(message: &Bytes, encoding: Encoding, limits: &Limits) -> Result<Self, Status> {
        // before anything is made of it: empty values are a byte or two here, and many where they are decoded
        if message.len() > limits.context_bytes.saturating_add(KEY_BYTES) {
            return Err(Status::invalid(format!("context: more than {} bytes", limits.context_bytes)));
        }
        match encoding {
            Encoding::Json => {
                let named: Named = serde_json::from_slice(message).map_err(|error| unreadable(&error))?;
                Ok(Self { key: named.flag_key, text: message.clone() })
            }
            Encoding::Proto => {
                let ResolveRequest { flag_key, context } =
                    ResolveRequest::decode(message.clone()).map_err(|error| undecodable(&error, limits))?;
                let text = serde_json::to_vec(&serde_json::json!({ "context": context }));
                Ok(Self { key: flag_key, text: text.map_err(|error| unreadable(&error))?.into() })
            }
        }
    }

    fn context(&self, api: &Api, seen: Seen<'_>) -> Result<Context, Status> {
        let read = ofrep::read_context(&self.text, &api.limits, |text| seen.read_context(text));
        read.map_err(|failure| Status::invalid(failure.details()))
    }
}

/// Protobuf's reader tells what it gave up at by its words alone.
fn undecodable(error: &prost::DecodeError, limits: &Limits) -> Status {
    if error.to_string().contains("recursion limit") {
        let max = limits.context_depth;
        return Status::invalid(format!("context: {}", ContextError::TooDeep { max }));
    }
    unreadable(error)
}

fn unreadable(error: &dyn std::fmt::Display) -> Status {
    Status::invalid(format!("the message cannot be read: {error}"))
}

/// Evaluates one flag.
pub(super) async fn one(
    api: &Api,
    place: &Place,
    wire: Wire,
    message: &Bytes,
    asked: (Version, Kind),
) -> Result<Bytes, Status> {
    let (version, kind) = asked;
    let asked = Asked::read(message, wire.encoding, &api.limits)?;
    let snapshot = place.snapshot(api)?;
    let context = asked.context(api, place.view.of_snapshot(&snapshot))?;
    let now = api.store.now();
    let work = Work { snapshot: &snapshot, context: &context, flag: Some(&asked.key) };
    let answer = || {
        let shown = place.view.shows(&snapshot, &asked.key);
        let found =
            if shown { snapshot.evaluate(&asked.key, &context, now) } else { Snapshot::no_such_flag(&asked.key) };
        match kind {
            Kind::Boolean => {
                resolved::<ResolveBooleanResponse>(&found, version).map(|answer| wire.write(&answer).into())
            }
            Kind::Text => resolved::<ResolveStringResponse>(&found, version).map(|answer| wire.write(&answer).into()),
            Kind::Float => resolved::<ResolveFloatResponse>(&found, version).map(|answer| wire.write(&answer).into()),
            Kind::Int => resolved::<ResolveIntResponse>(&found, version).map(|answer| wire.write(&answer).into()),
            Kind::Object => resolved::<ResolveObjectResponse>(&found, version).map(|answer| wire.write(&answer).into()),
        }
    };
    evaluating(api, work, answer).await?
}

fn resolved<R: Resolved>(found: &Evaluation<'_>, version: Version) -> Result<R, Status> {
    match &found.outcome {
        Outcome::Value { variant, reason } => {
            let value = json(found.value_json());
            R::with(answer(found, *reason, Some(variant)), value)
                .ok_or_else(|| Status::invalid("TYPE_MISMATCH: the flag's value is of another type"))
        }
        Outcome::CodeDefault { reason } => match (version, reason) {
            (Version::Two, _) => Ok(R::without(answer(found, *reason, None))),
            (Version::One, Reason::Disabled) => Ok(R::zero(answer(found, *reason, None))),
            (Version::One, _) => Err(Status::new(Code::NotFound, "FLAG_NOT_FOUND: the flag has no default variant")),
        },
        Outcome::Error { code, details } => {
            let status = match code {
                ErrorCode::FlagNotFound => Code::NotFound,
                ErrorCode::ParseError => Code::DataLoss,
                ErrorCode::General => Code::Unknown,
            };
            Err(Status::new(status, format!("{}: {details}", code.as_str())))
        }
    }
}

fn answer(found: &Evaluation<'_>, reason: Reason, variant: Option<&str>) -> Answer {
    Answer { reason: reason.as_str(), variant: variant.map(str::to_owned), metadata: metadata(found) }
}

fn metadata(found: &Evaluation<'_>) -> Struct {
    match json(found.metadata_json()) {
        Json::Object(members) => members.into(),
        _ => Struct::default(),
    }
}

/// What a snapshot holds as text; null for nothing.
fn json(text: Option<&str>) -> Json {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// Evaluates all flags. Those without an answer or a value are left out: an item of version 1 bears a value of some type,
/// and which one a flag that is disabled or has no default variant would have given, nothing says. (Asked for alone, it is
/// asked for with a type: see [`resolved`].) Where flags are left over because the request took what it may, there is no
/// answer at all: an item has no place for an error, and a client takes a flag that is left out for one that is gone.
pub(super) async fn all(api: &Api, place: &Place, wire: Wire, message: &Bytes) -> Result<Bytes, Status> {
    let asked = Asked::read(message, wire.encoding, &api.limits)?;
    let snapshot = place.snapshot(api)?;
    let context = asked.context(api, place.view.of_snapshot(&snapshot))?;
    let now = api.store.now();
    let max = api.limits.bulk_answer_bytes;
    let mut out = ResolveAllResponse { metadata: Some(set_metadata(&snapshot)), ..ResolveAllResponse::default() };
    let (mut bytes, mut beyond, mut room) = (0_usize, 0_usize, Ok(()));
    let mut share = api.answers.share(&place.holder(api));
    let work = Work { snapshot: &snapshot, context: &context, flag: None };
    evaluating(api, work, || {
        snapshot.evaluate_all(&context, now, |found| {
            if !place.view.shows(&snapshot, found.key) {
                return;
            }
            let own = found.key.len()
                + [found.value_json(), found.metadata_json()].into_iter().flatten().map(str::len).sum::<usize>();
            bytes = bytes.saturating_add(own);
            if room.is_ok() {
                room = share.grow_to(bytes);
            }
            if found.is_beyond_request() {
                beyond += 1;
            }
            if bytes <= max
                && room.is_ok()
                && let Some(flag) = any(&found)
            {
                out.flags.insert(found.key.to_owned(), flag);
            }
        });
    })
    .await?;
    if bytes > max {
        let message = format!("answer_too_large: the flags take more than {max} bytes");
        return Err(Status::new(Code::ResourceExhausted, message));
    }
    room?;
    if beyond > 0 {
        let message = format!("request_too_costly: the other flags took what one request may, {beyond} are left over");
        return Err(Status::new(Code::ResourceExhausted, message));
    }
    Ok(share.sealed(wire.write(&out))?)
}

fn any(found: &Evaluation<'_>) -> Option<AnyFlag> {
    let Outcome::Value { variant, reason } = &found.outcome else { return None };
    let value = Some(AnyValue::of(json(found.value_json()))?);
    let (reason, variant) = (reason.as_str().to_owned(), (*variant).to_owned());
    Some(AnyFlag { reason, variant, value, metadata: Some(metadata(found)) })
}

/// The metadata of an environment's flags together.
pub(super) fn set_metadata(snapshot: &Snapshot) -> Struct {
    let metadata = snapshot.set().get("metadata").and_then(Json::as_object).map(plain_metadata);
    metadata.unwrap_or_default().into()
}
