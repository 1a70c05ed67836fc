"""Stop rules: end generation when further rows add too little.

A rule is a condition in the language of :mod:`syngain.core.expressions` whose comparisons state that a marginal
quantity is below a number. It holds when the upper limit of the quantity is below the number, at an error controlled
over all interim checks. Several comparisons divide the error equally, so that the error of the whole condition is no
larger than that of one.

The cost is that a run continues beyond the optimal amount: the longer, the more slowly the quantity decreases.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from scipy import stats

from syngain.core.errors import UsageError
from syngain.core.expressions import Comparison, Constant, Joined, Reference, parse
from syngain.core.result import Series
from syngain.inference.sequential import positions
from syngain.pipeline.store.new_row_value import NEW_NATS, NEW_SHARE, InterimEstimate, NewRowValue, ObservedRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from syngain.core.estimate import Estimate
    from syngain.core.expressions import Node

ALPHA: Mapping[str, float] = {"value": 0.05, "upper90": 0.05, "upper95": 0.025}  # one-sided, over all interim checks
EXAMPLE = f"write for example --stop-when '{NEW_SHARE} < 0.2'"


class Quantity(Protocol):
    """The expected contribution of further rows, estimated from the rows so far."""

    @property
    def growth(self) -> float:
        """Growth factor of rows between interim checks."""
        ...

    @property
    def first(self) -> int:
        """Rows before the first interim check."""
        ...

    def see(self, rows: Iterable[ObservedRow], /) -> None:
        """Add rows."""
        ...

    def reading(self) -> InterimEstimate:
        """The quantity now."""
        ...

    def margin(self, reading: InterimEstimate, threshold: float, /) -> float:
        """The standard error of a value compared with a threshold."""
        ...

    def level(self, looks: Sequence[int], alpha: float, /) -> float:
        """One-sided error of each interim check, at total error ``alpha``."""
        ...

    def rest(self, upper: float, threshold: float, /) -> float:
        """Minimal growth of rows before another check is useful."""
        ...

    def estimate(self, reading: InterimEstimate, intervals: Mapping[float, tuple[float, float]], /) -> Estimate:
        """As an estimate of the report."""
        ...


@dataclass(frozen=True, slots=True)
class Below:
    """The claim that a quantity is below a number.

    ``alpha``: error probability over all interim checks.
    """

    id: str
    threshold: float
    alpha: float


@dataclass(frozen=True, slots=True)
class Claims:
    """Claims that must all hold (``and``), or one of which must (``or``)."""

    word: str
    parts: tuple[Claim, ...]


Claim = Below | Claims


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition that stops generation.

    Attributes:
        expression: as written. claim: what must hold.
    """

    expression: str
    claim: Claim

    @property
    def claims(self) -> tuple[Below, ...]:
        """The single claims, in written order."""
        return tuple(_leaves(self.claim))

    @property
    def ids(self) -> tuple[str, ...]:
        """The quantities of the claims."""
        return tuple(dict.fromkeys(claim.id for claim in self.claims))


@dataclass(frozen=True, slots=True)
class InterimCheck:
    """A quantity at an interim check: rows so far, and its estimate."""

    rows: int
    reading: InterimEstimate


@dataclass
class Watch:
    """The quantities of a rule during a run of ``total`` planned rows.

    ``makers`` construct quantities other than those of texts.
    """

    rule: Rule
    total: int
    makers: Mapping[str, Callable[[], Quantity]] = field(default_factory=dict)
    looks: dict[str, list[InterimCheck]] = field(init=False)
    positions: list[int] = field(init=False)
    _quantities: dict[str, Quantity] = field(init=False)
    _levels: dict[Below, float] = field(init=False)
    _seen: int = 0
    _next: float = 0.0

    def __post_init__(self) -> None:
        known = {**ALWAYS_WATCHED, **self.makers}
        self._quantities = {name: known[name]() for name in self.rule.ids}
        growth = max(quantity.growth for quantity in self._quantities.values())
        first = max(quantity.first for quantity in self._quantities.values())
        self.positions = positions(self.total, first=first, growth=growth)
        self.looks = {name: [] for name in self.rule.ids}
        self._levels = {
            claim: self._quantities[claim.id].level(self.positions, claim.alpha) for claim in self.rule.claims
        }

    def see(self, rows: Iterable[ObservedRow]) -> None:
        """Add rows."""
        seen = list(rows)
        self._seen += len(seen)
        for quantity in self._quantities.values():
            quantity.see(seen)

    def due(self, position: int) -> bool:
        """Whether a check at this position may end the run, by the last one.

        The end is always checked. Skipped checks cause no errors, so the total error stays below the plan's.
        """
        return position >= self._next or position >= self.total

    def look(self, position: int | None = None) -> bool:
        """Run an interim check; returns whether to stop."""
        for name, quantity in self._quantities.items():
            self.looks[name].append(InterimCheck(self._seen, quantity.reading()))
        self._next = (self._seen if position is None else position) * self._rest(self.rule.claim)
        return self._proven(self.rule.claim)

    def upper(self, claim: Below) -> float:
        """The upper limit of a claim's quantity at the last check, at its error level."""
        reading, quantity = self.looks[claim.id][-1].reading, self._quantities[claim.id]
        reach = float(stats.t.isf(self._levels[claim], max(reading.freedom, 1.0)))
        return reading.value + reach * quantity.margin(reading, claim.threshold)

    def _proven(self, claim: Claim) -> bool:
        if isinstance(claim, Below):
            return self.upper(claim) < claim.threshold
        held = [self._proven(part) for part in claim.parts]
        return all(held) if claim.word == "and" else any(held)

    def _rest(self, claim: Claim) -> float:
        if isinstance(claim, Below):
            return self._quantities[claim.id].rest(self.upper(claim), claim.threshold)
        rests = [self._rest(part) for part in claim.parts]
        return max(rests) if claim.word == "and" else min(rests)

    def estimates(self) -> dict[str, Estimate]:
        """Every quantity at the last check."""
        return {
            name: self._quantities[name].estimate(looks[-1].reading, _intervals(looks[-1].reading))
            for name, looks in self.looks.items()
            if looks
        }

    def series(self) -> dict[str, Series]:
        """Every quantity at every check, with its 90% band."""
        return {name: _series(looks) for name, looks in self.looks.items() if looks}


