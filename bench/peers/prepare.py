"""Makes the models and the data that both sides read: prepare.py CONFIG.json

Texts are tokenised here once, with SentencePiece itself: `transformers` ranks the merges of a SentencePiece file in
another order and splits some texts differently. The peers get these ids; our tools tokenise the texts, and compare.py
checks that they get the same ids.
"""
import json
import random
import shutil
import sys
from pathlib import Path

BOS, EOS, PAD = 1, 2, 0  # Llama 2's; the unknown token pads, because EOS is a label
SHAPES = {
    "30m": dict(hidden_size=512, intermediate_size=1408, num_hidden_layers=8, num_attention_heads=8,
                num_key_value_heads=4),
    "110m": dict(hidden_size=768, intermediate_size=2048, num_hidden_layers=12, num_attention_heads=12,
                 num_key_value_heads=12),
}
TEMPLATE = "{prompt}\n{completion}"
POOL_BATCHES = 50  # `transformers` sorts by length within 50 batches when it groups by length
GATE_STEPS = 20
CONSTANT = 256  # length of every sample of the data without padding


def make_model(folder: Path, shape: dict, tokenizer: Path, reward: bool, seed: int) -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification
    torch.manual_seed(seed)
    config = LlamaConfig(vocab_size=32000, max_position_embeddings=1024, tie_word_embeddings=True, bos_token_id=BOS,
                         eos_token_id=EOS, pad_token_id=PAD, rms_norm_eps=1e-5, dtype="float32", **shape)
    if reward:
        config.num_labels = 1
    model = (LlamaForSequenceClassification if reward else LlamaForCausalLM)(config)
    model.save_pretrained(folder)
    shutil.copyfile(tokenizer, folder / "tokenizer.model")
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True, "bos_token": "<s>", "eos_token": "</s>",
         "unk_token": "<unk>", "pad_token": "<unk>"}))


def make_adapter(folder: Path, base: Path, reward: bool, seed: int) -> None:
    """A new adapter of all linear layers, for a language model or with a scalar head."""
    import torch
    import transformers
    from peft import LoraConfig, get_peft_model
    torch.manual_seed(seed)
    kind, options = (transformers.AutoModelForSequenceClassification, {"num_labels": 1}) if reward else (
        transformers.AutoModelForCausalLM, {})
    model = kind.from_pretrained(base, dtype=torch.float32, **options)
    task = "SEQ_CLS" if reward else "CAUSAL_LM"
    get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type=task)).save_pretrained(folder)
    for name in ("tokenizer.model", "tokenizer_config.json"):
        shutil.copyfile(base / name, folder / name)


class Tokens:
    def __init__(self, path: Path) -> None:
        import sentencepiece
        self.processor = sentencepiece.SentencePieceProcessor(model_file=str(path))

    def joined(self, prompt: str, completion: str) -> tuple[list[int], int]:
        """Ids of a whole sample, and how many of them are prompt."""
        before = [BOS] + self.processor.encode(prompt + "\n")
        ids = [BOS] + self.processor.encode(prompt + "\n" + completion) + [EOS]
        assert ids[:len(before)] == before, "a token straddles the seam"
        return ids, len(before)


def read_jsonl(path: Path) -> list[dict]:
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def demonstrations(rows: list[dict], tokens: Tokens) -> list[tuple[dict, dict]]:
    """(record for our tool, ids for the peer) of every row."""
    result = []
    for row in rows:
        ids, prompt_length = tokens.joined(row["question"], row["answer"])
        result.append(({"prompt": row["question"], "completion": row["answer"]},
                       {"input_ids": ids, "labels": len(ids) - prompt_length, "size": len(ids)}))
    return result


def pairs(rows: list[dict], tokens: Tokens) -> list[tuple[dict, dict]]:
    result = []
    for row in rows:
        (chosen, prompt_length), (rejected, _) = (tokens.joined(row["prompt"], row[side]) for side in ("chosen", "rejected"))
        if chosen == rejected:
            continue
        record = {key: row[key] for key in ("prompt", "chosen", "rejected")}
        size = max(len(chosen), len(rejected))
        result.append((record, {"chosen_ids": chosen, "rejected_ids": rejected, "prompt_length": prompt_length,
                                "size": size}))
    return result


