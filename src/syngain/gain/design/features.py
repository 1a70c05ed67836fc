"""Features of all rows by encoders that are fitted on some of them, cached for the folds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scipy import sparse

from syngain.data.encoders.comparisons import Comparisons

if TYPE_CHECKING:
    import numpy as np

    from syngain.core.arrays import Floats, Ints
    from syngain.core.rng import Streams
    from syngain.data.dataset import Dataset
    from syngain.data.encoders.comparisons import ComparisonEncoder
    from syngain.data.encoders.vectors import HashedNgrams

REMEMBERED = 24  # encoders whose embeddings are kept: ten folds of two trials and a few more


@dataclass(frozen=True)
class FixedFeatures:
    """Embeddings that no fold changes."""

    real: Floats
    synthetic: Floats

    def __call__(self, _: Ints, __: Ints) -> tuple[Floats, Floats]:
        """The embeddings of all rows."""
        return self.real, self.synthetic


@dataclass(frozen=True, kw_only=True)
class RememberedFeatures(ABC):
    """Features fitted for every part of the rows; those of the last parts are kept."""

    _known: dict[bytes, tuple[Floats, Floats]] = field(default_factory=dict, repr=False, compare=False)

    def __call__(self, real: Ints, synthetic: Ints) -> tuple[Floats, Floats]:
        """Features of all rows, fitted on these."""
        key = real.tobytes() + b"|" + synthetic.tobytes()
        if key not in self._known:
            while len(self._known) >= REMEMBERED:
                del self._known[next(iter(self._known))]
            self._known[key] = self._fitted(real, synthetic)
        return self._known[key]

    @abstractmethod
    def _fitted(self, real: Ints, synthetic: Ints) -> tuple[Floats, Floats]:
        """The features, computed."""


@dataclass(frozen=True)
class PairFeatures(RememberedFeatures):
    """Differences between responses, fitted for every part of the rows."""

    encoder: ComparisonEncoder
    real: Comparisons
    synthetic: Comparisons
    streams: Streams

    def _fitted(self, real: Ints, synthetic: Ints) -> tuple[Floats, Floats]:
        seen = Comparisons.joined([self.real[real], self.synthetic[synthetic]])
        fitted = self.encoder.fit(seen, self.streams.stream("encoder"))
        return fitted(self.real), fitted(self.synthetic)


@dataclass(frozen=True)
class NgramFeatures(RememberedFeatures):
    """N-gram embeddings, weighted and projected for every part of the rows."""

    encoder: HashedNgrams
    real: sparse.csr_matrix[np.float32]
    synthetic: sparse.csr_matrix[np.float32]
    streams: Streams

    def _fitted(self, real: Ints, synthetic: Ints) -> tuple[Floats, Floats]:
        seen = sparse.csr_matrix(sparse.vstack([self.real[real], self.synthetic[synthetic]], format="csr"))
        fitted = self.encoder.fit_counts(seen, self.streams.stream("encoder"))
        return fitted.of_counts(self.real), fitted.of_counts(self.synthetic)


def compared_texts(encoder: ComparisonEncoder, data: Dataset) -> Comparisons:
    """What the encoder of comparisons needs of preference rows."""
    return encoder.of(data.sides["prompt"], data.sides["response"], data.rejected or ())
