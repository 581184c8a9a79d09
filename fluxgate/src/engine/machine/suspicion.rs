//! What a fleet adds to the machine: a second rule that only tells, leases, and waits that
//! are moved.

use std::time::Duration;

use super::{Machine, Next};
use crate::{State, engine::config::Config, util::duration::nanos};

impl Machine {
    /// A call was recorded in the closed state, and the rule does not fire. Returns what
    /// tells that the second rule begins to.
    pub(crate) fn suspects(&mut self, config: &Config) -> Option<Next> {
        let suspect = config.suspect.as_ref()?;
        let fires = suspect.fires(&self.context(config, State::Closed));
        let told = std::mem::replace(&mut self.suspected, fires);
        (fires && !told).then(|| Next {
            suspects: true,
            ..State::Closed.into()
        })
    }

    /// Lets it be told again when the second rule fires.
    pub(crate) fn suspect_again(&mut self) {
        self.suspected = false;
    }

    pub(super) fn end_suspicion(&mut self) {
        self.suspected = false;
        self.leased = false;
    }

    /// Returns whether the fleet lent the right to probe.
    pub(crate) fn is_leased(&self) -> bool {
        self.leased
    }

    pub(crate) fn lease(&mut self, leased: bool) {
        self.leased = leased;
    }

    /// Lets an open circuit be due after this wait from now. Returns whether it is one that
    /// may ever be probed.
    pub(crate) fn set_due(&mut self, now: Duration, wait: Duration) -> bool {
        let is_open = self.state == State::Open && self.wait.is_some();
        if is_open {
            let wait = now.saturating_sub(self.entered).saturating_add(wait);
            self.wait = Some(wait);
            self.least_wait = nanos(wait);
        }
        is_open
    }
}
