#!/usr/bin/env bash
# Clean release builds of an empty program that depends on one breaker: seconds,
# and how many packages are built. Nothing is downloaded while the clock runs.
set -euo pipefail
cd "$(dirname "$0")"
fluxgate=$(cd ../../fluxgate && pwd)
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

measure() {
    local name=$1 dependency=$2 seconds=() package
    package="$directory/empty"
    rm -rf "$package"
    cargo init -q --vcs none --name empty "$package"
    printf '%s\n' "$dependency" >>"$package/Cargo.toml"
    cargo fetch -q --manifest-path "$package/Cargo.toml"
    for _ in 1 2 3; do
        rm -rf "$package/target"
        local begin=$EPOCHREALTIME
        cargo build -q --release --offline --manifest-path "$package/Cargo.toml"
        seconds+=("$(awk "BEGIN { print $EPOCHREALTIME - $begin }")")
    done
    local best packages
    best=$(printf '%s\n' "${seconds[@]}" | sort -g | head -1)
    # Its own line aside.
    packages=$(($(cargo tree -q --prefix none --edges normal,build \
        --manifest-path "$package/Cargo.toml" | sed 's/ (\*)$//' | sort -u | wc -l) - 1))
    printf '| %s | %.1f | %d |\n' "$name" "$best" "$packages"
}

echo '| clean build, best of three | seconds | packages |'
echo '|---|--:|--:|'
measure 'fluxgate, no features' "fluxgate = { path = \"$fluxgate\", default-features = false }"
measure 'fluxgate' "fluxgate = { path = \"$fluxgate\" }"
measure 'recloser 1.4.0' 'recloser = "=1.4.0"'
measure 'failsafe 1.3.0' 'failsafe = "=1.3.0"'
measure 'tower-resilience 0.14.0' 'tower-resilience-circuitbreaker = "=0.14.0"'
