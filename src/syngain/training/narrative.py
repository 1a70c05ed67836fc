"""Build the verdict, findings and learning curves of a training run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from syngain.core.phrases import capital
from syngain.core.result import Finding, Series, Verdict
from syngain.gain.outcome.effects import effect, gain_words
from syngain.learners.completions import loss_sentence
from syngain.training.student.narrative import plan_sentence
from syngain.training.student.time_budget import ID_NAMES, NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.core.estimate import Estimate
    from syngain.learners.causal import CausalProxy
    from syngain.training.student import StudentGain

LEVEL = 0.9
_SELECT = "syngain select REAL SYNTHETIC --test TEST"
LOSSES = {
    "kl_gap": ("loss on held-out real rows", "nats per token"),
    "log_loss": ("log-loss of real labels", "nats per row"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingNarrative:
    """Measured gains of a student and their forecast.

    Attributes:
        measured: gains of the student. forecast: by the proxies, ids with ``@proxy``. metric: of the verdict.
        compared: the measure that both have. part: ``.test`` when there was a test set.
        min_gain: the smallest gain that matters. rows: synthetic rows. selected: rows of the variant ``selected``.
    """

    measured: StudentGain
    forecast: Mapping[str, Estimate]
    metric: str
    compared: str
    part: str
    min_gain: float
    rows: int
    selected: int

    @property
    def all_rows(self) -> Estimate:
        """The gain of real + synthetic rows over the real rows."""
        return self.measured.estimates[f"gain.{self.metric}{self.part}"]

    @property
    def some_rows(self) -> Estimate | None:
        """The gain of real + selected rows over the real rows; None if it did not run."""
        return self.measured.estimates.get(f"gain.{self.metric}.selected")

    def verdict(self) -> Verdict:
        """Use all rows, use the selected rows, do not use, or inconclusive."""
        whole, some = self.all_rows, self.some_rows
        decides = f"gain.{self.metric}{self.part}"
        found = effect(whole, self.min_gain)
        part = None if some is None else effect(some, self.min_gain)
        if some is not None and part == "gain" and (found != "gain" or some.value > whole.value):
            sentence = f"Use a subset: {self._words(some)}, with the {self.selected:,} selected rows."
            about = f"{sentence}{self._as_forecast(f'For all {self.rows:,} rows, the fast proxy')}{self._once()}"
            return Verdict(
                decision="use_subset",
                sentence=about,
                rows_to_use=self.selected,
                action=f"Use the {self.selected:,} selected of {self.rows:,} rows.",
                estimate=f"gain.{self.metric}.selected",
                next_command=_SELECT,
            )
        after = f"{self._as_forecast('The fast proxy')}{self._once()}"
        about = f"{self._words(whole)}, with {self.rows:,} synthetic rows"
        if not any(self.measured.steps["both"]):
            return Verdict(
                decision="cannot_tell",
                sentence=(
                    f"Inconclusive: none of the {self.measured.plan.steps} steps of {NAMES['both']} lowered the loss "
                    "of held-out real rows, so the untrained student was evaluated. Train for more steps, or try other "
                    "learning rates."
                ),
                action="The student learned nothing from these rows.",
                needs="more steps, or other learning rates",
                estimate=decides,
                next_command="syngain train REAL SYNTHETIC --steps 480",
            )
        if found == "gain":
            return Verdict(
                decision="use",
                sentence=f"Use all {self.rows:,} rows: {self._words(whole)}.{after}",
                rows_to_use=self.rows,
                action=f"Use all {self.rows:,} rows.",
                estimate=decides,
                next_command=_SELECT,
            )
        if found == "cannot_tell":
            return Verdict(
                decision="cannot_tell",
                sentence=f"Inconclusive: {about}.{after} Add seeds or test rows.",
                action=f"The gain of all {self.rows:,} rows is unclear.",
                estimate=decides,
                needs="more seeds or test rows",
                next_command="syngain train REAL SYNTHETIC --n-repeats 6 --test TEST",
            )
        least = "" if found == "harm" else f" Below --min-gain ({self.min_gain:g} {LOSSES[self.metric][1]})."
        return Verdict(
            decision="do_not_use",
            sentence=f"Do not use it: {about}.{least}{after}",
            rows_to_use=0,
            action=f"Do not use all {self.rows:,} rows: {'they lower the score' if found == 'harm' else 'no gain'}.",
            estimate=decides,
            next_command="syngain audit REAL SYNTHETIC",
        )

    def findings(self) -> tuple[Finding, ...]:
        """``harm`` or ``no_gain`` if measured, then the limits of the run."""
        return (*self._effects(), *self._limits())

    def _effects(self) -> tuple[Finding, ...]:
        found = effect(self.all_rows, self.min_gain)
        if found not in {"harm", "no_gain"} or not any(self.measured.steps["both"]):
            return ()
        words = f"Gain with {self.rows:,} synthetic rows: {self._words(self.all_rows)}"
        expected = "at least 0" if found == "harm" else f"at least {self.min_gain:g} {LOSSES[self.metric][1]}"
        return (
            Finding(
                id=found,
                severity="high" if found == "harm" else "medium",
                message=f"{words} (expected {expected}).",
                estimates=(f"gain.{self.metric}{self.part}",),
                rows=self.rows,
            ),
        )

    def _limits(self) -> tuple[Finding, ...]:
        """Limits: one seed, rows unseen or truncated, variants that learned nothing."""
        still = [NAMES[arm] for arm, steps in self.measured.steps.items() if arm != "base" and 0 in steps]
        said = [capital(note) for note in self.measured.notes]
        if still:
            said.insert(
                0,
                f"No step of {', '.join(still)} lowered the loss of held-out real rows in some seed, so the untrained "
                "student was evaluated there. Train for more steps, or try other learning rates",
            )
        single = self.measured.plan.seeds == 1
        if single:
            said.insert(0, "Only one seed was run: another order of the same rows may give another result")
        if not said:
            return ()
        return (
            Finding(id="limited_run", severity="medium" if single or still else "low", message=f"{'. '.join(said)}."),
        )

    def paragraphs(self) -> tuple[tuple[str, str], ...]:
        """Forecast versus measured gain, and what their comparison shows."""
        pair = self._pair()
        if pair is None:
            return ()
        forecast, measured = pair
        low, high = forecast.interval(LEVEL)
        held = "inside" if low <= measured.value <= high else "outside"
        return (
            (
                "Forecast versus measured",
                (
                    f"The fast proxy forecast {gain_words(forecast)}, from the real rows alone. The student's measured "
                    f"gain is {gain_words(measured)}, {held} the forecast interval. Proxy and student are different "
                    "models: compare the signs, not the sizes."
                ),
            ),
        )

    def _pair(self) -> tuple[Estimate, Estimate] | None:
        forecast = self.forecast.get(f"gain.{self.compared}@proxy")
        measured = self.measured.estimates.get(f"gain.{self.compared}{self.part}")
        return None if forecast is None or measured is None or LEVEL not in forecast.intervals else (forecast, measured)

    def _once(self) -> str:
        return " Only one seed was run: another may differ." if self.measured.plan.seeds == 1 else ""

    def _as_forecast(self, who: str) -> str:
        """Whether the forecast had the sign of the gain of all rows."""
        pair = self._pair()
        if pair is None:
            return ""
        forecast, measured = pair
        if any(low <= 0 <= high for low, high in (item.interval(LEVEL) for item in pair)):
            return f" {who} forecast {gain_words(forecast)}."
        sign = "the same sign as" if (forecast.value > 0) == (measured.value > 0) else "the opposite sign of"
        return f" {who} forecast {gain_words(forecast)}: {sign} the measured {gain_words(measured)}."

    def _words(self, estimate: Estimate) -> str:
        return f"{gain_words(estimate)}, {LOSSES[self.metric][0]}"


def curves(found: StudentGain) -> dict[str, Series]:
    """Loss of the held-out real rows over steps, mean over seeds, 90% t-interval."""
    out = {}
    for arm, seeds in found.curves.items():
        shared = sorted(set.intersection(*(set(dict(curve)) for curve in seeds))) if seeds else []
        if len(shared) < 2:
            continue
        losses = np.array([[dict(curve)[step] for step in shared] for curve in seeds])
        mean = losses.mean(axis=0)
        half = np.zeros_like(mean)
        if len(seeds) > 1:
            half = stats.t.ppf((1 + LEVEL) / 2, len(seeds) - 1) * losses.std(axis=0, ddof=1) / np.sqrt(len(seeds))
        out[f"train.loss@{ID_NAMES[arm]}"] = Series(
            x_name="optimizer steps",
            x=tuple(float(step) for step in shared),
            value=tuple(mean.tolist()),
            lower=tuple((mean - half).tolist()),
            upper=tuple((mean + half).tolist()),
            level=LEVEL,
        )
    return out


def run_paragraphs(found: StudentGain, student: CausalProxy, trainer: str) -> tuple[tuple[str, str], ...]:
    """How the student was trained: model, plan, variants, notes."""
    steps = "; ".join(
        f"{NAMES[arm]}: steps {', '.join(map(str, found.steps[arm]))} at rates "
        f"{', '.join(f'{rate:g}' for rate in found.rates[arm])}"
        for arm in found.steps
        if arm != "base"
    )
    by = "TRL's trainer" if trainer == "trl" else "syngain's own loop"
    return (
        ("Student", f"{student.model}, adapters of rank {student.rank} by {by}. {loss_sentence(student.loss)}"),
        ("Plan", plan_sentence(found.plan)),
        ("Variants", f"{steps}. Learning rate and steps are chosen on held-out real rows, never on the test rows."),
        *((("Notes", " ".join(f"{note}." for note in found.notes)),) if found.notes else ()),
    )
