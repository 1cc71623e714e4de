"""Writes from_python.safetensors: one tensor of each dtype that the reader takes."""
import torch
from safetensors.torch import save_file

count = torch.arange(6)
tensors = {
    "f64": (count / 3).double().reshape(2, 3),
    "f32": (count.float() / 3).reshape(3, 2),
    "f16": count.half() / 4,
    "bf16": count.bfloat16() / 4,
    "i64": count - 3,
    "i32": (count - 3).int(),
    "i16": (count - 3).short(),
    "i8": (count - 3).char(),
    "u8": count.byte() + 250,
    "bool": count % 2 == 1,
    "scalar": torch.tensor(2.5),
    "empty": torch.zeros(0, 4),
    "ünï": torch.tensor([1.0]),
}
save_file(tensors, "from_python.safetensors", metadata={"format": "pt", "note": "a \"quoted\" ü"})
