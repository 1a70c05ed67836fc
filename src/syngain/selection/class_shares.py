"""Variants whose synthetic rows have the class distribution of the real rows.

No dataset ranks higher for its class distribution alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from syngain.gain.proxies.task import Outcome, Training

if TYPE_CHECKING:
    from syngain.core.arrays import Floats, Ints
    from syngain.gain.proxies.labels import LabelTask


@dataclass(frozen=True)
class AnchorShares:
    """A task that weights synthetic rows to the class distribution of the real rows.

    It applies to ``balanced`` trainings, with the class distribution of their own real rows.

    Weights that make all classes equal would give the few rows of a rare class more weight the rarer it is, and
    decide the rank of a dataset. Here real rows count one each, and the rows of class c together ``m n_c / n``: m
    synthetic rows, n_c of n real rows. Rows of a class that no real row has do not count.
    """

    task: LabelTask

    def within(self, real: Ints, synthetic: Ints) -> AnchorShares:
        """See :class:`syngain.gain.proxies.task.Task`."""
        return AnchorShares(self.task.within(real, synthetic))

    def judge(self, training: Training, rows: Ints, rng: np.random.Generator) -> Outcome:
        """See :class:`syngain.gain.proxies.task.Task`."""
        if not training.balanced or not training.synthetic.size or not training.real.size:
            return self.task.judge(replace(training, balanced=False), rows, rng)
        anchors, ours = self.task.label[training.real], self.task.synthetic_label
        known = training.synthetic[np.isin(ours[training.synthetic], anchors)]
        plain = Training(training.real, known)
        examples = self.task.examples(plain, rng)
        weight = np.concatenate([np.ones(anchors.size), shares(anchors, ours[known], training.synthetic.size)])
        fitted = self.task.learner.fit(replace(examples, weight=weight))
        scores = fitted.log_probabilities(self.task.real[rows])
        own = scores[np.arange(rows.size), self.task.label[rows]]
        return Outcome(-own, np.ones(rows.size), np.asarray(scores.argmax(axis=1)), fitted.converged)


def shares(anchors: Ints, rows: Ints, total: int) -> Floats:
    """Row weights (m,): each class weighs ``total`` times its real fraction."""
    size = int(max(anchors.max(), rows.max(initial=0))) + 1
    wanted = np.bincount(anchors, minlength=size) / anchors.size * total
    have = np.bincount(rows, minlength=size)
    return np.asarray((wanted / np.maximum(have, 1))[rows])
