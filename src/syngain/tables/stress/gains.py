"""What rows of the tails add to a classifier: macro-F1 on held-out real rows, over several splits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import f1_score

from syngain.core.rng import Streams
from syngain.data.splits import folds
from syngain.inference.intervals import split_intervals
from syngain.tables.stress.draws import draw_tails
from syngain.tables.stress.features import FeatureCoder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.core.arrays import Floats, Ints
    from syngain.core.estimate import Interval
    from syngain.core.progress import Progress
    from syngain.tables.stress.settings import StressSettings
    from syngain.tables.stress.task import ClassTask

THIRDS = 3  # one of them is the test part
TRAINED = 2_000  # real rows that a classifier is trained on
TESTED = 4_000
ADDED = 500  # drawn rows at most


@dataclass(frozen=True, slots=True)
class SplitScores:
    """Macro-F1 on test rows of each split (splits,): trained on real rows, with rows of the tails, with typical rows.

    Attributes:
        trained, tested, added: rows of a split.
    """

    real: Floats
    tails: Floats
    typical: Floats
    trained: int
    tested: int
    added: int

    def difference(self, one: Floats, other: Floats) -> tuple[float, Mapping[float, Interval]]:
        """Mean difference with intervals: splits overlap, so their variance is widened [nadeau2003]."""
        change = one - other
        return float(change.mean()), split_intervals(change, self.tested / max(self.trained, 1))


def split_scores(task: ClassTask, settings: StressSettings, seed: int, progress: Progress) -> SplitScores:
    """Train on two thirds of the real rows, without and with drawn rows of half their number, test on the last third.

    Args:
        task: real rows with classes; equal rows stay in one part.
        settings: how often, and of the draws, whose model sees the training rows only.
        seed: of splits, models and draws.
        progress: called with stage and fraction done.
    """
    scores, sizes = [], []
    for split in range(settings.splits):
        progress(f"gain, split {split + 1} of {settings.splits}", split / settings.splits)
        streams = Streams(seed).child("stress", "splits", str(split))
        fold = folds(task.group, THIRDS, streams.stream("folds"), strata=task.y)
        rng = streams.stream("rows")
        train, test = (
            np.sort(rng.permutation(np.flatnonzero(part))[:most])
            for part, most in ((fold > 0, TRAINED), (fold == 0, TESTED))
        )
        found, added = _one_split(task, settings, (train, test), int(rng.integers(2**31 - 1)))
        scores.append(found)
        sizes.append((train.size, test.size, added))
    real, tails, typical = np.array(scores).T
    trained, tested, added = (int(np.mean(part)) for part in zip(*sizes, strict=True))
    return SplitScores(real, tails, typical, trained, tested, added)


def _one_split(
    task: ClassTask, settings: StressSettings, parts: tuple[Ints, Ints], seed: int
) -> tuple[tuple[float, float, float], int]:
    """Macro-F1 of the three classifiers, and how many rows were added."""
    train, test = parts
    label = task.y
    known, other = (
        {name: [column[row] for row in rows.tolist()] for name, column in task.seen.items()} for rows in parts
    )
    draws = draw_tails(
        known, min(train.size // 2, ADDED), tail=settings.tail, settings=settings.cells, seed=seed, more=other
    )
    assert draws.more is not None  # noqa: S101  (test rows were given)
    names = [name for name in task.features if name in draws.real.columns]
    coder = FeatureCoder.of(draws.real, names)
    X, tested = coder.matrix(draws.real), coder.matrix(draws.more)
    first = coder.fitted(X, label[train], seed)
    added = min(draws.tails.rows, draws.typical.rows)
    classes = np.unique(label[test])

    def score(more: Floats | None) -> float:
        model = first
        if more is not None:
            labels = np.concatenate([label[train], first.predict(more)])
            model = coder.fitted(np.concatenate([X, more]), labels, seed)
        found = model.predict(tested)
        return float(f1_score(label[test], found, labels=classes, average="macro", zero_division=0))

    alone = score(None)
    if not added:
        return (alone, alone, alone), 0
    tails, typical = (score(coder.matrix(side.table)[:added]) for side in (draws.tails, draws.typical))
    return (alone, tails, typical), added
