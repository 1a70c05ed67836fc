"""Rank rows by the confidence of a cross-fitted classifier in their labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from syngain.core.errors import UsageError
from syngain.data.splits import folds
from syngain.learners.logistic import Examples, Logistic
from syngain.selection.candidates import Ranking, labels_of
from syngain.selection.density_ratio import kin

if TYPE_CHECKING:
    from syngain.core.arrays import Floats, Ints
    from syngain.selection.candidates import Candidates

Wanted = Literal["easy", "ambiguous", "hard"]


@dataclass(frozen=True, slots=True)
class Confidence:
    """Confident learning [northcutt2021] by rank: labels that a classifier expects.

    The classifier learns real rows and candidates of other folds; related rows and repeats of a row are in its fold.
    The score is the log-odds of the row's label against the best other one.

    Attributes:
        folds: of the cross-fit. penalty: ridge of the classifier. rounds: fits of a fold; after the first, the
            candidates it learns from are weighted by the confidence of the round before.
    """

    folds: int = 5
    penalty: float = 0.25
    rounds: int = 2

    def rank(self, candidates: Candidates, rows: int, rng: np.random.Generator) -> Ranking:  # noqa: ARG002  (no size)
        """The highest confidence first."""
        own, _ = labels_of(candidates, "confidence")
        trust = np.ones(len(candidates))
        scores = np.zeros((len(candidates), candidates.classes))
        for _ in range(self.rounds):
            scores = cross_fitted(candidates, self.folds, self.penalty, rng, trust)
            trust = np.exp(scores[np.arange(own.size), own])
        score = _margin(scores, own)
        reasons = [
            f"label has probability {value:.2f} to models of other rows"
            for value in np.exp(scores[np.arange(own.size), own])
        ]
        return Ranking.by_score(score, reasons)


@dataclass(frozen=True, slots=True)
class Profile:
    """Easy, ambiguous or hard rows by confidence over fits [swayamdipta2020].

    Attributes:
        want: easy (always expected), ambiguous (it depends on the fit), or hard (never expected).
        fits: cross-fits, each on half of the other folds. folds: of a cross-fit. penalty: ridge of the classifier.
    """

    want: Wanted = "easy"
    fits: int = 5
    folds: int = 2
    penalty: float = 0.25

    def __post_init__(self) -> None:
        if self.want not in {"easy", "ambiguous", "hard"}:
            raise UsageError(
                f"profile {self.want!r}", expected="easy, ambiguous or hard", todo="set want to one of the three"
            )
        if self.fits < 2:
            raise UsageError(
                f"{self.fits} fits", expected="at least 2, to measure a spread", todo="raise fits to 2 or more"
            )

    def rank(self, candidates: Candidates, rows: int, rng: np.random.Generator) -> Ranking:  # noqa: ARG002  (no size)
        """By mean for easy, by spread for ambiguous, by minus the mean for hard."""
        own, _ = labels_of(candidates, "a profile")
        found = []
        for _ in range(self.fits):
            half = (rng.random(len(candidates)) < 0.5).astype(float)
            scores = cross_fitted(candidates, self.folds, self.penalty, rng, half)
            found.append(np.exp(scores[np.arange(own.size), own]))
        mean, spread = np.mean(found, axis=0), np.std(found, axis=0, ddof=1)
        score = {"easy": mean, "ambiguous": spread, "hard": -mean}[self.want]
        reasons = [
            f"{_profile(a, b)}: confidence {a:.2f}, spread {b:.2f} over fits" for a, b in zip(mean, spread, strict=True)
        ]
        return Ranking.by_score(score, reasons)


def cross_fitted(
    candidates: Candidates, count: int, penalty: float, rng: np.random.Generator, weight: Floats
) -> Floats:
    """Cross-fitted log-probabilities (m, classes) of each candidate.

    The classifier learns real rows and candidates (each ``weight``) of other folds.
    """
    own, anchors = labels_of(candidates, "confidence")
    n = anchors.size
    group = kin(candidates)
    X = np.vstack([candidates.anchors, candidates.X])
    y = np.concatenate([anchors, own])
    counted = np.concatenate([np.ones(n), weight])
    fold = folds(group, min(count, np.unique(group).size), rng, y)
    out = np.full((len(candidates), candidates.classes), -np.log(candidates.classes))
    for f in np.unique(fold):
        held, seen = np.flatnonzero((fold == f) & (np.arange(y.size) >= n)), (fold != f) & (counted > 0)
        if np.unique(y[seen]).size < 2 or not held.size:
            continue  # nothing to compare with: all labels are equally likely
        none = np.full(int(seen.sum()), -1)
        examples = Examples(X[seen], y[seen], candidates.classes, counted[seen], none, none > 0)
        out[held - n] = Logistic().fit_at(examples, penalty).log_probabilities(X[held])
    return out


def _margin(scores: Floats, label: Ints) -> Floats:
    rows = np.arange(label.size)
    others = scores.copy()
    others[rows, label] = -np.inf
    return np.asarray(scores[rows, label] - others.max(axis=1))


def _profile(mean: float, spread: float) -> str:
    if spread > 0.2:
        return "ambiguous"
    return "easy" if mean > 0.5 else "hard"
