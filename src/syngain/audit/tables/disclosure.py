"""Attribute disclosure: how well the synthetic rows disclose one cell of a real row whose other cells are known."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.estimate import Estimate
from syngain.inference.intervals import normal_intervals
from syngain.inference.resampling import difference_p

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.tables.typed import Column, Table

TARGETS = 300  # real rows that are attacked
KNOWN = 1_000  # rows of each side that the attacker has
WIDEST = 100  # columns
FEWEST = 60  # real rows
TENTHS = 10  # a number is disclosed where its tenth of the real rows is
ID = "privacy.disclosure"


def disclosure(
    tables: tuple[Table, Table, Table | None], keys: frozenset[str], rng: np.random.Generator
) -> dict[str, Estimate]:
    """``privacy.disclosure``: right guesses from synthetic rows beyond those from other real rows.

    The attacker knows all cells of a real row but one, takes the nearest row in these [taub2018] and guesses its
    cell: the value of a word, the tenth of the real rows of a number. The same number of other real rows (held-out
    ones, else of ``real`` without the attacked one) shows what a distribution alone discloses. Nothing for narrow,
    very wide or small tables. ``tables``: real, synthetic, held out.
    """
    real, synthetic, held_out = tables
    names = [name for name in real.columns if name not in keys]
    if not 2 <= len(names) <= WIDEST or real.size < FEWEST:
        return {}
    targets = np.sort(rng.permutation(real.size)[:TARGETS])
    others = held_out or real
    known = min(KNOWN, synthetic.size, others.size - (held_out is None))
    ours = np.sort(rng.permutation(synthetic.size)[:known])
    theirs = np.sort(rng.permutation(others.size)[: known + (held_out is None)])
    columns = [(real.columns[name], synthetic.columns[name], others.columns[name]) for name in names]
    scaled = [_scaled(columns_of) for columns_of in columns]
    attacked = [side[0][targets] for side in scaled]
    same = np.zeros((targets.size, theirs.size), dtype=bool) if held_out is not None else targets[:, None] == theirs
    hits = _right(attacked, [side[1][ours] for side in scaled], np.zeros((targets.size, ours.size), dtype=bool))
    base = _right(attacked, [side[2][theirs] for side in scaled], same)
    return {ID: _estimate(hits, base, [_chance(side[0], side[1]) for side in scaled], held_out is not None)}


def _scaled(columns: tuple[Column, ...]) -> list[Floats]:
    """Each side as places (n,) in 0 to 1 among the real rows for numbers, as codes + 2 for words; NaN where missing."""
    real = columns[0]
    if real.kind == "word":
        return [np.where(one.filled, one.codes + 2.0, np.nan) for one in columns]
    own = np.sort(real.numbers[np.isfinite(real.numbers)])
    if not own.size:
        return [np.full(one.numbers.size, np.nan) for one in columns]
    return [_places(own, one.numbers) for one in columns]


def _places(own: Floats, numbers: Floats) -> Floats:
    place = (np.searchsorted(own, numbers, "left") + np.searchsorted(own, numbers, "right")) / (2 * own.size)
    return np.where(np.isfinite(numbers), place, np.nan)


def _right(targets: Sequence[Floats], known: Sequence[Floats], hidden: Flags) -> Floats:
    """Whether the nearest known row has the cell (targets, columns): its fraction among equally near rows.

    ``hidden``: known rows that a target may not use (targets, known).
    """
    total = np.zeros(hidden.shape, dtype=np.float32)
    for own, other in zip(targets, known, strict=True):
        total += _distance(own, other)
    total[hidden] = np.inf
    out = np.empty((hidden.shape[0], len(targets)))
    for place, (own, other) in enumerate(zip(targets, known, strict=True)):
        rest = total - _distance(own, other)
        nearest = rest <= rest.min(axis=1, keepdims=True) + 1e-4
        right = _cell(own)[:, None] == _cell(other)[None, :]
        out[:, place] = (nearest & right).sum(axis=1) / nearest.sum(axis=1)
    return out


def _distance(own: Floats, other: Floats) -> Floats:
    """Gower's distance of one column [gower1971] (targets, known): of places; 0 or 1 for words and missing cells."""
    gap = np.abs(own[:, None] - other[None, :])
    words = (own[:, None] >= 2) | (other[None, :] >= 2)
    far = np.where(words, gap > 0, gap)
    missing = np.isnan(own)[:, None] != np.isnan(other)[None, :]
    return np.where(np.isnan(gap), missing, far).astype(np.float32)


def _cell(values: Floats) -> Ints:
    """What is guessed: a word, a tenth, or that the cell is missing (n,)."""
    tenth = np.minimum(np.floor(values * TENTHS), TENTHS - 1)
    return np.nan_to_num(np.where(values >= 2, TENTHS + values, tenth), nan=-1).astype(np.int64)


def _chance(real: Floats, synthetic: Floats) -> float:
    """How often the cell of a random synthetic row is right."""
    cells = [_cell(side) for side in (real, synthetic)]
    least = min(int(side.min()) for side in cells)
    width = 1 + max(int(side.max()) for side in cells) - least
    own, ours = (np.bincount(side - least, minlength=width) / side.size for side in cells)
    return float(own @ ours)


def _estimate(hits: Floats, base: Floats, chance: Sequence[float], held_out: bool) -> Estimate:  # noqa: FBT001
    per_row = (hits - base).mean(axis=1)
    value, error = float(per_row.mean()), float(per_row.std(ddof=1)) / math.sqrt(per_row.size)
    p = difference_p(value, error, "upper")
    return Estimate(
        value=value,
        unit="share",
        method="the nearest synthetic row in all other columns gives the cell; less the same attack with "
        + ("held-out real rows" if held_out else "other real rows"),
        estimand="cells of real rows that synthetic rows disclose beyond what other real rows do",
        intervals=normal_intervals(value, error),
        p=p,
        adjusted_p=p,
        n=per_row.size,
        clusters=per_row.size,
        references={
            "synthetic rows": float(hits.mean()),
            "other real rows": float(base.mean()),
            "random": float(np.mean(chance)),
        },
    )
