#!/usr/bin/env bash
# Compiles every public header alone, those of rlhf::base without LibTorch's folder on the include path.
set -euo pipefail
cd "$(dirname "$0")/.."
exec scripts/build.sh rlhf_headers
