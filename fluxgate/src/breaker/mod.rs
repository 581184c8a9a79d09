//! The public handle.

pub(crate) mod build;
pub(crate) mod builder;
pub(crate) mod calls;
pub(crate) mod first_use;
pub(crate) mod static_breaker;
pub(crate) mod weak;

use std::{fmt, future::Future, mem, sync::Arc, time::Duration};

use crate::{
    Builder, CallError, CallNotPermitted, Classified, Command, Info, Name, Outcome, State,
    call::{
        self,
        classify::{ByClosure, ByTracker, NeverFails},
        future::Awaited,
    },
    engine::{
        Core,
        ticket::{CallEnd, Ticket},
    },
    flight, tracker,
    util::duration::nanos,
};

/// A circuit breaker, for sync and async code alike.
///
/// A handle: clones share one breaker. Made with
/// [`CircuitBreaker::builder`], or by the attribute
/// [`#[circuit_breaker]`](macro@crate::circuit_breaker).
///
/// ```
/// use fluxgate::{CallNotPermitted, CircuitBreaker, tripper::FailureStreak};
///
/// #[derive(Debug, PartialEq)]
/// enum Error { Down, Rejected }
///
/// impl From<CallNotPermitted> for Error {
///     fn from(_: CallNotPermitted) -> Self { Error::Rejected }
/// }
///
/// let breaker = CircuitBreaker::builder("payments")
///     .tripper(FailureStreak::new(2))
///     .build()?;
///
/// for _ in 0..2 {
///     assert_eq!(breaker.call(|| Err::<(), _>(Error::Down)), Err(Error::Down));
/// }
/// assert_eq!(breaker.call(|| Ok(())), Err(Error::Rejected));
/// # Ok::<_, fluxgate::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct CircuitBreaker {
    pub(crate) core: Arc<Core>,
}

impl CircuitBreaker {
    /// Starts building a breaker with the default settings.
    pub fn builder(name: impl Into<Name>) -> Builder {
        let name = name.into();
        first_use::name(&name);
        Builder::new(name)
    }

    /// Lets rejections hold a plain reference, at the price of never dropping
    /// the breaker: for breakers in statics.
    pub(crate) fn keep_for_ever(self) {
        let core = Arc::clone(&self.core);
        core.eternal.get_or_init(|| Box::leak(Box::new(self)));
    }

