"""Learning curve: power law, forecast, and whether more rows would help.

``L(n) = C + D (n + n0)^-alpha``, D >= 0. The verdict rests on ``I10 = L(n_max) - L(10 n_max)``, what ten times more
data would gain, which the points determine even where (C, alpha) are not identifiable. For the fit, and for its
uncertainty by a posterior over shapes instead of a bootstrap: :mod:`syngain.gain.curves.power_law`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from syngain.core.errors import UsageError
from syngain.core.estimate import Estimate
from syngain.gain.curves.power_law import Points, at_bound, grid, misfit, posterior

if TYPE_CHECKING:
    from syngain.core.arrays import Floats, Ints
    from syngain.core.estimate import Interval
    from syngain.gain.curves.power_law import Posterior

Verdict = Literal["change_the_generator", "more_data", "undetermined", "refused"]
LEVELS = (0.90, 0.95)
SURE = 0.95  # probability from which a fall or a rise counts as seen
OFTEN = 0.10  # fraction of refits at a bound from which alpha and the floor are not printed
POOLED = (
    4  # an amount's own variance is pooled with that of all amounts as if the latter had so many degrees of freedom
)
METHOD = "power law with a floor; posterior over its shapes, alpha uniform in its logarithm"


def learning_curve(
    amounts: Floats | Ints,
    losses: Floats,
    *,
    rng: np.random.Generator,
    errors: Floats | None = None,
    paired: bool = False,
    method: PowerLaw | None = None,
) -> LearningCurve:
    """Fit the power law and decide whether ten times more rows would lower the loss.

    Args:
        amounts: rows (k,), distinct, not negative.
        losses: loss at each amount (k,), or (k, r) for r seeds, in ``unit``; smaller is better (negate a score).
        rng: draws the posterior.
        errors: standard errors (k,) or covariance (k, k) of the means, beyond what the seeds show (a shared test set).
            Without it and with one seed the noise comes from the misfit of the power law.
        paired: column j of ``losses`` is the same seed at all amounts; a constant shift by seed is not noise of the
            fall.
        method: bounds of the power law, unit, smallest fall that matters; default :class:`PowerLaw`.

    Raises:
        UsageError: too few amounts (four; three when the noise is known), shapes that do not fit, values that are not
            finite, equal amounts, wrong errors, an amount of 0 where n0 is fixed at 0.
    """
    law = method or PowerLaw()
    points = _points(np.asarray(amounts, dtype=float), np.asarray(losses, dtype=float), errors, paired=paired)
    if points.amounts.min() == 0 and law.n0 == 0:
        raise UsageError(
            "an amount of 0 with n0 = 0", expected="n0 > 0", todo="set n0, for example to the number of real rows"
        )
    shapes = grid(points.amounts, law.alphas, law.n0)
    if points.freedom > 0:  # errors that the best power law cannot explain are too small
        scale = max(misfit(points, shapes), 1.0)
        points = Points(points.amounts, points.losses, points.covariance * scale, points.freedom)
    draws = posterior(points, shapes, rng, draws=law.draws)
    bound = at_bound(points, shapes, rng, refits=law.refits)
    return _result(points, draws, bound, law.min_gain, law.unit)


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """``L(n) = C + D (n + n0)^-alpha``.

    Attributes:
        n0: rows that count before the first (the real rows, where synthetic rows are added); None: not known.
        alphas: bounds of alpha, from almost logarithmic to almost a step. A lower bound nearer 0 gives half of the
            prior to curves without a floor; one of .05 forecasts 15 % too little for a logarithm.
        draws: curves drawn from the posterior. refits: least-squares refits that look for alpha at a bound.
        min_gain: smallest fall that matters, in ``unit``. unit: what the losses are measured in.
    """

    n0: float | None = None
    alphas: tuple[float, float] = (0.05, 2.0)
    draws: int = 2000
    refits: int = 500
    min_gain: float = 0.01
    unit: str = "nats"

    def __post_init__(self) -> None:
        if self.n0 is not None and not (math.isfinite(self.n0) and self.n0 >= 0):
            raise UsageError(
                f"n0 = {self.n0}", expected="a number of rows, 0 or more, or None", todo="omit n0 if it is not known"
            )
        if not 0 < self.alphas[0] < self.alphas[1] < math.inf:
            raise UsageError(
                f"bounds of alpha {self.alphas}",
                expected="two positive numbers, ascending",
                todo="set alphas, or omit it for the default",
            )
        if min(self.draws, self.refits) < 100:
            raise UsageError(
                f"{self.draws} draws, {self.refits} refits",
                expected="at least 100 of each",
                todo="raise draws and refits to 100 or more",
            )
        if not (math.isfinite(self.min_gain) and self.min_gain > 0):
            raise UsageError(
                f"min_gain {self.min_gain}",
                expected="a positive number in the unit of the loss",
                todo="set min_gain, for example to 0.01",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """The curve at ``amounts`` (m,): median and interval bounds at ``level``."""

    amounts: tuple[float, ...]
    value: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    level: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LearningCurve:
    """A learning curve with its verdict.

    Attributes:
        verdict: ``change_the_generator`` when the upper 90% limit of the improvement is below ``min_gain``,
            ``more_data`` when the lower one is above, ``refused`` when the curve rises, or does not fall within its
            noise while a fall that matters is possible; else ``undetermined``.
        sentence: the verdict in words, with its numbers.
        improvement: ``L(n_max) - L(10 n_max)``, a forecast.
        alpha, floor: exponent and C; None where more than a tenth of refits end at a bound.
        falls: probability that the curve falls over what was measured. bound: fraction of refits at a bound.
        noise: standard error of the loss at one amount, as the fit sees it.
        amounts, losses: what was measured, ascending, seeds averaged. min_gain: in the unit of the loss.
        draws: the posterior curves.
    """

    verdict: Verdict
    sentence: str
    improvement: Estimate
    alpha: Estimate | None
    floor: Estimate | None
    falls: float
    bound: float
    noise: float
    amounts: tuple[float, ...]
    losses: tuple[float, ...]
    min_gain: float
    draws: Posterior

    def predict(self, amounts: Floats, *, level: float = 0.9) -> Band:
        """The expected loss at ``amounts`` (m,), noise of a new measurement not included.

        Raises:
            UsageError: an amount that is negative or not finite, or 0 where n0 may be 0.
        """
        wanted = np.atleast_1d(np.asarray(amounts, dtype=float))
        if not np.all(np.isfinite(wanted)) or wanted.min() < 0 or wanted.min() + self.draws.shapes.n0.min() <= 0:
            raise UsageError(
                f"amounts {np.asarray(amounts).tolist()} include one without a forecast",
                expected="finite, positive numbers of rows",
                todo="omit negative, infinite and zero amounts",
            )
        tail = (1 - level) / 2
        low, value, high = np.quantile(self.draws.losses(wanted), (tail, 0.5, 1 - tail), axis=0)
        return Band(amounts=tuple(wanted), value=tuple(value), low=tuple(low), high=tuple(high), level=level)


def _points(amounts: Floats, losses: Floats, errors: Floats | None, *, paired: bool) -> Points:
    """Sorted means with their covariance."""
    _check(amounts, losses)
    order = np.argsort(amounts)
    amounts, runs = amounts[order], losses[order].reshape(amounts.size, -1)
    spread, freedom = _seeds(runs, paired=paired)
    known = _covariance(errors, order)
    if known is None and freedom == 0:
        spread = np.eye(amounts.size)
    elif known is not None:
        freedom = freedom * (np.trace(spread + known) / np.trace(spread)) ** 2 if freedom > 0 else math.inf
        spread = spread + known
    if amounts.size < (4 if freedom == 0 else 3):
        raise UsageError(
            f"{amounts.size} amounts",
            expected="at least four, or three with errors or several seeds",
            todo="measure the loss at more amounts",
        )
    return Points(amounts, runs.mean(axis=1), spread, freedom)


def _check(amounts: Floats, losses: Floats) -> None:
    if amounts.ndim != 1 or losses.ndim not in {1, 2} or losses.shape[0] != amounts.size or losses.size == 0:
        raise UsageError(
            f"amounts of shape {amounts.shape}, losses of shape {losses.shape}",
            expected="(k,) and (k,) or (k, seeds)",
            todo="pass one row of losses per amount",
        )
    if not (np.all(np.isfinite(amounts)) and np.all(np.isfinite(losses))):
        raise UsageError("amounts or losses are not finite", expected="finite numbers", todo="omit these amounts")
    if amounts.min() < 0 or np.unique(amounts).size < amounts.size:
        raise UsageError(
            f"amounts {amounts.tolist()} are negative or equal",
            expected="distinct numbers of rows, 0 or more",
            todo="average the losses of equal amounts, or pass them as seeds",
        )


def _seeds(runs: Floats, *, paired: bool) -> tuple[Floats, float]:
    """Covariance (k, k) of means over seeds, and its degrees of freedom."""
    k, r = runs.shape
    rest = runs - runs.mean(axis=1, keepdims=True)
    shift = rest.mean(axis=0) if paired else np.zeros(r)  # what a seed does at every amount alike
    rest = rest - shift
    freedom = float((k - paired) * (r - 1))
    pooled = float(np.sum(rest**2)) / freedom if freedom > 0 else 0.0
    if pooled == 0:
        return np.zeros((k, k)), 0.0
    own = np.sum(rest**2, axis=1) / freedom * k
    variance = ((r - 1) * own + POOLED * pooled) / (r - 1 + POOLED)
    common = max(float(np.sum(shift**2)) / (r - 1) - pooled / k, 0.0) if paired else 0.0
    return (np.diag(variance) + common) / r, freedom


def _covariance(errors: Floats | None, order: Ints) -> Floats | None:
    if errors is None:
        return None
    given = np.asarray(errors, dtype=float)
    if given.shape not in {(order.size,), (order.size, order.size)} or not np.all(np.isfinite(given)):
        raise UsageError(
            f"errors of shape {given.shape} or not finite",
            expected=f"finite, of shape ({order.size},) or a covariance ({order.size}, {order.size})",
            todo="pass one standard error per amount",
        )
    covariance = np.diag(given**2) if given.ndim == 1 else given
    if np.any(given < 0) if given.ndim == 1 else not np.allclose(given, given.T):
        raise UsageError(
            "errors are negative, or the covariance is not symmetric",
            expected="standard errors, or a symmetric covariance",
            todo="pass standard errors, or omit errors",
        )
    if np.linalg.eigvalsh(covariance)[0] <= 1e-12 * np.trace(covariance):
        raise UsageError("errors are 0, or the covariance is singular", expected="positive errors", todo="omit errors")
    return covariance[np.ix_(order, order)]


def _result(points: Points, draws: Posterior, bound: float, min_gain: float, unit: str) -> LearningCurve:
    most = float(points.amounts[-1])
    here, there, floor = draws.losses(np.array([most, 10 * most, math.inf])).T
    blind = points.freedom == 0 and np.ptp(points.losses) == 0  # one seed each and all alike: no noise to be seen

    def estimate(values: Floats, unit: str, estimand: str) -> Estimate:
        tails = {level: np.quantile(values, ((1 - level) / 2, (1 + level) / 2)) for level in LEVELS}
        return Estimate(
            value=float(np.median(values)),
            intervals={} if blind else {level: (float(low), float(high)) for level, (low, high) in tails.items()},
            unit=unit,
            method=METHOD,
            estimand=estimand,
            n=points.amounts.size,
            direction="forecast",
        )

    improvement = estimate(here - there, unit, f"decrease of the loss from {most:,.0f} to {10 * most:,.0f} rows")
    shown = bound <= OFTEN and not blind
    verdict = "refused" if blind else _verdict(draws, improvement.interval(0.9), min_gain)
    return LearningCurve(
        verdict=verdict,
        sentence=_sentence(verdict, points, draws, improvement, min_gain),
        improvement=improvement,
        alpha=estimate(draws.shapes.alpha[draws.index], "exponent", "exponent of the power law") if shown else None,
        floor=estimate(floor, unit, "limit of the loss for infinitely many rows of this kind") if shown else None,
        falls=draws.falls,
        bound=bound,
        noise=float(np.median(draws.sigma) * math.sqrt(np.trace(points.covariance) / points.amounts.size)),
        amounts=tuple(points.amounts.tolist()),
        losses=tuple(points.losses.tolist()),
        min_gain=min_gain,
        draws=draws,
    )


def _rises(draws: Posterior, min_gain: float) -> bool:
    """Whether the loss rises beyond noise by an amount that matters."""
    return draws.falls < 1 - SURE and -draws.drop_free > min_gain


def _verdict(draws: Posterior, interval: Interval, min_gain: float) -> Verdict:
    if _rises(draws, min_gain):
        return "refused"
    if interval[1] < min_gain:  # also where the curve is flat: measured precisely enough, that is an answer
        return "change_the_generator"
    if draws.falls < SURE:
        return "refused"
    return "more_data" if interval[0] > min_gain else "undetermined"


def _sentence(verdict: Verdict, points: Points, draws: Posterior, improvement: Estimate, min_gain: float) -> str:
    first, last = (f"{points.amounts[end]:,.0f}" for end in (0, -1))
    unit = improvement.unit
    low, high = improvement.interval(0.9)
    if verdict != "refused":
        forecast = (
            f"Forecast gain of ten times more rows ({last} to {10 * points.amounts[-1]:,.0f}): "
            f"{improvement.value:+.3g} {unit}, 90% CI [{low:+.3g}, {high:+.3g}], versus min_gain {min_gain:.3g}."
        )
        advice = {
            "change_the_generator": "More rows of this kind will not help: change the generator, not the amount.",
            "more_data": "More rows of this kind will help: generate more.",
            "undetermined": "Inconclusive: measure more amounts or seeds.",
        }
        return f"{forecast} {advice[verdict]}"
    if points.freedom == 0 and np.ptp(points.losses) == 0:
        return f"All {points.losses.size} losses are equal, so the noise is unknown. Add errors or several seeds."
    if _rises(draws, min_gain):
        return (
            f"No forecast: the loss rises by {-draws.drop_free:.3g} {unit} from {first} to {last} rows, beyond its "
            "noise. More of these rows did harm; find the cause first."
        )
    return (
        f"Inconclusive: from {first} to {last} rows the loss does not fall beyond its noise. The noise hides up to "
        f"{high:.3g} {unit} of gain from ten times more rows (min_gain {min_gain:.3g}). Measure more seeds or amounts."
    )
