"""Reward models that train on a file of judgments or pairs, and score held-out pairs.

A trainer writes into a folder: scores.jsonl, the margin of the better response of each held-out pair, and, if labels were
learned, labels.jsonl and annotators.json.
"""
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Task:
    train: Path     # judgments, or pairs
    test: Path      # pairs; the chosen response is the better one
    folder: Path
    method: str
    per_domain: bool
    seed: int


def run(*command) -> None:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command[0]} failed: {done.stderr[-2000:]}")


class Linear:
    """A linear model on hashed words: bench/feedback/linear.cpp."""

    def __init__(self, programs: Path):
        self.program = programs / "bench-feedback"

    def train(self, task: Task) -> None:
        run(self.program, "--train", task.train, "--eval", task.test, "--method", task.method, "--output", task.folder,
            "--seed", task.seed, *(["--per-domain"] if task.per_domain else []))


class LanguageModel:
    """rlhf-rm on a model folder."""
    SETTINGS = ["train.epochs=1", "train.batch_size=32", "train.dtype=float32", "optimizer.lr=1e-3",
                "lr_schedule.kind=cosine", "checkpoint.every_steps=0", "log.every_steps=50",
                "log.samples_every_steps=0", r"data.template={prompt}\n{completion}"]

    def __init__(self, programs: Path, model: Path):
        self.programs, self.model = programs, model

    def train(self, task: Task) -> None:
        output = task.folder / "run"
        shutil.rmtree(output, ignore_errors=True)
        domains = "per_domain" if task.per_domain else "shared"
        run(self.programs / "rlhf-rm", f"model.path={self.model}", f"data.train={task.train}", f"train.output={output}",
            f"train.seed={task.seed}", f"reward_model.annotators={task.method}", f"reward_model.domains={domains}",
            *self.SETTINGS)
        self.score(output / "final", task)
        for name in ("labels.jsonl", "annotators.json"):
            if (output / name).exists():
                shutil.move(output / name, task.folder / name)
        shutil.rmtree(output)

    def score(self, model: Path, task: Task) -> None:
        scored = task.folder / "scored.jsonl"
        run(self.programs / "rlhf-generate", "--score-only", "--reward", model, "--input", task.test, "--output", scored,
            "--overwrite")
        with scored.open(encoding="utf-8") as lines, (task.folder / "scores.jsonl").open("w", encoding="utf-8") as out:
            for line in lines:
                scored_pair = json.loads(line)
                margin = scored_pair["chosen_score"] - scored_pair["rejected_score"]
                out.write(json.dumps({"margin": margin}) + "\n")
        scored.unlink()