    /// Returns the breaker's name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.core.name
    }

    /// Returns the present state. One atomic load.
    #[doc(alias("is_open", "is_closed"))]
    #[must_use]
    pub fn state(&self) -> State {
        self.core.state()
    }

    /// Returns a snapshot of the breaker: state, window, totals.
    #[doc(alias("snapshot", "stats", "metrics"))]
    #[must_use]
    pub fn info(&self) -> Info {
        self.core.info()
    }

    /// Calls a function through the breaker. `Ok` is a success, `Err` a failure,
    /// a [`CallNotPermitted`] of another breaker included; what the error itself
    /// says of it, by [`Classify`](crate::Classify), counts with
    /// [`with_classifier(Classify::outcome)`](Self::with_classifier).
    ///
    /// A panic in `f` counts as a failure and goes on unwinding. A future that `f`
    /// returns in an `Ok` is not awaited here, and a success whatever becomes of it:
    /// futures are for [`call_async`](Self::call_async).
    ///
    /// # Errors
    ///
    /// The function's own error, or the [`CallNotPermitted`] made into one if
    /// the breaker rejected the call and `f` did not run.
    #[inline]
    pub fn call<T, E>(&self, f: impl FnOnce() -> Result<T, E>) -> Result<T, E>
    where
        E: From<CallNotPermitted>,
    {
        self.classified().call(f)
    }

    /// Awaits a future through the breaker: [`call`](Self::call) for async code.
    ///
    /// The call is admitted when the future is first polled. Nothing is allocated;
    /// the future is 40 bytes larger than `future`.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    ///
    /// # Cancel safety
    ///
    /// Dropped before its end, the call counts as
    /// [`on_cancel`](Builder::on_cancel) says, and a probe gives its slot back.
    #[inline]
    pub fn call_async<T, E, F>(
        &self,
        future: F,
    ) -> impl Future<Output = Result<T, E>> + use<'_, T, E, F>
    where
        F: Awaited<Output = Result<T, E>>,
        E: From<CallNotPermitted>,
    {
        self.classified().call_async(future)
    }

    /// Calls a function through the breaker, with a rejection apart from the
    /// function's own errors: [`call`](Self::call) for errors that can't be made
    /// from a rejection.
    ///
    /// ```
    /// use fluxgate::CallError;
    /// # use fluxgate::CircuitBreaker;
    /// # let breaker = CircuitBreaker::builder("parser").build()?;
    /// match breaker.try_call(|| "42".parse::<u32>()) {
    ///     Ok(price) => assert_eq!(price, 42),
    ///     Err(CallError::Rejected(rejection)) => println!("{rejection}"),
    ///     Err(CallError::Failed(error)) => println!("not a number: {error}"),
    /// }
    /// # Ok::<_, fluxgate::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`CallError::Failed`] with the function's own error, or
    /// [`CallError::Rejected`] if the breaker rejected the call and `f` did not
    /// run.
    #[inline]
    pub fn try_call<T, E>(&self, f: impl FnOnce() -> Result<T, E>) -> Result<T, CallError<E>> {
        self.classified().try_call(f)
    }

    /// Awaits a future through the breaker: [`try_call`](Self::try_call) for async
    /// code.
    ///
    /// # Errors
    ///
    /// As [`try_call`](Self::try_call).
    ///
    /// # Cancel safety
    ///
    /// As [`call_async`](Self::call_async).
    #[inline]
    pub fn try_call_async<T, E, F>(
        &self,
        future: F,
    ) -> impl Future<Output = Result<T, CallError<E>>> + use<'_, T, E, F>
    where
        F: Awaited<Output = Result<T, E>>,
    {
        self.classified().try_call_async(future)
    }

    /// Calls a function through the breaker, and `fallback` if there is no
    /// result: on every rejection and every `Err`. What the fallback returns is
    /// the result; the breaker has counted the call by then.
    ///
    /// ```
    /// # use fluxgate::{CallError, CircuitBreaker};
    /// # let breaker = CircuitBreaker::builder("api").build()?;
    /// # fn quote() -> Result<u32, std::io::Error> { Err(std::io::Error::other("down")) }
    /// let price = breaker.call_with_fallback(quote, |error| match error {
    ///     CallError::Rejected(_) => Ok(0),
    ///     CallError::Failed(error) => Err(error),
    /// });
    /// assert!(price.is_err());
    /// # Ok::<_, fluxgate::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of the fallback.
    #[doc(alias("fallback", "or_else"))]
    #[inline]
    pub fn call_with_fallback<T, E, R>(
        &self,
        f: impl FnOnce() -> Result<T, E>,
        fallback: impl FnOnce(CallError<E>) -> Result<T, R>,
    ) -> Result<T, R> {
        self.classified().call_with_fallback(f, fallback)
    }

    /// [`call_with_fallback`](Self::call_with_fallback) for async code; the
    /// fallback is async, too.
    ///
    /// # Errors
    ///
    /// Those of the fallback.
    ///
    /// # Cancel safety
    ///
    /// As [`call_async`](Self::call_async). The fallback runs outside the
    /// breaker: dropping it counts as nothing.
    pub fn call_with_fallback_async<T, E, R, F, B>(
        &self,
        future: F,
        fallback: impl FnOnce(CallError<E>) -> B,
    ) -> impl Future<Output = Result<T, R>>
    where
        F: Awaited<Output = Result<T, E>>,
        B: Future<Output = Result<T, R>>,
    {
        self.classified().call_with_fallback_async(future, fallback)
    }

    /// Returns this breaker's calls with `tracker`, which decides which errors count as
    /// failures. An error that it does not match is ignored.
    ///
    /// ```
    /// use std::io;
    /// # use fluxgate::{CircuitBreaker, tracker::Custom};
    /// # let breaker = CircuitBreaker::builder("api").build()?;
    /// let outage = Custom::new(|error: &io::Error| error.kind() != io::ErrorKind::NotFound);
    /// let _ = breaker.with_tracker(outage).call(|| std::fs::read("missing"));
    /// assert_eq!(breaker.info().ignored, 1);
    /// # Ok::<_, fluxgate::ConfigError>(())
    /// ```
    pub fn with_tracker<T>(&self, tracker: T) -> Classified<'_, ByTracker<T>> {
        Classified::new(self, ByTracker::new(tracker, NeverFails))
    }

    /// Returns this breaker's calls with one function that says what every result means,
    /// errors and the rest alike: [`with_tracker`](Self::with_tracker) and
    /// [`failure_if`](Classified::failure_if) in one, and the way to say for how long
    /// the dependency will be down. A panic in it is contained.
    ///
    /// ```
    /// use std::time::Duration;
    /// # use fluxgate::{CircuitBreaker, Outcome, tripper::FailureStreak};
    /// # let breaker = CircuitBreaker::builder("api").tripper(FailureStreak::new(1)).build()?;
    /// # #[derive(Debug)] enum Error { Busy { retry_after: Duration }, NotFound }
    /// # impl From<fluxgate::CallNotPermitted> for Error {
    /// #     fn from(_: fluxgate::CallNotPermitted) -> Self { Error::NotFound }
    /// # }
    /// let outcome = |result: &Result<(), Error>| match result {
    ///     Ok(()) => Outcome::Success,
    ///     Err(Error::Busy { retry_after }) => Outcome::UnavailableFor(*retry_after),
    ///     Err(Error::NotFound) => Outcome::Ignored,
    /// };
    /// let busy = || Err(Error::Busy { retry_after: Duration::from_secs(90) });
    /// assert!(breaker.with_classifier(outcome).call(busy).is_err());
    /// let wait = breaker.info().retry_after.expect("it is open");
    /// assert!(wait > Duration::from_secs(89), "rather than the 60 s of its retry policy");
    /// # Ok::<_, fluxgate::ConfigError>(())
    /// ```
    pub fn with_classifier<V, E, F>(&self, classify: F) -> Classified<'_, ByClosure<F>>
    where
        F: Fn(&Result<V, E>) -> Outcome,
    {
        Classified::new(self, ByClosure(classify))
    }

    fn classified(&self) -> Classified<'_, ByTracker<tracker::All>> {
        self.with_tracker(tracker::All)
    }

    /// Asks to make one call, for integrations that can't hand over a function or
    /// a future. Tell the guard how the call ended.
    ///
    /// ```
    /// # use fluxgate::CircuitBreaker;
    /// # let breaker = CircuitBreaker::builder("api").build()?;
    /// # fn send() -> Result<(), ()> { Ok(()) }
    /// let guard = breaker.acquire()?;
    /// match send() {
    ///     Ok(()) => guard.success(),
    ///     Err(()) => guard.failure(),
    /// }
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`CallNotPermitted`] if the call must not be made.
    #[doc(alias("try_acquire", "allow"))]
    pub fn acquire(&self) -> Result<Guard<'_>, CallNotPermitted> {
        let ticket = self
            .core
            .admit_without_fast()
            .map_err(|refusal| CallNotPermitted::new(self, refusal))?;
        Ok(Guard {
            core: &self.core,
            stage: GuardStage::Running(ticket),
            panicking: std::thread::panicking(),
        })
    }

    /// Withdraws the last command, and starts afresh: closed with an empty window, unless
    /// the environment, settings or the [initial state](Builder::initial_state) hold the
    /// breaker in another state, which it goes to then. [`Info::held`](crate::Info::held)
    /// says who holds it; [`Command::Close`] closes it against them.
    pub fn reset(&self) {
        self.core.command(Command::Reset, None);
    }

    /// Lets every call through, and records none, until another command.
    #[doc(alias("bypass"))]
    pub fn disable(&self) {
        self.core.command(Command::Disable, None);
    }

    /// Lets every call through and records it, but never opens, until another
    /// command.
    pub fn metrics_only(&self) {
        self.core.command(Command::MetricsOnly, None);
    }

    /// Rejects every call until another command.
    #[doc(alias("isolate"))]
    pub fn force_open(&self) {
        self.core.command(Command::ForceOpen, None);
    }

    /// Closes the circuit, from whatever state, and empties the window; whatever state the
    /// environment or settings hold it in, it stays left to itself until
    /// [`reset`](Self::reset).
    pub fn close(&self) {
        self.core.command(Command::Close, None);
    }

    /// Opens the circuit as a rule would: it waits as the retry policy says, then
    /// probes, and recovers by itself. An open circuit begins a new opening.
    /// [`force_open`](Self::force_open) lasts until another command.
    ///
    /// ```
    /// use fluxgate::{CircuitBreaker, State};
    ///
    /// let breaker = CircuitBreaker::builder("api").build()?;
    /// breaker.open();
    /// assert_eq!(breaker.state(), State::Open);
    /// assert!(breaker.info().retry_after.is_some());
    /// # Ok::<_, fluxgate::ConfigError>(())
    /// ```
    #[doc(alias("trip"))]
    pub fn open(&self) {
        self.core.open(None, None);
    }

    /// Opens the circuit by hand, as [`open`](Self::open) does, and waits for this
    /// long before the first probe, whatever the retry policy says.
    #[doc(alias("trip_for", "maintenance"))]
    pub fn open_for(&self, wait: Duration) {
        self.core.open(Some(wait), None);
    }

    /// Half-opens the circuit, from whatever state: the next calls are probes. The
    /// number of reopenings stays.
    pub fn half_open(&self) {
        self.core.command(Command::HalfOpen, None);
    }

    /// Executes a command that is given as a value.
    pub fn command(&self, command: Command) {
        self.core.command(command, None);
    }

    /// Executes a command, and keeps who gave it in the [flight
    /// recorder](crate::flight): at most 128 bytes of the name, without control
    /// characters.
    ///
    /// ```
    /// use fluxgate::{CircuitBreaker, Command};
    ///
    /// let breaker = CircuitBreaker::builder("api").build()?;
    /// breaker.command_by(Command::ForceOpen, "alice");
    /// let last = breaker.info().flight.transitions.pop().expect("just given");
    /// assert_eq!(last.by.as_deref(), Some("alice"));
    /// # Ok::<_, fluxgate::ConfigError>(())
    /// ```
    pub fn command_by(&self, command: Command, by: &str) {
        let by = flight::author(by);
        self.core.command(command, Some(&by));
    }
}

