"""Easy, ambiguous and hard rows: out-of-fold probabilities of the given labels under several models.

As in dataset cartography [swayamdipta2020] and Data-IQ [seedat2022], with repeated cross-fits in place of epochs: no
model has seen the row it judges, nor rows related to it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize
from scipy.special import log_softmax
from sklearn.ensemble import ExtraTreesClassifier

from syngain.core.errors import UsageError
from syngain.data.splits import folds
from syngain.learners.logistic import Examples, Logistic

if TYPE_CHECKING:
    from syngain.core.arrays import Flags, Floats, Ints

EASY, HARD = 0.75, 0.25  # mean probability of the given label, as in Data-IQ
GROUPS = ("easy", "ambiguous", "hard")
STEEPEST = 16.0  # a temperature is between 1 / 16 and 16


@dataclass(frozen=True, slots=True)
class ProfileModel:
    """What judges rows: extremely randomized trees [geurts2006] on tables, logistic regression on texts.

    Attributes:
        linear: whether the models are logistic regressions. members: repeated cross-fits. folds: of a cross-fit.
        trees: of a forest, with at least ``leaf`` rows in a leaf. penalty: ridge of a logistic regression.
    """

    linear: bool = False
    members: int = 3
    folds: int = 5
    trees: int = 60
    leaf: int = 2
    penalty: float = 0.25

    def __post_init__(self) -> None:
        for name, least in (("members", 1), ("folds", 2), ("trees", 1), ("leaf", 1)):
            if getattr(self, name) < least:
                raise UsageError(
                    f"{name} = {getattr(self, name)}", expected=f"at least {least}", todo=f"set {name}={least}"
                )

    def profile(
        self, X: Floats, label: Ints, *, classes: int, group: Ints | None = None, rng: np.random.Generator
    ) -> LabelProfile:
        """Judge every row by models of the other folds.

        Args:
            X: features (n, d).
            label: given labels (n,) in ``range(classes)``.
            classes: their number.
            group: rows of one group stay on one side of a fold (n,); None: every row alone.
            rng: of folds and trees.

        Raises:
            UsageError: fewer than two groups, so that no row can be held out.
        """
        group = np.arange(label.size) if group is None else group
        count = min(self.folds, np.unique(group).size)
        if count < 2:
            raise UsageError(
                f"{label.size} rows in {count} group", expected="at least two groups of rows", todo="add rows"
            )
        out = np.full((self.members, label.size, classes), -np.log(classes))
        for member in range(self.members):
            fold = folds(group, count, rng, label)
            for f in range(count):
                seen, held = np.flatnonzero(fold != f), np.flatnonzero(fold == f)
                if np.unique(label[seen]).size < 2 or not held.size:
                    continue  # nothing to compare with: all labels are equally likely
                out[member, held] = self._fitted(X[seen], label[seen], X[held], classes, int(rng.integers(2**31 - 1)))
        return LabelProfile(_tempered(out, label), label)

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
    """

    members: Floats
    label: Ints

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
        return replace(self, members=self.members[:, rows], label=self.label[rows])


def _tempered(members: Floats, label: Ints) -> Floats:
    """Members at one common temperature: that of the largest likelihood of the given labels, out of fold."""
    rows = np.arange(label.size)

    def loss(log_slope: float) -> float:
        return -float(log_softmax(np.exp(log_slope) * members, axis=2)[:, rows, label].mean())

    edge = float(np.log(STEEPEST))
    found = optimize.minimize_scalar(loss, bounds=(-edge, edge), method="bounded", options={"xatol": 1e-3})
    return np.asarray(log_softmax(np.exp(float(found.x)) * members, axis=2))
