"""What the peer scripts share: their config, their data, the times of their steps, their result."""
import json
import logging
import os
import sys
import time
from pathlib import Path

from transformers import TrainerCallback


def read_config() -> dict:
    logging.disable(logging.INFO)
    return json.loads(Path(sys.argv[1]).read_text())


def read_ids(path: str) -> list[dict]:
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def write_result(config: dict, **result) -> None:
    if os.environ.get("RANK", "0") == "0":
        Path(config["result"]).write_text(json.dumps(result))


class StepClock(TrainerCallback):
    """Seconds of every step and its loss. A step begins when its batch is there, which favours the peer a little: our
    tools count the making of the batch."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.losses: list[float] = []
        self.first_step_at = 0.0
        self.began = 0.0

    def on_step_begin(self, args, state, control, **kwargs) -> None:
        self.first_step_at = self.first_step_at or time.time()
        self.began = time.perf_counter()

    def on_step_end(self, args, state, control, **kwargs) -> None:
        self.seconds.append(time.perf_counter() - self.began)

    def on_log(self, args, state, control, logs=None, **kwargs) -> None:
        if logs and "loss" in logs:
            self.losses.append(float(logs["loss"]))


def adapted(model: str):
    """The adapter that prepare.py made, to be trained further."""
    from peft import AutoPeftModelForCausalLM
    return AutoPeftModelForCausalLM.from_pretrained(model + "-adapter", is_trainable=True, dtype="float32")


def training_arguments(config: dict) -> dict:
    """What both settings share; the setting `default` leaves the rest as TRL has it. A batch is that of all ranks."""
    arguments = dict(
        output_dir=config["output"], use_cpu=True, per_device_train_batch_size=config["batch"] // int(os.environ.get("WORLD_SIZE", "1")),
        max_steps=config["steps"], learning_rate=config["lr"], lr_scheduler_type="constant", adam_beta1=0.9,
        adam_beta2=0.95, adam_epsilon=1e-8, weight_decay=0.0, max_grad_norm=1.0, max_length=512,
        train_sampling_strategy="sequential", logging_steps=1, save_strategy="no", report_to="none", disable_tqdm=True)
    if config["setting"] != "default":
        arguments.update(gradient_checkpointing=False, optim="adamw_torch_fused", bf16=config["dtype"] == "bfloat16")
    return arguments
