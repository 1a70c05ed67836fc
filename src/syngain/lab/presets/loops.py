"""Preset ``loops``: models refitted to their own output, versus closed forms.

Each closed form is an exact expectation over simulations. Simulated means have standard errors, and must agree within
three of them, Bonferroni-adjusted over all checks of the preset.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize, stats
from scipy.special import psi

from syngain.core.errors import UsageError
from syngain.core.progress import Progress, silent
from syngain.lab.presets.regimes import REGIMES, KernelDensity, MixtureDensity, regime_draws

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from syngain.core.arrays import Floats
    from syngain.core.rng import Streams

POINTS = 50  # rows per generation of the Gaussian and mixture loops
ROWS, DIMENSIONS = 100, 10  # of the linear regression
GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopCurve:
    """A simulated mean per generation (or size), with its error and closed form.

    Attributes:
        relation: ``equal`` when ``law`` is the expectation, ``below`` when it is an upper bound, ``none`` without one.
    """

    name: str
    x_name: str
    x: tuple[float, ...]
    mean: tuple[float, ...]
    error: tuple[float, ...]
    law: tuple[float, ...] = ()
    relation: str = "none"

    @property
    def z(self) -> tuple[float, ...]:
        """Deviation from the closed form in standard errors; for bounds, only violations."""
        pairs = zip(self.mean, self.law, self.error, strict=False)
        deviations = [(mean - law) / error if error > 0 else 0.0 for mean, law, error in pairs]
        return tuple(max(value, 0.0) if self.relation == "below" else value for value in deviations)

    def as_json(self) -> dict[str, object]:
        """The curve as JSON types."""
        return {
            "name": self.name,
            "x_name": self.x_name,
            "x": list(self.x),
            "mean": list(self.mean),
            "standard_error": list(self.error),
            "law": list(self.law),
            "relation": self.relation,
            "z": [round(value, 4) for value in self.z],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopsResult:
    """All curves, and the number of failed checks against closed forms.

    At 3 standard errors and after Bonferroni.
    """

    curves: Sequence[LoopCurve]
    optimal_weight: float
    optimal_weight_law: float
    optimal_weight_error: float

    @property
    def checks(self) -> tuple[float, ...]:
        """All deviations from closed forms, in standard errors."""
        weight = abs(self.optimal_weight - self.optimal_weight_law) / self.optimal_weight_error
        return (*(abs(value) for curve in self.curves for value in curve.z), weight)

    @property
    def threshold(self) -> float:
        """Two-sided normal quantile at .05 over the number of checks."""
        return float(stats.norm.isf(0.025 / max(len(self.checks), 1)))

    def as_json(self) -> dict[str, object]:
        """The result as JSON types."""
        return {
            "preset": "loops",
            "curves": [curve.as_json() for curve in self.curves],
            "checks": len(self.checks),
            "beyond_3_standard_errors": sum(value > 3 for value in self.checks),
            "bonferroni_threshold": self.threshold,
            "beyond_bonferroni": sum(value > self.threshold for value in self.checks),
            "optimal_weight_on_fresh_rows": {
                "simulated": self.optimal_weight,
                "standard_error": self.optimal_weight_error,
                "law": self.optimal_weight_law,
            },
        }


def loops(
    *, streams: Streams, replicates: int = 4_000, generations: int = 10, progress: Progress = silent
) -> LoopsResult:
    """Run every loop.

    Raises:
        UsageError: fewer than 20 replicates or 2 generations.
    """
    if replicates < 20 or generations < 2:
        raise UsageError(
            f"{replicates} replicates of {generations} generations",
            expected="at least 20 replicates and 2 generations",
            todo="pass replicates=20 and generations=2, or more",
        )
    progress("Gaussian, replace", 0.0)
    curves = _gaussian_replace(replicates, generations, streams.stream("gaussian"))
    progress("Gaussian, accumulate", 0.1)
    curves.append(_gaussian_accumulate(replicates, generations, streams.stream("accumulate")))
    progress("real fractions", 0.15)
    for share in (0.1, 0.3):
        curves.append(_fresh_share(replicates, generations, share, streams.stream("fresh", str(share))))
        curves.append(_fixed_share(replicates, generations, share, streams.stream("fixed", str(share))))
    progress("mixture weights", 0.25)
    curves.append(_mixture(replicates, generations, streams.stream("mixture")))
    progress("linear regression", 0.3)
    curves += _regression(max(replicates // 8, 20), generations, streams.stream("regression"))
    progress("kernel density", 0.6)
    curves.append(_kernel_density(max(replicates // 20, 8), streams.stream("kde")))
    progress("mixtures and kernel densities", 0.75)
    curves += _fitted_densities(max(replicates // 20, 20), generations, streams)
    progress("optimal weight", 0.95)
    simulated, error, law = _optimal_weight(replicates, streams.stream("weight"))
    progress("done", 1.0)
    return LoopsResult(curves=curves, optimal_weight=simulated, optimal_weight_error=error, optimal_weight_law=law)


def _curve(
    name: str, draws: Floats, law: Iterable[float] | None, *, relation: str = "equal", first: int = 1
) -> LoopCurve:
    """Build a curve from draws (replicates, generations)."""
    steps = np.arange(first, first + draws.shape[1])
    return LoopCurve(
        name=name,
        x_name="generation",
        x=tuple(map(float, steps)),
        mean=tuple(draws.mean(axis=0).tolist()),
        error=tuple((draws.std(axis=0, ddof=1) / math.sqrt(len(draws))).tolist()),
        law=() if law is None else tuple(map(float, law)),
        relation="none" if law is None else relation,
    )


def _gaussian_replace(replicates: int, generations: int, rng: np.random.Generator) -> list[LoopCurve]:
    """Maximum likelihood (divide by n), draw, refit; t counts the fit on real data.

    E var_t = (1 - 1/n)^t; E ln var_t = t (psi((n - 1) / 2) + ln 2 - ln n): the first does not show how fast most runs
    collapse.
    """
    mean, variance = np.zeros(replicates), np.ones(replicates)
    variances = []
    for _ in range(generations):
        rows = mean[:, None] + np.sqrt(variance)[:, None] * rng.normal(size=(replicates, POINTS))
        mean, variance = rows.mean(axis=1), rows.var(axis=1)
        variances.append(variance)
    draws, t = np.array(variances).T, np.arange(1, generations + 1)
    log_law = t * (psi((POINTS - 1) / 2) + math.log(2) - math.log(POINTS))
    return [
        _curve("Gaussian, replace: variance", draws, (1 - 1 / POINTS) ** t),
        _curve("Gaussian, replace: log variance", np.log(draws), log_law),
    ]


def _gaussian_accumulate(replicates: int, generations: int, rng: np.random.Generator) -> LoopCurve:
    """Refit on all rows so far: E var_t = prod_{i <= t} (1 - 1/(n i^2)) > 0.

    The pooled second moment is a martingale, and the pooled mean moves by a (t + 1)-th of the mean of n new rows: hence
    E var_{t+1} = E var_t (1 - 1/(n (t + 1)^2)). The limit is sin(x)/x at x = pi / sqrt(n).
    """
    mean, square = np.zeros(replicates), np.ones(replicates)
    variances = []
    for t in range(1, generations + 1):
        scale = np.sqrt(square - mean**2)
        rows = mean[:, None] + scale[:, None] * rng.normal(size=(replicates, POINTS))
        mean, square = mean + (rows.mean(axis=1) - mean) / t, square + ((rows**2).mean(axis=1) - square) / t
        variances.append(square - mean**2)
    law = np.cumprod(1 - 1 / (POINTS * np.arange(1, generations + 1) ** 2))
    return _curve("Gaussian, accumulate: variance", np.array(variances).T, law)


def _fresh_share(replicates: int, generations: int, share: float, rng: np.random.Generator) -> LoopCurve:
    """Replace a fraction of each generation by fresh real rows.

    Squared error of the mean, known unit variance. V_t = 1/n + (1 - a)^2 V_{t-1}, V_1 = 1/n.
    """
    fresh = round(share * POINTS)
    a = fresh / POINTS
    mean = rng.normal(size=(replicates, POINTS)).mean(axis=1)
    errors, law = [mean**2], [1 / POINTS]
    for _ in range(generations - 1):
        real = rng.normal(size=(replicates, fresh)).sum(axis=1)
        own = (mean[:, None] + rng.normal(size=(replicates, POINTS - fresh))).sum(axis=1)
        mean = (real + own) / POINTS
        errors.append(mean**2)
        law.append(1 / POINTS + (1 - a) ** 2 * law[-1])
    return _curve(f"Gaussian mean, {share:.0%} fresh real rows", np.array(errors).T, np.array(law))


def _fixed_share(replicates: int, generations: int, share: float, rng: np.random.Generator) -> LoopCurve:
    """Mix the same real rows into every generation, and start from them.

    V_t = 1/(a n) + N_t, N_t = (1 - a)/n + (1 - a)^2 N_{t-1}, N_1 = 0: it stays bounded, above the error with fresh
    rows.
    """
    kept = round(share * POINTS)
    a = kept / POINTS
    real = rng.normal(size=(replicates, kept)).mean(axis=1)
    mean, noise = real.copy(), 0.0
    errors, law = [mean**2], [1 / kept]
    for _ in range(generations - 1):
        own = (mean[:, None] + rng.normal(size=(replicates, POINTS - kept))).mean(axis=1)
        mean = a * real + (1 - a) * own
        noise = (1 - a) / POINTS + (1 - a) ** 2 * noise
        errors.append(mean**2)
        law.append(1 / kept + noise)
    return _curve(f"Gaussian mean, the same {share:.0%} real rows", np.array(errors).T, np.array(law))


def _mixture(replicates: int, generations: int, rng: np.random.Generator) -> LoopCurve:
    """Known components, weights refitted to their own draws: diversity decays.

    E sum_k w_k (1 - w_k) = (1 - 1/n)^t of the first. The formula of genetic drift [fisher1930]: modes are lost at a
    rate of 1/n per generation.
    """
    weights = np.tile(np.array([0.4, 0.3, 0.2, 0.1]), (replicates, 1))
    start = float((weights[0] * (1 - weights[0])).sum())
    diversity = []
    for _ in range(generations):
        weights = rng.multinomial(POINTS, weights) / POINTS
        diversity.append((weights * (1 - weights)).sum(axis=1))
    law = start * (1 - 1 / POINTS) ** np.arange(1, generations + 1)
    return _curve("mixture weights, replace: diversity", np.array(diversity).T, law)


def _regression(replicates: int, generations: int, rng: np.random.Generator) -> list[LoopCurve]:
    """Least squares on its own labels: excess risk per unit of noise variance.

    Replace: i d / (T - d - 1), exact for Gaussian inputs. Accumulate: at most (pi^2 / 6) d / (T - d - 1)
    [gerstgrasser2024].
    """
    step = DIMENSIONS / (ROWS - DIMENSIONS - 1)
    replace, accumulate = (_regress(replicates, generations, rng, accumulate=flag) for flag in (False, True))
    grows = step * np.arange(1, generations + 1)
    return [
        _curve("linear regression, replace: excess risk", replace, grows),
        _curve(
            "linear regression, accumulate: excess risk",
            accumulate,
            np.full(generations, math.pi**2 / 6 * step),
            relation="below",
        ),
    ]


def _regress(replicates: int, generations: int, rng: np.random.Generator, *, accumulate: bool) -> Floats:
    """Squared distance to the true coefficients per replicate and generation."""
    weights = np.zeros((replicates, DIMENSIONS))
    gram, moment = np.zeros((replicates, DIMENSIONS, DIMENSIONS)), np.zeros((replicates, DIMENSIONS))
    out = []
    for _ in range(generations):
        X = rng.normal(size=(replicates, ROWS, DIMENSIONS))
        y = np.einsum("rtd,rd->rt", X, weights) + rng.normal(size=(replicates, ROWS))
        new_gram, new_moment = X.transpose(0, 2, 1) @ X, np.einsum("rtd,rt->rd", X, y)
        gram, moment = (gram + new_gram, moment + new_moment) if accumulate else (new_gram, new_moment)
        weights = np.linalg.solve(gram, moment[:, :, None])[:, :, 0]
        out.append((weights**2).sum(axis=1))
    return np.array(out).T


KDE_REAL, KDE_GENERATIONS = 100, 6
KDE_SIZES = (0, 10, 30, 100, 300, 1_000, 3_000, 10_000)


def _kernel_density(replicates: int, rng: np.random.Generator) -> LoopCurve:
    """Fixed real rows plus m rows of the last fit, refitted; TV against m.

    TV is the total variation to the truth after some generations. Two Gaussians, kernel density with Scott's bandwidth
    n^(-1/5): few synthetic rows add noise and drift, very many reproduce the last fit. So the error increases and then
    decreases with the number of synthetic rows [fu2024].
    """
    grid = np.linspace(-7, 7, 561)
    truth = (stats.norm.pdf(grid, -2) + stats.norm.pdf(grid, 2)) / 2
    draws = np.array([[_kde_run(size, grid, truth, rng) for size in KDE_SIZES] for _ in range(replicates)])
    return LoopCurve(
        name=f"kernel density, {KDE_REAL} fixed real rows: TV after {KDE_GENERATIONS} generations",
        x_name="synthetic rows per generation",
        x=tuple(map(float, KDE_SIZES)),
        mean=tuple(draws.mean(axis=0).tolist()),
        error=tuple((draws.std(axis=0, ddof=1) / math.sqrt(replicates)).tolist()),
    )


def _fitted_densities(replicates: int, generations: int, streams: Streams) -> list[LoopCurve]:
    """Refitted mixtures and kernel densities under four regimes.

    Measured by total variation to the truth.
    """
    out = []
    for name, density in (("mixture (EM)", MixtureDensity()), ("kernel density", KernelDensity())):
        for regime in REGIMES:
            rng = streams.stream("regimes", name, regime)
            draws = regime_draws(density, regime, replicates, generations, rng)
            out.append(_curve(f"{name}, {regime}: TV", draws, None))
    return out


def _kde_run(size: int, grid: Floats, truth: Floats, rng: np.random.Generator) -> float:
    real = rng.normal(size=KDE_REAL) + rng.choice([-2.0, 2.0], size=KDE_REAL)
    centers, width = real, KDE_REAL ** (-0.2)
    for _ in range(KDE_GENERATIONS):
        own = rng.choice(centers, size=size) + width * rng.normal(size=size)
        centers, width = np.concatenate([real, own]), (KDE_REAL + size) ** (-0.2)
    density = _on_grid(centers, width, grid)
    return float(np.abs(density - truth).sum() * (grid[1] - grid[0]) / 2)


def _on_grid(centers: Floats, width: float, grid: Floats) -> Floats:
    """Kernel density on a grid.

    Centers are split between their two neighbors, then convolved with the kernel.
    """
    step = grid[1] - grid[0]
    position = np.clip((centers - grid[0]) / step, 0, grid.size - 1.001)
    left = position.astype(int)
    counts = np.bincount(left, weights=1 - (position - left), minlength=grid.size)
    counts += np.bincount(left + 1, weights=position - left, minlength=grid.size)[: grid.size]
    kernel = stats.norm.pdf(np.arange(-grid.size + 1, grid.size) * step, scale=width)
    return np.asarray(np.convolve(counts / centers.size, kernel, mode="valid"))


def steady_error(weight: float, fresh: int, own: int) -> float:
    """Steady-state squared error of a mean with weight ``weight`` on fresh real rows."""
    return (weight**2 / fresh + (1 - weight) ** 2 / own) / (1 - (1 - weight) ** 2)


def _optimal_weight(replicates: int, rng: np.random.Generator, steps: int = 25) -> tuple[float, float, float]:
    """The weight on fresh real rows with minimal steady error, simulated and exact.

    For equal numbers of fresh and own rows it is the inverse golden ratio, .618, not one half.
    """
    law = optimize.minimize_scalar(steady_error, bounds=(0.01, 0.99), args=(POINTS, POINTS), method="bounded").x
    candidates = np.linspace(0.45, 0.8, 15)
    noise_real = rng.normal(size=(steps, replicates)) / math.sqrt(POINTS)
    noise_own = rng.normal(size=(steps, replicates)) / math.sqrt(POINTS)
    squares = []
    for weight in candidates:  # equal noise for every weight, so that differences are precise
        mean = np.zeros(replicates)
        for t in range(steps):
            mean = weight * noise_real[t] + (1 - weight) * (mean + noise_own[t])
        squares.append(mean**2)
    groups = np.array_split(np.array(squares), GROUPS, axis=1)
    whole = _lowest(candidates, np.mean(squares, axis=1))
    apart = [
        _lowest(candidates, np.mean(np.delete(squares, _columns(groups, g), axis=1), axis=1)) for g in range(GROUPS)
    ]
    error = math.sqrt((GROUPS - 1) / GROUPS * float(np.sum((np.array(apart) - np.mean(apart)) ** 2)))
    return whole, error, float(law)


GROUPS = 20  # of the jackknife over replicates


def _columns(groups: list[Floats], g: int) -> slice:
    start = sum(part.shape[1] for part in groups[:g])
    return slice(start, start + groups[g].shape[1])


def _lowest(x: Floats, y: Floats) -> float:
    """The minimum of a quartic fitted to the errors."""
    curve = np.polynomial.Polynomial.fit(x, y, 4)
    fine = np.linspace(x[0], x[-1], 2_001)
    return float(fine[np.argmin(curve(fine))])