def constant_texts(rows: list[dict], tokens: Tokens, count: int) -> list[tuple[dict, dict]]:
    """Plain texts of several rows each, which both sides cut at CONSTANT tokens; every token is a label."""
    result, text = [], ""
    for row in rows:
        text += row["question"] + "\n" + row["answer"] + "\n"
        ids = [BOS] + tokens.processor.encode(text)
        if len(ids) < CONSTANT:
            continue
        result.append(({"text": text}, {"input_ids": ids[:CONSTANT], "labels": CONSTANT - 1, "size": CONSTANT}))
        text = ""
        if len(result) == count:
            break
    return result


def spread(count: int, wanted: int) -> list[int]:
    """`wanted` indices spread evenly over `count`."""
    return [int((i + 0.5) * count / wanted) for i in range(wanted)]


def grouped(samples: list, batch: int, warmup: int, timed: int, rng: random.Random) -> list:
    """Batches as a sampler that groups by length makes them. The longest comes first (it sets the peak of memory, and
    `transformers` does so too); those that are timed are spread evenly over all lengths, in random order."""
    pool = sorted(samples[:POOL_BATCHES * batch], key=lambda sample: -sample[1]["size"])
    batches = [pool[i:i + batch] for i in range(0, len(pool), batch)]
    chosen = spread(len(batches), timed)
    rng.shuffle(chosen)
    order = ([0] + spread(len(batches), max(1, warmup - 1)))[:warmup] + chosen
    return [sample for i in order for sample in batches[i]]


def write(folder: Path, name: str, samples: list[tuple[dict, dict]]) -> None:
    for suffix, part in ((".jsonl", 0), (".ids.jsonl", 1)):
        text = "".join(json.dumps(sample[part], ensure_ascii=False) + "\n" for sample in samples)
        (folder / (name + suffix)).write_text(text, encoding="utf-8")


def make_data(folder: Path, source: Path, tokenizer: Path, warmup: int, timed: int, batch: int, seed: int) -> None:
    tokens, rng = Tokens(tokenizer), random.Random(seed)
    rows = read_jsonl(source / "gsm8k" / "train.jsonl")
    rng.shuffle(rows)
    steps = warmup + timed
    for name, samples in (("sft", demonstrations(rows, tokens)),
                          ("rm", pairs(read_jsonl(source / "gsm8k" / "solution_pairs.jsonl"), tokens))):
        rng.shuffle(samples)
        fitting = [sample for sample in samples if sample[1]["size"] <= 512]
        short = sorted(fitting, key=lambda sample: sample[1]["size"])[:GATE_STEPS * batch]
        rng.shuffle(short)
        write(folder, f"{name}-grouped", grouped(fitting, batch, warmup, timed, rng))
        write(folder, f"{name}-random", fitting[:steps * batch])
        write(folder, f"{name}-gate", short)
    write(folder, "sft-constant", constant_texts(rows, tokens, steps * batch))
    prompts = [({"prompt": row["question"]}, {"input_ids": [BOS] + tokens.processor.encode(row["question"] + "\n")})
               for row in rows]
    prompts.sort(key=lambda sample: len(sample[1]["input_ids"]))
    write(folder, "ppo", [prompts[i] for i in spread(len(prompts), 16)])  # every rollout answers the same 16 prompts


def main() -> None:
    config = json.loads(Path(sys.argv[1]).read_text())
    tokenizer, folder = Path(config["tokenizer"]), Path(config["folder"])
    for name in config["models"]:
        for reward in (False, True):
            model = Path(config["model_folder"]) / (name + ("-reward" if reward else ""))
            if not (model / "tokenizer_config.json").exists():
                make_model(model, SHAPES[name], tokenizer, reward, config["seed"])
            adapter = model.parent / (model.name + "-adapter")
            if not (adapter / "tokenizer_config.json").exists():
                make_adapter(adapter, Path(config["model_folder"]) / name, reward, config["seed"])
    folder.mkdir(parents=True, exist_ok=True)
    make_data(folder, Path(config["source"]), tokenizer, *(config[key] for key in ("warmup", "timed", "batch", "seed")))


main()
