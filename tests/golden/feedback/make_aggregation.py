"""Writes aggregation.json: labels and annotators as crowd-kit fits them, each after a set number of iterations."""
import json
import pathlib
import types
from unittest import mock

import numpy as np
import pandas as pd
import scipy.special
from crowdkit.aggregation import GLAD, MACE, DawidSkene, OneCoinDawidSkene

import votes

NEVER = -np.inf  # as tolerance: crowd-kit then runs all iterations


def table(probabilities, items, choices):
    return probabilities.reindex(index=range(items), columns=range(choices)).fillna(0.0).values.tolist()


def undecided(items, choices):
    """In place of the majority vote: every choice equally likely on every item."""
    flat = pd.DataFrame(1.0 / choices, index=pd.Index(range(items), name="task"), columns=range(choices))
    return mock.patch("crowdkit.aggregation.classification.dawid_skene.MajorityVote.fit_predict_proba",
                      lambda self, data: flat.copy())


def dawid_skene(data, shape, gold):
    items, annotators, choices = shape
    model = DawidSkene(n_iter=300, tol=NEVER)
    if gold is None:
        model.fit(data)
    else:
        with undecided(items, choices):
            model.fit(data, true_labels=pd.Series(gold))
    # Indexed by worker and observed label, a column per true label: ours is [annotator, truth, vote].
    errors = model.errors_.reindex(pd.MultiIndex.from_product([range(annotators), range(choices)]), fill_value=0.0)
    confusion = errors[list(range(choices))].values.reshape(annotators, choices, choices).transpose(0, 2, 1)
    return {"iterations": 300, "labels": table(model.probas_, items, choices), "confusion": confusion.tolist(),
            "class_shares": [model.priors_[c] for c in range(choices)]}


def one_coin(data, shape):
    model = OneCoinDawidSkene(n_iter=300, tol=NEVER)
    model.fit(data)
    return {"iterations": 300, "labels": table(model.probas_, shape[0], shape[2]),
            "accuracy": [model.skills_[k] for k in range(shape[1])]}


def start_at_half(self, n_workers, n_labels):
    """Every annotator knows the truth half of the time and has no habit; the priors are crowd-kit's own."""
    self.spamming_ = np.full((n_workers, 2), 0.5)
    self.thetas_ = np.full((n_workers, n_labels), 1.0 / n_labels)
    self.theta_priors_ = np.full((n_workers, 2), 0.5)
    self.strategy_priors_ = np.full((n_workers, n_labels), 10.0)


def mace(data, shape):
    items, annotators, choices = shape
    data = data.sort_values(["label", "worker", "task"], kind="stable")  # crowd-kit numbers labels as they appear
    model = MACE(n_restarts=1, n_iter=50)
    model._initialize = types.MethodType(start_at_half, model)
    model.fit(data)
    codes = [pd.factorize(data[name]) for name in ("task", "worker", "label")]
    _, marginals, habits, knowing = model._e_step(data.copy(), *[names for _, names in codes], *[c for c, _ in codes])
    knowing = knowing.reindex(range(annotators)).values + 0.5
    habits = habits.reindex(index=range(annotators), columns=range(choices)).fillna(0.0).values + 10.0
    return {"iterations": 50, "labels": table(model.probas_, items, choices),
            "log_likelihood": float(np.log(marginals.sum(axis=1)).sum()),
            "competence": (knowing[:, 1] / knowing.sum(axis=1)).tolist(),
            "habits": (habits / habits.sum(axis=1, keepdims=True)).tolist()}


def glad(data, shape):
    model = GLAD(n_iter=150, tol=NEVER, m_step_max_iter=200, m_step_tol=1e-9)
    model.fit(data)
    return {"labels": table(model.probas_, shape[0], shape[2]), "ability": [model.alphas_[k] for k in range(shape[1])],
            "ease": np.exp([model.betas_[i] for i in range(shape[0])]).tolist()}


def cases():
    rng = np.random.default_rng(11)
    for items, annotators, choices, share in ((60, 8, 2, 0.6), (50, 6, 3, 0.8), (40, 10, 2, 0.3)):
        truth, matrix = votes.random_votes(rng, items, annotators, choices, share)
        found = votes.as_list(matrix)
        data = pd.DataFrame(found, columns=["task", "worker", "label"])
        shape = (items, annotators, choices)
        gold = {i: int(truth[i]) for i in range(0, items, 4)}
        yield {"items": items, "annotators": annotators, "choices": choices, "votes": found,
               "gold": [gold.get(i, -1) for i in range(items)],
               "dawid_skene": dawid_skene(data, shape, None), "dawid_skene_gold": dawid_skene(data, shape, gold),
               "one_coin": one_coin(data, shape), "mace": mace(data, shape), "glad": glad(data, shape)}


if __name__ == "__main__":
    golden = {"cases": list(cases()),
              "digamma": [[x, float(scipy.special.digamma(x))] for x in (0.1, 0.5, 1.0, 2.5, 7.0, 33.3, 1e4)]}
    target = pathlib.Path(__file__).with_name("aggregation.json")
    target.write_text(json.dumps(golden, allow_nan=False) + "\n", encoding="utf-8")
