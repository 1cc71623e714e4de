#!/usr/bin/env bash
# Runs the tests on a machine with a GPU, which may lack the compiler and the system libraries.
#   scripts/gpu_check.sh pack [BUILD]   on the machine that built: programs and system libraries into BUILD/gpu_check/
#   scripts/gpu_check.sh run [BUILD]    on the machine with the GPU: LIBTORCH, or else the active Python's torch, must have
#                                       the version that BUILD (default build/cuda) was made with
set -euo pipefail
cd "$(dirname "$0")/.."
build="${2:-build/cuda}"
packed="$build/gpu_check"

pack() {
  rm -rf "$packed"
  mkdir -p "$packed/lib"
  local program library
  for program in "$build"/tests/*/rlhf_*_test; do
    strip -o "$packed/$(basename "$program")" "$program"
    ldd "$program" | awk '$2 == "=>" {print $3}' | grep -E '/lib(spdlog|fmt|yaml-cpp|sentencepiece|z)[._-]' | sort -u |
      while read -r library; do cp -Lu "$library" "$packed/lib/"; done
  done
  du -sh "$packed"
}

run() {
  local torch="${LIBTORCH:-}" program name passed=0 failed=()
  [[ -n "$torch" ]] || torch="$(python3 -c 'import importlib.util as u; print(u.find_spec("torch").submodule_search_locations[0])')"
  export LD_LIBRARY_PATH="$PWD/$packed/lib:$torch/lib"
  date -u '+%Y-%m-%d %H:%M UTC'
  nvidia-smi --query-gpu=name,driver_version --format=csv,noheader
  for program in "$packed"/rlhf_*_test; do
    name="$(basename "$program")"
    if "$program" --gtest_brief=1; then passed=$((passed + 1)); else failed+=("$name"); fi
  done
  echo "gpu_check: $passed programs passed, ${#failed[@]} failed: ${failed[*]:-none}"
  ((${#failed[@]} == 0))
}

case "${1:-}" in
  pack | run) "$1" ;;
  *) echo "usage: scripts/gpu_check.sh pack|run [BUILD]" >&2; exit 2 ;;
esac
