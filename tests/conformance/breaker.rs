//! Builds a breaker from a recorded configuration.

use std::time::Duration;

use fluxgate::{
    Builder,
    permit::{self, RampUp},
    retry::{Always, Backoff, Cooldown, Never},
    tripper::{
        AvgLatency, Closed, FailureRate, FailureStreak, HalfOpened, MinRequests, Rule, SlowRate,
    },
    window::{CountWindow, TimeWindow},
};

use crate::{
    format::{Config, Permit, Retry, Tripper, Window},
    rules::Settings,
    scale::Scale,
};

/// Sets what the configuration says, and leaves the rest to the library. With
/// doubled times, though, its default times have to be doubled as well.
pub(crate) fn configure(mut builder: Builder, config: &Config, scale: Scale) -> Builder {
    if scale == Scale::AsRecorded {
        builder = match config.window {
            Some(given) => window(builder, given, scale),
            None => builder,
        };
        builder = match &config.tripper {
            Some(given) => builder.tripper(rule(given, scale)),
            None => builder,
        };
        builder = match config.retry {
            Some(given) => retry(builder, given, scale),
            None => builder,
        };
        match config.permit {
            Some(given) => permit(builder, given, scale),
            None => builder,
        }
    } else {
        let Settings {
            window: given,
            tripper,
            retry: retrying,
            permit: permitting,
            ..
        } = Settings::of(config);
        builder = window(builder, given, scale).tripper(rule(&tripper, scale));
        builder = retry(builder, retrying, scale);
        permit(builder, permitting, scale).probe_lease(Duration::from_secs(60 * scale.factor()))
    }
}

fn window(builder: Builder, window: Window, scale: Scale) -> Builder {
    match (window, scale) {
        (Window::Count(size), _) => builder.window(CountWindow::new(size)),
        (Window::Time(seconds), Scale::AsRecorded) => {
            builder.window(TimeWindow::new(Duration::from_secs(seconds)))
        }
        // A recorded second stays one slot.
        (Window::Time(seconds), Scale::Doubled) => {
            builder.window(TimeWindow::new(Duration::from_secs(2 * seconds)).slots(seconds))
        }
    }
}

fn rule(tripper: &Tripper, scale: Scale) -> Rule {
    match tripper {
        Tripper::Closed => Closed.into(),
        Tripper::HalfOpened => HalfOpened.into(),
        Tripper::MinRequests(count) => MinRequests::new(*count).into(),
        Tripper::FailureRate(ratio) => FailureRate::new(*ratio).into(),
        Tripper::SlowRate { ratio, threshold } => {
            SlowRate::new(*ratio, scale.duration(*threshold)).into()
        }
        Tripper::AvgLatency(threshold) => AvgLatency::new(scale.duration(*threshold)).into(),
        Tripper::FailureStreak(count) => FailureStreak::new(*count).into(),
        Tripper::And(both) => rule(&both.0, scale) & rule(&both.1, scale),
        Tripper::Or(both) => rule(&both.0, scale) | rule(&both.1, scale),
    }
}

fn retry(builder: Builder, retry: Retry, scale: Scale) -> Builder {
    match retry {
        Retry::Never => builder.retry(Never),
        Retry::Always => builder.retry(Always),
        Retry::Cooldown {
            duration,
            jitter_ratio,
        } => {
            let cooldown = Cooldown::new(scale.duration(duration));
            builder.retry(match jitter_ratio {
                Some(ratio) => cooldown.jitter_ratio(ratio),
                None => cooldown,
            })
        }
        Retry::Backoff {
            initial,
            multiplier,
            max_duration,
            jitter_ratio,
        } => {
            let mut backoff = Backoff::new(scale.duration(initial));
            if let Some(multiplier) = multiplier {
                backoff = backoff.multiplier(multiplier);
            }
            if let Some(longest) = max_duration {
                backoff = backoff.max_duration(scale.duration(longest));
            }
            if let Some(ratio) = jitter_ratio {
                backoff = backoff.jitter_ratio(ratio);
            }
            builder.retry(backoff)
        }
    }
}

fn permit(builder: Builder, permit: Permit, scale: Scale) -> Builder {
    match permit {
        Permit::All => builder.permit(permit::All),
        Permit::Random(ratio) => builder.permit(permit::Random::new(ratio)),
        Permit::RampUp {
            initial,
            r#final,
            duration,
        } => builder.permit(RampUp::new(initial, r#final, scale.duration(duration))),
    }
}
