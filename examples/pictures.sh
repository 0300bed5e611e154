#!/usr/bin/env bash
# Makes every picture of the book again, from the examples: `bash examples/pictures.sh`. Needs nothing but Rust.
# (The plots of docs/performance.md are measured: `cargo bench --profile dev --bench growth` draws them.)
set -euo pipefail
cd "$(dirname "$0")/.."
made="$(mktemp -d)"
trap 'rm -rf "$made"' EXIT

run() { cargo run --example "$@" --out "$made"; }
run explain -- --mode panel,contours
run explain -- --mode panel --method integrated-gradients
run explain -- --mode grid --compare integrated-gradients,smooth-grad --target "Egyptian cat" --target tabby
for example in clever_hans compare_methods tabular time_series own_model; do
    run "$example" --
done
for picture in docs/images/*.png; do
    cp "$made/$(basename "$picture")" "$picture"
done
