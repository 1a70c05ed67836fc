"""Expected value of rows of one more prompt: new texts and their information.

The new fraction is the probability that a row of one more prompt repeats no row of the prompts before it: the unseen
mass of Good and Turing [good1953], leaving out prompts instead of rows, because the samples of one prompt are similar.
Weighted by surprisal -log q(y|p), it is the part of the information gain H(M(p)|p) on texts not yet in the dataset:
equal to the gain while every text is new, zero when none is. A template adds nothing to its prompt, so its rows have
weight 0. The error of both is the delete-one jackknife over prompts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import UsageError
from syngain.core.estimate import Estimate
from syngain.inference.sequential import FINE, level_of_means

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from syngain.core.estimate import Direction

NEW_SHARE = "diversity.new_fraction"
NEW_NATS = "information.marginal"
MANY = 40  # number of new rows that the error corresponds to
FIRST = 200  # rows before the first check


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedRow:
    """A row of an unfinished run.

    Attributes:
        prompt: its hash. text: a digest of its content. nats: surprisal under its prompt, 0 for templates, None where
            unknown. sampled: whether that is of the sampling distribution. row: its content, with the real rows in its
            prompt.
    """

    prompt: str
    text: bytes
    nats: float | None = 0.0
    sampled: bool = True
    row: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class InterimEstimate:
    """A quantity at an interim check.

    Value, standard error, its degrees of freedom, rows and clusters.
    """

    value: float
    error: float
    freedom: float
    n: int
    clusters: int


@dataclass
class NewRowValue:
    """The new fraction, or new information, of the rows so far.

    Per prompt: rows, weight of rows with texts of its own, and weight of rows of other prompts that would be new
    without it. Per text: its weight by prompt, None from the third prompt on, because it can no longer become new.
    """

    weighed: bool = False
    growth: float = FINE
    first: int = FIRST
    _numbers: dict[str, int] = field(default_factory=dict)
    _size: list[int] = field(default_factory=list)
    _own: list[float] = field(default_factory=list)
    _lent: list[float] = field(default_factory=list)
    _texts: dict[bytes, dict[int, float] | None] = field(default_factory=dict)
    _sums: tuple[float, float] = (0.0, 0.0)  # of weights and of their squares
    _sampled: bool = True

    def see(self, rows: Iterable[ObservedRow]) -> None:
        """Add rows.

        Raises:
            UsageError: information needs log-probabilities, and a row has none.
        """
        for row in rows:
            prompt = self._numbers.setdefault(row.prompt, len(self._numbers))
            if prompt == len(self._size):
                self._size.append(0)
                self._own.append(0.0)
                self._lent.append(0.0)
            self._size[prompt] += 1
            weight = self._weight(row)
            self._sums = (self._sums[0] + weight, self._sums[1] + weight**2)
            owners = self._texts.setdefault(row.text, {})
            if owners is not None:
                self._move(row.text, owners, -1)
                owners[prompt] = owners.get(prompt, 0.0) + weight
                self._move(row.text, owners, +1)

    def _weight(self, row: ObservedRow) -> float:
        if not self.weighed:
            return 1.0
        if row.nats is None or not math.isfinite(row.nats):
            raise UsageError(
                f"--stop-when {NEW_NATS}, but the generator returns no log-probabilities",
                expected="log-probabilities of every row",
                todo=f"name a generator with log-probabilities, or use {NEW_SHARE}",
            )
        self._sampled = self._sampled and row.sampled
        return row.nats

    def _move(self, text: bytes, owners: dict[int, float], sign: int) -> None:
        """Add the rows of a text to the counts, or subtract them."""
        if len(owners) == 1:
            ((one, weight),) = owners.items()
            self._own[one] += sign * weight
        elif len(owners) == 2:
            (one, weight), (two, other) = owners.items()
            self._lent[one] += sign * other
            self._lent[two] += sign * weight
        elif len(owners) > 2:
            self._texts[text] = None

    def reading(self) -> InterimEstimate:
        """The quantity now.

        Without prompt j, a text that only j and one other prompt produced becomes new there:
        value_(j) = (new - new_j + lent_j) / (n - n_j).
        """
        size, own, lent = (np.array(counts, dtype=np.float64) for counts in (self._size, self._own, self._lent))
        total, new, prompts = float(size.sum()), float(own.sum()), size.size
        if prompts < 2:
            return InterimEstimate(value=math.inf, error=math.inf, freedom=1.0, n=int(total), clusters=prompts)
        without = (new - own + lent) / np.maximum(total - size, 1.0)
        spread = float(np.sum((without - without.mean()) ** 2)) * (prompts - 1) / prompts
        return InterimEstimate(
            value=max(new, 0.0) / total,  # sums of weights have rounding errors
            error=math.sqrt(spread),
            freedom=prompts - 1.0,
            n=int(total),
            clusters=prompts,
        )

    def margin(self, reading: InterimEstimate, threshold: float) -> float:
        """The error for a value below the threshold, corrected for few new rows.

        The lower tail of a count with mean m ends at ``m - z sqrt(m) + (z^2 - 1) / 6``: between the errors at the value
        and at the threshold, which differ by the root of their ratio. The midpoint is accurate for many, the latter
        conservative for few.
        """
        if reading.value >= threshold or not math.isfinite(reading.error):
            return reading.error
        if reading.value > 0 and reading.error > 0:
            many = (reading.value / reading.error) ** 2 >= MANY
            return float(reading.error * (threshold / reading.value) ** (0.25 if many else 0.5))
        total, squares = self._sums
        heavy = squares / total if total > 0 else 1.0
        return math.sqrt(threshold * heavy / reading.clusters)

    def rest(self, _upper: float, _threshold: float, /) -> float:
        """None: a check costs nothing."""
        return 1.0

    def level(self, looks: Sequence[int], alpha: float) -> float:
        """One-sided error of each check; see :mod:`syngain.inference.sequential`."""
        return level_of_means(looks, alpha)

    def estimate(self, reading: InterimEstimate, intervals: Mapping[float, tuple[float, float]]) -> Estimate:
        """As an estimate of the report."""
        upper: Direction = "upper"
        if not self.weighed:
            unit, estimand = "share", "probability that a row of one more prompt is new"
            method = "rows whose text no other prompt produced (Good-Turing over prompts); jackknife over prompts"
        else:
            unit = "nats per row"
            estimand = "information gain of a row of one more prompt, counted on new texts only"
            method = "surprisal of the rows whose text no other prompt produced, per row; jackknife over prompts"
        return Estimate(
            value=reading.value,
            unit=unit,
            method=method,
            estimand=estimand,
            intervals=dict(intervals),
            n=reading.n,
            clusters=reading.clusters,
            direction="estimate" if self._sampled else upper,
            marks=() if self._sampled else ("upper bound",),
        )
