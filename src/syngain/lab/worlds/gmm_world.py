"""The published Gaussian mixtures, made proper: truth, real rows, generator.

Divergences are exact up to Monte Carlo error. K components have real rows, the truth has J more that the generator has
too, and the generator has L that the truth has not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from syngain.core.errors import UsageError
from syngain.lab.worlds.gaussian_mixtures import LEAST, Mixtures, concatenate

if TYPE_CHECKING:
    from syngain.core.arrays import Floats

DIVERGENCES = ("tv", "kl", "reverse_kl", "js")
DIVERGENCE_NAMES = {
    "tv": "TV",
    "kl": "KL(truth || model)",
    "reverse_kl": "KL(model || truth)",
    "js": "JS",
}
CovarianceLaw = Literal["uniform", "wishart"]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Sizes of one setting; see the module's docstring for K, J and L.

    Attributes:
        box: means are uniform in ``[0, box]^dimension``.
        covariance: ``uniform`` is ``A A' + 1e-6 I`` with the entries of A uniform in [0, 1] (the published ``A B'``
            made proper by B = A); ``wishart`` is ``A A' / (2 d)`` with A normal of shape ``(d, 2 d)``, well conditioned
            in any dimension.
        quality: accuracy of the generator on the J components: 1 is exact, less shifts their means by
            ``(1 - quality)`` standard deviations of the component in every direction.
    """

    k: int = 2
    j: int = 2
    l: int = 2
    dimension: int = 2
    anchors_per_component: int = 50
    synthetic: int = 200
    box: float = 10.0
    covariance: CovarianceLaw = "uniform"
    quality: float = 1.0

    def __post_init__(self) -> None:
        _at_least("K", self.k, 1)
        _at_least("J", self.j, 0)
        _at_least("L", self.l, 0)
        _at_least("the dimension d", self.dimension, 1)
        _at_least("real rows per component", self.anchors_per_component, 2)
        _at_least("synthetic points", self.synthetic, 1)
        if self.k + self.j + self.l > self.synthetic:
            raise UsageError(
                f"K + J + L = {self.k + self.j + self.l} components for {self.synthetic} synthetic points",
                expected="no more components than points",
                todo="lower K, J or L, or raise the number of synthetic points",
            )


@dataclass(frozen=True, slots=True)
class Draw:
    """R replicates: the truth, the real rows ``(R, d, K * per)``, the generator."""

    truth: Mixtures
    anchors: Floats
    generator: Mixtures


def draw(world: World, replicates: int, rng: np.random.Generator) -> Draw:
    """Truth, real rows and generator of ``replicates`` independent simulations."""
    truth = random_mixtures(world, world.k + world.j, replicates, rng)
    chosen = np.repeat(np.arange(world.k), world.anchors_per_component)
    anchors = truth.sample_from(np.broadcast_to(chosen, (replicates, len(chosen))), rng)
    known = _perturbed(truth.part(world.k), world.quality, rng)
    parts = [reestimated(anchors, world.k), known]
    if world.l:
        parts.append(random_mixtures(world, world.l, replicates, rng))
    total = world.k + world.j + world.l
    return Draw(truth, anchors, concatenate(parts, np.full((replicates, total), 1.0 / total)))


def random_mixtures(world: World, components: int, replicates: int, rng: np.random.Generator) -> Mixtures:
    """Equally weighted components with random means and covariances."""
    d = world.dimension
    means = rng.uniform(0.0, world.box, (replicates, components, d))
    if world.covariance == "uniform":
        roots = rng.random((replicates, components, d, d))
        covariances = roots @ np.swapaxes(roots, 2, 3) + 1e-6 * np.eye(d)
    else:
        roots = rng.standard_normal((replicates, components, d, 2 * d))
        covariances = roots @ np.swapaxes(roots, 2, 3) / (2 * d)
    return Mixtures.of(np.full((replicates, components), 1.0 / max(components, 1)), means, covariances)


def reestimated(anchors: Floats, components: int) -> Mixtures:
    """Components refitted to their own real rows: mean and covariance (n - 1).

    ``anchors`` are in component order. With fewer real rows than coordinates the covariance is averaged with its
    diagonal, to be nonsingular.
    """
    replicates, d, n = anchors.shape
    per = n // components
    groups = np.moveaxis(anchors.reshape(replicates, d, components, per), 1, 2)
    means = groups.mean(axis=3)
    centered = groups - means[..., None]
    covariances = centered @ np.swapaxes(centered, 2, 3) / (per - 1)
    if per <= 4 * d and d > 2:
        covariances = 0.5 * covariances + 0.5 * covariances * np.eye(d)
    covariances += 1e-9 * np.eye(d)
    return Mixtures.of(np.full((replicates, components), 1.0 / components), means, covariances)


def divergences(
    truth: Mixtures, models: tuple[Mixtures, ...], points: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Divergences of each model from the truth, and Monte Carlo errors.

    Both have shape ``(models, 4, R)``. One set of ``points`` for all densities (common random numbers), drawn in equal
    parts from each of them and weighted by the mean density [veach1995]: unbiased, weights at most the number of
    densities. See ``DIVERGENCES``.
    """
    sides = (truth, *models)
    share, rest = divmod(points, len(sides))
    sizes = [share + (i < rest) for i in range(len(sides))]
    sample = np.concatenate([side.sample(size, rng) for side, size in zip(sides, sizes, strict=True)], axis=2)
    logs = np.stack([side.log_density(sample) for side in sides])
    top = logs.max(axis=0)
    shares = np.array(sizes)[:, None, None] / points
    center = np.log(np.sum(np.exp(np.maximum(logs - top, LEAST)) * shares, axis=0)) + top
    terms = np.stack([_integrands(logs[0] - center, logs[m] - center) for m in range(1, len(sides))])
    values = terms.mean(axis=3)
    edges = np.cumsum(sizes)[:-1]
    variances = [part.var(axis=3, ddof=1) * size for part, size in zip(np.split(terms, edges, 3), sizes, strict=True)]
    return values, np.sqrt(np.sum(variances, axis=0)) / points


def _integrands(p: Floats, q: Floats) -> Floats:
    """Terms ``(4, R, n)`` whose means are the divergences.

    p, q: log-ratios of truth and model to the sampling distribution.
    """
    wp, wq = np.exp(np.maximum(p, LEAST)), np.exp(np.maximum(q, LEAST))
    gap = np.maximum(np.minimum(p - q, 1e12), -1e12)
    middle = np.log(np.maximum(0.5 * (wp + wq), np.finfo(np.float64).tiny))
    js = 0.5 * (wp * (np.maximum(p, -1e12) - middle) + wq * (np.maximum(q, -1e12) - middle))
    return np.stack([0.5 * np.abs(wp - wq), wp * gap, -wq * gap, js])


def _perturbed(mixtures: Mixtures, quality: float, rng: np.random.Generator) -> Mixtures:
    if quality == 1.0:
        return mixtures
    noise = rng.standard_normal(mixtures.means.shape)
    roots = np.linalg.cholesky(mixtures.covariances)
    shifted = mixtures.means + (1.0 - quality) * (roots @ noise[..., None])[..., 0]
    return Mixtures(mixtures.weights, shifted, mixtures.covariances, mixtures.factors)


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise UsageError(f"{name} = {value}", expected=f"at least {least}", todo=f"raise {name} to {least} or more")
