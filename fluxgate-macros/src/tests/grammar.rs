//! Keys, values, and the grammar of policies.

use super::{accepted, faults, faults_on, refused};

#[test]
fn everything_is_accepted_as_tokens_and_as_strings() {
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
        listeners = [
            LogListener,
            PrometheusListener,
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
        "`retry` needs a value, as in `retry = Cooldown(60s)`",
    );
    refused(
        "\"payments\"",
        "\"payments\"",
        "expected `key = value`, found `\"payments\"`; to name the breaker write `name = \"payments\"`",
    );
    refused(
        "retry = Always permit = All",
        "permit = All",
        "expected nothing more after the retry `Always`",
    );
    let twice = faults("retry = Always, permit = All, retry = Never");
    assert_eq!(twice[0].1, "`retry` is given twice");
    assert_eq!(twice[1].1, "it was first given here");
}

#[test]
fn every_mistake_of_an_attribute_is_reported() {
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
        "unknown retry `Exponential`; expected one of `Cooldown`, `Backoff`",
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
        "",
        "expected a tripper here",
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

#[test]
fn arguments() {
    refused(
        "tripper = MinRequests",
        "MinRequests",
        "`MinRequests` needs its count, as in `MinRequests(20)`",
    );
    refused(
        "tripper = MinRequests()",
        "MinRequests()",
        "`MinRequests` needs its count, as in `MinRequests(20)`",
    );
    refused(
        "tripper = SlowRate(0.5)",
        "SlowRate(0.5)",
        "`SlowRate` needs its threshold, as in `SlowRate(0.3, threshold = 1s)`",
    );
    refused(
        "tripper = FailureRate(0.5, 3)",
        "3",
        "`FailureRate` takes one argument, `ratio`",
    );
    refused("tripper = Closed(1)", "1", "`Closed` takes no arguments");
    refused(
        "tripper = FailureRate(rate = 0.5)",
        "rate",
        "`FailureRate` has no argument `rate`; did you mean `ratio`?",
    );
    refused(
        "tripper = SlowRate(0.5, slow_threshold = 1s)",
        "slow_threshold",
        "`SlowRate` has no argument `slow_threshold`; did you mean `threshold`?",
    );
    refused(
        "tripper = SlowRate(0.5, ratio = 0.5, threshold = 1s)",
        "ratio",
        "the ratio of `SlowRate` is given twice",
    );
    refused(
        "tripper = SlowRate(ratio = 0.5, 1s)",
        "1s",
        "a value without a name can't follow `ratio = …`",
    );
    refused(
        "retry = Backoff(initial = )",
        "initial",
        "the initial of `Backoff` has no value",
    );
    refused(
        "tracker = TypeOf()",
        "TypeOf()",
        "`TypeOf` needs at least one error type, as in `TypeOf(std::io::Error)`",
    );
    refused(
        "tracker = Matches()",
        "Matches()",
        "`Matches` needs a pattern, as in `Matches(ApiError::Timeout)`",
    );
    refused(
        "tracker = Matches(A B)",
        "B",
        "expected `|`, `if` or the end of the pattern",
    );
    refused(
        "tracker = TypeOf(A::B if c)",
        "if",
        "expected `,` or `)` after the type",
    );
}

#[test]
fn values_of_the_wrong_kind() {
    refused(
        "tripper = MinRequests(\"20\")",
        "\"20\"",
        "the count of `MinRequests` must be a number of calls, but is a string; write `20`, without quotes",
    );
    refused(
        "tripper = MinRequests(2.5)",
        "2.5",
        "the count of `MinRequests` is a number of calls and must be a whole number, but is 2.5",
    );
    refused(
        "tripper = MinRequests(20s)",
        "20s",
        "the count of `MinRequests` is a number of calls, but `20s` is a duration",
    );
    refused(
        "tripper = FailureRate(true)",
        "true",
        "the ratio of `FailureRate` must be a number, but is true or false",
    );
    refused(
        "tripper = FailureRate(50%)",
        "50%",
        "the ratio of `FailureRate` is a plain number; for 50 % write `0.5`",
    );
    refused(
        "tripper = FailureRate(1s)",
        "1s",
        "the ratio of `FailureRate` is a plain number, but `1s` is a duration",
    );
    refused(
        "retry = Cooldown(\"30s\")",
        "\"30s\"",
        "the duration of `Cooldown` must be a duration, such as `30s`, but is a string",
    );
    refused(
        "retry = Cooldown(5m)",
        "5m",
        "the duration of `Cooldown` has the unknown unit `m`; write `5min` for minutes or `5ms` for milliseconds",
    );
    refused(
        "retry = Cooldown(2d)",
        "2d",
        "the duration of `Cooldown` has the unknown unit `d`; write `48h`",
    );
    refused(
        "retry = Cooldown(5sec)",
        "5sec",
        "the duration of `Cooldown` has the unknown unit `sec`; write `5s`",
    );
    refused(
        "retry = Cooldown(5parsec)",
        "5parsec",
        "the duration of `Cooldown` has the unknown unit `parsec`; the units are",
    );
    refused(
        "durations = 1",
        "1",
        "`durations` must be `true` or `false`",
    );
    refused(
        "max_half_open_calls = \"3\"",
        "\"3\"",
        "max_half_open_calls must be a number of calls, but is a string; write `3`, without quotes",
    );
    refused(
        "name = 3",
        "3",
        "the name must be a string, as in `name = \"payment_api\"`",
    );
    refused(
        "fallback = \"cached\"",
        "\"cached\"",
        "`fallback` takes a function or a closure; write `fallback = cached`, without quotes",
    );
    refused(
        "handle = \"x\"",
        "\"x\"",
        "`handle` takes the name of the function to be made, as in `handle = quote_breaker`; write it without quotes",
    );
    refused(
        "handle = a::b",
        "a::b",
        "`handle` takes the name of the function to be made",
    );
    refused(
        "crate = \"x\"",
        "\"x\"",
        "`crate` takes a path to the fluxgate crate",
    );
    refused(
        "listeners = LogListener",
        "LogListener",
        "`listeners` takes a list, as in `listeners = [LogListener]`",
    );
    refused(
        "window = 100",
        "100",
        "expected a window, found `100`; write one of `CountWindow`",
    );
    refused(
        "tripper = \"\"",
        "\"\"",
        "this string is empty; leave the key out for the default",
    );
}

#[test]
fn in_a_string_the_wrong_part_is_quoted() {
    refused(
        r#"tripper = "MinRequests(20) & FailureRat(0.5)""#,
        r#""MinRequests(20) & FailureRat(0.5)""#,
        "unknown tripper `FailureRat`; did you mean `FailureRate`?\n\n    \
         MinRequests(20) & FailureRat(0.5)\n                      ^^^^^^^^^^",
    );
    refused(
        r#"retry = "Cooldown(0s)""#,
        r#""Cooldown(0s)""#,
        "the duration of `Cooldown` must be greater than zero, but is 0s\n\n    \
         Cooldown(0s)\n             ^^",
    );
    refused(
        r#"tripper = "MinRequests(20""#,
        r#""MinRequests(20""#,
        "this is never closed; expected a `)`\n\n    MinRequests(20\n               ^",
    );
    refused(
        r#"tripper = "Closed &""#,
        r#""Closed &""#,
        "expected a tripper here\n\n    Closed &\n            ^",
    );
    refused(
        r#"tracker = "Matches(1 +)""#,
        r#""Matches(1 +)""#,
        "expected `|`, `if` or the end of the pattern\n\n    Matches(1 +)\n              ^",
    );
}

#[test]
fn listeners() {
    let slack = |inside: &str| format!("listeners = [SlackListener({inside})]");
    refused(
        &slack("channel = \"C1\""),
        "SlackListener(channel = \"C1\")",
        "`SlackListener` needs its token, as in `SlackListener(channel = env(\"SLACK_CHANNEL\")",
    );
    refused(
        &slack("channel = \"\", token = env(\"T\")"),
        "\"\"",
        "the channel of `SlackListener` must not be empty",
    );
    refused(
        &slack("channel = \"C1\", token = \" \""),
        "\" \"",
        "the token of `SlackListener` must not be empty",
    );
    refused(
        &slack("channel = \"C1\", token = \"xoxb-1\""),
        "\"xoxb-1\"",
        "a token in the source is a token in every copy of it; write `token = env(\"SLACK_BOT_TOKEN\")`",
    );
    refused(
        &slack("channel = env(\"\"), token = env(\"T\")"),
        "env(\"\")",
        "`env` needs the name of an environment variable",
    );
    refused(
        &slack("channel = 5, token = env(\"T\")"),
        "5",
        "the channel of `SlackListener` must be a string or `env(\"NAME\")`",
    );
    refused(
        &slack("chanel = \"C1\", token = t()"),
        "chanel",
        "`SlackListener` has no argument `chanel`; did you mean `channel`?",
    );
    refused(
        "listeners = [LogListener(1)]",
        "LogListener(1)",
        "`LogListener` takes no arguments here",
    );
    refused(
        "listeners = [\"log\"]",
        "\"log\"",
        "expected a listener: `LogListener`",
    );
    refused(
        "listeners = [LogListener LogListener]",
        "LogListener",
        "expected `,` or `]` after a listener",
    );
    accepted("listeners = []");
    accepted(
        "listeners = [fluxgate::listener::LogListener::new().level(State::Open, Level::ERROR)]",
    );
}

#[test]
fn what_can_not_be_protected() {
    let on = |item: &str| faults_on("", item);
    assert!(
        on("const fn f() -> Result<u8, E> { x }")[0]
            .1
            .starts_with("a `const fn` can't be protected")
    );
    assert_eq!(on("const fn f() -> Result<u8, E> { x }")[0].0, "const");
    assert!(
        on("fn f() -> Result<u8, E>;")[0]
            .1
            .starts_with("there is no body to protect here")
    );
    assert!(
        on("fn f() -> ! { loop {} }")[0]
            .1
            .starts_with("a function that never returns")
    );
    for (item, kind) in [
        ("struct S;", "struct"),
        ("impl S { fn f() {} }", "impl"),
        ("pub mod m {}", "mod"),
        ("const C: u8 = 1;", "const"),
    ] {
        let item: proc_macro2::TokenStream = item.parse().unwrap();
        let error = crate::target::not_a_function(&item).unwrap();
        assert!(
            error.to_string().starts_with(&format!(
                "`#[circuit_breaker]` protects functions, and this is `{kind}`"
            )),
            "{error}"
        );
        assert_eq!(error.span().source_text().as_deref(), Some(kind));
    }
}

#[test]
fn keys_that_exclude_each_other() {
    refused(
        "breaker = PAYMENTS, window = CountWindow(9)",
        "window",
        "`window` belongs to the breaker, and this function uses one that is defined elsewhere",
    );
    refused(
        "breaker = PAYMENTS, handle = x",
        "handle",
        "`handle` makes a way to a breaker of the function's own",
    );
    accepted("breaker = PAYMENTS, tracker = All, fallback = f, failure_if = g");
}
