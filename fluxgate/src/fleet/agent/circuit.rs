//! One breaker's part in the protocol.

use std::collections::VecDeque;

use super::{Desk, Local, Outgoing, Report, desk::What};
use crate::{
    State,
    engine::fleet::Notes,
    fleet::{
        FleetInfo,
        circuit_id::CircuitId,
        store::{Ballot, Commanded, Lease, Notice, Phase, Reply, Request, Standing, Terms},
    },
    random::Random,
};

/// For how long a membership lasts: two of its renewals may be lost.
const LIFETIME: u64 = 660_000;
/// How often a membership is renewed, give or take a tenth.
const RENEWAL: u64 = 300_000;
/// How long an instance must have been a member before it votes.
const PROBATION: u64 = 5_000;
/// How often an instance that rejects calls asks for a lease, with some chance.
const ASK_AGAIN: u64 = 250;
/// How recent a rejected call must be.
const DEMAND: u64 = 1_000;
/// In which time a lease must be used.
const BEGIN: u64 = 1_000;
/// Over how long closings are spread at most.
const SPREAD: u64 = 10_000;
/// How many calls must have ended, at least, for an instance to know better than its fleet.
const DISSENT: u64 = 5;
/// After how long other settings are reported.
const OTHERS: u64 = 600_000;
/// How many samples of the failures are kept: for longer than a vote holds.
const SAMPLES: usize = 16;
/// A lease lasts no longer than this, whatever the wire says.
const LONGEST_LEASE: u64 = 600_000;

/// Why a circuit of the store concerns a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It is the one of its zone.
    Zone,
    /// It holds the command for all zones.
    Commands,
    Both,
}

/// When a request was sent, and its answer came.
#[derive(Clone, Copy)]
pub(super) struct Source {
    pub(super) sent: u64,
    pub(super) now: u64,
}

/// What is known of a circuit of the store: the newest version, and when it was learned.
#[derive(Clone, Copy, Default)]
struct Known {
    version: u64,
    learned_at: u64,
}

impl Known {
    /// Returns whether a state that was read after `sent` is news; of a notice, `None`.
    fn takes(&mut self, version: u64, sent: Option<u64>, now: u64) -> bool {
        let takes = match sent {
            None => version > self.version,
            // It was read after the newer version was known, so that one is gone.
            Some(sent) => version >= self.version || sent > self.learned_at,
        };
        if takes && version != self.version {
            (self.version, self.learned_at) = (version, now);
        }
        takes
    }
}

/// An opening of the fleet.
struct Epoch {
    number: u64,
    due: u64,
    /// When it ends without a verdict.
    over: u64,
    wait: u64,
    votes: u64,
    needed: u64,
    probes: u32,
    lease_for: u64,
    /// Whether the breaker is open by it: opened by it, or joined.
    follows: bool,
    /// How many calls had failed before the first vote.
    failed_before: u64,
    /// When calls had been rejected how often, within the last second or so.
    rejected: VecDeque<(u64, u64)>,
    ask_at: u64,
    /// Until when others may tell that the probe that ended the last epoch was wrong.
    opinions_until: u64,
    asking: bool,
    held: Option<Held>,
}

/// A lease.
#[derive(Clone, Copy)]
struct Held {
    epoch: u64,
    token: u64,
    begin_by: u64,
    until: u64,
    begun: bool,
}

#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a question of its own, about what is under way"
)]
pub(super) struct Circuit<B> {
    breaker: B,
    name: String,
    id: CircuitId,
    commands: CircuitId,
    terms: Terms,
    used: bool,
    entering: bool,
    member_since: Option<u64>,
    enter_at: u64,
    /// When the breaker last suspected the dependency by itself, while that holds.
    suspected_at: Option<u64>,
    vote_at: Option<u64>,
    voting: bool,
    known: Known,
    known_commands: Known,
    epoch: Option<Epoch>,
    /// The last epoch that was dealt with.
    last_epoch: u64,
    watch_until: Option<u64>,
    /// How many calls had failed when.
    samples: VecDeque<(u64, u64)>,
    /// Whether others have yet to be told that the circuit changed.
    announces: bool,
    others_since: Option<u64>,
    others_reported: bool,
    commanded: Option<Commanded>,
    info: FleetInfo,
    shown: FleetInfo,
}

