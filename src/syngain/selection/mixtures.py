"""Mixture weights from many proxy runs, by regression of the loss."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy import stats

from syngain.core.errors import InputError
from syngain.core.estimate import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syngain.core.arrays import Floats

FEWEST = 20  # runs: fewer leave no held-out runs
LEAST = 0.5  # lower bound of the rank correlation before a regression names an optimum
PER_PART = 5  # runs for each part of the mixture before an optimum is named
CANDIDATES = 20_000
RESAMPLES = 200
REFITS = 20


class Regression(Protocol):
    """Learns the loss of mixtures."""

    def fit(self, mixtures: Floats, losses: Floats) -> Callable[[Floats], Floats]:
        """From mixtures (r, k) and losses (r,) to a function of mixtures."""


@dataclass(frozen=True, slots=True)
class Process:
    """Gaussian process on square roots of proportions, Matern 5/2 with noise.

    Square roots make the distance of mixtures that of Hellinger, which separates small proportions [rasmussen2006].
    """

    def fit(self, mixtures: Floats, losses: Floats) -> Callable[[Floats], Floats]:
        """See :class:`Regression`."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

        kernel = ConstantKernel(1.0, (1e-3, 1e4)) * Matern(1.0, (1e-2, 1e3), nu=2.5) + WhiteKernel(1e-3, (1e-8, 1e1))
        model = GaussianProcessRegressor(kernel, normalize_y=True)
        with warnings.catch_warnings():  # a length at its bound means that the part has no effect
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(np.sqrt(mixtures), losses)
        return lambda at: np.asarray(model.predict(np.sqrt(at)))


