"""Reads the file that SafetensorsInterop.PythonReadsWhatWeWrite writes and fails unless it holds what was written."""
import sys

import torch
from safetensors import safe_open
from safetensors.torch import load_file

tensors = load_file(sys.argv[1])
assert set(tensors) == {"bf16", "f64", "bool", "empty", "scalar"}, sorted(tensors)
assert torch.equal(tensors["bf16"], torch.arange(3).bfloat16() / 4), tensors["bf16"]
assert torch.equal(tensors["f64"], torch.arange(6).double().reshape(2, 3) / 3), tensors["f64"]
assert torch.equal(tensors["bool"], torch.tensor([True, False])), tensors["bool"]
assert tensors["empty"].shape == (0, 4), tensors["empty"].shape
assert tensors["scalar"].shape == () and tensors["scalar"].item() == 7, tensors["scalar"]
with safe_open(sys.argv[1], "pt") as file:
    assert file.metadata() == {"format": "pt"}, file.metadata()
