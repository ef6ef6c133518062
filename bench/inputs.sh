#!/usr/bin/env bash
# Makes the captures that are measured on, from the samples of this repository:
#   L   2 GB, 20,000 sessions, most bytes in few of them
#   S   1 GB, a million sessions of a handful of packets
#   S10 as S, ten times as much: how cost grows with sessions (only if asked for)
# usage: bench/inputs.sh FOLDER [DIVISOR] [S10]     DIVISOR makes all of it so many times smaller
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$1
divisor=${2:-1}
cargo build --release --quiet --package undertone-traffic --example multiply
multiply() {
  [ -e "$folder/$1.pcap" ] && return
  "${CARGO_TARGET_DIR:-target}/release/examples/multiply" "$folder/$1.partial" \
    $(($2 / divisor)) $(($3 / divisor)) "$4" 1 samples/*.pcap samples/by-class/*/*.pcap
  mv "$folder/$1.partial" "$folder/$1.pcap"
}
mkdir -p "$folder"
multiply L 2000 20000 large
multiply S 1000 1000000 small
if [ "${3:-}" = S10 ]; then multiply S10 10000 10000000 small; fi
