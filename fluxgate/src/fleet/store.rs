//! What agents ask of the store that they share, and what it answers. Plain data: the
//! in-memory store and the scripts for Redis are both written from this page, and the
//! protocol needs no other.
//!
//! # What a store keeps
//!
//! Of each circuit, all in one place, so that one request reads and writes it as a whole:
//!
//! - its *state* (`:s`): version, phase, epoch, terms, deadline, level, good probes, the
//!   command in force, the highest number of members;
//! - its *votes* (`:v`): instance → time of its vote;
//! - its *members* (`:m`): instance → when its membership lapses, and when the first of
//!   them came (*born*);
//! - its *leases* (`:p`): instance → epoch, token, deadline; an instance holds one at most.
//!
//! Of each fleet: the *changes* (`:c`), circuit → number, and the *agents* (`:a`),
//! instance → when its heartbeat lapses.
//!
//! # Time
//!
//! A store reads one clock, its own, in whole milliseconds. No request and no answer
//! carries a time of that clock, but *remaining* milliseconds and *ages*. Every record of a
//! time is dropped, whenever it is looked at, if it is over, or if it is further in the
//! future than it could be had it been written now: a promoted replica may have its clock
//! set back. A vote lives for [`Terms::within`], a membership for what `Enter` says, a
//! lease for [`Terms::lease`], an opening for its wait and its [grace](Terms::grace). Of
//! the state as a whole it is the end of its time that is brought forward: a command
//! outlives a clock that is set back.
//!
//! # Versions and epochs
//!
//! Every change of a circuit's state sets its version to
//! `max(version + 1, present time of the store)`; so a store that has lost everything goes
//! on with higher ones, as long as its clock goes forward. The epoch of an opening is the
//! version that it was written with. Both are at most 2^53.
//!
//! # What is missing
//!
//! A circuit of which nothing is kept is [`Phase::Quiet`] with version 0, without members:
//! *no opinion*. It does not mean closed, and withdraws no command.

use std::fmt;

use super::circuit_id::CircuitId;
use crate::Command;

/// An instance of a program: one agent. 16 hexadecimal digits, drawn as it starts.
pub(crate) type Instance = std::sync::Arc<str>;

/// How long a circuit's state is kept after the last `Enter`, `Vote` or `Command`, in
/// milliseconds: a day.
pub(crate) const KEPT: u64 = 86_400_000;
/// How old the members of a circuit must be before there is a quorum.
pub(crate) const SETTLED: u64 = 15_000;
/// For how long the highest number of members holds.
pub(crate) const PEAK: u64 = 60_000;
/// For how long a heartbeat holds.
pub(crate) const HEARTBEAT: u64 = 20_000;
/// How many changes a beat tells.
pub(crate) const MOST_CHANGES: usize = 64;
/// How many changes a fleet keeps, the newest ones.
pub(crate) const KEPT_CHANGES: usize = 1024;

/// The numbers that an epoch runs on: those of the vote that opened it. All times in
/// milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// The share of the members that makes a quorum, in millionths.
    pub(crate) share: u32,
    /// The votes that a quorum needs at least: 2 or more.
    pub(crate) at_least: u32,
    /// For how long a vote holds.
    pub(crate) within: u64,
    /// The wait of the first opening, and of the longest.
    pub(crate) cooldown: u64,
    pub(crate) longest: u64,
    /// How many leases may be in force.
    pub(crate) probes: u32,
    pub(crate) lease: u64,
    /// How many probes must pass.
    pub(crate) close_after: u32,
    /// Tells settings of different releases apart.
    pub(crate) hash: u64,
}

impl Terms {
    /// Returns the votes that are needed among so many members: their share, rounded up,
    /// and never less than `at_least`.
    pub(crate) fn needed(&self, members: u64) -> u64 {
        let share = (members.saturating_mul(self.share.into())).div_ceil(1_000_000);
        share.max(self.at_least.into())
    }

