//! What people write who know the original, or another circuit breaker: the names
//! of its settings, and how the same is said here.

/// Names, in snake case with spaces between, and what to do instead.
type Row = (&'static str, &'static str);

/// Settings of resilience4j, Polly, Hystrix, gobreaker, opossum, pybreaker,
/// failsafe, Sentinel and the original, and what newcomers guess.
const NAMES: &[Row] = &[
    (
        "window_size sliding_window_size sliding_window_type sliding_window sampling_duration \
         rolling_window rolling_counting_timeout rolling_count_timeout rolling_count_buckets \
         bucket_period ring_buffer_size interval stat_interval window_duration window_time \
         buckets samples minimum_ring_buffer_size metrics_rolling_stats_time_in_milliseconds",
        "the size stands in the window: `window = CountWindow(100)` or `TimeWindow(60s)`",
    ),
    (
        "failure_threshold failure_rate failure_ratio failure_rate_threshold fail_max \
         error_threshold_percentage error_percent_threshold error_threshold error_rate \
         error_ratio min_requests min_calls minimum_throughput request_volume_threshold \
         minimum_number_of_calls volume_threshold max_failures failures failure_count \
         max_errors errors_allowed threshold thresholds consecutive_failures \
         handled_events_allowed_before_breaking exceptions_allowed_before_breaking \
         ready_to_trip trip trip_when trip_if should_trip open_when open_if open_after rule \
         rules policy failure_policy strategy min_request_amount tripping percentage",
        "the rule is one value: `tripper = MinRequests(20) & FailureRate(0.5)`, or \
         `FailureStreak(5)` for failures in a row",
    ),
    (
        "slow_threshold slow_call_threshold slow_call_rate_threshold \
         slow_call_duration_threshold slow slow_calls max_allowed_rt latency_threshold \
         max_latency slow_ratio_threshold",
        "the threshold stands in the rule: `tripper = SlowRate(0.3, threshold = 1s)`",
    ),
    (
        "timeout timeout_duration call_timeout execution_timeout timeout_ms \
         execution_timeout_in_milliseconds time_limit deadline timeout_in_milliseconds \
         max_duration_of_call request_timeout",
        "a breaker ends no call: put `tokio::time::timeout`, or the timeout of your client, into \
         the function; to open the circuit on slow calls write \
         `tripper = SlowRate(0.3, threshold = 3s)`; how long it stays open is \
         `retry = Cooldown(60s)`",
    ),
    (
        "recovery_timeout reset_timeout wait_duration wait_duration_in_open_state \
         break_duration duration_of_break sleep_window sleep_window_in_milliseconds cooldown \
         cool_down cooldown_period open_duration open_timeout open_for open_state_duration \
         half_open_after backoff delay wait reset_after wait_interval retry_timeout_ms \
         time_window retry_after recovery_time break_duration_generator recovery",
        "how long the circuit stays open is `retry = Cooldown(60s)`, or \
         `retry = Backoff(initial = 10s)` for a wait that grows",
    ),
    (
        "jitter jitter_ratio multiplier max_duration max_wait initial initial_duration \
         initial_wait max_wait_duration max_interval factor",
        "it belongs to the wait: `retry = Backoff(initial = 10s, multiplier = 2.0, max_duration = \
         300s, jitter_ratio = 0.1)`",
    ),
    (
        "retries max_retries max_attempts attempts max_retry_attempts retry_count num_retries \
         retry_attempts retry_on max_tries retry_policy stop tries",
        "fluxgate repeats no call: `retry` says when an open circuit is probed again, as in \
         `retry = Cooldown(60s)`; to repeat calls put a crate such as `backon` around the function",
    ),
    (
        "permitted_number_of_calls_in_half_open_state half_open_max_calls max_requests \
         half_open_requests half_open_max_requests max_concurrent_probes probes max_probes \
         half_open_calls half_open_limit half_open_max probe_num trial_calls \
         max_half_open_requests half_open",
        "how many probes there are at once is `max_half_open_calls = 10`",
    ),
    (
        "ramp_up ramp permits admission probe_ratio half_open_ratio",
        "which calls become probes is `permit = RampUp(0.1, 1.0, 60s)`, or `permit = All` for every \
         one",
    ),
    (
        "max_wait_duration_in_half_open_state probe_timeout lease half_open_timeout",
        "how long a probe may hold its slot is `probe_lease = 60s`",
    ),
    (
        "success_threshold successes close_threshold half_open_success_threshold \
         success_count consecutive_successes required_successes max_successes close_when",
        "how many good probes close the circuit is `close_after = 3`",
    ),
    (
        "exclude include ignore ignore_exceptions record_exceptions expected_exception \
         should_handle ignore_errors record_errors errors exceptions error_types error_type \
         expected_error expected is_failure error_filter record_exception ignore_exception \
         failure_predicate predicate only except on when count counts track filter error \
         handles is_excluded is_recoverable failures_only record_failure_predicate catch",
        "which errors count is `tracker = TypeOf(MyError)`, `tracker = !TypeOf(MyError)` or \
         `tracker = Matches(MyError::Timeout)`",
    ),
    (
        "is_successful is_success success_if fail_if fail_on record_result_predicate \
         record_result handle_result is_error failure_on failure_when",
        "which results count as failures is `failure_if = |response: &Response| …`, and which \
         errors `tracker = Matches(…)`",
    ),
    (
        "classifier failure_classifier outcome classification judge",
        "what every result means is `classify = |result| …`, which gives an `Outcome`",
    ),
    (
        "listener observer observers callback callbacks hooks hook events event_listener \
         event_consumer subscribers subscriber notify notifications alert alerts",
        "it takes a list: `listeners = [LogListener]`",
    ),
    (
        "on_open on_close on_half_open on_state_change on_opened on_closed on_break on_reset \
         on_half_opened on_change on_trip on_transition on_state_transition on_signal",
        "who is told of transitions stands in a list: `listeners = [|signal| if signal.new_state == \
         fluxgate::State::Open { … }]`",
    ),
    (
        "on_success on_failure on_error on_call on_rejected on_reject on_call_not_permitted \
         on_timeout on_result",
        "listeners are told of transitions, and not of calls: for metrics of calls write \
         `listeners = [PrometheusListener]`, for what answers a rejected or failed call `fallback = …`",
    ),
    (
        "metrics metric prometheus stats telemetry monitor monitoring statsd metrics_registry \
         registry",
        "metrics come from a listener: `listeners = [PrometheusListener]`",
    ),
    (
        "log logger logging tracing trace log_level level instrument verbose",
        "the log comes from a listener: `listeners = [LogListener]`",
    ),
    (
        "slack webhook slack_channel channel token",
        "messages come from a listener: `listeners = [SlackListener(channel = env(\"…\"), token = \
         env(\"…\"))]`",
    ),
    (
        "fallback_function fallback_method on_fallback or_else default default_value recover \
         fallback_fn fallback_to fallback_value otherwise get_fallback",
        "what answers instead is `fallback = |error| …`",
    ),
    (
        "on_rejection rejected map_err map_error from_rejection",
        "what a rejection becomes is `map_rejection = |rejection| …`, which gives an error",
    ),
    (
        "id group group_key command_key circuit circuit_name breaker_name label_name title \
         resource",
        "the name is `name = \"payment_api\"`",
    ),
    (
        "circuit_breaker cb instance shared share use_breaker with config settings \
         base_config template options from parent static_breaker",
        "a breaker defined elsewhere, with all its settings, is `breaker = PAYMENTS`; \
         `fluxgate::breaker!` defines one",
    ),
    (
        "by per group_by key_by partition partition_by keys keyed tenant shard_by",
        "one breaker for each key is `key = tenant`, an expression over the arguments",
    ),
    (
        "capacity max_size max_entries max_breakers",
        "how many keys there may be is `max_keys = 1000`",
    ),
    (
        "label labels",
        "how many keys get a name of their own is `max_labels = 20`",
    ),
    (
        "enabled enable disabled disable state initial_state force_open force_closed \
         forced_open metrics_only allow_warm_up",
        "a state is no setting: make a way to the breaker with `handle = my_breaker` and call \
         `my_breaker().disable()` or `.force_open()`, or set the variable `FLUXGATE_<NAME>`",
    ),
    (
        "clock random rng seed time_source",
        "clock and randomness are set in code: share a `CircuitBreaker::builder(…)` by \
         `breaker = …`; tests drive time with `fluxgate::testing`",
    ),
    (
        "max_concurrent max_concurrent_requests max_concurrent_calls bulkhead concurrency \
         concurrency_limit rate_limit semaphore thread_pool limiter",
        "a breaker limits no healthy calls; `tower::limit` does, and to open the circuit when calls \
         pile up write `tripper = InFlight(10, older_than = 2s)`",
    ),
    (
        "storage state_storage redis backend store persist distributed",
        "the state lives in this process, and there is no setting for where",
    ),
    (
        "cache coalesce cache_ttl",
        "fluxgate keeps no results; a `fallback` may answer from a cache of yours",
    ),
    (
        "automatic_transition_from_open_to_half_open_enabled automatic_half_open",
        "there is nothing to set: when its wait is over, the next call half-opens the circuit",
    ),
    (
        "is_async asynchronous sync runtime",
        "there is nothing to set: an async function is protected as one",
    ),
    (
        "cancel cancelled cancellation on_drop on_cancelled",
        "what a cancelled call counts as is `on_cancel = FailAfter(5s)`",
    ),
    (
        "doc description comment",
        "the policy in the documentation is left out by `docs = false`",
    ),
    (
        "path krate fluxgate runtime_crate",
        "where the runtime is, is said by `crate = my_fluxgate`",
    ),
    (
        "measure_durations duration latency record_durations",
        "durations that no rule reads are measured with `durations = true`",
    ),
];

