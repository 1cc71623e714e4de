"""make_goldens.py [NAME...]: makes a tiny model of every family (or of these) and what `transformers` computes with it.
See SOURCE.md."""
import copy
import json
import pathlib
import sys

import torch
import transformers
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
LENGTHS = [11, 6, 1, 6]
VOCABULARY = 48
SIZES = dict(vocab_size=VOCABULARY, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
             max_position_embeddings=32, bos_token_id=1, eos_token_id=2, pad_token_id=0)
GROUPED = SIZES | dict(num_key_value_heads=2)
GEMMA = GROUPED | dict(head_dim=8, sliding_window=4, query_pre_attn_scalar=4)
ROPE = {"rope_type": "default", "rope_theta": 100.0}
YARN = ROPE | {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 8, "beta_fast": 2.0,
               "beta_slow": 0.25}
EXPERTS = GROUPED | dict(num_experts_per_tok=2, rope_parameters=ROPE)
FALCON = {k: v for k, v in SIZES.items() if k != "intermediate_size"} | dict(ffn_hidden_size=24, rope_parameters=ROPE)

# name: (class, its config, keys as older files spell them, what the weights are multiplied with)
FAMILIES = {
    "llama3": ("Llama", GROUPED | dict(tie_word_embeddings=True, rope_parameters={
        "rope_type": "llama3", "rope_theta": 100.0, "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 16}), {}, 0.3),
    "llama_linear": ("Llama", GROUPED | dict(attention_bias=True, mlp_bias=True, rope_parameters={
        "rope_type": "linear", "rope_theta": 100.0, "factor": 3.0}),
        {"rope_theta": 100.0, "rope_scaling": {"type": "linear", "factor": 3.0}}, 0.3),
    "mistral": ("Mistral", GROUPED | dict(sliding_window=4, head_dim=8, rope_parameters=ROPE), {}, 0.3),
    "qwen2": ("Qwen2", GROUPED | dict(use_sliding_window=True, sliding_window=4, max_window_layers=1,
                                      rope_parameters=ROPE), {}, 0.3),
    "qwen3": ("Qwen3", GROUPED | dict(head_dim=8, attention_bias=True, rope_parameters=ROPE), {}, 0.3),
    "phi3": ("Phi3", GROUPED | dict(sliding_window=4, original_max_position_embeddings=32, rope_parameters=ROPE | {
        "partial_rotary_factor": 0.5}), {}, 0.3),
    "gemma": ("Gemma", GROUPED | dict(head_dim=8, rope_parameters=ROPE), {}, 0.3),
    "gemma2": ("Gemma2", GEMMA | dict(attn_logit_softcapping=1.5, final_logit_softcapping=2.0, rope_parameters=ROPE),
               {}, 0.3),
    "gemma3": ("Gemma3", GEMMA | dict(layer_types=["sliding_attention", "full_attention"], rope_parameters={
        "sliding_attention": ROPE | {"rope_theta": 50.0},
        "full_attention": {"rope_type": "linear", "rope_theta": 1000.0, "factor": 2.0}}), {}, 0.3),
    "gemma3_old": ("Gemma3", GEMMA | dict(layer_types=["sliding_attention", "full_attention"], rope_parameters={
        "sliding_attention": ROPE | {"rope_theta": 50.0}, "full_attention": ROPE | {"rope_theta": 1000.0}}),
        {"rope_theta": 1000.0, "rope_local_base_freq": 50.0, "sliding_window_pattern": 2, "layer_types": None}, 0.3),
    "gpt2": ("GPT2", dict(vocab_size=VOCABULARY, n_embd=16, n_inner=24, n_layer=2, n_head=4, n_positions=32,
                          bos_token_id=1, eos_token_id=2, pad_token_id=0), {}, 0.3),
    "gpt_neox": ("GPTNeoX", SIZES | dict(num_attention_heads=2, rope_parameters=ROPE | {"partial_rotary_factor": 0.5}),
                 {}, 0.3),
    "gpt_neox_serial": ("GPTNeoX", SIZES | dict(num_attention_heads=2, use_parallel_residual=False, rope_parameters=ROPE | {
        "partial_rotary_factor": 0.5}), {"rotary_pct": 0.5, "rotary_emb_base": 100}, 0.3),
    "opt": ("OPT", {k: v for k, v in SIZES.items() if k != "intermediate_size"} | dict(
        ffn_dim=24, word_embed_proj_dim=16), {}, 0.3),
    "llama_dynamic": ("Llama", GROUPED | dict(head_dim=8, rope_parameters={
        "rope_type": "dynamic", "rope_theta": 100.0, "factor": 4.0}), {}, 0.3),
    "llama_yarn": ("Llama", GROUPED | dict(head_dim=16, rope_parameters=YARN), {}, 0.3),
    "llama_yarn_old": ("Llama", GROUPED | dict(head_dim=16, rope_parameters={
        "rope_type": "yarn", "rope_theta": 100.0, "factor": 4.0, "original_max_position_embeddings": 8,
        "beta_fast": 2.0, "beta_slow": 0.25, "mscale": 0.7, "mscale_all_dim": 0.3, "truncate": False}),
        {"rope_theta": 100.0, "rope_scaling": {
            "type": "yarn", "factor": 4.0, "original_max_position_embeddings": 8, "beta_fast": 2.0,
            "beta_slow": 0.25, "mscale": 0.7, "mscale_all_dim": 0.3, "truncate": False}}, 0.3),
    "phi3_longrope": ("Phi3", GROUPED | dict(original_max_position_embeddings=24, rope_parameters={
        "rope_type": "longrope", "rope_theta": 100.0, "short_factor": [1.0, 1.5], "long_factor": [2.0, 3.0]}), {}, 0.3),
    "olmo2": ("Olmo2", GROUPED | dict(rope_parameters=ROPE), {}, 0.3),
    "olmo3": ("Olmo3", GROUPED | dict(sliding_window=4, attention_bias=True, layer_types=["sliding_attention",
              "full_attention"], rope_parameters={"sliding_attention": ROPE, "full_attention": YARN}), {}, 0.3),
    "olmo3_old": ("Olmo3", GROUPED | dict(sliding_window=4), {
        "rope_theta": 100.0, "rope_scaling": {key: value for key, value in YARN.items() if key != "rope_theta"},
        "layer_types": ["full_attention", "sliding_attention"]}, 0.3),
    "smollm3": ("SmolLM3", GROUPED | dict(no_rope_layers=[1, 0], use_sliding_window=True, sliding_window=4,
                                          rope_parameters=ROPE), {}, 0.3),
    "granite": ("Granite", GROUPED | dict(embedding_multiplier=3.0, attention_multiplier=0.4, residual_multiplier=0.7,
                                          logits_scaling=1.7, rope_parameters=ROPE), {}, 0.3),
    "starcoder2": ("Starcoder2", GROUPED | dict(sliding_window=4, rope_parameters=ROPE), {}, 0.3),
    "phi": ("Phi", SIZES | dict(rope_parameters=ROPE), {"rope_theta": 100.0, "partial_rotary_factor": 0.5}, 0.3),
    "phi_norms": ("Phi", GROUPED | dict(qk_layernorm=True, rope_parameters=ROPE), {}, 0.3),
    "cohere": ("Cohere", GROUPED | dict(logit_scale=0.3, rope_parameters=ROPE), {}, 0.3),
    "gptj": ("GPTJ", dict(vocab_size=VOCABULARY, n_embd=16, n_inner=24, n_layer=2, n_head=2, n_positions=32, rotary_dim=4,
                          bos_token_id=1, eos_token_id=2, pad_token_id=0), {}, 0.3),
    "falcon": ("Falcon", FALCON, {}, 0.3),
    "falcon_new": ("Falcon", FALCON | dict(new_decoder_architecture=True, num_kv_heads=2, bias=True), {}, 0.3),
    "falcon_one_norm": ("Falcon", FALCON | dict(new_decoder_architecture=True, num_kv_heads=2,
                                                num_ln_in_parallel_attn=1), {}, 0.3),
    "falcon_serial": ("Falcon", FALCON | dict(multi_query=False, parallel_attn=False, bias=True), {}, 0.3),
    "bloom": ("Bloom", dict(vocab_size=VOCABULARY, hidden_size=24, n_layer=2, n_head=6, bos_token_id=1, eos_token_id=2,
                            pad_token_id=0), {}, 0.3),
    "mixtral": ("Mixtral", EXPERTS | dict(num_local_experts=4, sliding_window=4), {}, 0.3),
    "qwen2_moe": ("Qwen2Moe", EXPERTS | dict(num_experts=4, moe_intermediate_size=12, mlp_only_layers=[0],
                                             shared_expert_intermediate_size=20), {}, 0.3),
    "qwen3_moe": ("Qwen3Moe", EXPERTS | dict(num_experts=4, moe_intermediate_size=12, norm_topk_prob=True, head_dim=8,
                                             use_sliding_window=True, sliding_window=4), {}, 0.3),
    "olmoe": ("Olmoe", EXPERTS | dict(num_experts=4), {}, 0.3),
}


def model_class(name):
    return getattr(transformers, "GPT2LMHeadModel" if name == "GPT2" else name + "ForCausalLM")


def config_class(name):
    return getattr(transformers, "Gemma3TextConfig" if name == "Gemma3" else name + "Config")


def randomize(model, family, scale, seed):
    """Weights so large that norms, gates, caps and windows matter. Gemma's norms multiply by 1 + weight. Routers are so
    sure that rounding does not change their choice."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator)
            is_norm = ("norm" in name or ".ln_" in name) and name.endswith("weight")
            centre = 1.0 if is_norm and not family.startswith("gemma") else 0.0
            is_router = name.endswith("mlp.gate.weight")
            parameter.copy_(centre + (0.2 if is_norm else 2.0 if is_router else scale) * noise)


def respell(folder, old_keys):
    """config.json as versions of `transformers` before 5 wrote it."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config.pop("rope_parameters")
    config["torch_dtype"] = config.pop("dtype")
    config |= old_keys
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not None}, indent=2) + "\n")


