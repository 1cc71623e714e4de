"""run_transformers.py IN (FOLDER OUT)...: logits (or scores) of the sequences in IN by the model of each folder."""
import json
import pathlib
import sys

import torch
import transformers
from safetensors.torch import load_file, save_file

transformers.utils.logging.disable_progress_bar()
batch = load_file(sys.argv[1])
offsets = batch["offsets"].tolist()
sequences = [batch["tokens"][a:b] for a, b in zip(offsets, offsets[1:])]


def logits(model):
    return torch.cat([model(input_ids=s[None]).logits[0] for s in sequences])


def scores(model):
    """One padded batch: the pad id of config.json must let transformers find each last token."""
    padded = torch.nn.utils.rnn.pad_sequence(sequences, batch_first=True, padding_value=model.config.pad_token_id)
    mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(s) for s in sequences], batch_first=True)
    together = model(input_ids=padded, attention_mask=mask).logits[:, 0]
    alone = torch.cat([model(input_ids=s[None]).logits[:, 0] for s in sequences])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)
    return together


def adapted(folder):
    """The model of an adapter's folder, and what to read of it."""
    import peft
    settings = json.loads((folder / "adapter_config.json").read_text())
    if settings["task_type"] == "SEQ_CLS":
        return peft.AutoPeftModelForSequenceClassification.from_pretrained(folder, num_labels=1, pad_token_id=0), scores
    return peft.AutoPeftModelForCausalLM.from_pretrained(folder), logits


def scores_of_trunk(folder):
    """For families without a class with a scalar head."""
    trunk = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    weight = load_file(pathlib.Path(folder) / "model.safetensors")["score.weight"]
    return torch.cat([trunk(input_ids=s[None]).last_hidden_state[0, -1:] @ weight[0] for s in sequences])


def outputs(folder):
    architecture = json.loads((pathlib.Path(folder) / "config.json").read_text())["architectures"][0]
    if not hasattr(transformers, architecture):
        return scores_of_trunk(folder)
    model = getattr(transformers, architecture).from_pretrained(folder, dtype=torch.float32).eval()
    return scores(model) if architecture.endswith("ForSequenceClassification") else logits(model)


with torch.no_grad():
    for folder, target in zip(sys.argv[2::2], sys.argv[3::2]):
        if (pathlib.Path(folder) / "adapter_config.json").exists():
            model, read = adapted(pathlib.Path(folder))
            save_file({"out": read(model.eval()).contiguous()}, target)
        else:
            save_file({"out": outputs(folder).contiguous()}, target)
