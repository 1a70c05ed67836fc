"""Preference rows as a task: differences between two responses, and a tuned Bradley-Terry model."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from syngain.data.splits import groups
from syngain.gain.proxies.task import Outcome, Training, inner_folds
from syngain.learners.bradley_terry import BradleyTerry

if TYPE_CHECKING:
    from syngain.core.arrays import Floats, Ints
    from syngain.gain.proxies.labels import Encode

PREFERRED, NOT_PREFERRED = 0, 1  # codes of guesses; the code of rows without labels is 0


@dataclass(frozen=True)
class PreferenceTask:
    """Chosen minus rejected responses of real and synthetic rows.

    Attributes:
        real, synthetic: differences (n, d) and (m, d). unit, synthetic_unit: clusters of rows that must not be on both
            sides of an inner fold. learner: the proxy. folds: inner folds.
        encode: differences of all real and all synthetic rows by an encoder fitted on some of both; None when fixed.
    """

    real: Floats
    synthetic: Floats
    unit: Ints
    synthetic_unit: Ints
    learner: BradleyTerry = field(default_factory=BradleyTerry)
    folds: int = 3
    encode: Encode | None = None

    def within(self, real: Ints, synthetic: Ints) -> PreferenceTask:
        """The task with features fitted on these rows only."""
        if self.encode is None:
            return self
        ours, theirs = self.encode(real, synthetic)
        return replace(self, real=ours, synthetic=theirs)

    def judge(self, training: Training, rows: Ints, rng: np.random.Generator) -> Outcome:
        """Fit on the training pairs and score real ones: nats per pair, and whether the chosen response is preferred.

        The penalty is chosen on real pairs. There are no classes: ``balanced`` changes nothing. Equal responses cost
        ln 2 and count as preferred, whatever the training pairs are.
        """
        X = np.vstack([self.real[training.real], self.synthetic[training.synthetic]])
        unit = groups(np.concatenate([self.unit[training.real], self.synthetic_unit[training.synthetic]]))
        judged = np.zeros(unit.size, dtype=bool)
        judged[np.unique(training.real, return_index=True)[1]] = True  # a repeated real row is evaluated once
        if not training.real.size:
            judged[:] = True
        fitted = self.learner.fit(X, inner_folds(unit, judged, self.folds, rng), judged)
        held = self.real[rows]
        guess = np.where(fitted.margins(held) >= 0, PREFERRED, NOT_PREFERRED)
        return Outcome(fitted.losses(held), np.ones(rows.size), guess, fitted.converged)
