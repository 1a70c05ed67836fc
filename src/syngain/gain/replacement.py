"""Utility of replacing real rows: parts of inputs and labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from syngain.gain.design.lineage import drawn
from syngain.gain.forecast import Contrast
from syngain.gain.proxies.metrics import METRICS
from syngain.gain.proxies.task import Outcome, Training
from syngain.inference.clusters import shared_training
from syngain.learners.choices import Choices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Floats, Ints
    from syngain.core.rng import Streams
    from syngain.gain.design.lineage import Lineage
    from syngain.gain.proxies.labels import LabelTask

FOLDS = 5


@dataclass(frozen=True)
class Utility:
    """U = R(real-trained) - R(synthetic-trained) at equal size, and its parts.

    Attributes:
        total: real rows replaced by as many synthetic rows. input_shift, label_error: the parts, averaged over the
            two orders of swapping. interaction: what the order changes.
    """

    total: Contrast
    input_shift: Contrast
    label_error: Contrast
    interaction: Contrast


def utility(task: LabelTask, lineage: Lineage, streams: Streams, *, metric: str = "log_loss") -> Utility:
    """Swap inputs and labels one at a time, cross-validated (THEORY section 5).

    Labels of synthetic inputs by a classifier trained on real rows change only the inputs. Labels of real inputs by a
    classifier trained on synthetic rows change only the labels.
    """
    count = lineage.anchors
    label = task.label[:count]
    fold = lineage.folds(FOLDS, streams.stream("folds"))
    order = streams.stream("rows").permutation(lineage.source.size)
    size = min(min(int((fold != f).sum()), int(lineage.made_from(fold != f).sum())) for f in range(int(fold.max()) + 1))
    scores = np.zeros((4, count))
    losses = {name: (np.zeros(count), np.zeros(count, dtype=np.int64)) for name in range(4)}
    choices = [Choices() for _ in range(6)]  # of the two classifiers that label, and of the four combinations
    for f in range(int(fold.max()) + 1):
        held = np.flatnonzero(fold == f)
        real = np.sort(streams.stream("real", str(f)).permutation(np.flatnonzero(fold != f))[:size])
        rows = drawn(lineage.made_from(fold != f), size, order)
        for name, outcome in enumerate(_swapped(task, (real, rows, held), streams.child(str(f)), choices)):
            losses[name][0][held] = outcome.loss
            losses[name][1][held] = outcome.guess if outcome.guess is not None else 0
    for name, (loss, guess) in losses.items():
        scores[name] = _score(metric, loss, guess, label)
    real_real, synthetic_inputs, synthetic_labels, both = scores
    inputs = ((synthetic_inputs - real_real) + (both - synthetic_labels)) / 2
    labels = ((synthetic_labels - real_real) + (both - synthetic_inputs)) / 2
    mixed = (both - synthetic_labels) - (synthetic_inputs - real_real)
    return Utility(*(_contrast(part) for part in (both - real_real, inputs, labels, mixed)))


def _swapped(
    task: LabelTask, parts: tuple[Ints, Ints, Ints], streams: Streams, choices: Sequence[Choices]
) -> list[Outcome]:
    """Outcomes by (inputs, labels): all four combinations of real and synthetic.

    ``parts`` are the real, the synthetic and the held-out rows.
    """
    real, rows, held = parts
    none = np.empty(0, dtype=np.int64)
    own, other = (
        Training(*of, choices=known) for of, known in zip(((real, none), (none, rows)), choices, strict=False)
    )
    relabeled = task.synthetic_label.copy()
    relabeled[rows] = _teach(task, own, task.synthetic[rows], streams.child("real teacher"))
    relabeled_real = task.label.copy()
    relabeled_real[real] = _teach(task, other, task.real[real], streams.child("synthetic teacher"))
    swapped_real = replace(task, label=relabeled_real)  # held rows keep their labels: they are not in ``real``
    pairs = ((task, own), (replace(task, synthetic_label=relabeled), other), (swapped_real, own), (task, other))
    return [
        bench.judge(replace(trained, choices=known), held, streams.stream("inner"))
        for (bench, trained), known in zip(pairs, choices[2:], strict=True)
    ]


def _teach(task: LabelTask, training: Training, X: Floats, streams: Streams) -> Ints:
    """Labels drawn from the posterior of a classifier, not its best guesses."""
    teacher = task.learner.fit(task.examples(training, streams.stream("inner")))
    below: Floats = np.cumsum(np.exp(teacher.log_probabilities(X)), axis=1)
    drawn_at = streams.stream("labels").random((X.shape[0], 1))
    return np.asarray(np.minimum((below < drawn_at).sum(axis=1), below.shape[1] - 1))


def _score(metric: str, loss: Floats, guess: Ints, label: Ints) -> Floats:
    ones = np.ones(label.size)
    return METRICS[metric](Outcome(loss, ones, guess), label, ones)


def _contrast(influence: Floats) -> Contrast:
    return Contrast(influence[None, :], float(influence.var(ddof=1)), shared_training(FOLDS))