def file_gradients(kind, model):
    """Gradients by the names of files: GPT-NeoX has the head's older name there, and experts are tensors of their own."""
    for name, parameter in model.named_parameters():
        if kind == "GPTNeoX":
            name = name.replace("lm_head", "embed_out")
        if kind == "Mixtral":
            name = name.replace(".mlp.", ".block_sparse_moe.")
        stem, _, last = name.rpartition(".")
        if not stem.endswith(".experts"):
            yield name, parameter.grad
            continue
        gate, up, down = ("w1", "w3", "w2") if kind == "Mixtral" else ("gate_proj", "up_proj", "down_proj")
        for number, gradient in enumerate(parameter.grad):
            rows = gradient.chunk(2) if last == "gate_up_proj" else [gradient]
            for part, values in zip([gate, up] if len(rows) == 2 else [down], rows):
                yield f"{stem}.{number}.{part}.weight", values.contiguous()


def make(family, seed):
    kind, settings, old_keys, scale = FAMILIES[family]
    model = model_class(kind)(config_class(kind)(**copy.deepcopy(settings)))  # configs change the sections given to them
    randomize(model, family, scale, seed)
    folder = HERE / family
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink()
    if old_keys:
        respell(folder, old_keys)
    model = model_class(kind).from_pretrained(folder, attn_implementation="eager")
    model.eval()
    generator = torch.Generator().manual_seed(1000 + seed)
    tokens = [torch.randint(3, VOCABULARY, (length,), generator=generator) for length in LENGTHS]
    logits = [model(input_ids=t[None]).logits[0] for t in tokens]
    losses = [torch.nn.functional.cross_entropy(z[:-1], t[1:], reduction="sum")
              for z, t in zip(logits, tokens) if len(t) > 1]
    loss = sum(losses) / sum(len(t) - 1 for t in tokens)
    loss.backward()
    gradients = {"grad." + name: gradient for name, gradient in file_gradients(kind, model)}
    save_file({"tokens": torch.cat(tokens), "logits": torch.cat(logits).detach(), "loss": loss.detach().reshape(1),
               **gradients}, HERE / f"{family}.safetensors")
    print(family, float(loss))


if __name__ == "__main__":
    torch.set_num_threads(1)
    for number, family in enumerate(FAMILIES):
        if family in (sys.argv[1:] or FAMILIES):
            make(family, 1 + number)
