"""Linear-Gaussian chains with closed forms of all mutual informations.

They show why differential entropies give no bounds. ``p ~ N(0, I)``, ``M = A p + e_M``, ``S = B M + eps``,
``W = C S + noise``, in any dimension. Nats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import UsageError
from syngain.lab.theory import gaussians

if TYPE_CHECKING:
    from syngain.core.arrays import Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearGaussianChain:
    """Maps ``(d, d)`` of the three steps and standard deviations of their noises.

    Attributes:
        generation, curation, training: A, B and C above.
        generation_noise, curation_noise, training_noise: standard deviations, positive.
    """

    generation: Floats
    curation: Floats
    training: Floats
    generation_noise: float = 1.0
    curation_noise: float = 1.0
    training_noise: float = 1.0

    def __post_init__(self) -> None:
        shapes = {self.generation.shape, self.curation.shape, self.training.shape}
        if len(shapes) != 1 or min(self.generation_noise, self.curation_noise, self.training_noise) <= 0:
            raise UsageError(
                f"maps of shapes {sorted(shapes)} with noises "
                f"{self.generation_noise}, {self.curation_noise}, {self.training_noise}",
                expected="three square maps of one size and positive noises",
                todo="pass maps of one shape and noises above 0",
            )

    @property
    def dimension(self) -> int:
        """The dimension d of every variable."""
        return int(self.generation.shape[0])

    def covariance(self) -> Floats:
        """Joint covariance of (p, M, S, W), shape ``(4 d, 4 d)``.

        ``(I - L)^-1 N (I - L)^-T`` with the maps in L.
        """
        d = self.dimension
        maps = np.zeros((4 * d, 4 * d))
        for step, table in enumerate((self.generation, self.curation, self.training), start=1):
            maps[step * d : (step + 1) * d, (step - 1) * d : step * d] = table
        noises = np.repeat([1.0, self.generation_noise, self.curation_noise, self.training_noise], d)
        root = np.linalg.solve(np.eye(4 * d) - maps, np.diag(noises))
        return np.asarray(root @ root.T)

    def mutual_information(self, first: str, second: str) -> float:
        """I(first; second) for two of ``p, M, S, W``."""
        rows = np.concatenate([self._rows(first), self._rows(second)])
        return gaussians.mutual_information(self.covariance()[np.ix_(rows, rows)], self.dimension)

    def in_units(self, scale: float) -> LinearGaussianChain:
        """The same chain with M, S and W in units ``1 / scale``.

        Mutual informations do not change, entropies do.
        """
        return LinearGaussianChain(
            generation=scale * self.generation,
            curation=self.curation,
            training=self.training,
            generation_noise=scale * self.generation_noise,
            curation_noise=scale * self.curation_noise,
            training_noise=scale * self.training_noise,
        )

    def published_bound(self) -> float:
        """-Delta I + B_syn + H(e_M) + H(eps) [paper, recalled], in differential entropies."""
        d = self.dimension
        model = gaussians.entropy(self.generation_noise**2 * np.eye(d))
        return (
            -model + self.mutual_information("p", "M") + model + gaussians.entropy(self.curation_noise**2 * np.eye(d))
        )

    def _rows(self, name: str) -> Ints:
        at = "pMSW".index(name) * self.dimension
        return np.arange(at, at + self.dimension)


def random_linear_gaussian(dimension: int, rng: np.random.Generator) -> LinearGaussianChain:
    """A chain with normal maps of unit scale and noises between .3 and 3."""
    maps = rng.standard_normal((3, dimension, dimension)) / np.sqrt(dimension)
    noises = np.exp(rng.uniform(np.log(0.3), np.log(3.0), 3))
    return LinearGaussianChain(
        generation=maps[0],
        curation=maps[1],
        training=maps[2],
        generation_noise=float(noises[0]),
        curation_noise=float(noises[1]),
        training_noise=float(noises[2]),
    )
