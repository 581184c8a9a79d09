//! A permit that was read from text.

use std::{fmt, time::Duration};

use crate::{
    Fault,
    permit::{All, Permit, RampUp, Random},
    random,
};

/// Any built-in permit, as it is read from text.
///
/// ```
/// use fluxgate::{CircuitBreaker, permit::AnyPermit};
///
/// let permit: AnyPermit = "Random(0.2)".parse()?;
/// let breaker = CircuitBreaker::builder("api").permit(permit).build()?;
/// assert_eq!(breaker.info().settings.permit, "Random(0.2)");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AnyPermit(Kind);

#[derive(Clone, Copy, Debug)]
enum Kind {
    All(All),
    Random(Random),
    RampUp(RampUp),
}

impl AnyPermit {
    fn permit(&self) -> &dyn Permit {
        match &self.0 {
            Kind::All(permit) => permit,
            Kind::Random(permit) => permit,
            Kind::RampUp(permit) => permit,
        }
    }
}

impl Permit for AnyPermit {
    fn admits(&self, elapsed: Duration, random: &mut dyn random::Random) -> bool {
        self.permit().admits(elapsed, random)
    }

    fn share(&self, elapsed: Duration) -> Option<f64> {
        self.permit().share(elapsed)
    }

    fn check(&self) -> Result<(), Vec<Fault>> {
        self.permit().check()
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.permit().describe(f)
    }
}

/// Writes the policy as the attribute reads it.
impl fmt::Display for AnyPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.describe(f)
    }
}

macro_rules! kinds {
    ($($kind:ident),*) => {$(
        impl From<$kind> for AnyPermit {
            fn from(permit: $kind) -> Self {
                Self(Kind::$kind(permit))
            }
        }

        impl TryFrom<AnyPermit> for $kind {
            type Error = AnyPermit;

            /// Returns the policy if it is of this kind, or else as it was.
            fn try_from(permit: AnyPermit) -> Result<Self, AnyPermit> {
                match permit.0 {
                    Kind::$kind(permit) => Ok(permit),
                    _ => Err(permit),
                }
            }
        }
    )*};
}

kinds!(All, Random, RampUp);
