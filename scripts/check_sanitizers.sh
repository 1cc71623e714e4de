#!/usr/bin/env bash
# Builds the tests of the rooms below with AddressSanitizer and UndefinedBehaviorSanitizer and runs them (preset asan).
#   scripts/check_sanitizers.sh            rooms without LibTorch whose tests finish soon (not text: hostile templates take long; not config and feedback: their tests compile or simulate for long)
#   scripts/check_sanitizers.sh ROOM…
set -euo pipefail
cd "$(dirname "$0")/.."
rooms=("$@")
((${#rooms[@]})) || rooms=(core json runs records)

programs=("${rooms[@]/#/rlhf_}")
RLHF_PRESET=asan scripts/build.sh "${programs[@]/%/_test}"
labels=$(IFS='|'; echo "${rooms[*]}")
exec ctest --preset asan --parallel "$(nproc)" --label-regex "^($labels)\$"
