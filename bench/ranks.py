#!/usr/bin/env python3
"""Measures runs of two ranks on this machine: bench/ranks.py (bench/README.md says more)."""
import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

import compare
import environment
import figures
import gate
import measure
import sides
import table
from compare import say
from environment import ROOT
from rows import Goal, Row
from sides import Lab

sys.path.append(str(ROOT / "scripts"))
import namespaces

RANKS, GBIT = 2, 1
SHARED = ("train.threads=1", "--ranks", str(RANKS))
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(RANKS))
SHARDS = ("optimizer", "gradients", "parameters")
SFT = Row("sft-30m", "sft", "")
PPO = Row("ppo-30m", "ppo", "", data="ppo", batch=16)


@dataclass(frozen=True)
class Comparison:
    name: str
    part: str
    what: str
    row: Row
    runs: Callable[[Row, Lab], dict]             # two sides by name, each a function that makes a run
    compared: Callable[[dict, Row, Lab], dict]   # the figures of a pair


def shared(row: Row, lab: Lab, *flags: str) -> Callable[[], dict]:
    return lambda: measure.training_side(row, lab, True, *SHARED, *flags)


def ranks_or_threads(row: Row, lab: Lab) -> dict:
    return {"ranks": shared(row, lab), "threads": lambda: measure.training_side(row, lab, True, f"train.threads={RANKS}")}


def sharded_or_not(kind: str) -> Callable[[Row, Lab], dict]:
    return lambda row, lab: {"sharded": shared(row, lab, f"train.shard={kind}"),
                             "none": shared(row, lab, "train.shard=none")}


def ours_or_peer(row: Row, lab: Lab) -> dict:
    return {"ours": shared(row, lab),
            "peer": lambda: measure.training_side(row, replace(lab, threads=1), False, *TORCHRUN)}


def network_or_not(row: Row, lab: Lab) -> dict:
    return {"network": lambda: measure.rated(run_in_network(row, lab), row, lab), "none": shared(row, lab)}


def run_in_network(row: Row, lab: Lab) -> dict:
    """A run whose ranks are machines of their own, with GBIT between them: seconds of the steps, and what rank 0 sent."""
    command, folder = sides.command_of_ours(row, lab, sum(lab.steps[row.kind]))
    network = namespaces.Network(RANKS, f"bench{os.getpid()}", gbit=GBIT)
    started, busy, processes = time.time(), sides.busy_seconds(), []
    try:
        common = os.environ | {"WORLD_SIZE": str(RANKS), "MASTER_ADDR": network.address(0), "MASTER_PORT": "29500"}
        for rank in range(RANKS):
            with open(folder / f"log-{rank}.txt", "wb") as log:
                processes.append(subprocess.Popen(network.inside(rank, [*command, "train.threads=1"]), stdout=log,
                                                  stderr=log, env=common | {"RANK": str(rank)}, cwd=folder))
        sent = watch_steps(processes, folder)
        usages = [os.wait4(process.pid, 0)[1:] for process in processes]
    finally:
        for process in processes:
            process.kill()
        network.close()
    if any(status != 0 for status, _ in usages):
        raise RuntimeError(f"a rank ended with {usages[0][0]}:\n{(folder / 'log-0.txt').read_text()[-2000:]}")
    lines, own = sides.read_metrics(folder / "run"), sum(usage.ru_utime + usage.ru_stime for _, usage in usages)
    seconds, totals = time.time() - started, [0] + [line["num_tokens"] for line in lines]
    return {"step_seconds": [line["time/step_seconds"] for line in lines], "sent_after_step": sent,
            "losses": [line["loss"] for line in lines if "loss" in line],
            "tokens": [int(after - before) for before, after in zip(totals, totals[1:])],
            "peak_bytes": max(usage.ru_maxrss for _, usage in usages) * 1024, "process_seconds": seconds,
            "others_share": max(0.0, (sides.busy_seconds() - busy - own) / seconds / len(os.sched_getaffinity(0)))}


def watch_steps(processes: list[subprocess.Popen], folder: Path) -> list[int]:
    """The bytes that the interface of rank 0 has sent when the line of each step appears, until a process ends."""
    metrics, sent = folder / "run" / "metrics.jsonl", []
    while not any(has_ended(process.pid) for process in processes):
        done = metrics.read_bytes().count(b"\n") if metrics.exists() else 0
        if done > len(sent):
            sent += [namespaces.sent_bytes(processes[0].pid)] * (done - len(sent))
        time.sleep(0.002)
    return sent


