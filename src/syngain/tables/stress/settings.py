"""How a classifier of a table is tested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syngain.tables.cells.model import CellSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class StressSettings:
    """How a classifier is tested.

    Attributes:
        rows: rows of the tails to draw. tail: the least likely fraction of the draws that is the tails.
        conditions: the most conditions of a rule. splits: of the real rows, for the gain; 0: no gain.
        cells: of the model that rows are drawn from.
    """

    rows: int = 500
    tail: float = 0.05
    conditions: int = 3
    splits: int = 5
    cells: CellSettings | None = None
