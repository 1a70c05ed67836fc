"""Two-sample test of tables by boosted trees over all columns, and the columns that separate the sides."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier

from syngain.audit.measures.two_sample import (
    ClassifierTwoSample,
    calibrated,
    js_terms,
    sum_of_means,
)
from syngain.core.phrases import listed
from syngain.data.columns.dates import parts
from syngain.data.splits import folds
from syngain.inference.intervals import normal_intervals
from syngain.inference.resampling import difference_p

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.audit.measures.two_sample import Pooled
    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.core.estimate import Estimate
    from syngain.tables.typed import Column, Table

FEWEST = 100  # rows of each side, below which trees see less than a line
CATEGORIES = 60  # frequent values of a column; others are one
INFLATION = (1.3, 250.0)  # variance of cross-fitted statistics under one law, over that of independent rows: a + b / n
SURE = 0.001  # p from which columns are named
DROP = 0.005  # of the area under the curve, by which a named column adds
NAMED = 5


@dataclass(frozen=True, slots=True)
class Features:
    """Typed columns as a matrix (N, d) for trees.

    Attributes:
        column: index of the column that each feature is of (d,). categorical: features that are categories (d,).
    """

    X: Floats
    column: Ints
    categorical: Flags
    names: tuple[str, ...]

    @classmethod
    def of(cls, table: Table) -> Features:
        """Numbers as they are, dates as days and parts, words as codes of the frequent ones."""
        made = [(place, one) for place, column in enumerate(table.columns.values()) for one in _features(column)]
        return cls(
            np.column_stack([values for _, (values, _) in made]),
            np.array([place for place, _ in made]),
            np.array([category for _, (_, category) in made]),
            tuple(table.columns),
        )


@dataclass(frozen=True, slots=True)
class TreeTwoSample:
    """Cross-fitted boosted trees [friedman2001] next to a line, of which the clearer one counts.

    Attributes:
        table: the pooled rows, real first. line: the test that sees shifts of many columns at once.
    """

    table: Table
    rounds: int = 60
    leaves: int = 12
    folds: int = 5
    line: ClassifierTwoSample = field(default_factory=ClassifierTwoSample)

    def __call__(self, pooled: Pooled, rng: np.random.Generator) -> dict[str, Estimate]:
        """``divergence.tv_lower`` and ``divergence.js_lower``; p of the better of both tests, doubled."""
        straight = self.line(pooled, rng)
        if min(int(pooled.real.sum()), int((~pooled.real).sum())) < FEWEST:
            return straight
        features = Features.of(self.table)
        fold = folds(pooled.group, self.folds, rng, strata=pooled.real.astype(np.int64))
        models = [self._fitted(features, pooled.real, fold != k, rng) for k in range(int(fold.max()) + 1)]
        score = _scores(models, features.X, fold)
        p = _rank_p(score, fold, pooled)
        first = straight["divergence.tv_lower"]
        if first.p is not None and p >= first.p:
            return {name: replace(item, p=min(1.0, 2 * first.p)) for name, item in straight.items()}
        columns = self._separating(models, features, fold, pooled, rng) if p < SURE else {}
        return self._estimates(straight, score, fold, pooled, (min(1.0, 2 * p), columns))

    def _fitted(
        self, features: Features, real: Flags, train: Flags, rng: np.random.Generator
    ) -> HistGradientBoostingClassifier:
        return HistGradientBoostingClassifier(
            max_iter=self.rounds,
            learning_rate=0.1,
            max_leaf_nodes=self.leaves,
            min_samples_leaf=max(5, min(20, int(train.sum()) // 20)),
            l2_regularization=1.0,
            max_bins=64,
            early_stopping=False,
            categorical_features=features.categorical if features.categorical.any() else None,
            random_state=int(rng.integers(2**31 - 1)),
        ).fit(features.X[train], real[train])

    def _separating(
        self,
        models: Sequence[HistGradientBoostingClassifier],
        features: Features,
        fold: Ints,
        pooled: Pooled,
        rng: np.random.Generator,
    ) -> Mapping[str, float]:
        """What the area under the curve loses where one column is shuffled among held-out rows [breiman2001]."""
        full = _area(_scores(models, features.X, fold), fold, pooled.real)
        found = {}
        for place, name in enumerate(features.names):
            X = features.X.copy()
            for k in range(len(models)):
                rows = np.flatnonzero(fold == k)
                own = np.flatnonzero(features.column == place)
                X[np.ix_(rows, own)] = X[np.ix_(rng.permutation(rows), own)]
            loss = full - _area(_scores(models, X, fold), fold, pooled.real)
            if loss >= DROP:
                found[name] = loss
        return dict(sorted(found.items(), key=lambda item: -item[1])[:NAMED])

    def _estimates(
        self,
        straight: Mapping[str, Estimate],
        score: Floats,
        fold: Ints,
        pooled: Pooled,
        found: tuple[float, Mapping[str, float]],
    ) -> dict[str, Estimate]:
        p, columns = found
        probability = _calibrated(score, fold, pooled.real)
        terms = np.where(pooled.real, score > 0, -(score > 0).astype(float))
        tv, tv_error, tv_freedom = sum_of_means(terms, pooled)
        js, js_error, js_freedom = sum_of_means(js_terms(probability, pooled.real), pooled)
        wide = _widening(pooled)
        half = float(stats.norm.isf(0.025)) * wide * math.sqrt(0.25 / pooled.real.sum() + 0.25 / (~pooled.real).sum())
        named = f"separated by {listed([f'`{name}`' for name in columns])}" if columns else ""
        return {
            "divergence.tv_lower": replace(
                straight["divergence.tv_lower"],
                value=tv,
                method="cross-fitted boosted trees over all columns: true minus false positive rate on held-out rows; "
                "p of the ranks",
                intervals=normal_intervals(tv, wide * tv_error, tv_freedom),
                null=(-half, half),
                p=p,
                marks=(named,) if named else (),
                references={f"column {name}": loss for name, loss in columns.items()},
            ),
            "divergence.js_lower": replace(
                straight["divergence.js_lower"],
                value=math.log(2) + js,
                method="cross-fitted boosted trees over all columns: ln 2 plus the mean log-probability of the right "
                "side; p of the ranks",
                intervals=normal_intervals(math.log(2) + js, wide * js_error, js_freedom),
                p=p,
            ),
        }


def _features(column: Column) -> list[tuple[Floats, bool]]:
    if column.kind == "number":
        return [(column.numbers, False)]
    if column.kind == "date":
        more = [values for values in parts(column.numbers).values() if np.unique(values[np.isfinite(values)]).size > 1]
        return [(values, False) for values in (column.numbers, *more)]
    counts = np.bincount(column.codes[column.filled], minlength=len(column.values))
    order = np.argsort(-counts, kind="stable")[:CATEGORIES]
    place = np.full(len(column.values) + 1, order.size, dtype=np.float64)
    place[order] = np.arange(order.size)
    place[-1] = np.nan  # code -1: missing
    return [(place[column.codes], True)]


def _scores(models: Sequence[HistGradientBoostingClassifier], X: Floats, fold: Ints) -> Floats:
    """Log-odds of being real for every row, from the trees that never saw its fold (N,)."""
    out = np.zeros(len(X))
    for k, model in enumerate(models):
        rows = fold == k
        out[rows] = model.decision_function(X[rows])
    return out


def _ranks(score: Floats, fold: Ints) -> Floats:
    """Ranks within each fold, from -1/2 to 1/2 (N,)."""
    out = np.zeros(score.size)
    for k in range(int(fold.max()) + 1):
        rows = fold == k
        out[rows] = (stats.rankdata(score[rows]) - 0.5) / rows.sum() - 0.5
    return out


def _rank_p(score: Floats, fold: Ints, pooled: Pooled) -> float:
    ranks = _ranks(score, fold)
    value, error, _ = sum_of_means(np.where(pooled.real, ranks, -ranks), pooled)
    return difference_p(value, _widening(pooled) * error, "upper")


def _widening(pooled: Pooled) -> float:
    """How much wider than of independent rows the error is: models of overlapping rows test each other's rows."""
    rows = min(int(pooled.real.sum()), int((~pooled.real).sum()))
    return math.sqrt(INFLATION[0] + INFLATION[1] / rows)


def _area(score: Floats, fold: Ints, real: Flags) -> float:
    ranks = _ranks(score, fold)
    return 0.5 + float(ranks[real].mean() - ranks[~real].mean())


def _calibrated(score: Floats, fold: Ints, real: Flags) -> Floats:
    """Probability of being real (N,): the slope of each fold comes from the scores of the others [platt1999]."""
    out = np.full(score.size, 0.5)
    for k in range(int(fold.max()) + 1):
        rows = fold == k
        slope, offset = calibrated(score[~rows], real[~rows])
        out[rows] = expit(slope * score[rows] + offset)
    return out
