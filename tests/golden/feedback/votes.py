"""Random votes for the golden files: annotators of different reliability, with missing votes."""
import numpy as np


def random_votes(rng, items, annotators, choices, share, reliability=None, habits=None):
    """(truth [items], matrix [items, annotators] of choices, −1 where there is no vote); every item has a vote."""
    truth = rng.integers(0, choices, items)
    right = reliability if reliability is not None else rng.uniform(0.45, 0.95, annotators)
    matrix = np.full((items, annotators), -1)
    for i in range(items):
        voters = [k for k in range(annotators) if rng.random() < share] or [int(rng.integers(annotators))]
        for k in voters:
            wrong = rng.choice(choices, p=habits) if habits is not None else rng.integers(choices)
            matrix[i, k] = truth[i] if rng.random() < right[k] else wrong
    return truth, matrix


def as_list(matrix):
    """[item, annotator, choice] of every vote."""
    return [[int(i), int(k), int(matrix[i, k])] for i, k in np.argwhere(matrix >= 0)]
