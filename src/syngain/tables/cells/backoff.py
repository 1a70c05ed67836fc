"""Back-off tables: the frequencies of a column given up to three earlier ones, each smoothed by the shorter context.

Every context's distribution is its counts plus ``strength`` times the distribution of the context without the last
column. Columns and strengths are chosen one after the other by the exact leave-one-out likelihood.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Floats, Ints

ORDERS = 3
STRENGTHS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
SCREEN = 4.0  # strength that columns are compared at
SHORT = 8  # columns that are tried beyond the first order
PAIRED = 14  # columns up to which pairs are tried where no column helps by itself
PAIR = 6.0  # nats that a pair must add to the likelihood of all rows: there are many pairs
PRIOR = 0.5  # rows that every symbol counts as at order 0


@dataclass(frozen=True)
class TableContext:
    """The columns that a context may consist of, and the highest order."""

    columns: Sequence[int]
    orders: int = ORDERS


@dataclass(frozen=True)
class BackoffTables:
    """The distributions of one column at the orders 0 to 3, one matrix row each.

    Attributes:
        columns: the context, the most informative column first. radix: codes of each of them.
        keys: sorted context codes of each order from 1. start: matrix row of the first context of each order.
        matrix: distributions (contexts, symbols).
    """

    columns: tuple[int, ...]
    radix: tuple[int, ...]
    keys: tuple[Ints, ...]
    start: tuple[int, ...]
    matrix: Floats

    def pointers(self, codes: Ints) -> Ints:
        """The matrix row of every order for each row of grouped codes (n, columns): (orders, n)."""
        n = codes.shape[0]
        out = [np.zeros(n, dtype=np.int64)]
        key = np.zeros(n, dtype=np.int64)
        for column, radix, keys, start in zip(self.columns, self.radix, self.keys, self.start, strict=True):
            key = key * radix + np.minimum(codes[:, column], radix - 1)
            at = np.minimum(np.searchsorted(keys, key), keys.size - 1)
            out.append(np.where(keys[at] == key, at + start, out[-1]))
        return np.stack(out)


def fit_tables(
    target: Ints, size: int, codes: Ints, radix: Sequence[int], context: TableContext
) -> tuple[BackoffTables, Floats]:
    """Fit the tables of a column; also the leave-one-out probability of each row at each order (orders, n).

    Args:
        target: symbols (n,).
        size: number of symbols.
        codes: grouped symbols of all columns (n, columns).
        radix: the number of groups of each column.
        context: which columns are tried, and up to which order.
    """
    n = target.size
    counts = np.bincount(target, minlength=size)
    matrices = [((counts + PRIOR) / (n + PRIOR * size))[None, :]]
    left_out = [(counts[target] - 1 + PRIOR) / (n - 1 + PRIOR * size)]
    place = np.zeros(n, dtype=np.int64)
    key, pointer = place, place
    tried, keys, starts = list(context.columns), [], []
    chosen: list[int] = []
    constant = int((counts > 0).sum()) < 2
    for _ in range(0 if constant else context.orders):
        state = tried, np.asarray(left_out[-1])
        found = _best(target, size, place, codes, state)
        if found is None and len(chosen) + 2 <= context.orders:
            found = _best_of_pairs(target, size, place, codes, state)
        if found is None:
            break
        column, tried, place, strength = found
        key = key * radix[column] + codes[:, column]
        known, first, place = np.unique(key, return_index=True, return_inverse=True)
        table = np.bincount(place * size + target, minlength=known.size * size).reshape(-1, size)
        total = table.sum(axis=1)
        parent = np.concatenate(matrices)[pointer[first]]
        starts.append(sum(map(len, matrices)))
        matrices.append((table + strength * parent) / (total + strength)[:, None])
        left_out.append((table[place, target] - 1 + strength * left_out[-1]) / (total[place] - 1 + strength))
        pointer = place + starts[-1]
        keys.append(known)
        chosen.append(column)
    fitted = BackoffTables(
        tuple(chosen), tuple(radix[c] for c in chosen), tuple(keys), tuple(starts), np.concatenate(matrices)
    )
    return fitted, np.stack(left_out)


def _best(
    target: Ints, size: int, context: Ints, codes: Ints, state: tuple[list[int], Floats]
) -> tuple[int, list[int], Ints, float] | None:
    """The next column of the context, those to try after it, the context with it, the strength; None where none helps.

    ``state``: the columns that are left, and the leave-one-out probabilities so far.
    """
    left, prior = state
    scored = []
    for column in left:
        joint = _joined(context, codes[:, column])
        mine, all_of = _rows_alike(joint, target, size)
        likelihood = float(np.log((mine - 1 + SCREEN * prior) / (all_of - 1 + SCREEN)).sum())
        scored.append((likelihood, column))
    if not scored:
        return None
    scored.sort(reverse=True)
    column = scored[0][1]
    joint = _joined(context, codes[:, column])
    mine, all_of = _rows_alike(joint, target, size)
    likelihoods = [float(np.log((mine - 1 + a * prior) / (all_of - 1 + a)).sum()) for a in STRENGTHS]
    at = int(np.argmax(likelihoods))
    if likelihoods[at] <= float(np.log(prior).sum()) + 2.0:
        return None
    return column, [c for _, c in scored[1 : SHORT + 1]], joint, STRENGTHS[at]


def _best_of_pairs(
    target: Ints, size: int, context: Ints, codes: Ints, state: tuple[list[int], Floats]
) -> tuple[int, list[int], Ints, float] | None:
    """The first column of the best pair of columns, as :func:`_best`: each may help only next to the other."""
    left, prior = state
    best = float(np.log(prior).sum()) + PAIR, -1, -1
    for first, second in combinations(left, 2) if len(left) <= PAIRED else ():
        joint = _joined(_joined(context, codes[:, first]), codes[:, second])
        mine, all_of = _rows_alike(joint, target, size)
        likelihood = float(np.log((mine - 1 + SCREEN * prior) / (all_of - 1 + SCREEN)).sum())
        best = max(best, (likelihood, first, second))
    if best[1] < 0:
        return None
    rest = [best[2], *(column for column in left if column not in best[1:])]
    return best[1], rest[:SHORT], _joined(context, codes[:, best[1]]), STRENGTHS[-1]


def _joined(context: Ints, code: Ints) -> Ints:
    return np.asarray(context * (int(code.max()) + 1) + code)


def _rows_alike(joint: Ints, target: Ints, size: int) -> tuple[Ints, Ints]:
    """How many rows share the context and the symbol of each row, and how many its context."""
    top = int(joint.max()) + 1
    if top * size > 16 * joint.size + 4096:
        joint = np.unique(joint, return_inverse=True)[1]
        top = int(joint.max()) + 1
    both = joint * size + target
    return np.bincount(both, minlength=top * size)[both], np.bincount(joint, minlength=top)[joint]
