"""Makes an adapter for every tiny model of ../families with PEFT, and what the model computes with it. See SOURCE.md."""
import json
import pathlib
import shutil
import sys

import peft
import torch
import transformers
from safetensors.torch import load_file, save_file

HERE = pathlib.Path(__file__).parent
FAMILIES = HERE.parent / "families"
sys.path.insert(0, str(FAMILIES))
from make_goldens import LENGTHS  # noqa: E402

# adapter: (family, settings of LoraConfig)
ADAPTERS = {name: (name, {}) for name in (
    "llama3", "mistral", "qwen2", "qwen3", "phi3", "gemma", "gemma2", "gemma3", "gpt2", "gpt_neox", "opt")} | {
    "some_layers": ("llama_linear", {"target_modules": ["q_proj", "v_proj", "down_proj"], "use_rslora": True}),
    "reward": ("llama3", {"task_type": "SEQ_CLS"}),
} | {name: (name, {}) for name in ("olmo2", "phi", "cohere", "gptj", "granite", "falcon", "bloom")} | {
    "mixtral": ("mixtral", {"target_modules": ["q_proj", "k_proj", "v_proj", "o_proj"]})}


def randomize(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            if parameter.requires_grad:
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))


def name_in_file(name):
    return name.replace(".default", "").replace("modules_to_save.", "")


def make(name, seed):
    family, settings = ADAPTERS[name]
    scalar = settings.get("task_type") == "SEQ_CLS"
    kind = transformers.AutoModelForSequenceClassification if scalar else transformers.AutoModelForCausalLM
    options = {"num_labels": 1, "pad_token_id": 0} if scalar else {}
    base = kind.from_pretrained(FAMILIES / family, attn_implementation="eager", **options)
    config = peft.LoraConfig(**({"r": 2, "lora_alpha": 3, "target_modules": "all-linear", "task_type": "CAUSAL_LM"}
                                | settings))
    model = peft.get_peft_model(base, config)
    randomize(model, seed)
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    saved = json.loads((folder / "adapter_config.json").read_text())
    saved["base_model_name_or_path"] = f"../../families/{family}"
    if isinstance(saved["target_modules"], list):
        saved["target_modules"].sort()  # a set in PEFT
    (folder / "adapter_config.json").write_text(json.dumps(saved, indent=2) + "\n")
    model.eval()
    generator = torch.Generator().manual_seed(1000 + seed)
    tokens = [torch.randint(3, 48, (length,), generator=generator) for length in LENGTHS]
    logits = [model(input_ids=t[None]).logits[0] for t in tokens]
    if scalar:
        loss = sum(z.sum().square() for z in logits)
    else:
        losses = [torch.nn.functional.cross_entropy(z[:-1], t[1:], reduction="sum")
                  for z, t in zip(logits, tokens) if len(t) > 1]
        loss = sum(losses) / sum(len(t) - 1 for t in tokens)
    loss.backward()
    gradients = {"grad." + name_in_file(n): p.grad for n, p in model.named_parameters() if p.requires_grad}
    assert {n[5:] for n in gradients} == set(load_file(folder / "adapter_model.safetensors"))
    merged = model.merge_and_unload()
    weights = {"merged." + n: p.detach().clone() for n, p in merged.named_parameters()
               if ("layers.1." in n or ".h.1." in n) and p.dim() == 2 and not ("experts" in n or "gate.weight" in n)}
    save_file({"tokens": torch.cat(tokens), "logits": torch.cat(logits).detach(), "loss": loss.detach().reshape(1),
               **gradients, **weights}, HERE / f"{name}.safetensors")
    print(name, float(loss))


if __name__ == "__main__":
    torch.set_num_threads(1)
    for number, adapter in enumerate(ADAPTERS):
        make(adapter, 1 + number)
