"""Fit ``L(n) = C + D (n + n0)^-alpha``: least squares and posterior on a grid.

For a shape g = (alpha, n0) the power law is linear. It is written as ``L(n) = last + drop * x_g(n)`` where x_g falls
from 1 at the smallest amount to 0 at the largest, so that ``last`` is the loss at the largest amount and ``drop >= 0``
the fall over what was measured. The points determine both; C and D of a small alpha are differences of large
numbers. Given g everything is closed form (variable projection [golub1973]); over g there is a sum.

The posterior has flat priors on ``last`` and on ``drop >= 0``, ``alpha`` uniform in its logarithm between its bounds,
n0 known or one of a few values, and the noise known up to a factor. A bootstrap of residuals from four points with four
unknowns gives almost no error; the posterior keeps every shape that the points do not exclude. Curves outside the
family (logarithmic: alpha below its bound; exponential) are not covered: there only the misfit widens the interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from syngain.core.arrays import Floats, Ints

SHAPES = 60  # values of alpha on the grid: neighbors differ by 6 % between .05 and 2
ROUNDS = 6  # at most so many times the grid closes in on a sharp posterior
FAINT = 1e-6  # weight of an alpha that closing in may leave out


@dataclass(frozen=True, slots=True, eq=False)
class Shapes:
    """A grid of shapes, and the range of amounts on which they run from 1 to 0.

    Attributes:
        alpha, n0: the shapes, (g,) each. prior: their probabilities (g,). span: the smallest and the largest amount.
    """

    alpha: Floats
    n0: Floats
    prior: Floats
    span: tuple[float, float]

    def at(self, amounts: Floats, index: Ints | slice = slice(None)) -> Floats:
        """x_g at the amounts (m,), infinity included: shape (g, m).

        ``((n + n0)^-alpha - (last + n0)^-alpha) / ((first + n0)^-alpha - (last + n0)^-alpha)``, by ``expm1`` of
        logarithms because a small alpha makes it a ratio of differences of almost equal powers.
        """
        alpha, n0 = self.alpha[index, None], self.n0[index, None]
        first, last = (np.log(end + n0) for end in self.span)
        fall = np.expm1(-alpha * (np.log(amounts[None, :] + n0) - last))
        return np.asarray(fall / np.expm1(alpha * (last - first)))


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """What was measured: mean losses (k,) at amounts (k,), and how uncertain they are.

    Attributes:
        covariance: of the means, (k, k); only its shape counts when ``freedom`` is 0.
        freedom: degrees of freedom with which its size is known; infinity when it is certain.
    """

    amounts: Floats
    losses: Floats
    covariance: Floats
    freedom: float


@dataclass(frozen=True, slots=True, eq=False)
class Fits:
    """Linear fits of every shape to whitened points.

    Attributes:
        drop: least-squares ``drop`` (g,), of either sign; ``scale`` (g,) is its standard error at unit noise.
        residual: weighted sum of squared residuals (g,), the squared rounding error of the losses added.
        last, last_scale, lean: given ``drop``, the last loss is ``last - lean * drop``, error ``last_scale`` alike.
    """

    drop: Floats
    scale: Floats
    residual: Floats
    last: float
    last_scale: float
    lean: Floats


def grid(amounts: Floats, alphas: tuple[float, float], n0: float | None) -> Shapes:
    """The shapes: ``alpha`` between its bounds, and n0 where it is not known.

    A free n0 is 0 with probability 1/2 (unless an amount is), else half the smallest positive amount times a power of
    two, up to half of the largest: beyond that the power law is a straight line on what was measured, for any n0.
    """
    first, last = float(amounts.min()), float(amounts.max())
    offsets = np.array([0.0 if n0 is None else n0])
    if n0 is None:
        half = float(amounts[amounts > 0].min()) / 2
        steps = half * 2.0 ** np.arange(max(math.floor(math.log2(last / 2 / half)), 0) + 1)
        offsets = np.concatenate([offsets, steps]) if first > 0 else steps
    share = np.full(offsets.size, 1 / offsets.size)
    if offsets[0] == 0 and offsets.size > 1:
        share = np.where(offsets == 0, 0.5, 0.5 / (offsets.size - 1))
    alpha = np.geomspace(*alphas, SHAPES)
    return Shapes(
        np.repeat(alpha, offsets.size), np.tile(offsets, SHAPES), np.tile(share, SHAPES) / SHAPES, (first, last)
    )


def fits(points: Points, shapes: Shapes) -> Fits:
    """All shapes at once, generalized least squares with the points' covariance."""
    root = np.linalg.cholesky(points.covariance)
    ones = np.linalg.solve(root, np.ones(points.losses.size))
    x = np.linalg.solve(root, shapes.at(points.amounts).T).T
    y = np.linalg.solve(root, points.losses - points.losses.mean())
    level, lean = float(ones @ y / (ones @ ones)), x @ ones / (ones @ ones)
    x_rest, y_rest = x - lean[:, None] * ones, y - level * ones
    square = np.sum(x_rest**2, axis=1)
    drop = x_rest @ y_rest / square
    rounding = float(np.finfo(float).eps * np.abs(points.losses).max() * np.linalg.norm(ones)) ** 2
    residual = np.sum((y_rest - drop[:, None] * x_rest) ** 2, axis=1) + max(rounding, float(np.finfo(float).tiny))
    last = level + float(points.losses.mean())
    return Fits(drop, 1 / np.sqrt(square), residual, last, 1 / math.sqrt(float(ones @ ones)), lean)


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """Draws of the power law, each a curve.

    Attributes:
        index: shapes (b,). drop, last: (b,). sigma: noise over what the points' covariance says, (b,).
        falls: probability that the curve falls at all, were ``drop`` free to be negative.
        drop_free: the expected ``drop`` were it free.
    """

    shapes: Shapes
    index: Ints
    drop: Floats
    last: Floats
    sigma: Floats
    falls: float
    drop_free: float

    def losses(self, amounts: Floats) -> Floats:
        """The curves at amounts (m,), infinity included: shape (b, m)."""
        return np.asarray(self.last[:, None] + self.drop[:, None] * self.shapes.at(amounts, self.index))


