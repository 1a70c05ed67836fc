"""Log-determinant selection: rows that span the most volume, greedily."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import UsageError
from syngain.selection.candidates import Ranking

if TYPE_CHECKING:
    from syngain.core.arrays import Floats, Ints
    from syngain.selection.candidates import Candidates


@dataclass(frozen=True, slots=True)
class LogDeterminant:
    """Select rows with the largest ``log det(I + X_S X_S' / ridge)``.

    X_S are the embeddings of the selected rows.

    By the matrix determinant lemma a row adds ``log(1 + x' A^-1 x)`` with ``A = ridge I + X_S' X_S`` of size (d, d), so
    that no matrix of all pairs is needed [chen2018]; the choice of one row updates the terms of all others.

    Attributes:
        ridge: variance of the noise, in squared units of the embeddings; smaller ones punish nearness more.
    """

    ridge: float = 0.1

    def __post_init__(self) -> None:
        if not self.ridge > 0:
            raise UsageError(f"ridge {self.ridge}", expected="a number above 0", todo="set ridge, for example to 1.0")

    def rank(self, candidates: Candidates, rows: int, rng: np.random.Generator) -> Ranking:  # noqa: ARG002  (no draw)
        """Greedy order; those not chosen follow by what they would add next."""
        order, gains = self.greedy(candidates.X, rows)
        return Ranking(order, gains, [f"adds {gain:.3g} nats of volume to the rows above it" for gain in gains])

    def greedy(self, X: Floats, rows: int) -> tuple[Ints, Floats]:
        """Order of all m rows (m,) and the volume each added or would add (m,), in nats.

        The first ``rows`` are chosen greedily.
        """
        inverse = np.eye(X.shape[1]) / self.ridge
        terms = np.einsum("ij,ij->i", X, X) / self.ridge
        chosen: list[int] = []
        gains, left = np.empty(len(X)), np.ones(len(X), dtype=bool)
        for _ in range(min(rows, len(X))):
            row = int(np.argmax(np.where(left, terms, -np.inf)))
            gains[row], left[row] = np.log1p(terms[row]), False
            chosen.append(row)
            pull = inverse @ X[row]
            scale = 1 + float(X[row] @ pull)
            inverse -= np.outer(pull, pull) / scale
            terms -= (X @ pull) ** 2 / scale
        gains[left] = np.log1p(np.maximum(terms[left], 0))  # rounding may leave a term just below 0
        rest = np.flatnonzero(left)
        return np.array([*chosen, *rest[np.argsort(-gains[rest], kind="stable")]], dtype=np.int64), gains
