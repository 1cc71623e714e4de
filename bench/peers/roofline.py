"""What the machine can do at this minute, as torch reaches it: roofline.py DTYPE… prints one JSON line.

The best of many calls: a roof that a neighbour lowered would flatter the shares that are taken of it."""
import json
import sys
import time

import torch


def best_seconds(work, at_least: float = 2.0) -> float:
    """Of the calls that fit into `at_least` seconds, and of five in any case: one alone may have been held up."""
    seconds, end = [], time.perf_counter() + at_least
    while len(seconds) < 5 or time.perf_counter() < end:
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def matmul_rate(dtype: torch.dtype, size: int = 2048) -> float:
    a, b = torch.randn(size, size).to(dtype), torch.randn(size, size).to(dtype)
    return 2 * size**3 / best_seconds(lambda: a @ b)


numbers = torch.ones(2**28)  # 1 GiB
names = {"float32": "fp32_flops", "bfloat16": "bf16_flops"}
print(json.dumps({**{names[dtype]: matmul_rate(getattr(torch, dtype)) for dtype in sys.argv[1:]},
                  "read_bytes_per_second": numbers.nbytes / best_seconds(numbers.sum),
                  "threads": torch.get_num_threads()}))
