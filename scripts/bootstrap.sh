#!/usr/bin/env bash
# Installs what the build needs and is missing, and writes where LibTorch lies to .deps/libtorch.path.
#   scripts/bootstrap.sh         LibTorch is what LIBTORCH or CMAKE_PREFIX_PATH says, else the active Python's torch if
#                                we support its version, else the pinned wheel, fetched into .deps/
#   scripts/bootstrap.sh --cuda  for the preset `cuda`: what LIBTORCH or CMAKE_PREFIX_PATH says, else the pinned CUDA wheel
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(cmake ninja-build g++ ccache libsentencepiece-dev libspdlog-dev libfmt-dev nlohmann-json3-dev
  libcli11-dev libgtest-dev libyaml-cpp-dev zlib1g-dev libpcre2-dev libutf8proc-dev libssl-dev libcurl4-openssl-dev
  libgloo-dev)

say() { echo "bootstrap: $*"; }
stop() { echo "bootstrap: $*" >&2; exit 1; }

said_by_user() {
  local prefixes="${LIBTORCH:-}:${CMAKE_PREFIX_PATH:-}" prefix root
  for prefix in ${prefixes//[:;]/ }; do
    for root in "$prefix" "$prefix/../.."; do  # the second for .../torch/share/cmake, as Python prints it
      [[ ! -e "$root/include/ATen/core/Tensor.h" ]] || { realpath "$root"; return; }
    done
  done
  [[ -z "${LIBTORCH:-}" ]] || stop "LIBTORCH=$LIBTORCH holds no include/ATen/core/Tensor.h"
}

torch_of_python() {
  python3 - <<'PYTHON'
import importlib.metadata, importlib.util
spec = importlib.util.find_spec("torch")
if spec and (2, 11) <= tuple(map(int, importlib.metadata.version("torch").split(".")[:2])) <= (2, 13):
    print(spec.submodule_search_locations[0])
PYTHON
}

install_packages() {
  command -v dpkg-query >/dev/null || { say "no Debian or Ubuntu: skipped installing $*"; return; }
  local package missing=() as_root=()
  for package in "$@"; do
    [[ "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)" == *" installed" ]] || missing+=("$package")
  done
  ((${#missing[@]})) || { say "system packages: all there, skipped apt"; return; }
  if ((EUID != 0)); then
    command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [[ -t 0 ]]; } ||
      stop "no root or sudo to install the missing packages: ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
    >/dev/null
}

kind=cpu path=.deps/libtorch.path
libtorch="$(said_by_user)" source="said by LIBTORCH or CMAKE_PREFIX_PATH"
if [[ "${1:-}" == --cuda ]]; then
  kind=cuda path=.deps/libtorch-cuda.path
  [[ -z "$libtorch" || -e "$libtorch/lib/libtorch_cuda.so" ]] ||
    stop "expected a LibTorch with CUDA, found one without at $libtorch ($source); hint: unset the variable to fetch one"
elif [[ -z "$libtorch" ]]; then
  libtorch="$(torch_of_python)" source="the active Python's, skipped fetching"
fi
if [[ -z "$libtorch" ]]; then
  libtorch="$PWD/.deps/$kind/torch" source="fetched before, skipped fetching"
  [[ -e "$libtorch" ]] || source="fetched"
fi
[[ "$source" != fetched ]] || python3 -m pip --version >/dev/null 2>&1 || packages+=(python3-pip)
install_packages "${packages[@]}"
[[ "$source" != fetched ]] || scripts/fetch_libtorch.sh "$kind"
mkdir -p .deps
echo "$libtorch" >"$path"
say "LibTorch: $libtorch ($source)"
