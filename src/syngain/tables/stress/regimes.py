"""Where a classifier errs: conjunctions of a few conditions, searched on some real rows and checked on others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from syngain.core.estimate import holm
from syngain.core.phrases import shortened
from syngain.inference.counts import more_often
from syngain.inference.intervals import wilson

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.core.estimate import Interval
    from syngain.tables.typed import Column, Table

REGIMES = 3  # that are looked for
CONDITIONS = 3  # of a rule
CUTS = 19  # quantiles of numbers that are tried
VALUES = 20  # frequent values of words that are tried
BEAM = 20  # rules that are made longer
ADDED = 1.0  # standard errors that a condition must add
LEAST, FRACTION, ERRORS = 20, 0.02, 5  # rows of a regime, and of the rows; errors in it
LEVEL = 0.05
NAME = 40  # characters of a value

Sign = Literal["<=", ">", "is", "missing"]


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on one column; ``value``: a number, or the code of a word. ``words``: as a sentence has it."""

    column: str
    sign: Sign
    value: float
    words: str

    def holds(self, table: Table) -> Flags:
        """The rows where it holds (n,)."""
        column = table.columns[self.column]
        if self.sign == "missing":
            return ~column.filled
        if self.sign == "is":
            return np.asarray(column.codes == int(self.value))
        below = column.numbers <= self.value
        return np.asarray(below if self.sign == "<=" else np.isfinite(column.numbers) & ~below)


@dataclass(frozen=True, slots=True)
class Regime:
    """A rule for rows where a model errs more often, with the rows that it was checked on.

    Attributes:
        conditions: of which all must hold. found: errors and rows of the rule where it was searched.
        later: whether earlier regimes come first; their rows do not count.
        inside, outside: errors and rows of the rule, and of the others, among the rows it was checked on.
        p: of as many errors inside at equal rates. adjusted_p: over the regimes.
    """

    conditions: tuple[Condition, ...]
    found: tuple[int, int]
    later: bool = False
    inside: tuple[int, int] = (0, 0)
    outside: tuple[int, int] = (0, 0)
    p: float = 1.0
    adjusted_p: float = 1.0

    @property
    def words(self) -> str:
        """The rule as a sentence has it."""
        return " and ".join(one.words for one in self.conditions)

    @property
    def error(self) -> float:
        """The fraction of the rows that it was checked on where the model errs."""
        return self.inside[0] / max(self.inside[1], 1)

    @property
    def elsewhere(self) -> float:
        """The same fraction of the other rows."""
        return self.outside[0] / max(self.outside[1], 1)

    @property
    def confirmed(self) -> bool:
        """Whether the model errs more often there on rows that the search did not see."""
        return self.adjusted_p < LEVEL

    def interval(self, level: float) -> Interval:
        """Wilson's interval of :attr:`error`."""
        return wilson(self.error, self.inside[1], level)

    def holds(self, table: Table) -> Flags:
        """The rows of the regime (n,)."""
        found: Flags = np.all([one.holds(table) for one in self.conditions], axis=0)
        return found

    def record(self) -> dict[str, object]:
        """The regime as a line of ``regimes.jsonl``."""
        low, high = self.interval(0.95)
        return {
            "rule": self.words,
            "searched_rows": self.found[1],
            "searched_errors": self.found[0],
            "checked_rows": self.inside[1],
            "checked_errors": self.inside[0],
            "error": self.error,
            "low95": low,
            "high95": high,
            "elsewhere_rows": self.outside[1],
            "elsewhere_errors": self.outside[0],
            "adjusted_p": self.adjusted_p,
            "confirmed": self.confirmed,
        }


def find_regimes(table: Table, wrong: Flags, searched: Flags, *, conditions: int = CONDITIONS) -> list[Regime]:
    """Regimes of real rows, the clearest first.

    Args:
        table: real rows (n,).
        wrong: where a model that has not seen the row errs.
        searched: rows that rules are searched in; they are checked in the others.
        conditions: the most conditions of a rule.
    """
    part, errors = table.take(np.flatnonzero(searched)), wrong[searched]
    known = list(_conditions(part))
    masks = np.array([one.holds(part) for one in known], dtype=np.float64).reshape(len(known), errors.size)
    left = np.ones(errors.size, dtype=bool)
    out: list[Regime] = []
    for _ in range(REGIMES):
        chosen = _best(masks[:, left], errors[left], conditions)
        if chosen is None:
            break
        own = np.all(masks[list(chosen)] > 0, axis=0) & left
        rule = tuple(known[place] for place in chosen)
        out.append(Regime(rule, (int(errors[own].sum()), int(own.sum())), later=bool(out)))
        left &= ~own
    return _checked(out, table.take(np.flatnonzero(~searched)), wrong[~searched])


