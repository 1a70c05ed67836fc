"""How many labels are wrong, and which: the noise floor of sure rows, and confident learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.estimate import Estimate
from syngain.inference.intervals import share_intervals

if TYPE_CHECKING:
    from syngain.core.arrays import Flags, Floats, Ints

SURE = 0.25  # part of the rows of a predicted class whose labels show the noise
FEWEST = 10  # of them, at least
PRIOR = 20.0  # rows that the common rate counts for in the rate of a class
MOST = 0.45  # a rate of half or more has no right labels to learn from
LARGEST = 0.5  # of the rows of a class, dropped at most
SLACK = 1e-6  # of a confident threshold, as in cleanlab


@dataclass(frozen=True, slots=True)
class NoiseFloor:
    """Rates of wrong labels, from rows whose class is sure.

    Where a model that has not seen a row is sure of its class, another label is a wrong label [liu2016]
    [patrini2017]. Rows where classes overlap do not count: overlap is not noise.

    Attributes:
        rates: probability of a wrong label given the right class (classes,). wrong: of the sure rows (s,).
    """

    rates: Floats
    wrong: Flags

    @classmethod
    def of(cls, probability: Floats, label: Ints) -> NoiseFloor:
        """From out-of-fold probabilities (n, classes) and given labels (n,)."""
        guess, sure = probability.argmax(axis=1), probability.max(axis=1)
        errors, seen = np.zeros(probability.shape[1]), np.zeros(probability.shape[1])
        taken = np.zeros(label.size, dtype=bool)
        for code in np.unique(guess):
            rows = np.flatnonzero(guess == code)
            rows = rows[np.argsort(-sure[rows], kind="stable")][: max(round(SURE * rows.size), FEWEST)]
            taken[rows] = True
            errors[code], seen[code] = float(np.sum(label[rows] != code)), rows.size
        wrong = (label != guess)[taken]
        rates = (errors + PRIOR * float(wrong.mean())) / (seen + PRIOR)
        return cls(np.minimum(rates, MOST), wrong)

    @property
    def flips(self) -> Floats:
        """Probability of each given label (columns) where each class is right (rows): any other class is as likely."""
        classes = self.rates.size
        out = np.tile((self.rates / max(classes - 1, 1))[:, None], (1, classes))
        np.fill_diagonal(out, 1 - self.rates)
        return out

    def right(self, probability: Floats) -> Floats:
        """Probabilities of right classes (n, classes) from those of given labels, clipped to [0, 1]."""
        out = np.clip(np.linalg.solve(self.flips.T, probability.T).T, 0, None)
        return np.asarray(out / out.sum(axis=1, keepdims=True))

    def wrong_label(self, right: Floats, label: Ints) -> Floats:
        """Probability that each given label is wrong (n,), by Bayes.

        ``right``: probabilities of right classes (n, classes) that do not know the given label.
        """
        given = right * self.flips[:, label].T  # the right class is c and the label is the given one
        total = given.sum(axis=1)
        kept = np.divide(given[np.arange(label.size), label], total, out=np.ones(label.size), where=total > 0)
        return np.asarray(1 - kept)

    def estimate(self, units: Ints | None = None) -> Estimate:
        """``profile.wrong_labels``: the fraction of wrong labels among the sure rows."""
        return Estimate(
            value=float(self.wrong.mean()),
            unit="share",
            method="labels that differ from the class a model is most sure of: the surest quarter of each predicted "
            "class, out of fold",
            estimand="fraction of wrong labels, if labels are wrong as often where the class is sure as elsewhere",
            intervals=share_intervals(self.wrong, units),
            n=self.wrong.size,
            clusters=self.wrong.size,
        )


def normalized_margin(probability: Floats, label: Ints) -> Floats:
    """Confident learning's score of each label (n,), in [0, 1]: low where another class is more probable.

    Half of one plus the probability of the given label minus that of the best other class [northcutt2021].
    """
    rows = np.arange(label.size)
    others = probability.copy()
    others[rows, label] = -np.inf
    return np.asarray((probability[rows, label] - others.max(axis=1) + 1) / 2)


def off_diagonal(probability: Floats, label: Ints) -> Flags:
    """Rows off the diagonal of the confident joint (n,) whose most probable class is not the given label.

    A row counts for a class that reaches its threshold: the mean probability that rows with this label give it
    [northcutt2021]. It counts for its most probable class where several reach theirs, and for none where none does: the
    rule of cleanlab, `filter_by="confident_learning"`.
    """
    classes = probability.shape[1]
    counts = np.bincount(label, minlength=classes)
    own = np.bincount(label, weights=probability[np.arange(label.size), label], minlength=classes)
    threshold = np.divide(own, counts, out=np.full(classes, np.inf), where=counts > 0)
    above = probability >= threshold - SLACK
    first = probability.argmax(axis=1)
    counted = np.where(above.sum(axis=1) > 1, first, above.argmax(axis=1))
    return np.asarray(above.any(axis=1) & (counted != label) & (first != label))


def bounded(label: Ints, drop: Flags, score: Floats) -> Flags:
    """Named rows, at most half of a class (n,): the highest scores, in the order of the file where they are equal."""
    out = drop.copy()
    for code in np.unique(label[drop]):
        named, most = np.flatnonzero(drop & (label == code)), int(LARGEST * np.sum(label == code))
        out[named[np.argsort(-score[named], kind="stable")[most:]]] = False
    return out
