"""A stress test: out-of-fold errors of a classifier, their regimes, labeled rows of the tails, and what they add."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.progress import Progress, part_of, silent
from syngain.core.rng import Streams
from syngain.data.splits import folds
from syngain.tables.stress.draws import draw_tails
from syngain.tables.stress.features import FeatureCoder
from syngain.tables.stress.gains import split_scores
from syngain.tables.stress.regimes import find_regimes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.tables.stress.draws import DrawnRows, TailDraws
    from syngain.tables.stress.gains import SplitScores
    from syngain.tables.stress.regimes import Regime
    from syngain.tables.stress.settings import StressSettings
    from syngain.tables.stress.task import ClassTask

FOLDS = 5


@dataclass(frozen=True)
class StressFound:
    """What a stress test found.

    Attributes:
        wrong: where a classifier that has not seen the row errs (n,). regimes: rules for such rows.
        draws: rows of the tails and typical rows. labels, sure: class and probability of each row of the tails (m,).
        agree: rows of the tails, and typical rows, that classifiers of two halves of the real rows label equally.
        scores: of the splits; None where there are none.
    """

    task: ClassTask
    wrong: Flags
    regimes: Sequence[Regime]
    draws: TailDraws
    labels: Ints
    sure: Floats
    agree: tuple[Flags, Flags]
    scores: SplitScores | None


def stress_table(
    task: ClassTask, settings: StressSettings, *, seed: int = 0, progress: Progress = silent
) -> StressFound:
    """Test a classifier of real rows."""
    streams = Streams(seed).child("stress")
    progress("drawing rows of the tails", 0.05)
    draws = draw_tails(task.cells, settings.rows, tail=settings.tail, settings=settings.cells, seed=seed)
    coder = FeatureCoder.of(draws.real, task.features)
    X = coder.matrix(draws.real)
    progress("errors out of fold", 0.2)
    wrong = _out_of_fold(coder, X, task, streams, seed)
    progress("regimes", 0.3)
    searched = folds(task.group, 2, streams.stream("halves"), strata=task.y) == 0
    seen = draws.real.only(task.features)
    regimes = find_regimes(seen, wrong, searched, conditions=settings.conditions)
    progress("labels of the tails", 0.35)
    model = coder.fitted(X, task.y, seed)
    proba = model.predict_proba(coder.matrix(draws.tails.table)) if draws.tails.rows else np.zeros((0, 1))
    halves = [coder.fitted(X[part], task.y[part], seed) for part in (searched, ~searched)]

    def agreed(side: DrawnRows) -> Flags:
        if not side.rows:
            return np.zeros(0, dtype=bool)
        first, second = (half.predict(coder.matrix(side.table)) for half in halves)
        return np.asarray(first == second)

    scores = None
    if settings.splits:
        scores = split_scores(task, settings, seed, part_of(progress, 0.4, 0.95))
    labels = model.classes_[proba.argmax(axis=1)] if draws.tails.rows else np.zeros(0, dtype=np.int64)
    return StressFound(
        task,
        wrong,
        regimes,
        draws,
        np.asarray(labels, dtype=np.int64),
        proba.max(axis=1),
        (agreed(draws.tails), agreed(draws.typical)),
        scores,
    )


def _out_of_fold(coder: FeatureCoder, X: Floats, task: ClassTask, streams: Streams, seed: int) -> Flags:
    """Rows whose class a classifier of the other folds misses (n,)."""
    fold = folds(task.group, FOLDS, streams.stream("folds"), strata=task.y)
    wrong = np.zeros(task.rows, dtype=bool)
    for k in range(FOLDS):
        rows = fold == k
        if rows.any():
            wrong[rows] = coder.fitted(X[~rows], task.y[~rows], seed).predict(X[rows]) != task.y[rows]
    return wrong
