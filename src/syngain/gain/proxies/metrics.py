"""Metrics of a trained variant on real rows, with the influence of each row.

Every metric is positive-is-better and comes as one number per row whose mean is the metric: exactly the row's own
score where the metric is a mean, the influence function [hampel1974] where it is not. Intervals, extrapolations and
differences are then linear in the rows, whatever the metric.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syngain.core.arrays import Floats, Ints
    from syngain.data.dataset import Dataset
    from syngain.gain.proxies.task import Outcome

    Metric = Callable[[Outcome, Ints, Floats], Floats]

LABEL_METRICS = ("log_loss", "accuracy", "macro_f1")  # the first is the pre-declared primary one
TEXT_METRICS = ("nats_per_byte",)
PREFERENCE_METRICS = ("pair_log_loss", "pair_accuracy")


def log_loss(outcome: Outcome, _: Ints, weight: Floats) -> Floats:
    """Minus the surprisal of each label in nats (t,); its weighted mean is the metric."""
    return _weighted(-outcome.loss, weight)


def accuracy(outcome: Outcome, label: Ints, weight: Floats) -> Floats:
    """Whether each guess is the label, shape (t,); the weighted mean as the mean."""
    return _weighted((_guess(outcome) == label).astype(float), weight)


def macro_f1(outcome: Outcome, label: Ints, weight: Floats) -> Floats:
    """Influence of each row on macro-F1 over the classes of ``label``, shape (t,).

    F1 of a class is 2 TP / (2 TP + FP + FN) = 2 TP / (true + guessed); its derivative in the weight of a row is
    ``(2 [hit] - F1 ([label] + [guess])) / (true + guessed)``.
    """
    guess, total = _guess(outcome), float(weight.sum())
    classes = int(max(label.max(), guess.max())) + 1
    true = np.bincount(label, weights=weight, minlength=classes)
    guessed = np.bincount(guess, weights=weight, minlength=classes)
    hit = np.bincount(label[guess == label], weights=weight[guess == label], minlength=classes)
    judged = true > 0
    held = np.where(judged, true + guessed, 1.0)
    f1 = np.where(judged, 2 * hit / held, 0.0)
    share = 1 / judged.sum()
    pull = 2 * (guess == label) / held[label] - f1[label] / held[label] - np.where(judged, f1 / held, 0.0)[guess]
    return float(f1.sum() * share) + _per_row(pull * share * total, weight)


def nats_per_byte(outcome: Outcome, _: Ints, weight: Floats) -> Floats:
    """Influence of each row on minus the surprisal per byte (t,), in nats."""
    size, loss = float(weight @ outcome.size), float(weight @ outcome.loss)
    ratio = loss / size
    pull = (outcome.loss - ratio * outcome.size) * weight.sum() / size
    return -ratio - _per_row(pull, weight)


def metrics_of(rows: Dataset) -> tuple[str, ...]:
    """The metrics of labeled rows, preferences or texts; the first is the pre-declared primary one."""
    if rows.labels is not None:
        return LABEL_METRICS
    return TEXT_METRICS if rows.preferences is None else PREFERENCE_METRICS


METRICS: Mapping[str, Metric] = {
    "log_loss": log_loss,
    "accuracy": accuracy,
    "macro_f1": macro_f1,
    "nats_per_byte": nats_per_byte,
    "pair_log_loss": log_loss,
    "pair_accuracy": accuracy,
}


def prior_weights(label: Ints, prior: Floats | None) -> Floats:
    """Row weights (t,) under which classes have this prior (k,); ones without."""
    if prior is None:
        return np.ones(label.size)
    share = np.bincount(label, minlength=prior.size) / label.size
    return np.asarray(prior[label] / share[label])


def _guess(outcome: Outcome) -> Ints:
    if outcome.guess is None:
        raise TypeError("a metric of labels needs an outcome with guesses")
    return outcome.guess


def _weighted(score: Floats, weight: Floats) -> Floats:
    mean = float(weight @ score) / float(weight.sum())
    return mean + _per_row(score - mean, weight)


def _per_row(pull: Floats, weight: Floats) -> Floats:
    """Deviations from the metric by row, on the scale of a plain mean."""
    return np.asarray(pull * weight * weight.size / weight.sum())
