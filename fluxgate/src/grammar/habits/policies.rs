//! Names of policies, here and elsewhere, and what to write.

/// Policies, the key that each is a value of, and how to write it.
pub(super) const POLICIES: &[(&str, &str, &str)] = &[
    ("CountWindow", "window", "CountWindow(100)"),
    ("TimeWindow", "window", "TimeWindow(60s)"),
    (
        "MinRequests",
        "tripper",
        "MinRequests(20) & FailureRate(0.5)",
    ),
    (
        "FailureRate",
        "tripper",
        "MinRequests(20) & FailureRate(0.5)",
    ),
    ("FailureStreak", "tripper", "FailureStreak(5)"),
    ("AvgLatency", "tripper", "AvgLatency(500ms)"),
    ("SlowRate", "tripper", "SlowRate(0.3, threshold = 1s)"),
    ("InFlight", "tripper", "InFlight(10, older_than = 2s)"),
    ("Closed", "tripper", "Closed & FailureStreak(5)"),
    (
        "HalfOpened",
        "tripper",
        "FailureStreak(5) | HalfOpened & FailureRate(0.5)",
    ),
    ("Cooldown", "retry", "Cooldown(60s)"),
    ("Backoff", "retry", "Backoff(initial = 10s)"),
    ("Always", "retry", "Always"),
    ("Never", "retry", "Never"),
    ("RampUp", "permit", "RampUp(0.1, 1.0, 60s)"),
    ("Random", "permit", "Random(0.2)"),
    ("TypeOf", "tracker", "TypeOf(std::io::Error)"),
    ("Matches", "tracker", "Matches(ApiError::Timeout)"),
    ("Ignore", "on_cancel", "Ignore"),
    ("Fail", "on_cancel", "Fail"),
    ("FailAfter", "on_cancel", "FailAfter(5s)"),
    ("Adaptive", "throttle", "Adaptive(k = 1.5)"),
    ("LogListener", "listeners", "[LogListener]"),
    ("PrometheusListener", "listeners", "[PrometheusListener]"),
    ("MetricsListener", "listeners", "[MetricsListener]"),
    (
        "OpenTelemetryListener",
        "listeners",
        "[OpenTelemetryListener]",
    ),
    (
        "SlackListener",
        "listeners",
        "[SlackListener(channel = env(\"…\"), token = env(\"…\"))]",
    ),
];

/// Names of policies elsewhere, for each key.
pub(super) const OTHER_POLICIES: &[(&str, &str, &str)] = &[
    (
        "tripper",
        "consecutive_failures consecutive failures failure_count errors consecutive_errors \
         count failure_threshold max_failures streak fails consecutive_breaker",
        "failures in a row are `FailureStreak(5)`",
    ),
    (
        "tripper",
        "error_rate error_ratio failure_ratio error_percentage failure_percentage percent \
         ratio rate failure_rate_threshold success_rate success_rate_over_time_window \
         error_breaker error_threshold failed_rate",
        "the part of the calls that fail is `MinRequests(20) & FailureRate(0.5)`",
    ),
    (
        "tripper",
        "min_calls minimum_calls minimum_number_of_calls minimum_throughput volume \
         request_volume min_throughput minimum_requests min_volume requests",
        "the number of calls it takes to decide is `MinRequests(20)`",
    ),
    (
        "tripper",
        "slow_call_rate slow_calls slow slow_ratio slow_request_ratio",
        "the part of the calls that are slow is `SlowRate(0.3, threshold = 1s)`",
    ),
    (
        "tripper",
        "latency mean_latency average_latency p99 p95 response_time timeout timeouts rt",
        "slow calls are found by `SlowRate(0.3, threshold = 1s)` or `AvgLatency(500ms)`",
    ),
    (
        "tripper",
        "and or all_of any_of all any",
        "rules are combined with `&` and `|`",
    ),
    (
        "tripper",
        "not",
        "a tripper can't be negated: write the condition that should open the circuit",
    ),
    (
        "retry",
        "exponential exponential_backoff exp expo exponential_backoff_builder \
         exponential_random_backoff fibonacci linear decorrelated_jitter equal_jittered \
         full_jittered",
        "a wait that grows is `Backoff(initial = 10s, multiplier = 2.0)`",
    ),
    (
        "retry",
        "fixed constant constant_backoff delay wait interval every after sleep timeout \
         fixed_delay duration wait_fixed constant_builder",
        "a wait of one length is `Cooldown(60s)`",
    ),
    (
        "retry",
        "immediate none no immediately",
        "no wait at all is `Always`, and no probe at all `Never`",
    ),
    (
        "retry",
        "attempts times retries max_retries max_attempts limit",
        "fluxgate repeats no call: this says when an open circuit is probed again, as in `Cooldown(60s)`",
    ),
    (
        "window",
        "sliding_window sliding rolling rolling_window window size tumbling bucket",
        "the last calls are `CountWindow(100)`, the last while is `TimeWindow(60s)`",
    ),
    (
        "window",
        "count_based count calls count_based_window count_based_sliding_window last",
        "the last calls are `CountWindow(100)`",
    ),
    (
        "window",
        "time_based time duration time_based_window time_based_sliding_window",
        "the last while is `TimeWindow(60s)`",
    ),
    (
        "permit",
        "always any every open",
        "every call becomes a probe with `All`",
    ),
    (
        "permit",
        "ratio rate percent fraction probability sample fixed",
        "a part of the calls is `Random(0.2)`",
    ),
    (
        "permit",
        "linear ramp gradual slow_start warm_up increasing",
        "a part that grows is `RampUp(0.1, 1.0, 60s)`",
    ),
    (
        "permit",
        "max limit concurrent max_calls count",
        "how many probes there are at once is the setting `max_half_open_calls = 10`",
    ),
    (
        "throttle",
        "throttle throttling client_side adaptive_throttle adaptive_throttling \
         adaptive_throttler google sre sre_breaker proportional",
        "calls are refused in proportion by `Adaptive(k = 1.5)`",
    ),
    (
        "throttle",
        "aimd vegas gradient gradient2 latency adaptive_concurrency concurrency_limit little",
        "`Adaptive(k = 1.5)` follows refusals; limits that follow latency are in crates such as \
         `tower-acc` and `tower-resilience`",
    ),
    (
        "throttle",
        "rate rate_limit token_bucket leaky_bucket gcra quota fixed",
        "`Adaptive(k = 1.5)` follows what the dependency accepts; a fixed rate is for a limiter such \
         as `tower::limit`",
    ),
    (
        "tracker",
        "any every everything error errors",
        "every error counts with `All`",
    ),
    (
        "tracker",
        "none nothing never no",
        "no error counts with `!All`",
    ),
    (
        "tracker",
        "only is type instance_of instanceof isinstance downcast of kind type_id",
        "errors of a type are `TypeOf(MyError)`",
    ),
    (
        "tracker",
        "except exclude ignore not without",
        "all errors but some are `!TypeOf(MyError)` or `!Matches(MyError::NotFound)`",
    ),
    (
        "tracker",
        "variant pattern match matching when if status",
        "errors of a shape are `Matches(MyError::Timeout)`",
    ),
    (
        "tracker",
        "and or all_of any_of",
        "trackers are combined with `&`, `|` and `!`",
    ),
    (
        "tracker",
        "closure function predicate fn",
        "a function of your own is `Custom(|error| …)`",
    ),
];
