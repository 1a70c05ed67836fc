"""Sentences on a training run: the verdict, the findings, forecast beside measured, and the learning curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from syngain.core.result import Finding, Series, Verdict
from syngain.gain.outcome.effects import effect
from syngain.training.student.narrative import plan_sentence
from syngain.training.student.time_budget import NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.core.estimate import Estimate
    from syngain.learners.causal import CausalProxy
    from syngain.training.student import StudentGain

LEVEL = 0.9
LOSSES = {
    "kl_gap": ("loss on held-out real rows", "nats per token"),
    "log_loss": ("log-loss of real labels", "nats per row"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingNarrative:
    """Measured gains of a student with what was forecast.

    Attributes:
        measured: the student's. forecast: by the proxies, ids with ``@proxy``. metric: decides.
        compared: the measure that both have. part: ``.test`` when there was a test set.
        min_gain: the smallest gain that matters. rows: synthetic rows. selected: of them in the selected arm.
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
        """The gain of anchors + synthetic over the anchors."""
        return self.measured.estimates[f"gain.{self.metric}{self.part}"]

    @property
    def some_rows(self) -> Estimate | None:
        """The gain of anchors + selected over the anchors; None where the arm did not run."""
        return self.measured.estimates.get(f"gain.{self.metric}.selected")

    def verdict(self) -> Verdict:
        """Use all, use the selected rows, do not use, or cannot tell."""
        whole, some = self.all_rows, self.some_rows
        found = effect(whole, self.min_gain)
        part = None if some is None else effect(some, self.min_gain)
        if some is not None and part == "gain" and (found != "gain" or some.value > whole.value):
            sentence = f"Use the {self.selected:,} selected rows: {self._words(some, self.selected)}."
            about = f"{sentence}{self._as_forecast(f'For all {self.rows:,} rows the fast proxy')}{self._once()}"
            return Verdict(decision="use_subset", sentence=about, rows_to_use=self.selected)
        words = f"{self._words(whole, self.rows)}.{self._as_forecast('The fast proxy')}{self._once()}"
        if not any(self.measured.steps["both"]):
            return Verdict(
                decision="cannot_tell",
                sentence=(
                    f"Cannot tell: none of the {self.measured.plan.steps} steps of anchors + synthetic lowered the "
                    "loss of held-out anchors, so the untrained student was judged. More steps or other rates would "
                    "tell."
                ),
            )
        if found == "gain":
            return Verdict(decision="use", sentence=f"Use it: {words}", rows_to_use=self.rows)
        if found == "cannot_tell":
            return Verdict(decision="cannot_tell", sentence=f"Cannot tell: {words} More seeds or test rows would tell.")
        lead = "Do not add it as it is" if found == "harm" else "It adds nothing that matters"
        return Verdict(decision="do_not_use", sentence=f"{lead}: {words}", rows_to_use=0)

    def findings(self) -> tuple[Finding, ...]:
        """``harm`` or ``no_gain`` where the student shows it, then what the run could not see."""
        return (*self._effects(), *self._limits())

    def _effects(self) -> tuple[Finding, ...]:
        found = effect(self.all_rows, self.min_gain)
        if found not in {"harm", "no_gain"} or not any(self.measured.steps["both"]):
            return ()
        words = self._words(self.all_rows, self.rows)
        return (
            Finding(
                id=found,
                severity="high" if found == "harm" else "medium",
                message=f"{words[:1].upper()}{words[1:]}.",
                estimates=(f"gain.{self.metric}{self.part}",),
                rows=self.rows,
            ),
        )

    def _limits(self) -> tuple[Finding, ...]:
        """One seed, rows that were never seen or were cut, arms that learned nothing."""
        still = [NAMES[arm] for arm, steps in self.measured.steps.items() if arm != "base" and 0 in steps]
        said = [f"{note[:1].upper()}{note[1:]}" for note in self.measured.notes]
        if still:
            said.insert(
                0,
                f"No step of {', '.join(still)} lowered the loss of held-out anchors in some seed: there the untrained "
                "student was judged, and more steps or other rates would tell",
            )
        single = self.measured.plan.seeds == 1
        if single:
            said.insert(0, "All is from one seed: another order of the same rows may say otherwise")
        if not said:
            return ()
        return (
            Finding(id="limited_run", severity="medium" if single or still else "low", message=f"{'. '.join(said)}."),
        )

    def paragraphs(self) -> tuple[tuple[str, str], ...]:
        """Forecast beside measured, with what the comparison can show."""
        pair = self._pair()
        if pair is None:
            return ()
        forecast, measured = pair
        low, high = forecast.interval(LEVEL)
        held = "holds" if low <= measured.value <= high else "does not hold"
        return (
            (
                "Predicted against measured",
                (
                    f"The fast proxy forecast {_signed(forecast)} {forecast.unit} from the anchors alone; the "
                    f"student's measured gain is {_signed(measured)}. The forecast's interval {held} it. Proxy and "
                    "student are different learners: the sign is what a forecast is for, its size is the proxy's own."
                ),
            ),
        )

    def _pair(self) -> tuple[Estimate, Estimate] | None:
        forecast = self.forecast.get(f"gain.{self.compared}@proxy")
        measured = self.measured.estimates.get(f"gain.{self.compared}{self.part}")
        return None if forecast is None or measured is None or LEVEL not in forecast.intervals else (forecast, measured)

    def _once(self) -> str:
        return " All from one seed: another may say otherwise." if self.measured.plan.seeds == 1 else ""

    def _as_forecast(self, who: str) -> str:
        """Whether the forecast had the sign of the gain of all rows."""
        pair = self._pair()
        if pair is None:
            return ""
        forecast, measured = pair
        if any(low <= 0 <= high for low, high in (item.interval(LEVEL) for item in pair)):
            return f" {who} forecast {_signed(forecast)} {forecast.unit}."
        sign = "the same sign as" if (forecast.value > 0) == (measured.value > 0) else "the OTHER sign than"
        return (
            f" {who} forecast {_signed(forecast)} {forecast.unit}: {sign} the {_signed(measured)} that this student "
            "gained."
        )

    def _words(self, estimate: Estimate, rows: int) -> str:
        low, high = estimate.interval(LEVEL)
        did = "lowered" if estimate.value >= 0 else "raised"
        ends = sorted((low, high) if estimate.value >= 0 else (-low, -high))
        what, unit = LOSSES[self.metric]
        return (
            f"with {rows:,} synthetic rows this student's {what} is {did} by {abs(estimate.value):.3f} {unit} "
            f"(90 % interval {ends[0]:.3f} to {ends[1]:.3f})"
        )


