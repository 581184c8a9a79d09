//! Keys, values, and the grammar of policies.

use super::{accepted, faults, refused};

#[test]
fn tokens_and_strings_are_accepted_alike() {
    accepted("");
    accepted(
        r#"
        name = "payment_api",
        window = "CountWindow(100)",
        tracker = "TypeOf(std::io::Error) | Matches(ApiError::Status(500..=599) | ApiError::Timeout)",
        tripper = "FailureStreak(5) | MinRequests(20) & (FailureRate(0.5) | SlowRate(0.3, threshold = 1s))",
        retry = "Backoff(initial = 10s, multiplier = 2.0, max_duration = 300s, jitter_ratio = 0.1)",
        permit = "RampUp(initial = 0.1, final = 0.8, duration = 60s)",
        max_half_open_calls = 10,
        close_after = 2,
        reopen_after = 3,
        probe_lease = "30s",
        on_cancel = "FailAfter(5s)",
        durations = true,
        initial_state = "MetricsOnly",
        flight_recorder = 0,
        failure_texts = true,
        listeners = [
            LogListener,
            PrometheusListener,
            MetricsListener,
            OpenTelemetryListener(meter = meter()),
            SlackListener(channel = env("SLACK_CHANNEL_ID"), token = env("SLACK_BOT_TOKEN")),
            MyListener::<A, B>::new(1, 2),
            |signal| send(signal, 1),
        ],
        failure_if = |response: &Response| response.status().is_server_error(),
        fallback = cached_quote,
        handle = quote_breaker,
        crate = my_fluxgate,
        docs = false,
        "#,
    );
    accepted(
        "window = TimeWindow(1.5s), tracker = !(TypeOf(A<B, C>, D) & Custom(|e| f(e, 1))) | All(), \
         tripper = Closed() & FailureRate(ratio = 1) | HalfOpened & AvgLatency(threshold = 250ms), \
         retry = Cooldown(30, jitter_ratio = 0), permit = Random(ratio = 1), on_cancel = Ignore, \
         probe_lease = 5min",
    );
    accepted("retry = Always, permit = All, on_cancel = Fail");
    accepted("retry = Never, permit = Custom(|elapsed| elapsed > Duration::from_secs(1))");
    accepted(
        "window = Custom(Mine::new()), tripper = Custom(mine()) & MinRequests(N), retry = Custom(|o| None)",
    );
}

#[test]
fn keys() {
    refused(
        "triper = Closed",
        "triper",
        "unknown key `triper`; did you mean `tripper`?",
    );
    refused(
        "slow_threshold = 1s",
        "slow_threshold",
        "unknown key `slow_threshold`; the threshold stands in the rule: `tripper = SlowRate(0.3, threshold = 1s)`",
    );
    refused(
        "colour = 1",
        "colour",
        "unknown key `colour`; the keys are `name`, `window`",
    );
    refused(
        "tripper =",
        "tripper",
        "`tripper` needs a value, as in `tripper = ",
    );
    refused(
        "tripper = , retry = Always",
        "tripper",
        "`tripper` needs a value, as in `tripper = ",
    );
    refused(
        "tripper",
        "tripper",
        "`tripper` needs a value, as in `tripper = ",
    );
    refused(
        "retry(Always)",
        "retry",
        "a value follows `=`, and not `(`: write `retry = Cooldown(60s)`",
    );
    refused(
        "\"payments\"",
        "\"payments\"",
        "expected `key = value`, found `\"payments\"`; to name the breaker write `name = \"payments\"`",
    );
    refused(
        "retry = Always permit = All",
        "permit",
        "expected `,` before the next key, `permit`",
    );
    let twice = faults("retry = Always, permit = All, retry = Never");
    assert_eq!(twice[0].1, "`retry` is given twice");
    assert_eq!(twice[1].1, "it was first given here");
}

#[test]
fn every_mistake_is_reported() {
    let found = faults(
        "tripper = MinRequests(0) & FailureRate(50) | FailureStrek(5), retry = Cooldown(0s), \
         permit = RampUp(0.5, 0.1, 0s), max_half_open_calls = 0, colour = 1, name = \"\", tracker =",
    );
    let places: Vec<_> = found.iter().map(|(at, _)| at.as_str()).collect();
    assert_eq!(
        places,
        [
            "0",
            "50",
            "FailureStrek",
            "0s",
            "0s",
            "0.1",
            "0",
            "colour",
            "\"\"",
            "tracker"
        ]
    );
}

