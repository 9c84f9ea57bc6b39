//! `ramp`: a number that time moves, so that schedules and progressive rollouts need nobody to take the steps.

use crate::steps::EVERY_SECONDS;

/// How a value moves with time.
#[derive(Clone, Debug, PartialEq)]
pub struct Ramp {
    /// What it is before the start.
    pub from: f64,
    /// How it goes on.
    pub course: Course,
    /// Where it stops for now, wherever the time would have it.
    pub pause: Option<f64>,
}

/// How a ramp goes on.
#[derive(Clone, Debug, PartialEq)]
pub enum Course {
    /// Evenly, or in equal steps, from one time to another.
    Even {
        /// When it begins to move, in seconds since the Unix epoch.
        start: f64,
        /// When it has arrived.
        end: f64,
        /// Where it arrives.
        to: f64,
        /// In how many steps; none: without a step.
        steps: Option<u32>,
    },
    /// In steps: from each time on, in seconds, the value beside it. Ascending.
    Steps(Box<[(f64, f64)]>),
}

impl Ramp {
    /// The value at a time, in seconds since the Unix epoch.
    #[must_use]
    pub fn at(&self, seconds: f64) -> f64 {
        let value = match &self.course {
            Course::Even { start, end, to, steps } => {
                let passed = progress(seconds, *start, *end);
                let passed = steps.map_or(passed, |steps| (passed * f64::from(steps)).floor() / f64::from(steps));
                self.from + (to - self.from) * passed
            }
            Course::Steps(steps) => {
                steps.iter().take_while(|(at, _)| *at <= seconds).last().map_or(self.from, |(_, value)| *value)
            }
        };
        self.pause.map_or(value, |pause| self.up_to(value, pause))
    }

    /// The first time after one, both in seconds since the Unix epoch, at which it may have another value: that of the
    /// next step, and of one without steps that of a look at it. None once it has arrived. A pause counts nothing.
    #[must_use]
    pub fn next_step(&self, seconds: f64) -> Option<f64> {
        match &self.course {
            Course::Even { end, .. } if seconds >= *end => None,
            Course::Even { start, end, steps: Some(steps), .. } => {
                let at = |step: f64| start + (end - start) * step / f64::from(*steps);
                let step = (progress(seconds, *start, *end) * f64::from(*steps)).floor() + 1.0;
                // a boundary that was reached may lie a hair beneath its step
                let next = if at(step) > seconds { at(step) } else { at(step + 1.0) };
                Some(next.min(*end))
            }
            Course::Even { start, .. } if seconds < *start => Some(start + 1.0),
            Course::Even { end, .. } => Some((seconds + EVERY_SECONDS).min(*end)),
            Course::Steps(steps) => steps.iter().map(|(at, _)| *at).find(|at| *at > seconds),
        }
    }

    /// The least and the greatest value that it takes, a pause aside.
    #[must_use]
    pub fn range(&self) -> (f64, f64) {
        let values: &mut dyn Iterator<Item = f64> = match &self.course {
            Course::Even { to, .. } => &mut std::iter::once(*to),
            Course::Steps(steps) => &mut steps.iter().map(|(_, value)| *value),
        };
        values.fold((self.from, self.from), |(least, greatest), value| (least.min(value), greatest.max(value)))
    }

    /// Whether it never falls.
    #[must_use]
    pub fn rises(&self) -> bool {
        match &self.course {
            Course::Even { to, .. } => self.from <= *to,
            Course::Steps(steps) => {
                let values = steps.iter().map(|(_, value)| *value);
                std::iter::once(self.from).chain(values).is_sorted()
            }
        }
    }

    /// The time, in seconds since the Unix epoch, after which a ramp that rises is greater than a value; minus infinity
    /// where it always is, none where it never will be. At that time itself it may still be the value.
    #[must_use]
    pub fn exceeds(&self, value: f64) -> Option<f64> {
        if self.from > value {
            return Some(f64::NEG_INFINITY);
        }
        if self.pause.is_some_and(|pause| pause <= value) {
            return None;
        }
        match &self.course {
            Course::Even { to, .. } if *to <= value => None,
            Course::Even { start, end, to, steps } => {
                let passed = (value - self.from) / (to - self.from);
                let passed = steps.map_or(passed, |steps| {
                    ((passed * f64::from(steps)).floor() + 1.0).min(f64::from(steps)) / f64::from(steps)
                });
                Some(start + (end - start) * passed)
            }
            Course::Steps(steps) => steps.iter().find(|(_, reached)| *reached > value).map(|(at, _)| *at),
        }
    }

