#!/usr/bin/env python3
"""Trains the policy of `make demo` by every method, from the same fine-tuned model and the same pairs, for several seeds.

    bench/algorithms.py --build build --work build/algorithms --output docs/results/algorithms.md

Writes a table, and a picture of the reward and the KL over the rollouts beside it."""
import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import mean

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "configs" / "demo"
GROUPS = ["rollout.num_samples_per_prompt=8", "ppo.num_ppo_epochs=1", "ppo.num_mini_batches=4"]
K3 = ["ppo.kl_in=loss", "ppo.kl_estimator=k3"]
# name: (tool, what differs from configs/demo/ppo.yaml, or from the defaults of rlhf-dpo)
METHODS = {
    "gae": ("ppo", []),
    "rloo": ("ppo", ["ppo.advantage=rloo", *GROUPS]),
    "grpo": ("ppo", ["ppo.advantage=grpo", "ppo.kl_coef=0.2", *K3, *GROUPS]),
    "dr_grpo": ("ppo", ["ppo.advantage=dr_grpo", "ppo.loss_aggregation=constant", *K3, *GROUPS]),
    "reinforce_plus_plus": ("ppo", ["ppo.advantage=reinforce_plus_plus", *GROUPS]),
    "dpo": ("dpo", ["model.path=runs/demo/sft/final", "data.train=[runs/demo/pairs.jsonl]", "data.max_length=64",
                    "train.batch_size=64", "train.epochs=1", "train.dtype=float32", "optimizer.lr=3e-4", "dpo.beta=1",
                    "checkpoint.every_steps=0", "log.samples_every_steps=0"]),
}
# figure: (key of summary.json, factor, digits, unit)
FIGURES = {"plain questions answered right": ("plain_accuracy", 100, 1, " %"),
           "right with a wrong hint": ("wrong_hint_accuracy", 100, 1, " %"),
           "agrees with a wrong hint": ("sycophancy", 100, 1, " %"),
           "mean reward": ("reward", 1, 2, ""),
           "KL, nats per answer": ("kl", 1, 2, "")}
CURVES = {"objective/scores": "mean reward of a rollout", "objective/kl": "KL, nats per answer"}
COLOURS = ["#3366cc", "#dc3912", "#ff9900", "#109618", "#990099"]


class Lab:
    """Runs programs in the folder of one seed, where the configs of the demo find their files."""

    def __init__(self, build: Path, folder: Path) -> None:
        self.build, self.folder, self.run_folder = build.resolve(), folder, folder / "runs" / "demo"
        self.run_folder.mkdir(parents=True, exist_ok=True)

    def run(self, program: str, *arguments: object) -> None:
        command = [str(self.build / "bin" / program), *map(str, arguments)]
        with open(self.folder / "log.txt", "ab") as log:
            done = subprocess.run(command, stdout=log, stderr=log, check=False, cwd=self.folder)
        if done.returncode:
            sys.exit(f"ended with {done.returncode}, see {log.name}: {' '.join(command)}")

    def prepare(self, seed: int) -> None:
        """The stages of scripts/demo.sh before PPO."""
        if (self.run_folder / "rm" / "final").exists():
            return
        self.run("agreement-world", "--seed", seed, "--output", "runs/demo/world")
        self.run("rlhf-tokenizer", "--input", "runs/demo/world/text.jsonl", "--vocab-size", 384, "--output",
                 "runs/demo/tokenizer")
        for stage in ("text", "sft"):
            self.run("rlhf-sft", "--config", DEMO / f"{stage}.yaml", f"train.seed={seed}")
        self.run("rlhf-generate", "--model", "runs/demo/sft/final", "--input", "runs/demo/world/pair_prompts.jsonl",
                 "--num-samples", 2, "--max-new-tokens", 14, "--batch-size", 512, "--seed", seed, "--json", "--output",
                 "runs/demo/samples.jsonl")
        self.run("agreement-judge", "--samples", "runs/demo/samples.jsonl", "--output", "runs/demo/pairs.jsonl",
                 "--judgments", "runs/demo/judgments.jsonl", "--expert-pairs", "runs/demo/expert_pairs.jsonl", "--seed", seed)
        self.run("rlhf-rm", "--config", DEMO / "rm.yaml", f"train.seed={seed}")

    def train(self, name: str, seed: int) -> Path:
        """Trains by a method and measures the policy; returns the folder with run/ and summary.json."""
        tool, settings = METHODS[name]
        output = self.run_folder / name
        if not (output / "summary.json").exists():
            config = ["--config", DEMO / "ppo.yaml"] if tool == "ppo" else []
            self.run(f"rlhf-{tool}", *config, f"train.output={output}/run", f"train.seed={seed}", *settings)
            (output / "run" / "samples.jsonl").touch()  # rlhf-dpo writes none
            self.run("agreement-evaluate", "compare", "--sft", "runs/demo/sft/final", "--ppo-run", output / "run", "--reward",
                     "runs/demo/rm/final", "--questions", "runs/demo/world/eval.jsonl", "--seed", seed, "--output", output)
        return output


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="build folder that has bin/")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "algorithms", help="runs; finished ones are kept")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "results" / "algorithms.md")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    return parser.parse_args()


