"""Writes systems.json: advantages, returns, losses and gradients of PPO as OpenRLHF, verl and DeepSpeed-Chat compute them.

    python make_system_golden.py OPENRLHF VERL DEEPSPEED_EXAMPLES

The arguments are checkouts of the three repositories. Their functions are executed as they are, in float64, on responses
padded the way they pad. verl whitens with the unbiased variance; it is set to our convention by the name that its
function reads (`masked_var`).
"""
import ast
import json
import sys
import types
import typing
from pathlib import Path

import torch

openrlhf, verl, deepspeed = (Path(argument) for argument in sys.argv[1:4])


def define(file: Path, names: dict, *wanted: str) -> None:
    """Executes the definitions `wanted` of a file: functions, classes, or methods written as Class.method."""
    source = file.read_text()
    found = {}
    for node in ast.parse(source).body:
        found[getattr(node, "name", None)] = node
        for inner in getattr(node, "body", []) if isinstance(node, ast.ClassDef) else []:
            found[f"{node.name}.{getattr(inner, 'name', None)}"] = inner
    for name in wanted:
        node = found[name]
        lines = source.splitlines()[node.lineno - 1:node.end_lineno]  # without decorators
        exec("\n".join(line[node.col_offset:] for line in lines), names)


torch.manual_seed(22)
torch.set_default_dtype(torch.float64)
lengths = [1, 5, 3, 6, 2, 4]
count, longest = len(lengths), max(lengths)
mask = (torch.arange(longest) < torch.tensor(lengths).unsqueeze(1)).double()


def random_rows(scale: float, *shape: int) -> torch.Tensor:
    """Three decimals, so that the numbers in the file are the numbers used."""
    return (torch.randn(*shape) * scale * 1000).round() / 1000


def packed(tensor: torch.Tensor) -> list:
    return [x for row, n in zip(tensor.tolist(), lengths) for x in row[:n]]


old, ref, values = (random_rows(scale, count, longest) * mask for scale in (0.8, 0.8, 1.0))
scores = random_rows(7, count)  # some are outside ±5 and ±10
new = (old + random_rows(0.4, count, longest) * mask).requires_grad_()
vpred = (values + random_rows(0.5, count, longest) * mask).requires_grad_()
golden = {"lengths": lengths, "old_logprobs": packed(old), "ref_logprobs": packed(ref), "old_values": packed(values),
          "scores": scores.tolist(), "logprobs": packed(new), "values": packed(vpred)}


def write(system: str, advantages, returns, policy_loss, value_loss) -> None:
    policy_gradient, = torch.autograd.grad(policy_loss, new)
    value_gradient, = torch.autograd.grad(value_loss, vpred)
    golden[system] = {"advantages": packed(advantages), "returns": packed(returns),
                      "policy_loss": policy_loss.item(), "policy_gradient": packed(policy_gradient),
                      "value_loss": value_loss.item(), "value_gradient": packed(value_gradient)}


# OpenRLHF, with its defaults: KL 0.01 by k1, rewards clipped to ±10, lambda 1, clip 0.2, value clip 0.5.
names = {"torch": torch, "nn": torch.nn, **{name: getattr(typing, name) for name in ("Optional", "Tuple", "Union", "List")}}
define(openrlhf / "openrlhf/models/utils.py", names, "compute_approx_kl", "compute_reward", "masked_mean")
define(openrlhf / "openrlhf/models/loss.py", names, "aggregate_loss", "PolicyLoss", "ValueLoss")
maker = openrlhf / "openrlhf/trainer/ppo_utils/experience_maker.py"
names["apply_length_penalties"] = lambda experiences, args: None
names["itertools"] = __import__("itertools")
names["Experience"] = types.SimpleNamespace
define(maker, names, "RemoteExperienceMaker.compute_advantages_and_returns",
       "RemoteExperienceMaker.get_advantages_and_returns")
