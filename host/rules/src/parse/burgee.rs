//! Burgee's own operators. What is wrong with their constants is a fault, not null: nobody else has to read them.

use std::sync::Arc;

use burgee_model::{Key, Place, Problem, Value};
use serde_json::{Map, Value as Json};

use super::{
    args::Args,
    parser::{Parser, asks_for_itself, constant, null},
};
use crate::{
    GUEST_STEPS,
    function::Function,
    ir::Expr,
    ops::{
        date::{self, Part},
        network::Network,
        ramp::{Course, Ramp},
    },
};

/// The members of a `ramp`.
const RAMP_MEMBERS: [&str; 6] = ["from", "to", "start", "end", "steps", "pause"];

/// The most steps of a `ramp`.
const STEPS_MAX: u32 = 100_000;

/// The code of an operand that cannot be meant.
const INVALID: &str = "invalid_argument";

/// Why a member of a `ramp` was refused: it is told already.
struct Refused;

impl Parser<'_> {
    /// `flag`: the key of another flag.
    pub(super) fn flag_variant(&mut self, args: &Args<'_>) -> Expr {
        let [Json::String(key)] = args.items else {
            return self.fault(&args.place, "wrong_arguments", "`flag` takes the key of another flag, a text");
        };
        match Key::new(key) {
            Ok(_) if self.flag.as_deref() == Some(key) => self.add_fault(asks_for_itself(args.place.pointer())),
            Ok(asked) => {
                let key = asked.as_str().into();
                if self.flag.is_none() {
                    self.note_asked(asked, &args.place);
                }
                Expr::Flag { key }
            }
            Err(error) => self.fault(&args.place_of(0), "invalid_key", error.to_string()),
        }
    }

    /// `guest`: the name of one, and arguments.
    pub(super) fn guest(&mut self, args: &Args<'_>) -> Expr {
        let Some(Json::String(name)) = args.items.first() else {
            return self.fault(
                &args.place,
                "wrong_arguments",
                "`guest` takes the name of a guest, a text, and arguments",
            );
        };
        if let Err(error) = Key::new(name) {
            return self.fault(&args.place_of(0), "invalid_key", error.to_string());
        }
        self.cost = self.cost.saturating_add(GUEST_STEPS as u64);
        let arguments = self.operands(args).split_off(1);
        Expr::Guest { name: name.as_str().into(), arguments: arguments.into() }
    }

    /// `matches`: a text, and a pattern.
    pub(super) fn matches(&mut self, args: &Args<'_>) -> Expr {
        let [text, Json::String(pattern)] = args.items else {
            return self.fault(&args.place, "wrong_arguments", "`matches` takes a text and a constant pattern");
        };
        let text = self.expr(text, &args.place_of(0));
        if !self.count_patterns(1, &args.place_of(1)) {
            return null();
        }
        match (self.making.pattern)(pattern) {
            Ok(pattern) => self.function(Function::Matches(pattern), vec![text]),
            Err(why) => self.fault(&args.place_of(1), "invalid_pattern", format!("this is no pattern: {why}")),
        }
    }

    /// `in_network`: an address, and one or several networks.
    pub(super) fn in_network(&mut self, args: &Args<'_>) -> Expr {
        if !self.at_least(args, 2) {
            return null();
        }
        let [address, networks @ ..] = args.items else { return null() };
        let address = self.expr(address, &args.place_of(0));
        let mut read = Vec::new();
        for (at, json) in (1..).zip(networks) {
            let place = args.place_of(at);
            match json {
                Json::Array(several) => {
                    for (at, json) in several.iter().enumerate() {
                        read.extend(self.network(json, &place.item(at)));
                    }
                }
                one => read.extend(self.network(one, &place)),
            }
        }
        self.cost = self.cost.saturating_add(read.len() as u64);
        self.function(Function::InNetwork(read.into()), vec![address])
    }

    fn network(&mut self, json: &Json, place: &Place<'_>) -> Option<Network> {
        let network = json.as_str().and_then(Network::read);
        if network.is_none() {
            let message = "this is no network like `10.0.0.0/8` or `2001:db8::/32`, and no address";
            self.fault(place, "invalid_network", message);
        }
        network
    }

    /// `date`: the seconds of a date.
    pub(super) fn date(&mut self, args: &Args<'_>) -> Expr {
        let Some([when]) = self.exactly(args) else { return null() };
        self.dated(&when, &args.place_of(0));
        self.function(Function::Date, vec![when])
    }

    /// Warns of a constant that is no date.
    fn dated(&mut self, when: &Expr, place: &Place<'_>) {
        if constant(when).is_some_and(|value| date::date(value) == Value::Null) {
            self.always_null_at(place, "invalid_date", "this is no date like 2026-12-01 or 2026-12-01T08:00:00Z");
        }
    }

    /// Warns of a constant that is no offset.
    fn offset(&mut self, minutes: &Expr, place: &Place<'_>) {
        if constant(minutes).is_some_and(|value| *value != Value::Null && !date::is_offset(value)) {
            self.always_null_at(place, INVALID, "an offset is a number of minutes, less than 26 hours of them");
        }
    }

    /// `date_part`: which part, a date, perhaps minutes from UTC.
    pub(super) fn date_part(&mut self, args: &Args<'_>) -> Expr {
        if !self.at_least(args, 2) {
            return null();
        }
        self.at_most(args, 3);
        let name = args.items.first().and_then(Json::as_str);
        let Some((_, part)) = Part::ALL.into_iter().find(|(known, _)| name == Some(known)) else {
            let known = Part::ALL.map(|(name, _)| format!("`{name}`")).join(", ");
            return self.fault(&args.place_of(0), INVALID, format!("a part of a date is one of {known}"));
        };
        let operands: Vec<Expr> = self.operands(args).into_iter().skip(1).take(2).collect();
        if let Some(when) = operands.first() {
            self.dated(when, &args.place_of(1));
        }
        if let Some(minutes) = operands.get(1) {
            self.offset(minutes, &args.place_of(2));
        }
        self.function(Function::DatePart(part), operands)
    }

    /// `percentage`: a share, and perhaps a value to bucket by.
    pub(super) fn percentage(&mut self, args: &Args<'_>) -> Expr {
        if !self.at_least(args, 1) {
            return null();
        }
        self.at_most(args, 2);
        let mut operands = self.operands(args).into_iter();
        let share = operands.next().unwrap_or(null());
        let bucket_by = operands.next().unwrap_or(null());
        match constant(&share) {
            Some(Value::Number(share)) if !(0.0..=100.0).contains(share) => {
                self.useless(&args.place_of(0), INVALID, "a share is from 0 to 100 percent");
            }
            None | Some(Value::Number(_)) => {}
            Some(_) => drop(self.always_null_at(&args.place_of(0), INVALID, "a share is a number from 0 to 100")),
        }
        if constant(&bucket_by).is_some_and(|value| !matches!(value, Value::Null | Value::Text(_))) {
            self.always_null_at(&args.place_of(1), INVALID, "the value to bucket by is no text");
        }
        let operands = [vec![share, bucket_by], self.who()].concat();
        Expr::Call { function: Function::Percentage, operands: operands.into() }
    }

    /// What is bucketed by where a rule says nothing else: the flag's key, and the targeting key.
    pub(super) fn who(&self) -> Vec<Expr> {
        let targeting_key = Expr::Var { path: Arc::from("targetingKey"), default: None };
        vec![self.flag_key(), targeting_key]
    }

    /// The key of the flag whose rule it is.
    pub(super) fn flag_key(&self) -> Expr {
        self.flag.as_ref().map_or(Expr::FlagKey, |key| Expr::Literal(Value::Text(key.clone())))
    }

    /// `ramp`: an object of constants.
    pub(super) fn ramp(&mut self, args: &Args<'_>) -> Expr {
        let [Json::Object(members)] = args.items else {
            let message = "`ramp` takes an object, like {\"from\": 0, \"to\": 100, \"start\": \"2026-12-01\", \"end\": \"2026-12-08\"}";
            return self.fault(&args.place, "wrong_arguments", message);
        };
        let place = args.place_of(0);
        for name in members.keys().filter(|name| !RAMP_MEMBERS.contains(&name.as_str())) {
            let known = RAMP_MEMBERS.map(|name| format!("`{name}`")).join(", ");
            self.fault(&place.member(name), "unknown_member", format!("`ramp` has no `{name}`: there are {known}"));
        }
        match self.read_ramp(members, &place) {
            Ok(ramp) => {
                self.contradictions(&ramp, &place);
                Expr::Call { function: Function::Ramp(ramp.into()), operands: [Expr::Timestamp].into() }
            }
            Err(Refused) => null(),
        }
    }

    /// Warns of a ramp that never moves, and of a pause that it never comes to.
    fn contradictions(&mut self, ramp: &Ramp, place: &Place<'_>) {
        let (least, greatest) = ramp.range();
        if least >= greatest {
            self.useless(place, "invalid_ramp", "the ramp never moves");
        } else if ramp.pause.is_some_and(|pause| !(least..=greatest).contains(&pause)) {
            let why = format!("the ramp goes from {least} to {greatest} and never comes to this value");
            self.useless(&place.member("pause"), "invalid_ramp", &why);
        }
    }

    fn useless(&mut self, place: &Place<'_>, code: &str, why: &str) {
        self.warn(Problem::new(place.pointer(), code, why));
    }

    fn read_ramp(&mut self, members: &Map<String, Json>, place: &Place<'_>) -> Result<Ramp, Refused> {
        let from = self.number(members, "from", place)?.unwrap_or(0.0);
        let pause = self.number(members, "pause", place)?;
        let course = match members.get("steps") {
            Some(Json::Array(steps)) => {
                if let Some(name) = ["to", "start", "end"].into_iter().find(|name| members.contains_key(*name)) {
                    return Err(self.refuse(&place.member(name), "listed steps have times and values of their own"));
                }
                self.steps(steps, &place.member("steps"))?
            }
            _ => self.even(members, place)?,
        };
        Ok(Ramp { from, course, pause })
    }

    fn even(&mut self, members: &Map<String, Json>, place: &Place<'_>) -> Result<Course, Refused> {
        let [start, end] = ["start", "end"].map(|name| self.instant(members.get(name), &place.member(name)));
        let (start, end) = (start?, end?);
        if end < start {
            return Err(self.refuse(&place.member("end"), "the end lies before the start"));
        }
        let to = self.number(members, "to", place)?.unwrap_or(100.0);
        let steps = match members.get("steps").map(|steps| steps.as_u64().and_then(|n| u32::try_from(n).ok())) {
            None => None,
            Some(Some(steps)) if (1..=STEPS_MAX).contains(&steps) => Some(steps),
            Some(_) => {
                let message = format!("steps are a number from 1 to {STEPS_MAX}, or a list of times and values");
                return Err(self.refuse(&place.member("steps"), &message));
            }
        };
        Ok(Course::Even { start, end, to, steps })
    }

    fn steps(&mut self, steps: &[Json], place: &Place<'_>) -> Result<Course, Refused> {
        if steps.is_empty() {
            return Err(self.refuse(place, "there is no step"));
        }
        let mut read: Vec<(f64, f64)> = Vec::with_capacity(steps.len());
        for (at, step) in steps.iter().enumerate() {
            let place = place.item(at);
            let (Some(when), Some(value), None) = (step.get(0), step.get(1).and_then(Json::as_f64), step.get(2)) else {
                return Err(self.refuse(&place, "a step is a list of a time and a number"));
            };
            let when = self.instant(Some(when), &place.item(0))?;
            if read.last().is_some_and(|(before, _)| *before >= when) {
                return Err(self.refuse(&place.item(0), "each step comes later than the one before"));
            }
            read.push((when, value));
        }
        self.cost = self.cost.saturating_add(read.len() as u64);
        Ok(Course::Steps(read.into()))
    }

    /// A number among the members; none where it is absent.
    fn number(&mut self, members: &Map<String, Json>, name: &str, place: &Place<'_>) -> Result<Option<f64>, Refused> {
        match members.get(name) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::Number(number)) => Ok(number.as_f64()),
            Some(_) => Err(self.refuse(&place.member(name), "this is no number")),
        }
    }

    /// A time: a date, or seconds since the Unix epoch.
    fn instant(&mut self, json: Option<&Json>, place: &Place<'_>) -> Result<f64, Refused> {
        let seconds = match json {
            Some(Json::Number(seconds)) => seconds.as_f64(),
            Some(Json::String(text)) => date::seconds(text),
            _ => None,
        };
        seconds.ok_or_else(|| {
            self.refuse(place, "a time is a date like 2026-12-01 or 2026-12-01T08:00:00Z, or seconds since 1970")
        })
    }

    fn refuse(&mut self, place: &Place<'_>, why: &str) -> Refused {
        self.fault(place, "invalid_ramp", why);
        Refused
    }
}
