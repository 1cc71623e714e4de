#!/usr/bin/env bash
# Tests and measures the CUDA build on a machine with a GPU, which may lack compiler, network and system libraries.
#   scripts/gpu_check.sh pack            after `make cuda`: programs and system libraries into build/cuda/gpu_check.tar.xz
#   scripts/gpu_check.sh run [PART…]     on the machine with the GPU, in the same commit: unpacks that file and runs the parts
#     tests    the unit tests
#     device   the tests that compare the device with the CPU
#     ranks    exchanges between GPUs, and a run of two ranks; with one GPU only the exchange of a rank with itself
#     demo     scripts/demo.sh
#     bench    bench-device for several models, as JSON lines
# LIBTORCH, or else the torch of python3, must have the version that was built with. Results are in $OUT, by default
# build/cuda/gpu_results. The last line is a summary, and the exit code is 0 if all parts passed. Without a GPU
# everything runs on the CPU, and bench-device with a tiny model.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$PWD/build/cuda
archive=$build/gpu_check.tar.xz
packed=$build/gpu_check
all_parts=(tests device ranks demo bench)

stop() { echo "gpu_check: $*" >&2; exit 2; }

# The libraries of a program that a bare machine lacks: not those of C and C++, nor OpenMP's, which LibTorch has too.
system_libraries() {  # PROGRAM
  ldd "$1" | awk '$2 == "=>" {print $3}' | grep -E '^(/usr)?/lib/' |
    grep -vE '/lib(c|m|dl|rt|util|pthread|stdc\+\+|gcc_s|gomp)\.so'
}

pack() {
  local program place
  rm -rf "$packed" "$archive"
  mkdir -p "$packed"/{bin,libexec/rlhf,tests,lib}
  for program in "$build"/bin/* "$build"/libexec/rlhf/* "$build"/tests/*/rlhf_*_test; do
    place=$packed/${program#"$build"/}
    [[ $program != "$build"/tests/* ]] || place=$packed/tests/${program##*/}
    strip -o "$place" "$program"
    system_libraries "$program"
  done | sort -u | xargs cp -Lt "$packed/lib"
  tar -C "$build" --owner=0 --group=0 -cJf "$archive" gpu_check
  rm -r "$packed"
  du -h --apparent-size "$archive"
}

# GPU, LibTorch and the paths that programs made elsewhere need.
prepare() {
  local torch=${LIBTORCH:-}
  [[ -n $torch ]] ||
    torch=$(python3 -c 'import importlib.util as u; print(u.find_spec("torch").submodule_search_locations[0])') ||
    stop "expected LIBTORCH, or a python3 with torch, found neither"
  [[ -e $torch/lib/libtorch_cuda.so ]] || stop "expected a LibTorch with CUDA, found one without at $torch"
  [[ -e $archive ]] || stop "expected $archive, found no such file; hint: scripts/gpu_check.sh pack where it was built"
  rm -rf "$packed"
  tar -C "$build" -xJf "$archive" 2>/dev/null || python3 -m tarfile -e "$archive" "$build"  # the second without xz
  local folders=("$torch/lib" "$torch"/../nvidia/*/lib "$packed/lib")
  LD_LIBRARY_PATH=$(IFS=: && echo "${folders[*]}")
  export LD_LIBRARY_PATH RLHF_BIN=$packed/bin RLHF_TEST_SOURCE_DIR=$PWD/tests
  out=${OUT:-$build/gpu_results}
  mkdir -p "$out"
  gpu=$(nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader 2>/dev/null) || gpu=""
  {
    date -u '+%Y-%m-%d %H:%M UTC'
    echo "GPU: ${gpu:-none, so everything runs on the CPU}"
    echo "LibTorch: $torch"
    echo "CPUs: $(nproc)"
  } | tee "$out/machine.txt"
}

shard() {  # LOG-FOLDER PROGRAM INDEX: a quarter of the tests of a program
  local log=$1/${2##*/}.$3
  GTEST_TOTAL_SHARDS=4 GTEST_SHARD_INDEX=$3 OMP_NUM_THREADS=2 OMP_WAIT_POLICY=passive "$2" --gtest_brief=1 \
    >"$log" 2>&1 || echo "gpu_check: ${2##*/}: failed, exit code $?" >>"$log"
}
export -f shard

tests() {
  local logs program index
  logs=$(mktemp -d)
  for program in "$packed"/tests/*; do
    [[ $program != */rlhf_device_test ]] || continue
    for index in 0 1 2 3; do printf '%s\0%s\0%s\0' "$logs" "$program" "$index"; done
  done | xargs -0 -n 3 -P "$((($(nproc) + 1) / 2))" bash -c 'shard "$@"' shard
  cat "$logs"/* >"$out/tests.log"
  rm -r "$logs"
  awk '/^\[  PASSED  \]/ {n += $4} /: Skipped$/ {++s}
    END {print "gpu_check: " n " unit tests passed, " s + 0 " skipped"}' "$out/tests.log"
  ! grep -E '^\[  FAILED  \].*\(|^gpu_check: .*: failed' "$out/tests.log"
}

device() {
  if [[ -n $gpu ]] && ! "$RLHF_BIN/bench-device" --preset tiny --square 256 --repeat 1 | tee "$out/device.log" |
    grep -q '"device":"cuda'; then
    echo "gpu_check: expected LibTorch to use the GPU, found that it takes the CPU; hint: the driver may be too old"
    return 1
  fi
  "$packed/tests/rlhf_device_test" 2>&1 | tee -a "$out/device.log"
}

ranks() {
  "$packed/tests/rlhf_dist_test" --gtest_filter='GpuExchange.*' 2>&1 | tee "$out/ranks.log" &&
    "$packed/tests/rlhf_tools_test" --gtest_filter='RanksRun.OnGpus*' 2>&1 | tee -a "$out/ranks.log"
}

demo() {
  scripts/demo.sh 2>&1 | tee "$out/demo.log" && cp runs/demo/summary.json "$out/demo.json"
}

measure() { "$RLHF_BIN/bench-device" "$@" | tee -a "$out/bench.jsonl"; }

bench() {
  export OMP_WAIT_POLICY=passive
  rm -f "$out/bench.jsonl"
  if [[ -z $gpu ]]; then
    measure --preset tiny --square 1024
    return
  fi
  measure --preset 30m --length 1024 &&
    measure --preset 160m --length 1024 &&
    measure --preset 160m --length 1024 --dtype float32 &&
    PYTORCH_ALLOC_CONF=expandable_segments:True measure --preset 160m --length 1024 &&
    measure --preset 1b --length 1024
}

run() {
  local part passed=() failed=()
  (($#)) || set -- "${all_parts[@]}"
  prepare
  for part in "$@"; do
    [[ " ${all_parts[*]} " == *" $part "* ]] || stop "expected parts of: ${all_parts[*]}, found $part"
    echo "== $part"
    SECONDS=0
    if (set +e; "$part"); then passed+=("$part ($SECONDS s)"); else failed+=("$part ($SECONDS s)"); fi
  done
  echo "gpu_check: GPU: ${gpu:-none}; passed: ${passed[*]:-none}; failed: ${failed[*]:-none}" | tee "$out/summary.txt"
  ((${#failed[@]} == 0))
}

case "${1:-}" in
  pack) pack ;;
  run) run "${@:2}" ;;
  *) stop "usage: scripts/gpu_check.sh pack | run [PART…]" ;;
esac
