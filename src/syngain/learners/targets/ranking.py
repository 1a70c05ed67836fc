"""Candidates of a query: a linear scorer, learned from the positive against each negative candidate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from syngain.learners.bradley_terry import BradleyTerry, FittedBradleyTerry
from syngain.learners.targets.rows import Judgment, TargetRows

if TYPE_CHECKING:
    from syngain.core.arrays import Flags, Floats, Ints


@dataclass(frozen=True, slots=True)
class CandidateRanking:
    """The probability of a positive candidate is the softmax of linear scores over it and the negative ones.

    The weights are those of a Bradley-Terry model of all pairs of a positive and a negative candidate, which estimates
    the same scores [luce1959]. Positive candidates have ``y`` of 1.
    """

    scorer: BradleyTerry = field(default_factory=BradleyTerry)

    def fit(self, rows: TargetRows, fold: Ints, judged: Flags) -> FittedRanking:
        """Fit to the differences between positive and negative candidates."""
        better, worse, row = _pairs(rows)
        fitted = self.scorer.fit(rows.X[better] - rows.X[worse], fold[row], judged[row])
        return FittedRanking(fitted, len(rows))


@dataclass(frozen=True, slots=True)
class FittedRanking:
    """A fitted scorer and the number of its rows."""

    scorer: FittedBradleyTerry
    rows: int

    def judge(self, rows: TargetRows) -> Judgment:
        """Surprisal of the positive candidates among the negative ones in nats, and whether one is ranked first."""
        score, positive = rows.X @ self.scorer.weights, rows.y[:, 0] > 0
        row, size = rows.row, len(rows)
        count = np.maximum(rows.summed(positive.astype(float)), 1)
        others = rows.sizes - count
        top = np.full(size, -np.inf)
        np.maximum.at(top, row, score)
        against = rows.summed(np.where(positive, 0.0, np.exp(score - top[row])))
        own = score - top[row]
        alone = own - np.log(np.exp(own) + against[row])
        mixing = 1 / (self.rows + 2)
        alone = np.logaddexp(alone + np.log1p(-mixing), np.log(mixing / (1 + others[row])))
        loss = rows.summed(np.where(positive, -alone, 0.0)) / count
        best, rest = np.full(size, -np.inf), np.full(size, -np.inf)
        np.maximum.at(best, row[positive], score[positive])
        np.maximum.at(rest, row[~positive], score[~positive])
        return Judgment(loss, np.ones(size), np.log1p(others), {"hit": (best > rest).astype(float)})


def _pairs(rows: TargetRows) -> tuple[Ints, Ints, Ints]:
    """Items of all pairs of a positive and a negative candidate of one row, and their rows."""
    better, worse, of = [], [], []
    positive: Floats = rows.y[:, 0]
    for row, (start, end) in enumerate(zip(rows.start[:-1].tolist(), rows.start[1:].tolist(), strict=True)):
        good = start + np.flatnonzero(positive[start:end] > 0)
        bad = start + np.flatnonzero(positive[start:end] <= 0)
        better.append(np.repeat(good, bad.size))
        worse.append(np.tile(bad, good.size))
        of.append(np.full(good.size * bad.size, row))
    return tuple(np.concatenate([np.empty(0, np.int64), *part]).astype(np.int64) for part in (better, worse, of))  # type: ignore[return-value]  # three arrays
