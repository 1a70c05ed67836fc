"""Labeled rows as a task: embeddings, labels, and a tuned classifier."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from syngain.data.splits import groups
from syngain.gain.proxies.task import Outcome, Training, inner_folds
from syngain.learners.logistic import Examples, Logistic

if TYPE_CHECKING:
    from syngain.core.arrays import Floats, Ints


class Encode(Protocol):
    """Embeddings of all rows by an encoder that was fitted on some."""

    def __call__(self, real: Ints, synthetic: Ints, /) -> tuple[Floats, Floats]:
        """Embeddings (n, d) and (m, d) by an encoder fitted on the given rows."""


class FittedClassifier(Protocol):
    """A fitted classifier with finite log-probabilities of all classes."""

    @property
    def converged(self) -> bool:
        """Whether the fit reached its optimum."""

    def log_probabilities(self, X: Floats) -> Floats:
        """Log posterior in nats, shape (n, classes)."""


class Classifier(Protocol):
    """Trains on examples; hyper-parameters are chosen on inner folds."""

    def fit(self, examples: Examples) -> FittedClassifier:
        """Fit; deterministic."""


@dataclass(frozen=True)
class LabelTask:
    """Embeddings and labels of real and synthetic rows.

    Attributes:
        real, synthetic: embeddings (n, d) and (m, d). label, synthetic_label: codes (n,) and (m,).
        unit, synthetic_unit: clusters of rows that must not be on both sides of an inner fold.
        classes: number of classes. learner: the proxy. folds: inner folds.
        encode: embeddings of all real and all synthetic rows by an encoder fitted on some of both; None when fixed.
    """

    real: Floats
    synthetic: Floats
    label: Ints
    synthetic_label: Ints
    unit: Ints
    synthetic_unit: Ints
    classes: int
    learner: Classifier = field(default_factory=Logistic)
    folds: int = 3
    encode: Encode | None = None

    def within(self, real: Ints, synthetic: Ints) -> LabelTask:
        """The task with embeddings fitted on these rows only."""
        if self.encode is None:
            return self
        ours, theirs = self.encode(real, synthetic)
        return replace(self, real=ours, synthetic=theirs)

    def judge(self, training: Training, rows: Ints, rng: np.random.Generator) -> Outcome:
        """Fit on the training rows and score real rows."""
        fitted = self.learner.fit(self.examples(training, rng))
        scores = fitted.log_probabilities(self.real[rows])
        own = scores[np.arange(rows.size), self.label[rows]]
        return Outcome(-own, np.ones(rows.size), np.asarray(scores.argmax(axis=1)), fitted.converged)

    def examples(self, training: Training, rng: np.random.Generator) -> Examples:
        """The rows of a variant with inner folds; penalties are evaluated on real rows."""
        y = np.concatenate([self.label[training.real], self.synthetic_label[training.synthetic]])
        unit = groups(np.concatenate([self.unit[training.real], self.synthetic_unit[training.synthetic]]))
        judged = np.zeros(y.size, dtype=bool)
        judged[np.unique(training.real, return_index=True)[1]] = True  # a repeated real row is evaluated once
        if not training.real.size:
            judged[:] = True
        fold = inner_folds(unit, judged, self.folds, rng, y)
        weight = np.ones(y.size)
        if training.balanced:
            counts = np.bincount(y, minlength=self.classes)
            weight = y.size / (np.count_nonzero(counts) * counts[y])
        return Examples(self._stacked(training), y, self.classes, weight, fold, judged, training.choices)

    def _stacked(self, training: Training) -> Floats:
        return np.vstack([self.real[training.real], self.synthetic[training.synthetic]])
