"""Writes agreement.json: coefficients of agreement and intervals, as the packages of SOURCE.md compute them."""
import json
import pathlib
import warnings

import irrCAC.raw
import krippendorff
import numpy as np
import pandas
import scipy.stats
import sklearn.metrics
import statsmodels.stats.inter_rater
import statsmodels.stats.proportion

import votes

warnings.simplefilter("ignore")


def coefficients(matrix, choices, values):
    """Every coefficient of one matrix of votes; Fleiss by statsmodels where every item has the same number of votes."""
    data = np.where(matrix >= 0, matrix, np.nan).astype(float)
    cac = irrCAC.raw.CAC(pandas.DataFrame(data), categories=[float(c) for c in range(choices)], digits=15)
    found = {"percent": cac.gwet()["est"]["pa"], "ac1": cac.gwet()["est"]["coefficient_value"],
             "fleiss": cac.fleiss()["est"]["coefficient_value"]}
    with_values = np.where(matrix >= 0, np.take(values, matrix), np.nan)
    for level in ("nominal", "interval"):
        found[level] = krippendorff.alpha(reliability_data=with_values.T, level_of_measurement=level,
                                          value_domain=sorted(values))
    if (matrix >= 0).all():
        table = np.stack([(matrix == c).sum(1) for c in range(choices)], 1)
        found["fleiss"] = statsmodels.stats.inter_rater.fleiss_kappa(table)
    return found


def cohen(matrix, choices, first, second):
    both = matrix[(matrix[:, first] >= 0) & (matrix[:, second] >= 0)]
    labels = list(range(choices))
    found = {"first": first, "second": second, "common": len(both)}
    for name, weights in (("nominal", None), ("linear", "linear"), ("quadratic", "quadratic")):
        kappa = sklearn.metrics.cohen_kappa_score(both[:, first], both[:, second], labels=labels, weights=weights)
        found[name] = None if np.isnan(kappa) else kappa  # one common item: nothing is expected by chance
    return found


def cases():
    rng = np.random.default_rng(7)
    for items, annotators, choices, share, values in (
            (40, 3, 2, 1.0, [-1.0, 1.0]), (60, 5, 3, 0.5, [-1.0, 0.0, 1.0]), (80, 6, 5, 0.6, [-2.0, -1.0, 0.0, 1.0, 2.0]),
            (50, 4, 3, 1.0, [0.0, 1.0, 5.0]), (200, 30, 2, 0.1, [0.0, 1.0])):
        _, matrix = votes.random_votes(rng, items, annotators, choices, share)
        yield {"items": items, "annotators": annotators, "choices": choices, "values": values,
               "votes": votes.as_list(matrix), **coefficients(matrix, choices, values),
               "cohen": [cohen(matrix, choices, a, b) for a, b in ((0, 1), (2, 1))]}


def wilson():
    for successes, trials, level in ((0, 10, 0.95), (7, 10, 0.95), (10, 10, 0.9), (123, 400, 0.99), (1, 1, 0.95)):
        low, high = statsmodels.stats.proportion.proportion_confint(successes, trials, 1 - level, method="wilson")
        yield {"successes": successes, "trials": trials, "level": level, "low": low, "high": high}


if __name__ == "__main__":
    quantiles = [[p, scipy.stats.norm.ppf(p)] for p in (1e-12, 1e-4, 0.01, 0.2, 0.5, 0.7, 0.975, 0.9999)]
    golden = {"cases": list(cases()), "wilson": list(wilson()), "normal_quantiles": quantiles}
    target = pathlib.Path(__file__).with_name("agreement.json")
    target.write_text(json.dumps(golden, allow_nan=False) + "\n", encoding="utf-8")
