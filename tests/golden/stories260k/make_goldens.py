"""Greedy continuation of a converted stories260K by `transformers`. See SOURCE.md.

    python tests/golden/stories260k/make_goldens.py FOLDER
"""
import json
import pathlib
import sys

import torch
import transformers

if __name__ == "__main__":
    torch.set_num_threads(1)
    model = transformers.LlamaForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32, attn_implementation="eager")
    ids = model.generate(torch.tensor([[1]]), do_sample=False, max_new_tokens=64, use_cache=False)[0, 1:].tolist()
    with torch.no_grad():
        logits = model(torch.tensor([[1]])).logits[0, 0, :8].tolist()
        tokens = torch.tensor([[1] + ids[:31]])
        nll = model(tokens, labels=tokens).loss.item()
    golden = {"greedy_ids": ids, "first_logits": logits, "mean_nll_of_first_31": nll}
    (pathlib.Path(__file__).parent / "stories260k.json").write_text(json.dumps(golden) + "\n")