impl<B: Local> Circuit<B> {
    pub(super) fn new(
        breaker: B,
        name: &str,
        id: CircuitId,
        commands: CircuitId,
        terms: Terms,
    ) -> Self {
        Self {
            breaker,
            name: name.to_owned(),
            id,
            commands,
            terms,
            used: false,
            entering: false,
            member_since: None,
            enter_at: 0,
            suspected_at: None,
            vote_at: None,
            voting: false,
            known: Known::default(),
            known_commands: Known::default(),
            epoch: None,
            last_epoch: 0,
            watch_until: None,
            samples: VecDeque::new(),
            announces: false,
            others_since: None,
            others_reported: false,
            commanded: None,
            info: FleetInfo {
                joined: true,
                ..FleetInfo::default()
            },
            shown: FleetInfo::default(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn commands(&self) -> &CircuitId {
        &self.commands
    }

    pub(super) fn is_gone(&self) -> bool {
        self.breaker.is_gone()
    }

    /// Returns the circuits of the store that concern this breaker.
    pub(super) fn roles(&self) -> Vec<(&CircuitId, Role)> {
        if self.id == self.commands {
            vec![(&self.id, Role::Both)]
        } else {
            vec![(&self.id, Role::Zone), (&self.commands, Role::Commands)]
        }
    }

    pub(super) fn show(&mut self, degraded: bool) {
        let following = self.epoch.as_ref().filter(|epoch| epoch.follows);
        self.info.epoch = following.map(|epoch| epoch.number);
        self.info.degraded = degraded;
        let commanded = self.commanded.as_ref();
        self.info.command = commanded.and_then(|commanded| commanded.command);
        if self.info != self.shown {
            self.shown = self.info;
            self.breaker.set_info(self.info);
        }
    }

    // What the breaker says.

    pub(super) fn noted(&mut self, index: usize, desk: &mut Desk, now: u64) {
        let notes = self.breaker.take_notes();
        self.used = true;
        if notes.has(Notes::PASSED) || notes.has(Notes::FAILED) {
            // If one failed after another had passed, the later counts.
            self.probed(index, Some(!notes.has(Notes::FAILED)), desk, now);
        } else if notes.has(Notes::SILENT) {
            self.probed(index, None, desk, now);
        }
        if !notes.has(Notes::SUSPECTS) && !notes.has(Notes::OPENED) {
            return;
        }
        match &mut self.epoch {
            // Its own evidence, after it knew better than the fleet.
            Some(epoch) if !epoch.follows && now < epoch.over => {
                epoch.follows = true;
                let wait = epoch.over - now;
                let (votes, needed) = (epoch.votes, epoch.needed);
                if !self.breaker.open(wait, votes, needed) {
                    self.breaker.set_due(wait);
                }
                self.info.followed += 1;
                self.end_watch();
            }
            Some(epoch) if epoch.follows => {
                let wait = epoch.over.saturating_sub(now);
                self.breaker.set_due(wait);
            }
            _ => {
                self.suspected_at = Some(now);
                self.vote_at = Some(
                    self.member_since
                        .map_or(now, |since| (since + PROBATION).max(now)),
                );
                self.go_on(index, desk, now);
            }
        }
    }

    /// A leased probe ended.
    fn probed(&mut self, index: usize, passed: Option<bool>, desk: &mut Desk, now: u64) {
        let Some(epoch) = &mut self.epoch else { return };
        let Some(held) = epoch.held.take() else {
            return;
        };
        let wait = epoch.over.saturating_sub(now);
        self.info.probes += 1;
        if let Some(passed) = passed {
            let request = Request::Settle {
                circuit: self.id.clone(),
                instance: desk.instance(),
                epoch: held.epoch,
                token: held.token,
                passed,
            };
            desk.ask(now, What::Settle(index), request);
        } else {
            Self::give_back(&self.id, held, desk, now);
        }
        match self.breaker.state() {
            // By its own rule: what it saw is its own.
            State::Closed => epoch.follows = false,
            State::Open => self.breaker.set_due(wait),
            _ => self.breaker.end_lease(wait, epoch.votes, epoch.needed),
        }
    }

    // Membership and votes.

    /// Everything was lost: the membership is renewed, and votes that hold are repeated.
    pub(super) fn enter_again(&mut self, desk: &mut Desk, now: u64) {
        if self.member_since.is_some() {
            self.enter_at = now + desk.draw(super::BEAT / 2);
        }
        if self.suspected_at.is_some() {
            self.vote_at = Some(self.enter_at.max(now) + PROBATION);
        }
        if self.announces {
            self.announces = false;
        }
    }

    /// The time of the agent's heartbeat.
    pub(super) fn beat(&mut self, index: usize, desk: &mut Desk, now: u64) {
        if !self.used && self.breaker.recorded() > 0 {
            self.used = true;
        }
        if self.used {
            let failed = self.breaker.failed();
            if self
                .samples
                .back()
                .is_none_or(|(_, before)| *before != failed)
                || self.samples.len() < 2
            {
                if self.samples.len() == SAMPLES {
                    self.samples.pop_front();
                }
                self.samples.push_back((now, failed));
            } else if let Some(last) = self.samples.back_mut() {
                // Nothing failed since: what was true then is true now.
                last.0 = now;
            }
        }
        if self.announces && !desk.degraded {
            let circuit = self.id.clone();
            desk.ask(now, What::Announce(index), Request::Announce { circuit });
        }
    }

    /// Enters and votes, as far as that is due.
    fn go_on(&mut self, index: usize, desk: &mut Desk, now: u64) {
        if let Some(since) = self.suspected_at
            && now >= since + self.terms.within
        {
            self.suspected_at = None;
            self.vote_at = None;
            self.breaker.suspect_again();
        }
        if desk.degraded {
            return;
        }
        let (circuit, instance) = (self.id.clone(), desk.instance());
        if self.used && !self.entering && now >= self.enter_at {
            self.entering = true;
            let request = Request::Enter {
                circuit,
                instance,
                lifetime: LIFETIME,
            };
            desk.ask(now, What::Enter(index), request);
            return;
        }
        let may_vote = self
            .member_since
            .is_some_and(|since| now >= since + PROBATION);
        if may_vote && !self.voting && self.vote_at.is_some_and(|at| now >= at) {
            self.vote_at = None;
            self.voting = true;
            self.info.votes += 1;
            let request = Request::Vote {
                circuit,
                instance,
                terms: self.terms,
            };
            desk.ask(now, What::Vote(index), request);
        }
    }

    // What the store says.

    pub(super) fn reply(
        &mut self,
        index: usize,
        what: What,
        reply: Reply,
        source: Source,
        desk: &mut Desk,
    ) {
        let Source { sent, now } = source;
        match (what, reply) {
            (What::Enter(_), Reply::Entered { standing, .. }) => {
                self.entering = false;
                self.enter_at = now + RENEWAL - RENEWAL / 10 + desk.draw(RENEWAL / 5);
                if self.member_since.is_none() {
                    self.member_since = Some(now);
                }
                if self.vote_at.is_some() {
                    let since = self.member_since.unwrap_or(now);
                    self.vote_at = Some((since + PROBATION).max(now));
                }
                self.learn(Role::Zone, &standing, Some(sent), desk, now);
            }
            (What::Read(_, id), Reply::Standing(standing)) => {
                let role = self.roles().into_iter().find(|(role, _)| **role == id);
                if let Some(role) = role.map(|(_, role)| role) {
                    self.learn(role, &standing, Some(sent), desk, now);
                }
            }
            (
                What::Vote(_),
                Reply::Voted {
                    ballot, standing, ..
                },
            ) => {
                self.voting = false;
                match ballot {
                    Ballot::NoMember => {
                        // The store lost it.
                        self.enter_at = now;
                        self.vote_at = self.suspected_at.map(|_| now + PROBATION);
                    }
                    Ballot::TooEarly => self.vote_at = self.suspected_at.map(|_| now + super::BEAT),
                    Ballot::Opened => self.announce(index, desk, now),
                    Ballot::Counted | Ballot::Open | Ballot::Dissolved => {}
                }
                self.learn(Role::Zone, &standing, Some(sent), desk, now);
            }
            (What::Lease(_, number), Reply::Leased { lease, standing }) => {
                self.leased(number, lease, source, desk);
                self.learn(Role::Zone, &standing, Some(sent), desk, now);
            }
            (What::Settle(_), Reply::Settled { verdict, standing }) => {
                if verdict.changes() {
                    self.announce(index, desk, now);
                }
                self.learn(Role::Zone, &standing, Some(sent), desk, now);
            }
            (What::Command(_), Reply::Standing(standing)) => {
                let role = if self.id == self.commands {
                    Role::Both
                } else {
                    Role::Commands
                };
                let circuit = self.commands.clone();
                desk.ask(now, What::Farewell, Request::Announce { circuit });
                self.learn(role, &standing, Some(sent), desk, now);
            }
            (What::Announce(_), Reply::Done) => self.announces = false,
            _ => {}
        }
    }

    fn announce(&mut self, index: usize, desk: &mut Desk, now: u64) {
        self.announces = true;
        let circuit = self.id.clone();
        desk.ask(now, What::Announce(index), Request::Announce { circuit });
    }

    /// A request got no answer.
    pub(super) fn lost(&mut self, what: &What, now: u64) {
        match what {
            What::Enter(_) => {
                self.entering = false;
                self.enter_at = now + super::BEAT;
            }
            What::Vote(_) => {
                self.voting = false;
                if self.suspected_at.is_some() {
                    self.vote_at = Some(now);
                }
            }
            What::Lease(..) => {
                if let Some(epoch) = &mut self.epoch {
                    epoch.asking = false;
                }
            }
            _ => {}
        }
    }

    pub(super) fn notice(&mut self, role: Role, notice: &Notice, desk: &mut Desk, now: u64) {
        match notice {
            Notice::Changed { standing, .. } => {
                self.learn(role, standing, None, desk, now);
            }
            Notice::Half { within, .. } => {
                let is_idle = self.epoch.is_none() && self.watch_until.is_none();
                if role != Role::Commands && is_idle && self.breaker.state() == State::Closed {
                    self.breaker.watch(true);
                    self.watch_until = Some(now + (*within).min(60_000));
                }
            }
        }
    }

    /// Takes a state of the store: of an answer to a request that was sent then, or of a
    /// notice.
    fn learn(
        &mut self,
        role: Role,
        standing: &Standing,
        sent: Option<u64>,
        desk: &mut Desk,
        now: u64,
    ) {
        if role != Role::Zone && self.known_commands.takes(standing.version, sent, now) {
            self.obey(standing.command.as_ref());
        }
        if role == Role::Commands || !self.known.takes(standing.version, sent, now) {
            return;
        }
        self.info.members = standing.members;
        let base = sent.unwrap_or(now);
        match standing.phase {
            // No opinion: deadlines go on.
            Phase::Quiet => {}
            Phase::Open => self.opened(standing, base, desk, now),
            Phase::Closed => self.closed(desk, now),
            Phase::Dissolved => self.dissolved(desk, now),
        }
    }

    fn obey(&mut self, commanded: Option<&Commanded>) {
        // Nothing known withdraws nothing.
        let Some(commanded) = commanded else { return };
        if self.commanded.as_ref() != Some(commanded) {
            self.commanded = Some(commanded.clone());
            self.breaker.command(commanded.command, &commanded.by);
        }
    }

    /// The fleet's circuit is open.
    fn opened(&mut self, standing: &Standing, base: u64, desk: &mut Desk, now: u64) {
        // Whatever the wire says, it is open no longer than the policy allows.
        let remaining = standing.remaining.min(self.terms.longest);
        let lease_for = standing.lease.clamp(1, LONGEST_LEASE);
        let grace = (2 * lease_for).max(10_000);
        let due = base + remaining;
        let over = base + standing.say.min(remaining + grace);
        if let Some(epoch) = &mut self.epoch
            && epoch.number == standing.epoch
        {
            epoch.due = epoch.due.min(due);
            if over + 20 < epoch.over {
                epoch.over = over;
                if epoch.follows && epoch.held.is_none() {
                    self.breaker.set_due(over.saturating_sub(now));
                }
            }
            return;
        }
        if standing.epoch == self.last_epoch || now >= over {
            return;
        }
        self.compare_settings(standing, desk, now);
        self.last_epoch = standing.epoch;
        self.suspected_at = None;
        self.vote_at = None;
        self.breaker.suspect_again();
        let held = self.keep_probing(desk, now, over);
        let mut epoch = Epoch {
            number: standing.epoch,
            due,
            over,
            wait: standing.wait.min(self.terms.longest),
            votes: standing.votes,
            needed: standing.needed,
            probes: standing.probes,
            lease_for,
            follows: false,
            failed_before: self.failed_before(base.saturating_sub(standing.first_ago)),
            rejected: VecDeque::new(),
            ask_at: if standing.level > 0 { now } else { due },
            opinions_until: if standing.level > 0 {
                (due + grace).saturating_sub(standing.wait)
            } else {
                0
            },
            asking: false,
            held,
        };
        let (calls, failed) = if self.watch_until.is_some() {
            self.breaker.watched()
        } else {
            (0, 0)
        };
        let knows_better = calls >= DISSENT && failed * 2 < calls;
        epoch.follows = match self.breaker.state() {
            // Its probe is under way; what becomes of it is settled first.
            State::HalfOpen if epoch.held.is_some() => true,
            State::Open => {
                self.breaker.set_due(over - now);
                self.info.followed += 1;
                true
            }
            State::Closed if knows_better => {
                self.info.dissented += 1;
                false
            }
            // There is nothing left to wait for.
            _ if now >= due => false,
            State::Closed | State::HalfOpen => {
                let opens = self.breaker.open(over - now, epoch.votes, epoch.needed);
                self.info.followed += u64::from(opens);
                opens
            }
            _ => false,
        };
        if epoch.follows {
            self.end_watch();
        }
        self.epoch = Some(epoch);
    }

    /// Returns the lease of the last epoch, if its probe is under way. One that was not used
    /// is given back.
    fn keep_probing(&mut self, desk: &mut Desk, now: u64, over: u64) -> Option<Held> {
        let epoch = self.epoch.as_mut()?;
        let held = epoch.held.take()?;
        if self.breaker.state() == State::HalfOpen {
            return Some(held);
        }
        self.breaker
            .end_lease(over.saturating_sub(now), epoch.votes, epoch.needed);
        Self::give_back(&self.id, held, desk, now);
        None
    }

    fn give_back(id: &CircuitId, held: Held, desk: &mut Desk, now: u64) {
        let request = Request::GiveBack {
            circuit: id.clone(),
            instance: desk.instance(),
            epoch: held.epoch,
            token: held.token,
        };
        desk.ask(now, What::Farewell, request);
    }

    /// Returns how many calls had failed by then, or fewer.
    fn failed_before(&self, then: u64) -> u64 {
        let before = self.samples.iter().rev().find(|(at, _)| *at <= then);
        before.map_or(0, |(_, failed)| *failed)
    }

    fn compare_settings(&mut self, standing: &Standing, desk: &mut Desk, now: u64) {
        if standing.hash == self.terms.hash {
            self.others_since = None;
            return;
        }
        let since = *self.others_since.get_or_insert(now);
        if now >= since + OTHERS && !self.others_reported {
            self.others_reported = true;
            let name = self.name.clone();
            desk.outgoing
                .push(Outgoing::Report(Report::OtherSettings(name)));
        }
    }

    /// Enough probes passed: the breaker is due at an instant of its own, and goes on by its
    /// own permit and rule.
    fn closed(&mut self, desk: &mut Desk, now: u64) {
        let Some(epoch) = self.epoch.take() else {
            return;
        };
        self.release(&epoch, desk, now);
        if epoch.follows {
            let spread = epoch.spread(desk, now);
            self.breaker.set_due(spread);
        }
        self.end_watch();
    }

    /// There is no verdict: each breaker goes on by its own evidence.
    fn dissolved(&mut self, desk: &mut Desk, now: u64) {
        let Some(epoch) = self.epoch.take() else {
            return;
        };
        self.release(&epoch, desk, now);
        if epoch.follows && self.breaker.state() == State::Open {
            if self.breaker.failed() > epoch.failed_before {
                let spread = epoch.spread(desk, now);
                self.breaker.set_due(spread);
            } else {
                self.breaker.close();
            }
        }
        self.end_watch();
    }

    /// The store does not answer: the present deadline is kept, spread, and then local
    /// rules hold.
    pub(super) fn degrade(&mut self, desk: &mut Desk, now: u64) {
        let Some(epoch) = self.epoch.take() else {
            return;
        };
        self.release(&epoch, desk, now);
        if epoch.follows {
            let spread = desk.draw(epoch.wait.min(SPREAD));
            let until = (epoch.due + spread).min(epoch.over.max(now));
            self.breaker.set_due(until.saturating_sub(now));
        }
        self.end_watch();
    }

    /// Ends a lease, and leaves the breaker in its state.
    fn release(&self, epoch: &Epoch, desk: &mut Desk, now: u64) {
        if let Some(held) = epoch.held {
            self.breaker.lease(false);
            if !desk.degraded {
                Self::give_back(&self.id, held, desk, now);
            }
        }
    }

    fn end_watch(&mut self) {
        if self.watch_until.take().is_some() {
            self.breaker.watch(false);
        }
    }

    // Leases and the passing of time.

    fn leased(&mut self, number: u64, lease: Lease, source: Source, desk: &mut Desk) {
        let Source { sent, now } = source;
        let Some(epoch) = &mut self.epoch else {
            if let Lease::Granted { epoch, token } = lease {
                Self::give_back(&self.id, Held::new(epoch, token, sent, 0), desk, now);
            }
            return;
        };
        epoch.asking = false;
        let Lease::Granted {
            epoch: granted,
            token,
        } = lease
        else {
            return;
        };
        let held = Held::new(granted, token, sent, epoch.lease_for);
        let is_usable = epoch.number == number
            && epoch.follows
            && epoch.held.is_none()
            && now + BEGIN < held.until
            && self.breaker.state() == State::Open;
        if !is_usable {
            Self::give_back(&self.id, held, desk, now);
            return;
        }
        epoch.held = Some(Held {
            begin_by: now + BEGIN,
            ..held
        });
        self.breaker.lease(true);
        self.breaker.set_due(0);
    }

    pub(super) fn tick(&mut self, index: usize, desk: &mut Desk, now: u64) {
        self.go_on(index, desk, now);
        if self.watch_until.is_some_and(|until| now >= until) && self.epoch.is_none() {
            self.end_watch();
        }
        let Some(epoch) = &mut self.epoch else { return };
        if now >= epoch.over {
            // The breaker is due by itself by now.
            if epoch.held.is_some() {
                self.breaker.lease(false);
            }
            self.epoch = None;
            self.end_watch();
            return;
        }
        let wait = epoch.over - now;
        if let Some(held) = &mut epoch.held {
            held.begun |= self.breaker.state() != State::Open;
            let lapses = now >= held.until;
            if lapses || !held.begun && now >= held.begin_by {
                let held = *held;
                epoch.held = None;
                self.breaker.end_lease(wait, epoch.votes, epoch.needed);
                if !lapses {
                    Self::give_back(&self.id, held, desk, now);
                }
            }
            return;
        }
        if epoch.opinions_until > 0 && now >= epoch.opinions_until {
            epoch.opinions_until = 0;
            epoch.ask_at = epoch.ask_at.max(epoch.due);
        }
        let is_early = epoch.opinions_until == 0 && now + DEMAND < epoch.due;
        if !epoch.follows || is_early {
            return;
        }
        if epoch.wants_to_probe(self.breaker.rejected(), now)
            && self.breaker.state() == State::Open
            && !desk.degraded
        {
            let members = self.info.members.max(1) as f64;
            if desk.random.next_f64() < 4.0 * f64::from(epoch.probes) / members {
                epoch.asking = true;
                let request = Request::Lease {
                    circuit: self.id.clone(),
                    instance: desk.instance(),
                    epoch: epoch.number,
                };
                desk.ask(now, What::Lease(index, epoch.number), request);
            }
        }
    }

    /// Returns when [`tick`](Self::tick) has something to do.
    pub(super) fn next(&self, degraded: bool) -> Option<u64> {
        let lapse = self.suspected_at.map(|since| since + self.terms.within);
        let enters = self.used && !self.entering && !degraded;
        let enter = enters.then_some(self.enter_at);
        let votes = !self.voting && !degraded && self.member_since.is_some();
        let vote = self.vote_at.filter(|_| votes);
        let watch = self.watch_until.filter(|_| self.epoch.is_none());
        let epoch = self.epoch.as_ref().map(Epoch::next);
        [lapse, enter, vote, watch, epoch]
            .into_iter()
            .flatten()
            .min()
    }

    /// Leaves the fleet.
    pub(super) fn leave(self, desk: &mut Desk, now: u64) {
        if self.member_since.is_some() {
            let request = Request::Leave {
                circuit: self.id.clone(),
                instance: desk.instance(),
            };
            desk.ask(now, What::Farewell, request);
        }
        self.breaker.set_info(FleetInfo::default());
        self.breaker.release();
    }
}

impl Held {
    fn new(epoch: u64, token: u64, sent: u64, lease_for: u64) -> Self {
        Self {
            epoch,
            token,
            begin_by: sent,
            until: sent + lease_for,
            begun: false,
        }
    }
}

impl Epoch {
    /// Draws how much later than the others a breaker goes on: not all at once, and none
    /// later than without a verdict.
    fn spread(&self, desk: &mut Desk, now: u64) -> u64 {
        let most = self.wait.min(SPREAD).min(self.over.saturating_sub(now));
        desk.draw(most)
    }

    /// Takes note of how many calls were rejected by now. Returns whether the instance is to
    /// ask for a lease: the wait is over, and a call was rejected in the last second.
    fn wants_to_probe(&mut self, rejected: u64, now: u64) -> bool {
        let is_old = |at: u64| at + DEMAND < now;
        // The last of the old ones is what to compare with.
        while self.rejected.get(1).is_some_and(|(at, _)| is_old(*at)) {
            self.rejected.pop_front();
        }
        if self
            .rejected
            .back()
            .is_none_or(|(at, _)| at + ASK_AGAIN <= now)
        {
            self.rejected.push_back((now, rejected));
        }
        if now < self.ask_at || self.asking {
            return false;
        }
        self.ask_at = now + ASK_AGAIN;
        self.rejected
            .front()
            .is_some_and(|(_, before)| rejected > *before)
    }

    fn next(&self) -> u64 {
        if let Some(held) = &self.held {
            let begin = if held.begun {
                held.until
            } else {
                held.begin_by
            };
            return begin.min(held.until).min(self.over);
        }
        if !self.follows {
            return self.over;
        }
        let sample = self.rejected.back().map_or(0, |(at, _)| at + ASK_AGAIN);
        let ask = if self.asking { u64::MAX } else { self.ask_at };
        let from = match self.opinions_until {
            0 => self.due.saturating_sub(DEMAND),
            until => sample.min(until),
        };
        sample.max(from).min(ask).min(self.over)
    }
}
