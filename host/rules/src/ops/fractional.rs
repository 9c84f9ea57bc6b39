//! `fractional`: a weighted choice that is the same for the same value. Version 2 of flagd's bucketing hashes a text
//! as it is, version 3 the canonical CBOR of any value.

use std::borrow::Cow;

use burgee_model::{Bucketing, Context, Value};

use super::{cbor, murmur3};
use crate::{Budget, EvalError};

/// The greatest weight, and the greatest sum of weights.
pub const WEIGHT_MAX: u32 = 2_147_483_647;

/// The bucket of a hash among `total`: from 0 to `total - 1`, or 0 where `total` is 0.
#[must_use]
#[allow(clippy::cast_possible_truncation, reason = "the product is below total * 2^32")]
pub fn bucket(hash: u32, total: u32) -> u32 {
    ((u64::from(hash) * u64::from(total)) >> 32) as u32
}

/// A weight as a rule gives it: whole; negative counts as zero. `None` makes the whole null.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
pub fn weight(value: &Value) -> Option<u32> {
    match value {
        Value::Number(n) if n.fract() == 0.0 && *n <= f64::from(WEIGHT_MAX) => Some(n.max(0.0) as u32),
        _ => None,
    }
}

/// Whether a value may stand as the variant of a share.
#[must_use]
pub fn is_variant(value: &Value) -> bool {
    !matches!(value, Value::List(_) | Value::Object(_))
}

/// The hash of what a rule gives as value to bucket by: a text as it is; null stands for flag key +
/// targeting key. `None` makes the whole null: another value, or no targeting key.
pub fn hash(bucket_by: &Value, flag: &str, context: &Context, budget: &mut Budget) -> Result<Option<u32>, EvalError> {
    match bucket_by {
        Value::Text(text) => text_hash(text, budget).map(Some),
        Value::Null => default_hash(flag, context, budget),
        _ => Ok(None),
    }
}

/// The hash of flag key + targeting key; `None` where there is no targeting key, or an empty one.
pub fn default_hash(flag: &str, context: &Context, budget: &mut Budget) -> Result<Option<u32>, EvalError> {
    match context.targeting_key() {
        Some(key) => joined_hash(flag, key, budget),
        None => Ok(None),
    }
}

fn text_hash(text: &str, budget: &mut Budget) -> Result<u32, EvalError> {
    budget.look(text.len())?;
    Ok(murmur3::hash(text.as_bytes()))
}

fn joined_hash(flag: &str, key: &str, budget: &mut Budget) -> Result<Option<u32>, EvalError> {
    if key.is_empty() {
        return Ok(None);
    }
    budget.look(flag.len() + key.len())?;
    Ok(Some(murmur3::hash_joined(flag, key)))
}

/// As [`hash`], of values: where there is no value to bucket by, of flag key + targeting key.
fn hash_of(
    bucket_by: Option<&Value>,
    flag: &Value,
    targeting_key: &Value,
    budget: &mut Budget,
) -> Result<Option<u32>, EvalError> {
    match (bucket_by, flag, targeting_key) {
        (Some(Value::Text(text)), ..) => text_hash(text, budget).map(Some),
        (None | Some(Value::Null), Value::Text(flag), Value::Text(key)) => joined_hash(flag, key, budget),
        _ => Ok(None),
    }
}

/// The hash of version 3: of any value's canonical CBOR; without a value, of the list of flag key and targeting key.
/// `None` where the value is null, or there is no targeting key.
pub fn encoded_hash(
    bucket_by: Option<&Value>,
    flag: &Value,
    targeting_key: &Value,
    budget: &mut Budget,
) -> Result<Option<u32>, EvalError> {
    let bytes = match (bucket_by, targeting_key) {
        (Some(Value::Null), _) => return Ok(None),
        (Some(value), _) => cbor::canonical(value, budget)?,
        (None, Value::Text(key)) if !key.is_empty() => {
            cbor::canonical(&Value::List([flag.clone(), targeting_key.clone()].into()), budget)?
        }
        (None, _) => return Ok(None),
    };
    Ok(Some(murmur3::hash(&bytes)))
}

