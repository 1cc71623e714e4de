"""Writes latent.json: annotators fitted to anchors, by scipy's optimiser, numpy's inverse, numerical integration,
and statsmodels."""
import json
import pathlib

import numpy as np
import scipy.integrate
import scipy.optimize
import statsmodels.miscmodels.ordinal_model
from scipy.special import expit, log_expit


def simulate(rng, annotators, votes, is_bias, domains, theta):
    """Anchored pairs of one vote each; a row of the model is (t·(1 − z), t·z, p, Δf, t·1[domain])."""
    pairs = annotators * votes
    anchors = rng.choice([-1, 1], pairs)
    differences = rng.normal(size=(pairs, len(is_bias))).round(3)
    for f, bias in enumerate(is_bias):
        if bias:
            differences[:, f] = rng.choice([-1, 0, 0, 1], pairs)
    z = (differences[:, np.array(is_bias, bool)] != 0).any(1) if any(is_bias) else np.zeros(pairs, bool)
    domain = rng.integers(0, domains, pairs) if domains else np.zeros(0, int)
    position = rng.integers(-1, 2, pairs)
    rows = np.column_stack([anchors * ~z, anchors * z, position, differences] + [anchors * (domain == d) for d in range(domains)])
    annotator = np.arange(pairs) % annotators
    first = rng.random(pairs) < expit((rows * theta[annotator]).sum(1))
    return anchors, differences, domain, position, rows, annotator, np.where(first, 1, -1)


def modes_and_errors(case, rows, annotator, answers, mean, variance):
    """τ = 1, μ at its prior mean: each θ by scipy, all errors from the inverse of one joint Hessian of all θ and μ."""
    width, groups = rows.shape[1], case["annotators"]
    joint = np.zeros((width * (groups + 1), width * (groups + 1)))
    at_mean = slice(width * groups, width * (groups + 1))
    joint[at_mean, at_mean] = np.diag(1 / variance) + groups * np.eye(width)
    for k in range(groups):
        x, y = rows[annotator == k], answers[annotator == k]

        def loss(theta):
            return -log_expit(y * (x @ theta)).sum() + ((theta - mean) ** 2).sum() / 2

        def gradient(theta):
            return -(y * expit(-y * (x @ theta))) @ x + theta - mean

        theta = scipy.optimize.minimize(loss, mean, jac=gradient, method="BFGS", options={"gtol": 1e-12}).x
        case["theta"].append(theta.tolist())
        p = expit(x @ theta)
        here = slice(width * k, width * (k + 1))
        joint[here, here] = (x.T * (p * (1 - p))) @ x + np.eye(width)
        joint[here, at_mean] = joint[at_mean, here] = -np.eye(width)
    covariance = np.linalg.inv(joint)
    errors = np.sqrt(np.diag(covariance)).reshape(groups + 1, width)
    case["errors"], case["mean_errors"] = errors[:-1].tolist(), errors[-1].tolist()
    sums = np.zeros((groups, case["domains"], joint.shape[0]))  # of α0 and δ
    for k in range(groups):
        for d in range(case["domains"]):
            sums[k, d, [width * k, width * (k + 1) - case["domains"] + d]] = 1
    case["alpha0_in_errors"] = np.sqrt(np.einsum("kdi,ij,kdj->kd", sums, covariance, sums)).tolist()
    return case


def one_round(rng, annotators, votes, is_bias, domains=0):
    features = len(is_bias)
    theta = rng.normal(1.5, 1, (annotators, 3 + features + domains))
    anchors, differences, domain, position, rows, annotator, answers = simulate(
        rng, annotators, votes, is_bias, domains, theta)
    mean = np.array([2.0, 2.0] + [0.0] * (1 + features + domains))
    variance = np.array([1.0, 1.0] + [9.0] * (1 + features) + [1.0] * domains)
    case = {"annotators": annotators, "is_bias": is_bias, "anchors": anchors.tolist(),
            "domains": domains, "domain": domain.tolist(), "position": position.tolist(), "differences": differences.ravel().tolist(), "annotator": annotator.tolist(), "answers": answers.tolist(),
            "theta": []}
    return modes_and_errors(case, rows, annotator, answers, mean, variance)


