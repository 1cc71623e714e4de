#!/usr/bin/env bash
# Installs what is missing and builds: the targets that are named, or else everything.
#   scripts/build.sh rlhf_tools     RLHF_PRESET names another preset of CMakePresets.json than `release`
# Progress is one line: Ninja's own on a terminal, elsewhere the number of steps that a build from nothing takes. Warnings and errors are shown in full.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${RLHF_PRESET:-release}
case "$preset" in release | ci) folder=build ;; *) folder=build/$preset ;; esac

if [[ $preset == cuda ]]; then scripts/bootstrap.sh --cuda; else scripts/bootstrap.sh; fi
cmake --preset "$preset" --log-level=WARNING >/dev/null
if [[ -t 1 ]]; then
  NINJA_STATUS="build: step %f of %t, %e s  " exec cmake --build "$folder" --parallel "$(nproc)" ${1:+--target "$@"}
fi
echo "build: at most $(ninja -C "$folder" -t commands "$@" | wc -l) steps in $folder/"
SECONDS=0
cmake --build "$folder" --parallel "$(nproc)" ${1:+--target "$@"} -- --quiet
echo "build: done in $SECONDS s"