def posterior(points: Points, shapes: Shapes, rng: np.random.Generator, *, draws: int) -> Posterior:
    """Draws of (shape, drop, last, sigma), stratified in shape."""
    shapes = narrowed(points, shapes)
    found = fits(points, shapes)
    freedom = points.freedom + points.losses.size - 2
    error = _sigma(found.residual, points.freedom, freedom) * found.scale
    tail = _log_tail(-found.drop / error, freedom)
    free, weight = _weigh(points, shapes, found)
    uniform = (np.arange(draws) + rng.random(draws)) / draws
    index = np.minimum(np.searchsorted(np.cumsum(weight), uniform), weight.size - 1)
    standard = _truncated(-(found.drop / error)[index], rng.random(draws), freedom)
    drop = found.drop[index] + error[index] * standard
    drop = np.where(np.isfinite(drop), np.maximum(drop, 0.0), 0.0)  # so far below 0 that its tail underflows
    if math.isinf(freedom):
        drawn = np.ones(draws)
    else:  # given the drop, one more degree of freedom
        excess = ((drop - found.drop[index]) / found.scale[index]) ** 2
        total = points.freedom + found.residual[index] + excess
        drawn = np.sqrt(total / rng.chisquare(freedom + 1, draws))
    last = found.last - found.lean[index] * drop + drawn * found.last_scale * rng.standard_normal(draws)
    falls = float(free @ np.exp(tail))
    return Posterior(shapes, index, drop, last, drawn, falls, float(free @ found.drop))


def narrowed(points: Points, shapes: Shapes) -> Shapes:
    """The same prior on a finer grid around the alphas with posterior mass."""
    for _ in range(ROUNDS):
        weight = _weigh(points, shapes, fits(points, shapes))[1].reshape(SHAPES, -1).sum(axis=1)
        carrying = np.flatnonzero(weight > FAINT)
        low, high = max(int(carrying[0]) - 1, 0), min(int(carrying[-1]) + 1, SHAPES - 1)
        if high - low > SHAPES / 2:
            break
        offsets = shapes.n0.size // SHAPES
        alpha = np.geomspace(shapes.alpha[low * offsets], shapes.alpha[high * offsets], SHAPES)
        shapes = Shapes(np.repeat(alpha, offsets), shapes.n0, shapes.prior, shapes.span)
    return shapes


