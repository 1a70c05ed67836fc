"""What can be said beforehand: from anchors and synthetic rows alone, how useful are the rows?

A predictor sees a :class:`Seen` and nothing else. Of the test it knows the number of rows: an interval must say of how
many fresh rows it speaks. Larger is predicted more useful. The neighbors are in :mod:`benchmarks.value.neighbors`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
from benchmarks.value.families import mixed
from benchmarks.value.outcomes import spoken
from sklearn.linear_model import LogisticRegression

from syngain.core.rng import Streams
from syngain.data.encoders.vectors import HashedNgrams
from syngain.data.study import Study, joined
from syngain.gain.design.cross_validation import Design
from syngain.learners.ngram import NgramModel
from syngain.workflows.evaluate.gain import GainSettings, gain_part

if TYPE_CHECKING:
    from benchmarks.value.cases import Case
    from numpy.typing import NDArray

    from syngain.data.dataset import Dataset

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

LEVEL = 0.9
SETTINGS = {
    "quick": Design(folds=10, repeats=1, amounts=1, most=2_000, controls=False, balanced=False, pairs=False),
    "standard": Design(folds=10, repeats=2, amounts=1, most=10_000, controls=False, balanced=False, pairs=True),
}
"""Of the forecast: folds and shares of ``syngain audit`` and of ``syngain gain``, without arms that only explain."""


@dataclass(frozen=True)
class Seen:
    """All that a predictor may look at.

    Attributes:
        fresh: rows of the fresh test that an interval should speak of. seed: of every random choice.
    """

    anchors: Dataset
    synthetic: Dataset
    fresh: int
    seed: int

    @classmethod
    def of(cls, case: Case) -> Seen:
        """The case without its test."""
        return cls(case.anchors, case.synthetic, len(case.test), case.split)

    @cached_property
    def vectors(self) -> tuple[Floats, Floats]:
        """Anchors (n, d) and synthetic rows (m, d) by syngain's default encoder: the same for every neighbor."""
        texts = [joined(self.anchors), joined(self.synthetic)]
        fitted = HashedNgrams().fit([*texts[0], *texts[1]], np.random.default_rng(self.seed))
        return fitted(texts[0]), fitted(texts[1])

    @cached_property
    def labels(self) -> tuple[Ints, Ints, int] | None:
        """Codes of the labels of anchors and synthetic rows, and their number; None without labels."""
        if self.anchors.labels is None or self.synthetic.labels is None:
            return None
        names, codes = np.unique([*self.anchors.labels, *self.synthetic.labels], return_inverse=True)
        return codes[: len(self.anchors)], codes[len(self.anchors) :], names.size


@dataclass(frozen=True)
class Prediction:
    """Larger is more useful. ``low`` and ``high``: 90 % interval of the gain, where one is claimed.

    Attributes:
        accuracy: the same of the gain in accuracy: value, low, high; None where nothing is said of it.
    """

    value: float
    low: float | None = None
    high: float | None = None
    accuracy: tuple[float, float, float] | None = None


class Predictor(Protocol):
    """Says how useful synthetic rows will be."""

    @property
    def name(self) -> str:
        """As in the table."""

    @property
    def zero(self) -> bool:
        """Whether the value is a gain, so that its sign means something."""

    def predict(self, seen: Seen) -> Prediction:
        """Larger is more useful.

        Raises:
            InputError: nothing can be said of such rows, and why.
        """


@dataclass(frozen=True)
class Syngain:
    """The forecast of ``syngain gain`` from the anchors alone, on its pre-declared primary metric."""

    setting: str = "quick"
    name: str = "syngain"
    zero: bool = True

    def predict(self, seen: Seen) -> Prediction:
        """See :class:`Predictor`."""
        settings = GainSettings(quick=True, design=SETTINGS[self.setting], test_rows=seen.fresh)
        part = gain_part(Study.of(seen.anchors, seen.synthetic), streams=Streams(seen.seed), settings=settings)
        found = part.estimates[f"gain.{part.found.metric}"]
        more = part.estimates.get("gain.accuracy")
        accuracy = None if more is None else (more.value, *more.interval(LEVEL))
        return Prediction(found.value, *found.interval(LEVEL), accuracy)


