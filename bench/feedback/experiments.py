#!/usr/bin/env python3
"""What learning whom to trust gives on real crowd judgments (docs/results/feedback.md).

bench/feedback/experiments.py --data FOLDER --work FOLDER [--only NAME] [--model FOLDER --folds 0]

The reward model is linear (build/bin/bench-feedback; cmake -DRLHF_BUILD_BENCH=ON), or with --model a language model that
rlhf-rm trains. Needs numpy, pandas and crowd-kit. Finished runs are kept in the folder of --work.
"""
import argparse
import json
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import aggregate
import crowd
import figures
from trainers import LanguageModel, Linear, Task

ROOT = Path(__file__).resolve().parent.parent.parent
PEERS = ["MACE", "Dawid-Skene", "GLAD", "M-MSR", "NoisyBradleyTerry"]


@dataclass(frozen=True)
class Row:
    """A way to get labels: a method of ours, crowd-kit's aggregation, or gold."""
    name: str
    method: str = "majority"
    experts: float = 0      # share of the pairs
    peer: str = ""
    probable: bool = False  # of a peer: its probabilities in place of its most likely labels
    gold: bool = False
    per_domain: bool = False


def peers(names: list[str], experts: float = 0) -> list[Row]:
    return [Row(f"{name}, {kind}", peer=name, probable=kind == "probabilities", experts=experts)
            for name in names for kind in ("labels", "probabilities")]


def learned(experts: float) -> list[Row]:
    share = f"{experts:.0%} experts"
    return [Row(f"{share} as plain labels (drop_in_play)", "drop_in_play", experts),
            *(Row(f"{method}, {share}", method, experts) for method in ("em", "trust", "latent"))]


BASE = [Row("gold labels", gold=True), Row("majority"), Row("drop_in_play", "drop_in_play"), Row("em", "em"),
        Row("trust", "trust")]


@dataclass(frozen=True)
class Experiment:
    rows: list[Row]
    careless: float = 0
    hostile: float = 0
    one_vote: bool = False
    specialists: bool = False

    def records(self, data: Path, seed: int) -> list[dict]:
        records = crowd.read_judgments(data)
        if self.specialists:
            return crowd.by_specialty(records, seed)
        records = crowd.spoil(records, self.careless, self.hostile, seed)
        return crowd.one_vote(records, seed) if self.one_vote else records


EXPERIMENTS = {
    "clean": Experiment(BASE + peers(PEERS) + learned(0.02)),
    "spoiled": Experiment(BASE + peers(PEERS) + learned(0.02), careless=0.2, hostile=0.2),
    "one-vote": Experiment(BASE +
                           peers(["MACE", "Dawid-Skene", "Dawid-Skene, experts known", "NoisyBradleyTerry"], 0.02) +
                           learned(0.02) + learned(0.05) + learned(0.1), careless=0.3, hostile=0.3, one_vote=True),
    "specialists": Experiment(
        [Row("gold labels", gold=True), Row("majority", experts=0.05),
         *peers(["MACE", "Dawid-Skene", "Dawid-Skene, experts known", "GLAD"], 0.05), *learned(0.05),
         Row("latent per_domain, 5% experts", "latent", 0.05, per_domain=True)], specialists=True),
}


