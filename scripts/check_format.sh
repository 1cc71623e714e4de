#!/usr/bin/env bash
# Checks that every C++ file is as clang-format writes it, with the pinned version; --fix rewrites the files.
# What is downloaded stays in .deps/clang-format.
set -euo pipefail
cd "$(dirname "$0")/.."
version=14.0.6
format=.deps/clang-format/bin/clang-format

if [[ "$("$format" --version 2>/dev/null)" != *" $version"* ]]; then
  python3 -m venv --clear .deps/clang-format
  .deps/clang-format/bin/python -m pip install --quiet --disable-pip-version-check clang-format==$version
fi
mode=(--dry-run -Werror)
[[ "${1:-}" != --fix ]] || mode=(-i)
mapfile -t files < <(git ls-files '*.cpp' '*.h')
"$format" "${mode[@]}" "${files[@]}"
echo "format: ${#files[@]} files as clang-format $version writes them"
