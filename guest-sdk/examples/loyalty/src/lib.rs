//! Which tier a customer is in: `gold`, `silver` or `none`, by points that grow with what was spent and with
//! the years since they joined. A rule in JSON could not keep the points a number of its own.
//!
//! `{"guest": ["loyalty", 365]}`: the argument is the number of days after which a year's points count.

use burgee_guest::{Call, Value};

burgee_guest::guest!(evaluate);

const SECONDS_PER_DAY: f64 = 86_400.0;
/// Points for gold, where the config entry `loyalty/gold` says nothing else.
const GOLD_POINTS: f64 = 1_000.0;

fn evaluate(call: &Call) -> Result<Value, String> {
    let spent = call.attribute("spent").number().ok_or("the context needs `spent`, a number")?;
    let joined = call.attribute("joined").number().unwrap_or(call.timestamp() as f64);
    let days_per_year = call.argument(0).number().unwrap_or(365.0);
    let days = (call.timestamp() as f64 - joined) / SECONDS_PER_DAY;
    let years = if days_per_year > 0.0 { (days / days_per_year).max(0.0) } else { 0.0 };
    let points = spent * (1.0 + 0.1 * years.floor());
    let gold = burgee_guest::config("loyalty/gold").number().unwrap_or(GOLD_POINTS);
    Ok(Value::from(match points {
        points if points >= gold => "gold",
        points if points >= gold / 4.0 => "silver",
        _ => "none",
    }))
}

#[cfg(test)]
mod tests {
    use burgee_guest::testing;

    use super::*;

    fn tier(spent: f64, years: f64) -> Value {
        let now = 1_700_000_000;
        let joined = now as f64 - years * 365.0 * SECONDS_PER_DAY;
        let call = testing::call("discount").at(now).with_attribute("spent", spent).with_attribute("joined", joined);
        evaluate(&call).unwrap()
    }

    #[test]
    fn points_grow_with_the_years() {
        assert_eq!([tier(950.0, 0.0), tier(950.0, 1.0), tier(10.0, 9.0)], ["silver", "gold", "none"].map(Value::from));
    }

    #[test]
    fn the_bound_is_a_config_entry() {
        testing::with_config([("loyalty/gold", 100.0)], || assert_eq!(tier(100.0, 0.0), "gold".into()));
    }

    #[test]
    fn what_is_needed_is_said() {
        assert!(evaluate(&testing::call("discount")).unwrap_err().contains("`spent`"));
    }
}
