"""How variants of balancing are made and compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.tables.cells.model import CellSettings

LEARNERS = ("boosted", "logistic")
PRIORS = ("real", "even")
FOLDS = (3, 20)
MOST_REPEATS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceSettings:
    """How variants of balancing are made and compared.

    Attributes:
        folds: outer folds of the real rows, 3 to 20. repeats: times the folds are drawn anew, 1 to 50.
        learners: proxy models that are trained on the rows, of ``boosted`` and ``logistic``; their mean decides.
        prior: class fractions of the rows that the classifier will meet, at which variants are scored: ``real``, those
            of the real rows; ``even``; or fractions by class.
        cells: of the cell model; default: that of ``generate`` with fewer trees.
    """

    folds: int = 5
    repeats: int = 3
    learners: tuple[str, ...] = ("boosted", "logistic")
    prior: str | Mapping[str, float] = "real"
    cells: CellSettings | None = None

    def __post_init__(self) -> None:
        if not FOLDS[0] <= self.folds <= FOLDS[1]:
            raise UsageError(f"{self.folds} folds", expected=f"{FOLDS[0]} to {FOLDS[1]}", todo="the default is 5")
        if not 1 <= self.repeats <= MOST_REPEATS:
            raise UsageError(f"{self.repeats} repeats", expected=f"1 to {MOST_REPEATS}", todo="the default is 3")
        if isinstance(self.prior, str) and self.prior not in PRIORS:
            raise UsageError(f"prior {self.prior}", expected="real, even or fractions by class", todo="use real")
        unknown = [name for name in self.learners if name not in LEARNERS]
        if unknown or not self.learners:
            raise UsageError(
                f"learners {', '.join(unknown) or 'none'}",
                expected=f"one or both of {', '.join(LEARNERS)}",
                todo="the default is both",
            )
