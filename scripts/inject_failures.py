#!/usr/bin/env python3
"""Starts runs of several ranks, breaks one rank of each at a random moment, and checks how the others end.

usage: inject_failures.py --bin DIR [--count 50] [--seed 0] [--jobs 2] [--work DIR]

Every stage whose tool in DIR has --ranks is run, with 2 to 4 ranks, which are started by --ranks or one by one with the
variables of docs/ranks.md. Of every run it checks: the other ranks end within 30 s (150 s if the ranks had not joined
yet, which is a wait of its own); with the right exit code; each with one line of error, which names the broken rank, what
this rank did and the step; and a run that resumes with another number of ranks makes the next steps, none twice.
Prints each fault and a table; exit code 1 if there was a fault. The loss of the network and the full disk need root.
"""
import argparse
import collections
import concurrent.futures
import dataclasses
import itertools
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import namespaces
from broken_run import BrokenRun, Ended
from tiny_runs import EVERY_CHECKPOINT, EVERY_EVALUATION, TinyRuns

KINDS = {  # what is done -> ways to start the ranks, moments at which it is done
    "kill": (("--ranks", "variables"), ("join", "start", "step", "rollout", "evaluation", "checkpoint")),
    "stop": (("--ranks", "variables"), ("join", "start", "step", "rollout", "evaluation", "checkpoint")),
    "network": (("network",), ("start", "step", "rollout", "evaluation", "checkpoint")),
    "full disk": (("--ranks", "variables"), ("start", "step", "rollout", "evaluation", "checkpoint")),
    "no memory": (("--ranks", "variables"), ("start", "step", "rollout", "evaluation", "checkpoint")),
    "reward program": (("--ranks", "variables"), ("step", "rollout")),
    "sigterm": (("--ranks", "variables"), ("start", "step", "rollout", "evaluation", "checkpoint"))}
PATIENCE, JOIN_PATIENCE, MOMENT_PATIENCE = 30, 150, 300
RANK_FAILED, STOPPED = 8, 128 + signal.SIGTERM
OWN_CODES = {"full disk": 10, "no memory": 7, "reward program": 11}


@dataclasses.dataclass
class Plan:
    number: int
    stage: str
    kind: str
    start: str
    moment: str
    count: int
    broken: int
    resumed: int
    shard: str          # train.shard, and that of the resumed run
    resumed_shard: str
    seed: int

    def text(self):
        return (f"{self.number}: {self.stage}, {self.count} ranks by {self.start}, shard {self.shard}, {self.kind} of rank "
                f"{self.broken}, moment: {self.moment}, resumed with {self.resumed}, shard {self.resumed_shard}")


def make_plans(stages, shards, kinds, count, seed):
    """All pairs of kind and stage equally often, the rest at random."""
    rng = random.Random(seed)
    pairs = [(kind, stage) for kind in kinds for stage in stages if kind != "reward program" or stage == "ppo"]
    plans, order = [], itertools.chain.from_iterable(rng.sample(pairs, len(pairs)) for _ in itertools.count())
    for number, (kind, stage) in zip(range(count), order):
        starts, moments = KINDS[kind]
        ranks = rng.randint(2, 4)
        plans.append(Plan(
            number, stage, kind, rng.choice(starts), rng.choice([m for m in moments if m != "rollout" or stage == "ppo"]),
            ranks, 0 if kind == "full disk" else rng.randrange(ranks), rng.choice([n for n in range(1, 5) if n != ranks]),
            rng.choice(shards), rng.choice(shards), rng.getrandbits(32)))
    return plans


def wait_for_moment(run, plan, rng):
    """Until a random time within the part of the run that the plan names."""
    began = time.monotonic()
    if plan.moment == "join":
        return time.sleep(rng.uniform(0, 3))
    run.wait_until(lambda: (run.folder / ".lock").exists(), MOMENT_PATIENCE)  # rank 0 locks the folder after it has joined
    if plan.moment == "start":
        return time.sleep(rng.uniform(0, 0.7 * (time.monotonic() - began)))
    if plan.moment == "checkpoint":
        due = EVERY_CHECKPOINT * rng.randint(1, 2)
        return run.wait_until(lambda: run.writes_checkpoint(due), MOMENT_PATIENCE, pause=0.0003)
    step = EVERY_EVALUATION if plan.moment == "evaluation" else rng.randint(1, 5)
    line = run.wait_until(lambda: run.metrics_of_step(step), MOMENT_PATIENCE)
    part = {"rollout": line.get("time/rollout_seconds"), "evaluation": 0.5 * line["time/step_seconds"]}
    return time.sleep(rng.uniform(0, part.get(plan.moment) or line["time/step_seconds"]))