    /// Returns the wait of an opening: `min(cooldown · 2^level, longest)`.
    pub(crate) fn wait(&self, level: u32) -> u64 {
        let doubled = self
            .cooldown
            .saturating_mul(1_u64.checked_shl(level).unwrap_or(u64::MAX));
        doubled.min(self.longest)
    }

    /// Returns how long after the end of its wait an opening without a verdict still
    /// holds: `max(2 · lease, 10 s)`.
    pub(crate) fn grace(&self) -> u64 {
        (2 * self.lease).max(10_000)
    }
}

/// A request. Each is atomic: it sees and leaves the circuit as a whole.
///
/// *Prune* stands below for what every request to a circuit does first: drop the votes,
/// members and leases that are over or too far in the future; take the highest number of
/// members to be the present one if that is no lower, or if it was noted [`PEAK`] or
/// longer ago (or in the future); turn [`Phase::Open`] into [`Phase::Quiet`], with a new
/// version and level 0 but without a notice, if its wait and grace are over, or its
/// deadline is later than now and its whole wait.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Request {
    /// Makes the instance a member for `lifetime`, or for as long again. Notes the present
    /// time as *born* if there was no member (after pruning). The state is kept for
    /// [`KEPT`] from now on. Answer: [`Reply::Entered`].
    Enter {
        circuit: CircuitId,
        instance: Instance,
        lifetime: u64,
    },
    /// Ends the membership, and drops the vote and the lease of the instance. Answer:
    /// [`Reply::Done`].
    Leave {
        circuit: CircuitId,
        instance: Instance,
    },
    /// Reads the state, pruned. Answer: [`Reply::Standing`].
    Read { circuit: CircuitId },
    /// Votes for an opening. After pruning (votes by the `within` of these terms):
    ///
    /// 1. If the instance is no member, nothing is recorded: [`Ballot::NoMember`].
    /// 2. If the phase is `Open`, nothing is recorded: [`Ballot::Open`]. If it is
    ///    `Dissolved`, and has been for less than the epoch's `longest` (or since a time in
    ///    the future): nothing is recorded, [`Ballot::Dissolved`]. Those for whom all goes
    ///    well shall not pay again for the others.
    /// 3. The vote is recorded with the present time, in place of an earlier one. Votes are
    ///    counted of members alone. Needed are [`Terms::needed`] of the highest number of
    ///    members.
    /// 4. If the members are younger than [`SETTLED`] (*born* in the future counts as
    ///    young): [`Ballot::TooEarly`].
    /// 5. With as many votes as needed the circuit opens: a new version, which is the
    ///    epoch; phase `Open`; these terms; level 0; deadline in `wait(0)`; the age of the
    ///    oldest vote counted as the *first* one's time; no good probes, no votes, no earlier
    ///    epoch. The state is kept for `KEPT` from now on. Notice:
    ///    [`Notice::Changed`]. [`Ballot::Opened`].
    /// 6. With half of them (rounded up), unless a half was noticed less than `within` ago:
    ///    note the time; notice: [`Notice::Half`]. Then, as else: [`Ballot::Counted`].
    ///
    /// Answer: [`Reply::Voted`].
    Vote {
        circuit: CircuitId,
        instance: Instance,
        terms: Terms,
    },
    /// Asks for the right to probe. After pruning:
    ///
    /// 1. If the phase is not `Open` or the epoch another: [`Lease::Stale`].
    /// 2. If the wait is not over, it may be for a *second opinion* on the earlier epoch,
    ///    which a failed probe ended: there is an earlier epoch, the instance is not the
    ///    earlier one, less than the grace has passed since this epoch began (the deadline
    ///    less the whole wait), and the probes *told* of the earlier epoch and the leases in
    ///    force are fewer than `probes`. If not: [`Lease::Early`].
    /// 3. If the instance holds a lease, or as many as the epoch's `probes` are in force, of
    ///    whatever epoch: [`Lease::Full`].
    /// 4. A lease is recorded: the epoch (for a second opinion the earlier one), a token
    ///    that no other lease of the circuit has had (the state's counter), deadline in the
    ///    epoch's `lease`: [`Lease::Granted`].
    ///
    /// Answer: [`Reply::Leased`].
    Lease {
        circuit: CircuitId,
        instance: Instance,
        epoch: u64,
    },
    /// Drops the lease of this instance, epoch and token, if there is one. Answer:
    /// [`Reply::Done`].
    GiveBack {
        circuit: CircuitId,
        instance: Instance,
        epoch: u64,
        token: u64,
    },
    /// Tells how a probe ended. After pruning: if there is no lease in force of this
    /// instance, epoch and token, [`Verdict::Void`]. Else it is dropped, and:
    ///
    /// - phase `Open` and the epoch the present one, *passed*: one more good probe, with
    ///   its instance. If there are `close_after` by now, of two different instances (of
    ///   one, if the highest number of members is below 2): new version, phase `Closed`,
    ///   level 0, notice, [`Verdict::Closed`]. Else [`Verdict::Pending`].
    /// - the same, *failed*: the good probes of this instance are forgotten. If others are
    ///   left: new version, phase `Dissolved`, level 0, the present time is noted, notice,
    ///   [`Verdict::Dissolved`].
    ///   Else the circuit reopens: a new version, which is the epoch; the level one higher
    ///   (at most 32); deadline in `wait(level)`; the present epoch and this instance are
    ///   noted as the *earlier* ones, of which one probe has *told*; kept for `KEPT` from now on; notice,
    ///   [`Verdict::Reopened`].
    /// - phase `Open` and the epoch the *earlier* one, *passed* by another instance than
    ///   the earlier one: `Dissolved` as above.
    /// - the same, *failed*: one more has told of the earlier epoch; [`Verdict::Void`].
    /// - all else: [`Verdict::Void`].
    ///
    /// Answer: [`Reply::Settled`].
    Settle {
        circuit: CircuitId,
        instance: Instance,
        epoch: u64,
        token: u64,
        passed: bool,
    },
    /// Sets the command in force, or says that none is, which is kept as well; new version,
    /// notice. `by` has at most 128
    /// bytes. The state is kept for `KEPT` from now on. Answer: [`Reply::Standing`].
    Command {
        circuit: CircuitId,
        command: Option<Command>,
        by: String,
    },
    /// Enters the circuit in its fleet's changes with the next number, in place of an
    /// earlier one; the newest [`KEPT_CHANGES`] are kept, for [`KEPT`]. A request to the fleet, not to the
    /// circuit. The agent whose request changed a circuit sends it. Answer: [`Reply::Done`].
    Announce { circuit: CircuitId },
    /// Notes a heartbeat that lapses in [`HEARTBEAT`], and returns what changed after the
    /// number `since`. A request to the fleet `fleet`.
    ///
    /// `known` is whether the heartbeat of this instance was there and in force. If `since`
    /// is higher than the last number, everything was lost: it is taken as 0. At most
    /// [`MOST_CHANGES`] are returned, in the order of their numbers; `number` is that of the
    /// last one returned or, if all are, the last one given. Answer: [`Reply::Beat`].
    Beat {
        fleet: std::sync::Arc<str>,
        instance: Instance,
        since: u64,
    },
}

