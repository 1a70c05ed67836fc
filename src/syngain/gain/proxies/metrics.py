"""Metrics of a trained variant on real rows, with the influence of each row.

Every metric is positive-is-better and comes as one number per row whose mean is the metric: exactly the row's own
score where the metric is a mean, the influence function [hampel1974] where it is not. Intervals, extrapolations and
differences are then linear in the rows, whatever the metric.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from syngain.data.columns.targets import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syngain.core.arrays import Floats, Ints
    from syngain.data.dataset import Dataset
    from syngain.gain.proxies.task import Outcome

    Metric = Callable[[Outcome, Ints, Floats], Floats]

LABEL_METRICS = ("log_loss", "accuracy", "macro_f1")  # the first is the pre-declared primary one
TEXT_METRICS = ("nats_per_byte",)
FROZEN_METRICS = ("nats_per_token",)
PREFERENCE_METRICS = ("pair_log_loss", "pair_accuracy")
TARGET_METRICS: Mapping[Target, tuple[str, ...]] = {
    Target.NUMBER: ("gaussian_log_loss", "rmse", "r2"),
    Target.ORDINAL: ("ordinal_log_loss", "ordinal_error", "ordinal_accuracy"),
    Target.LABELS: ("label_set_log_loss", "label_set_f1"),
    Target.TAGS: ("token_log_loss", "entity_f1"),
    Target.TRIPLETS: ("retrieval_log_loss", "retrieval_accuracy"),
}
TRAINED = (*LABEL_METRICS, *FROZEN_METRICS, *TEXT_METRICS, *PREFERENCE_METRICS)
"""Metrics of rows that a language model trains on."""
SECONDARY = tuple(name for names in (LABEL_METRICS, PREFERENCE_METRICS, *TARGET_METRICS.values()) for name in names[1:])
PRIMARY = tuple(
    names[0] for names in (LABEL_METRICS, FROZEN_METRICS, TEXT_METRICS, PREFERENCE_METRICS, *TARGET_METRICS.values())
)


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
    """Influence of each row on minus the surprisal per byte, or per token (t,), in nats."""
    size, loss = float(weight @ outcome.size), float(weight @ outcome.loss)
    ratio = loss / size
    pull = (outcome.loss - ratio * outcome.size) * weight.sum() / size
    return -ratio - _per_row(pull, weight)


def metrics_of(rows: Dataset) -> tuple[str, ...]:
    """The metrics of rows by their target, preferences or texts; the first is the pre-declared primary one."""
    if rows.targets is not None:
        return TARGET_METRICS[rows.targets.kind]
    if rows.labels is not None:
        return LABEL_METRICS
    return TEXT_METRICS if rows.preferences is None else PREFERENCE_METRICS


def rmse(outcome: Outcome, _: Ints, weight: Floats) -> Floats:
    """Influence of each row on minus the root mean squared error (t,)."""
    error = outcome.parts["error"]
    root = float(np.sqrt(weight @ error / weight.sum()))
    return -root - _per_row((error - root**2) / max(2 * root, 1e-300), weight)


def r_squared(outcome: Outcome, _: Ints, weight: Floats) -> Floats:
    """Influence of each row on the fraction of explained variance (t,): 1 minus the ratio of two means."""
    error, target = outcome.parts["error"], outcome.parts["target"]
    total = (target - float(weight @ target) / float(weight.sum())) ** 2
    whole = max(float(weight @ total / weight.sum()), 1e-300)
    ratio = float(weight @ error / weight.sum()) / whole
    return 1 - ratio - _per_row((error - ratio * total) / whole, weight)


def absolute_error(outcome: Outcome, _: Ints, weight: Floats) -> Floats:
    """Minus the absolute error of each row (t,)."""
    return _weighted(-outcome.parts["error"], weight)


def hit(outcome: Outcome, _: Ints, weight: Floats) -> Floats:
    """Whether each row is hit (t,)."""
    return _weighted(outcome.parts["hit"], weight)


def f1(outcome: Outcome, _: Ints, weight: Floats) -> Floats:
    """Influence of each row on the mean F1 of the columns of counts that occur (t,), as in :func:`macro_f1`."""
    hits, true, guessed = (outcome.parts[name] for name in ("hits", "true", "guessed"))
    held = weight @ (true + guessed)
    judged = weight @ true > 0
    if not judged.any():
        return np.zeros(weight.size)
    scale = np.where(judged, held, 1.0)
    score = np.where(judged, 2 * (weight @ hits) / scale, 0.0)
    pull = np.where(judged, (2 * hits - score * (true + guessed)) / scale, 0.0).sum(axis=1) * weight.sum()
    return float(score.sum() / judged.sum()) + _per_row(pull / judged.sum(), weight)


METRICS: Mapping[str, Metric] = {
    "log_loss": log_loss,
    "accuracy": accuracy,
    "macro_f1": macro_f1,
    "nats_per_byte": nats_per_byte,
    "nats_per_token": nats_per_byte,
    "pair_log_loss": log_loss,
    "pair_accuracy": accuracy,
    "gaussian_log_loss": log_loss,
    "rmse": rmse,
    "r2": r_squared,
    "ordinal_log_loss": log_loss,
    "ordinal_error": absolute_error,
    "ordinal_accuracy": hit,
    "label_set_log_loss": log_loss,
    "label_set_f1": f1,
    "token_log_loss": nats_per_byte,
    "entity_f1": f1,
    "retrieval_log_loss": log_loss,
    "retrieval_accuracy": hit,
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
