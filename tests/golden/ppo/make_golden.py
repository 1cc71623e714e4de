"""Writes ppo.json: rewards, advantages, returns, whitening and PPO losses of random sequences.

    python make_golden.py PPO_TRAINER_PY

PPO_TRAINER_PY is trl/experimental/ppo/ppo_trainer.py of TRL. Its lines are executed as they are, on tensors padded the
way it pads, in float64. Advantages are checked against the sum of the paper (arXiv:1506.02438, eq. 16) before they are
written. TRL reads one value beyond the last token and uses the unbiased variance; both are set to our convention by
the names that its lines read (`sequence_lengths_p1`, `padding_mask_p1`, `masked_var`).
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


torch.manual_seed(20)
torch.set_default_dtype(torch.float64)
lengths = [1, 5, 3, 7, 2]
count, longest = len(lengths), max(lengths)
padding_mask = torch.arange(longest) >= torch.tensor(lengths).unsqueeze(1)


def random_padded(scale: float, fill: float = 0.0) -> torch.Tensor:
    """Three decimals, so that the numbers in the file are the numbers used."""
    return torch.masked_fill((torch.randn(count, longest) * scale * 1000).round() / 1000, padding_mask, fill)


def packed(tensor: torch.Tensor) -> list:
    return [x for row, n in zip(tensor.tolist(), lengths) for x in row[:n]]


names = {"torch": torch}
exec(lines("def masked_mean(", "# taken from https://github.com/OpenLMLab"), names)
unbiased_or_not = names["masked_var"]
names["masked_var"] = lambda values, mask: unbiased_or_not(values, mask, unbiased=False)

args = types.SimpleNamespace(kl_estimator="k1", kl_coef=0.05, whiten_rewards=False, gamma=0.97, lam=0.9, cliprange=0.2,
                             cliprange_value=0.3)
last = torch.tensor(lengths) - 1
names.update(args=args, logprobs=random_padded(0.8, 1.0), ref_logprobs=random_padded(0.8, 1.0),
             values=random_padded(1.0), scores=(torch.randn(count) * 1000).round() / 1000, sequence_lengths=last,
             sequence_lengths_p1=last, padding_mask=padding_mask, padding_mask_p1=padding_mask,
             responses=padding_mask)
exec(lines("# 4. compute rewards", "advantages = masked_whiten("), names)
rewards, values, advantages = names["rewards"], names["values"], names["advantages"]

for b, n in enumerate(lengths):  # the sum of the paper
    v = values[b].tolist()[:n] + [0.0]
    delta = [rewards[b, t].item() + args.gamma * v[t + 1] - v[t] for t in range(n)]
    for t in range(n):
        paper = sum((args.gamma * args.lam) ** i * delta[t + i] for i in range(n - t))
        assert abs(paper - advantages[b, t].item()) < 1e-12, (b, t, paper, advantages[b, t])

mask = ~padding_mask
whitened = {shift: names["masked_whiten"](advantages, mask, shift_mean=shift) for shift in (True, False)}

new_logprobs = (names["logprobs"] + torch.masked_fill(random_padded(0.3), padding_mask, 0)).requires_grad_()
vpred = (values + torch.masked_fill(random_padded(0.5), padding_mask, 0)).requires_grad_()
names.update(new_logprobs=new_logprobs, vpred=vpred, mb_values=values, mb_return=names["returns"],
             mb_logprobs=names["logprobs"], mb_advantage=torch.masked_fill(whitened[True], padding_mask, 0),
             micro_batch_inds=slice(None))
exec(lines("vpredclipped = torch.clamp(", "loss = pg_loss + args.vf_coef"), names)
tokens = sum(lengths)
policy_grad, = torch.autograd.grad(names["pg_loss"] * tokens, new_logprobs)
value_grad, = torch.autograd.grad(names["vf_loss"] * tokens, vpred)
clipped = names["masked_mean"]((names["pg_losses2"] > names["pg_losses"]).double(), mask) * tokens

golden = {
    "lengths": lengths, "kl_coef": args.kl_coef, "gamma": args.gamma, "gae_lambda": args.lam,
    "cliprange": args.cliprange, "cliprange_value": args.cliprange_value,
    "old_logprobs": packed(names["logprobs"]), "ref_logprobs": packed(names["ref_logprobs"]),
    "scores": names["scores"].tolist(), "old_values": packed(values),
    "logprobs": packed(new_logprobs), "values": packed(vpred),
    "kl": packed(names["kl"]), "rewards": packed(rewards), "advantages": packed(advantages),
    "returns": packed(names["returns"]), "whitened": packed(whitened[True]),
    "whitened_keeping_mean": packed(whitened[False]),
    "policy_loss_sum": names["pg_loss"].item() * tokens, "policy_clipped": round(clipped.item()),
    "policy_grad": packed(policy_grad), "approx_kl_sum": 0.5 * names["logprobs_diff"].square().sum().item(),
    "ratio_sum": names["ratio"][mask].sum().item(), "ratio_square_sum": names["ratio"][mask].square().sum().item(),
    "value_loss_sum": names["vf_loss"].item() * tokens,
    "value_clipped": round(names["vf_clipfrac"].item() * tokens), "value_grad": packed(value_grad),
}
json.dump(golden, open("ppo.json", "w"), indent=0)
