"""run_generate.py FOLDER OUT ID...: the greedy continuation that generate of transformers gives, with its stop ids."""
import json
import sys

import torch
import transformers

transformers.utils.logging.disable_progress_bar()
model = transformers.AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32).eval()
prompt = torch.tensor([[int(i) for i in sys.argv[3:]]])
with torch.no_grad():
    ids = model.generate(prompt, attention_mask=torch.ones_like(prompt), do_sample=False, max_new_tokens=8)
json.dump({"ids": ids[0, prompt.shape[1]:].tolist(), "eos": model.generation_config.eos_token_id}, open(sys.argv[2], "w"))