def _checked(regimes: Sequence[Regime], table: Table, wrong: Flags) -> list[Regime]:
    """The regimes with what other rows show, each without the rows of those before."""
    checked, left = [], np.ones(wrong.size, dtype=bool)
    for one in regimes:
        there = one.holds(table)
        inside, outside = ((int(wrong[rows].sum()), int(rows.sum())) for rows in (there & left, ~there & left))
        left &= ~there
        checked.append(replace(one, inside=inside, outside=outside, p=more_often(*inside, *outside)))
    adjusted = holm({str(place): one.p for place, one in enumerate(checked)})
    return [replace(one, adjusted_p=adjusted[str(place)]) for place, one in enumerate(checked)]


def _best(masks: Floats, wrong: Flags, most: int) -> tuple[int, ...] | None:
    """The conditions of the rule whose errors are the farthest above the expected ones; None where there is none."""
    n, errors = wrong.size, wrong.astype(np.float64)
    if n < 2 * LEAST or not 0 < wrong.sum() < n:
        return None
    beam: list[tuple[tuple[int, ...], Floats, float]] = [((), np.ones(n), 0.0)]
    best: tuple[tuple[int, ...], float] = ((), 0.0)
    for _ in range(most):
        longer: dict[tuple[int, ...], tuple[Floats, float]] = {}
        for chosen, mask, _score in beam:
            scores = _scores(masks @ mask, masks @ (mask * errors), float(errors.sum()), n)
            for place in np.argsort(-scores, kind="stable")[:BEAM].tolist():
                if place not in chosen and np.isfinite(scores[place]):
                    longer[tuple(sorted((*chosen, place)))] = (mask * masks[place], float(scores[place]))
        beam = [(key, *item) for key, item in sorted(longer.items(), key=lambda item: -item[1][1])[:BEAM]]
        if not beam or beam[0][2] < best[1] + ADDED:
            break
        best = beam[0][0], beam[0][2]
    return best[0] or None


def _scores(rows: Floats, wrong: Floats, errors: float, n: int) -> Floats:
    """Errors above the expected ones in standard errors, of so many rows drawn without replacement."""
    rate = errors / n
    spread = rows * rate * (1 - rate) * (n - rows) / max(n - 1, 1)
    least = max(LEAST, FRACTION * n)
    good = (rows >= least) & (n - rows >= least) & (wrong >= ERRORS) & (spread > 0)
    return np.where(good, (wrong - rows * rate) / np.sqrt(np.where(spread > 0, spread, 1.0)), -np.inf)


def _conditions(table: Table) -> Iterator[Condition]:
    for column in table.columns.values():
        name = f"`{column.name}`"
        if not column.filled.all() and column.filled.any():
            yield Condition(column.name, "missing", 0.0, f"{name} is missing")
        if column.kind == "word":
            for code in _frequent(column).tolist():
                yield Condition(column.name, "is", float(code), f"{name} is {shortened(column.values[code], NAME)}")
        else:
            for cut in _cuts(column).tolist():
                for sign in ("<=", ">"):
                    yield Condition(column.name, sign, cut, f"{name} {sign} {column.shown(cut)}")


def _frequent(column: Column) -> Ints:
    counts = np.bincount(column.codes[column.filled], minlength=len(column.values))
    order = np.argsort(-counts, kind="stable")[:VALUES]
    return np.asarray(order[counts[order] > 0])


def _cuts(column: Column) -> Floats:
    """Values of the column at its quantiles, without the largest."""
    known = column.numbers[np.isfinite(column.numbers)]
    if not known.size:
        return known
    cuts = np.unique(np.quantile(known, np.arange(1, CUTS + 1) / (CUTS + 1), method="lower"))
    return np.asarray(cuts[cuts < known.max()])
