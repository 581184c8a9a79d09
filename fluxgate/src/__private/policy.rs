//! Policies that are made in code, as in `tripper = standard()`.

use crate::{tripper::Rule, window::AnyWindow};

/// Takes a rule that an expression gives.
#[inline]
pub fn rule(tripper: impl IntoRule) -> Rule {
    tripper.into_rule()
}

/// Takes a window that an expression gives.
#[inline]
pub fn window(window: impl IntoWindow) -> AnyWindow {
    window.into_window()
}

/// What `tripper = …` may give.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no rule for `tripper`",
    label = "expected a `fluxgate::tripper::Rule`, or one of its parts",
    note = "what is a `Tripper` of its own goes into `Custom(…)`"
)]
pub trait IntoRule {
    #[doc(hidden)]
    fn into_rule(self) -> Rule;
}

#[diagnostic::do_not_recommend]
impl<R: Into<Rule>> IntoRule for R {
    #[inline]
    fn into_rule(self) -> Rule {
        self.into()
    }
}

/// What `window = …` may give.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no window for `window`",
    label = "expected a `CountWindow`, a `TimeWindow` or an `AnyWindow`",
    note = "what is a `Window` of its own goes into `Custom(…)`"
)]
pub trait IntoWindow {
    #[doc(hidden)]
    fn into_window(self) -> AnyWindow;
}

#[diagnostic::do_not_recommend]
impl<W: Into<AnyWindow>> IntoWindow for W {
    #[inline]
    fn into_window(self) -> AnyWindow {
        self.into()
    }
}
