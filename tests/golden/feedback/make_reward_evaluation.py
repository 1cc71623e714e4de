"""Writes reward_evaluation.json: statistics of pairs, scores and ranks, as the packages of SOURCE.md compute them."""
import json
import math
import pathlib
import warnings

import numpy as np
import scipy.optimize
import scipy.special
import scipy.stats
import sklearn.calibration
import sklearn.linear_model
import sklearn.metrics

warnings.simplefilter("ignore")


def temperature(margins, truths):
    """By two ways that must agree: logistic regression without an intercept, and the root of the derivative."""
    slope = lambda b: np.sum((scipy.special.expit(b * margins) - truths) * margins)
    root = scipy.optimize.brentq(slope, 1e-9, 1e6, xtol=1e-16, rtol=1e-15)
    model = sklearn.linear_model.LogisticRegression(penalty=None, fit_intercept=False, tol=1e-12, max_iter=10000)
    column = np.concatenate([margins, margins])[:, None]
    label = np.repeat([1, 0], len(margins))
    model.fit(column, label, sample_weight=np.concatenate([truths, 1 - truths]))
    assert abs(model.coef_[0, 0] - root) < 1e-5 * root, (model.coef_, root)
    return 1 / root


def reliability(margins, truths, bins):
    """The diagram of scikit-learn for 0/1 outcomes; its bins are quantiles of the confidence."""
    confidence = scipy.special.expit(np.abs(margins))
    right = np.where(margins > 0, truths, 1 - truths)
    accuracy, mean = sklearn.calibration.calibration_curve(right, confidence, n_bins=bins, strategy="quantile")
    edges = np.percentile(confidence, np.linspace(0, 100, bins + 1))
    counts = np.bincount(np.searchsorted(edges[1:-1], confidence), minlength=bins)
    counts = counts[counts > 0]
    error = float(np.sum(counts / counts.sum() * np.abs(mean - accuracy)))
    return {"bins": bins, "pairs": counts.tolist(), "confidence": mean.tolist(), "accuracy": accuracy.tolist(),
            "error": error}


def pairs(rng, count, scale, votes):
    """Margins of a model that is `scale` times too sure; truths are shares of `votes` votes."""
    true = rng.normal(0.5, 1.5, count)
    truths = rng.binomial(votes, scipy.special.expit(true)) / votes
    margins = np.round(scale * true + rng.normal(0, 0.5, count), 6)
    found = {"margins": margins.tolist(), "truths": truths.tolist(), "temperature": temperature(margins, truths),
             "brier": float(np.mean((scipy.special.expit(margins) - truths) ** 2))}
    p = np.concatenate([scipy.special.expit(margins)] * 2)
    label, weight = np.repeat([1, 0], count), np.concatenate([truths, 1 - truths])
    found["loss"] = sklearn.metrics.log_loss(label, p, sample_weight=weight)
    found["accuracy"] = sklearn.metrics.accuracy_score(label, p > 0.5, sample_weight=weight)
    if votes == 1:
        found["brier"] = sklearn.metrics.brier_score_loss(truths, scipy.special.expit(margins))
        found["diagrams"] = [reliability(margins, truths, bins) for bins in (1, 7, 15)]
    return found


def ranks(rng, count, values):
    x, y = rng.integers(0, values, count).astype(float), rng.normal(size=count)
    y = np.round(y + 0.3 * x, 6)
    rho = scipy.stats.spearmanr(x, y).statistic
    label = rng.integers(0, 2, count)
    label[:2] = [0, 1]
    return {"x": x.tolist(), "y": y.tolist(), "spearman": rho, "label": label.tolist(),
            "auc": sklearn.metrics.roc_auc_score(label, x)}


def best_of(rng, count, n):
    """The expectation over all subsets of n, one by one."""
    scores, values = rng.permutation(count).astype(float), np.round(rng.normal(size=count), 6)
    order = np.argsort(scores)
    sizes = [math.comb(i, n - 1) for i in range(count)]  # subsets whose best is the i-th lowest
    return {"scores": scores.tolist(), "values": values.tolist(), "n": n,
            "expected": float(np.dot(sizes, values[order]) / math.comb(count, n))}


if __name__ == "__main__":
    rng = np.random.default_rng(11)
    golden = {"pairs": [pairs(rng, 150, 2.0, 1), pairs(rng, 250, 0.4, 1), pairs(rng, 100, 1.0, 5)],
              "ranks": [ranks(rng, 40, 1000), ranks(rng, 60, 5)],
              "best_of_n": [best_of(rng, 12, n) for n in (1, 2, 5, 12)]}
    target = pathlib.Path(__file__).with_name("reward_evaluation.json")
    target.write_text(json.dumps(golden, allow_nan=False) + "\n", encoding="utf-8")
