#!/usr/bin/env python3
"""Measures our tools against transformers and TRL on this machine: bench/compare.py (bench/README.md says more)."""
import argparse
import json
import os
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

import environment
import gate
import measure
import table
from environment import ROOT
from rows import ROWS, Row
from sides import Lab

SEED = 1


def say(text: str) -> None:
    print(f"{datetime.now():%H:%M:%S} {text}", flush=True)


def add_lab_arguments(parser: argparse.ArgumentParser) -> None:
    """What make_lab() reads, and how often and how patiently to measure."""
    shared = Path(os.environ.get("RLHF_SHARED_DATA", ROOT.parent / "shared"))
    parser.add_argument("--pairs", type=int, help="pairs of a row; default: as --list says")
    parser.add_argument("--steps", default="2+6", help="warm-up + timed steps of SFT, reward model and DPO")
    parser.add_argument("--ppo-steps", default="1+2", help="warm-up + timed steps of PPO")
    parser.add_argument("--repeat", type=int, default=2, help="timed calls of generate in a process")
    parser.add_argument("--patience", type=float, default=600, help="seconds to wait for a quiet machine before a pair")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "bench", help="environments, models, data, rows")
    parser.add_argument("--results", type=Path, default=ROOT / "docs" / "results", help="folder of the tables")
    parser.add_argument("--build", type=Path, help="build folder that has bin/; default: one of its own is built")
    parser.add_argument("--python", default=sys.executable, help="use this Python's torch, if it is the pinned version")
    parser.add_argument("--data", type=Path, default=shared / "data", help="folder with gsm8k/")
    parser.add_argument("--tokenizer", type=Path, default=shared / "tokenizers" / "llama2" / "tokenizer.model",
                        help="Llama 2's SentencePiece model")


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures our tools against the Python peers on one CPU machine.")
    parser.add_argument("--row", action="append", choices=[row.name for row in ROWS], help="only this row (repeatable)")
    parser.add_argument("--list", action="store_true", help="print the rows and leave")
    parser.add_argument("--table", action="store_true", help="only write the tables of what is finished")
    parser.add_argument("--again", action="store_true", help="measure rows that are finished already")
    parser.add_argument("--gate", action="store_true", help="only check that the work is equal")
    parser.add_argument("--ours-only", action="store_true", help="one quick run of our side; nothing is kept")
    parser.add_argument("--peer-only", action="store_true", help="one quick run of the peer; nothing is kept")
    add_lab_arguments(parser)
    return parser.parse_args()


def two_numbers(text: str) -> tuple[int, int]:
    warmup, timed = map(int, text.split("+"))
    return warmup, timed


def prepare(lab: Lab, options: argparse.Namespace) -> None:
    """Models and data, made once. The last file of each tells that all are there."""
    folder = Path(lab.data(ROWS[0])).parent
    wanted = [lab.work / "models" / name for name in ("30m", "30m-reward", "110m", "110m-reward")]
    wanted += [model.parent / (model.name + "-adapter") for model in wanted]
    if (folder / "ppo.ids.jsonl").exists() and all((model / "tokenizer_config.json").exists() for model in wanted):
        return
    say("making models and data")
    warmup, timed = lab.steps["sft"]
    config = {"tokenizer": str(options.tokenizer.resolve()), "folder": str(folder), "source": str(lab.source),
              "model_folder": str(lab.work / "models"), "models": ["30m", "110m"], "warmup": warmup, "timed": timed,
              "batch": 8, "seed": SEED}
    config_file = lab.work / "prepare.json"
    config_file.write_text(json.dumps(config))
    subprocess.run([lab.venvs["trl"], ROOT / "bench" / "peers" / "prepare.py", config_file], check=True,
                   env=environment.peer_environment(lab.work, lab.threads, "best"), stderr=subprocess.DEVNULL)


def rows_folder(options: argparse.Namespace, kind: str = "cpu") -> Path:
    """One for each kind of processor: rows of two kinds do not belong into one table."""
    return options.results / f"{kind}-{(environment.host()['instructions'] or ['plain'])[-1]}"


