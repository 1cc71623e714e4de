"""Writes power.json: tails of the binomial distribution and plans, by scipy and statsmodels."""
import json
import pathlib

from scipy.stats import binom
from statsmodels.stats.proportion import proportion_confint


def gold_test(bad, good, error, power):
    for items in range(1, 10000):
        fail = next(k for k in range(-1, items + 1) if binom.sf(k, items, bad) <= error)  # at most fail right: no pass
        if binom.sf(fail, items, good) >= power:
            return {"bad": bad, "good": good, "error": error, "power": power, "items": items, "pass": fail + 1,
                    "bad_pass": binom.sf(fail, items, bad), "good_pass": binom.sf(fail, items, good)}


def width_items(accuracy, width):
    for items in range(1, 10000):
        low, high = proportion_confint(accuracy * items, items, method="wilson")
        if high - low <= width:
            return {"accuracy": accuracy, "width": width, "items": items}


if __name__ == "__main__":
    golden = {
        "tails": [[n, k, p, binom.sf(k - 1, n, p)] for n, k, p in
                  ((10, 7, 0.5), (10, 0, 0.3), (10, 11, 0.3), (200, 150, 0.7), (4999, 3000, 0.59), (4, 4, 1.0), (4, 1, 0.0))],
        "gold": [gold_test(*q) for q in ((0.8, 0.9, 0.05, 0.8), (0.7, 0.9, 0.05, 0.8), (0.5, 0.8, 0.01, 0.9),
                                         (0.5, 0.99, 0.05, 0.5))],
        "widths": [width_items(*q) for q in ((0.9, 0.1), (0.8, 0.1), (0.5, 0.2))],
    }
    target = pathlib.Path(__file__).with_name("power.json")
    target.write_text(json.dumps(golden, allow_nan=False) + "\n", encoding="utf-8")
