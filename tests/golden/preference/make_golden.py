"""Writes preference.json: preference losses of random pairs and of single completions with their gradients.

    python make_golden.py TRL

TRL is the folder `trl` of the package. The lines of its trainers are executed as they are, in float64, so that nothing
but torch is needed: DPOTrainer._compute_loss (dpo, robust, dpo_norm, ipo, hinge), CPOTrainer.cpo_loss (simpo, and dpo
with smoothed labels, whose log-probabilities are then log-ratios), ORPOTrainer.odds_ratio_loss (the odds ratio of orpo)
and KTOTrainer._compute_loss (kto, of single completions from their labels and those that estimate the KL).
"""
import json
import math
import sys
import textwrap
import types

import torch
import torch.nn.functional as F


def source(path: str) -> str:
    return open(f"{sys.argv[1]}/{path}").read()


def lines(text: str, first: str, last: str) -> str:
    """The lines from the one that holds `first` to the one before `last`."""
    begin = text.rindex("\n", 0, text.index(first)) + 1
    end = text.rindex("\n", 0, text.index(last, begin)) + 1
    return textwrap.dedent(text[begin:end])


torch.manual_seed(31)
torch.set_default_dtype(torch.float64)
PAIRS = 6


def rounded(values: torch.Tensor) -> torch.Tensor:
    """Three decimals, so that the numbers in the file are the numbers used."""
    return (values * 1000).round() / 1000


tokens = torch.randint(1, 12, (2, PAIRS))
policy = rounded(-tokens * torch.rand(2, PAIRS) * 3 - 0.01)
reference = rounded(policy + torch.randn(2, PAIRS) * 1.5)
beta, smoothing, gamma, kl = 0.3, 0.1, 0.7, 0.4

dpo_lines = lines(source("trainer/dpo_trainer.py"), "chosen_logratios = chosen_logps - ref_chosen_logps",
                  "if self.use_weighting:")
dpo_lines += "    total = per_sequence_loss.sum()\n"
cpo_source, orpo_source = source("experimental/cpo/cpo_trainer.py"), source("experimental/orpo/orpo_trainer.py")
kto_source = source("trainer/kto_trainer.py")
accelerator = types.SimpleNamespace(device="cpu")
modules = {"torch": torch, "F": F, "math": math}


def function(text: str, name: str, following: str):
    """A method of a trainer as a function. Its annotations are not evaluated."""
    found = dict(modules)
    exec("from __future__ import annotations\n" + lines(text, f"def {name}(", following), found)
    return found[name]


def dpo(loss: str):
    def compute(chosen, rejected):
        self = types.SimpleNamespace(f_divergence_type="reverse_kl", loss_types=[loss], loss_weights=[1.0], beta=beta,
                                     label_smoothing=smoothing)
        longest = int(tokens.max())
        mask = (torch.arange(longest) < tokens.reshape(-1, 1)).long()  # chosen, then rejected
        names = dict(modules, self=self, chosen_logps=chosen, rejected_logps=rejected, device="cpu",
                     ref_chosen_logps=reference[0], ref_rejected_logps=reference[1], completion_mask=mask)
        exec(dpo_lines, names)
        return names["total"]
    return compute


def cpo(loss: str, label_smoothing: float, shift, scale):
    method = function(cpo_source, "cpo_loss", "@staticmethod")

    def compute(chosen, rejected):
        self = types.SimpleNamespace(alpha=0.0, loss_type=loss, beta=beta, simpo_gamma=gamma,
                                     label_smoothing=label_smoothing, accelerator=accelerator)
        return method(self, (chosen - shift[0]) / scale[0], (rejected - shift[1]) / scale[1])[0].sum()
    return compute


def orpo(chosen, rejected):
    """The part of the odds ratio."""
    # The method casts to float32; in float64 the comparison is sharper.
    text = orpo_source.replace("logps.float()", "logps.double()")
    found = dict(modules)
    exec("from __future__ import annotations\n" + lines(text, "def log1mexp(", "class ORPOTrainer"), found)
    exec("from __future__ import annotations\n" + lines(text, "def odds_ratio_loss(", "@staticmethod"), found)
    self = types.SimpleNamespace(beta=beta, accelerator=accelerator)
    return -found["odds_ratio_loss"](self, chosen / tokens[0], rejected / tokens[1])[0].sum()


