"""Writes lr_schedule.json: factors of transformers' learning-rate schedules at every step."""
import json

import torch
import transformers as hf

cases = []
for total, warmup in [(20, 0), (20, 5), (7, 1), (10, 9)]:
    for kind, min_share, make in [
        ("constant", 0.0, lambda o: hf.get_constant_schedule_with_warmup(o, warmup)),
        ("linear", 0.0, lambda o: hf.get_linear_schedule_with_warmup(o, warmup, total)),
        ("linear", 0.1, lambda o: hf.get_polynomial_decay_schedule_with_warmup(o, warmup, total, lr_end=0.1, power=1.0)),
        ("cosine", 0.0, lambda o: hf.get_cosine_schedule_with_warmup(o, warmup, total)),
        ("cosine", 0.1, lambda o: hf.get_cosine_with_min_lr_schedule_with_warmup(o, warmup, total, min_lr_rate=0.1)),
    ]:
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        schedule = make(optimizer)
        factors = []
        for _ in range(total + 1):
            factors.append(schedule.get_last_lr()[0])
            optimizer.step()
            schedule.step()
        cases.append({"kind": kind, "total": total, "warmup": warmup, "min_share": min_share, "factors": factors})
json.dump(cases, open("lr_schedule.json", "w"), indent=0)
