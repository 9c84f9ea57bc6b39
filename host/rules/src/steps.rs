//! When what a rule reads of the time next changes what it may give, so that it can be announced then and not before.

use std::{collections::HashMap, sync::Arc};

use burgee_model::Value;

use crate::{
    facts::SharedExpr,
    function::Function,
    ir::{Expr, Rule},
    walk::children,
};

/// Where answers move with the time and not in steps, the next one counts as so many seconds away.
pub const EVERY_SECONDS: f64 = 60.0;

impl Rule {
    /// The first whole second after a time, in seconds since the Unix epoch, at which the rule may give something else;
    /// none where time changes nothing any more.
    #[must_use]
    pub fn next_step(&self, seconds: f64) -> Option<f64> {
        self.next_step_with(&mut Known::new(), seconds)
    }

    /// The same for one of many rules at the same time, which go through each shared rule once.
    pub fn next_step_with(&self, known: &mut Known, seconds: f64) -> Option<f64> {
        Some(next(&self.root, seconds, known)).filter(|next| next.is_finite())
    }
}

/// The steps of shared rules that were looked for, by where these are: they must live as long.
pub type Known = HashMap<*const SharedExpr, f64>;

fn next(expr: &Expr, now: f64, known: &mut Known) -> f64 {
    let bounds = match expr {
        Expr::Shared(shared) => {
            if let Some(next) = known.get(&Arc::as_ptr(shared)) {
                return *next;
            }
            let next = next(shared, now, known);
            known.insert(Arc::as_ptr(shared), next);
            return next;
        }
        Expr::Call { function: Function::Ramp(ramp), .. } => {
            return ramp.next_step(now).map_or(f64::INFINITY, |at| whole(at, now));
        }
        Expr::Compare { left, right, .. } => bounds(&[&**left, &**right]),
        Expr::Between { operands, .. } => bounds(&operands.each_ref()),
        Expr::Timestamp | Expr::Flagd => return now.floor() + EVERY_SECONDS,
        _ => None,
    };
    if let Some(bounds) = bounds {
        return bounds
            .into_iter()
            .flat_map(|at| [at.ceil(), at.floor() + 1.0])
            .filter(|at| *at > now)
            .fold(f64::INFINITY, f64::min);
    }
    let mut least = f64::INFINITY;
    children(expr, &mut |child| least = least.min(next(child, now, known)));
    least
}

/// The times with which nothing but the time is compared.
fn bounds(operands: &[&Expr]) -> Option<Vec<f64>> {
    let bound = |expr: &&Expr| match expr {
        Expr::Timestamp => Some(None),
        Expr::Literal(Value::Number(at)) => Some(Some(*at)),
        _ => None,
    };
    let bounds: Option<Vec<Option<f64>>> = operands.iter().map(bound).collect();
    bounds.map(|bounds| bounds.into_iter().flatten().collect())
}

/// The time that rules read has no fractions.
fn whole(at: f64, now: f64) -> f64 {
    at.ceil().max(now.floor() + 1.0)
}

#[cfg(test)]
mod tests {
    use burgee_model::{Key, Limits};
    use serde_json::{Value as Json, json};

    use crate::parse::{self, Setting};

    fn next(rule: &Json, now: f64) -> Option<f64> {
        let limits = Limits::default();
        let setting = Setting { segments: &|_| None, bucketing: Default::default(), limits: &limits };
        let compiled = parse::rule(&Key::new("f").unwrap(), rule, &setting);
        compiled.rule.unwrap().next_step(now)
    }

    #[test]
    fn each_step_of_a_ramp_is_one_and_its_end_the_last() {
        let stepped =
            json!({ "percentage": [{ "ramp": { "start": 100, "end": 200, "from": 0, "to": 50, "steps": 4 } }] });
        for (now, then) in [
            (0.0, Some(125.0)),
            (124.9, Some(125.0)),
            (125.0, Some(150.0)),
            (175.0, Some(200.0)),
            (200.0, None),
            (1e9, None),
        ] {
            assert_eq!(next(&stepped, now), then, "{now}");
        }
        let listed = json!({ "percentage": [{ "ramp": { "from": 1, "steps": [[10, 5], [20, 3]] } }] });
        assert_eq!([0.0, 10.0, 20.0].map(|now| next(&listed, now)), [Some(10.0), Some(20.0), None]);
    }

    #[test]
    fn an_even_ramp_is_looked_at_now_and_then_while_it_runs() {
        let even = json!({ "percentage": [{ "ramp": { "start": 100, "end": 200, "from": 0, "to": 50 } }] });
        for (now, then) in
            [(0.0, Some(101.0)), (100.0, Some(160.0)), (160.0, Some(200.0)), (199.5, Some(200.0)), (200.0, None)]
        {
            assert_eq!(next(&even, now), then, "{now}");
        }
    }

    #[test]
    fn a_time_that_the_rule_compares_with_is_a_step() {
        let time = json!({ "var": "$flagd.timestamp" });
        let rule = json!({ "if": [{ ">": [time, 100] }, "on", { "<=": [50, time, 70.5] }, "on", "off"] });
        let steps = [0.0, 50.0, 51.0, 70.0, 71.0, 100.0, 101.0].map(|now| next(&rule, now));
        assert_eq!(
            steps,
            [50.0, 51.0, 71.0, 71.0, 100.0, 101.0].map(Some).into_iter().chain([None]).collect::<Vec<_>>()[..]
        );
        let computed = json!({ "fractional": [["on", { "-": [time, 5] }], ["off", 10]] });
        assert_eq!(next(&computed, 7.5), Some(67.0));
        assert_eq!(next(&json!({ "==": [{ "var": "plan" }, 5] }), 7.5), None);
    }
}
