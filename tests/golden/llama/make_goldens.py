"""Makes the tiny Llamas of this folder and what `transformers` computes with them. See SOURCE.md."""
import json
import pathlib

import torch
import transformers
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
LENGTHS = [7, 7, 1, 5]


def tiny_config(**changes):
    sizes = dict(vocab_size=96, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
                 num_key_value_heads=2, max_position_embeddings=64, rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2,
                 pad_token_id=0)
    return transformers.LlamaConfig(**{**sizes, **changes})


def randomize(model, seed):
    """Weights so large that attention, norms and gates are far from their linear range."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(1 + 0.2 * noise if "norm" in name else 0.2 * noise)


def sequences(seed):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(3, 96, (length,), generator=generator) for length in LENGTHS]


def use_old_spelling(folder):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config["rope_theta"] = config.pop("rope_parameters")["rope_theta"]
    config["rope_scaling"] = None
    config["torch_dtype"] = config.pop("dtype")
    path.write_text(json.dumps(config, indent=2) + "\n")


def gradients_of(model):
    return {"grad." + name: parameter.grad for name, parameter in model.named_parameters()}


def make_causal(name, seed, old_spelling, **changes):
    model = transformers.LlamaForCausalLM(tiny_config(**changes))
    randomize(model, seed)
    model.save_pretrained(HERE / name)
    if old_spelling:
        use_old_spelling(HERE / name)
    model = transformers.LlamaForCausalLM.from_pretrained(HERE / name, attn_implementation="eager")
    tokens = sequences(seed + 1)
    logits = [model(input_ids=t[None]).logits[0] for t in tokens]
    losses = [torch.nn.functional.cross_entropy(z[:-1], t[1:], reduction="sum") for z, t in zip(logits, tokens) if len(t) > 1]
    loss = sum(losses) / sum(len(t) - 1 for t in tokens)
    loss.backward()
    save_file({"tokens": torch.cat(tokens), "logits": torch.cat(logits).detach(), "loss": loss.detach().reshape(1),
               **gradients_of(model)}, HERE / f"{name}.safetensors")


def make_scalar(name, seed):
    model = transformers.LlamaForSequenceClassification(tiny_config(num_labels=1))
    randomize(model, seed)
    model.save_pretrained(HERE / name)
    model = transformers.LlamaForSequenceClassification.from_pretrained(HERE / name, attn_implementation="eager")
    tokens = sequences(seed + 1)
    scores = torch.stack([model(input_ids=t[None]).logits[0, 0] for t in tokens])
    (scores * torch.tensor([1.0, -2.0, 0.5, 3.0])).sum().backward()
    save_file({"tokens": torch.cat(tokens), "scores": scores.detach(), **gradients_of(model)}, HERE / f"{name}.safetensors")


if __name__ == "__main__":
    torch.set_num_threads(1)
    make_causal("untied", 1, old_spelling=True, rope_theta=10000.0)
    make_causal("tied", 11, old_spelling=False, tie_word_embeddings=True, rope_parameters={"rope_type": "default", "rope_theta": 500.0},
                head_dim=12)
    make_scalar("scalar", 21)
