#!/usr/bin/env bash
# Reads every source but the kernels, which need GCC, with Clang, warnings as errors (check_clang.py).
# CLANG names a compiler; else the newest installed, or the distribution's package.
set -euo pipefail
cd "$(dirname "$0")/.."

installed() { { compgen -c clang++- || true; } | awk -F- '$2 ~ /^[0-9]+$/ && $2 >= 16 {print $2, $0}' | sort -n | awk 'END {print $2}'; }
clang=${CLANG:-$(installed)}
if [[ -z "$clang" ]]; then
  apt-get update -qq
  for package in clang-18 clang-16; do  # Ubuntu 24.04, Debian 12
    apt-cache show "$package" >/dev/null 2>&1 || continue
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null
    break
  done
  clang=$(installed)
  [[ -n "$clang" ]] || { echo "check_clang: expected clang++ 16 or newer, found none" >&2; exit 1; }
fi
"$clang" --version | head -1
cmake --preset dev -B build/clang -DRLHF_BUILD_TESTS=OFF --log-level=WARNING >/dev/null
exec python3 scripts/check_clang.py "$clang" build/clang