ALWAYS_WATCHED: Mapping[str, Callable[[], Quantity]] = {
    NEW_SHARE: NewRowValue,
    NEW_NATS: lambda: NewRowValue(weighed=True),
}


def stop_rule(expression: str, more: Iterable[str] = ()) -> Rule:
    """The rule of ``--stop-when``.

    ``more``: ids other than texts and log-probabilities.

    Raises:
        UsageError: it is not a condition, or not an upper bound of marginal quantities.
    """
    ids = (*ALWAYS_WATCHED, *more)
    try:
        tree = parse(expression)
    except UsageError as error:
        raise UsageError(f"--stop-when: {error.came}", expected=error.expected, todo=EXAMPLE) from error
    claim = _claim(tree, expression, ids)
    return Rule(expression, _shared(claim, len(list(_leaves(claim)))))


def _claim(node: Node, expression: str, ids: Sequence[str]) -> Claim:
    if isinstance(node, Joined):
        return Claims(node.word, tuple(_claim(part, expression, ids) for part in node.parts))
    if isinstance(node, Comparison):
        sides = (node.left, node.right) if node.sign in {"<", "<="} else (node.right, node.left)
        name, field_ = _named(sides[0])
        if node.sign in {"<", "<=", ">", ">="} and name and isinstance(sides[1], Constant):
            return _below(name, field_, sides[1].content, ids)
    raise UsageError(
        f"--stop-when {expression!r}",
        expected="`ID < NUMBER`, or several joined by `and` or `or`",
        todo=EXAMPLE,
    )


def _named(node: Node) -> tuple[str, str]:
    """The id and the field of a side; a quoted name counts as an id."""
    if isinstance(node, Reference):
        return node.name, node.field or "value"
    if isinstance(node, Constant) and isinstance(node.content, str):
        return node.content, "value"
    return "", ""


def _below(name: str, field_: str, threshold: float | str, ids: Sequence[str]) -> Below:
    head, _, tail = name.rpartition(".")
    if name not in ids and tail in ALPHA:
        name, field_ = head, tail
    if name not in ids:
        raise UsageError(
            f"--stop-when: {name} is not measured during generation", expected=f"one of {', '.join(ids)}", todo=EXAMPLE
        )
    if field_ not in ALPHA:
        raise UsageError(
            f"--stop-when {name}:{field_}",
            expected="no field, upper90 or upper95",
            todo=EXAMPLE,
        )
    most = 1.0 if name == NEW_SHARE else math.inf
    if not isinstance(threshold, float) or (name in ALWAYS_WATCHED and not 0 < threshold <= most):
        span = f"a number above 0{' and at most 1' if most == 1 else ''}" if name in ALWAYS_WATCHED else "a number"
        raise UsageError(f"--stop-when {name} < {threshold}", expected=span, todo=EXAMPLE)
    return Below(name, threshold, ALPHA[field_])


def _shared(claim: Claim, count: int) -> Claim:
    """The same claims, each with its part of the error."""
    if isinstance(claim, Below):
        return Below(claim.id, claim.threshold, claim.alpha / count)
    return Claims(claim.word, tuple(_shared(part, count) for part in claim.parts))


def _leaves(claim: Claim) -> Iterator[Below]:
    if isinstance(claim, Below):
        yield claim
        return
    for part in claim.parts:
        yield from _leaves(part)


def _intervals(reading: InterimEstimate) -> dict[float, tuple[float, float]]:
    if not math.isfinite(reading.error):
        return {}
    halves = {
        level: float(stats.t.isf((1 - level) / 2, max(reading.freedom, 1.0))) * reading.error for level in (0.90, 0.95)
    }
    return {level: (reading.value - half, reading.value + half) for level, half in halves.items()}


def _series(looks: Sequence[InterimCheck]) -> Series:
    bands = [_intervals(look.reading).get(0.90, (-math.inf, math.inf)) for look in looks]
    return Series(
        x_name="rows",
        x=tuple(float(look.rows) for look in looks),
        value=tuple(look.reading.value for look in looks),
        lower=tuple(low for low, _ in bands),
        upper=tuple(high for _, high in bands),
        level=0.9,
    )