impl fmt::Debug for CircuitBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreaker")
            .field("name", self.name())
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

/// One admitted call, from [`CircuitBreaker::acquire`].
///
/// Dropping it unsettled is a cancellation, and counts as
/// [`on_cancel`](Builder::on_cancel) says; dropping it because of a panic is a failure.
#[must_use = "a call that is dropped counts as cancelled"]
pub struct Guard<'a> {
    core: &'a Core,
    stage: GuardStage,
    /// Whether a panic was under way already when the call began.
    panicking: bool,
}

/// How far the call of a guard is.
#[derive(Clone, Copy)]
enum GuardStage {
    Settled,
    Running(Ticket),
    /// With how long it took, in nanoseconds, as was measured elsewhere.
    Measured(Ticket, u64),
}

impl Guard<'_> {
    /// Sets how long the call took, in place of the time from its admission to its
    /// end: for durations that are measured elsewhere, by a client's own statistics
    /// or by the other side.
    ///
    /// What ends the call comes after it:
    ///
    /// ```
    /// use std::time::Duration;
    /// # use fluxgate::CircuitBreaker;
    /// # let breaker = CircuitBreaker::builder("api").durations(true).build()?;
    /// let guard = breaker.acquire()?;
    /// guard.with_duration(Duration::from_millis(80)).failure();
    /// assert_eq!(breaker.info().metrics.total_duration, Some(Duration::from_millis(80)));
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_duration(mut self, duration: Duration) -> Self {
        if let GuardStage::Running(ticket) | GuardStage::Measured(ticket, _) = self.stage {
            self.stage = GuardStage::Measured(ticket, nanos(duration));
        }
        self
    }

    /// Records that the call succeeded.
    #[inline]
    pub fn success(self) {
        self.record(Outcome::Success);
    }

    /// Records that the call failed.
    #[inline]
    pub fn failure(self) {
        self.record(Outcome::Failure);
    }

    /// Settles the call as an error that proves the dependency answers.
    pub fn alive(self) {
        self.record(Outcome::Alive);
    }

    /// Settles the call as a failure for want of capacity.
    pub fn overloaded(self) {
        self.record(Outcome::Overloaded);
    }

    /// Records that the call says nothing about the dependency.
    pub fn ignore(self) {
        self.record(Outcome::Ignored);
    }

    /// Records that the call failed, and what the failure says: for the
    /// [flight recorder](crate::flight#failures-in-words).
    ///
    /// ```
    /// # use fluxgate::CircuitBreaker;
    /// # let breaker = CircuitBreaker::builder("api").build()?;
    /// breaker.acquire()?.failure_with(&"connection refused");
    /// assert_eq!(&*breaker.info().flight.failures[0].text, "connection refused");
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn failure_with(self, error: &dyn fmt::Display) {
        self.core.note_failure(error);
        self.failure();
    }

    /// Records that the call ended with this outcome.
    #[inline]
    pub fn record(mut self, outcome: Outcome) {
        match mem::replace(&mut self.stage, GuardStage::Settled) {
            GuardStage::Running(ticket) => call::record(self.core, ticket, outcome),
            GuardStage::Measured(ticket, elapsed) => {
                call::record_measured(self.core, ticket, outcome, elapsed);
            }
            GuardStage::Settled => {}
        }
    }

    fn settle(&mut self, ended: CallEnd) {
        match mem::replace(&mut self.stage, GuardStage::Settled) {
            GuardStage::Running(ticket) => self.core.settle(ticket, ended),
            GuardStage::Measured(ticket, elapsed) => {
                self.core.settle_measured(ticket, ended, elapsed);
            }
            GuardStage::Settled => {}
        }
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let panicked = std::thread::panicking() && !self.panicking;
        self.settle(if panicked {
            CallEnd::Panicked
        } else {
            CallEnd::Cancelled
        });
    }
}

impl fmt::Debug for Guard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").finish_non_exhaustive()
    }
}
