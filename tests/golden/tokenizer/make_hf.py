"""Trains small tokenizers of the kinds that are in use and writes, into the folders beside this file, each tokenizer.json and
what the `tokenizers` library makes of 2,000 hard texts with it. SOURCE.md says which versions made what is stored.

usage: make_hf.py [FOLDER]   FOLDER is where to write; the folder of this file if left out
"""
import json
import pathlib
import sys

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from hard_texts import hard_texts

SEED, COUNT = 2026, 2000
HERE = pathlib.Path(__file__).resolve().parent
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def fnv1a(data):
    value = 0x811C9DC5
    for byte in data:
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


def train(tokenizer, texts, size, special, **options):
    kind = trainers.UnigramTrainer if isinstance(tokenizer.model, models.Unigram) else trainers.BpeTrainer
    tokenizer.train_from_iterator(texts, kind(vocab_size=size, special_tokens=special, show_progress=False, **options))
    return tokenizer


def byte_level(texts, special, size=1500, **parts):
    tokenizer = Tokenizer(models.BPE())
    for name, part in parts.items():
        setattr(tokenizer, name, part)
    tokenizer.decoder = decoders.ByteLevel()
    return train(tokenizer, texts, size, special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())


def llama3(texts):
    tokenizer = byte_level(texts, ["<|begin_of_text|>", "<|endoftext|>", "<|eot_id|>"], pre_tokenizer=pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(LLAMA3), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]))
    tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing(
        single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A $B", special_tokens=[("<|begin_of_text|>", 0)])])
    document = json.loads(tokenizer.to_str())
    document["model"]["ignore_merges"] = True
    for word in ["supercalifragilistic", "Ġunreachable", "ĠStraÃŁe", "CamelCaseName"]:  # pieces that no merge makes
        document["model"]["vocab"].setdefault(word, len(document["model"]["vocab"]))
    return document


def qwen2(texts):
    tokenizer = byte_level(texts, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], normalizer=normalizers.NFC(),
                           pre_tokenizer=pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(QWEN2), "isolated"),
                                                                 pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]))
    tokenizer.add_tokens([AddedToken("<tool>", lstrip=True, rstrip=True, normalized=False), AddedToken("Wort", single_word=True),
                          AddedToken("\u00c5", normalized=True), AddedToken("  ", normalized=False)])
    return json.loads(tokenizer.to_str())


def gpt2(texts):
    return json.loads(byte_level(texts, ["<|endoftext|>"], pre_tokenizer=pre_tokenizers.ByteLevel(add_prefix_space=False)).to_str())


def roberta_like(texts):
    return json.loads(byte_level(texts, ["<s>", "</s>"], size=500, normalizer=normalizers.NFKC(),
                                 pre_tokenizer=pre_tokenizers.ByteLevel(add_prefix_space=True)).to_str())


def without_bytes(document):
    """The trainer knows byte pieces only as special tokens; in real files they are plain pieces."""
    document["added_tokens"] = [token for token in document["added_tokens"] if token["content"] not in BYTES]
    return document


def llama2(texts):
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
    train(tokenizer, [text for text in texts if len(text) < 60], 1300, ["<unk>", "<s>", "</s>"] + BYTES, limit_alphabet=200)
    return without_bytes(json.loads(tokenizer.to_str()))


def gemma(texts):
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.post_processor = processors.TemplateProcessing(single="<bos> $A", pair="<bos> $A <bos> $B", special_tokens=[("<bos>", 2)])
    train(tokenizer, [text for text in texts if len(text) < 60], 1300, ["<unk>", "<eos>", "<bos>"] + BYTES, limit_alphabet=200)
    tokenizer.add_tokens([AddedToken("\n\n", normalized=False), AddedToken("▁▁", normalized=False)])
    return without_bytes(json.loads(tokenizer.to_str()))


def unigram(texts):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="first")
    train(tokenizer, [text for text in texts if all(c < "\u0250" for c in text)], 700, ["<s>", "</s>", "<unk>"],
          unk_token="<unk>")
    return json.loads(tokenizer.to_str())


def unigram_bytes(texts):
    document = unigram(texts)
    document["normalizer"] = None
    document["pre_tokenizer"] = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": False}
    document["model"]["vocab"] += [[byte, 0.0] for byte in BYTES]
    document["model"]["byte_fallback"] = True
    document["decoder"] = {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Metaspace", "replacement": "▁",
                                                             "prepend_scheme": "always", "split": False}]}
    return document


def parts_one(texts):
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.Lowercase(), normalizers.Strip()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("merged_with_previous"),
                                                      pre_tokenizers.Digits(individual_digits=True)])
    train(tokenizer, texts, 500, ["<unk>"], limit_alphabet=150)
    tokenizer.add_tokens([AddedToken("WORT", normalized=True, lstrip=True), AddedToken("<tool>", single_word=True)])
    return json.loads(tokenizer.to_str())


def parts_two(texts):
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.Strip(left=False, right=True),
                                                 normalizers.Replace(Regex(r"[\u0300-\u036f]+"), "~")])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split("e", "merged_with_next"), pre_tokenizers.Split(Regex(r"\w\w"), "contiguous"),
        pre_tokenizers.Split(Regex(r"[a-m]+|[^\S\n]"), "removed", invert=True), pre_tokenizers.Digits(individual_digits=False),
        pre_tokenizers.Whitespace(), pre_tokenizers.Punctuation("isolated")])
    tokenizer.decoder = decoders.Fuse()
    train(tokenizer, texts, 400, ["<unk>", "<s>"], limit_alphabet=120)
    return json.loads(tokenizer.to_str())


def parts_three(texts):
    """The other ways to cut, one after another, where more than letters is left."""
    document = parts_two(texts)
    document["normalizer"] = None
    split = lambda pattern, behavior, invert: {"type": "Split", "pattern": {"Regex": pattern}, "behavior": behavior, "invert": invert}
    document["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [
        split(r"\d+|[A-Z]", "MergedWithPrevious", False), split(r"\s", "Contiguous", True), split(r"(?<=a)b|x*", "Isolated", False),
        split(r"^|$", "MergedWithNext", False), split(r"\S(?=\s)|\p{Lu}\p{Ll}++|\P{^Nd}{2,3}?", "MergedWithNext", True)]}
    return document


KINDS = [llama3, qwen2, gpt2, roberta_like, llama2, gemma, unigram, unigram_bytes, parts_one, parts_two, parts_three]


def results(tokenizer, texts):
    for text in texts:
        ids = tokenizer.encode(text).ids
        decoded = tokenizer.decode(ids, skip_special_tokens=True)
        yield [fnv1a(b"".join(i.to_bytes(4, "little") for i in ids)), fnv1a(decoded.encode())]


def main():
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    texts = list(hard_texts(SEED, COUNT))
    prose = (HERE.parents[2] / "LICENSE").read_text().split("\n")
    (out / "hard_texts.json").write_text(json.dumps(texts, ensure_ascii=False) + "\n", encoding="utf-8")
    for kind in KINDS:
        folder = out / kind.__name__
        folder.mkdir(exist_ok=True)
        (folder / "tokenizer.json").write_text(json.dumps(kind(prose * 3 + texts), ensure_ascii=False, separators=(",", ":")) + "\n",
                                                encoding="utf-8")
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        hashes = list(results(tokenizer, texts))
        (folder / "hashes.json").write_text(json.dumps({"tokenizers": tokenizers.__version__, "ids_and_text": hashes},
                                                       separators=(",", ":")) + "\n")


main()
