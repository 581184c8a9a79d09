//! Names of settings elsewhere, and what to write instead.

/// Names, in snake case with spaces between, and what to do instead.
type Row = (&'static str, &'static str);

/// Settings of resilience4j, Polly, Hystrix, gobreaker, opossum, pybreaker,
/// failsafe, Sentinel and the original, and what newcomers guess.
pub(super) const NAMES: &[Row] = &[
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
        "history event_log event_buffer ring_buffer recorder flight_records transitions",
        "how many transitions are kept is `flight_recorder = 100`",
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
         registry opentelemetry otel meter",
        "metrics come from a listener: `listeners = [PrometheusListener]`, `MetricsListener` or \
         `OpenTelemetryListener`",
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
        "circuit_breaker cb instance shared share use_breaker with config \
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
        "enabled enable disabled disable state force_open force_closed \
         forced_open metrics_only allow_warm_up start_state starts initially",
        "the state that it begins in is `initial_state = MetricsOnly`; later make a way to the \
         breaker with `handle = my_breaker` and call `my_breaker().disable()` or `.force_open()`, \
         or set the variable `FLUXGATE_<NAME>`",
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
        "throttling adaptive_throttle adaptive_throttling client_throttling overload overloaded \
         on_overload backpressure back_pressure shed load_shed load_shedding",
        "overload is answered in proportion by `throttle = Adaptive(k = 1.5)`",
    ),
    (
        "adaptive_concurrency adaptive_limit gradient vegas aimd",
        "limits that follow latency are in crates such as `tower-acc` and `tower-resilience`; \
         refusals are answered in proportion by `throttle = Adaptive(k = 1.5)`",
    ),
    (
        "priority priorities criticality",
        "calls have no priorities here: a server that sheds load can tell them apart",
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