/// An answer to a [`Request`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reply {
    /// `age` is how long ago the members were born.
    Entered {
        standing: Standing,
        age: u64,
    },
    Done,
    Standing(Standing),
    /// `votes` and `needed` are zero where nothing was counted.
    Voted {
        ballot: Ballot,
        votes: u64,
        needed: u64,
        standing: Standing,
    },
    Leased {
        lease: Lease,
        standing: Standing,
    },
    Settled {
        verdict: Verdict,
        standing: Standing,
    },
    Beat {
        known: bool,
        number: u64,
        /// Each as [`CircuitId::entry`] writes it.
        changes: Vec<String>,
        /// How many agents' heartbeats are in force.
        agents: u64,
    },
}

/// What became of a vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ballot {
    NoMember,
    TooEarly,
    Counted,
    Opened,
    Open,
    Dissolved,
}

/// What became of the wish to probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lease {
    /// With the epoch and token that belong to it.
    Granted {
        epoch: u64,
        token: u64,
    },
    Full,
    Early,
    Stale,
}

/// What a probe's outcome led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Pending,
    Closed,
    Reopened,
    Dissolved,
    Void,
}

impl Verdict {
    /// Returns whether the circuit changed.
    pub(crate) fn changes(self) -> bool {
        matches!(self, Self::Closed | Self::Reopened | Self::Dissolved)
    }
}

