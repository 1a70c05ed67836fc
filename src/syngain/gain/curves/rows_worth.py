"""Estimate how many real rows the synthetic rows replace.

r solves ``L_real(n_A + r) = L(A + S)`` on the monotone curve. The interval is the set of all r that a paired test
does not reject. The monotone fit pools points by their values, which makes the ends too low or too high. So r is
rejected only where the measured curve rejects it too. Beyond the measured amounts nothing is extrapolated: the interval
is open there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from syngain.core.errors import UsageError
from syngain.core.estimate import Estimate
from syngain.inference.clusters import clustered_freedom, clustered_variance
from syngain.inference.isotonic import antitonic

if TYPE_CHECKING:
    from syngain.core.arrays import Floats, Ints
    from syngain.core.estimate import Interval

LEVELS = (0.90, 0.95)
STEPS = 16  # points at which the test is made between two measured amounts; the ends are interpolated between them
METHOD = "isotonic real learning curve, linear in log n; all r that a paired, clustered test does not reject"


def rows_worth(
    amounts: Floats | Ints,
    curve: Floats,
    *,
    arm: Floats,
    anchors: float,
    clusters: Ints | None = None,
    level: float = 0.9,
) -> EquivalentRows:
    """How many further real rows the synthetic rows are equivalent to.

    Args:
        amounts: total real rows of each point of the curve (k,), distinct, positive; k >= 2. Fewer than the real rows
            show harm, more show equivalent real rows.
        curve: loss of each test row after training on so many real rows, (k, t) or (k, seeds, t).
        arm: loss of the same test rows after training on real rows and synthetic rows, (t,) or (seeds, t).
        anchors: how many real rows the variant had, n_A.
        clusters: codes of test rows that belong together (t,); default: each on its own.
        level: of the interval, between 0 and 1.

    Raises:
        UsageError: shapes that do not fit, values that are not finite, amounts that are not positive and distinct,
            fewer than two test rows, a level outside (0, 1).
    """
    curve, arm = np.asarray(curve, dtype=float), np.asarray(arm, dtype=float)
    curve = curve[:, None, :] if curve.ndim == 2 else curve
    arm = arm[None, :] if arm.ndim == 1 else arm
    real = np.asarray(amounts, dtype=float)
    codes = np.arange(arm.shape[-1]) if clusters is None else np.asarray(clusters)
    _check(real, curve, arm, codes)
    if not (0 < level < 1 and math.isfinite(anchors) and anchors > 0):
        raise UsageError(
            f"level {level}, {anchors} real rows",
            expected="a level between 0 and 1 and a positive number of real rows",
            todo="set `level`, for example to 0.9, and `anchors` to the number of real rows",
        )
    order = np.argsort(real)
    real, curve = real[order], curve[order]
    smooth = antitonic(curve.mean(axis=(1, 2)))
    falling = _tests(real, smooth, curve, arm, codes)
    tests = falling, _tests(real, np.eye(real.size), curve, arm, codes)
    losses = smooth @ curve.mean(axis=(1, 2))
    return _result(tests, (real, losses), arm=float(arm.mean()), anchors=anchors, level=level)


@dataclass(frozen=True, slots=True, kw_only=True)
class EquivalentRows:
    """Equivalent real rows of the synthetic rows.

    Attributes:
        value: r; negative for harm (the variant is as bad as that many fewer real rows); infinite beyond what was
            measured.
        low, high: ends of the interval at ``level``; -inf and inf where it is open.
        least, most: the range of r that was measured.
        sentence: the answer in words. estimate: the same as an ``Estimate`` with its usual levels.
        amounts, losses: the real curve, made monotone. ``arm``: mean loss with the synthetic rows.
    """

    value: float
    low: float
    high: float
    level: float
    least: float
    most: float
    sentence: str
    estimate: Estimate
    amounts: tuple[float, ...]
    losses: tuple[float, ...]
    arm: float


def _check(amounts: Floats, curve: Floats, arm: Floats, codes: Ints) -> None:
    if amounts.ndim != 1 or amounts.size < 2 or np.unique(amounts).size < amounts.size or not amounts.min() > 0:
        raise UsageError(
            f"amounts {amounts}",
            expected="at least two distinct, positive numbers of real rows",
            todo="measure the curve at more amounts",
        )
    if curve.ndim != 3 or arm.ndim != 2 or 0 in (*curve.shape, *arm.shape):
        raise UsageError(
            f"`curve` of shape {curve.shape}, `arm` of shape {arm.shape}",
            expected="(k, seeds, t) and (seeds, t)",
            todo="put seeds before test rows in both",
        )
    if curve.shape[0] != amounts.size or curve.shape[2] != arm.shape[1] or codes.shape != arm.shape[1:]:
        raise UsageError(
            f"{amounts.size} amounts, `curve` {curve.shape}, `arm` {arm.shape}, `clusters` {codes.shape}",
            expected="one row of `curve` per amount, and the same test rows in all",
            todo="evaluate all models on the same test rows",
        )
    if not (np.all(np.isfinite(amounts)) and np.all(np.isfinite(curve)) and np.all(np.isfinite(arm))):
        raise UsageError(
            "amounts or losses are not finite", expected="finite numbers", todo="omit these amounts or test rows"
        )
    if np.unique(codes).size < 2:
        raise UsageError(
            "one cluster of test rows",
            expected="at least two clusters, to estimate a variance",
            todo="add test rows that are not near-duplicates",
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Tests:
    """Paired tests at total real rows ``n`` (m,), ascending."""

    n: Floats
    difference: Floats
    error: Floats
    freedom: Floats
    rows: int
    clusters: int

    def crossing(self) -> float:
        """Zero of the difference; the middle of a zero range; infinite beyond the range."""
        if self.difference[0] < 0:
            return -math.inf
        if self.difference[-1] > 0:
            return math.inf
        return math.sqrt(self._first(self.difference)) * math.sqrt(self._last(self.difference))

    def interval(self, level: float) -> Interval:
        """All n not rejected at ``level``; open at the ends of the range."""
        reach = stats.t.isf((1 - level) / 2, self.freedom) * self.error
        above, below = self.difference - reach, self.difference + reach
        low = -math.inf if above[0] <= 0 else self._first(above)
        high = math.inf if below[-1] >= 0 else self._last(below)
        return min(low, high), max(low, high)  # without noise, rounding may cross them

    def _first(self, line: Floats) -> float:
        """The smallest n with line <= 0; the largest of the range where there is none."""
        at = np.flatnonzero(line <= 0)
        return float(self.n[-1]) if at.size == 0 else self._between(line, int(at[0]) - 1)

    def _last(self, line: Floats) -> float:
        """The largest n with line >= 0; the smallest of the range where there is none."""
        at = np.flatnonzero(line >= 0)
        return float(self.n[0]) if at.size == 0 else self._between(line, int(at[-1]))

    def _between(self, line: Floats, left: int) -> float:
        """Where the line, positive or 0 at ``left`` and not after, is 0: linear in log n."""
        if left < 0:
            return float(self.n[0])
        if left == self.n.size - 1:
            return float(self.n[-1])
        share = line[left] / (line[left] - line[left + 1])
        return float(self.n[left] * (self.n[left + 1] / self.n[left]) ** share)


def _tests(amounts: Floats, smooth: Floats, curve: Floats, arm: Floats, codes: Ints) -> _Tests:
    """Difference, error and freedom along the curve.

    Variance = clustered test rows, paired + seeds of the curve + seeds of the variant; freedom by [satterthwaite1946].
    A seed is taken to be the same subsample order at all amounts; independent ones give the same in expectation.
    """
    log = np.log(amounts)
    points = np.unique(np.concatenate([np.linspace(a, b, STEPS + 1) for a, b in pairwise(log)]))
    share = np.array([np.interp(points, log, unit) for unit in np.eye(amounts.size)]).T
    weight = share @ smooth
    paired = weight @ curve.mean(axis=1) - arm.mean(axis=0)
    of_seed = weight @ curve.mean(axis=2)
    arm_variance, arm_freedom = _seed_variance(arm.mean(axis=1))
    errors, freedoms = [], []
    for rows, seeds in zip(paired, of_seed, strict=True):
        test = clustered_variance(rows, codes), max(clustered_freedom(rows, codes), 2.0)
        parts = [test, _seed_variance(seeds), (arm_variance, arm_freedom)]
        total = sum(variance for variance, _ in parts)
        below = sum(variance**2 / freedom for variance, freedom in parts if variance > 0)
        errors.append(math.sqrt(total))
        freedoms.append(total**2 / below if below > 0 else math.inf)
    n = np.exp(points)
    n[::STEPS] = amounts  # without the rounding of exp(log(n))
    count = int(np.unique(codes).size)
    return _Tests(n, paired.mean(axis=1), np.array(errors), np.array(freedoms), arm.shape[1], count)


def _seed_variance(values: Floats) -> tuple[float, float]:
    """Variance of a mean over seeds and its freedom; one seed adds none."""
    if values.size < 2:
        return 0.0, 1.0
    return float(values.var(ddof=1)) / values.size, values.size - 1.0


def _result(
    tests: tuple[_Tests, _Tests], curve: tuple[Floats, Floats], *, arm: float, anchors: float, level: float
) -> EquivalentRows:
    amounts, losses = curve
    value = tests[0].crossing() - anchors
    worth = {at: _union(tests, at, anchors) for at in {*LEVELS, level}}
    least, most = float(amounts[0]) - anchors, float(amounts[-1]) - anchors
    low, high = worth[level]
    estimate = Estimate(
        value=value,
        intervals=worth,
        unit="rows",
        method=METHOD,
        estimand="real rows that lower the loss as much as the synthetic rows",
        n=tests[0].rows,
        clusters=tests[0].clusters,
        references={"measured from": least, "measured to": most},
        marks=() if math.isfinite(value) else (f"{_rows(value, (least, most))}: end of the measured curve",),
    )
    return EquivalentRows(
        value=value,
        low=low,
        high=high,
        level=level,
        least=least,
        most=most,
        sentence=_sentence(value, (low, high), (least, most), anchors, level),
        estimate=estimate,
        amounts=tuple(amounts.tolist()),
        losses=tuple(losses.tolist()),
        arm=arm,
    )


def _union(tests: tuple[_Tests, _Tests], level: float, anchors: float) -> Interval:
    (low, high), (other_low, other_high) = (test.interval(level) for test in tests)
    return min(low, other_low) - anchors, max(high, other_high) - anchors


def _sentence(value: float, interval: Interval, measured: Interval, anchors: float, level: float) -> str:
    ends = tuple(_rows(end, measured) for end in interval)
    said = f"{level:.0%} CI [{ends[0]}, {ends[1]}]"
    if interval == (-math.inf, math.inf):
        return (
            f"Inconclusive: any number of equivalent real rows from {measured[0]:,.0f} to {measured[1]:,.0f} is "
            "possible. Add test rows or real rows."
        )
    if value < 0 and interval[1] < 0:
        lost, least, most = (_rows(-r, (-measured[1], -measured[0])) for r in (value, *reversed(interval)))
        return (
            f"The synthetic rows do harm: equivalent to losing {lost} of the {anchors:,.0f} real rows, "
            f"{level:.0%} CI [{least}, {most}]."
        )
    own = f"added to your {anchors:,.0f}"
    return f"The synthetic rows are equivalent to {_rows(value, measured)} real rows {own}, {said}."


def _rows(r: float, measured: Interval) -> str:
    if math.isinf(r):
        return f"more than {measured[1]:,.0f}" if r > 0 else f"less than {measured[0]:,.0f}"
    return f"{r:,.0f}"
