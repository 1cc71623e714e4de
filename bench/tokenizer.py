#!/usr/bin/env python3
"""Throughput of encode() on one thread, ours against the `tokenizers` library: the same texts, by turns, each run a process
of its own that tokenises every text once. Prints a line per tokenizer.

usage: tokenizer.py PROGRAM DATA.jsonl TOKENIZER...     PROGRAM is bench-tokenizer; TOKENIZER a folder with a tokenizer.json
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile

TURNS = 5
PEER = """
import json, sys, time
from tokenizers import Tokenizer
tokenizer = Tokenizer.from_file(sys.argv[1] + "/tokenizer.json")
texts = json.load(open(sys.argv[2]))
start = time.perf_counter()
encodings = tokenizer.encode_batch_fast(texts)
seconds = time.perf_counter() - start
print(json.dumps({"seconds": seconds, "tokens": sum(len(encoding.ids) for encoding in encodings)}))
"""


def texts_of(path):
    """All strings of the records, a record's together, so that texts have the length of samples."""
    with open(path, encoding="utf-8") as file:
        return ["\n".join(value for value in json.loads(line).values() if isinstance(value, str)) for line in file]


def run(command):
    environment = dict(os.environ, TOKENIZERS_PARALLELISM="false", RAYON_NUM_THREADS="1")
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment).stdout)


def main():
    program, data, *tokenizers = sys.argv[1:]
    texts = texts_of(data)
    size = sum(len(text.encode()) for text in texts) / 2**20
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(texts, file)
        file.flush()
        for path in tokenizers:
            pairs = [(run([program, path, file.name]), run([sys.executable, "-c", PEER, path, file.name])) for _ in range(TURNS)]
            if any(ours["tokens"] != theirs["tokens"] for ours, theirs in pairs):
                sys.exit(f"{path}: the two do not give as many tokens")
            ours, theirs = (statistics.median(size / pair[side]["seconds"] for pair in pairs) for side in (0, 1))
            ratios = [theirs_["seconds"] / ours_["seconds"] for ours_, theirs_ in pairs]
            print(f"{path}: ours {ours:.1f} MiB/s, theirs {theirs:.1f} MiB/s, {statistics.median(ratios):.1f}x "
                  f"[{min(ratios):.1f}, {max(ratios):.1f}]", flush=True)


main()
