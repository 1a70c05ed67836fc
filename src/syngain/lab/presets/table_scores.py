"""One split of a table: models fitted on its training rows, measured on its held-out rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from syngain.tables.cells.check import numeric_features, separability
from syngain.tables.cells.kinds import WordColumn, class_codec, written_form
from syngain.tables.cells.table import TableModel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Floats
    from syngain.tables.cells.model import CellSettings
    from syngain.tables.cells.state import CodedColumn
    from syngain.tables.cells.table import Cells

DRAWN = 400  # rows of the mixture whose probabilities are checked


@dataclass(frozen=True, slots=True)
class SplitMeasures:
    """Of one model: mean log-probability of a held-out row in nats, separability, macro-F1 (NaN: not measured)."""

    logprob: float
    auc: float = math.nan
    f1: float = math.nan


@dataclass(frozen=True, slots=True)
class CheckedModel:
    """Probabilities of the mixture, and models against the truth.

    Attributes:
        totals: largest distance of a sum of probabilities from 1. rescored: largest distance of a recorded from a
            computed log-probability. surprisal: mean of minus the log-probability less the entropy of rows that were
            drawn, with its error. loss: of each model, mean log-probability of held-out rows less the true one, with
            its error.
    """

    totals: float
    rescored: float
    surprisal: tuple[float, float]
    loss: Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class SplitTask:
    """Training and held-out rows, the class column, a seed, whether classifiers are trained."""

    train: Cells
    test: Cells
    label: str | None
    seed: int
    classifiers: bool

    def measured(self, settings: CellSettings) -> SplitMeasures:
        """Fit a model, score the held-out rows, train classifiers on rows that it draws."""
        model = self._fitted(settings)
        logprob = float(model.score(self.test, unseen=True).sum(axis=1).mean())
        if not self.classifiers:
            return SplitMeasures(logprob)
        held_out = model.coded(self.test)
        made = model.coded(model.sample(len(held_out[0].word), self.seed).columns)
        auc = separability(held_out, made, self.seed)
        if not self._has_classes:
            return SplitMeasures(logprob, auc)
        trained = model.coded(model.sample(self._rows(self.train), self.seed + 1).columns)
        return SplitMeasures(logprob, auc, self._f1(model, trained))

    @cached_property
    def real_f1(self) -> float:
        """Macro-F1 of boosted trees trained on the training rows themselves; NaN where it is not measured."""
        if not (self.classifiers and self._has_classes):
            return math.nan
        from syngain.tables.cells.model import CellSettings

        model = self._fitted(CellSettings(orders=0, trees=0, gaussian=False, formulas=False))
        return self._f1(model, model.coded(self.train))

    def checked(self, variants: Mapping[str, CellSettings], truth: Floats | None) -> CheckedModel:
        """Whether probabilities of the last variant are those of a distribution; all against the truth."""
        model = self._fitted(list(variants.values())[-1])
        drawn = model.sample(DRAWN, self.seed + 2)
        excess = (model.entropy(drawn.columns) + drawn.logprob).sum(axis=1)
        loss = {}
        if truth is not None:
            for name, settings in variants.items():
                gap = self._fitted(settings).score(self.test, unseen=True).sum(axis=1) - truth
                loss[name] = (float(gap.mean()), float(gap.std(ddof=1) / math.sqrt(gap.size)))
        return CheckedModel(
            totals=float(np.abs(model.model.totals(model.coded(drawn.columns)) - 1).max()),
            rescored=float(np.abs(model.score(drawn.columns) - drawn.logprob).max()),
            surprisal=(float(-excess.mean()), float(excess.std(ddof=1) / math.sqrt(DRAWN))),
            loss=loss,
        )

    @property
    def _has_classes(self) -> bool:
        return self.label is not None and isinstance(class_codec(self.label, self.train[self.label]), WordColumn)

    def _fitted(self, settings: CellSettings) -> TableModel:
        return TableModel.fit(self.train, label=self.label, settings=settings, seed=self.seed)

    def _f1(self, model: TableModel, rows: Sequence[CodedColumn]) -> float:
        """Macro-F1 on the held-out rows of boosted trees trained on these rows."""
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.metrics import f1_score

        at = next(place for place, (name, _) in enumerate(model.order) if name == self.label)
        X, tested = numeric_features(_without(rows, at), _without(model.coded(self.test), at))
        y = rows[at].word
        wanted = [written_form(cell) for cell in self.test[str(self.label)]]
        words = np.array([*rows[at].words, ""])
        if np.unique(y).size < 2:
            found = np.repeat(words[y[:1]], len(wanted))
        else:
            trees = HistGradientBoostingClassifier(max_iter=60, early_stopping=False, random_state=0)
            found = words[trees.fit(X, y).predict(tested)]
        return float(f1_score(wanted, found, labels=sorted(set(wanted)), average="macro", zero_division=0))

    @staticmethod
    def _rows(cells: Cells) -> int:
        return len(next(iter(cells.values())))


def _without(columns: Sequence[CodedColumn], at: int) -> list[CodedColumn]:
    return [column for place, column in enumerate(columns) if place != at]