/// `fractional` where what its operands are is known only now: the first one is the value to bucket by, unless it
/// is a list; the others are lists of a variant and perhaps a weight.
pub(super) fn of_values(
    version: Bucketing,
    flag: &Value,
    targeting_key: &Value,
    operands: &[Cow<'_, Value>],
    budget: &mut Budget,
) -> Result<Value, EvalError> {
    let (bucket_by, shares) = match operands.split_first() {
        Some((first, rest)) if !matches!(&**first, Value::List(_)) => (Some(&**first), rest),
        _ => (None, operands),
    };
    let hash = match version {
        Bucketing::V2 => hash_of(bucket_by, flag, targeting_key, budget)?,
        Bucketing::V3 => encoded_hash(bucket_by, flag, targeting_key, budget)?,
    };
    let Some(hash) = hash else { return Ok(Value::Null) };
    let shares: Option<Vec<(&Value, u32)>> = shares.iter().map(|share| read_share(share)).collect();
    let shares = shares.unwrap_or_default();
    let chosen = choose(hash, shares.iter().map(|(_, weight)| *weight));
    Ok(chosen.and_then(|at| shares.get(at)).map_or(Value::Null, |(variant, _)| (*variant).clone()))
}

fn read_share(share: &Value) -> Option<(&Value, u32)> {
    let Value::List(share) = share else { return None };
    let (variant, given) = match &**share {
        [variant] => (variant, 1),
        [variant, given] => (variant, weight(given)?),
        _ => return None,
    };
    is_variant(variant).then_some((variant, given))
}

/// The buckets of [`percentage`]: thousandths of a percent.
pub const THOUSANDTHS: u32 = 100_000;

/// `percentage`: whether a text falls into the first so many percent of all, in steps of a thousandth; null where
/// there is nothing to bucket by, or the share is no number. Whoever is in stays in while the share grows.
pub(super) fn percentage(
    share: &Value,
    bucket_by: &Value,
    flag: &Value,
    targeting_key: &Value,
    budget: &mut Budget,
) -> Result<Value, EvalError> {
    let hash = hash_of(Some(bucket_by), flag, targeting_key, budget)?;
    Ok(match (hash, share) {
        (Some(hash), Value::Number(share)) if !share.is_nan() => Value::Bool(is_within(hash, *share)),
        _ => Value::Null,
    })
}

/// Of [`percentage`], the buckets of one percent.
const BUCKETS_A_PERCENT: f64 = 1_000.0;

/// Whether a hash falls into the first so many percent of all.
#[must_use]
pub fn is_within(hash: u32, share: f64) -> bool {
    f64::from(bucket(hash, THOUSANDTHS)) < share * BUCKETS_A_PERCENT
}

/// The greatest share in percent that a hash does not fall into.
#[must_use]
pub fn threshold(hash: u32) -> f64 {
    f64::from(bucket(hash, THOUSANDTHS)) / BUCKETS_A_PERCENT
}

/// Adds a weight to a sum of weights; `None` beyond [`WEIGHT_MAX`].
#[must_use]
pub fn add(sum: u32, weight: u32) -> Option<u32> {
    sum.checked_add(weight).filter(|sum| *sum <= WEIGHT_MAX)
}

/// The position of the share that a hash falls into; `None` where all weights are zero.
///
/// The weights' sum must be at most [`WEIGHT_MAX`].
#[must_use]
pub fn choose(hash: u32, weights: impl Iterator<Item = u32> + Clone) -> Option<usize> {
    let total = weights.clone().try_fold(0, add)?;
    let bucket = bucket(hash, total);
    let mut end = 0;
    weights.into_iter().position(|weight| {
        end += weight;
        bucket < end
    })
}

#[cfg(test)]
mod tests {
    use burgee_model::Limits;

    use super::*;

    #[test]
    fn hashing_long_texts_costs_steps() {
        let limits = Limits { evaluation_steps: 2, ..Limits::default() };
        let hash = |by: &Value, key: &str| {
            let root = serde_json::json!({"targetingKey": key});
            let context = Context::new(Value::from(&root), &Limits::default()).unwrap();
            hash(by, "flag", &context, &mut Budget::new(&limits)).map(|hash| hash.is_some())
        };
        assert_eq!(hash(&Value::text(&"x".repeat(191)), ""), Ok(true));
        assert_eq!(hash(&Value::text(&"x".repeat(192)), ""), Err(EvalError::TooCostly));
        assert_eq!(hash(&Value::Null, &"x".repeat(187)), Ok(true));
        assert_eq!(hash(&Value::Null, &"x".repeat(188)), Err(EvalError::TooCostly));
        assert_eq!(hash(&Value::Null, ""), Ok(false));
    }

    #[test]
    fn weights() {
        for (number, expected) in [
            (0.0, Some(0)),
            (-0.0, Some(0)),
            (-3.0, Some(0)),
            (f64::MIN, Some(0)),
            (7.0, Some(7)),
            (2_147_483_647.0, Some(WEIGHT_MAX)),
            (2_147_483_648.0, None),
            (0.5, None),
            (f64::NAN, None),
            (f64::INFINITY, None),
            (f64::NEG_INFINITY, None),
        ] {
            assert_eq!(weight(&Value::Number(number)), expected, "{number}");
        }
        assert_eq!(weight(&Value::text("1")), None);
        assert_eq!(weight(&Value::Null), None);
    }

    #[test]
    fn shares_meet_without_gap_or_overlap() {
        let weights = [1u32, 0, 2, 1];
        let quarter = 1u32 << 30;
        let chosen = |hash| choose(hash, weights.into_iter());
        assert_eq!(chosen(0), Some(0));
        assert_eq!(chosen(quarter - 1), Some(0));
        assert_eq!(chosen(quarter), Some(2));
        assert_eq!(chosen(3 * quarter - 1), Some(2));
        assert_eq!(chosen(3 * quarter), Some(3));
        assert_eq!(chosen(u32::MAX), Some(3));
    }

    #[test]
    fn sums_of_nothing_and_of_too_much_choose_nothing() {
        assert_eq!(choose(5, [0, 0].into_iter()), None);
        assert_eq!(choose(5, [].into_iter()), None);
        assert_eq!(choose(5, [WEIGHT_MAX, 1].into_iter()), None);
        assert_eq!(choose(u32::MAX, [WEIGHT_MAX - 1, 1].into_iter()), Some(1));
    }

    /// What flagd's reference engine for this version (Python, 2.0.0) gives for four shares of 25 each.
    #[test]
    fn the_choices_of_version_3() {
        let shares = ["a", "b", "c", "d"].map(|name| Value::List([Value::text(name), Value::Number(25.0)].into()));
        let chosen = |key: &str, by: Option<Value>| {
            let operands: Vec<Cow<'_, Value>> = by.into_iter().chain(shares.clone()).map(Cow::Owned).collect();
            let mut budget = Budget::new(&Limits::default());
            of_values(Bucketing::V3, &Value::text("flag"), &Value::text(key), &operands, &mut budget).unwrap()
        };
        let value = |json| Some(serde_json::from_str(json).unwrap());
        for (by, expected) in [
            (r#""user1""#, "d"),
            (r#""jon@company.com""#, "a"),
            (r#""""#, "a"),
            ("42", "b"),
            ("42.0", "b"),
            ("1.5", "a"),
            ("true", "a"),
            (r#"{"b":1,"a":"x"}"#, "d"),
        ] {
            assert_eq!(chosen("user1", value(by)), Value::text(expected), "{by}");
        }
        for (key, expected) in [("user1", "b"), ("user2", "c"), ("user3", "d"), ("user4", "b"), ("user5", "c")] {
            assert_eq!(chosen(key, None), Value::text(expected), "{key}");
        }
        assert_eq!([chosen("user1", Some(Value::Null)), chosen("", None)], [Value::Null, Value::Null]);
    }
}
