"""Tiny models, data and configs of all stages, as tests/support/tiny_run.h makes them, for scripts that start programs."""
import json
import pathlib
import random
import re
import subprocess

STAGES = ("sft", "rm", "dpo", "ppo")
# The reward of PPO, which fails for rank K if the file "FILE-K" exists.
REWARD_PROGRAM = 'while read -r response; do [ -e "$0-$RANK" ] && exit 1; echo 1; done'
ROLLOUT = 8  # responses of a step of PPO
EVERY_EVALUATION, EVERY_CHECKPOINT = 3, 2


def write_lines(path, records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


class TinyRuns:
    def __init__(self, programs, folder):
        self.programs, self.folder = pathlib.Path(programs), pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.stages = [stage for stage in STAGES if "--ranks" in self._output(stage, "--help")]

    def _output(self, stage, *flags):
        return subprocess.run([self.tool(stage), *flags], capture_output=True, text=True, check=True).stdout

    def tool(self, stage):
        return str(self.programs / f"rlhf-{stage}")

    def path(self, name):
        return str(self.folder / name)

    def shards(self):
        """The values of train.shard."""
        return re.search(r"train\.shard +\S+ +(\S+)", self._output(self.stages[0], "--help"))[1].split("|")

    def make(self):
        self._make_data()
        call([self.programs / "rlhf-tokenizer", "--input", self.path("texts.jsonl"), "--vocab-size", "271", "--output",
              self.path("tokenizer")])
        self.train("sft", "models/sft", 10)
        self.train("rm", "models/rm", 4)

    def train(self, stage, output, steps):
        config = self.config(stage, output, steps)
        config["eval"] = {"every_steps": 0}
        config["checkpoint"] = {"every_steps": 0}
        call([self.tool(stage), "--config", self.write(config, f"{stage}-model.json")])

    def _make_data(self):
        rng = random.Random(0)
        questions = [(a, b) for a in range(12) for b in range(12)]
        rng.shuffle(questions)
        texts = [(f"{a}+{b}=", str(a + b), str(a + b + 1)) for a, b in questions]
        write_lines(self.folder / "texts.jsonl", [{"text": q + right} for q, right, _ in texts])
        write_lines(self.folder / "demonstrations.jsonl", [{"prompt": q, "completion": right} for q, right, _ in texts])
        write_lines(self.folder / "pairs.jsonl",
                    [{"prompt": q, "chosen": right, "rejected": wrong} for q, right, wrong in texts])
        write_lines(self.folder / "prompts.jsonl", [{"prompt": q} for q, _, _ in texts])

    def write(self, config, name):
        path = self.folder / name
        path.write_text(json.dumps(config, indent=1))
        return str(path)

    def length(self, stage, steps):
        """The key that gives a run so many steps."""
        return ("total_episodes", steps * ROLLOUT) if stage == "ppo" else ("max_steps", steps)

    def config(self, stage, output, steps):
        length, value = self.length(stage, steps)
        config = {
            "train": {"output": self.path(output), "device": "cpu", "dtype": "float32", "threads": 1, length: value},
            "optimizer": {"lr": 1e-3}, "lr_schedule": {"kind": "constant"}, "log": {"tensorboard": False},
            "eval": {"every_steps": EVERY_EVALUATION, "max_samples": 64}, "checkpoint": {"every_steps": EVERY_CHECKPOINT}}
        if stage == "ppo":
            return config | {
                "model": {"policy": self.path("models/sft/final"), "reward": self.path("models/rm/final")},
                "data": {"prompts": [self.path("prompts.jsonl")], "eval": [self.path("prompts.jsonl")]},
                "rollout": {"batch_size": ROLLOUT, "max_new_tokens": 8}, "value_optimizer": {"lr": 1e-3},
                "reward": {"terms": [{"name": "one", "command": ["sh", "-c", REWARD_PROGRAM, self.path(output) + "-fails"]}]},
                "ppo": {"num_ppo_epochs": 1, "num_mini_batches": 2}}
        config["train"]["batch_size"] = 8
        data = "demonstrations.jsonl" if stage == "sft" else "pairs.jsonl"
        config["data"] = {"train": [self.path(data)], "max_length": 32, "eval_share": 0.5}
        config["model"] = {"path": self.path("models/sft/final")}
        if not pathlib.Path(config["model"]["path"]).exists():
            config["model"] = {"tokenizer": self.path("tokenizer"), "init": {
                "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
                "num_key_value_heads": 2, "max_position_embeddings": 32}}
        return config


def call(command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{command[0]} ended with {done.returncode}: {done.stderr[-2000:]}")
