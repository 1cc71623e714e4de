"""Writes golden.json: what transformers reads from small tokenizer folders whose files name special tokens in all the ways
that it knows: keys, lists and objects of tokenizer_config.json, special_tokens_map.json, added_tokens.json, sections of
tokenizer.json, and classes that add tokens of their own. SOURCE.md says which version made what is stored.

usage: make_golden.py [FOLDER]   FOLDER is where to write; the folder of this file if left out
"""
import base64
import json
import pathlib
import sys
import tempfile

import sentencepiece
import transformers
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Tokenizer
from transformers import AutoTokenizer

HERE = pathlib.Path(__file__).resolve().parent
PLAIN = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}


def token(content, **flags):
    return {"__type": "AddedToken", "content": content, **PLAIN, **flags}


def entry(content, **flags):
    return {"content": content, **PLAIN, **flags}


# A byte-level vocabulary: the 256 letters, a few words, <|endoftext|> and <|im_end|>.
def letters():
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in plain]
    return [chr(byte) for byte in plain] + [chr(256 + i) for i in range(len(rest))]


def tokenizer_json(**changes):
    pieces = letters() + ["ab", "Ġab"]
    vocab = {piece: i for i, piece in enumerate(pieces)}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {"version": "1.0", "truncation": None, "padding": None,
            "added_tokens": [{"id": 258, **entry("<|endoftext|>")}, {"id": 259, **entry("<|im_end|>")}],
            "normalizer": {"type": "NFC"}, "pre_tokenizer": byte_level, "post_processor": None, "decoder": byte_level,
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "",
                      "end_of_word_suffix": "", "fuse_unk": False, "byte_fallback": False, "vocab": vocab,
                      "merges": ["a b", "Ġ ab"]}, **changes}


PADDING = {"strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": None, "pad_id": 260, "pad_type_id": 0,
           "pad_token": "<padding>"}
