//! Dropping a breaker that can be done without, for sets of breakers by key.

use std::{sync::Arc, time::Duration};

use super::{Core, Shared};
use crate::{State, util::duration::nanos};

/// What would be lost if a breaker were dropped and built anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    /// Nothing but successes.
    Nothing,
    /// The circuit is closed, and there are failed or slow calls in its window, or
    /// the last one failed, or its throttle refuses calls.
    Trouble,
    /// The circuit is open.
    Opening {
        /// Whether its wait ended at least as long ago as it had lasted: nothing
        /// called in all that time, or the circuit would be half-open.
        long_over: bool,
    },
    /// The circuit is half-open since this time.
    Probing { since: Duration },
    /// A state that a command led to, and that a new breaker would not have.
    Command,
}

impl Core {
    /// Returns the time by the breaker's clock, with what is too old for the
    /// window dropped from it. Runs code of the user's, the clock and a custom
    /// window, without the lock.
    pub(crate) fn refresh(&self) -> Duration {
        let now = self.clock.now();
        let mut held = self.expire_own(self.shared.lock(), now);
        held.get().machine.totals(now);
        self.unlock(held);
        now
    }

    /// Takes the breaker apart if `may_go` says so of what it holds and there is
    /// no other handle. Runs no code of the user's.
    ///
    /// `start` is the state that a new breaker would be commanded to, if any.
    ///
    /// # Errors
    ///
    /// The breaker, as it was.
    // All that changes what a breaker holds takes its lock. So from the look at it
    // until the count of handles goes from one to zero, which is atomic and after
    // which no weak handle can be upgraded, nothing changes: a thread that gets a
    // handle meanwhile either waits for the lock, and the count is two, or comes
    // too late.
    pub(crate) fn retire(
        core: Arc<Self>,
        now: Duration,
        start: Option<State>,
        may_go: impl FnOnce(Holds) -> bool,
    ) -> Result<Self, Arc<Self>> {
        // A breaker that began open or half-open closes in the end, as any other.
        let start = match start.unwrap_or_else(|| core.start()) {
            State::Open | State::HalfOpen => State::Closed,
            start => start,
        };
        let Some(mut held) = core.shared.try_lock() else {
            return Err(core);
        };
        let is_overloaded = core.is_attentive(held.word(), nanos(now));
        let holds = match held.get().holds(now, start) {
            Holds::Nothing if is_overloaded => Holds::Trouble,
            holds => holds,
        };
        if !may_go(holds) {
            drop(held);
            return Err(core);
        }
        let seal = held.seal();
        match Arc::try_unwrap(core) {
            Ok(mut core) => {
                // Dropping it may look at it once more.
                core.shared.unseal_owned(&seal);
                Ok(core)
            }
            Err(core) => {
                core.shared.unseal(&seal);
                Err(core)
            }
        }
    }
}

impl Shared {
    fn holds(&self, now: Duration, start: State) -> Holds {
        let machine = &self.machine;
        let since = machine.entered();
        match machine.state() {
            State::Open => Holds::Opening {
                long_over: machine.wait().is_some_and(|wait| {
                    let over = now.saturating_sub(since).checked_sub(wait);
                    over.is_some_and(|over| over >= wait)
                }),
            },
            State::HalfOpen => Holds::Probing { since },
            state if state != start => Holds::Command,
            State::Closed if machine.holds_trouble() => Holds::Trouble,
            _ => Holds::Nothing,
        }
    }
}
