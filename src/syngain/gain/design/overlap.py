"""Exclude test and held-out rows that appear in other files.

Rows are the same when their normalized texts are; in tables equal rows occur by chance and are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import InputError
from syngain.core.result import Finding
from syngain.data.text import near_duplicates
from syngain.data.text.normal_forms import joined_sides

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Flags
    from syngain.data.dataset import Dataset

FEWEST = 10  # test rows to evaluate on
HIGH = 0.05  # fraction of the test from which on a score is not usable


@dataclass(frozen=True)
class Apart:
    """Test and held-out rows without those that appear in other files.

    Attributes:
        test, pool: what is left; None where none was given. said: what was excluded, one clause each.
        leaked: test rows that appear in the synthetic rows (k,), as positions of the test. copies: the synthetic
            rows that hold them.
    """

    test: Dataset | None
    pool: Dataset | None
    said: tuple[str, ...] = ()
    leaked: tuple[int, ...] = ()
    copies: tuple[int, ...] = ()

    def paragraph(self) -> tuple[tuple[str, str], ...]:
        """What was excluded, for the report."""
        return (("Overlap", f"Excluded: {'; '.join(self.said)}."),) if self.said else ()

    def finding(self, test: Dataset, synthetic: Dataset) -> tuple[Finding, ...]:
        """``contamination`` if test rows appear in the synthetic data."""
        if not self.leaked:
            return ()
        share = len(self.leaked) / len(test)
        texts = _texts(test)
        return (
            Finding(
                id="contamination",
                severity="high" if share >= HIGH else "medium",
                message=(
                    f"{len(self.leaked):,} of {len(test):,} test rows appear in the synthetic data (expected 0). "
                    "They are excluded here; a score on all test rows is inflated."
                ),
                evidence=tuple(synthetic.ids[row] for row in self.copies),
                examples=tuple(texts[row] for row in self.leaked[:20]),
                rows=len(self.copies),
            ),
        )


def apart(real: Dataset, synthetic: Dataset, test: Dataset | None, pool: Dataset | None) -> Apart:
    """Exclude test rows in real or synthetic rows, held-out rows in real or test rows.

    Raises:
        InputError: too few rows of the test, or none of the pool, are left.
    """
    if not real.sides or (test is None and pool is None):
        return Apart(test, pool)
    sets = [item for item in (real, synthetic, test, pool) if item is not None]
    parts = near_duplicates.shared_codes(*(_texts(item) for item in sets))
    anchors, made = parts[:2]
    said: list[str] = []
    leaked: tuple[int, ...] = ()
    copies: tuple[int, ...] = ()
    if test is not None:
        own = parts[2]
        inside, known = np.isin(own, made), np.isin(own, anchors)
        leaked, copies = _at(inside), _at(np.isin(made, own))
        said += _clauses(test, {"the synthetic rows": inside, "the real rows": known & ~inside})
        test = _left(test, inside | known, FEWEST, "that appear in neither real nor synthetic rows")
    if pool is not None:
        own = parts[-1]
        tested = np.isin(own, parts[2]) if test is not None else np.zeros(own.size, dtype=bool)
        known = np.isin(own, anchors)
        said += _clauses(pool, {"the test rows": tested, "the real rows": known & ~tested})
        pool = _left(pool, tested | known, 1, "that appear in neither real nor test rows")
    return Apart(test, pool, tuple(said), leaked, copies)


def leaked(synthetic: Dataset, test: Dataset) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Test rows that appear in the synthetic rows, and their copies."""
    made, own = near_duplicates.shared_codes(_texts(synthetic), _texts(test))
    return _at(np.isin(own, made)), _at(np.isin(made, own))


def _texts(rows: Dataset) -> Sequence[str]:
    sides = list(rows.sides.values())
    return sides[0] if len(sides) == 1 else joined_sides([list(side) for side in sides])


def _at(flags: Flags) -> tuple[int, ...]:
    return tuple(np.flatnonzero(flags).tolist())


def _clauses(rows: Dataset, found: dict[str, Flags]) -> list[str]:
    return [
        f"{int(flags.sum()):,} of {len(rows):,} rows of {rows.name} that also appear in {where}"
        for where, flags in found.items()
        if flags.any()
    ]


def _left(rows: Dataset, gone: Flags, fewest: int, needed: str) -> Dataset:
    """The rows that are not excluded; the same dataset if none is.

    Raises:
        InputError: fewer are left than are needed.
    """
    if not gone.any():
        return rows
    kept: Sequence[int] = np.flatnonzero(~gone).tolist()
    if len(kept) < fewest:
        raise InputError(
            f"{int(gone.sum()):,} of {len(rows):,} rows of {rows.name} also appear in another file",
            expected=f"at least {fewest} {needed}",
            todo=f"replace {rows.name} by rows that appear in no other file",
        )
    return rows.take(kept)
