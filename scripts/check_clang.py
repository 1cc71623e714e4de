#!/usr/bin/env python3
"""Checks that Clang accepts every source of the library, the tools and the examples, with warnings as errors.

usage: check_clang.py CLANG BUILD

BUILD is a configured folder whose compile_commands.json names each source (CMAKE_UNITY_BUILD=OFF). Nothing is compiled:
-fsyntax-only, and without src/kernels, which needs GCC. Each source is read alone, so an include that is
missing is found too. Prints what Clang says of the sources that fail; exit code 1 if there is one.
"""
import concurrent.futures
import json
import os
import pathlib
import shlex
import subprocess
import sys

# Clang knows other warnings than GCC, and without -fopenmp it need not find omp.h.
EXTRA = ["-fsyntax-only", "-Werror", "-Wno-unknown-warning-option", "-Wno-source-uses-openmp"]


def clang_command(clang, entry):
    words = shlex.split(entry["command"])
    flags = words[next(i for i, word in enumerate(words) if word.startswith("-")):]
    output = flags.index("-o")
    del flags[output:output + 2]
    return [clang, *(flag for flag in flags if flag not in ("-c", "-fopenmp")), *EXTRA]


def check(clang, entry):
    command = clang_command(clang, entry)
    return subprocess.run(command, cwd=entry["directory"], capture_output=True, text=True, check=False)


def main(clang, build):
    entries = json.loads(pathlib.Path(build, "compile_commands.json").read_text(encoding="utf-8"))
    entries = [entry for entry in entries if "/src/kernels/" not in entry["file"]]
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        failed = 0
        for done in pool.map(lambda entry: check(clang, entry), entries):
            failed += done.returncode != 0
            sys.stdout.write(done.stderr)
            sys.stdout.flush()
    print(f"clang: {len(entries)} sources read, {failed} failed")
    return 1 if failed or not entries else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