def limit_memory(pid):
    """From now on nothing can be mapped: the limit is below what is there already."""
    pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[0])
    subprocess.run(["prlimit", "--pid", str(pid), f"--as={pages * os.sysconf('SC_PAGE_SIZE') // 2}"], check=True)


def fill_disk(folder):
    with open(folder / "filler", "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def break_rank(run, plan):
    pid = run.pids[plan.broken]
    if plan.kind == "network":
        run.network.cut(plan.broken)
    elif plan.kind == "full disk":
        fill_disk(run.disk)
    elif plan.kind == "no memory":
        limit_memory(pid)
    elif plan.kind == "reward program":
        pathlib.Path(f"{run.folder}-fails-{plan.broken}").touch()
    else:
        os.kill(pid, {"kill": signal.SIGKILL, "stop": signal.SIGSTOP, "sigterm": signal.SIGTERM}[plan.kind])


def faults_of_lines(run, plan, rank):
    """Of what a rank that was not broken itself has said."""
    errors = [line for line in run.lines_of(rank) if line.startswith("error: ")]
    if plan.kind == "sigterm":
        return [f"rank {rank}: expected no error, found {errors}"] if errors and plan.moment != "join" else []
    if plan.moment == "join" and plan.start == "--ranks" and plan.kind == "kill" and not errors:
        return []  # the starter has stopped it, and speaks for it
    if len(errors) != 1:
        return [f"rank {rank}: expected one error, found {errors or 'none'}"]
    if plan.moment == "join" or (writes_to_full_disk(plan) and "No space left" in errors[0]):
        return []
    # Who is cut off finds the others gone; of several that find the disk full, any may be the first.
    culprit = r"\d+" if writes_to_full_disk(plan) or (plan.kind == "network" and rank == plan.broken) else plan.broken
    named = re.fullmatch(rf"error: rank {rank}, (.+?): (.*\brank {culprit}\b.*)", errors[0])
    if not named:
        return [f"rank {rank}: expected a line that names rank {plan.broken}, found {errors[0]}"]
    if plan.moment != "start" and not re.search(r"step \d+", named[1]):
        return [f"rank {rank}: expected the step, found {errors[0]}"]
    return []


def writes_to_full_disk(plan):
    """Whether every rank writes there: its part of the checkpoint."""
    return plan.kind == "full disk" and plan.shard != "none"


def allowed_codes(plan, rank):
    if plan.kind == "sigterm":
        return {STOPPED}
    if rank != plan.broken and not writes_to_full_disk(plan):
        return {RANK_FAILED}
    return {RANK_FAILED, OWN_CODES[plan.kind]} if plan.kind in OWN_CODES else {RANK_FAILED}


def faults_of_end(run, plan, broke):
    """After how long the last rank ended of those that should, at most the patience, and how they ended."""
    patience = JOIN_PATIENCE if plan.moment == "join" else PATIENCE
    dead_or_still = {plan.broken} if plan.kind in ("kill", "stop") else set()
    waited = [rank for rank in range(plan.count) if rank not in dead_or_still]
    ends = run.wait_for_ends(waited, broke + patience)
    faults = [f"rank {rank} did not end within {patience} s" for rank in waited if rank not in ends]
    if plan.kind == "stop":
        faults += faults_of_waking(run, plan.broken, patience)
    code = run.wait_for_starter(60)
    if code is not None and code not in allowed_codes(plan, plan.broken):
        faults.append(f"--ranks: expected exit code {sorted(allowed_codes(plan, plan.broken))}, found {code}")
    faults += [f"rank {rank} did not end by itself: --ranks killed it" for rank in run.ended_by_starter()
               if rank not in dead_or_still]
    for rank in waited:
        own = run.exit_code(rank)
        if own is not None and own not in allowed_codes(plan, rank):
            faults.append(f"rank {rank}: expected exit code {sorted(allowed_codes(plan, rank))}, found {own}")
        if rank in ends and (rank != plan.broken or plan.kind == "network"):
            faults += faults_of_lines(run, plan, rank)
    return (max(ends.values()) - broke if len(ends) == len(waited) else patience), faults


def faults_of_waking(run, rank, patience):
    """A rank that goes on after the others have given it up ends too; before it had joined, it waits for them first."""
    if run.starter is not None:
        return []  # the starter ends it
    os.kill(run.pids[rank], signal.SIGCONT)
    ended = run.wait_for_ends([rank], time.monotonic() + patience)
    return [] if ended else [f"rank {rank} went on after the others had ended, and did not end within {patience} s"]


def faults_of_resume(run, world, plan):
    run.repair()
    last = run.last_checkpoint()
    key, value = world.length(plan.stage, last + 3)
    done = subprocess.run([*run.command, f"train.{key}={value}", f"train.shard={plan.resumed_shard}", "--resume", "--ranks", str(plan.resumed)],
                          capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        return [f"resume from step {last}: expected exit code 0, found {done.returncode}: {done.stderr[-500:]}"]
    steps = [line["step"] for line in run.metrics() if "time/step_seconds" in line]
    faults = [] if steps == list(range(1, last + 4)) else [f"resume from step {last}: steps are {steps}"]
    if "broken checkpoint" in done.stderr:
        faults.append(f"resume: {done.stderr[:500]}")
    if plan.kind == "sigterm" and last != run.steps_when_broken():
        faults.append(f"the last checkpoint is of step {last}, the last step was {run.steps_when_broken()}")
    return faults


def inject(world, plan):
    """The seconds until the last rank ended, and what was wrong."""
    run = BrokenRun(world, plan)
    try:
        run.start()
        rng = random.Random(plan.seed)
        wait_for_moment(run, plan, rng)
        broke = time.monotonic()
        break_rank(run, plan)
        seconds, faults = faults_of_end(run, plan, broke)
        run.end()
        run.note_steps()
        return seconds, faults + faults_of_resume(run, world, plan)
    except (Ended, subprocess.SubprocessError, OSError) as error:
        return 0.0, [f"{type(error).__name__}: {error}"]
    finally:
        run.close()


def report(plan, seconds, faults, run_folder):
    lines = [f"{plan.text()}: {'FAULT' if faults else 'ok'}, {seconds:.1f} s"]
    lines += [f"    {fault}" for fault in faults]
    if faults:
        lines.append(f"    what the ranks said is in {run_folder}")
    print("\n".join(lines), flush=True)


def table(results):
    rows = collections.defaultdict(list)
    for plan, seconds, faults in results:
        rows[plan.kind, plan.stage].append((seconds, bool(faults)))
    print("\n| what | stage | injections | slowest end, s | failures |\n|---|---|---|---|---|")
    for (kind, stage), found in sorted(rows.items()):
        print(f"| {kind} | {stage} | {len(found)} | {max(s for s, _ in found):.1f} | {sum(bad for _, bad in found)} |")


def usable_kinds():
    kinds = dict(KINDS)
    if reason := namespaces.why_not_usable():
        print(f"no loss of the network: {reason}")
        del kinds["network"]
    if os.geteuid() != 0:
        print("no full disk: not root")
        del kinds["full disk"]
    return kinds


def main():
    parser = argparse.ArgumentParser(description="Breaks ranks of running programs and checks how the others end.")
    parser.add_argument("--bin", required=True, help="folder with the programs")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="runs at the same time")
    parser.add_argument("--work", help="folder for models and runs; default: a temporary one, which is removed")
    parser.add_argument("--only", type=int, action="append", help="of the plans of a seed, only this one (repeatable)")
    options = parser.parse_args()
    work = pathlib.Path(options.work or tempfile.mkdtemp(prefix="inject-"))
    world = TinyRuns(pathlib.Path(options.bin).resolve(), work.resolve())
    world.make()
    plans = make_plans(world.stages, world.shards(), usable_kinds(), options.count, options.seed)
    plans = [plan for plan in plans if not options.only or plan.number in options.only]
    results = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        running = {pool.submit(inject, world, plan): plan for plan in plans}
        for done in concurrent.futures.as_completed(running):
            plan, (seconds, faults) = running[done], done.result()
            report(plan, seconds, faults, world.path(f"run-{plan.number}"))
            results.append((plan, seconds, faults))
    table(results)
    if not options.work:
        shutil.rmtree(work)
    return 1 if any(faults for _, _, faults in results) else 0


if __name__ == "__main__":
    sys.exit(main())
