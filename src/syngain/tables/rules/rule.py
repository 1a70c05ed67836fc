"""What every kind of rule offers, and words that they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from syngain.core.arrays import Flags, Floats
    from syngain.tables.typed import Table

RuleKind = Literal[
    "formula", "dependency", "order", "key", "key pair", "reference", "children", "missing", "values", "calendar",
    "range", "format", "yours",
]  # fmt: skip
SUPPORT = 20  # rows that a rule applies to
CONFIDENCE = 0.95  # of held-out real rows that keep a rule
SHUFFLES = 3  # permutations that show what a rule of two columns is without a relation


class ColumnRule(Protocol):
    """A statement about single rows of a table."""

    @property
    def kind(self) -> RuleKind:
        """The kind of rule."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it is about."""
        ...

    @property
    def words(self) -> str:
        """The rule as a formula or a sentence."""
        ...

    def refit(self, table: Table) -> ColumnRule:
        """The same rule with what it holds of these rows: bounds, values, factors."""
        ...

    def check(self, table: Table) -> tuple[Flags, Flags]:
        """Rows that the rule applies to, and rows that break it; each (n,)."""
        ...


def quoted(name: str) -> str:
    """A column name in a sentence."""
    return f"`{name}`"


def some(values: Sequence[str], most: int = 4) -> str:
    """Some values in words."""
    shown = ", ".join(value if len(value) <= 20 else f"{value[:19]}…" for value in values[:most])
    return shown + (", …" if len(values) > most else "")


def unrelated(broken: Callable[[Floats], Flags], values: Floats, rng: np.random.Generator) -> float:
    """The fraction of rows that break a rule where one of its columns is shuffled."""
    return float(np.mean([broken(rng.permutation(values)).mean() for _ in range(SHUFFLES)]))