class Bench:
    """The runs of an experiment. A pair is held out at most once in a seed."""

    def __init__(self, name: str, arguments: argparse.Namespace):
        self.experiment, self.work, self.folds = EXPERIMENTS[name], arguments.work / name, arguments.folds
        self.trainer = LanguageModel(arguments.programs, arguments.model) if arguments.model else Linear(arguments.programs)
        self.kind = arguments.model.name if arguments.model else "linear"
        self.records = {seed: self.experiment.records(arguments.data, seed) for seed in range(1, arguments.seeds + 1)}

    def labels_of(self, row: Row, records: list[dict], seed: int) -> dict[int, float]:
        """P(the first is better). crowd-kit sees all votes, also those on held-out pairs."""
        path = self.work / "labels" / f"{row.peer} {row.experts} {seed}.jsonl"
        if not path.exists():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                first = aggregate.aggregate(row.peer, records)
            crowd.write_jsonl(path, [{"record": int(i), "first": min(1.0, float(p))} for i, p in first.items()])
        return {line["record"]: line["first"] for line in crowd.read_jsonl(path)}

    def training_records(self, row: Row, seed: int) -> list[dict | None]:
        """A record for each record of the seed: with judgments, or a pair; None without a label."""
        records = crowd.with_experts(self.records[seed], row.experts, seed)
        if row.gold:
            return [None if r["gold"] is None else crowd.preference(r, r["gold"]) for r in records]
        if not row.peer:
            return records
        first = self.labels_of(row, records, seed)
        return [crowd.labelled(record, first.get(i, 0.5), row.probable) for i, record in enumerate(records)]

    def folder(self, row: Row, seed: int, fold: int) -> Path:
        folder = self.work / self.kind / f"{row.name} {seed} {fold}"
        if not (folder / "right.json").exists():
            self.train(row, seed, fold, folder)
        return folder

    def train(self, row: Row, seed: int, fold: int, folder: Path) -> None:
        records = self.records[seed]
        held = crowd.is_held(records, fold)
        train = [new for new, out in zip(self.training_records(row, seed), held) if new is not None and not out]
        test = [crowd.preference(r, r["gold"]) for r in self.tested(seed, fold)]
        files = [crowd.write_jsonl(self.work / "train.jsonl", train), crowd.write_jsonl(self.work / "eval.jsonl", test)]
        folder.mkdir(parents=True, exist_ok=True)
        self.trainer.train(Task(*files, folder, row.method, row.per_domain, seed))
        self.count_right(folder, train, row.method == "drop_in_play")

    def count_right(self, folder: Path, train: list[dict], experts_alone: bool) -> None:
        """How many of the training labels agree with the checked answer, by domain; they are not kept."""
        path = folder / "labels.jsonl"
        right = crowd.right_labels(crowd.read_jsonl(path) if path.exists() else train, experts_alone)
        path.unlink(missing_ok=True)
        (folder / "right.json").write_text(json.dumps(right))

    def tested(self, seed: int, fold: int) -> list[dict]:
        records = self.records[seed]
        return [r for r, out in zip(records, crowd.is_held(records, fold)) if out and r["gold"] is not None]

    def each_fold(self, row: Row, seed: int) -> list[Path]:
        return [self.folder(row, seed, fold) for fold in self.folds]

    def margins(self, row: Row) -> np.ndarray:
        """[seeds, held-out pairs]"""
        return np.array([[line["margin"] for folder in self.each_fold(row, seed)
                          for line in crowd.read_jsonl(folder / "scores.jsonl")] for seed in self.records])

    def domains(self) -> np.ndarray:
        """[held-out pairs]"""
        return np.array([r["domain"] for fold in self.folds for r in self.tested(1, fold)])

    def label_accuracy(self, row: Row) -> dict[str, float]:
        """By domain, and of all."""
        counts: Counter = Counter()
        for seed in self.records:
            for folder in self.each_fold(row, seed):
                for domain, (right, total) in json.loads((folder / "right.json").read_text()).items():
                    for name in (domain, "all"):
                        counts.update({(name, "right"): right, (name, "total"): total})
        return {name: counts[name, "right"] / total for (name, kind), total in counts.items() if kind == "total"}


def result_of(bench: Bench, row: Row, against: dict[str, np.ndarray]) -> dict:
    runs, domains = bench.margins(row), bench.domains()
    return {"name": row.name, "accuracy": figures.accuracy(runs), "interval": figures.interval(runs),
            "ece": figures.mean_calibration_error(runs), "labels": bench.label_accuracy(row),
            "minus": {name: figures.difference(runs, other) for name, other in against.items()},
            "domains": {name: figures.accuracy(runs[:, domains == name]) for name in sorted(set(domains))}}


def signed(difference: tuple) -> str:
    return "{:+.1f} [{:+.1f}, {:+.1f}]".format(*(100 * value for value in difference))


def line_of(result: dict) -> str:
    low, high = result["interval"]
    cells = [result["name"], f"{100 * result['labels']['all']:.1f}",
             f"{100 * result['accuracy']:.1f} [{100 * low:.1f}, {100 * high:.1f}]", f"{result['ece']:.3f}",
             *map(signed, result["minus"].values())]
    return "| " + " | ".join(cells) + " |"


def compare_with_peers(bench: Bench, rows: dict[str, Row], results: list[dict]) -> None:
    """Each method of ours against the most accurate of crowd-kit's with as many experts or none."""
    for ours in results:
        row = rows[ours["name"]]
        others = [r for r in results if rows[r["name"]].peer and rows[r["name"]].experts in (0, row.experts)]
        if row.peer or row.gold or not others:
            continue
        best = max(others, key=lambda r: r["accuracy"])["name"]
        ours["minus best peer"] = [best, *figures.difference(bench.margins(row), bench.margins(rows[best]))]
        print(f"{row.name} minus {best}: {signed(ours['minus best peer'][1:])}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", type=Path, help="folder of a language model")
    parser.add_argument("--programs", type=Path, default=ROOT / "build" / "bin")
    parser.add_argument("--results", type=Path, default=ROOT / "docs" / "results" / "feedback")
    parser.add_argument("--only", choices=EXPERIMENTS, action="append")
    parser.add_argument("--rows", nargs="+", help="the rows to run, by name; default: all")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folds", type=int, nargs="+", default=list(range(crowd.FOLDS)))
    arguments = parser.parse_args()
    arguments.results.mkdir(parents=True, exist_ok=True)
    for name in arguments.only or EXPERIMENTS:
        bench = Bench(name, arguments)
        rows = {row.name: row for row in bench.experiment.rows}
        against = {other: bench.margins(rows[other]) for other in ("majority", "gold labels")}
        print(f"\n## {name}\n\n| labels | right | accuracy | ECE | minus majority | minus gold |\n|---|---|---|---|---|---|")
        results: list[dict] = []
        for row in rows.values():
            if arguments.rows and row.name not in arguments.rows:
                continue
            results.append(result_of(bench, row, against))
            print(line_of(results[-1]), flush=True)
        compare_with_peers(bench, rows, results)
        (arguments.results / f"{bench.kind}-{name}.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
