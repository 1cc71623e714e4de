"""Pairs of conversations and how TRL's extract_prompt splits them; transcripts and how a plain rule splits them."""
import json
import pathlib
import random

from trl.data_utils import extract_prompt

rng = random.Random(11)


def message(role):
    content = rng.choice(["", "yes", "no", "why?", "naïve 日本", "two\nlines", "x" * 50])
    return {"role": role, "content": content}


def conversation():
    messages = [message("system")] if rng.random() < 0.3 else []
    for _ in range(rng.randint(1, 3)):
        messages += [message("user"), message("assistant")]
    return messages


def pair():
    """What both begin with, and a rest of each; now and then one is the beginning of the other, or both are equal."""
    shared = conversation()
    kind = rng.random()
    if kind < 0.1:
        return shared, shared
    if kind < 0.3:
        return shared, shared + [message("user"), message("assistant")]
    rest = [[message("user"), message("assistant")] for _ in range(2)]
    cut = rng.randint(1, len(shared))
    return shared[:cut] + rest[0], shared[:cut] + rest[1]


conversations = []
while len(conversations) < 100:
    chosen, rejected = pair()
    split = extract_prompt({"chosen": chosen, "rejected": rejected})
    conversations.append({"chosen": chosen, "rejected": rejected, "prompt": len(split["prompt"])})

transcripts = []
for _ in range(50):
    turns = "".join(f"\n\nHuman: {message('user')['content']}\n\nAssistant: {message('assistant')['content']}"
                    for _ in range(rng.randint(0, 3)))
    prompt = turns + f"\n\nHuman: {message('user')['content']}\n\nAssistant:"
    answers = [f" {i} {message('assistant')['content']}" for i in range(2)]
    chosen, rejected = prompt + answers[0], prompt + answers[1]
    # The rule of the published loaders of HH: everything up to the last marker is prompt.
    seam = chosen.rfind("\n\nAssistant:") + len("\n\nAssistant:")
    transcripts.append({"chosen": chosen, "rejected": rejected, "prompt": chosen[:seam]})

golden = {"conversations": conversations, "transcripts": transcripts}
path = pathlib.Path(__file__).parent / "implicit_prompt.json"
path.write_text(json.dumps(golden, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
