"""Likely swapped pairs: a Bradley-Terry classifier trained on the real pairs, cross-fitted, with its own error.

The fraction is that of Rogan and Gladen [rogan1978], weighted by confidence: if the classifier is right with
probability q on pairs of its confidence, it contradicts a fraction ``(1 - s) (1 - q) + s q`` of them where a fraction s
is swapped. The same estimate on the held-out real pairs is subtracted, so that s is what there is beyond them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats
from scipy.special import expit

from syngain.core.estimate import Estimate
from syngain.data.blocks import row_values
from syngain.data.encoders.comparisons import ComparisonEncoder
from syngain.data.splits import folds, groups
from syngain.data.text.near_duplicates import shared_codes
from syngain.inference.clusters import clustered_variance
from syngain.inference.intervals import normal_intervals, share_intervals
from syngain.learners.bradley_terry import BradleyTerry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.audit.frame import Frame, RowSet
    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.core.rng import Streams
    from syngain.data.encoders.comparisons import Comparisons, FittedComparisons
    from syngain.learners.bradley_terry import FittedBradleyTerry

FOLDS = 5
FEWEST = 40  # usable real pairs
SURE = 0.8  # posterior of being swapped from which a row is named
COMMON = 0.2  # of the rows have one prompt: then it is no topic
CONTRADICT = 0.4  # of the pairs that contradict the real ones, at least, contradict the synthetic ones if swapped
BETTER = 0.01  # p of a held-out accuracy of one half, below which the classifier is used


@dataclass(frozen=True, slots=True)
class SwapEvidence:
    """What a classifier trained on real pairs finds.

    Attributes:
        accuracy: on held-out real pairs. fraction: of swapped pairs, None where the classifier is no
            better than chance.
        flags: rows that are probably swapped (m,). coherent: whether the synthetic pairs agree with each other where
            they contradict the real ones: another preference, no swaps.
    """

    accuracy: Estimate
    fraction: Estimate | None
    flags: Flags
    coherent: bool = False


@dataclass(frozen=True)
class SwapSearch:
    """The search for swapped pairs.

    Attributes:
        frame: both sides. near: near-duplicate clusters of all rows. copied_from: real row of a copy (m,), -1 none.
        sample: most pairs that train.
    """

    frame: Frame
    near: Ints
    copied_from: Ints
    sample: int
    streams: Streams
    encoder: ComparisonEncoder = field(default_factory=ComparisonEncoder)

    def __call__(self, real_usable: Flags, usable: Flags) -> SwapEvidence | None:
        """The evidence; None with too few pairs that differ."""
        real, ours = self._rows(real_usable, "real"), self._rows(usable, "synthetic")
        if min(real.size, ours.size) < FEWEST:
            return None
        theirs, mine = self._compared(self.frame.real, real), self._compared(self.frame.synthetic, ours)
        fitted = self.encoder.fit(type(theirs).joined([theirs, mine]), self.streams.stream("encoder"))
        group, own = self._groups(real, ours)
        X = fitted(theirs)
        fold = folds(group, FOLDS, self.streams.stream("folds"))
        held, models = cross_fitted(X, fold)
        accuracy = _accuracy(held, group)
        no = np.zeros(self.frame.synthetic.size, dtype=bool)
        if accuracy.p is None or accuracy.p >= BETTER:
            return SwapEvidence(accuracy, None, no)
        calibrated = Calibration.of(held)
        margin = self._margins(fitted, models, real, fold)
        rows = np.flatnonzero(usable)
        fraction = _fraction(calibrated, (held, group), (margin[rows], self.frame.unit[rows]), usable.size)
        swapped = fraction.value * usable.size / rows.size
        posterior = calibrated.posterior(margin, min(max(swapped, 0.0), 1.0))
        flags = usable & (margin < 0) & (posterior >= SURE)
        inner, _ = cross_fitted(fitted(mine), folds(own, FOLDS, self.streams.stream("inner")))
        return SwapEvidence(accuracy, fraction, flags, _coherent(calibrated, accuracy.value, margin[ours], inner))

    def _rows(self, usable: Flags, name: str) -> Ints:
        rows = np.flatnonzero(usable)
        return np.sort(self.streams.stream(name).permutation(rows)[: self.sample])

    def _compared(self, side: RowSet, rows: Ints | slice) -> Comparisons:
        worse = side.preferences
        assert worse is not None  # noqa: S101  (the caller looked)
        if isinstance(rows, slice):
            return self.encoder.of(side.texts["prompt"][rows], side.texts["response"][rows], worse.rejected[rows])
        at = rows.tolist()
        prompts, chosen = (side.texts[name].take(at) for name in ("prompt", "response"))
        return self.encoder.of(prompts, chosen, worse.take(at).rejected)

    def _groups(self, real: Ints, ours: Ints) -> tuple[Ints, Ints]:
        """Pairs that must not be in two folds, on either side: near duplicates, and those of one prompt."""
        sides = (self.frame.real, self.frame.synthetic)
        prompts = [side.texts["prompt"].take(rows.tolist()) for side, rows in zip(sides, (real, ours), strict=True)]
        first, second = shared_codes(*prompts)
        near, units = self.near[: self.frame.real.size][real], self.near[self.frame.real.size :][ours]
        return groups(near, of_prompt(first)), groups(units, of_prompt(second), self.frame.unit[ours])

    def _margins(
        self, fitted: FittedComparisons, models: Sequence[FittedBradleyTerry], real: Ints, fold: Ints
    ) -> Floats:
        """Margins of all synthetic pairs (m,), each by a classifier that never saw its real row."""
        fold_of_real = np.full(self.frame.real.size + 1, -1, dtype=np.int64)
        fold_of_real[real] = fold
        made_from = np.where(self.frame.source >= 0, self.frame.source, self.copied_from)
        size = self.frame.synthetic.size
        own = fold_of_real[np.full(size, -1) if self.frame.held_out else made_from]
        own = np.where(own >= 0, own, np.arange(size) % len(models))

        def block(part: slice) -> Floats:
            X = fitted(self._compared(self.frame.synthetic, part))
            scores = np.stack([model.margins(X) for model in models])
            return np.asarray(scores[own[part], np.arange(len(X))])

        return row_values(block, size, np.float64)


def of_prompt(codes: Ints) -> Ints:
    """Codes of prompts (n,) that are topics; -1 for a prompt that most rows have, or none."""
    counts = np.bincount(codes, minlength=1)
    return np.where(counts[codes] <= max(COMMON * codes.size, 1), codes, -1)


def cross_fitted(X: Floats, fold: Ints) -> tuple[Floats, list[FittedBradleyTerry]]:
    """Held-out margins (n,) and the model of each fold; the penalty is chosen on the other folds."""
    out, models = np.zeros(len(X)), []
    for name in range(int(fold.max()) + 1):
        away = fold == name
        rest = fold[~away]
        model = BradleyTerry().fit(X[~away], rest, np.ones(rest.size, dtype=bool))
        out[away] = model.margins(X[away])
        models.append(model)
    return out, models


@dataclass(frozen=True, slots=True)
class Calibration:
    """Probability that a margin has the right sign: ``(1 - floor) logistic(slope |margin|) + floor / 2``."""

    slope: float
    floor: float

    @classmethod
    def of(cls, margin: Floats) -> Calibration:
        """The most likely calibration of held-out margins of real pairs, never surer than their number allows."""
        least = 2 / (margin.size + 2)
        floors = np.unique(np.maximum([least, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6], least))
        found = [
            (float(np.log((1 - floor) * expit(slope * margin) + floor / 2).sum()), slope, float(floor))
            for floor in floors
            for slope in np.geomspace(0.02, 50, 45).tolist()
        ]
        _, slope, floor = max(found)
        return cls(slope, floor)

    def right(self, margin: Floats) -> Floats:
        """The probability (n,) that the classifier is right about pairs of this margin, whatever its sign."""
        return np.asarray((1 - self.floor) * expit(self.slope * np.abs(margin)) + self.floor / 2)

    def posterior(self, margin: Floats, swapped: float) -> Floats:
        """The probability (n,) that a pair is swapped where this fraction of all pairs is."""
        right = self.right(margin)
        sound = np.where(margin < 0, 1 - right, right)
        against = swapped * (1 - sound)
        return np.asarray(against / np.maximum(against + (1 - swapped) * sound, 1e-300))

    def weights(self, margin: Floats) -> tuple[Floats, Floats]:
        """Weight of each pair (n,), and what one swapped pair changes in its contradiction (n,)."""
        right = self.right(margin)
        return (2 * right - 1) / (right * (1 - right) + 0.02), 2 * right - 1


def _fraction(
    calibrated: Calibration, real: tuple[Floats, Ints], synthetic: tuple[Floats, Ints], rows: int
) -> Estimate:
    """The fraction of swapped pairs among all ``rows`` pairs, beyond the real rows' own contradictions."""
    (base, base_variance), (value, variance) = (_raw(calibrated, *side) for side in (real, synthetic))
    part = synthetic[0].size / rows  # the others are equal pairs and the like
    found, error = part * (value - base), part * math.sqrt(base_variance + variance)
    return Estimate(
        value=found,
        unit="share",
        method=f"Bradley-Terry classifier cross-fitted on {real[0].size:,} real pairs; fraction corrected by its error",
        estimand="fraction of swapped pairs among the synthetic pairs, beyond the real pairs",
        intervals=normal_intervals(found, error),
        null=(0.0, float(stats.norm.ppf(0.975)) * error),
        p=float(stats.norm.sf(found / error)),
        n=rows,
        clusters=int(np.unique(synthetic[1]).size),
        references={"real": 0.0, "accuracy": float((real[0] > 0).mean())},
    )


