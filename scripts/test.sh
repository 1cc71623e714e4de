#!/usr/bin/env bash
# Builds, then runs all tests; the log ends with CTest's own summary. Arguments go to ctest: scripts/test.sh -R Tokenizer
# Live comparisons run with the Python that RLHF_TEST_PYTHON names, or else with python3, if it has all that they import.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/build.sh
if [[ -z "${RLHF_TEST_PYTHON:-}" ]] && python3 -c 'import torch, transformers, sentencepiece, safetensors, tensorboard' 2>/dev/null; then
  export RLHF_TEST_PYTHON=python3
fi
exec ctest --preset "${RLHF_PRESET:-release}" --parallel "$(nproc)" "$@"
