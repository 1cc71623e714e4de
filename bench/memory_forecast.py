#!/usr/bin/env python3
"""The memory forecast of runs against the peak of the process that they really take (VmHWM). Trains new models on made-up
texts, one configuration after the other, and prints a Markdown table.

usage: memory_forecast.py BIN [WORD]      BIN has rlhf-sft, rlhf-rm and rlhf-ppo; WORD: only rows whose name contains it
"""
import json
import os
import subprocess
import sys
import tempfile

STEPS = 2


def write_data(folder):
    def lines(name, make):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            for a in range(60):
                for b in range(50):
                    question = f"What is {a} plus {b}, and how do you know that it is so? Explain each step please. " * 3
                    answer = f"It is {a + b}, because {a} and {b} make {a + b}. " * 6
                    file.write(json.dumps(make(question, answer, a, b)) + "\n")

    lines("demonstrations.jsonl", lambda q, a, x, y: {"prompt": q, "completion": a})
    lines("prompts.jsonl", lambda q, a, x, y: {"prompt": q})
    lines("pairs.jsonl", lambda q, a, x, y: {"prompt": q, "chosen": a, "rejected": a.replace(str(x + y), str(x + y + 1))})


def sizes(width, layers, tied=True):
    heads = width // 64
    return [f"model.init.hidden_size={width}", f"model.init.intermediate_size={width * 11 // 4}",
            f"model.init.num_hidden_layers={layers}", f"model.init.num_attention_heads={heads}",
            f"model.init.num_key_value_heads={heads}", f"model.init.tie_word_embeddings={str(tied).lower()}"]


SMALL, MIDDLE, LARGE, WIDE = sizes(128, 4), sizes(512, 8), sizes(1024, 14), sizes(1024, 4, tied=False)


def peak(binary, tool, arguments, output):
    """Runs a tool; returns its forecast, the peak of its process and that after the first and the last step, in MiB."""
    quiet = ["checkpoint.every_steps=0", "log.samples_every_steps=0", f"train.output={output}"]
    process = subprocess.Popen([os.path.join(binary, tool)] + arguments + quiet, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"{tool} {' '.join(arguments)}: ended with {status}")
    with open(os.path.join(output, "run.json"), encoding="utf-8") as file:
        plan = json.load(file)["plan"]
    return plan["memory_bytes"] / 2**20, usage.ru_maxrss / 1024


def supervised(tool, model, dtype, batch, micro=None, steps=STEPS):
    data = "demonstrations" if tool == "rlhf-sft" else "pairs"
    arguments = model + ["model.tokenizer=tokenizer", f"data.train=[{data}.jsonl]", f"train.max_steps={steps}",
                         f"train.batch_size={batch}", f"train.dtype={dtype}"]
    return tool, arguments + ([f"train.micro_batch_tokens={micro}"] if micro else [])


def ppo(name, dtype, batch, new_tokens, micro=None, steps=STEPS, folder=None):
    arguments = [f"model.policy={folder or 'sft-' + name}/final", f"model.reward=rm-{name}/final", "data.prompts=[prompts.jsonl]",
                 f"rollout.batch_size={batch}", f"rollout.max_new_tokens={new_tokens}", f"train.total_episodes={batch * steps}",
                 "ppo.num_ppo_epochs=1", f"train.dtype={dtype}"]
    return "rlhf-ppo", arguments + ([f"train.micro_batch_tokens={micro}"] if micro else [])


ROWS = [
    ("SFT 1 M, fp32, batch 4", supervised("rlhf-sft", SMALL, "float32", 4)),
    ("SFT 1 M, fp32, batch 64", supervised("rlhf-sft", SMALL, "float32", 64)),
    ("SFT 1 M, bf16, batch 64", supervised("rlhf-sft", SMALL, "bfloat16", 64)),
    ("SFT 26 M, fp32, batch 2", supervised("rlhf-sft", MIDDLE, "float32", 2)),
    ("SFT 26 M, fp32, batch 16", supervised("rlhf-sft", MIDDLE, "float32", 16)),
    ("SFT 26 M, fp32, batch 16, micro-batch 1024", supervised("rlhf-sft", MIDDLE, "float32", 16, 1024)),
    ("SFT 26 M, bf16, batch 2", supervised("rlhf-sft", MIDDLE, "bfloat16", 2)),
    ("SFT 178 M, fp32, batch 1", supervised("rlhf-sft", LARGE, "float32", 1, steps=1)),
    ("SFT 178 M, fp32, batch 4", supervised("rlhf-sft", LARGE, "float32", 4, steps=1)),
    ("SFT 51 M, fp32, own head, batch 4", supervised("rlhf-sft", WIDE, "float32", 4)),
    ("RM 1 M, fp32, batch 8", supervised("rlhf-rm", SMALL, "float32", 8)),
    ("RM 1 M, fp32, batch 32, micro-batch 2048", supervised("rlhf-rm", SMALL, "float32", 32, 2048)),
    ("RM 26 M, fp32, batch 4", supervised("rlhf-rm", MIDDLE, "float32", 4)),
    ("RM 26 M, fp32, batch 8, micro-batch 1024", supervised("rlhf-rm", MIDDLE, "float32", 8, 1024)),
    ("RM 1 M, bf16, batch 8", supervised("rlhf-rm", SMALL, "bfloat16", 8)),
    ("PPO 1 M, fp32, 16 rows of 32", ppo("small", "float32", 16, 32)),
    ("PPO 1 M, fp32, 96 rows of 96, 12 rollouts", ppo("small", "float32", 96, 96, steps=12)),
    ("PPO 1 M, fp32, 96 rows of 32, micro-batch 1024", ppo("small", "float32", 96, 32, 1024)),
    ("PPO 26 M, fp32, 4 rows of 16", ppo("middle", "float32", 4, 16)),
    ("PPO 26 M, fp32, 16 rows of 32", ppo("middle", "float32", 16, 32)),
    ("PPO 26 M, fp32, 16 rows of 32, micro-batch 512", ppo("middle", "float32", 16, 32, 512)),
]


def prepare(binary):
    write_data(".")
    tool = lambda name, *arguments: subprocess.run([os.path.join(binary, name), *arguments], check=True,
                                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    tool("rlhf-tokenizer", "--input", "demonstrations.jsonl", "--vocab-size", "400", "--output", "tokenizer")
    for name, model in (("small", SMALL), ("middle", MIDDLE)):
        for kind in ("rlhf-sft", "rlhf-rm"):
            program, arguments = supervised(kind, model, "float32", 1, steps=1)
            tool(program, *arguments, f"train.output={kind[5:]}-{name}")


def main():
    binary = os.path.abspath(sys.argv[1])
    word = sys.argv[2] if len(sys.argv) > 2 else ""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        prepare(binary)
        print("| run | forecast, MiB | peak, MiB | peak / forecast |\n|---|---|---|---|")
        for number, (name, (tool, arguments)) in enumerate(ROWS):
            if word not in name:
                continue
            forecast, measured = peak(binary, tool, arguments, f"run-{number}")
            print(f"| {name} | {forecast:.0f} | {measured:.0f} | {measured / forecast:.2f} |", flush=True)


if __name__ == "__main__":
    main()
