"""Forecast of the gain of all rows on a fresh test, from cross-validation.

Every contrast is a fixed linear combination of variants, hence of numbers per real row, so that its extrapolation and
its interval come from the same deviations. In the number of real rows m the gain is taken as ``a + b / m`` at equal
amounts of synthetic rows; in that amount as linear in its logarithm between the two largest amounts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from syngain.core.estimate import Estimate
from syngain.gain.design.cross_validation import Arm
from syngain.gain.proxies.metrics import METRICS
from syngain.inference.clusters import clustered_freedom, clustered_variance, shared_training
from syngain.inference.intervals import normal_intervals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from syngain.core.arrays import Floats, Ints
    from syngain.gain.design.cross_validation import Experiment, Trial

    Terms = Sequence[tuple[float, Arm]]

UNITS = {
    "log_loss": "nats",
    "accuracy": "share",
    "macro_f1": "share",
    "nats_per_byte": "nats per byte",
    "nats_per_token": "nats per token",
    "pair_log_loss": "nats",
    "pair_accuracy": "share",
    "gaussian_log_loss": "nats",
    "rmse": "units of the target",
    "r2": "share",
    "ordinal_log_loss": "nats",
    "ordinal_error": "units of the target",
    "ordinal_accuracy": "share",
    "label_set_log_loss": "nats",
    "label_set_f1": "share",
    "token_log_loss": "nats per token",
    "entity_f1": "share",
    "retrieval_log_loss": "nats",
    "retrieval_accuracy": "share",
}
POWER = 0.8
MANY = 10_000_000  # more real rows than this are shown as "more than"


@dataclass(frozen=True)
class Contrast:
    """A difference between variants as one number per real row.

    Attributes:
        by_trial: shape (trials, n); its mean is the value, extrapolation included.
        spread: variance of one row's paired difference without the extrapolation: what a test row adds.
        inflation: variance of the value over that of independent real rows.
    """

    by_trial: Floats
    spread: float
    inflation: float

    @property
    def influence(self) -> Floats:
        """Averaged over trials, shape (n,)."""
        return np.asarray(self.by_trial.mean(axis=0))

    @property
    def seeds(self) -> float:
        """Variance by the draw of folds and subsamples; 0 for one trial."""
        trials = self.by_trial.shape[0]
        return float(self.by_trial.mean(axis=1).var(ddof=1)) / trials if trials > 1 else 0.0

    @property
    def value(self) -> float:
        """The contrast."""
        return float(self.by_trial.mean())


@dataclass(frozen=True)
class Forecaster:
    """Contrasts and estimates of an experiment.

    Attributes:
        label: codes of the real rows (n,), zeros without labels. weight: what each real row counts for (n,).
        rows: how many synthetic rows there are. marks: warnings on every number.
        test_rows: size of the fresh test of the prediction intervals.
    """

    experiment: Experiment
    label: Ints
    weight: Floats
    rows: int
    marks: tuple[str, ...] = ()
    test_rows: int = 500
    _known: dict[str, float] = field(default_factory=dict, init=False, repr=False, compare=False)

    def inflation(self, metric: str) -> float:
        """Variance of a cross-validated gain over that of independent real rows.

        Measured by leaving out pairs of folds (:mod:`syngain.gain.design.fold_pairs`), of the gain as the folds show
        it, and used for all contrasts of the metric. Without pairs 1 + J / (J - 1) [nadeau2003].
        """
        if metric not in self._known:
            trial = self.experiment.trials[0]
            folds = int(trial.fold.max()) + 1
            self._known[metric] = (
                shared_training(folds)
                if trial.pairs is None
                else trial.pairs.inflation(metric, self.label, self.weight, self._groups)
            )
        return self._known[metric]

    @property
    def unsettled(self) -> tuple[str, ...]:
        """Kinds of variants whose proxy did not reach its optimum in some fold."""
        outcomes = [item for trial in self.experiment.trials for item in trial.outcomes.items()]
        return tuple(sorted({arm.kind for arm, outcome in outcomes if not outcome.converged}))

    def all_rows(self, metric: str) -> Contrast:
        """Gain of adding all rows to all real rows."""
        return self._contrast(metric, [self._at(trial, trial.most, self.rows) for trial in self.experiment.trials])

    def raw(self, metric: str) -> Contrast:
        """Gain on the folds: fewer real rows, fewer synthetic rows, no correction."""
        return self._plain(metric, lambda trial: Arm("both", 1.0, trial.most), lambda _: Arm("anchors"))

    def amount(self, metric: str, level: int) -> Contrast:
        """Gain of adding the ``level``-th amount to all real rows."""
        trials = self.experiment.trials
        return self._contrast(metric, [self._at(t, t.levels[level], t.levels[level]) for t in trials])

    def synthetic_only(self, metric: str) -> Contrast:
        """Synthetic rows in place of the real rows."""
        return self._plain(metric, lambda trial: Arm("synthetic", 1.0, trial.most), lambda _: Arm("anchors"))

    def duplication(self, metric: str) -> Contrast:
        """Oversampling control: gain of repeating real rows in place of synthetic rows."""
        return self._plain(metric, lambda trial: Arm("duplicated", 1.0, trial.most), lambda _: Arm("anchors"))

    def over_duplication(self, metric: str) -> Contrast:
        """Real + synthetic rows over the oversampling control."""
        return self._plain(
            metric, lambda trial: Arm("both", 1.0, trial.most), lambda trial: Arm("duplicated", 1.0, trial.most)
        )

    def class_weights(self, metric: str) -> Contrast:
        """Control: gain of class weights on the real rows alone."""
        return self._plain(metric, lambda _: Arm("anchors", balanced=True), lambda _: Arm("anchors"))

    def balanced(self, metric: str) -> Contrast:
        """The gain with equal class weights in both variants."""
        return self._plain(
            metric, lambda trial: Arm("both", 1.0, trial.most, balanced=True), lambda _: Arm("anchors", balanced=True)
        )

    def curve(self, metric: str) -> tuple[list[int], list[Contrast]]:
        """Amounts of synthetic rows, ascending, and the gain of each at all real rows."""
        trials = self.experiment.trials
        amounts = [round(float(np.mean([t.levels[k] for t in trials]))) for k in range(len(trials[0].levels) - 1)]
        gains = [self.amount(metric, level) for level in range(len(amounts))]
        return [*amounts, self.rows], [*gains, self.all_rows(metric)]

    def budget(self, contrast: Contrast) -> dict[str, float]:
        """Variance components of a contrast on a fresh test: real rows, test rows, seeds."""
        anchors = clustered_variance(contrast.influence, self._groups) * contrast.inflation
        return {"anchors": anchors, "test": contrast.spread / self.test_rows, "seeds": contrast.seeds}

    def error(self, contrast: Contrast) -> float:
        """Standard error of the expected gain: clusters, shared training, seeds."""
        budget = self.budget(contrast)
        return math.sqrt(budget["anchors"] + budget["seeds"])

    def estimate(self, contrast: Contrast, metric: str, estimand: str, *, fresh: bool = True) -> Estimate:
        """The estimate of a contrast; ``fresh``: on a fresh test, else its expectation."""
        budget = self.budget(contrast)
        total = sum(budget.values()) if fresh else budget["anchors"] + budget["seeds"]
        freedom = max(clustered_freedom(contrast.influence, self._groups), 2.0)
        freedom = freedom * (total / budget["anchors"]) ** 2 if budget["anchors"] > 0 else math.inf
        where = f"a fresh test of {self.test_rows:,} rows" if fresh else "infinitely many fresh rows"
        return Estimate(
            value=contrast.value,
            intervals=normal_intervals(contrast.value, math.sqrt(total), freedom),
            n=self.label.size,
            clusters=int(np.unique(self._groups).size),
            unit=UNITS[metric],
            method=f"cross-validated over real rows with the rows made from them; interval for {where}",
            estimand=estimand,
            direction="forecast",
            marks=self.marks,
        )

    def anchors_needed(self, contrast: Contrast, effect: float) -> int:
        """Further real rows for 80% power to detect this expected gain at level .9."""
        reach = float(stats.norm.isf(0.05) + stats.norm.ppf(POWER))
        needed = (reach * self.error(contrast) / effect) ** 2 * self.label.size
        return int(min(max(math.ceil(needed) - self.label.size, 0), MANY))

    @property
    def _groups(self) -> Ints:
        return self.experiment.lineage.group

    def _at(self, trial: Trial, amount: int, wanted: int) -> Terms:
        """Terms of the gain at all real rows and ``wanted`` rows."""
        n = self.label.size
        terms = [(1.0, Arm("both", 1.0, amount)), (-1.0, Arm("anchors"))]
        inverse = 1 / np.array(trial.sizes)
        if inverse.max() > inverse.min():
            slopes = (inverse - inverse.mean()) / np.sum((inverse - inverse.mean()) ** 2) * (1 / n - inverse[-1])
            for share, slope in zip(self.experiment.design.shares, slopes, strict=True):
                terms += [(float(slope), Arm("both", share, trial.least)), (-float(slope), Arm("anchors", share))]
        if wanted > amount and trial.most > trial.least > 0:
            rise = math.log(wanted / amount) / math.log(trial.most / trial.least)
            terms += [(rise, Arm("both", 1.0, trial.most)), (-rise, Arm("both", 1.0, trial.least))]
        return terms

    def _plain(self, metric: str, treated: Callable[[Trial], Arm], control: Callable[[Trial], Arm]) -> Contrast:
        return self._contrast(metric, [[(1.0, treated(t)), (-1.0, control(t))] for t in self.experiment.trials])

    def _contrast(self, metric: str, terms: Iterable[Terms]) -> Contrast:
        influences, spreads = [], []
        for trial, combination in zip(self.experiment.trials, terms, strict=True):
            scores = [c * METRICS[metric](trial.outcomes[arm], self.label, self.weight) for c, arm in combination]
            influences.append(np.sum(scores, axis=0))
            spreads.append(float(np.var(scores[0] + scores[1], ddof=1)))
        return Contrast(np.array(influences), float(np.mean(spreads)), self.inflation(metric))
