"""Writes score_position.json: rewards one step after EOS, with their advantages and returns.

    python make_score_position_golden.py PPO_TRAINER_PY

PPO_TRAINER_PY is trl/experimental/ppo/ppo_trainer.py of TRL, whose lines are executed as they are, in float64. A response
as long as the longest is one that was cut: TRL has no step after it.
"""
import json
import sys
import textwrap
import types

import torch

source = open(sys.argv[1]).read()


def lines(first: str, last: str) -> str:
    """TRL's lines from the one that holds `first` to the one before `last`."""
    begin = source.rindex("\n", 0, source.index(first)) + 1
    end = source.rindex("\n", 0, source.index(last, begin)) + 1
    return textwrap.dedent(source[begin:end])


torch.manual_seed(23)
torch.set_default_dtype(torch.float64)
lengths = [1, 5, 3, 7, 2]
count, longest = len(lengths), max(lengths)
indices = torch.arange(longest).repeat(count, 1)
sequence_lengths = torch.tensor(lengths) - 1
padding_mask = indices > sequence_lengths.unsqueeze(1)


def random_rows(mask: torch.Tensor, fill: float) -> torch.Tensor:
    """Three decimals, so that the numbers in the file are the numbers used."""
    return torch.masked_fill((torch.randn(count, longest) * 1000).round() / 1000, mask, fill)


def packed(tensor: torch.Tensor, more: int) -> list:
    return [x for row, n in zip(tensor.tolist(), lengths) for x in row[:min(n + more, longest)]]


names = {"torch": torch, "sequence_lengths": sequence_lengths, "response_idxs": indices, "padding_mask": padding_mask}
exec(lines("sequence_lengths_p1 = ", "values = torch.masked_fill("), names)
args = types.SimpleNamespace(kl_estimator="k1", kl_coef=0.05, whiten_rewards=False, gamma=0.97, lam=0.9)
names.update(args=args, logprobs=random_rows(padding_mask, 1.0), ref_logprobs=random_rows(padding_mask, 1.0),
             values=random_rows(names["padding_mask_p1"], 0), scores=(torch.randn(count) * 1000).round() / 1000,
             responses=indices)
exec(lines("# 4. compute rewards", "advantages = masked_whiten("), names)
golden = {"lengths": lengths, "longest": longest, "kl_coef": args.kl_coef, "gamma": args.gamma, "gae_lambda": args.lam,
          "old_logprobs": packed(names["logprobs"], 0), "ref_logprobs": packed(names["ref_logprobs"], 0),
          "scores": names["scores"].tolist(), "old_values": packed(names["values"], 1),
          "advantages": packed(names["advantages"], 0), "returns": packed(names["returns"], 1)}
json.dump(golden, open("score_position.json", "w"), indent=0)
