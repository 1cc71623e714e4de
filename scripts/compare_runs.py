#!/usr/bin/env python3
"""Compares the metrics and samples of two runs, for example of one process and of two ranks: compare_runs.py RUN OTHER

Prints for every metric its largest difference, the step where it is, from which step on it is above 1e-5, and how the
runs end; of the samples, how many responses differ, and the first of them. Time and memory are left out.
"""
import argparse
import collections
import json
import pathlib
import sys

NOT_COMPARED = ("time/", "perf/")
SMALL = 1e-5


def read_lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def read_metrics(run):
    """The value of every metric at every step. A resumed run writes no step twice."""
    metrics = collections.defaultdict(dict)
    for line in read_lines(run / "metrics.jsonl"):
        step = line.pop("step")
        for name, value in line.items():
            if not name.startswith(NOT_COMPARED):
                metrics[name][step] = value
    return metrics


def metric_rows(first, second):
    for name in sorted(first.keys() | second.keys()):
        a, b = first.get(name, {}), second.get(name, {})
        differences = {step: abs(a[step] - b[step]) for step in sorted(a.keys() & b.keys())}
        if not differences:
            yield name, "in one run only", "", "", "", ""
            continue
        at, last = max(differences, key=differences.get), max(differences)
        above = next((step for step, difference in differences.items() if difference > SMALL), "")
        yield name, f"{differences[at]:.1e}", str(at), str(above), f"{a[last]:.6g}", f"{b[last]:.6g}"


def read_responses(run):
    """The responses of every step, in the order of the file."""
    steps = collections.defaultdict(list)
    path = run / "samples.jsonl"
    for line in read_lines(path) if path.exists() else []:
        steps[line["step"]].append(line["response"])
    return steps


def sample_lines(first, second):
    different, count = [], 0
    for step in sorted(first.keys() & second.keys()):
        for row, (a, b) in enumerate(zip(first[step], second[step], strict=True)):
            count += 1
            if a != b:
                different.append(f"step {step}, line {row} of the step: {a!r}, {b!r}")
    if count:
        yield f"responses: {len(different)} of {count} differ"
    if different:
        yield f"the first: {different[0]}"


def print_table(rows):
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("other", type=pathlib.Path)
    options = parser.parse_args()
    for run in (options.run, options.other):
        if not (run / "metrics.jsonl").is_file():
            sys.exit(f"{run}: expected a run folder with metrics.jsonl")
    metrics = [read_metrics(run) for run in (options.run, options.other)]
    head = ("metric", "largest difference", "at step", f"above {SMALL:.0e} from step", "last", "last of the other")
    print_table([head, *metric_rows(*metrics)])
    for line in sample_lines(*(read_responses(run) for run in (options.run, options.other))):
        print(line)


if __name__ == "__main__":
    main()