/// Policies, the key that each is a value of, and how to write it.
const POLICIES: &[(&str, &str, &str)] = &[
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
    ("LogListener", "listeners", "[LogListener]"),
    ("PrometheusListener", "listeners", "[PrometheusListener]"),
    (
        "SlackListener",
        "listeners",
        "[SlackListener(channel = env(\"…\"), token = env(\"…\"))]",
    ),
];

/// Names of policies elsewhere, for each key.
const OTHER_POLICIES: &[(&str, &str, &str)] = &[
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

/// What to say of a key that is none: after `unknown key …`.
pub(super) fn key(name: &str) -> Option<String> {
    let policy = POLICIES
        .iter()
        .find(|(policy, ..)| snake_case(policy) == snake_case(name));
    let snake = snake_case(name);
    if let Some((policy, key, example)) = policy {
        // The original and others have settings of such names.
        let is_written_as_policy = *policy == name;
        let row = NAMES.iter().find(|(names, _)| has(names, &snake));
        if let (Some((_, advice)), false) = (row, is_written_as_policy) {
            return Some((*advice).to_owned());
        }
        return Some(format!(
            "it is a value of `{key}`: write `{key} = {example}`"
        ));
    }
    let (_, advice) = NAMES.iter().find(|(names, _)| has(names, &snake))?;
    Some((*advice).to_owned())
}

/// What to say of a name that is no policy of this kind: after `unknown … …`.
pub(crate) fn policy(kind: &str, name: &str) -> Option<String> {
    let snake = snake_case(name);
    let own = OTHER_POLICIES
        .iter()
        .find(|(key, names, _)| *key == kind && has(names, &snake));
    if let Some((_, _, advice)) = own {
        return Some((*advice).to_owned());
    }
    let (policy, key, example) = POLICIES
        .iter()
        .find(|(policy, ..)| snake_case(policy) == snake)?;
    if *key == kind {
        return None;
    }
    Some(format!(
        "`{policy}` is a value of `{key}`: write `{key} = {example}`"
    ))
}

/// What to say of an argument that a policy or listener does not have: after
/// `… has no argument …`.
pub(crate) fn argument(of: &str, name: &str) -> Option<&'static str> {
    Some(match (of, name) {
        ("LogListener" | "PrometheusListener" | "SlackListener", "name" | "circuit_name") => {
            "listeners tell the name of the breaker, which the key `name` sets: \
             `#[circuit_breaker(name = \"payment_api\", …)]`"
        }
        ("LogListener", "logger" | "target") => {
            "its events have the target `fluxgate::listeners::log` and the field `circuit_name`, \
             by which a subscriber can tell them apart; for another target write a closure, as in \
             `|signal| tracing::warn!(target: \"payments\", \"{} is {}\", signal.name, \
             signal.new_state)`"
        }
        ("LogListener", "level" | "levels") => {
            "write `fluxgate::listener::LogListener::new().level(fluxgate::State::Open, \
             tracing::Level::ERROR)`"
        }
        (
            "PrometheusListener",
            "durations" | "buckets" | "with" | "without" | "only_states" | "metrics" | "histogram",
        ) => {
            "write it as an expression: `fluxgate::listener::PrometheusListener::new()`, and its \
             methods"
        }
        ("SlackListener", "webhook" | "webhook_url") => {
            "it posts with a token, so that the messages of one incident share a thread; `url` is \
             for a proxy that takes the same messages"
        }
        ("SlackListener", "template" | "message" | "text" | "labels") => {
            "what the messages say is `templates = …`, a `fluxgate::listener::SlackTemplates`"
        }
        _ => return None,
    })
}

/// Whether the name is that of a policy, under any convention.
pub(crate) fn is_policy(name: &str) -> bool {
    let snake = snake_case(name);
    POLICIES
        .iter()
        .any(|(policy, ..)| snake_case(policy) == snake)
}

fn has(names: &str, name: &str) -> bool {
    names.split(' ').any(|known| known == name)
}

/// `failureRateThreshold` as `failure_rate_threshold`.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    let mut was_lower = false;
    for c in name.chars() {
        if c.is_uppercase() && was_lower {
            snake.push('_');
        }
        was_lower = c.is_lowercase() || c.is_ascii_digit();
        snake.extend(c.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::table::KEYS;

    #[test]
    fn no_habit_is_a_key_or_stands_twice() {
        let mut seen = std::collections::BTreeSet::new();
        for name in NAMES.iter().flat_map(|(names, _)| names.split(' ')) {
            assert!(KEYS.iter().all(|key| key.name != name), "{name} is a key");
            assert!(seen.insert(name), "{name} stands twice");
        }
    }
}
