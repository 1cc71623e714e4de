"""The rows of the table, and the goals that they answer."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    name: str
    kind: str               # sft, rm, dpo, ppo, generate, help, startup
    what: str
    model: str = "30m"
    setting: str = "best"   # of the peer: best, default, fp32
    dtype: str = "auto"     # auto: bfloat16 where the processor multiplies it, else float32
    data: str = "grouped"
    pairs: int = 7
    epochs: int = 4
    batch: int = 8
    new_tokens: int = 64
    adapter: bool = False   # adapters of rank 16 are trained


@dataclass(frozen=True)
class Goal:
    text: str
    row: str
    figure: str
    bar: float
    at_most: bool = False
    unit: str = "x"

    def met(self, figure: dict) -> bool:
        return figure["high"] <= self.bar if self.at_most else figure["low"] >= self.bar


def generate(name: str, what: str, **fields) -> Row:
    return Row(name, "generate", what, **{"new_tokens": 128, "data": "made-up", **fields})


DEFAULT = dict(setting="default", data="random", pairs=3)
ROWS = [
    Row("sft-30m", "sft", "grouped by length, allocator tuned"),
    Row("sft-30m-default", "sft", "TRL as it comes (bf16 autocast, checkpointing), random batches", **DEFAULT),
    Row("sft-30m-fp32", "sft", "float32 on both sides, grouped, allocator tuned", setting="fp32", dtype="float32"),
    Row("sft-30m-constant", "sft", "as sft-30m, every sample 256 tokens, all of them labels", data="constant"),
    Row("sft-110m", "sft", "as sft-30m", model="110m", pairs=3),
    Row("lora-30m", "sft", "as sft-30m, adapters of rank 16 of all linear layers, against TRL with PEFT", adapter=True),
    Row("lora-110m", "sft", "as lora-30m", model="110m", pairs=3, adapter=True),
    Row("rm-30m", "rm", "grouped by length, allocator tuned"),
    Row("rm-30m-default", "rm", "TRL as it comes, random batches", **DEFAULT),
    Row("rm-110m", "rm", "as rm-30m", model="110m", pairs=3),
    Row("dpo-30m", "dpo", "grouped by length, allocator tuned, TRL's reference computed before the first step"),
    Row("dpo-30m-default", "dpo", "TRL as it comes, random batches", **DEFAULT),
    Row("ppo-30m", "ppo", "allocator tuned; 16 x 64 tokens, 4 epochs", data="ppo", batch=16),
    Row("ppo-30m-1epoch", "ppo", "as ppo-30m, 1 epoch", data="ppo", batch=16, epochs=1),
    Row("ppo-30m-default", "ppo", "TRL as it comes (float32), 4 epochs", **DEFAULT | dict(data="ppo", batch=16)),
    Row("ppo-110m", "ppo", "as ppo-30m", model="110m", data="ppo", batch=16, pairs=3),
    Row("ppo-110m-lora", "ppo", "as ppo-110m, adapters of rank 16; ours on one shared trunk", model="110m", data="ppo",
        batch=16, pairs=3, adapter=True),
    *(generate(f"rollout-30m-b{batch}", f"64 + 128 tokens, batch {batch}", batch=batch, pairs=pairs)
      for batch, pairs in ((16, 7), (32, 5), (64, 5))),
    generate("rollout-30m-default", "64 + 128 tokens, batch 16, HF as it comes (float32)", batch=16,
             **DEFAULT | dict(data="made-up")),
    generate("decode-30m-b1", "one answer, ours in bfloat16, without the prompt's pass", batch=1, dtype="bfloat16"),
    generate("decode-110m-b1", "one answer, ours in bfloat16, without the prompt's pass", batch=1, dtype="bfloat16",
             model="110m"),
    Row("help", "help", "--help and a config error, against trl sft --help", pairs=5),
    Row("startup", "startup", "process start to first step, 7,473 rows tokenised", **DEFAULT | dict(data="gsm8k")),
]

GOALS = [
    *(Goal("SFT, tokens per second against TRL at its best", row, "speed", 2) for row in ("sft-30m", "sft-110m")),
    Goal("SFT against TRL's defaults", "sft-30m-default", "speed", 5),
    Goal("SFT in float32 on both sides", "sft-30m-fp32", "speed", 1.8),
    Goal("SFT without any padding to save", "sft-30m-constant", "speed", 1.3),
    *(Goal("Reward model against TRL at its best", row, "speed", 1.8) for row in ("rm-30m", "rm-110m")),
    Goal("Reward model against TRL's defaults", "rm-30m-default", "speed", 3.2),
    Goal("DPO against TRL at its best", "dpo-30m", "speed", 2),
    *(Goal("PPO step, 4 epochs, against TRL at its best", row, "speed", 2.2) for row in ("ppo-30m", "ppo-110m")),
    Goal("PPO step, 1 epoch, against TRL at its best", "ppo-30m-1epoch", "speed", 3),
    Goal("PPO step, 4 epochs, against TRL's defaults", "ppo-30m-default", "speed", 5.5),
    *(Goal("Rollout against HF generate at its best", f"rollout-30m-b{batch}", "speed", 4) for batch in (16, 32, 64)),
    Goal("Rollout against HF generate's defaults", "rollout-30m-default", "speed", 5),
    *(Goal("Decoding at batch 1 against HF", f"decode-{model}-b1", "speed", 3) for model in ("30m", "110m")),
    *(Goal("Decoding at batch 1, share of the read bandwidth", f"decode-{model}-b1", "bandwidth_share", 0.45, unit="%")
      for model in ("30m", "110m")),
    *(Goal("SFT of adapters against TRL with PEFT", row, "speed", 2) for row in ("lora-30m", "lora-110m")),
    Goal("Peak memory of PPO of adapters against TRL with PEFT", "ppo-110m-lora", "memory", 0.5, at_most=True),
    Goal("Peak memory of SFT against TRL at its best", "sft-30m", "memory", 0.35, at_most=True),
    Goal("Peak memory of a reward model against TRL at its best", "rm-30m", "memory", 0.6, at_most=True),
    Goal("Peak memory of PPO against TRL at its best", "ppo-30m", "memory", 0.5, at_most=True),
    Goal("SFT, share of the matmul rate", "sft-30m", "matmul_share", 0.5, unit="%"),
    Goal("SFT, share of the matmul rate", "sft-110m", "matmul_share", 0.6, unit="%"),
    Goal("--help", "help", "help_seconds", 0.05, at_most=True, unit="ms"),
    Goal("A config error", "help", "error_seconds", 0.05, at_most=True, unit="ms"),
    Goal("Start to first step against TRL", "startup", "startup", 0.15, at_most=True),
]