def _raw(calibrated: Calibration, margin: Floats, unit: Ints) -> tuple[float, float]:
    """The uncorrected fraction and its variance, never below that of the calibration."""
    weight, change = calibrated.weights(margin)
    right, total = calibrated.right(margin), max(float(weight @ change), 1e-12)
    influence = weight * ((margin < 0) - (1 - right)) * margin.size / total
    model = float(np.sum(weight**2 * right * (1 - right))) / total**2
    return float(influence.mean()), max(float(clustered_variance(influence, unit)), model)


def _accuracy(margin: Floats, group: Ints) -> Estimate:
    right = margin > 0
    units = group if np.unique(group).size < group.size else None
    effective = right.size if units is None else np.unique(units).size
    hits = round(float(right.mean()) * effective)
    return Estimate(
        value=float(right.mean()),
        unit="share",
        method="Bradley-Terry classifier on differences of n-grams and style, cross-fitted on the real pairs",
        estimand="fraction of held-out real pairs whose chosen response a classifier trained on real pairs prefers",
        intervals=share_intervals(right, units),
        p=float(stats.binom.sf(hits - 1, effective, 0.5)),
        adjusted_p=1.0,
        n=right.size,
        clusters=effective,
    )


def _coherent(calibrated: Calibration, accuracy: float, margin: Floats, inner: Floats) -> bool:
    """Whether a classifier trained on other synthetic pairs predicts them, and those that contradict the real ones too.

    Of swapped pairs, the most contradict the other synthetic pairs as well; where half of all is swapped, no classifier
    predicts them.
    """
    weight = calibrated.weights(margin)[0] * (margin < 0)
    contradict = float(weight @ (inner < 0)) / max(float(weight.sum()), 1e-12)
    return contradict < CONTRADICT and float((inner > 0).mean()) > 0.5 + (accuracy - 0.5) / 2