@dataclass(frozen=True)
class PlainCrossValidation:
    """What ten lines of scikit-learn give: anchors with and without all synthetic rows, five random folds of anchors.

    No lineage (rows made from a held-out anchor stay), nothing tuned, no correction for smaller training folds. Without
    labels the n-gram model in three folds.
    """

    name: str = "plain cross-validation"
    zero: bool = True

    def predict(self, seen: Seen) -> Prediction:
        """See :class:`Predictor`."""
        folds = 5 if seen.labels is not None else 3
        fold = np.random.default_rng(seen.seed).permutation(len(seen.anchors)) % folds
        judge = self._labeled if seen.labels is not None else self._unlabeled
        return Prediction(judge(seen, fold, folds))

    def _labeled(self, seen: Seen, fold: Ints, folds: int) -> float:
        (real, made), (y, z, classes) = seen.vectors, seen.labels
        gains = np.zeros(fold.size)
        for held in range(folds):
            away, rows = fold != held, np.flatnonzero(fold == held)
            alone = logistic(real[away], y[away], real[rows], classes)
            both = logistic(np.vstack([real[away], made]), np.concatenate([y[away], z]), real[rows], classes)
            gains[rows] = (both - alone)[np.arange(rows.size), y[rows]]
        return float(gains.mean())

    def _unlabeled(self, seen: Seen, fold: Ints, folds: int) -> float:
        real, made = np.array(spoken(seen.anchors), dtype=object), spoken(seen.synthetic)
        saved = total = 0.0
        for held in range(folds):
            away, judged = real[fold != held].tolist(), real[fold == held].tolist()
            alone, size = NgramModel().fit(away).surprisal(judged)
            both, _ = NgramModel().fit([*away, *made]).surprisal(judged)
            saved, total = saved + float((alone - both).sum()), total + float(size.sum())
        return saved / total


@dataclass(frozen=True)
class TrainSynthetic:
    """Train on synthetic, test on real [esteban2017]: accuracy on the anchors, or minus their nats per byte."""

    name: str = "train synthetic, test anchors"
    zero: bool = False

    def predict(self, seen: Seen) -> Prediction:
        """See :class:`Predictor`."""
        if seen.labels is None:
            nats, size = NgramModel().fit(spoken(seen.synthetic)).surprisal(spoken(seen.anchors))
            return Prediction(-float(nats.sum() / size.sum()))
        (real, made), (y, z, classes) = seen.vectors, seen.labels
        return Prediction(float(np.mean(logistic(made, z, real, classes).argmax(axis=1) == y)))


@dataclass(frozen=True)
class Size:
    """The number of synthetic rows: "more is better"."""

    name: str = "set size"
    zero: bool = False

    def predict(self, seen: Seen) -> Prediction:
        """See :class:`Predictor`."""
        return Prediction(float(len(seen.synthetic)))


@dataclass(frozen=True)
class Chance:
    """A random number, another one for every case."""

    name: str = "random"
    zero: bool = False

    def predict(self, seen: Seen) -> Prediction:
        """See :class:`Predictor`."""
        return Prediction(float(Streams(seen.seed).stream("chance", seen.synthetic.fingerprint).random()))


def logistic(X: Floats, y: Ints, T: Floats, classes: int) -> Floats:
    """Log-probabilities (t, classes) of scikit-learn's logistic regression as it comes."""
    if np.unique(y).size < 2:
        return mixed(np.ones((len(T), 1)), np.unique(y), classes)
    model = LogisticRegression(max_iter=1_000).fit(X, y)
    return mixed(model.predict_proba(T), model.classes_, classes)
