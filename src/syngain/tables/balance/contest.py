"""The comparison of variants of balancing: chosen by inner folds, measured on outer folds."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.rng import Streams
from syngain.tables.balance.learners import RowFeatures, fitted_log_probabilities, with_prior
from syngain.tables.balance.scores import chosen
from syngain.tables.balance.variants import PLAIN, VARIANTS, WEIGHTS, lacking, variants, weights_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.tables.balance.coded import CodedRows
    from syngain.tables.balance.scores import RowDraws
    from syngain.tables.balance.settings import BalanceSettings
    from syngain.tables.balance.variants import Variant


@dataclass(frozen=True, slots=True)
class Repeat:
    """Predictions of all variants in one partition into folds.

    Attributes:
        fold: of each row (n,). predicted: class of each row by a model without its fold (variants, learners, n).
        loss: log-loss of each row in nats, with the class fractions of the real rows (variants, learners, n).
        inner: class of each row by a model without its fold and without another one (folds, variants, learners, n).
    """

    fold: Ints
    predicted: Ints
    loss: Floats
    inner: Ints

    def choices(self, draws: RowDraws) -> Ints:
        """The variant that the rows outside of each fold choose, by models that have not seen the fold (folds,)."""
        out = []
        for k, predicted in enumerate(self.inner):
            away = self.fold == k
            own = draws.without(away)
            out.append(chosen([own.score([lines[:, ~away]]) for lines in predicted], draws.shift))
        return np.array(out)

    def nested(self, choices: Ints) -> Ints:
        """Classes predicted with the variant that the other folds chose (learners, n)."""
        rows = np.arange(self.fold.size)
        return np.asarray(self.predicted[choices[self.fold], :, rows].T)


def contest(rows: CodedRows, y: Ints, folds: Ints, settings: BalanceSettings, seed: int) -> Repeat:
    """Train every variant without each fold, and without each pair of folds.

    A row of fold j is predicted by a model without folds j and k wherever a variant is chosen for fold k: rows of
    fold k never enter that choice.

    Args:
        rows: real rows.
        y: their classes 0, 1, ... (n,).
        folds: of the rows (n,), numbered from 0.
        settings: learners, cell model.
        seed: of the variants.
    """
    classes, count = int(y.max()) + 1, int(folds.max()) + 1
    makers = variants(settings.cells)
    shape = (len(VARIANTS), len(settings.learners), y.size)
    predicted, loss = np.zeros(shape, dtype=np.int64), np.zeros(shape)
    inner = np.zeros((count, *shape), dtype=np.int64)
    for k in range(count):
        away = folds == k
        fit = _Fit(rows, y, classes, Streams(seed).child("balance", str(k)))
        logp, losses = fit.predictions(away, makers, settings.learners)
        predicted[:, :, away], loss[:, :, away] = logp.argmax(axis=3), losses
    for j, k in itertools.combinations(range(count), 2):
        away = (folds == j) | (folds == k)
        fit = _Fit(rows, y, classes, Streams(seed).child("balance", f"{j} {k}"))
        found = fit.predictions(away, makers, settings.learners)[0].argmax(axis=3)
        at = np.flatnonzero(away)
        for one, other in ((j, k), (k, j)):
            inner[one][:, :, at[folds[at] == other]] = found[:, :, folds[at] == other]
    return Repeat(folds, predicted, loss, inner)


@dataclass(frozen=True, slots=True)
class _Fit:
    """All variants, trained on the rows outside of some folds."""

    rows: CodedRows
    y: Ints
    classes: int
    streams: Streams

    def predictions(self, away: Flags, makers: Mapping[str, Variant], learners: Sequence[str]) -> tuple[Floats, Floats]:
        """Log-probabilities (variants, learners, m, classes) of the left-out rows, and their losses in nats."""
        known, y = self.rows.take(~away), self.y[~away]
        features = RowFeatures.of(known)
        X, tested = features(known), features(self.rows.take(away))
        real = np.bincount(y, minlength=self.classes) / y.size
        even = (real > 0) / (real > 0).sum()
        need, truth = lacking(y, self.classes), self.y[away]
        logp, loss = [], []
        for name in VARIANTS:
            train = (X, y, np.ones(y.size))
            if name == WEIGHTS:
                train = (X, y, weights_of(y, self.classes))
            elif name != PLAIN:
                made = makers[name].more(known, y, need, self.streams.stream(name))
                both = np.concatenate([y, made.y])
                train = (np.concatenate([X, features(made.rows)]), both, np.ones(both.size))
            prior = real if name == PLAIN else even
            found = [fitted_log_probabilities(one, train, tested, self.classes) for one in learners]
            logp.append(found)
            loss.append([-with_prior(one, prior, real)[np.arange(truth.size), truth] for one in found])
        return np.array(logp), np.array(loss)
