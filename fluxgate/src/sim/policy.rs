//! Whose settings a scenario tries.

use crate::{Builder, StaticBreaker};

/// The settings of a breaker, from which a scenario builds one for each instance.
///
/// Implemented for closures that set a [`Builder`], and for breakers in statics: those
/// of `breaker!` and, by the function that `handle = …` makes, of annotated functions.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no policy to simulate",
    note = "give a closure `|breaker: Builder| breaker.tripper(…)`, or a reference to a `StaticBreaker`"
)]
pub trait Policy {
    /// Returns a builder with the settings to try. It is asked once for each instance.
    fn builder(&self) -> Builder;
}

impl<F: Fn(Builder) -> Builder> Policy for F {
    fn builder(&self) -> Builder {
        self(crate::CircuitBreaker::builder("simulated"))
    }
}

impl Policy for StaticBreaker {
    fn builder(&self) -> Builder {
        self.recipe()
    }
}
impl Policy for &StaticBreaker {
    fn builder(&self) -> Builder {
        self.recipe()
    }
}

impl Policy for &dyn Policy {
    fn builder(&self) -> Builder {
        (**self).builder()
    }
}
