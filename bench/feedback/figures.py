"""Accuracy and calibration of margins, with intervals over the held-out pairs."""
import numpy as np

RESAMPLES = 2000
BINS = 10


def hits(margins: np.ndarray) -> np.ndarray:
    """1 where the better response has the higher score, 1/2 for equal scores."""
    return np.where(margins == 0, 0.5, margins > 0)


def calibration_error(margins: np.ndarray) -> float:
    """Expected calibration error: of the preferred response's probability, in bins of equal size."""
    sure = 1 / (1 + np.exp(-np.abs(margins)))
    order = np.argsort(sure, kind="stable")
    return sum(len(part) * abs(sure[part].mean() - hits(margins)[part].mean())
               for part in np.array_split(order, BINS)) / len(margins)


def accuracy(runs: np.ndarray) -> float:
    """Of [seeds, pairs]."""
    return float(hits(runs).mean())


def mean_calibration_error(runs: np.ndarray) -> float:
    return float(np.mean([calibration_error(margins) for margins in runs]))


def resampled(pairs: int):
    chance = np.random.default_rng(0)
    return (chance.integers(0, pairs, pairs) for _ in range(RESAMPLES))


def difference(first: np.ndarray, second: np.ndarray) -> tuple[float, float, float]:
    """Accuracy of the first minus that of the second, and its interval at 95 %: a bootstrap over pairs, of which each
    has all its seeds in both."""
    gap = hits(first).mean(axis=0) - hits(second).mean(axis=0)
    means = [gap[drawn].mean() for drawn in resampled(gap.size)]
    return (float(gap.mean()), *map(float, np.quantile(means, [0.025, 0.975])))


def interval(runs: np.ndarray) -> tuple[float, float]:
    means = hits(runs).mean(axis=0)
    return tuple(map(float, np.quantile([means[drawn].mean() for drawn in resampled(means.size)], [0.025, 0.975])))
