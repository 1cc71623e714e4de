"""The two sides of a comparison: starts a fresh process of ours or of the peer and reads what it measured."""
import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import environment
import figures
from rows import Row

PEERS = Path(__file__).resolve().parent / "peers"
ADAPTER_RATE = 2e-4
LEARNING_RATE = {"sft": 2e-5, "rm": 1e-4, "ppo": 3e-6, "dpo": 1e-5}
GATE_STEPS = 20


@dataclass
class Lab:
    """Where things lie, and how long runs are."""
    work: Path
    build: Path
    source: Path            # folder with gsm8k/
    venvs: dict[str, Path]
    threads: int
    steps: dict[str, tuple[int, int]] = field(default_factory=dict)  # kind -> (warm-up, timed)
    repeat: int = 2         # timed calls of generate in one process
    patience: float = 600   # seconds to wait for a quiet machine before a pair
    fast: str = "bfloat16"  # the dtype that this processor is faster in: what `auto` is to our tools

    def dtype(self, row: Row) -> str:
        return self.fast if row.dtype == "auto" else row.dtype

    def data(self, row: Row) -> str:
        warmup, timed = self.steps["sft"]
        kind = "rm" if row.kind == "dpo" else row.kind  # the same pairs
        name = row.data if kind == "ppo" else f"{kind}-{row.data}"
        return str(self.work / f"data-{warmup}-{timed}" / name)

    def model(self, row: Row, reward: bool) -> str:
        return str(self.work / "models" / (row.model + ("-reward" if reward else "")))


def learning_rate(row: Row) -> float:
    return ADAPTER_RATE if row.adapter and row.kind != "ppo" else LEARNING_RATE[row.kind]


def busy_seconds() -> float:
    """Processor seconds that the machine has spent on anything since it started, stolen ones included."""
    user, nice, system, _, _, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def wait_until_quiet(lab: Lab, allowed: float = 0.1, sample: float = 2) -> None:
    """Until other processes take less than `allowed` of the processors, or patience ends."""
    end = time.monotonic() + lab.patience
    while time.monotonic() < end:
        before = busy_seconds()
        time.sleep(sample)
        if (busy_seconds() - before) / (sample * lab.threads) < allowed:
            return


def run(command: list, env: dict, log: Path) -> dict:
    """Runs a process to its end: when it started, how long it took, its peak of resident memory, and what share of the
    processors' time others took meanwhile."""
    log.parent.mkdir(parents=True, exist_ok=True)
    started, busy = time.time(), busy_seconds()
    with open(log, "wb") as output:
        process = subprocess.Popen([str(part) for part in command], env=env, stdout=output, stderr=subprocess.STDOUT,
                                   cwd=log.parent)
        _, status, usage = os.wait4(process.pid, 0)
    seconds, process.returncode = time.time() - started, os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        tail = log.read_text(errors="replace")[-3000:]
        raise RuntimeError(f"{Path(str(command[0])).name} ended with {process.returncode}:\n{tail}")
    others = busy_seconds() - busy - usage.ru_utime - usage.ru_stime
    return {"started": started, "process_seconds": seconds, "peak_bytes": usage.ru_maxrss * 1024,
            "others_share": max(0.0, others / seconds / len(os.sched_getaffinity(0)))}


def fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def labels(kind: str, batch: list[dict]) -> int:
    """Tokens whose log-probabilities a step needs."""
    if kind == "dpo":
        return sum(len(r[key]) - r["prompt_length"] for r in batch for key in ("chosen_ids", "rejected_ids"))
    return sum(r.get("labels", 0) for r in batch)


def work_per_step(row: Row, lab: Lab) -> tuple[list[int], list[float]]:
    """Useful tokens and floating-point operations of every step: both sides see these ids in this order."""
    rows = [json.loads(line) for line in Path(lab.data(row) + ".ids.jsonl").read_text().splitlines()]
    if row.kind == "ppo":
        prompts, responses = sum(len(r["input_ids"]) for r in rows), row.batch * row.new_tokens
        steps = sum(lab.steps["ppo"])
        return [prompts + responses] * steps, [figures.ppo_flops(row.model, prompts, responses, row.epochs)] * steps
    tokens, flops = [], []
    for begin in range(0, len(rows), row.batch):
        batch = rows[begin:begin + row.batch]
        keys = ("input_ids",) if row.kind == "sft" else ("chosen_ids", "rejected_ids")
        lengths = [len(r[key]) for r in batch for key in keys]
        tokens.append(sum(lengths))
        flops.append(figures.training_flops(row.model, lengths, labels(row.kind, batch)))
    return tokens, flops


def config_of_ours(row: Row, lab: Lab, output: Path, steps: int) -> dict:
    data = lab.data(row) + ".jsonl"
    rate = learning_rate(row)
    optimizer = {"lr": rate, "betas": [0.9, 0.95], "eps": 1e-8, "weight_decay": 0, "max_grad_norm": 1}
    config = {"train": {"output": str(output), "dtype": row.dtype, "threads": lab.threads}, "optimizer": optimizer,
              "lr_schedule": {"kind": "constant", "warmup_share": 0}, "checkpoint": {"every_steps": 0},
              "log": {"samples_every_steps": 0, "tensorboard": False}}
    template = {"template": "{prompt}\n{completion}"}
    if row.kind == "ppo":
        adapter = "-adapter" if row.adapter else ""
        config |= {"model": {"policy": lab.model(row, False) + adapter, "reward": lab.model(row, True) + adapter,
                             "shared_trunk": row.adapter},
                   "data": {"prompts": [data], **template}, "value_optimizer": optimizer,
                   "rollout": {"batch_size": row.batch, "max_new_tokens": row.new_tokens, "temperature": 0.7},
                   "reward": {"missing_eos": "none"}, "ppo": {"num_ppo_epochs": row.epochs}}
        config["train"]["total_episodes"] = row.batch * steps
        return config
    config["model"] = {"path": lab.model(row, row.kind == "rm") + ("-adapter" if row.adapter else "")}
    config["data"] = {"train": [data], "max_length": 512, "shuffle": False, **template}
    config["train"] |= {"batch_size": row.batch, "max_steps": steps}
    if row.kind == "rm":
        config["reward_model"] = {"center_on": "none"}
    if row.data == "constant":
        config["data"] |= {"max_length": 256, "over_length": "truncate"}
    if row.data == "gsm8k":
        config["data"] |= {"train": [str(lab.source / "gsm8k" / "train.jsonl")],
                           "fields": {"prompt": "question", "completion": "answer"}}
    return config


