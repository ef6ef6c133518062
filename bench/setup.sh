#!/usr/bin/env bash
# Sets up whom Undertone is measured against: Debian packages, and a Python environment in
# bench/peers (or the folder given). What cannot be had is left out of the tables.
set -euo pipefail
cd "$(dirname "$0")"
environment=${1:-peers}

if command -v apt-get > /dev/null && [ "$(id -u)" = 0 ]; then
  for package in tcpdump nfdump argus-server libndpi-bin pcapplusplus; do
    apt-get install -y -q --no-install-recommends "$package" || echo "no $package here: left out" >&2
  done
else
  echo 'not root, or no apt-get: install tcpdump nfdump argus-server libndpi-bin yourself' >&2
fi

python3 -m venv "$environment"
"$environment/bin/pip" install --quiet numpy torch onnx onnxruntime openvino nncf
echo "now: $environment/bin/python bench/bench.py all"
