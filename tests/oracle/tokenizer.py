#!/usr/bin/env python3
"""Compares our tokenizers with the libraries `tokenizers` and `sentencepiece`, text by text: ids, decoded text, and the text
of random ids. Prints one line per tokenizer with the number of texts and of differences; exit code 1 if there is one.

usage: tokenizer.py FILTER [--count N] [--seed N] [--tokenizers PATH ...]

FILTER is the program rlhf_tokenizer_filter. Without --tokenizers, those of tests/golden/tokenizer are compared. A path is a
folder with a tokenizer.json (or vocab.json and merges.txt), or a SentencePiece .model file.
"""
import argparse
import pathlib
import random
import struct
import subprocess
import sys
import threading

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "golden" / "tokenizer"))
from hard_texts import hard_texts  # noqa: E402


class Peer:
    """A library behind one face: encode(text) and decode(ids)."""

    def __init__(self, path):
        if path.suffix == ".model":
            import sentencepiece

            model = sentencepiece.SentencePieceProcessor(model_file=str(path))
            self.size = model.vocab_size()
            self.encode = lambda text: [model.bos_id()] + model.encode(text)
            self.decode = lambda ids: model.decode([i for i in ids if not model.is_control(i)])
            return
        from tokenizers import Tokenizer

        if (path / "tokenizer.json").exists():
            tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
        else:
            from transformers import GPT2Tokenizer

            tokenizer = GPT2Tokenizer.from_pretrained(str(path)).backend_tokenizer
        self.size = tokenizer.get_vocab_size()
        self.encode = lambda text: tokenizer.encode(text).ids
        self.decode = lambda ids: tokenizer.decode(ids, skip_special_tokens=True)


def requests(texts, rng, size):
    """(what to send, text or ids): every text, and random ids after every fourth."""
    for i, text in enumerate(texts):
        data = text.encode()
        yield b"e" + struct.pack("I", len(data)) + data, text
        if i % 4 == 0:
            ids = [rng.randrange(size) for _ in range(rng.randint(1, 12))]
            yield b"d" + struct.pack(f"I{len(ids)}i", len(ids), *ids), ids


def exactly(stream, count):
    data = stream.read(count)
    if len(data) != count:
        sys.exit("the filter stopped")
    return data


def answer(stream):
    ids = struct.unpack("I", exactly(stream, 4))[0]
    ids = list(struct.unpack(f"{ids}i", exactly(stream, 4 * ids)))
    return ids, exactly(stream, struct.unpack("I", exactly(stream, 4))[0]).decode()


def compare(program, path, texts, seed):
    peer = Peer(path)
    ours = subprocess.Popen([program, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    every = list(requests(texts, random.Random(seed), peer.size))

    def send():
        for data, _ in every:
            ours.stdin.write(data)
        ours.stdin.close()

    threading.Thread(target=send, daemon=True).start()
    count = differences = 0
    for _, given in every:
        ids, text = answer(ours.stdout)
        expected = peer.encode(given) if isinstance(given, str) else given
        count += isinstance(given, str)
        wrong = ids != expected if isinstance(given, str) else False
        if wrong or text != peer.decode(expected):
            differences += 1
            if differences <= 5:
                print(f"  {path.name}: {given!r}\n    ours   {ids} {text!r}\n    theirs {expected} {peer.decode(expected)!r}")
    print(f"{path.name}: {count} texts and {len(every) - count} lists of ids, {differences} differences", flush=True)
    return count, differences


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("filter")
    parser.add_argument("--count", type=int, default=1_000_000, help="texts, of all tokenizers together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tokenizers", type=pathlib.Path, nargs="*", default=[])
    arguments = parser.parse_args()
    paths = arguments.tokenizers or sorted(file.parent for file in ROOT.glob("golden/tokenizer/*/tokenizer.json"))
    each = -(-arguments.count // len(paths))
    results = []
    for i, path in enumerate(paths):
        results.append(compare(arguments.filter, path, hard_texts(arguments.seed + i, each), arguments.seed))
    count, differences = map(sum, zip(*results))
    print(f"{count} texts with {len(paths)} tokenizers: {differences} differences")
    sys.exit(1 if differences else 0)


main()
