"""Writes groups.json: advantages of groups, the loss of GRPO and its gradient, on random responses.

    python make_group_golden.py TRL_FOLDER

TRL_FOLDER is the folder of the package trl. The lines of its trainers are executed as they are, in float64.
"""
import json
import sys
import textwrap
import types
from pathlib import Path

import torch

trl = Path(sys.argv[1])


def lines(file: str, first: str, last: str) -> str:
    """The lines from the one that holds `first` to the one before `last`."""
    source = (trl / "trainer" / file).read_text()
    begin = source.rindex("\n", 0, source.index(first)) + 1
    end = source.rindex("\n", 0, source.index(last, begin)) + 1
    return textwrap.dedent(source[begin:end])


torch.manual_seed(21)
torch.set_default_dtype(torch.float64)
GROUP, LONGEST = 3, 6
lengths = [1, 5, 3, 6, 2, 4]
mask = (torch.arange(LONGEST) < torch.tensor(lengths).unsqueeze(1)).double()


def random_rows(scale: float, *shape: int) -> torch.Tensor:
    """Three decimals, so that the numbers in the file are the numbers used."""
    return (torch.randn(*shape) * scale * 1000).round() / 1000


def packed(tensor: torch.Tensor) -> list:
    return [x for row, n in zip(tensor.tolist(), lengths) for x in row[:n]]


names = {"torch": torch}
exec(lines("utils.py", "def nanstd(", "\ndef "), names)
rewards = random_rows(1, len(lengths))
golden = {"lengths": lengths, "group": GROUP, "rewards": rewards.tolist(), "advantages": {}}


def advantages(file: str, first: str, last: str, **more) -> torch.Tensor:
    found = dict(names, rewards=rewards.clone(), num_generations=GROUP, **more)
    exec(lines(file, first, last), found)
    return found["advantages"]


grpo = ("grpo_trainer.py", "mean_grouped_rewards = torch.nanmean(rewards.view(", "elif self.multi_objective_aggregation")
for name, scale in (("grpo", "group"), ("dr_grpo", "none")):
    self = types.SimpleNamespace(scale_rewards=scale)
    golden["advantages"][name] = advantages(*grpo, self=self).tolist()
golden["advantages"]["rloo"] = advantages("rloo_trainer.py", "grouped_rewards = rewards.view(",
                                          "# Normalize advantages").tolist()

old, ref = random_rows(0.8, *mask.shape), random_rows(0.8, *mask.shape)
new = (old + random_rows(0.4, *mask.shape)).requires_grad_()
golden.update(old_logprobs=packed(old), ref_logprobs=packed(ref), logprobs=packed(new), kl_coef=0.04, low=0.2, high=0.28,
              dual=1.4, max_tokens=LONGEST, losses={})


def loss(kind: str, delta: float | None) -> torch.Tensor:
    args = types.SimpleNamespace(delta=delta, use_bias_correction_kl=False)
    self = types.SimpleNamespace(beta=golden["kl_coef"], args=args, loss_type=kind, epsilon_low=golden["low"],
                                 epsilon_high=golden["high"], off_policy_mask_threshold=None, use_vllm=False,
                                 current_gradient_accumulation_steps=1, max_completion_length=LONGEST,
                                 model=types.SimpleNamespace(training=True), importance_sampling_level="token")
    found = dict(names, self=self, inputs={"ref_per_token_logps": ref}, per_token_logps=new, log_ratio=new - old,
                 log_importance_weights=new - old, mask=mask, entropy_mask=None,
                 advantages=torch.tensor(golden["advantages"]["grpo"]).unsqueeze(1))
    exec(lines("grpo_trainer.py", "coef_1 = torch.exp(log_importance_weights)", 'elif self.loss_type in ["cispo", "dapo"'),
         found)
    return found["loss"]


# TRL's names: "bnpo" is the mean over the tokens of a batch.
for name, kind in (("token_mean", "bnpo"), ("sequence_mean", "grpo"), ("constant", "dr_grpo")):
    for suffix, delta in (("", None), ("_dual", golden["dual"])):
        value = loss(kind, delta)
        gradient, = torch.autograd.grad(value, new)
        golden["losses"][name + suffix] = {"loss": value.item(), "gradient": packed(gradient)}

json.dump(golden, open("groups.json", "w"), indent=0)
