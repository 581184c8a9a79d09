//! Throttles, which answer overload in proportion: `Adaptive(k = 1.5, window = 10s)`.

use std::time::Duration;

use super::{
    CountLimits, Param, Params, PolicyCall, Ratio, RatioLimits, Time, WholeNumber, policy,
};
use crate::{
    grammar::tokens::{
        Cursor,
        errors::{ErrorList, Reported},
    },
    throttle::Adaptive,
};

const NAMES: &[&str] = &["Adaptive"];
const ADAPTIVE: Params<1, 3> = Params {
    required: [Param::new("k")],
    optional: [Param::new("window"), Param::new("min"), Param::new("floor")],
    example: "Adaptive(k = 1.5)",
};

/// Reads the whole value.
pub(crate) fn read(cursor: &mut Cursor<'_>, errors: &ErrorList) -> Result<Adaptive, Reported> {
    let call = policy(cursor, "throttle", NAMES, errors)?;
    if call.name != "Adaptive" {
        return Err(call.unknown("throttle", NAMES, "", errors));
    }
    adaptive(&call, errors)
}

fn adaptive(call: &PolicyCall<'_>, errors: &ErrorList) -> Result<Adaptive, Reported> {
    let ([k], [window, min, floor]) = call.bind(&ADAPTIVE, errors)?;
    let k = Ratio::read(&k, Some(RatioLimits::ThrottleK), errors);
    let window = window.map(|window| {
        let window = Time::read(window, errors)?;
        window_is_sound(&window, errors).map(|()| window)
    });
    let min = min.map(|min| WholeNumber::read(&min, CountLimits::Calls, errors));
    let floor = floor.map(|floor| Ratio::read(&floor, Some(RatioLimits::Jitter), errors));
    let mut adaptive = Adaptive::new(k?.get());
    if let Some(window) = window.transpose()? {
        adaptive = adaptive.window(window.get());
    }
    if let Some(min) = min.transpose()? {
        adaptive = adaptive.min(min.get());
    }
    if let Some(floor) = floor.transpose()? {
        adaptive = adaptive.floor(floor.get());
    }
    Ok(adaptive)
}

/// Refuses what `throttle_window` in the runtime refuses.
fn window_is_sound(window: &Time, errors: &ErrorList) -> Result<(), Reported> {
    let Some(known) = window.duration() else {
        return Ok(());
    };
    if (Duration::from_secs(2)..=Duration::from_secs(120)).contains(&known) {
        return Ok(());
    }
    Err(errors.at(
        &window.place,
        format!(
            "{} must be from 2s to 2min, but is {known:?}: in less than 2s too few calls are \
             counted to tell a share from chance",
            window.what,
        ),
    ))
}
