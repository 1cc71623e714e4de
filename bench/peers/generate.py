"""`generate` of transformers: generate.py CONFIG.json. The prompts are those of bench/generate.cpp."""
import time

import torch
from transformers import AutoModelForCausalLM

import common


def make_prompts(batch: int, length: int, vocabulary: int) -> torch.Tensor:
    return torch.tensor([[3 + (row * 7919 + position * 104729) % (vocabulary - 3) for position in range(length)]
                         for row in range(batch)])


def main() -> None:
    config = common.read_config()
    dtype = {} if config["weights"] == "default" else {"dtype": config["weights"]}
    model = AutoModelForCausalLM.from_pretrained(config["model"], **dtype).eval()
    model.generation_config.eos_token_id = None  # every row gets all its tokens
    prompts = make_prompts(config["batch"], config["prompt"], model.config.vocab_size)
    sampling = dict(do_sample=False) if config["greedy"] else dict(do_sample=True, temperature=1.0, top_k=0, top_p=1.0)
    if config["cache"] == "static":
        sampling["cache_implementation"] = "static"

    def answer(new_tokens: int) -> tuple[float, torch.Tensor]:
        began = time.perf_counter()
        ids = model.generate(input_ids=prompts, attention_mask=torch.ones_like(prompts), max_new_tokens=new_tokens,
                             **sampling)
        return time.perf_counter() - began, ids[:, config["prompt"]:]

    with torch.inference_mode():
        answer(8)
        prefill = [answer(1)[0] for _ in range(config["repeat"])]
        runs = [answer(config["new_tokens"]) for _ in range(config["repeat"])]
    assert all(ids.shape == (config["batch"], config["new_tokens"]) for _, ids in runs)
    common.write_result(config, prefill_seconds=prefill, seconds=[seconds for seconds, _ in runs],
                        tokens=runs[0][1].tolist() if config["greedy"] else [])


main()
