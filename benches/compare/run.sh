#!/usr/bin/env bash
# Measures saliency beside Captum on this machine, and prints the table of docs/performance.md.
# Needs Rust and Python 3 with pip; installs the peer (7 GB) into the folder SALIENCY_PEERS, or
# ~/.cache/saliency-peers, once. Leave the machine alone while it runs, about an hour on two cores.
set -euo pipefail
cd "$(dirname "$0")/../.."
peers="${SALIENCY_PEERS:-$HOME/.cache/saliency-peers}"
if ! "$peers/bin/python" -c 'import torch, captum, efficientnet_lite_pytorch' 2> /dev/null; then
    python3 -m venv "$peers"
    "$peers/bin/pip" install --quiet --disable-pip-version-check -r benches/compare/requirements.txt
fi
# The plain profile is optimised here, and shares what `cargo test` builds.
cargo build "$@" --example explain
SALIENCY_PEERS="$peers" cargo bench --profile dev "$@" --bench compare
