"""Select rows that resemble real rows, or that lie where only real rows are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.cluster import KMeans

from syngain.core.errors import InputError
from syngain.data.splits import folds, groups
from syngain.learners.logistic import Examples, Logistic
from syngain.selection.candidates import Ranking

if TYPE_CHECKING:
    from syngain.core.arrays import Floats, Ints
    from syngain.selection.candidates import Candidates


def kin(candidates: Candidates) -> Ints:
    """Groups of real rows, then candidates (n + m,), that stay on one side of a fold."""
    alone = np.full(candidates.anchor_unit.size, -1)
    return groups(
        np.concatenate([candidates.anchor_unit, candidates.unit]), np.concatenate([alone, candidates.repeats])
    )


@dataclass(frozen=True, slots=True)
class DensityRatio:
    """Weight by the cross-fitted density ratio of real rows to candidates.

    With both sides weighing the same, the log-odds of a logistic regression are the log density ratio [sugiyama2012].
    Keeping the largest would keep the center of the real rows only, so rows are drawn without replacement in proportion
    to the ratio: the largest log ratios plus Gumbel noise [kool2019], as in importance resampling [xie2023].

    Attributes:
        folds: of the cross-fit. penalty: ridge of the classifier. drawn: whether rows are drawn; else the largest stay.
    """

    folds: int = 5
    penalty: float = 1.0
    drawn: bool = True

    def rank(self, candidates: Candidates, rows: int, rng: np.random.Generator) -> Ranking:  # noqa: ARG002  (no size)
        """Order of the draw; the score is the log ratio itself."""
        ratio = self.log_ratios(candidates, rng)
        noisy = ratio + rng.gumbel(size=ratio.size) if self.drawn else ratio
        reasons = [f"log density ratio to the real rows {value:+.2f} nats" for value in ratio]
        return Ranking(np.argsort(-noisy, kind="stable"), ratio, reasons)

    def log_ratios(self, candidates: Candidates, rng: np.random.Generator) -> Floats:
        """Cross-fitted log density ratio of each candidate (m,), in nats.

        Raises:
            InputError: all rows are in one group, so that none can be held out.
        """
        n = candidates.anchor_unit.size
        group = kin(candidates)
        if np.unique(group).size < 2:
            raise InputError(
                "all rows come from one group of real rows",
                expected="at least two groups, to hold one out",
                todo="add real rows, or choose another --method",
            )
        X = np.vstack([candidates.anchors, candidates.X])
        y = np.concatenate([np.ones(n, dtype=np.int64), np.zeros(len(candidates), dtype=np.int64)])
        fold = folds(group, min(self.folds, np.unique(group).size), rng, y)
        out = np.zeros(len(candidates))
        for f in np.unique(fold):
            held, seen = np.flatnonzero((fold == f) & (y == 0)), fold != f
            if np.unique(y[seen]).size < 2:
                continue  # one side only: nothing is known, the ratio stays 1
            weight = 0.5 * seen.sum() / np.bincount(y[seen], minlength=2)[y[seen]]
            none = np.full(weight.size, -1)
            examples = Examples(X[seen], y[seen], 2, weight, none, np.zeros(weight.size, dtype=bool))
            scores = Logistic().fit_at(examples, self.penalty).log_probabilities(X[held])
            out[held - n] = scores[:, 1] - scores[:, 0]
        return out


@dataclass(frozen=True, slots=True)
class Coverage:
    """Fill regions in proportion to their real rows, regions without rows first.

    Attributes:
        most: regions at the most. rows: real rows per region on average.
    """

    most: int = 40
    rows: int = 10

    def rank(self, candidates: Candidates, rows: int, rng: np.random.Generator) -> Ranking:  # noqa: ARG002  (no size)
        """Row r of a region with a fraction s of the real rows has rank (r + 1/2) / s."""
        different = len(np.unique(candidates.anchors, axis=0))
        count = min(max(len(candidates.anchors) // self.rows, 1), self.most, different)
        state = int(rng.integers(2**31 - 1))
        regions = KMeans(count, n_init=2, max_iter=50, random_state=state).fit(candidates.anchors)
        share = np.bincount(regions.labels_, minlength=count) / len(candidates.anchors)
        region = regions.predict(np.ascontiguousarray(candidates.X))
        near = np.concatenate([(part @ candidates.anchors.T).max(axis=1) for part in _blocks(candidates.X)])
        place = np.empty(len(candidates))
        for code in range(count):
            members = np.flatnonzero(region == code)
            place[members[np.argsort(-near[members], kind="stable")]] = np.arange(members.size)
        score = -(place + 0.5) / share[region]
        held = np.bincount(region, minlength=count)
        reasons = [
            f"number {int(place[row]) + 1} of {held[code]} rows in a region with {share[code]:.1%} of the real rows"
            for row, code in enumerate(region.tolist())
        ]
        return Ranking.by_score(score, reasons)


def _blocks(X: Floats) -> list[Floats]:
    return [X[at : at + 1024] for at in range(0, len(X), 1024)]