def kto(chosen, rejected):
    text = lines(kto_source, "if chosen_logps.shape[0] != 0 or ref_chosen_logps.shape[0] != 0:",
                 'self._metrics[mode]["kl"].append')
    self = types.SimpleNamespace(loss_type="kto", beta=beta, accelerator=accelerator, desirable_weight=1.0,
                                 undesirable_weight=1.0)
    names = dict(modules, self=self, chosen_logps=chosen, rejected_logps=rejected, ref_chosen_logps=reference[0],
                 ref_rejected_logps=reference[1], kl=torch.tensor(kl))
    exec(text, names)
    return names["losses"].nanmean() * PAIRS  # the mean over completions


def unpaired(labels: list, desirable_weight: float, undesirable_weight: float, kl_shift: float) -> dict:
    """A batch of single completions as KTOTrainer gets it: from the labels to the mean loss."""
    text = lines(kto_source, "device = per_token_logps.device", 'self._metrics[mode]["kl"].append')
    n = len(labels)
    logprobs = rounded(-torch.rand(n) * 9 - 0.01).requires_grad_()
    batch = {"label": labels, "ref_logps": rounded(logprobs.detach() + torch.randn(n) * 1.5),
             "ref_KL_logps": rounded(-torch.rand(n) * 9)}
    kl_logprobs = rounded(batch["ref_KL_logps"] + torch.randn(n) + kl_shift)
    self = types.SimpleNamespace(
        loss_type="kto", beta=beta, precompute_ref_logps=True, calculate_KL=True, desirable_weight=desirable_weight,
        undesirable_weight=undesirable_weight,
        accelerator=types.SimpleNamespace(device="cpu", gather_for_metrics=lambda value: value))
    names = dict(modules, self=self, batch=batch, completion_logps=logprobs, per_token_logps=logprobs,
                 KL_logps=kl_logprobs)
    exec(text, names)
    loss = names["losses"].nanmean()
    return {"labels": labels, "desirable_weight": desirable_weight, "undesirable_weight": undesirable_weight,
            "logprobs": logprobs.tolist(), "ref_logprobs": batch["ref_logps"].tolist(),
            "kl_logprobs": kl_logprobs.tolist(), "ref_kl_logprobs": batch["ref_KL_logps"].tolist(),
            "kl": names["kl"].item(), "mean_loss": loss.item(),
            "grad": torch.autograd.grad(loss, logprobs)[0].tolist()}


zeros, ones = torch.zeros(2, PAIRS), torch.ones(2, PAIRS)
losses = {"dpo": dpo("sigmoid"), "robust": dpo("robust"), "dpo_norm": dpo("sigmoid_norm"), "ipo": dpo("ipo"),
          "hinge": dpo("hinge"), "smoothed": cpo("sigmoid", smoothing, reference, ones),
          "simpo": cpo("simpo", 0.0, zeros, tokens), "simpo_smoothed": cpo("simpo", smoothing, zeros, tokens),
          "orpo_odds": orpo, "kto": kto}
golden = {"beta": beta, "label_smoothing": smoothing, "simpo_gamma": gamma, "kl": kl,
          "chosen": policy[0].tolist(), "rejected": policy[1].tolist(), "ref_chosen": reference[0].tolist(),
          "ref_rejected": reference[1].tolist(), "chosen_tokens": tokens[0].tolist(),
          "rejected_tokens": tokens[1].tolist(), "losses": {}}
for name, compute in losses.items():
    chosen, rejected = policy[0].clone().requires_grad_(), policy[1].clone().requires_grad_()
    loss = compute(chosen, rejected)
    gradients = torch.autograd.grad(loss, (chosen, rejected))
    golden["losses"][name] = {"sum": loss.item(), "chosen_grad": gradients[0].tolist(),
                              "rejected_grad": gradients[1].tolist()}
golden["unpaired"] = [unpaired([True, False, True, True, True], 1.0, 4.0, 0.6),
                      unpaired([False, False, True], 2.2, 1.0, 0.3),
                      unpaired([True, True], 1.3, 1.0, 0.5),
                      unpaired([False], 1.0, 0.7, -9.0)]
json.dump(golden, open("preference.json", "w"), indent=0)
