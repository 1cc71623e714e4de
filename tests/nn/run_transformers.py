"""run_transformers.py FOLDER IN OUT: logits (or scores) of the sequences in IN by whatever model FOLDER holds."""
import json
import pathlib
import sys

import torch
import transformers
from safetensors.torch import load_file, save_file

transformers.utils.logging.disable_progress_bar()
folder, source, target = sys.argv[1:]
architecture = json.loads((pathlib.Path(folder) / "config.json").read_text())["architectures"][0]
model = getattr(transformers, architecture).from_pretrained(folder, dtype=torch.float32)
batch = load_file(source)
offsets = batch["offsets"].tolist()
sequences = [batch["tokens"][a:b] for a, b in zip(offsets, offsets[1:])]
with torch.no_grad():
    if architecture.endswith("ForCausalLM"):
        out = torch.cat([model(input_ids=s[None]).logits[0] for s in sequences])
    else:  # one padded batch: the pad id of config.json must let transformers find each last token
        padded = torch.nn.utils.rnn.pad_sequence(sequences, batch_first=True, padding_value=model.config.pad_token_id)
        mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(s) for s in sequences], batch_first=True)
        out = model(input_ids=padded, attention_mask=mask).logits[:, 0]
save_file({"out": out.contiguous()}, target)