/// What a circuit is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No opinion.
    #[default]
    Quiet,
    Open,
    /// Enough probes passed in the epoch.
    Closed,
    /// Probes of the epoch passed and failed: no verdict.
    Dissolved,
}

/// The state of a circuit as the store has it at the moment of the answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Standing {
    pub(crate) version: u64,
    /// The present epoch, or the last one; 0 if there was none.
    pub(crate) epoch: u64,
    pub(crate) phase: Phase,
    /// Until the end of the wait; 0 if it is over, or the phase is not `Open`.
    pub(crate) remaining: u64,
    /// Until the end of the grace, if the phase is `Open`.
    pub(crate) say: u64,
    /// The whole wait of the present epoch, or of the last one.
    pub(crate) wait: u64,
    pub(crate) level: u32,
    /// The votes that opened the epoch, and how many were needed.
    pub(crate) votes: u64,
    pub(crate) needed: u64,
    /// How long before this answer the first of the votes was given; 0 without an epoch.
    pub(crate) first_ago: u64,
    /// The epoch's hash, probes and lease.
    pub(crate) hash: u64,
    pub(crate) probes: u32,
    pub(crate) lease: u64,
    /// The highest number of members of the last minute.
    pub(crate) members: u64,
    /// `None`: nothing is known. It withdraws no command.
    pub(crate) command: Option<Commanded>,
}

/// What was commanded last, and by whom.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Commanded {
    /// `None`: what was commanded before is withdrawn.
    pub(crate) command: Option<Command>,
    pub(crate) by: String,
}

/// What members of a circuit are told without asking. Notices may be lost, doubled, late
/// and out of order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Notice {
    /// Half of the votes needed are there; they hold for `within`.
    Half {
        circuit: CircuitId,
        votes: u64,
        needed: u64,
        within: u64,
    },
    /// The circuit changed.
    Changed {
        circuit: CircuitId,
        standing: Standing,
    },
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoreError(pub(crate) String);

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a store puts into its agent's [`Mailbox`].
#[derive(Debug)]
pub(crate) enum Delivery {
    /// The answer to the request of this number.
    Answer(u64, Result<Reply, StoreError>),
    Notice(Notice),
    /// The subscriptions may have missed notices up to now.
    #[cfg_attr(
        not(feature = "redis-core"),
        allow(dead_code, reason = "for stores outside the process")
    )]
    Resubscribed,
}

/// Where a store leaves what it delivers. Never blocks.
pub(crate) type Mailbox = Box<dyn Fn(Delivery) + Send + Sync>;

/// Where agents meet. One agent owns its store; what it delivers goes into the mailbox
/// that it was connected with.
///
/// No method blocks or waits for the network. A store holds a bounded number of requests;
/// one too many is answered with an error at once. A request is sent at most once: what is
/// not answered after [`TIMEOUT`] is given up, and whether it took effect is unknown to the
/// agent.
pub(crate) trait Store: Send {
    /// Sends a request. Its answer is delivered under the number, unless it is lost.
    fn send(&mut self, number: u64, request: Request);

    /// Subscribes to the notices of a circuit, until the end; again after each
    /// reconnection, with [`Delivery::Resubscribed`] when it is done.
    fn subscribe(&mut self, circuit: &CircuitId);
}

/// For how long an answer is waited for, in milliseconds.
pub(crate) const TIMEOUT: u64 = 2_000;
