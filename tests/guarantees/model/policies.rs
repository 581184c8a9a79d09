//! The model's retry policies and permits, and what they draw.

use super::{
    reference::Reference,
    settings::{Permit, Retry},
};

/// What both sides draw, in eighths, over and over.
pub(crate) const DRAWS: [u64; 12] = [3, 0, 7, 2, 5, 1, 6, 4, 0, 7, 1, 3];

impl Reference {
    fn draw(&mut self) -> u64 {
        self.drawn += 1;
        DRAWS[(self.drawn - 1) % DRAWS.len()]
    }

    pub(crate) fn draw_wait(&mut self) -> Option<u64> {
        let (wait, jitter) = match self.settings.retry {
            Retry::Never => return None,
            Retry::Always => (0, 0),
            Retry::Gated(duration) => (duration, 0),
            Retry::Cooldown(duration, jitter) => (duration, jitter),
            Retry::Backoff(initial, doubled, longest, jitter) => {
                let (mut over, mut under) = (initial, 1);
                for _ in 0..self.reopens() {
                    if over >= longest * under {
                        break;
                    }
                    over *= doubled;
                    under *= 2;
                }
                (over.div_ceil(under).min(longest), jitter)
            }
        };
        if jitter == 0 {
            return Some(wait);
        }
        // wait * (1 - jitter + 2 * jitter * draw), in fractions of 16ths.
        let factor = 16 - 4 * jitter + jitter * self.draw();
        Some((wait * factor).div_ceil(16))
    }

    pub(crate) fn draw_permit(&mut self) -> bool {
        let elapsed = self.now - self.present().entered;
        match self.settings.permit {
            Permit::All => true,
            Permit::From(least) => elapsed >= least,
            Permit::Random(eighths) => self.draw() < eighths,
            Permit::RampUp(initial, last, duration) => {
                let draw = self.draw();
                if elapsed >= duration {
                    draw < last
                } else {
                    // draw < initial + (last - initial) * elapsed / duration
                    draw < initial || (draw - initial) * duration < (last - initial) * elapsed
                }
            }
        }
    }

    pub(crate) fn longest(&self) -> u64 {
        match self.settings.retry {
            Retry::Always => 0,
            Retry::Backoff(_, _, longest, _) => longest,
            Retry::Never | Retry::Cooldown(..) | Retry::Gated(_) => 300_000_000_000,
        }
    }
}