FAST = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|im_end|>"}
CASES = {
    "object": {"tokenizer_config.json": {**FAST, "extra_special_tokens": {"tool_token": "<tool>", "new_token": "<new>"}}},
    "object of qwen2": {
        "config.json": {"model_type": "qwen2"},
        "tokenizer_config.json": {"tokenizer_class": "Qwen2Tokenizer", "pad_token": "<|endoftext|>", "eos_token": "<|im_end|>",
                                  "extra_special_tokens": {"tool_token": "<tool>", "new_token": "<new>"}}},
    "list": {"tokenizer_config.json": {**FAST, "extra_special_tokens": ["<z>", token("<a>", lstrip=True, special=False), "<m>"]}},
    "older list": {"tokenizer_config.json": {**FAST, "additional_special_tokens": ["<z>", "<a>"]}},
    "both lists": {"tokenizer_config.json": {**FAST, "extra_special_tokens": ["<z>"], "additional_special_tokens": ["<a>"]}},
    "an empty list and the older one": {
        "tokenizer_config.json": {**FAST, "extra_special_tokens": [], "additional_special_tokens": ["<a>"]}},
    "an object and the older list": {
        "tokenizer_config.json": {**FAST, "extra_special_tokens": {"z": "<z>"}, "additional_special_tokens": ["<b>", "<a>"]}},
    "an empty object and the older list": {
        "tokenizer_config.json": {**FAST, "extra_special_tokens": {}, "additional_special_tokens": ["<b>", "<a>"]}},
    "an older object": {"tokenizer_config.json": {**FAST, "additional_special_tokens": {"z": "<z>", "a": "<a>"}}},
    "keys": {"tokenizer_config.json": {**FAST, "video_token": "<v>", "image_token": "<i>", "add_x_token": True, "no_token": None}},
    "keys with objects": {
        "tokenizer_config.json": {**FAST, "video_token": "<v>", "image_token": token("<i>", rstrip=True, special=False),
                                  "audio_token": {"content": "<no>"}, "extra_special_tokens": ["<x>"]}},
    "keys and an object": {
        "tokenizer_config.json": {**FAST, "video_token": "<v>", "image_token": "<i>",
                                  "extra_special_tokens": {"a": "<a>", "video_token": "<w>"}}},
    "roles in an object": {
        "tokenizer_config.json": {**FAST, "pad_token": "<p>", "extra_special_tokens": {"bos_token": "<b>", "x": "<x>"}}},
    "model specific": {"tokenizer_config.json": {**FAST, "model_specific_special_tokens": {"z": "<z>", "a": token("<a>", lstrip=True)}}},
    "model specific beside a key": {
        "tokenizer_config.json": {**FAST, "model_specific_special_tokens": {"z": "<z>"}, "image_token": "<i>"}},
    "roles": {"tokenizer_config.json": {**FAST, "mask_token": "<mask>", "bos_token": token("<bos>", lstrip=True, normalized=True),
                                        "pad_token": "ab", "unk_token": None}},
    "decoder": {"tokenizer_config.json": {
        **FAST, "added_tokens_decoder": {"261": entry("<b>", lstrip=True, special=False), "260": entry("<a>", special=False),
                                         "259": entry("<|im_end|>", rstrip=True)},
        "pad_token": "<a>", "extra_special_tokens": ["<c>", "<b>"]}},
    "decoder and the other files": {
        "tokenizer_config.json": {**FAST, "added_tokens_decoder": {"260": entry("<a>")}, "extra_special_tokens": ["<c>"]},
        "special_tokens_map.json": {"eos_token": "<|endoftext|>", "pad_token": "<pad>", "additional_special_tokens": ["<d>"]},
        "added_tokens.json": {"<e>": 261}},
    "an empty decoder and the map": {
        "tokenizer_config.json": {**FAST, "added_tokens_decoder": {}},
        "special_tokens_map.json": {"eos_token": "<|endoftext|>", "pad_token": "<pad>"}},
    "map": {
        "tokenizer_config.json": {**FAST, "pad_token": "<pad>", "image_token": "<i>"},
        "special_tokens_map.json": {"eos_token": {"content": "<|endoftext|>", "lstrip": False, "rstrip": False, "normalized": False,
                                                  "single_word": False}, "pad_token": None, "z_token": "<z>",
                                    "image_token": "<j>", "additional_special_tokens": ["<x>", "<w>"]}},
    "map alone": {"special_tokens_map.json": {"eos_token": "<|im_end|>", "bos_token": {"content": "<s>", "lstrip": True, "normalized": True,
                                                                                       "rstrip": False, "single_word": False}}},
    "lists of both files": {
        "tokenizer_config.json": {**FAST, "extra_special_tokens": ["<x>", "<w>"]},
        "special_tokens_map.json": {"extra_special_tokens": ["<y>", "<x>", {"content": "<v>", "rstrip": True}]}},
    "older lists of both files": {
        "tokenizer_config.json": {**FAST, "additional_special_tokens": ["<x>"]},
        "special_tokens_map.json": {"additional_special_tokens": ["<y>"]}},
    "a list and an object of the map": {
        "tokenizer_config.json": {**FAST, "extra_special_tokens": ["<x>"]},
        "special_tokens_map.json": {"extra_special_tokens": {"n": "<n>", "m": "<m>"}}},
    "old added tokens": {
        "tokenizer_config.json": {**FAST, "extra_special_tokens": ["<x>"], "pad_token": "<p>"},
        "special_tokens_map.json": {"additional_special_tokens": ["<q>"]},
        "added_tokens.json": {"<p>": 262, "<x>": 260, "<y>": 261, "<q>": 263, "<|endoftext|>": 258}},
    "padding": {"tokenizer.json": tokenizer_json(padding=PADDING), "tokenizer_config.json": {**FAST, "extra_special_tokens": ["<x>"]}},
    "padding and no pad": {"tokenizer.json": tokenizer_json(padding=PADDING), "tokenizer_config.json": {**FAST, "pad_token": None}},
    "class gpt2": {"tokenizer_config.json": {"tokenizer_class": "GPT2TokenizerFast", "extra_special_tokens": ["<x>"]}},
    "class gpt2 by model": {"config.json": {"model_type": "gpt2"}, "tokenizer_config.json": {"extra_special_tokens": ["<x>"]}},
    "class neox": {"tokenizer_config.json": {"tokenizer_class": "GPTNeoXTokenizer", "eos_token": "<|im_end|>", "unk_token": None}},
    "class cohere": {"tokenizer_config.json": {"tokenizer_class": "CohereTokenizer", "bos_token": "<bos>"}},
    "class qwen2": {"tokenizer_config.json": {
        "tokenizer_class": "Qwen2Tokenizer", "extra_special_tokens": [token("<x>", lstrip=True), "<w>"], "image_token": token("<i>", rstrip=True)}},
    "class of llama that is byte-level": {"tokenizer_config.json": {"tokenizer_class": "LlamaTokenizerFast", "image_token": "<i>"}},
    "qwen2 that names llama": {"config.json": {"model_type": "qwen2"}, "tokenizer_config.json": {"tokenizer_class": "LlamaTokenizerFast"}},
    "mistral that names llama": {"config.json": {"model_type": "mistral"}, "tokenizer_config.json": {"tokenizer_class": "LlamaTokenizer", "x_token": "<x>"}},
    "phi3 that names gpt2": {"config.json": {"model_type": "phi3"}, "tokenizer_config.json": {"tokenizer_class": "GPT2Tokenizer", "x_token": "<x>"}},
    "no config": {},
}


