#!/usr/bin/env bash
# Builds, then runs all tests; the log ends with CTest's own summary.
# Live comparisons with `transformers` run where RLHF_TEST_PYTHON, or else python3, has it.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/build.sh
if [[ -z "${RLHF_TEST_PYTHON:-}" ]] && python3 -c 'import torch, transformers' 2>/dev/null; then
  export RLHF_TEST_PYTHON=python3
fi
exec ctest --preset release --parallel "$(nproc)"
