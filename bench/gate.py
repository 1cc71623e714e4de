"""Equal work, checked before anything is timed: same ids, same losses from the same batches, same greedy tokens."""
import json
import math
import os
from dataclasses import replace
from pathlib import Path

import sides
from rows import Row
from sides import Lab


class Unequal(Exception):
    """The two sides do not do the same work; the message shows how."""


def check_ids(row: Row, lab: Lab) -> None:
    """Our tokenizer gives the ids that the peer is given."""
    records, ids = ([json.loads(line) for line in Path(lab.data(row) + suffix).read_text().splitlines()]
                    for suffix in (".jsonl", ".ids.jsonl"))
    texts, expected = [], []
    for record, sample in zip(records, ids, strict=True):
        for text_key, ids_key in (("completion", "input_ids"), ("chosen", "chosen_ids"), ("rejected", "rejected_ids")):
            if text_key in record:
                texts.append(record["prompt"] + "\n" + record[text_key])
                expected.append(sample[ids_key][:-1])  # without EOS
        if "text" in record or row.kind == "ppo":
            texts.append(record.get("text") or record["prompt"] + "\n")
            expected.append(sample["input_ids"])
    folder = sides.fresh(lab.work / "runs" / "ids")
    (folder / "texts.jsonl").write_text("".join(json.dumps({"prompt": text}) + "\n" for text in texts))
    sides.run([lab.build / "bin" / "rlhf-generate", "--model", lab.model(row, False), "--input", folder / "texts.jsonl",
               "--output", folder / "ids.jsonl", "--max-new-tokens", 0], dict(os.environ), folder / "log.txt")
    for text, line, wanted in zip(texts, (folder / "ids.jsonl").read_text().splitlines(), expected, strict=True):
        if json.loads(line)["prompt_ids"][:len(wanted)] != wanted:
            raise Unequal(f"{row.name}: our tokenizer and SentencePiece differ on {text!r}")


def curves(ours: list[float], peer: list[float]) -> str:
    return "\n".join(f"  step {i + 1:2d}   ours {a:.6f}   peer {b:.6f}   {abs(a - b) / abs(b):.1e}"
                     for i, (a, b) in enumerate(zip(ours, peer)))


def difference(ours: list[float], peer: list[float], dtype: str) -> float:
    """float32: the largest relative difference of a step. bfloat16: ‖a − b‖ / ‖b‖ over the curve, because late losses are
    small and the peer's own bfloat16 then lies further from its float32 at a step than the tolerance."""
    if dtype == "float32":
        return max(abs(a - b) / abs(b) for a, b in zip(ours, peer))
    return math.dist(ours, peer) / math.hypot(*peer)


def check_losses(row: Row, lab: Lab) -> dict:
    """Both sides train on the same short batches in the same order; their losses agree."""
    short = replace(row, data="gate")
    check_ids(short, lab)
    ours, peer = (side(short, lab, sides.GATE_STEPS)["losses"] for side in (sides.run_ours, sides.run_peer))
    if len(ours) != sides.GATE_STEPS or len(peer) != sides.GATE_STEPS:
        raise Unequal(f"{row.name}: expected {sides.GATE_STEPS} losses of each side, found {len(ours)} and {len(peer)}")
    dtype = "bfloat16" if row.setting == "default" else lab.dtype(row)  # TRL's default, whatever the processor
    tolerance = 1e-3 if dtype == "float32" else 2e-2
    found = difference(ours, peer, dtype)
    if found > tolerance:
        raise Unequal(f"{row.name}: losses differ by {found:.1e}, allowed are {tolerance:.0e}\n{curves(ours, peer)}")
    return {"what": f"losses of {sides.GATE_STEPS} steps", "difference": found, "allowed": tolerance,
            "largest_of_a_step": difference(ours, peer, "float32"),
            "ours": ours, "peer": peer}


def check_greedy(row: Row, lab: Lab) -> dict:
    """In float32 both sides continue four prompts with the same 64 tokens."""
    exact = replace(row, dtype="float32", batch=4, new_tokens=64)
    ours, peer = (side["tokens"] for side in (sides.generate_ours(exact, lab, greedy=True),
                                              sides.generate_peer(exact, lab, "float32", "dynamic", greedy=True)))
    if ours != peer:
        raise Unequal(f"{row.name}: greedy tokens differ\n  ours {ours}\n  peer {peer}")
    return {"what": "greedy tokens, float32", "prompts": 4, "tokens": 64}


def check(row: Row, lab: Lab) -> dict:
    """Training in bfloat16 is checked in float32 as well, where equal work is equal to 1e-3 at every step."""
    if row.kind not in ("sft", "rm", "dpo"):
        return check_greedy(row, lab)
    result = check_losses(row, lab)
    if row.setting == "best" and lab.dtype(row) == "bfloat16":
        result["float32"] = check_losses(replace(row, setting="fp32", dtype="float32"), lab)
    return result