    fn up_to(&self, value: f64, pause: f64) -> f64 {
        if pause >= self.from { value.min(pause) } else { value.max(pause) }
    }
}

/// From 0 to 1. At the end it has arrived, also where that is the start.
fn progress(now: f64, start: f64, end: f64) -> f64 {
    if now >= end { 1.0 } else { ((now - start) / (end - start)).clamp(0.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn even(steps: Option<u32>, pause: Option<f64>) -> Ramp {
        Ramp { from: 0.0, course: Course::Even { start: 100.0, end: 200.0, to: 50.0, steps }, pause }
    }

    #[test]
    fn it_moves_evenly_or_in_steps() {
        for (at, smooth, stepped) in [
            (0.0, 0.0, 0.0),
            (100.0, 0.0, 0.0),
            (130.0, 15.0, 12.5),
            (199.0, 49.5, 37.5),
            (200.0, 50.0, 50.0),
            (1e9, 50.0, 50.0),
        ] {
            assert_eq!(even(None, None).at(at), smooth, "{at}");
            assert_eq!(even(Some(4), None).at(at), stepped, "{at}");
        }
    }

    #[test]
    fn it_stops_at_a_pause_whichever_way_it_goes() {
        assert_eq!(even(None, Some(20.0)).at(130.0), 15.0);
        assert_eq!(even(None, Some(20.0)).at(180.0), 20.0);
        let down = Ramp {
            from: 100.0,
            course: Course::Even { start: 0.0, end: 10.0, to: 0.0, steps: None },
            pause: Some(70.0),
        };
        assert_eq!((down.at(1.0), down.at(9.0)), (90.0, 70.0));
    }

    #[test]
    fn it_takes_the_steps_that_are_listed() {
        let ramp = Ramp { from: 1.0, course: Course::Steps([(10.0, 5.0), (20.0, 3.0)].into()), pause: None };
        assert_eq!([0.0, 10.0, 19.0, 20.0, 99.0].map(|at| ramp.at(at)), [1.0, 5.0, 5.0, 3.0, 3.0]);
    }

    #[test]
    fn it_is_known_when_a_value_is_exceeded() {
        let steps = Ramp { from: 1.0, course: Course::Steps([(10.0, 5.0), (20.0, 7.0)].into()), pause: None };
        for (ramp, value, at) in [
            (even(None, None), 15.0, Some(130.0)),
            (even(None, None), 0.0, Some(100.0)),
            (even(None, None), -1.0, Some(f64::NEG_INFINITY)),
            (even(None, None), 50.0, None),
            (even(Some(4), None), 12.0, Some(125.0)),
            (even(Some(4), None), 12.5, Some(150.0)),
            (even(None, Some(20.0)), 19.0, Some(138.0)),
            (even(None, Some(20.0)), 20.0, None),
            (steps.clone(), 4.0, Some(10.0)),
            (steps.clone(), 5.0, Some(20.0)),
            (steps, 7.0, None),
        ] {
            assert_eq!(ramp.exceeds(value), at, "{ramp:?} {value}");
            if let Some(at) = at.filter(|at| at.is_finite()) {
                assert!(ramp.at(at - 0.001) <= value && ramp.at(at + 0.001) > value, "{ramp:?} {value}");
            }
        }
    }

    #[test]
    fn one_that_falls_anywhere_does_not_rise() {
        assert!(even(None, None).rises() && even(Some(3), None).rises());
        let down = Ramp { from: 60.0, ..even(None, None) };
        let dip = Ramp { from: 0.0, course: Course::Steps([(1.0, 5.0), (2.0, 4.0)].into()), pause: None };
        let late = Ramp { from: 6.0, course: Course::Steps([(1.0, 5.0)].into()), pause: None };
        assert!(!down.rises() && !dip.rises() && !late.rises());
    }

    #[test]
    fn a_start_that_is_the_end_is_a_switch() {
        let ramp = Ramp { from: 0.0, course: Course::Even { start: 5.0, end: 5.0, to: 1.0, steps: None }, pause: None };
        assert_eq!([4.9, 5.0].map(|at| ramp.at(at)), [0.0, 1.0]);
    }
}
