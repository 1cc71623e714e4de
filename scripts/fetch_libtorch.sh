#!/usr/bin/env bash
# Fetches the pinned LibTorch wheel and what it needs to load into .deps/cpu (or .deps/cuda: all that CUDA needs, 4 GB).
# LibTorch inside a wheel does not depend on the Python that the wheel is for, so any Python's pip may fetch it.
# PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu gives a CPU build, which is smaller than PyPI's.
set -euo pipefail
cd "$(dirname "$0")/.."

kind="${1:?usage: fetch_libtorch.sh cpu|cuda}"
case "$kind" in
  cpu) torch=torch==2.13.0 parts=(nvidia-cuda-runtime==13.0.96 nvidia-cuda-cupti==13.0.85) ;;
  cuda)
    torch=torch==2.11.0
    parts=("cuda-toolkit[cccl,cublas,cudart,cufft,cufile,cupti,curand,cusolver,cusparse,nvjitlink,nvrtc,nvtx]==13.0.2"
      nvidia-cuda-crt==13.0.88 nvidia-cudnn-cu13==9.19.0.56 nvidia-cusparselt-cu13==0.8.0 nvidia-nccl-cu13==2.28.9
      nvidia-nvshmem-cu13==3.4.5)
    ;;
  *) echo "fetch_libtorch: no such kind: $kind" >&2; exit 2 ;;
esac

# The wheels find each other by their run paths as they lie in one folder, which gets its name when it is complete.
folder=".deps/$kind.part"
rm -rf "$folder"
pip_install=(python3 -m pip install --quiet --no-compile --no-cache-dir --disable-pip-version-check
  --root-user-action ignore --target "$folder")

echo "bootstrap: fetching $torch into .deps/$kind"
"${pip_install[@]}" --no-deps --only-binary=:all: --python-version 3.11 --platform manylinux_2_28_x86_64 "$torch"
if readelf -d "$folder/torch/lib/libtorch_cpu.so" | grep -q 'NEEDED.*libcudart'; then
  echo "bootstrap: it is a CUDA build; fetching ${parts[*]}"
  "${pip_install[@]}" "${parts[@]}"
else
  echo "bootstrap: it is a CPU build; skipped CUDA"
fi
mv "$folder" ".deps/$kind"
