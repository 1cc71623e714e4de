"""Five steps of torch.optim.AdamW on given gradients. See SOURCE.md."""
import pathlib

import torch
from safetensors.torch import save_file

STEPS, LR = 5, [1e-2, 8e-3, 6e-3, 4e-3, 2e-3]

if __name__ == "__main__":
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    start = {"matrix": torch.randn(6, 5, generator=generator), "norm": torch.randn(7, generator=generator)}
    # The first two gradients are longer than the clipping norm of 1, the later ones are not.
    scale = [3.0, 0.9, 0.1, 0.05, 0.1]
    gradients = {k: torch.stack([s * torch.randn(v.shape, generator=generator) for s in scale]) for k, v in start.items()}
    out = {f"start.{k}": v for k, v in start.items()} | {f"gradients.{k}": v for k, v in gradients.items()}
    for case, clip in {"plain": None, "clipped": 1.0}.items():
        weights = {k: torch.nn.Parameter(v.clone()) for k, v in start.items()}
        optimizer = torch.optim.AdamW([{"params": [weights["matrix"]], "weight_decay": 0.1},
                                       {"params": [weights["norm"]], "weight_decay": 0.0}], betas=(0.9, 0.95), eps=1e-8)
        norms = []
        for step in range(STEPS):
            for group in optimizer.param_groups:
                group["lr"] = LR[step]
            for k, w in weights.items():
                w.grad = gradients[k][step].clone()
            norms.append(torch.nn.utils.clip_grad_norm_(list(weights.values()), clip if clip else float("inf")))
            optimizer.step()
        out |= {f"{case}.{k}": w.detach() for k, w in weights.items()} | {f"{case}.norms": torch.stack(norms)}
    save_file(out, pathlib.Path(__file__).parent / "adamw.safetensors")
