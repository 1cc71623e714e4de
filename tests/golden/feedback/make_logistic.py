"""Writes logistic.json: coefficients and their errors, as statsmodels and scikit-learn compute them."""
import json
import pathlib

import numpy as np
import statsmodels.api as sm
from sklearn.linear_model import LogisticRegression


def data(rng, rows, betas, intercept, soft):
    features = rng.normal(size=(rows, len(betas))) * np.geomspace(0.01, 100, len(betas))  # units that differ
    chance = 1 / (1 + np.exp(-(intercept + features @ (np.array(betas) / np.geomspace(0.01, 100, len(betas))))))
    return features, (np.round(chance, 2) if soft else (rng.random(rows) < chance).astype(float))


def glm(features, targets, **kwargs):
    """In our order: the features, then the intercept."""
    design = np.column_stack([features, np.ones(len(features))])
    weights = kwargs.pop("weights", None)
    model = sm.GLM(targets, design, family=sm.families.Binomial(), freq_weights=weights)
    fit = model.fit(tol=1e-14, maxiter=100, **kwargs)
    low, high = fit.conf_int(0.1).T
    return {"estimates": fit.params.tolist(), "errors": fit.bse.tolist(), "low": low.tolist(), "high": high.tolist(),
            "log_likelihood": fit.llf if set(targets) <= {0.0, 1.0} else None}  # of shares it has another constant


def cases():
    rng = np.random.default_rng(3)
    for rows, betas, intercept, soft in ((200, [1.0, -0.5, 0.2], 0.3, False), (60, [2.0], -1.0, False),
                                         (100, [0.3, 0.0], 0.0, True)):
        features, targets = data(rng, rows, betas, intercept, soft)
        weights = rng.integers(0, 4, rows).astype(float)
        clusters = rng.integers(0, 12, rows)
        scaled = features / np.geomspace(0.01, 100, len(betas))
        case = {"features": features.ravel().tolist(), "columns": len(betas), "targets": targets.tolist(),
                "weights": weights.tolist(), "clusters": clusters.tolist(), "plain": glm(features, targets),
                "weighted": glm(features, targets, weights=weights),
                "clustered": glm(features, targets, cov_type="cluster", cov_kwds={"groups": clusters})}
        if not soft:
            ridge = LogisticRegression(C=1 / 3.0, solver="newton-cholesky", tol=1e-14, max_iter=1000)
            ridge.fit(scaled, targets)
            case["ridge"] = {"lambda": 3.0, "features": scaled.ravel().tolist(),
                             "estimates": ridge.coef_[0].tolist() + ridge.intercept_.tolist()}
        yield case


if __name__ == "__main__":
    target = pathlib.Path(__file__).with_name("logistic.json")
    target.write_text(json.dumps({"cases": list(cases())}, allow_nan=False) + "\n", encoding="utf-8")