def has_ended(pid: int) -> bool:
    """Without taking its resource usage."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def speed(results: dict, row: Row, lab: Lab) -> dict:
    first, second = results.values()
    return {"speed": first["tokens_per_second"] / second["tokens_per_second"],
            "our_rate": first["tokens_per_second"], "peer_rate": second["tokens_per_second"], **memory(results)}


def memory(results: dict) -> dict:
    """Of the largest process of each side."""
    first, second = (result["peak_bytes"] for result in results.values())
    return {"memory": first / second, "our_peak_gib": first / 2**30, "peer_peak_gib": second / 2**30}


def slower(results: dict, row: Row, lab: Lab) -> dict:
    sharded, whole = results["sharded"], results["none"]
    return {"slower": sharded["seconds_per_step"] / whole["seconds_per_step"] - 1, **speed(results, row, lab)}


def parameters(model: str) -> int:
    return figures.SHAPES[model]["N"] + figures.VOCABULARY * figures.SHAPES[model]["hidden"]


def overlap(results: dict, row: Row, lab: Lab) -> dict:
    warmup, timed = lab.steps[row.kind]
    network, none = results["network"], results["none"]
    after = network["sent_after_step"]
    if len(after) != warmup + timed:
        raise RuntimeError(f"expected the bytes of {warmup + timed} steps, found those of {len(after)}")
    bytes_of_weight = 2 if lab.dtype(row) == "bfloat16" else 4
    formula = (RANKS - 1) / RANKS * (4 + bytes_of_weight) * parameters(row.model)
    sent = (after[-1] - after[warmup - 1]) / timed
    wire = sent * 8 / (GBIT * 1e9)
    return {"time_share": network["seconds_per_step"] / (none["seconds_per_step"] + wire), "bytes_share": sent / formula,
            "network_seconds": network["seconds_per_step"], "none_seconds": none["seconds_per_step"],
            "wire_seconds": wire, "sent_bytes": sent, "formula_bytes": formula}


COMPARISONS = [
    *(Comparison(f"a-{row.name}", "a", "2 ranks of 1 thread against 1 process of 2 threads", row, ranks_or_threads, speed)
      for row in (SFT, PPO)),
    *(Comparison(f"b-{kind}-{row.name}", "b", f"2 ranks, train.shard={kind} against none", row, sharded_or_not(kind),
                 slower) for kind in SHARDS for row in (SFT, PPO)),
    Comparison("c-sft-30m", "c", "2 ranks of 1 thread against TRL's SFTTrainer on DistributedDataParallel, as many", SFT,
               ours_or_peer, speed),
    Comparison("d-sft-30m", "d", f"2 ranks with {GBIT} Gbit/s between them against 2 ranks without a network", SFT,
               network_or_not, overlap)]
GOALS = [
    *(Goal("2 ranks x 1 thread, speed against 1 process x 2 threads", f"a-{row.name}", "speed", 0.9) for row in (SFT, PPO)),
    *(Goal(f"train.shard={kind}, step longer by", f"b-{kind}-{row.name}", "slower", 0.05, at_most=True, unit="%")
      for kind in SHARDS[:2] for row in (SFT, PPO)),
    Goal("2 ranks, speed against DistributedDataParallel and TRL", "c-sft-30m", "speed", 2),
    Goal("Step with a network, share of step without + bytes / bandwidth", "d-sft-30m", "time_share", 1, at_most=True, unit="%"),
    Goal("Bytes on the interface, share of (n-1)/n x (4 + b) bytes x parameters", "d-sft-30m", "bytes_share", 1.1, at_most=True,
         unit="%")]


def check_losses(results: dict, row: Row, lab: Lab) -> None:
    """Both sides train on the same batches."""
    first, second = (result["losses"] for result in results.values())
    if row.kind == "ppo":
        return  # its steps have no single loss; tests/tools/ppo_ranks_test.cpp compares them
    tolerance, found = 1e-3 if lab.dtype(row) == "float32" else 2e-2, math.inf
    if len(first) == len(second) > 0:
        found = gate.difference(first, second, lab.dtype(row))
    if found > tolerance:
        raise gate.Unequal(f"losses differ by {found:.1e}, allowed are {tolerance:.0e}\n{gate.curves(first, second)}")


def run_comparison(item: Comparison, lab: Lab, pairs: int, facts: dict, kept: Path) -> None:
    def compared(results: dict, limits: dict) -> dict:
        named = {side: results[side] for side in runs}  # in our order, whichever came first
        check_losses(named, item.row, lab)
        return item.compared(named, item.row, lab)

    runs = item.runs(item.row, lab)
    result = {"row": item.name, "date": f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}", **facts,
              "options": {"steps": lab.steps}, "settings": {}}
    result |= measure.take_turns(item.name, lab, pairs, runs, compared, say)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(result, indent=1) + "\n")


def figures_line(name: str, result: dict) -> str:
    found = {key: value["median"] for key, value in result["figures"].items()}
    what = next(item.what for item in COMPARISONS if item.name == name)
    if "wire_seconds" in found:
        text = (f"step {found['network_seconds']:.3f} s; without a network {found['none_seconds']:.3f} s, on the wire "
                f"{found['wire_seconds']:.3f} s; {found['sent_bytes'] / 1e6:.1f} MB sent by a rank in a step, formula "
                f"{found['formula_bytes'] / 1e6:.1f} MB")
    else:
        text = (f"{found['our_rate']:.0f} / {found['peer_rate']:.0f} tokens/s; peak of the largest process "
                f"{found['our_peak_gib']:.2f} / {found['peer_peak_gib']:.2f} GiB")
    return f"| {name} | {what} | {text} | {len(result['pairs'])} |"


def write_table(folder: Path) -> None:
    results = {item.name: json.loads((folder / f"{item.name}.json").read_text()) for item in COMPARISONS
               if (folder / f"{item.name}.json").exists()}
    first = next(iter(results.values()))
    host, dates = first["host"], sorted(result["date"] for result in results.values())
    lines = ["# Two ranks on one CPU machine", "",
             f"{dates[0][:10]} to {dates[-1][:10]}; {host['cpu']}, {host['cores']} cores "
             f"({', '.join(host['instructions'])}), {host['memory_gib']} GiB; ours at "
             f"{', '.join(sorted({result['commit'] for result in results.values()}))}; "
             + ", ".join(f"{name} {version}" for name, version in first["versions"].items()) + ".", "",
             "Made by `bench/ranks.py`; bench/README.md says what is compared. A figure is the median of the pairs with its "
             "95 % bootstrap interval, and the bar applies to the interval's worse end.", "",
             "| goal | row | bar | measured | met? |", "|---|---|---|---|---|",
             *(table.goal_line(goal, results) for goal in GOALS), "", "| row | what | figures | pairs |", "|---|---|---|---|",
             *(figures_line(name, result) for name, result in results.items()), "", table.roofline_line(results), ""]
    folder.with_suffix(".md").write_text("\n".join(lines))


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures runs of two ranks on one CPU machine.")
    parser.add_argument("--part", action="append", choices=sorted({item.part for item in COMPARISONS}),
                        help="only this part (repeatable)")
    parser.add_argument("--list", action="store_true", help="print the rows and leave")
    parser.add_argument("--again", action="store_true", help="measure rows that are finished already")
    compare.add_lab_arguments(parser)
    parser.set_defaults(steps="12+12", ppo_steps="2+3")  # the memory of a run grows in its first ten steps
    return parser.parse_args()


def main() -> int:
    options = read_arguments()
    chosen = [item for item in COMPARISONS if not options.part or item.part in options.part]
    if options.list:
        print("\n".join(f"{item.name:12} {item.what}" for item in chosen))
        return 0
    lab = compare.make_lab(options)
    facts = {"host": environment.host(), "versions": environment.versions(lab.venvs), "commit": environment.commit(),
             "threads": lab.threads, "dtype": lab.fast}
    folder, refused = compare.rows_folder(options, "ranks"), []
    for item in chosen:
        kept = folder / f"{item.name}.json"
        if kept.exists() and not options.again:
            say(f"{item.name}: finished before, skipped (--again measures it anew)")
            continue
        if item.part == "d" and (reason := namespaces.why_not_usable("tc")):
            say(f"{item.name}: no network namespaces here: {reason}")
            refused.append(item.name)
            continue
        try:
            run_comparison(item, lab, options.pairs or 7, facts, kept)
        except (gate.Unequal, RuntimeError) as error:
            say(f"refused: {item.name}: {error}")
            refused.append(item.name)
    if any(folder.glob("*.json")):
        write_table(folder)
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
