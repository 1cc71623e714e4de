"""Formulas: useful floating-point operations, medians and their intervals."""
import random
import statistics

VOCABULARY = 32000
SHAPES = {"30m": {"N": 23_601_664, "hidden": 512, "layers": 8}, "110m": {"N": 84_953_856, "hidden": 768, "layers": 12}}
FORMULAS = [
    "N: parameters but the embedding (30m: 23,601,664, 110m: 84,953,856); L layers, h hidden size, V = 32,000.",
    "Training a sequence of T tokens: 6 N T + 6 L h T² (causal attention) + 6 V h per token whose logits are needed. "
    "Padding and recomputation do not count.",
    "A PPO step of R response tokens and A tokens in all, E epochs: generating and the reference 2 N A + 2 V h R each, "
    "reward and value 2 N A each, updates E (12 N A + 6 V h R).",
    "Decoding one token at batch 1 reads 2 (N + V h) bytes of bfloat16 weights (the cache is not counted).",
]


def training_flops(model: str, sequences: list[int], labels: int) -> float:
    """Of one step: the lengths of its sequences, and its tokens that need logits (0 for a reward model)."""
    s = SHAPES[model]
    return (sum(6 * s["N"] * t + 6 * s["layers"] * s["hidden"] * t * t for t in sequences)
            + 6 * VOCABULARY * s["hidden"] * labels)


def ppo_flops(model: str, prompt_tokens: int, response_tokens: int, epochs: int) -> float:
    s = SHAPES[model]
    tokens, head = s["N"] * (prompt_tokens + response_tokens), VOCABULARY * s["hidden"] * response_tokens
    return 2 * (2 * tokens + 2 * head) + 2 * 2 * tokens + epochs * (12 * tokens + 6 * head)


def decode_bytes(model: str) -> float:
    return 2 * (SHAPES[model]["N"] + VOCABULARY * SHAPES[model]["hidden"])


def median_with_interval(values: list[float], resamples: int = 10_000) -> dict:
    """The median, and the percentile interval that holds 95 % of the medians of resampled values."""
    rng = random.Random(0)
    medians = sorted(statistics.median(rng.choices(values, k=len(values))) for _ in range(resamples))
    return {"median": statistics.median(values), "low": medians[round(0.025 * resamples)],
            "high": medians[round(0.975 * resamples) - 1], "values": values}
