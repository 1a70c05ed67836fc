"""When enough is enough: stop asking once fresh prompts hardly say anything new, with the repeated looks controlled.

The new share is the chance that a row of one more prompt repeats no row of the prompts before it: the unseen mass of
Good and Turing [good1953], with prompts instead of rows left out, because the samples of one prompt are alike. Its
error is the delete-one jackknife over prompts.

The looks of one run resemble each other. A mean of n values, standardized, is a stationary process in log n, and the
chance that it ever exceeds c while n grows by a factor of exp(T) is about ``1 - Phi(c) + T c phi(c) / 2``
[siegmund1985]: c is chosen so that a new share that stays at the threshold for the whole plan stops the run with
probability alpha. The price is that a run goes on a while after the right amount: the longer, the fewer rows are new
by then.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from syngain.core.errors import UsageError
from syngain.core.estimate import Estimate
from syngain.core.result import Series

if TYPE_CHECKING:
    from collections.abc import Iterable

ID = "diversity.new_fraction"
_RULE = re.compile(rf"\s*{re.escape(ID)}(?::(?:value|upper9[05]))?\s*<=?\s*(0?\.\d+|1(?:\.0*)?)\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewShareBelow:
    """Stop when the upper limit of the new share is below ``threshold``.

    Attributes:
        alpha: chance of stopping too early, over all looks. first: rows before the first look. growth: of the rows
            from look to look.
    """

    threshold: float
    alpha: float = 0.05
    first: int = 200
    growth: float = 1.05

    def looks(self, total: int) -> list[int]:
        """Positions of the plan at which to look, the last one being its end."""
        found, at = [], float(self.first)
        while at < total:
            found.append(round(at))
            at *= self.growth
        return [*dict.fromkeys(found), total]

    def level(self, total: int) -> float:
        """One-sided error of each look, so that all looks of a plan of ``total`` rows err with ``alpha`` together."""
        span = math.log(max(total / self.first, 1.0))

        def error(c: float) -> float:
            tail = math.erfc(c / math.sqrt(2)) / 2
            return tail + span * c * math.exp(-c * c / 2) / math.sqrt(8 * math.pi)

        low, high = 1.0, 10.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if error(middle) > self.alpha else (low, middle)
        return math.erfc(low / math.sqrt(2)) / 2


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at a look: rows so far, the new share, its upper limit at the look's own level."""

    rows: int
    share: float
    upper: float
    error: float
    prompts: int


@dataclass
class Watch:
    """The texts seen so far, by prompt, and the looks that were taken at them; ``total`` rows are planned.

    Per prompt: rows, rows with texts of its own, and rows of other prompts that would be new without it. Per text: its
    rows by prompt, None as soon as three prompts gave it and it can never become new again.
    """

    rule: NewShareBelow
    total: int
    looks: list[Look] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)
    _size: list[int] = field(default_factory=list)
    _own: list[int] = field(default_factory=list)
    _lent: list[int] = field(default_factory=list)
    _texts: dict[bytes, dict[int, int] | None] = field(default_factory=dict)

    def see(self, rows: Iterable[tuple[str, bytes]]) -> None:
        """Add rows: the prompt of each, and a digest of its text."""
        for name, text in rows:
            prompt = self._numbers.setdefault(name, len(self._numbers))
            if prompt == len(self._size):
                for counts in (self._size, self._own, self._lent):
                    counts.append(0)
            self._size[prompt] += 1
            owners = self._texts.setdefault(text, {})
            if owners is not None:
                self._move(text, owners, -1)
                owners[prompt] = owners.get(prompt, 0) + 1
                self._move(text, owners, +1)

    def _move(self, text: bytes, owners: dict[int, int], sign: int) -> None:
        """Take the rows of a text out of the counts, or put them in."""
        if len(owners) == 1:
            ((one, count),) = owners.items()
            self._own[one] += sign * count
        elif len(owners) == 2:
            (one, count), (two, other) = owners.items()
            self._lent[one] += sign * other
            self._lent[two] += sign * count
        elif len(owners) > 2:
            self._texts[text] = None

    def look(self) -> bool:
        """Take a look; whether to stop."""
        share, error, rows = self._share()
        freedom = max(len(self._size) - 1, 1)
        upper = share + float(stats.t.isf(self.rule.level(self.total), freedom)) * error
        self.looks.append(Look(rows, share, upper, error, len(self._size)))
        return upper < self.rule.threshold

    def estimate(self) -> Estimate:
        """The new share at the last look."""
        last = self.looks[-1]
        intervals = {}
        for level in (0.90, 0.95):
            half = float(stats.t.isf((1 - level) / 2, max(last.prompts - 1, 1))) * last.error
            intervals[level] = (last.share - half, last.share + half)
        return Estimate(
            value=last.share,
            unit="share",
            method="rows whose text no other prompt gave (Good-Turing over prompts); jackknife over prompts",
            estimand="chance that a row of one more prompt repeats nothing",
            intervals=intervals,
            n=last.rows,
            clusters=last.prompts,
        )

    def series(self) -> Series:
        """The new share at every look, with its 90 % band."""
        rows = tuple(float(look.rows) for look in self.looks)
        half = [float(stats.t.isf(0.05, max(look.prompts - 1, 1))) * look.error for look in self.looks]
        shares = tuple(look.share for look in self.looks)
        low, high = (tuple(v + sign * h for v, h in zip(shares, half, strict=True)) for sign in (-1, 1))
        return Series(x_name="rows", x=rows, value=shares, lower=low, upper=high, level=0.9)

    def _share(self) -> tuple[float, float, int]:
        """The new share, its jackknife error, and the number of rows.

        Without prompt j its rows are gone, and a text that only j and one other prompt gave becomes new there:
        share_(j) = (new - new_j + shared_j) / (n - n_j).
        """
        size, own, lent = (np.array(counts, dtype=np.float64) for counts in (self._size, self._own, self._lent))
        total, new, prompts = float(size.sum()), float(own.sum()), size.size
        if prompts < 2:
            return 1.0, math.inf, int(total)
        without = (new - own + lent) / np.maximum(total - size, 1.0)
        spread = float(np.sum((without - without.mean()) ** 2)) * (prompts - 1) / prompts
        return new / total, math.sqrt(spread), int(total)


def stop_rule(expression: str) -> NewShareBelow:
    """The rule of ``--stop-when``.

    Raises:
        UsageError: it is not ``diversity.new_fraction < NUMBER`` with a number above 0 and at most 1.
    """
    found = _RULE.fullmatch(expression)
    if found is None or float(found.group(1)) == 0:
        raise UsageError(
            f"--stop-when {expression!r}",
            expected=f"`{ID} < NUMBER`: the share of new rows from one more prompt, between 0 and 1",
            todo=f"for example --stop-when '{ID} < 0.2'",
        )
    return NewShareBelow(threshold=float(found.group(1)))