@dataclass(frozen=True, slots=True)
class LogLinear:
    """Ridge regression on proportions, square roots and logarithms."""

    def fit(self, mixtures: Floats, losses: Floats) -> Callable[[Floats], Floats]:
        """See :class:`Regression`."""
        from sklearn.linear_model import RidgeCV

        def terms(at: Floats) -> Floats:
            return np.hstack([at, np.sqrt(at), np.log(at + 0.01)])

        center, scale = terms(mixtures).mean(axis=0), terms(mixtures).std(axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        model = RidgeCV(np.logspace(-3, 3, 13)).fit((terms(mixtures) - center) / scale, losses)
        return lambda at: np.asarray(model.predict((terms(at) - center) / scale))


@dataclass(frozen=True, slots=True)
class Trees:
    """Gradient boosting of histograms with small leaves, as RegMix [liu2025]."""

    def fit(self, mixtures: Floats, losses: Floats) -> Callable[[Floats], Floats]:
        """See :class:`Regression`."""
        from sklearn.ensemble import HistGradientBoostingRegressor

        model = HistGradientBoostingRegressor(
            max_iter=600, learning_rate=0.03, max_leaf_nodes=8, min_samples_leaf=5, random_state=0
        ).fit(mixtures, losses)
        return lambda at: np.asarray(model.predict(at))


REGRESSIONS: Mapping[str, Regression] = {"process": Process(), "log_linear": LogLinear(), "trees": Trees()}


@dataclass(frozen=True)
class Fitted:
    """A regression that was chosen and evaluated by cross-validation.

    Attributes:
        name: the one with the smallest error. errors: root mean squared error out of fold, by regression.
        predict: fitted on all runs. held_out: prediction of each run by the others' fit (r,).
        mixtures, losses: the runs (r, k), (r,).
    """

    name: str
    errors: Mapping[str, float]
    predict: Callable[[Floats], Floats]
    held_out: Floats
    mixtures: Floats
    losses: Floats

    @property
    def enough(self) -> bool:
        """Whether there are enough runs to name an optimum."""
        return bool(self.losses.size >= PER_PART * self.mixtures.shape[1])

    def error(self) -> Estimate:
        """Root mean squared error of held-out runs, with its interval over runs."""
        squares = (self.held_out - self.losses) ** 2
        value = math.sqrt(float(squares.mean()))
        half = float(squares.std(ddof=1)) / math.sqrt(squares.size) / (2 * value) if value > 0 else 0.0
        quantiles = {level: float(stats.norm.isf((1 - level) / 2)) for level in (0.90, 0.95)}
        return Estimate(
            value=value,
            intervals={level: (value - z * half, value + z * half) for level, z in quantiles.items()},
            n=squares.size,
            unit="loss",
            method=f"5 folds of {squares.size} runs, {self.name}; interval by the delta method",
            estimand="root mean squared error of the predicted loss of a new run",
            references={name: error for name, error in self.errors.items() if name != self.name},
        )


def fit_mixtures(mixtures: Floats, losses: Floats, rng: np.random.Generator) -> Fitted:
    """Choose among regressions by 5 folds of the runs, and fit the best on all.

    Args:
        mixtures: proportions (r, k), not negative, each row with sum 1.
        losses: of each run (r,).
        rng: draws the folds.

    Raises:
        InputError: fewer than 20 runs, rows that are no proportions, or losses that are all the same.
    """
    _check(mixtures, losses)
    fold = rng.permutation(losses.size) % 5
    held: dict[str, Floats] = {}
    for name, method in REGRESSIONS.items():
        out = np.empty(losses.size)
        for f in range(5):
            out[fold == f] = method.fit(mixtures[fold != f], losses[fold != f])(mixtures[fold == f])
        held[name] = out
    errors = {name: float(np.sqrt(np.mean((out - losses) ** 2))) for name, out in held.items()}
    best = min(errors, key=lambda name: errors[name])
    return Fitted(best, errors, REGRESSIONS[best].fit(mixtures, losses), held[best], mixtures, losses)


def rank_correlation(predicted: Floats, seen: Floats, rng: np.random.Generator, *, where: str) -> Estimate:
    """Spearman's correlation of predictions and losses, bootstrap over runs."""
    draws = []
    for _ in range(RESAMPLES):
        rows = rng.integers(0, seen.size, seen.size)
        if np.unique(seen[rows]).size > 1 and np.unique(predicted[rows]).size > 1:
            draws.append(float(stats.spearmanr(predicted[rows], seen[rows])[0]))
    value = float(stats.spearmanr(predicted, seen)[0])
    quantiles = {level: np.quantile(draws, [(1 - level) / 2, (1 + level) / 2]) for level in (0.90, 0.95)}
    return Estimate(
        value=value,
        intervals={level: (float(low), float(high)) for level, (low, high) in quantiles.items()},
        n=seen.size,
        unit="rank correlation",
        method=f"Spearman, {where}; bootstrap of runs ({RESAMPLES} draws)",
        estimand="agreement of predicted and measured order of the mixtures",
        references={"same order": 1.0},
    )


@dataclass(frozen=True)
class Optimum:
    """The mixture with the smallest predicted loss.

    Attributes:
        mixture: proportions (k,). low, high: 90% of the optima of refits on resampled runs (k,), each.
        gain: predicted loss of a new run of the optimum below that of the best run; loss: its predicted loss.
    """

    mixture: Floats
    low: Floats
    high: Floats
    gain: Estimate
    loss: Estimate


def optimum(fitted: Fitted, rng: np.random.Generator) -> Optimum:
    """The best of many mixtures between the runs, with its spread over resampled runs.

    The gain of every refit is evaluated by a fit on the runs it did not draw, so that no optimum evaluates itself.
    """
    mixtures, losses = fitted.mixtures, fitted.losses
    tried = _between(mixtures, losses, rng)
    predicted = fitted.predict(tried)
    best = tried[int(np.argmin(predicted))]
    method = REGRESSIONS[fitted.name]
    optima, values = [], []
    for _ in range(REFITS):
        drawn = np.zeros(losses.size, dtype=bool)
        drawn[rng.permutation(losses.size)[: losses.size // 2]] = True
        chosen = method.fit(mixtures[drawn], losses[drawn])
        judge = method.fit(mixtures[~drawn], losses[~drawn])
        place = tried[int(np.argmin(chosen(tried)))]
        optima.append(place)
        values.append(float(judge(place[None, :])[0]))
    low, high = np.quantile(optima, [0.05, 0.95], axis=0)
    low, high = np.minimum(low, best), np.maximum(high, best)  # the optimum of all runs is one of the possible ones
    noise, value = fitted.error().value, float(fitted.predict(best[None, :])[0])
    below = [float(losses.min()) - one for one in values]
    return Optimum(
        mixture=best,
        low=low,
        high=high,
        gain=_spread(
            float(losses.min()) - value, below, losses.size, "loss of the best run minus that of a new run of the "
            "optimum", noise=noise,
        ),
        loss=_spread(value, values, losses.size, "loss of a new run of the optimum", noise=noise),
    )  # fmt: skip


def _spread(value: float, draws: list[float], count: int, estimand: str, *, noise: float = 0.0) -> Estimate:
    """A number with the spread of halves of the runs.

    The variance of halves is twice that of the whole.
    """
    error = math.sqrt(float(np.var(draws, ddof=1)) / 2 + noise**2)
    return Estimate(
        value=value,
        intervals={level: (value - z * error, value + z * error) for level, z in ((0.90, 1.645), (0.95, 1.960))},
        n=count,
        unit="loss",
        method=f"chosen on half of the runs and evaluated on the other half, {len(draws)} times",
        estimand=estimand,
        direction="forecast",
    )


def _between(mixtures: Floats, losses: Floats, rng: np.random.Generator) -> Floats:
    """Mixtures between the runs: averages of a few, better runs more often."""
    order = np.argsort(losses)
    weight = 1 / np.arange(1, losses.size + 1)
    picked = order[rng.choice(losses.size, (CANDIDATES, 4), p=weight / weight.sum())]
    shares = rng.dirichlet(np.ones(4), CANDIDATES)
    return np.vstack([mixtures, np.einsum("nr,nrk->nk", shares, mixtures[picked])])


def _check(mixtures: Floats, losses: Floats) -> None:
    if losses.size < FEWEST or mixtures.shape[0] != losses.size:
        raise InputError(
            f"{losses.size} runs with losses, {mixtures.shape[0]} mixtures",
            expected=f"at least {FEWEST} runs, each with a mixture and a loss",
            todo="run more mixtures, or let `syngain mix REAL A B` run proxy models",
        )
    if not np.isfinite(mixtures).all() or mixtures.min() < 0 or np.abs(mixtures.sum(axis=1) - 1).max() > 0.02:
        worst = int(np.argmax(np.abs(mixtures.sum(axis=1) - 1)))
        raise InputError(
            f"mixture {worst + 1} sums to {mixtures[worst].sum():.3g}",
            expected="proportions of at least 0 that sum to 1 in every row",
            todo="divide each row by its sum",
        )
    if not np.isfinite(losses).all() or np.unique(losses).size < 2:
        raise InputError(
            "losses are missing or all equal",
            expected="a loss for every run",
            todo="complete the table of losses, or name another loss column",
        )