#[test]
fn names_of_policies() {
    refused(
        "tripper = FailureRat(0.5)",
        "FailureRat",
        "unknown tripper `FailureRat`; did you mean `FailureRate`?",
    );
    refused(
        "window = CountWindw(9)",
        "CountWindw",
        "unknown window `CountWindw`; did you mean `CountWindow`?",
    );
    refused(
        "retry = Exponential(9)",
        "Exponential",
        "unknown retry `Exponential`; a wait that grows is `Backoff(",
    );
    refused(
        "permit = Rampup(0.1, 1.0, 60s)",
        "Rampup",
        "unknown permit `Rampup`; did you mean `RampUp`?",
    );
    refused(
        "tracker = TypesOf(A)",
        "TypesOf",
        "unknown tracker `TypesOf`; did you mean `TypeOf`?",
    );
    refused(
        "on_cancel = Failing",
        "Failing",
        "unknown rule for cancelled calls `Failing`; did you mean `Fail`?",
    );
    refused(
        "initial_state = MetricOnly",
        "MetricOnly",
        "unknown state `MetricOnly`; did you mean `MetricsOnly`?",
    );
    refused(
        "initial_state = Broken",
        "Broken",
        "unknown state `Broken`; expected one of `Closed`, `Open`, `HalfOpen`, `MetricsOnly`, \
         `Disabled`, `ForcedOpen`",
    );
    refused(
        "initial_state = State::Disabled",
        "State::Disabled",
        "a state is written by its name alone: write `Disabled`, without a path",
    );
    refused(
        "initial_state = Open(5s)",
        "5s",
        "`Open` takes no arguments",
    );
    refused(
        "throttle = Adaptiv(1.5)",
        "Adaptiv",
        "unknown throttle `Adaptiv`; did you mean `Adaptive`?",
    );
    refused(
        "throttle = Something(1.5)",
        "Something",
        "unknown throttle `Something`; expected `Adaptive`",
    );
    refused(
        "throttle = Adaptive::new(1.5).floor(0.1)",
        "Adaptive::new",
        "a throttle is written by its name alone: write `Adaptive(…)`, without a path",
    );
    refused(
        "tripper = tripper::MinRequests(20)",
        "tripper::MinRequests",
        "a tripper is written by its name alone: write `MinRequests(…)`, without a path",
    );
    refused(
        "tripper = MinRequests::new(20)",
        "MinRequests::new",
        "a tripper is written by its name alone: write `MinRequests(…)`, without a path",
    );
    refused(
        "retry = my::Retry(20)",
        "my::Retry",
        "a retry is written by its name alone: a retry of your own goes into `Custom(…)`",
    );
    refused(
        "tripper = HalfOpen & FailureRate(0.5)",
        "HalfOpen",
        "the state is written `HalfOpened` in a rule",
    );
    refused(
        "tripper = StateEnum.CLOSED & FailureRate(0.5)",
        "StateEnum",
        "`StateEnum` of the original is `fluxgate::State`; in a rule write `Closed` or `HalfOpened`",
    );
}

#[test]
fn operators() {
    refused(
        "tripper = Closed && FailureRate(0.5)",
        "&&",
        "trippers are combined with a single `&`",
    );
    refused(
        "tripper = FailureRate(0.5) || FailureStreak(2)",
        "||",
        "trippers are combined with a single `|`",
    );
    refused(
        "tripper = Closed and FailureRate(0.5)",
        "and",
        "`and` is written `&` here",
    );
    refused(
        "tripper = Closed or FailureRate(0.5)",
        "or",
        "`or` is written `|` here",
    );
    refused(
        "tripper = !Closed",
        "!",
        "a tripper can't be negated: say what shall fire, not what shall not",
    );
    refused(
        "tracker = ~TypeOf(A)",
        "~",
        "`~` is no operator here: `!` means not",
    );
    refused(
        "tracker = All ~ TypeOf(A)",
        "~",
        "`~` is no operator here: `!` means not",
    );
    refused(
        "tracker = not TypeOf(A)",
        "not",
        "`not` is no operator here: `!` means not",
    );
    refused(
        "tripper = Closed ^ FailureRate(0.5)",
        "^",
        "trippers have no exclusive or",
    );
    refused(
        "tripper = FailureRate(0.5) &",
        "&",
        "expected a tripper after `&`",
    );
    refused(
        "tripper = & FailureRate(0.5)",
        "&",
        "expected a tripper before this operator",
    );
    refused(
        "retry = Always | Never",
        "| Never",
        "a retry can't be combined with `|`; give one retry",
    );
    refused(
        "tripper = (Closed FailureRate(0.5))",
        "FailureRate",
        "expected `&`, `|` or the end of the tripper",
    );
    refused("tripper = ()", ")", "expected a tripper here");
}