def command_of_ours(row: Row, lab: Lab, steps: int) -> tuple[list, Path]:
    """The command that makes a run in a new folder, and that folder."""
    folder = fresh(lab.work / "runs" / "ours")
    config, output = folder / "config.json", folder / "run"
    config.write_text(json.dumps(config_of_ours(row, lab, output, steps), indent=1))
    return [lab.build / "bin" / f"rlhf-{row.kind}", "--config", config], folder


def read_metrics(output: Path) -> list[dict]:
    return [json.loads(line) for line in (output / "metrics.jsonl").read_text().splitlines()]


def run_ours(row: Row, lab: Lab, steps: int, *flags: str) -> dict:
    """One run of rlhf-sft, rlhf-rm, rlhf-dpo or rlhf-ppo."""
    command, folder = command_of_ours(row, lab, steps)
    output = folder / "run"
    process = run([*command, *flags], dict(os.environ), folder / "log.txt")
    metrics_file = output / "metrics.jsonl"
    lines = read_metrics(output)
    result = process | {"step_seconds": [line["time/step_seconds"] for line in lines],
                        "losses": [line["loss"] for line in lines if "loss" in line]}
    # A line is written when its step is over, so a run of one step says when that step began.
    result["startup_seconds"] = metrics_file.stat().st_mtime - lines[-1]["time/step_seconds"] - process["started"]
    if row.kind == "ppo":
        result |= {part: [line[f"time/{part}"] for line in lines]
                   for part in ("rollout_seconds", "score_seconds", "update_seconds")}
        result["stopped_early"] = sum(line["val/num_eos_tokens"] for line in lines)
    else:
        totals = [0] + [line["num_tokens"] for line in lines]
        result["tokens"] = [int(after - before) for before, after in zip(totals, totals[1:])]
    shutil.rmtree(output)
    return result


def run_peer_script(script: str, config: dict, row: Row, lab: Lab, launcher: tuple[str, ...] = ()) -> dict:
    """`launcher`: arguments of Python that start the script, as ranks of a run."""
    folder = fresh(lab.work / "runs" / "peer")
    config |= {"setting": row.setting, "dtype": lab.dtype(row), "batch": row.batch, "output": str(folder / "run"),
               "result": str(folder / "result.json")}
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    env = environment.peer_environment(lab.work, lab.threads, row.setting)
    env["HF_DATASETS_CACHE"] = str(folder / "datasets")  # nothing is left of the run before
    if script == "ppo" and row.setting == "best" and lab.dtype(row) == "bfloat16":
        env["ACCELERATE_MIXED_PRECISION"] = "bf16"
    python = lab.venvs["trl-ppo" if script == "ppo" else "trl"]
    process = run([python, *launcher, PEERS / f"{script}.py", folder / "config.json"], env, folder / "log.txt")
    return process | json.loads((folder / "result.json").read_text())


def run_peer(row: Row, lab: Lab, steps: int, *launcher: str) -> dict:
    config = {"data": lab.data(row) + ".ids.jsonl", "steps": steps, "lr": learning_rate(row), "adapter": row.adapter,
              "model": lab.model(row, row.kind == "rm"), "reward": lab.model(row, True), "epochs": row.epochs,
              "new_tokens": row.new_tokens}
    if row.data == "gsm8k":
        config["texts"] = str(lab.source / "gsm8k" / "train.jsonl")
    result = run_peer_script(row.kind, config, row, lab, launcher)
    result["step_seconds"] = result.pop("seconds")
    if "first_step_at" in result:
        result["startup_seconds"] = result["first_step_at"] - result["started"]
    return result


def generate_ours(row: Row, lab: Lab, greedy: bool = False) -> dict:
    command = [lab.build / "bin" / "bench-generate", "--model", lab.model(row, False), "--batch", row.batch, "--new",
               row.new_tokens, "--dtype", row.dtype, "--repeat", lab.repeat] + (["--greedy"] if greedy else [])
    log = fresh(lab.work / "runs" / "ours") / "log.txt"
    process = run(command, environment.engine_environment(lab.threads), log)
    return process | json.loads(log.read_text().splitlines()[-1])


def generate_peer(row: Row, lab: Lab, dtype: str, cache: str, greedy: bool = False) -> dict:
    config = {"model": lab.model(row, False), "weights": dtype, "prompt": 64, "greedy": greedy,
              "new_tokens": row.new_tokens, "repeat": lab.repeat, "cache": cache}
    return run_peer_script("generate", config, row, lab)


def roofline(lab: Lab) -> dict:
    log = lab.work / "runs" / "roofline.txt"
    env = environment.peer_environment(lab.work, lab.threads, "best")
    dtypes = dict.fromkeys(("float32", lab.fast))  # bfloat16 only where the processor multiplies it
    process = run([lab.venvs["trl"], PEERS / "roofline.py", *dtypes], env, log)
    return json.loads(log.read_text().splitlines()[-1]) | {"others_share": process["others_share"]}
