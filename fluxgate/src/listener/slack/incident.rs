//! Which messages belong together.

use crate::{State, slack::Thread};

/// From the opening of a breaker until it is closed, switched off or only
/// measured: the messages of that time are one thread.
#[derive(Debug)]
pub(super) struct Incident(Thread);

/// Where a message goes.
#[derive(Debug, Default)]
pub(super) struct Place {
    pub(super) thread: Option<Thread>,
    /// It begins the thread if that has not begun.
    pub(super) starts: bool,
    /// It is shown in the channel too.
    pub(super) broadcast: bool,
}

/// Decides by the order of transitions alone, whatever becomes of the messages:
/// one that can't be delivered must not leave its thread to the next incident.
pub(super) fn place(incident: &mut Option<Incident>, new: State) -> Place {
    match new {
        State::Open => {
            let Incident(thread) = incident.get_or_insert_with(|| Incident(Thread::new()));
            Place {
                thread: Some(thread.clone()),
                starts: true,
                broadcast: false,
            }
        }
        State::HalfOpen | State::ForcedOpen => Place {
            thread: incident.as_ref().map(|Incident(thread)| thread.clone()),
            ..Place::default()
        },
        State::Closed | State::Disabled | State::MetricsOnly => Place {
            thread: incident.take().map(|Incident(thread)| thread),
            starts: false,
            broadcast: new == State::Closed,
        },
    }
}
