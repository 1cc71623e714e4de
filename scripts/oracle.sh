#!/usr/bin/env bash
# Compares with the Python libraries, live and at length: a million texts tokenised by us and by `tokenizers`.
# The Python is RLHF_TEST_PYTHON, or else python3.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/build.sh rlhf_tokenizer_filter
exec "${RLHF_TEST_PYTHON:-python3}" tests/oracle/tokenizer.py build/tests/oracle/rlhf_tokenizer_filter "$@"