def row(name: str, figure: str, found: list[dict]) -> str:
    key, factor, digits, unit = FIGURES[figure]
    values = [factor * summary[key] for summary in found]
    return f"{mean(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f}){unit}"


def table(summaries: dict[str, list[dict]]) -> str:
    """Means over the seeds, and their extremes."""
    lines = ["| method | " + " | ".join(FIGURES) + " |", "|---|" + "---|" * len(FIGURES)]
    before = [summary["sft"] for summary in summaries["gae"]]
    for name, found in [("fine-tuned", before)] + [(n, [s["ppo"] for s in found]) for n, found in summaries.items()]:
        lines.append(f"| {name} | " + " | ".join(row(name, figure, found) for figure in FIGURES) + " |")
    return "\n".join(lines)


def curve(runs: list[Path], metric: str) -> list[float]:
    """The mean of a metric over runs, by step."""
    columns = [[json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()] for run in runs]
    return [mean(values) for values in zip(*([line[metric] for line in lines if metric in line] for lines in columns))]


def panel(title: str, curves: dict[str, list[float]], left: int) -> str:
    """A chart of 380 by 260, as SVG."""
    low, high = (extreme(value for values in curves.values() for value in values) for extreme in (min, max))
    steps = max(len(values) for values in curves.values())
    x = lambda i: left + 45 + 320 * i / max(1, steps - 1)
    y = lambda value: 235 - 195 * (value - low) / ((high - low) or 1)
    parts = [f'<text x="{left + 45}" y="20" font-weight="bold">{title}</text>']
    for value in (low, (low + high) / 2, high):
        parts.append(f'<line x1="{x(0)}" x2="{x(steps - 1)}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#ddd"/>'
                     f'<text x="{x(0) - 5}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.2g}</text>')
    for colour, (name, values) in zip(COLOURS, curves.items()):
        points = " ".join(f"{x(i):.1f},{y(value):.1f}" for i, value in enumerate(values))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
    parts.append(f'<text x="{x(0)}" y="255">rollout 1</text><text x="{x(steps - 1)}" y="255" text-anchor="end">{steps}</text>')
    return "\n".join(parts)


def picture(runs: dict[str, list[Path]]) -> str:
    names = [name for name in METHODS if METHODS[name][0] == "ppo"]
    panels = [panel(title, {name: curve(runs[name], metric) for name in names}, 390 * i)
              for i, (metric, title) in enumerate(CURVES.items())]
    legend = "".join(f'<text x="{45 + 150 * i}" y="285" fill="{colour}">{name}</text>'
                     for i, (colour, name) in enumerate(zip(COLOURS, names)))
    return ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 780 300" font-family="sans-serif" font-size="12">\n'
            '<rect width="780" height="300" fill="white"/>\n' + "\n".join(panels) + "\n" + legend + "\n</svg>\n")


def main() -> None:
    options = read_arguments()
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    runs: dict[str, list[Path]] = {name: [] for name in METHODS}
    summaries: dict[str, list[dict]] = {name: [] for name in METHODS}
    for seed in options.seeds:
        lab = Lab(options.build, options.work.resolve() / f"seed-{seed}")
        lab.prepare(seed)
        for name in METHODS:
            folder = lab.train(name, seed)
            runs[name].append(folder / "run")
            summaries[name].append(json.loads((folder / "summary.json").read_text()))
            print(f"seed {seed}: {name}: {summaries[name][-1]['ppo']}", flush=True)
    settings = "\n".join(f"- `{name}`: `{' '.join(['rlhf-' + tool, *keys])}`" for name, (tool, keys) in METHODS.items())
    seeds = ", ".join(map(str, options.seeds))
    image = options.output.with_suffix(".svg")
    image.write_text(picture(runs))
    options.output.write_text(f"""# Methods on the demo's task

`bench/algorithms.py --seeds {seeds.replace(",", "")}` trains the policy of `make demo` by every method, from the same fine-tuned model and the same pairs, for
the seeds {seeds}. Means over the seeds, with the lowest and the highest in brackets.

{table(summaries)}

![Reward and KL over the rollouts]({image.name})

Settings besides `configs/demo/ppo.yaml` (16 rollouts of 256 answers; `rlhf-dpo`: its defaults):

{settings}
""")


main()