def integrated(rng, annotators, votes):
    """No features: α0 ~ N(μ, τ²), everything but τ integrated numerically; τ² at the largest marginal posterior."""
    right = rng.binomial(votes, expit(rng.normal(1.2, 0.7, annotators)))
    alpha = np.linspace(-6, 10, 3201)
    likelihood = [np.exp(r * log_expit(alpha) + (votes - r) * log_expit(-alpha)
                         - (r * np.log(r / votes) + (votes - r) * np.log1p(-r / votes))) for r in right]

    def normal(x, mean, variance):
        return np.exp(-(x - mean) ** 2 / (2 * variance)) / np.sqrt(2 * np.pi * variance)

    means = np.linspace(-1, 4, 501)

    def terms(variance):
        """For each annotator and μ: ∫ P(votes | α) N(α; μ, τ²) dα."""
        return np.array([[scipy.integrate.trapezoid(l * normal(alpha, m, variance), alpha) for m in means]
                         for l in likelihood])

    def weight(variance):
        return terms(variance).prod(0) * normal(means, 2, 1)

    def loss(variance):  # one more group, which shows τ = 1
        return -np.log(scipy.integrate.trapezoid(weight(variance), means)) + np.log(variance) / 2 + 1 / (2 * variance)

    variance = scipy.optimize.minimize_scalar(loss, bounds=(0.05, 4), method="bounded").x
    posterior = weight(variance) / scipy.integrate.trapezoid(weight(variance), means)

    def moments(density, x):
        mean = scipy.integrate.trapezoid(density * x, x)
        return mean, np.sqrt(scipy.integrate.trapezoid(density * (x - mean) ** 2, x))

    found = {"votes": votes, "right": right.tolist(), "spread": np.sqrt(variance)}
    found["mean"], found["mean_error"] = moments(posterior, means)
    found["alpha"], found["errors"] = [], []
    given = terms(variance)
    for l, g in zip(likelihood, given):
        mixture = sum(p * l * normal(alpha, m, variance) / t for p, m, t in zip(posterior, means, g) if t > 0)
        mean, error = moments(mixture / scipy.integrate.trapezoid(mixture, alpha), alpha)
        found["alpha"].append(mean)
        found["errors"].append(error)
    return found


def ordered(rng, steps):
    """Answers on a scale of odd steps, each with its mirror image, so that the cut points come out symmetric."""
    s = rng.normal(0, 1.5, 150).round(3)
    cuts = np.cumsum(rng.uniform(0.7, 1.2, steps // 2))
    answers = np.searchsorted(np.concatenate([-cuts[::-1], cuts]), s + rng.logistic(size=150)) - steps // 2
    x, y = np.concatenate([s, -s]), np.concatenate([answers, -answers])
    model = statsmodels.miscmodels.ordinal_model.OrderedModel(y, x[:, None], distr="logit")
    fit = model.fit(method="newton", maxiter=200, disp=False)
    thresholds = model.transform_threshold_params(fit.params[1:])[1:-1]
    return {"scale": steps, "x": x.tolist(), "answers": y.tolist(), "coefficient": fit.params[0],
            "cuts": thresholds[steps // 2:].tolist(), "log_likelihood": fit.llf}


if __name__ == "__main__":
    rng = np.random.default_rng(17)
    golden = {"one_round": [one_round(rng, 1, 40, []), one_round(rng, 3, 60, [True, False]),
                            one_round(rng, 4, 25, [True, True]), one_round(rng, 3, 60, [True], domains=3)],
              "integrated": [integrated(rng, 12, 150), integrated(rng, 30, 400)],
              "ordered": [ordered(rng, 3), ordered(rng, 7)]}
    target = pathlib.Path(__file__).with_name("latent.json")
    target.write_text(json.dumps(golden, allow_nan=False) + "\n", encoding="utf-8")
