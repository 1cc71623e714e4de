"""Writes sentencepiece.json: ids, byte ends and decoded text of the `sentencepiece` package for two public models.

usage: make_golden.py SHARED_DATA_FOLDER > sentencepiece.json
"""
import base64
import json
import random
import sys

import sentencepiece

MODELS = ["tokenizers/llama2/tokenizer.model", "models/stories260k/tokenizer.model"]
TEXTS = [
    "", " ", "  ", "\n", "\n\n\n", "\t\ttabs", "a", " a", "a ", "  two  spaces  inside  ", "Hello world",
    "Once upon a time, there was a little girl.\nShe liked to play.\n\n", "line one\r\nline two", "12 + 34 = 46; 1000000",
    "3.14159e-10", "<s> is text here </s>", "<0x0A> is text too", "▁underline", "naïve café résumé", "日本語のテキスト",
    "Ελληνικά и русский", "😀 emoji 👩‍👩‍👧‍👦 family 🏳️‍🌈", "a\u0301 combining", "\u00a0no-break\u2003em", "\u200bzero width", "ﬁ ligature Ⅷ",
    "مرحبا بالعالم", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "tail 😀", "😀", "code: for (int i = 0; i < n; ++i) { x[i] *= 2; }", "\x01\x1f control",
    "ALL CAPS AND lower", "supercalifragilisticexpialidocious" * 3,
]
RAW = [b"\xff", b"ab\xffcd", b"caf\xe9", b"\xe2\x82", b"\xed\xa0\x80", b"ok \xf0\x9f\x98 cut"]


def random_texts(count):
    rng = random.Random(20)
    alphabet = ["a", "b", "the", " ", "  ", "\n", "1", "23", ".", "é", "日", "😀", "\t", "Zz"]
    return ["".join(rng.choices(alphabet, k=rng.randint(1, 25))) for _ in range(count)]


def cases(path):
    processor = sentencepiece.SentencePieceProcessor(model_file=path)
    for text in TEXTS + random_texts(60):
        pieces = processor.encode(text, return_type="proto").pieces
        yield {
            "text": text,
            "ids": processor.encode(text),
            "ends": [piece.end for piece in pieces],  # in bytes
            "decoded": processor.decode(processor.encode(text)),
        }
    for raw in RAW:
        yield {"base64": base64.b64encode(raw).decode(), "ids": processor.encode(raw)}


def main():
    golden = {model: list(cases(f"{sys.argv[1]}/{model}")) for model in MODELS}
    json.dump({"sentencepiece": sentencepiece.__version__, "models": golden}, sys.stdout, ensure_ascii=True)
    print()


main()