def misfit(points: Points, shapes: Shapes) -> float:
    """Squared Birge ratio of the best fit: residual sum of squares per freedom."""
    free = points.losses.size - 3 - (np.unique(shapes.n0).size > 1)
    found = fits(points, shapes)
    cost = found.residual + np.minimum(found.drop / found.scale, 0.0) ** 2
    return float(cost.min()) / free if free > 0 else 1.0


def at_bound(points: Points, shapes: Shapes, rng: np.random.Generator, *, refits: int) -> float:
    """Fraction of least-squares refits that end at a bound.

    A bound is the smallest or the largest alpha, the largest n0 where it is free, or no fall at all.
    """
    found = fits(points, shapes)
    cost = found.residual + np.minimum(found.drop / found.scale, 0.0) ** 2
    chosen = int(np.argmin(cost))
    known = math.isinf(points.freedom)
    unit = 1.0 if known else (points.freedom + cost[chosen]) / (points.freedom + points.losses.size - 2)
    root = np.linalg.cholesky(points.covariance)
    ones = np.linalg.solve(root, np.ones(points.losses.size))
    ones /= np.linalg.norm(ones)
    x = np.linalg.solve(root, shapes.at(points.amounts).T).T
    x -= (x @ ones)[:, None] * ones
    direction = x / np.linalg.norm(x, axis=1)[:, None]
    law = max(float(found.drop[chosen]), 0.0) * x[chosen]
    drawn = law + math.sqrt(unit) * rng.standard_normal((refits, points.losses.size))
    explained = np.maximum(drawn @ direction.T, 0.0)  # what each shape takes off the residual, as a length
    refit = np.argmax(explained, axis=1)
    ends = (shapes.alpha == shapes.alpha.min()) | (shapes.alpha == shapes.alpha.max())
    if np.unique(shapes.n0).size > 1:
        ends |= shapes.n0 == shapes.n0.max()
    return float(np.mean(ends[refit] | (explained.max(axis=1) <= 0)))


def _weigh(points: Points, shapes: Shapes, found: Fits) -> tuple[Floats, Floats]:
    """Posterior probabilities of shapes, ``drop`` free and ``drop >= 0``."""
    freedom = points.freedom + points.losses.size - 2
    error = _sigma(found.residual, points.freedom, freedom) * found.scale
    evidence = np.log(shapes.prior) + _evidence(found, points.freedom, freedom)
    return _weights(evidence), _weights(evidence + _log_tail(-found.drop / error, freedom))


def _sigma(residual: Floats, known: float, freedom: float) -> Floats:
    """Noise scale, pooled from the measurement and the misfit."""
    if math.isinf(known):
        return np.ones(residual.size)
    return np.asarray(np.sqrt((known + residual) / freedom))


def _evidence(found: Fits, known: float, freedom: float) -> Floats:
    """Log marginal likelihood of each shape with ``drop`` free, up to a constant."""
    if math.isinf(known):
        return np.asarray(np.log(found.scale) - found.residual / 2)
    return np.asarray(np.log(found.scale) - freedom / 2 * np.log(known + found.residual))


def _weights(logs: Floats) -> Floats:
    """Normalized weights; equal ones when nothing is left."""
    top = float(logs.max())
    weight = np.exp(logs - top) if math.isfinite(top) else np.ones(logs.size)
    return np.asarray(weight / weight.sum())


def _log_tail(t: Floats, freedom: float) -> Floats:
    """Logarithm of P(T > t)."""
    return np.asarray(stats.norm.logsf(t) if math.isinf(freedom) else stats.t.logsf(t, freedom))


def _truncated(t: Floats, uniform: Floats, freedom: float) -> Floats:
    """T given T > t, by inversion of the upper tail; infinite where that underflows."""
    if math.isinf(freedom):
        return np.asarray(stats.norm.isf(uniform * stats.norm.sf(t)))
    return np.asarray(stats.t.isf(uniform * stats.t.sf(t, freedom), freedom))
