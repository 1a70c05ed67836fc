"""Easy, ambiguous and hard rows: out-of-fold probabilities of the given labels under several models.

As in dataset cartography [swayamdipta2020] and Data-IQ [seedat2022], with repeated cross-fits in place of epochs: no
model has seen the row it judges, nor rows related to it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize
from scipy.special import log_softmax, softmax
from sklearn.ensemble import ExtraTreesClassifier

from syngain.core.errors import UsageError
from syngain.data.splits import folds
from syngain.gain.cleaning.label_noise import NoiseFloor, bounded
from syngain.learners.logistic import Examples, Logistic

if TYPE_CHECKING:
    from collections.abc import Callable

    from syngain.core.arrays import Flags, Floats, Ints

EASY, HARD = 0.75, 0.25  # mean probability of the given label, as in Data-IQ
GROUPS = ("easy", "ambiguous", "hard")
STEEPEST = 16.0  # a temperature is between 1 / 16 and 16
TINY = 1e-12  # of a label that no class explains


@dataclass(frozen=True, slots=True)
class ProfileModel:
    """What judges rows: extremely randomized trees [geurts2006] on tables, logistic regression on texts.

    Attributes:
        linear: whether the models are logistic regressions. members: repeated cross-fits. folds: of a cross-fit.
        rounds: fits without the rows whose labels the round before calls wrong; they find the wrong labels.
        trees: of a forest, with at least ``leaf`` rows in a leaf. penalty: ridge of a logistic regression.
    """

    linear: bool = False
    members: int = 2
    folds: int = 5
    rounds: int = 2
    trees: int = 60
    leaf: int = 2
    penalty: float = 0.25

    def __post_init__(self) -> None:
        for name, least in (("members", 1), ("folds", 2), ("rounds", 0), ("trees", 1), ("leaf", 1)):
            if getattr(self, name) < least:
                raise UsageError(
                    f"{name} = {getattr(self, name)}", expected=f"at least {least}", todo=f"set {name}={least}"
                )

    def profile(
        self,
        X: Floats,
        label: Ints,
        *,
        classes: int,
        rng: np.random.Generator,
        group: Ints | None = None,
        side: Ints | None = None,
    ) -> LabelProfile:
        """Judge every row by models of the other folds.

        No model is fitted to the row it judges. Which other rows the later rounds leave out depends on all labels, so
        measure a gain on rows that are not among these.

        Args:
            X: features (n, d).
            label: given labels (n,) in ``range(classes)``.
            classes: their number.
            rng: of folds and trees.
            group: rows of one group stay on one side of a fold (n,); None: every row alone.
            side: rows of one side have their own rates of wrong labels (n,), such as real and synthetic rows.

        Raises:
            UsageError: fewer than two groups, so that no row can be held out.
        """
        group = np.arange(label.size) if group is None else group
        side = np.zeros(label.size, dtype=np.int64) if side is None else side
        count = min(self.folds, np.unique(group).size)
        if count < 2:
            raise UsageError(
                f"{label.size} rows in {count} group", expected="at least two groups of rows", todo="add rows"
            )
        fold = np.array([folds(group, count, rng, label) for _ in range(self.members)])
        every = np.ones(label.size, dtype=bool)
        members = _tempered(self._cross_fitted(X, label, classes, fold, every, rng), label)
        mean = np.exp(members).mean(axis=0)
        floors = {int(code): NoiseFloor.of(mean[side == code], label[side == code]) for code in np.unique(side)}
        flips, wrong = np.zeros((label.size, classes)), np.zeros(label.size)
        for code, floor in floors.items():
            rows = side == code
            flips[rows] = floor.flips[:, label[rows]].T
            wrong[rows] = floor.wrong_label(floor.right(mean[rows]), label[rows])
        for _ in range(self.rounds if any(floor.rates.any() for floor in floors.values()) else 0):
            found = self._cross_fitted(X, label, classes, fold, ~bounded(label, wrong > 0.5, wrong), rng)
            right = _through(np.log(np.exp(found).mean(axis=0)), flips)
            for code, floor in floors.items():
                wrong[side == code] = floor.wrong_label(right[side == code], label[side == code])
        return LabelProfile(members, label, wrong)

    def _cross_fitted(
        self, X: Floats, label: Ints, classes: int, fold: Ints, kept: Flags, rng: np.random.Generator
    ) -> Floats:
        """Log-probabilities of all rows (members, n, classes) by models of the kept rows of other folds."""
        out = np.full((self.members, label.size, classes), -np.log(classes))
        for member in range(self.members):
            for f in np.unique(fold[member]):
                seen, held = np.flatnonzero((fold[member] != f) & kept), np.flatnonzero(fold[member] == f)
                if np.unique(label[seen]).size < 2:
                    continue  # nothing to compare with: all labels are equally likely
                out[member, held] = self._fitted(X[seen], label[seen], X[held], classes, int(rng.integers(2**31 - 1)))
        return out

    def _fitted(self, X: Floats, y: Ints, held: Floats, classes: int, state: int) -> Floats:
        """Log-probabilities of held-out rows (k, classes), always finite."""
        if self.linear:
            none = np.full(y.size, -1)
            examples = Examples(X, y, classes, np.ones(y.size), none, none > 0)
            return Logistic().fit_at(examples, self.penalty).log_probabilities(held)
        forest = ExtraTreesClassifier(self.trees, min_samples_leaf=self.leaf, random_state=state).fit(X, y)
        mixing = 1 / (self.trees + 1)
        out = np.full((len(held), classes), mixing / classes)
        out[:, np.asarray(forest.classes_)] += (1 - mixing) * forest.predict_proba(held)
        return np.asarray(np.log(out))


@dataclass(frozen=True, slots=True)
class LabelProfile:
    """Out-of-fold log-probabilities of n rows under k members.

    Attributes:
        members: in nats (k, n, classes), calibrated. label: given labels (n,).
        wrong: probability that each label is wrong (n,).
    """

    members: Floats
    label: Ints
    wrong: Floats

    @property
    def own(self) -> Floats:
        """Probability of each given label under each member (k, n)."""
        return np.asarray(np.exp(self.members[:, np.arange(self.label.size), self.label]))

    @property
    def mean(self) -> Floats:
        """Mean probability of every class (n, classes)."""
        return np.asarray(np.exp(self.members).mean(axis=0))

    @property
    def confidence(self) -> Floats:
        """Mean probability of the given label (n,)."""
        return np.asarray(self.own.mean(axis=0))

    @property
    def aleatoric(self) -> Floats:
        """Mean of p (1 - p) over the members (n,): variability of the label given the row, at most 1/4."""
        own = self.own
        return np.asarray((own * (1 - own)).mean(axis=0))

    @property
    def epistemic(self) -> Floats:
        """Variance of p over the members (n,): variability of the models."""
        return np.asarray(self.own.var(axis=0))

    @property
    def margin(self) -> Floats:
        """Mean log-odds of the given label against the best other one (n,), in nats [pleiss2020]."""
        rows = np.arange(self.label.size)
        others = self.members.copy()
        others[:, rows, self.label] = -np.inf
        return np.asarray((self.members[:, rows, self.label] - others.max(axis=2)).mean(axis=0))

    @property
    def groups(self) -> list[str]:
        """``easy``, ``ambiguous`` or ``hard`` for each row.

        Confidence of at least 3/4, in between, at most 1/4. By Jensen's inequality p (1 - p) is at most 3/16 on
        average at both ends.
        """
        place = (self.confidence < EASY).astype(int) + (self.confidence <= HARD)
        return [GROUPS[at] for at in place.tolist()]

    def take(self, rows: Ints | Flags) -> LabelProfile:
        """The profile of some rows."""
        return replace(self, members=self.members[:, rows], label=self.label[rows], wrong=self.wrong[rows])


def _tempered(members: Floats, label: Ints) -> Floats:
    """Members at one common temperature: that of the largest likelihood of the given labels, out of fold."""
    rows = np.arange(label.size)
    slope = _slope(lambda s: -float(log_softmax(s * members, axis=2)[:, rows, label].mean()))
    return np.asarray(log_softmax(slope * members, axis=2))


def _through(scores: Floats, flips: Floats) -> Floats:
    """Probabilities of right classes (n, classes) at the temperature of the largest likelihood of the given labels.

    ``scores``: log-probabilities (n, classes) by models of rows with right labels. ``flips``: probability of the given
    label of each row where each class is right (n, classes).
    """

    def loss(slope: float) -> float:
        return -float(np.log(np.sum(softmax(slope * scores, axis=1) * flips, axis=1) + TINY).mean())

    return np.asarray(softmax(_slope(loss) * scores, axis=1))


def _slope(loss: Callable[[float], float]) -> float:
    """The inverse temperature of the smallest loss."""
    edge = float(np.log(STEEPEST))
    found = optimize.minimize_scalar(
        lambda log: loss(float(np.exp(log))), bounds=(-edge, edge), method="bounded", options={"xatol": 1e-3}
    )
    return float(np.exp(found.x))