kl = names["compute_approx_kl"](old, ref, "k1").double()
args = types.SimpleNamespace(
    rollout=types.SimpleNamespace(n_samples_per_prompt=1), reward=types.SimpleNamespace(clip_range=(-10, 10)),
    algo=types.SimpleNamespace(advantage=types.SimpleNamespace(estimator="gae", gamma=1, lambd=1, no_std_norm=False)))
self = types.SimpleNamespace(strategy=types.SimpleNamespace(args=args), kl_ctl=types.SimpleNamespace(value=0.01),
                             advantage_estimator="gae")
self.get_advantages_and_returns = types.MethodType(names["get_advantages_and_returns"], self)
experience = types.SimpleNamespace(index=list(range(count)), rewards=scores, kl=kl, action_mask=mask, values=values,
                                   info={})
names["compute_advantages_and_returns"](self, [experience])
advantages = experience.advantages.double()
write("openrlhf", advantages, experience.returns,
      names["PolicyLoss"](0.2, 0.2)(new, old, advantages, mask)[0],
      names["ValueLoss"](0.5)(vpred, values, experience.returns, mask))

# verl, with its defaults: no KL, lambda 1, clip 0.2, dual clip 3, value clip 0.5.
functional = {"torch": torch}
define(verl / "verl/utils/torch_functional.py", functional, "masked_sum", "masked_mean", "masked_var", "masked_whiten",
       "clip_by_value")
unbiased_or_not = functional["masked_var"]
functional["masked_var"] = lambda values, mask, unbiased=True: unbiased_or_not(values, mask, unbiased=False)
names = {"torch": torch, "verl_F": types.SimpleNamespace(**functional), "Optional": typing.Optional, "Any": typing.Any,
         "ActorConfig": object, "AlgoConfig": type("AlgoConfig", (), {})}
define(verl / "verl/trainer/ppo/core_algos.py", names, "agg_loss", "compute_gae_advantage_return",
       "compute_policy_loss_vanilla", "compute_value_loss")
token_scores = torch.zeros(count, longest)
for row, n in enumerate(lengths):
    token_scores[row, n - 1] = scores[row]
advantages, returns = names["compute_gae_advantage_return"](token_scores, values, mask, 1.0, 1.0)


class Config(types.SimpleNamespace):
    def get(self, name, default):
        return getattr(self, name, default)


config = Config(clip_ratio=0.2, clip_ratio_low=None, clip_ratio_high=None, clip_ratio_c=3.0, global_batch_info={})
write("verl", advantages, returns, names["compute_policy_loss_vanilla"](old, new, advantages, mask, config=config)[0],
      names["compute_value_loss"](vpred, returns, values, mask, 0.5)[0])

# DeepSpeed-Chat: KL 0.1, rewards clipped to ±5, lambda 0.95, clips 0.2, no whitening. Prompts of one token, so that
# `start` is 0.
names = {"torch": torch}
define(deepspeed / "applications/DeepSpeed-Chat/dschat/rlhf/ppo_trainer.py", names,
       *(f"DeepSpeedPPOTrainer.{name}" for name in ("compute_rewards", "get_advantages_and_returns", "actor_loss_fn",
                                                    "critic_loss_fn")))
self = types.SimpleNamespace(kl_ctl=0.1, clip_reward_value=5, cliprange=0.2, cliprange_value=0.2, gamma=1.0, lam=0.95,
                             compute_fp32_loss=False)
# It adds the score one place after the tokens of this mask, which lacks the EOS where EOS is also the pad token.
rewards = names["compute_rewards"](self, torch.zeros(count, 1), old, ref, scores, mask[:, 1:].long()) * mask
advantages, returns = names["get_advantages_and_returns"](self, values, rewards, 0)
write("deepspeed_chat", advantages, returns, names["actor_loss_fn"](self, new, old, advantages, mask),
      names["critic_loss_fn"](self, vpred, values, returns, mask))

json.dump(golden, open("systems.json", "w"), indent=0)
