"""Relations: which pairs of salient words occur together; recovered, missing and invented by the synthetic rows."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from syngain.audit.measures.duplicates import smoothed_signs
from syngain.audit.measures.uniformity import FORM_WORDS
from syngain.core.estimate import Estimate
from syngain.data.text.words import terms, unspaced
from syngain.inference.clusters import summing
from syngain.inference.intervals import error_intervals
from syngain.inference.resampling import permutation, permuted_sides

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.audit.measures.two_sample import Pooled
    from syngain.core.arrays import Floats, Ints

    Matrix = sparse.csr_matrix


@dataclass(frozen=True, slots=True)
class Relations:
    """Co-occurrence of salient words in a row: hyperedges of size two, compared at equal numbers of rows.

    Attributes:
        vocabulary: salient words kept, the most frequent in both sides together. per_row: salient words of a row used.
    """

    vocabulary: int = 2_000
    per_row: int = 12
    permutations: int = 99

    def __call__(self, texts: Sequence[str], sides: Pooled, rng: np.random.Generator) -> dict[str, Estimate]:
        """``relations.recovered``: word pairs of held-out real rows that the synthetic rows hold too.

        Against what as many other real rows hold. Synthetic rows made from a held-out row, or near copies of it, do
        not count. Reference ``unseen_mass`` is Good and Turing's fraction of pairs that are new [good1953].
        """
        real, unit = sides.real, sides.unit
        held = np.zeros(real.size, dtype=bool)
        held[rng.permutation(np.flatnonzero(real))[: int(real.sum()) // 2]] = True
        free = ~held & ~np.isin(sides.group, sides.group[held])
        matrix = self.pairs(texts)
        target = np.asarray(matrix[np.flatnonzero(held)].sum(axis=0)).ravel().astype(float)
        size = int(min((real & free).sum(), (~real & free).sum()))
        if target.sum() == 0 or size < 2:
            return {}
        synthetic = rng.permutation(np.flatnonzero(~real & free))[:size]
        pool = np.concatenate([rng.permutation(np.flatnonzero(real & free))[:size], synthetic])
        side = real[pool]

        def recovered(rows: Ints) -> float:
            present = np.asarray(matrix[rows].sum(axis=0)).ravel() > 0
            return float(target[present].sum() / target.sum())

        value, end = recovered(synthetic), recovered(pool[side])
        draws = []
        for _ in range(self.permutations):
            other = permuted_sides(unit[pool], int(side.sum()), rng)
            draws.append(recovered(pool[~other]) - recovered(pool[other]))
        null = permutation(value - end, np.array(draws), "lower")
        error = recovered_error(matrix[synthetic], target, unit[synthetic]) / float(target.sum())
        counts = np.asarray(matrix[np.flatnonzero(~real)].sum(axis=0)).ravel()
        return {
            "relations.recovered": Estimate(
                value=value,
                unit="share",
                method="pairs of salient words within a row, equal numbers of rows; permutation p",
                estimand=f"expected fraction of held-out pair occurrences covered by {synthetic.size} synthetic rows",
                intervals=error_intervals(value, error, synthetic.size),
                null=(end + null.range[0], end + null.range[1]),
                p=null.p,
                n=synthetic.size,
                clusters=int(np.unique(unit[synthetic]).size),
                references={"real": end, "unseen_mass": float((counts == 1).sum() / max(counts.sum(), 1))},
            )
        }

    def pairs(self, texts: Sequence[str]) -> Matrix:
        """Rows by pairs, 1 where a row holds both terms; shape (n, pairs)."""
        tokens = [
            sorted({w for w in terms(text) if (len(w) > 2 or unspaced(w)) and w not in FORM_WORDS}) for text in texts
        ]
        frequency = Counter(w for row in tokens for w in row)
        salient = {w for w, count in frequency.most_common(self.vocabulary) if count > 1}
        index: dict[tuple[str, str], int] = {}
        rows: list[int] = []
        columns: list[int] = []
        for row, found in enumerate(tokens):
            kept = [w for w in found if w in salient][: self.per_row]
            for pair in combinations(kept, 2):
                rows.append(row)
                columns.append(index.setdefault(pair, len(index)))
        shape = (len(texts), max(len(index), 1))
        return sparse.csr_matrix((np.ones(len(rows), np.int32), (rows, columns)), shape=shape)


def recovered_error(matrix: Matrix, weight: Floats, unit: Ints) -> float:
    """Standard error of the total ``weight`` (pairs,) of the pairs that rows (n, pairs) hold, units independent.

    Two different pairs p and q, held by Poisson numbers of units: ``Cov = exp(-a_p - a_q) (exp(a_pq) - 1)``, a_pq being
    the mean number of units that hold both. Deleting one unit at a time estimates this with a_pq instead of
    ``exp(a_pq) - 1``, which is the same where two pairs seldom meet, but not for p = q. These terms, f1 in the
    jackknife, are f1 - f2 + f3 - ... as in :func:`distinct_variance`. The number of units is fixed: minus
    ``(sum of losses)^2 / units``. Subsampling would scale wrongly: what is covered is a total over rows, no mean.
    """
    of_unit = summing(unit)
    held = (of_unit @ matrix > 0).astype(float)
    holders = np.asarray(held.sum(axis=0)).ravel().astype(np.int64)
    losses = held @ (weight * (holders == 1))
    squares = np.bincount(holders, weights=weight**2)[1:]
    signs = smoothed_signs(squares.size)
    variance = float(np.sum(losses**2) - np.sum(losses) ** 2 / of_unit.shape[0])
    return math.sqrt(max(variance + float(np.sum(squares * signs)) - float(squares[:1].sum()), 0.0))
