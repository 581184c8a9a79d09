//! The errors that protected functions fail with: three unrelated kinds.

use std::{error::Error, fmt};

use fluxgate::{
    CallNotPermitted,
    tracker::{All, Custom, TypeOf},
};
use serde::Deserialize;

use crate::format::Tracker;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Kind {
    A,
    B,
    C,
}

macro_rules! kinds {
    ($($kind:ident),*) => {$(
        #[derive(Debug)]
        struct $kind;

        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($kind))
            }
        }

        impl Error for $kind {}
    )*};
}

kinds!(A, B, C);

/// What a call through the breaker fails with.
#[derive(Debug)]
pub(crate) enum Failure {
    Raised(Kind),
    Rejected(CallNotPermitted),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raised(kind) => write!(f, "err:{kind:?}"),
            Self::Rejected(rejection) => write!(f, "rejected:{}", rejection.state()),
        }
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Raised(Kind::A) => Some(&A),
            Self::Raised(Kind::B) => Some(&B),
            Self::Raised(Kind::C) => Some(&C),
            Self::Rejected(rejection) => Some(rejection),
        }
    }
}

impl From<CallNotPermitted> for Failure {
    fn from(rejection: CallNotPermitted) -> Self {
        Self::Rejected(rejection)
    }
}

/// A tracker whose shape is known only at run time.
pub(crate) type AnyTracker = Box<dyn fluxgate::tracker::Tracker<Failure>>;

/// Puts a tracker together from the crate's own; `None` if it can't be written,
/// as a `TypeOf` without a type.
pub(crate) fn tracker(written: &Tracker) -> Option<AnyTracker> {
    Some(match written {
        Tracker::All => Box::new(All),
        Tracker::TypeOf(kinds) => kinds
            .iter()
            .copied()
            .map(type_of)
            .reduce(|one, other| Box::new(closure(one) | closure(other)))?,
        Tracker::Not(inner) => Box::new(!closure(tracker(inner)?)),
        Tracker::And(both) => Box::new(closure(tracker(&both.0)?) & closure(tracker(&both.1)?)),
        Tracker::Or(both) => Box::new(closure(tracker(&both.0)?) | closure(tracker(&both.1)?)),
    })
}

fn type_of(kind: Kind) -> AnyTracker {
    match kind {
        Kind::A => Box::new(TypeOf::<A>::new()),
        Kind::B => Box::new(TypeOf::<B>::new()),
        Kind::C => Box::new(TypeOf::<C>::new()),
    }
}

fn closure(tracker: AnyTracker) -> Custom<impl Fn(&Failure) -> bool> {
    Custom::new(move |error: &Failure| tracker.tracks(error))
}
