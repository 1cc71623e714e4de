"""print_changed.py BEFORE AFTER: ids with tokens that transformers adds to the tokenizer BEFORE, and ids of AFTER."""
import json
import sys

from transformers import AutoTokenizer

TOKENS, TEXT = ["<|end|>", "<|start|>"], "ab<|start|>1<|end|>"


def read(tokenizer):
    return {"ids": tokenizer(TEXT, add_special_tokens=False).input_ids, "eos": tokenizer.eos_token_id,
            "pad": tokenizer.pad_token_id, "size": len(tokenizer),
            "text": tokenizer.decode(tokenizer.convert_tokens_to_ids(TOKENS), skip_special_tokens=True)}


added = AutoTokenizer.from_pretrained(sys.argv[1])
added.add_special_tokens({"additional_special_tokens": TOKENS})
added.eos_token, added.pad_token = TOKENS[0], "<s>"
json.dump({"added": read(added), "saved": read(AutoTokenizer.from_pretrained(sys.argv[2]))}, sys.stdout)
