#!/usr/bin/env python3
"""Turns a llama2.c checkpoint (for instance stories260K.bin) into a Hugging Face folder. Standard library only.

    scripts/convert_llama2c.py stories260K.bin tokenizer.model OUT

The .bin: seven int32 (dim, hidden_dim, layers, heads, kv_heads, vocabulary, positions; a negative vocabulary means an
output head of its own), then float32: embedding, attention norms, wq, wk, wv, wo, feed-forward norms, w1, w2, w3 (each for
all layers), final norm, two rotary tables, and the output head where there is one.
"""
import argparse
import array
import json
import pathlib
import shutil
import struct
import sys

HEADER = struct.Struct("<7i")
BOS, EOS = 1, 2


def rotary_rows(values, heads, head_dim, width):
    """llama2.c rotates neighbouring rows (2i, 2i+1) of a head, Hugging Face rows i and i + head_dim/2."""
    out = array.array("f")
    for head in range(heads):
        for start in (0, 1):
            for i in range(start, head_dim, 2):
                row = (head * head_dim + i) * width
                out += values[row:row + width]
    return out


def read_weights(path):
    """The config and the tensors: name -> (sizes, float32 array)."""
    data = path.read_bytes()
    if len(data) < HEADER.size:
        sys.exit(f"{path}: expected a llama2.c checkpoint, found {len(data)} bytes")
    dim, hidden, layers, heads, kv_heads, vocab, positions = HEADER.unpack_from(data)
    tied, vocab = vocab > 0, abs(vocab)
    if min(dim, hidden, layers, heads, kv_heads, vocab, positions) <= 0 or dim % heads:
        sys.exit(f"{path}: expected the sizes of a Llama, found {HEADER.unpack_from(data)}")
    head_dim = dim // heads
    per_layer = 2 * dim + 2 * dim * dim + 2 * dim * kv_heads * head_dim + 3 * dim * hidden
    count = vocab * dim * (1 if tied else 2) + layers * per_layer + dim + positions * head_dim
    if len(data) != HEADER.size + 4 * count:
        sys.exit(f"{path}: expected {HEADER.size + 4 * count} bytes by its header, found {len(data)}")
    floats = array.array("f", data[HEADER.size:])
    if sys.byteorder == "big":
        floats.byteswap()
    position = 0

    def take(*sizes):
        nonlocal position
        size = sizes[0] * (sizes[1] if len(sizes) > 1 else 1)
        position += size
        return list(sizes), floats[position - size:position]

    tensors = {"model.embed_tokens.weight": take(vocab, dim)}
    kv = kv_heads * head_dim
    for name, sizes in (("input_layernorm", [dim]), ("self_attn.q_proj", [dim, dim]), ("self_attn.k_proj", [kv, dim]),
                        ("self_attn.v_proj", [kv, dim]), ("self_attn.o_proj", [dim, dim]),
                        ("post_attention_layernorm", [dim]), ("mlp.gate_proj", [hidden, dim]),
                        ("mlp.down_proj", [dim, hidden]), ("mlp.up_proj", [hidden, dim])):
        for layer in range(layers):
            shape, values = take(*sizes)
            if name in ("self_attn.q_proj", "self_attn.k_proj"):
                values = rotary_rows(values, sizes[0] // head_dim, head_dim, dim)
            tensors[f"model.layers.{layer}.{name}.weight"] = (shape, values)
    tensors["model.norm.weight"] = take(dim)
    position += positions * head_dim  # the rotary tables
    if not tied:
        tensors["lm_head.weight"] = take(vocab, dim)
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": vocab, "hidden_size": dim,
              "intermediate_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads,
              "num_key_value_heads": kv_heads, "max_position_embeddings": positions, "hidden_act": "silu",
              "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": tied, "bos_token_id": BOS,
              "eos_token_id": EOS, "torch_dtype": "float32"}
    return config, tensors


def write_safetensors(path, tensors):
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, (sizes, values) in tensors.items():
        end = offset + 4 * len(values)
        header[name] = {"dtype": "F32", "shape": sizes, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, values in tensors.values():
            little_endian = array.array("f", values)
            if sys.byteorder == "big":
                little_endian.byteswap()
            file.write(little_endian.tobytes())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=pathlib.Path, help="the llama2.c .bin file")
    parser.add_argument("tokenizer", type=pathlib.Path, help="its SentencePiece model")
    parser.add_argument("output", type=pathlib.Path, help="folder to write")
    arguments = parser.parse_args()
    for path in (arguments.checkpoint, arguments.tokenizer):
        if not path.is_file():
            sys.exit(f"{path}: no such file")
    config, tensors = read_weights(arguments.checkpoint)
    arguments.output.mkdir(parents=True, exist_ok=True)

    def write_json(name, value):
        (arguments.output / name).write_text(json.dumps(value, indent=2) + "\n")

    write_json("config.json", config)
    write_json("generation_config.json", {"bos_token_id": BOS, "eos_token_id": EOS})
    write_json("tokenizer_config.json", {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True,
                                         "add_eos_token": False, "bos_token": "<s>", "eos_token": "</s>",
                                         "unk_token": "<unk>"})
    write_safetensors(arguments.output / "model.safetensors", tensors)
    shutil.copyfile(arguments.tokenizer, arguments.output / "tokenizer.model")
    parameters = sum(len(values) for _, values in tensors.values())
    print(f"{arguments.output}: Llama, {parameters:,} parameters")


if __name__ == "__main__":
    main()
