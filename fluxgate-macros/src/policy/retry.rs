//! When to probe: `Backoff(initial = 10s)`.

use proc_macro2::Ident;
use syn::{Expr, spanned::Spanned};

use super::{Call, Param, Range, Ratio, Time, Value, policy_value};
use crate::tokens::{Cursor, errors::Errors};

pub(crate) struct Retry {
    pub(crate) ident: Ident,
    pub(crate) kind: Kind,
}

pub(crate) enum Kind {
    Never,
    Always,
    Cooldown {
        duration: Time,
        jitter_ratio: Option<Ratio>,
    },
    Backoff(Backoff),
    Custom(Expr),
    InCode(Expr),
}

pub(crate) struct Backoff {
    pub(crate) initial: Time,
    pub(crate) multiplier: Option<Ratio>,
    pub(crate) max_duration: Option<Time>,
    pub(crate) jitter_ratio: Option<Ratio>,
}

const NAMES: &[&str] = &["Cooldown", "Backoff", "Always", "Never", "Custom"];
const COOLDOWN: &[Param] = &[
    Param::required("duration", "Cooldown(60s)"),
    Param::optional("jitter_ratio"),
];
const BACKOFF: &[Param] = &[
    Param::required("initial", "Backoff(initial = 10s)"),
    Param::optional("multiplier"),
    Param::optional("max_duration"),
    Param::optional("jitter_ratio"),
];
const CUSTOM: &[Param] = &[Param::required(
    "retry",
    "Custom(|opening| Some(Duration::from_secs(5)))",
)];

impl Retry {
    pub(crate) fn read(cursor: &mut Cursor<'_>, errors: &Errors) -> Option<Self> {
        let call = match policy_value(cursor, "retry", NAMES, errors)? {
            Value::Known(call) => call,
            Value::InCode(expr) => {
                return Some(Self {
                    ident: Ident::new("retry", expr.span()),
                    kind: Kind::InCode(expr),
                });
            }
        };
        let kind = match call.name.as_str() {
            "Never" => {
                call.no_arguments(errors)?;
                Kind::Never
            }
            "Always" => {
                call.no_arguments(errors)?;
                Kind::Always
            }
            "Cooldown" => {
                let mut bound = call.bind(COOLDOWN, errors)?.into_iter();
                let duration = Time::read(bound.next()??, errors);
                let jitter_ratio = jitter(bound.next()?, errors);
                Kind::Cooldown {
                    duration: duration?,
                    jitter_ratio: jitter_ratio?,
                }
            }
            "Backoff" => Kind::Backoff(backoff(&call, errors)?),
            "Custom" => Kind::Custom(call.custom(CUSTOM, errors)?),
            _ => {
                let advice = "; a policy of your own goes into `Custom(…)`";
                call.unknown("retry", NAMES, advice, errors);
                return None;
            }
        };
        Some(Self {
            ident: call.ident,
            kind,
        })
    }
}

/// `Some(None)` where there is none.
#[expect(clippy::option_option, reason = "absent and refused differ")]
fn jitter(argument: Option<super::Argument<'_>>, errors: &Errors) -> Option<Option<Ratio>> {
    match argument {
        None => Some(None),
        Some(argument) => Ratio::read(argument, Range::JitterRatio, errors).map(Some),
    }
}

fn backoff(call: &Call<'_>, errors: &Errors) -> Option<Backoff> {
    let mut bound = call.bind(BACKOFF, errors)?.into_iter();
    let mut initial = bound.next()??;
    "the initial duration of `Backoff`".clone_into(&mut initial.what);
    let initial = Time::read(initial, errors);
    let multiplier = match bound.next()? {
        None => Some(None),
        Some(argument) => Ratio::read(argument, Range::Multiplier, errors).map(Some),
    };
    let max_duration = match bound.next()? {
        None => Some(None),
        Some(argument) => Time::read(argument, errors).map(Some),
    };
    let jitter_ratio = jitter(bound.next()?, errors);
    // Whatever is wrong with the other two.
    let (initial, max_duration) = (initial?, max_duration?);
    grows(&initial, max_duration.as_ref(), errors)?;
    Some(Backoff {
        initial,
        multiplier: multiplier?,
        max_duration,
        jitter_ratio: jitter_ratio?,
    })
}

fn grows(initial: &Time, max_duration: Option<&Time>, errors: &Errors) -> Option<()> {
    let default = Time::secs(300);
    let known = initial.known.zip(max_duration.unwrap_or(&default).known);
    if let Some((first, most)) = known.filter(|(first, most)| most < first) {
        let (place, advice) = match max_duration {
            Some(given) => (&given.place, String::new()),
            None => (
                &initial.place,
                format!(
                    ", its default; write `max_duration = {:?}` or more",
                    first.duration().unwrap_or_default()
                ),
            ),
        };
        errors.at(
            place,
            format!(
                "the max_duration of `Backoff` must be at least its initial duration, \
                 but {:?} is less than {:?}{advice}",
                most.duration().unwrap_or_default(),
                first.duration().unwrap_or_default(),
            ),
        );
        return None;
    }
    Some(())
}
