#!/usr/bin/env bash
# Makes every picture of the book again, from the examples: `bash examples/pictures.sh`. Needs nothing but Rust.
# (The plots of docs/performance.md are measured: `cargo bench --profile dev --bench growth` draws them.)
set -euo pipefail
cd "$(dirname "$0")/.."
run() { cargo run "${features[@]}" --example "$@"; }
features=("$@")
made="$(mktemp -d)"
trap 'rm -rf "$made"' EXIT

run explain -- --mode panel,contours --out "$made"
run explain -- --mode grid --compare integrated-gradients,smooth-grad --target "Egyptian cat" --target tabby \
    --out "$made"
for example in clever_hans compare_methods tabular time_series own_model; do
    run "$example" -- --out "$made"
done
for picture in docs/images/*.png; do
    name="$(basename "$picture")"
    test -s "$made/$name" && cp "$made/$name" "$picture"
done
