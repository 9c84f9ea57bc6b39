//! flagd's own operators. With wrong operands they give null, so that is what they become, with a warning.

use burgee_model::{Bucketing, Place, Value};
use serde_json::Value as Json;

use super::{
    args::Args,
    operation,
    parser::{Parser, constant, null},
};
use crate::{
    function::Function,
    ir::{Expr, Fractional, Share},
    ops::{
        fractional::{self, is_variant},
        sem_ver::{Version, operator},
    },
};

/// The code of an operand that cannot be meant.
const INVALID: &str = "invalid_argument";

/// A share that was read: one that makes the whole null has told so.
enum ReadShare {
    Sound(Share),
    Null,
}

impl Parser<'_> {
    /// `starts_with` and `ends_with`.
    pub(super) fn affix(&mut self, args: &Args<'_>, make: fn(Box<Expr>, Box<Expr>) -> Expr) -> Expr {
        let Ok([text, affix]) = <[Expr; 2]>::try_from(self.operands(args)) else {
            let why = format!("`{}` takes 2 operands, here are {}", args.name, args.items.len());
            return self.always_null(args, &why);
        };
        let other = [&text, &affix].into_iter().position(|e| constant(e).is_some_and(|v| !matches!(v, Value::Text(_))));
        match other {
            Some(at) => self.always_null_at(&args.place_of(at), INVALID, "this is no text"),
            None => make(text.into(), affix.into()),
        }
    }

    /// `sem_ver`: a version, a comparison, a version.
    pub(super) fn sem_ver(&mut self, args: &Args<'_>) -> Expr {
        let Ok([left, op, right]) = <[Expr; 3]>::try_from(self.operands(args)) else {
            return self.always_null(args, &format!("`sem_ver` takes 3 operands, here are {}", args.items.len()));
        };
        for (at, version) in [(0, &left), (2, &right)] {
            if constant(version).is_some_and(|value| Version::read(value).is_none()) {
                return self.always_null_at(
                    &args.place_of(at),
                    INVALID,
                    "this is no version like 1, 1.2 or 1.2.3-rc.1",
                );
            }
        }
        let op = match constant(&op) {
            Some(Value::Text(text)) => operator(text),
            _ => None,
        };
        match op {
            Some(op) => Expr::SemVer { left: left.into(), op, right: right.into() },
            None => {
                let why = "the comparison is none of the constants `=`, `!=`, `<`, `<=`, `>`, `>=`, `^`, `~`";
                self.always_null_at(&args.place_of(1), INVALID, why)
            }
        }
    }

    /// `fractional`: perhaps a value to bucket by, then shares. All are read, so that all problems are found.
    pub(super) fn fractional(&mut self, args: &Args<'_>) -> Expr {
        if self.in_body {
            return self.always_null(args, "`fractional` for each item of a list");
        }
        if args.items.iter().enumerate().any(is_computed_share) {
            let operands = [self.who(), self.operands(args)].concat();
            return Expr::Call { function: Function::Fractional(self.bucketing), operands: operands.into() };
        }
        let bucket_by = match args.items.first() {
            None | Some(Json::Array(_)) => None,
            Some(other) => Some(self.expr(other, &args.place_of(0))),
        };
        let first = usize::from(bucket_by.is_some());
        let shares: Vec<ReadShare> = args
            .items
            .iter()
            .enumerate()
            .skip(first)
            .map(|(at, share)| self.share(share, &args.place_of(at)))
            .collect();
        let bucket_by = match (bucket_by, self.bucketing) {
            (Some(Expr::Literal(Value::Null)), Bucketing::V3) => {
                return self.always_null_at(&args.place_of(0), INVALID, "there is nothing to bucket by");
            }
            (None | Some(Expr::Literal(Value::Null)), _) => None,
            (Some(Expr::Literal(value)), Bucketing::V2) if !matches!(value, Value::Text(_)) => {
                return self.always_null_at(&args.place_of(0), INVALID, "the value to bucket by is no text");
            }
            (Some(other), _) => Some(other),
        };
        let sound: Option<Vec<Share>> = shares.into_iter().map(ReadShare::sound).collect();
        match sound {
            None => null(),
            Some(shares) => self.weighed(bucket_by, shares, args),
        }
    }

    /// The choice, unless constant weights settle that there is none.
    fn weighed(&mut self, bucket_by: Option<Expr>, shares: Vec<Share>, args: &Args<'_>) -> Expr {
        let weights: Option<Vec<u32>> =
            shares.iter().map(|share| constant(&share.weight).and_then(fractional::weight)).collect();
        let known = weights.unwrap_or_else(|| vec![1]);
        match known.into_iter().try_fold(0, fractional::add) {
            _ if shares.is_empty() => self.always_null(args, "`fractional` has no shares"),
            None => self.always_null(args, &format!("the weights' sum is above {}", fractional::WEIGHT_MAX)),
            Some(0) => self.always_null(args, "all weights are zero"),
            Some(_) => match self.bucketing {
                Bucketing::V2 => Expr::Fractional(Fractional { bucket_by: bucket_by.map(Box::new), shares }),
                version @ Bucketing::V3 => {
                    let shares = shares.into_iter().map(Share::into_list);
                    let operands: Vec<Expr> = self.who().into_iter().chain(bucket_by).chain(shares).collect();
                    Expr::Call { function: Function::Fractional(version), operands: operands.into() }
                }
            },
        }
    }

    /// A share: `[variant]` or `[variant, weight]`.
    fn share(&mut self, json: &Json, place: &Place<'_>) -> ReadShare {
        match json {
            Json::Array(items) if matches!(items.len(), 1 | 2) => self.sound_share(items, place),
            _ => self.null_share(place, "a share is a list of a variant and perhaps a weight"),
        }
    }

    fn sound_share(&mut self, items: &[Json], place: &Place<'_>) -> ReadShare {
        let mut operands = items.iter().enumerate().map(|(at, item)| self.expr(item, &place.item(at)));
        let variant = operands.next().unwrap_or(null());
        let weight = operands.next().unwrap_or(Expr::Literal(Value::Number(1.0)));
        drop(operands);
        if matches!(&variant, Expr::List(_)) || constant(&variant).is_some_and(|value| !is_variant(value)) {
            return self.null_share(&place.item(0), "this is not the name of a variant");
        }
        match constant(&weight).map(fractional::weight) {
            Some(None) => self.null_share(&place.item(1), "a weight is a whole number of at most 2147483647"),
            Some(Some(weight)) => {
                ReadShare::Sound(Share { variant, weight: Expr::Literal(Value::Number(weight.into())) })
            }
            None => ReadShare::Sound(Share { variant, weight }),
        }
    }

    fn null_share(&mut self, place: &Place<'_>, why: &str) -> ReadShare {
        self.always_null_at(place, INVALID, &format!("{why}; the whole `fractional` is without effect"));
        ReadShare::Null
    }
}

/// Whether a `fractional` has operands of which only the value tells what they are.
pub(crate) fn has_computed_share(operands: &[&Json]) -> bool {
    operands.iter().copied().enumerate().any(is_computed_share)
}

/// Whether only its value tells what an operand is: an operation after the first operand, or one there that may give
/// a share. What attributes and texts give as first operand is a value to bucket by.
fn is_computed_share((at, operand): (usize, &Json)) -> bool {
    operation(operand).is_some_and(|(name, _)| at > 0 || !["var", "cat", "substr", "config"].contains(&name))
}

impl Share {
    /// The list that it was read from.
    fn into_list(self) -> Expr {
        match (self.variant, self.weight) {
            (Expr::Literal(variant), Expr::Literal(weight)) => Expr::Literal(Value::List([variant, weight].into())),
            (variant, weight) => Expr::List(vec![variant, weight]),
        }
    }
}

impl ReadShare {
    fn sound(self) -> Option<Share> {
        match self {
            Self::Sound(share) => Some(share),
            Self::Null => None,
        }
    }
}
