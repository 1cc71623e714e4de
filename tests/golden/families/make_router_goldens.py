"""Makes <family>_router.safetensors: the load-balancing loss that `transformers` computes for the mixtures of experts, on a
padded batch of the tokens in <family>.safetensors, and its gradients. See SOURCE.md."""
import torch
from safetensors.torch import load_file, save_file

from make_goldens import FAMILIES, HERE, LENGTHS, file_gradients, model_class

for family, (kind, settings, _, _) in FAMILIES.items():
    if "num_experts_per_tok" not in settings:
        continue
    model = model_class(kind).from_pretrained(HERE / family, attn_implementation="eager")
    model.eval()
    texts = load_file(HERE / f"{family}.safetensors")["tokens"].split(LENGTHS)
    ids, mask = (torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
                 for rows in (texts, [torch.ones_like(text) for text in texts]))
    loss = model(input_ids=ids, attention_mask=mask, output_router_logits=True).aux_loss
    loss.backward()
    for parameter in model.parameters():
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    gradients = {"grad." + name: gradient for name, gradient in file_gradients(kind, model)
                 if ".experts." not in name and ".shared_expert." not in name}
    save_file({"loss": loss.detach().reshape(1), **gradients}, HERE / f"{family}_router.safetensors")
    print(family, float(loss), len(gradients))