# A SentencePiece-like vocabulary with the 256 byte pieces, as in the files of Llama 2, Yi and Gemma.
def sentencepiece_json(normalizer, pre_tokenizer, strip):
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", "a", "b", "▁a", "▁▁", "▁b", "1", "2", "It", "<bos>", "<eos>",
              "<pad>", "<mask>"]
    steps = [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]
    return {"version": "1.0", "truncation": None, "padding": None,
            "added_tokens": [{"id": i, **entry(pieces[i])} for i in range(3)],
            "normalizer": normalizer, "pre_tokenizer": pre_tokenizer, "post_processor": None,
            "decoder": {"type": "Sequence", "decoders": steps + ([{"type": "Strip", "content": " ", "start": 1, "stop": 0}] if strip else [])},
            "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None,
                      "fuse_unk": True, "byte_fallback": True, "vocab": {piece: i for i, piece in enumerate(pieces)},
                      "merges": ["▁ a", "▁ ▁", "▁ b"]}}


REPLACE = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
PREPEND = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, REPLACE]}
LLAMA2 = sentencepiece_json(PREPEND, None, True)
YI = sentencepiece_json(REPLACE, None, False)
LLAMA_LIKE = sentencepiece_json(None, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}, True)
GEMMA = sentencepiece_json(REPLACE, {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False}, False)
QWEN2 = tokenizer_json(pre_tokenizer={"type": "Sequence", "pretokenizers": [
    {"type": "Split", "behavior": "Isolated", "invert": False, "pattern": {"Regex": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
                                                                         r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"}},
    {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}]})
DIGITS = tokenizer_json(pre_tokenizer={"type": "Sequence", "pretokenizers": [
    {"type": "Digits", "individual_digits": True}, {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}]})
PLAIN_BYTES = tokenizer_json(normalizer=None)
CLASSES = {  # the file, the class, the type of the model, further settings
    "llama2": (LLAMA2, "LlamaTokenizer", "llama", {}),
    "llama2, legacy": (LLAMA2, "LlamaTokenizer", "llama", {"legacy": True}),
    "yi": (YI, "LlamaTokenizerFast", "llama", {}),
    "yi without a space": (YI, "LlamaTokenizer", "llama", {"add_prefix_space": False}),
    "the class's own rules": (LLAMA_LIKE, "LlamaTokenizer", "llama", {}),
    "mistral": (LLAMA2, "LlamaTokenizer", "mistral", {}),
    "phi3": (LLAMA2, "LlamaTokenizer", "phi3", {}),
    "the file's rules": (LLAMA2, "PreTrainedTokenizerFast", "llama", {}),
    "gemma": (GEMMA, "GemmaTokenizer", "gemma", {}),
    "gemma with llama's file": (LLAMA2, "GemmaTokenizer", "gemma2", {}),
    "qwen2": (QWEN2, "Qwen2Tokenizer", "qwen2", {}),
    "qwen3 with gpt2's file": (PLAIN_BYTES, "Qwen2Tokenizer", "qwen3", {}),
    "gpt2": (PLAIN_BYTES, "GPT2Tokenizer", "gpt2", {}),
    "gpt2 with neox's file": (tokenizer_json(), "GPT2Tokenizer", "gpt2", {}),
    "neox": (tokenizer_json(), "GPTNeoXTokenizer", "gpt_neox", {}),
    "cohere": (DIGITS, "CohereTokenizer", "cohere", {}),
    "cohere with qwen2's file": (QWEN2, "CohereTokenizer", "cohere", {}),
}
PROBES = ["a", " a", "  a  b", "\n a\n\n b", "It's 12345,678. DON'T!", "x\u0301 e\u0301 \ufb01", "if (a[0] != b) {\n\t  return;\n}",
          "CamelCase_and-snake 3.14e10", "<s>a", "a<s> b", "</s>a", "a</s> b"]


def read_class(folder, document, name, model_type, settings):
    files = {"tokenizer.json": document, "config.json": {"model_type": model_type},
             "tokenizer_config.json": {"tokenizer_class": name, **settings}}
    for file, value in files.items():
        (folder / file).write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    theirs, own = AutoTokenizer.from_pretrained(str(folder)), Tokenizer.from_file(str(folder / "tokenizer.json"))
    return {"files": files, "texts": PROBES, "class_ids": [theirs(text, add_special_tokens=False).input_ids for text in PROBES],
            "file_ids": [own.encode(text, add_special_tokens=False).ids for text in PROBES]}


def texts_of(contents):
    return ["ab ab", "a " + " b ".join(contents) + "  b", "".join(contents) + "a", *(f" {content} b" for content in contents)]


def read(folder, files):
    for name, value in {"tokenizer.json": tokenizer_json(), **files}.items():
        (folder / name).write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    added = sorted(tokenizer.get_added_vocab().items(), key=lambda item: item[1])
    texts = texts_of([content for content, _ in added])
    ids = [tokenizer(text, add_special_tokens=False).input_ids for text in texts]
    return {"added": dict(added), "texts": texts, "ids": ids, "size": len(tokenizer), "template": tokenizer.special_tokens_map,
            "decoded": [tokenizer.backend_tokenizer.decode(some, skip_special_tokens=True) for some in ids],
            "roles": {role: getattr(tokenizer, role + "_id") if getattr(tokenizer, role) else None
                      for role in ["bos_token", "eos_token", "unk_token", "pad_token"]}}


def internlm2(folder):
    """A SentencePiece model whose last pieces have other names in added_tokens_decoder, as in InternLM 2's folders."""
    unused = [f"[UNUSED_TOKEN_{i}]" for i in range(3)]
    words = ["user", "hello", "world", "system", "you are a helper"]
    sentences = [" ".join(words[i % 5] for i in range(n, n + 4)) for n in range(40)]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences), model_prefix=str(folder / "tokenizer"), vocab_size=310, model_type="bpe", byte_fallback=True,
        normalization_rule_name="identity", remove_extra_whitespaces=False, minloglevel=2, num_threads=1)
    model = sentencepiece_model_pb2.ModelProto()
    model.ParseFromString((folder / "tokenizer.model").read_bytes())
    for name in unused:
        model.pieces.add(piece=name, score=0, type=1)
    model.trainer_spec.vocab_size = len(model.pieces)
    (folder / "tokenizer.model").write_bytes(model.SerializeToString())
    first = len(model.pieces) - 3
    names = ["<|plugin|>", "<|im_end|>", "<|im_start|>"]
    decoder = {str(i): entry(name) for i, name in enumerate(["<unk>", "<s>", "</s>"])}
    decoder |= {str(first + i): entry(name) for i, name in enumerate(names)}
    files = {"config.json": {"model_type": "internlm2"},
             "tokenizer_config.json": {"tokenizer_class": "InternLM2Tokenizer", "add_bos_token": True, "bos_token": "<s>", "eos_token": "</s>",
                                       "pad_token": "</s>", "unk_token": "<unk>", "added_tokens_decoder": decoder,
                                       "auto_map": {"AutoTokenizer": ["tokenization_internlm2.InternLM2Tokenizer", None]}}}
    for file, value in files.items():
        (folder / file).write_text(json.dumps(value), encoding="utf-8")
    tokenizer = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False)
    texts = ["user hello", " hello", "<|im_start|>user\nhello<|im_end|>\n<|im_start|>system\n you are<|im_end|>", "a<|plugin|>  world<s>hello",
             "caf\u00e9 <|im_end|> "]
    ids = [tokenizer(text, add_special_tokens=False).input_ids for text in texts]
    return {"files": files, "model": base64.b64encode((folder / "tokenizer.model").read_bytes()).decode(), "texts": texts, "ids": ids,
            "decoded": [tokenizer.decode(some, skip_special_tokens=True) for some in ids]}


def main():
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    cases = []
    for name, files in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            try:
                cases.append({"name": name, "files": files, **read(pathlib.Path(folder), files)})
            except Exception as error:
                sys.exit(f"{name}: {type(error).__name__}: {error}")
    classes = []
    for name, arguments in CLASSES.items():
        with tempfile.TemporaryDirectory() as folder:
            classes.append({"name": name, **read_class(pathlib.Path(folder), *arguments)})
    with tempfile.TemporaryDirectory() as folder:
        renamed = internlm2(pathlib.Path(folder))
    text = json.dumps({"transformers": transformers.__version__, "tokenizer_json": tokenizer_json(), "cases": cases, "classes": classes, "internlm2": renamed},
                      ensure_ascii=False, separators=(",", ":"))
    (out / "golden.json").write_text(text + "\n", encoding="utf-8")


main()
