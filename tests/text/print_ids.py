"""Prints the ids and the decoded text that `transformers` gives for a list of texts with the tokenizer of a folder."""
import json
import sys

from transformers import AutoTokenizer

folder, texts = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(folder)
results = []
for text in json.load(open(texts)):
    ids = tokenizer(text).input_ids
    results.append({"ids": ids, "decoded": tokenizer.decode(ids, skip_special_tokens=True)})
json.dump(results, sys.stdout)
