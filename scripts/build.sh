#!/usr/bin/env bash
# Installs what is missing and builds the release preset into build/.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/bootstrap.sh
cmake --preset release --log-level=WARNING
cmake --build --preset release --parallel "$(nproc)"