def make_lab(options: argparse.Namespace) -> Lab:
    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    build = (options.build or work / "build").resolve()
    if not options.build:
        environment.build(build)
    steps = two_numbers(options.steps)
    lab = Lab(work, build, options.data.resolve(), environment.make_venvs(work, options.python), options.threads,
              {"sft": steps, "rm": steps, "dpo": steps, "ppo": two_numbers(options.ppo_steps)}, options.repeat, options.patience,
              environment.fast_dtype())
    prepare(lab, options)
    return lab


def checked(row: Row, lab: Lab, ours: str, again: bool) -> dict:
    """The gate's result; that of losses or greedy tokens is kept for rows whose work is of the same kind."""
    if row.kind != "generate":
        gate.check_ids(row, lab)
    subject = f"{row.kind}-{row.model}{'-adapter' if row.adapter else ''}" + (f"-{row.setting}-{lab.dtype(row)}" if row.kind in ("sft", "rm", "dpo") else "")
    kept = lab.work / "gates" / f"{subject}.json"
    reusable = kept.exists() and not again and "changes" not in ours
    if reusable and (result := json.loads(kept.read_text()))["commit"] == ours:
        return result
    say(f"{row.name}: checking that the work is equal")
    result = gate.check(row, lab) | {"commit": ours}
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(json.dumps(result, indent=1))
    return result


def run_row(row: Row, lab: Lab, options: argparse.Namespace, facts: dict) -> None:
    kept = rows_folder(options) / f"{row.name}.json"
    if kept.exists() and not (options.again or options.gate):
        return say(f"{row.name}: finished before, skipped (--again measures it anew)")
    if row.setting == "fp32" and lab.fast == "float32":
        return say(f"{row.name}: float32 is this processor's dtype, so another row measures it, skipped")
    if row.setting == "default" and row.kind in ("sft", "rm", "dpo") and not environment.torch_has_bfloat16_products():
        return say(f"{row.name}: TRL's default is bfloat16, which torch multiplies in a plain loop on this processor, skipped")
    began = time.monotonic()
    gated = row.kind not in ("help", "startup")
    result = {"row": row.name, "date": f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}", **facts,
              "options": {"steps": lab.steps, "repeat": lab.repeat},
              "gate": checked(row, lab, facts["commit"], options.again or options.gate) if gated else None}
    if options.gate:
        return say(f"{row.name}: {({k: v for k, v in (result['gate'] or {}).items() if k not in ('ours', 'peer')})}")
    result |= measure.measure(row, lab, options.pairs or row.pairs, say)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(result, indent=1) + "\n")
    say(f"{row.name}: done in {time.monotonic() - began:.0f} s")


def look(row: Row, lab: Lab, options: argparse.Namespace) -> None:
    for ours in [True] * options.ours_only + [False] * options.peer_only:
        result = measure.SIDES[row.kind](row, lab, ours)
        shown = {name: value for name, value in result.items() if name not in ("losses", "tokens", "started")}
        say(f"{row.name} {'ours' if ours else 'peer'}: {json.dumps(shown)}")


def main() -> int:
    options = read_arguments()
    rows = [row for row in ROWS if not options.row or row.name in options.row]
    if options.list:
        print("\n".join(f"{row.name:20} {row.pairs} pairs  {row.what}" for row in rows))
        return 0
    if options.table:
        for folder in sorted(options.results.glob("cpu-*/")):
            table.write_table(folder)
        return 0
    lab = make_lab(options)
    facts = {"host": environment.host(), "versions": environment.versions(lab.venvs), "commit": environment.commit(),
             "threads": lab.threads, "dtype": lab.fast}
    say(", ".join(f"{name} {version}" for name, version in facts["versions"].items()))
    refused = []
    for row in rows:
        if options.ours_only or options.peer_only:
            look(row, lab, options)
            continue
        try:
            run_row(row, lab, options, facts)
        except (gate.Unequal, RuntimeError) as error:
            say(f"refused: {error}")
            refused.append(row.name)
    if not (options.ours_only or options.peer_only or options.gate):
        table.write_table(rows_folder(options))
    if refused:
        say("not measured: " + ", ".join(refused))
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
