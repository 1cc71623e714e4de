#!/usr/bin/env python3
"""Checks that the kernels of an instruction set define no symbol that another set may be given by the linker.

usage: check_kernel_symbols.py NM OBJECT...

A function that a header defines (std::vector<float>'s, say) is compiled into every object that uses it, and the linker
keeps one: if that is the AVX-512 one, a CPU without it dies in the plain kernels. Prints one line per such symbol; exit
code 1 if there is one.
"""
import pathlib
import re
import subprocess
import sys

SHARED = re.compile(r"^[0-9a-f]* +[WVu] +(.*)$")
HARMLESS = re.compile(r"^DW\.ref\.__gxx_personality|^(typeinfo|vtable)")


def main(nm, objects):
    faults = []
    for path in map(pathlib.Path, objects):
        isa = re.search(r"rlhf_kernels_(\w+)\.dir", str(path)).group(1)
        listing = subprocess.run([nm, "-C", "--defined-only", path], capture_output=True, text=True, check=True).stdout
        for line in listing.splitlines():
            match = SHARED.match(line)
            if match and f"rlhf::{isa}::" not in match.group(1) and not HARMLESS.match(match.group(1)):
                faults.append(f"{path.name} ({isa}): expected symbols of rlhf::{isa} only, found {match.group(1)}")
    print("\n".join(sorted(set(faults))) or f"kernels: {len(objects)} objects share no code")
    return 1 if faults or not objects else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
