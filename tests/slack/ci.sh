#!/bin/sh
# The programs as users run them, from outside: slack-proxy against the recordings
# of the Go program, and a service that alerts through it. About half a minute.
set -eu
cd "$(dirname "$0")/../.."

cargo build --locked --package fluxgate-examples --example slack-proxy --example slack_alerts
programs="${CARGO_TARGET_DIR:-target}/debug/examples"
recordings=tests/vectors/slack-proxy
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

# What differs on purpose must differ; see the README of the example.
deviates=06b_lone_surrogate,30_sigint_active_connection,31_sigterm,32_metrics_text
retries=18_webhook_ok_text,20_connection_refused,27_head_of_line

failed=0
names="$(basename --suffix=.json "$recordings"/*.json)"
# Most of the time is waiting: several at once, but not so many that arrival times
# leave their tolerance.
export recordings scratch deviates
echo "$names" | xargs --max-procs=6 --replace={} sh -c '
    python3 "$recordings/check.py" --vectors "$recordings" --binary tests/slack/measured.sh \
        --only {} --deviates "$deviates" >"$scratch/{}.log" 2>&1
' || failed=1
for name in $names; do
    grep -v " passed, " "$scratch/$name.log" || true
    grep -q "^1 passed, 0 failed" "$scratch/$name.log" || failed=1
done
echo "slack-proxy: $(echo "$names" | wc -l) recordings replayed against the program"

echo "with its own default for --maxRetries:"
python3 "$recordings/check.py" --vectors "$recordings" --binary "$programs/slack-proxy" \
    --only "$retries" --deviates "$retries" || failed=1

python3 tests/slack/process_tree.py --alerts "$programs/slack_alerts" \
    --proxy "$programs/slack-proxy" || failed=1

if [ "$failed" -ne 0 ]; then
    echo "slack: FAILED" >&2
    exit 1
fi
echo "slack: all is well"