def curves(found: StudentGain) -> dict[str, Series]:
    """Loss of the held-out anchors over the steps of each arm, mean over seeds with a 90 % t-interval."""
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
        out[f"train.loss@{NAMES[arm].replace(' + ', '_and_').replace(' ', '_')}"] = Series(
            x_name="optimizer steps",
            x=tuple(float(step) for step in shared),
            value=tuple(mean.tolist()),
            lower=tuple((mean - half).tolist()),
            upper=tuple((mean + half).tolist()),
            level=LEVEL,
        )
    return out


def _signed(estimate: Estimate) -> str:
    low, high = estimate.interval(LEVEL)
    return f"{estimate.value:+.4f} (90 % interval {low:+.4f} to {high:+.4f})"


def run_paragraphs(found: StudentGain, student: CausalProxy, trainer: str) -> tuple[tuple[str, str], ...]:
    """How the student was trained: model, plan, arms, and how it went."""
    steps = "; ".join(
        f"{NAMES[arm]}: steps {', '.join(map(str, found.steps[arm]))} at rates "
        f"{', '.join(f'{rate:g}' for rate in found.rates[arm])}"
        for arm in found.steps
        if arm != "base"
    )
    by = "TRL's trainer" if trainer == "trl" else "syngain's own loop"
    return (
        ("Student", f"{student.model}, adapters of rank {student.rank} by {by}; only responses count."),
        ("Plan", plan_sentence(found.plan)),
        ("Arms", f"{steps}. Learning rate and steps are chosen on held-out anchors, never on the test."),
        *((("How it went", " ".join(f"{note}." for note in found.notes)),) if found.notes else ()),
    )
