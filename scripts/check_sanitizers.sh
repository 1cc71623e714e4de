#!/usr/bin/env bash
# Builds the tests of the rooms below with AddressSanitizer and UndefinedBehaviorSanitizer and runs them (preset asan).
#   scripts/check_sanitizers.sh            the rooms that read files of any origin, without LibTorch
#   scripts/check_sanitizers.sh ROOM…
set -euo pipefail
cd "$(dirname "$0")/.."
rooms=("$@")
((${#rooms[@]})) || rooms=(core json runs config text records report)

programs=("${rooms[@]/#/rlhf_}")
RLHF_PRESET=asan scripts/build.sh "${programs[@]/%/_test}"
labels=$(IFS='|'; echo "${rooms[*]}")
exec ctest --preset asan --parallel "$(nproc)" --label-regex "^($labels)\$"
