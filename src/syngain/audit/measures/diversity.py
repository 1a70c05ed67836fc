"""Vendi at a fixed number of rows: it grows with rows, so only equal sizes compare."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import xlogy

from syngain.core.estimate import Estimate
from syngain.inference.intervals import normal_intervals
from syngain.inference.resampling import permutation, permuted_sides, subsampled_error

if TYPE_CHECKING:
    from syngain.audit.measures.two_sample import Pooled
    from syngain.core.arrays import Floats


@dataclass(frozen=True, slots=True)
class Vendi:
    """Vendi score of the synthetic rows against that of as many real rows."""

    permutations: int = 99
    draws: int = 60

    def __call__(self, pooled: Pooled, rng: np.random.Generator) -> dict[str, Estimate]:
        """``diversity.vendi``; the null and p are those of the log ratio to the real rows."""
        X = unit_rows(pooled.X)
        ours, theirs = vendi(X[~pooled.real]), vendi(X[pooled.real])
        sides = [permuted_sides(pooled.unit, int(pooled.real.sum()), rng) for _ in range(self.permutations)]
        ratios = np.array([math.log(vendi(X[~side]) / vendi(X[side])) for side in sides])
        null = permutation(math.log(ours / theirs), ratios, "both")
        synthetic = np.flatnonzero(~pooled.real)
        error = subsampled_error(
            lambda rows: math.log(vendi(X[synthetic[rows]])), pooled.unit[synthetic], rng, draws=self.draws
        )
        logs = normal_intervals(math.log(ours), error)
        return {
            "diversity.vendi": Estimate(
                value=ours,
                unit="effective rows",
                method="Vendi score, cosine kernel, d x d dual, equal sizes; permutation p of the ratio to real rows",
                estimand=f"expected Vendi score of {synthetic.size} synthetic rows",
                intervals={level: (math.exp(a), math.exp(b)) for level, (a, b) in logs.items()},
                null=(theirs * math.exp(null.range[0]), theirs * math.exp(null.range[1])),
                p=null.p,
                n=synthetic.size,
                clusters=int(np.unique(pooled.unit[synthetic]).size),
                references={"real": theirs},
            )
        }


def vendi(X: Floats) -> float:
    """Vendi score [friedman2023] of unit rows ``X`` (n, d): exp of the entropy of the eigenvalues of X'X / n.

    The nonzero eigenvalues are those of the n x n kernel matrix over n. Between 1 and min(n, d).
    """
    gram = X.T @ X if X.shape[0] >= X.shape[1] else X @ X.T
    eigenvalues = np.maximum(np.linalg.eigvalsh(gram / X.shape[0]), 0.0)
    eigenvalues /= eigenvalues.sum()
    return float(np.exp(-np.sum(xlogy(eigenvalues, eigenvalues))))


def unit_rows(X: Floats) -> Floats:
    """Rows scaled to length one; a zero row becomes a direction of its own (it is like no other row)."""
    norms = np.linalg.norm(X, axis=1)
    if np.all(norms > 0):
        return np.asarray(X / norms[:, None])
    extended = np.column_stack([X, norms == 0]).astype(float)
    return np.asarray(extended / np.linalg.norm(extended, axis=1, keepdims=True))
