"""Rows with targets that are no classes as a task: numbers, scores, label sets, token tags, candidates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from syngain.data.splits import groups
from syngain.gain.proxies.task import Outcome, Training, inner_folds
from syngain.learners.targets.rows import TargetRows

if TYPE_CHECKING:
    from syngain.core.arrays import Floats, Ints
    from syngain.gain.proxies.labels import Encode
    from syngain.learners.targets.rows import TargetLearner


@dataclass(frozen=True)
class TargetTask:
    """Real and synthetic rows with targets of one kind.

    Attributes:
        real, synthetic: the rows. unit, synthetic_unit: clusters of rows that must not be on both sides of an inner
            fold. learner: the proxy. names: labels, tags or scores. folds: inner folds.
        encode: features of all real and all synthetic rows by an encoder fitted on some of both; None when fixed.
    """

    real: TargetRows
    synthetic: TargetRows
    unit: Ints
    synthetic_unit: Ints
    learner: TargetLearner
    names: tuple[str, ...] = ()
    folds: int = 3
    encode: Encode | None = None

    def within(self, real: Ints, synthetic: Ints) -> TargetTask:
        """The task with features fitted on these rows only."""
        if self.encode is None:
            return self
        ours, theirs = self.encode(real, synthetic)
        return replace(self, real=_with(self.real, ours), synthetic=_with(self.synthetic, theirs))

    def judge(self, training: Training, rows: Ints, rng: np.random.Generator) -> Outcome:
        """Fit on the training rows and score real ones.

        Penalty and scale are chosen on real rows. There are no classes: ``balanced`` changes nothing.
        """
        seen = TargetRows.joined([self.real[training.real], self.synthetic[training.synthetic]])
        unit = groups(np.concatenate([self.unit[training.real], self.synthetic_unit[training.synthetic]]))
        judged = np.zeros(unit.size, dtype=bool)
        judged[np.unique(training.real, return_index=True)[1]] = True  # a repeated real row is evaluated once
        if not training.real.size:
            judged[:] = True
        found = self.learner.fit(seen, inner_folds(unit, judged, self.folds, rng), judged).judge(self.real[rows])
        return Outcome(found.loss, found.size, parts={**found.parts, "chance": found.chance})


def _with(rows: TargetRows, X: Floats) -> TargetRows:
    return TargetRows.single(X, rows.y)
