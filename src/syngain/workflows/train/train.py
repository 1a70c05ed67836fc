"""``syngain train``: fine-tune a small LM and verify the forecast."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from syngain._version import __version__
from syngain.core.errors import InputError, UsageError
from syngain.core.progress import Progress, silent
from syngain.core.result import Result, Views
from syngain.core.rng import Streams
from syngain.data.dataset import Kind
from syngain.data.study import Study
from syngain.gain.calibration import recorded
from syngain.gain.design.layout import check
from syngain.gain.design.overlap import FEWEST, apart
from syngain.learners.adapting import plain
from syngain.learners.causal import CausalProxy
from syngain.training.narrative import TrainingNarrative, curves, run_paragraphs
from syngain.training.student import StudentLimits, StudentSettings, language_gain
from syngain.training.student.arms import StudentDesign
from syngain.training.student.judging import Labels, Surprisal
from syngain.workflows.inputs import Source, as_responses, of_kind, settings_json, study_of, study_summaries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from syngain.core.arrays import Ints
    from syngain.core.estimate import Estimate
    from syngain.data.dataset import Dataset
    from syngain.learners.adapting import Stepper
    from syngain.training.student import StudentGain
    from syngain.training.student.arms import Choose
    from syngain.training.student.judging import StudentScorer
    from syngain.training.student.time_budget import Arm

ARMS: tuple[Arm, ...] = ("base", "anchors", "both", "selected", "duplicated", "synthetic")
SHORT = 24  # bytes of a response that is compared exactly
PROXY = "@proxy"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """How students are trained and evaluated.

    Attributes:
        student: the model and how it learns. steps: optimizer steps of every variant. seeds: repetitions.
        minutes: plan for them, reducing steps before seeds before variants; None takes ``steps`` and ``seeds`` as
            given.
        selected: fraction of the synthetic rows in the variant ``anchors + selected``, 0 for no such variant. method:
            the selection method.
        min_gain: the smallest gain that matters, in the unit of the deciding measure.
        forecast: whether the fast proxy models forecast the gain.
        trainer: ``trl`` or ``plain``, which take the same steps.
    """

    student: CausalProxy = field(default_factory=CausalProxy)
    steps: int = 120
    seeds: int = 3
    minutes: float | None = None
    selected: float = 0.5
    method: str = "faithful_then_diverse"
    min_gain: float = 0.01
    forecast: bool = True
    trainer: Literal["trl", "plain"] = "trl"

    def __post_init__(self) -> None:
        if not 0 <= self.selected < 1:
            raise UsageError(
                f"a selected fraction of {self.selected}",
                expected="from 0 (no such variant) to below 1",
                todo="set --selected, for example to 0.5",
            )
        if self.min_gain <= 0:
            raise UsageError(
                f"--min-gain {self.min_gain}", expected="a number above 0", todo="set --min-gain, for example 0.01"
            )

    @property
    def limits(self) -> StudentLimits:
        """Most and least work: everything, unless there is a time budget."""
        least = self.steps if self.minutes is None else min(20, self.steps)
        return StudentLimits(steps=(least, self.steps), seeds=self.seeds, once=True)


def train(  # noqa: PLR0913  (the inputs and switches of the command)
    real: Source,
    synthetic: Source,
    *,
    folder: Path,
    test: Source | None = None,
    settings: TrainSettings | None = None,
    seed: int = 0,
    resume: bool = False,
    progress: Progress = silent,
) -> Result:
    """Fine-tune a causal language model on every variant and measure the gain.

    The variants are the untrained model, real rows, real + synthetic rows, real + selected rows, the oversampling
    control, and synthetic rows alone: equal optimizer steps, learning rate tuned once per variant, the best step kept,
    by held-out real rows. Labeled rows are learned as text and label, and evaluated by the label among all labels.

    Args:
        real: the real rows, as a dataset or a path.
        synthetic: the synthetic rows.
        folder: where finished variants and the one that is being trained are kept until the result is written.
        test: real rows to evaluate on; else a quarter of the real rows is held out in each seed.
        settings: student, steps, seeds, minutes, selection.
        seed: of every random choice.
        resume: continue from what ``folder`` holds.
        progress: called with the stage and the fraction done.

    Raises:
        InputError: rows, model or chat template cannot be used; nothing was trained.
        UnfinishedError: not enough memory or minutes; finished parts are kept.
        MissingDependencyError: torch, transformers, peft or trl is not installed.
    """
    chosen = of_kind(settings, TrainSettings)
    given = study_of(real, synthetic, test=test)
    _check(given, chosen)
    clean = apart(given.real, given.synthetic, given.test, None)
    study = given.judged_by(clean.test, None)
    stepper = _stepper(chosen)
    forecast = _forecast(study, chosen, seed, progress)
    student = _student(study, chosen, stepper, seed)
    rows = _as_responses(study)
    found = language_gain(rows, folder=folder, settings=student, seed=seed, progress=progress, resume=resume)
    narrative = _narrative(found, forecast, student.design, study, chosen)
    computed = (*run_paragraphs(found, chosen.student, chosen.trainer), *clean.paragraph(), *narrative.paragraphs())
    leaks = clean.finding(given.test, given.synthetic) if given.test is not None else ()
    result = Result(
        command="train",
        version=__version__,
        seed=seed,
        inputs=study_summaries(given),
        estimates=dict(sorted({**found.estimates, **forecast}.items())),
        series=curves(found),
        findings=(*leaks, *narrative.findings()),
        verdict=narrative.verdict(),
        views=Views(computed=computed),
        settings=settings_json(chosen),
    )
    return recorded(result)


def _check(study: Study, chosen: TrainSettings) -> None:
    """Checks before any model is loaded or trained."""
    from syngain.selection.methods import method_named

    method_named(chosen.method)
    as_responses(study.real)
    test = study.test
    check(study.real, study.synthetic, [study.real, *([] if test is None else [test])])
    if test is not None and len(test) < FEWEST:
        raise InputError(
            f"{test.name} has {len(test):,} rows",
            expected=f"at least {FEWEST} test rows",
            todo="add test rows, or omit --test to hold out 25% of REAL",
        )


def _as_responses(study: Study) -> Study:
    """Labels as responses, for a language model."""
    test = None if study.test is None else as_responses(study.test)
    return Study.of(as_responses(study.real), as_responses(study.synthetic), test=test)


def _student(study: Study, chosen: TrainSettings, stepper: Stepper, seed: int) -> StudentSettings:
    """Which variants run, for how long, and their measures."""
    design = StudentDesign(
        arms=ARMS if chosen.selected else tuple(arm for arm in ARMS if arm != "selected"),
        choose=_chooser(study, chosen, seed),
        stepper=stepper,
        judge=_judge([data for data in (study.real, study.synthetic, study.test) if data is not None]),
    )
    return StudentSettings(proxy=chosen.student, minutes=chosen.minutes, limits=chosen.limits, design=design)


def _stepper(chosen: TrainSettings) -> Stepper:
    if chosen.trainer == "plain":
        return plain
    from syngain.training.trl_sft import needed, supervised

    needed()
    return supervised


def _judge(sets: Sequence[Dataset]) -> StudentScorer:
    """Labels if there are some, else surprisal; short responses also by exact match."""
    if sets[0].labels is not None:
        return Labels(tuple(sorted({label for data in sets for label in data.labels or ()})))
    if sets[0].kind is not Kind.PAIR:
        return Surprisal()
    sizes = [len(response.encode("utf-8", "replace")) for response in sets[0].sides["response"]]
    return Surprisal(exact=bool(np.median(sizes) <= SHORT))


def _compared(judge: StudentScorer) -> str:
    """The measure common to student and proxies."""
    return "log_loss" if isinstance(judge, Labels) else "nats_per_byte"


def _narrative(
    found: StudentGain, forecast: Mapping[str, Estimate], design: StudentDesign, study: Study, chosen: TrainSettings
) -> TrainingNarrative:
    return TrainingNarrative(
        measured=found,
        forecast=forecast,
        metric=design.judge.metrics[0],
        compared=_compared(design.judge),
        part="" if study.test is None else ".test",
        min_gain=chosen.min_gain,
        rows=len(study.synthetic),
        selected=round(chosen.selected * len(study.synthetic)),
    )


def _chooser(study: Study, chosen: TrainSettings, seed: int) -> Choose | None:
    """Selects rows for a seed, from its own training real rows only."""
    if not chosen.selected:
        return None
    from syngain.selection.layout import SelectionLayout
    from syngain.selection.methods import method_named

    method, streams = method_named(chosen.method), Streams(seed, ("selected",))
    laid = SelectionLayout.of(study.judged_by(None, None), streams=streams)

    def choose(own: Ints, rows: Ints) -> Ints:
        count = max(1, round(chosen.selected * rows.size))
        ranking = method.rank(laid.candidates(own, rows), count, streams.stream("method"))
        return rows[ranking.order[:count]]

    return choose


def _forecast(study: Study, chosen: TrainSettings, seed: int, progress: Progress) -> Mapping[str, Estimate]:
    """The proxy forecast from the real rows and its test measurement; empty if none."""
    if not chosen.forecast:
        return {}
    from syngain.workflows.evaluate.gain import GainSettings, gain_part

    def within(stage: str, _done: float) -> None:
        progress(f"forecast by the fast proxy: {stage}", 0.0)

    part = gain_part(study, streams=Streams(seed), settings=GainSettings(quick=True), progress=within)
    measures = ("log_loss", "accuracy") if study.real.labels is not None else ("nats_per_byte",)
    names = [f"gain.{measure}{tail}" for measure in measures for tail in ("", ".test")]
    return {name + PROXY: part.estimates[name] for name in names if name in part.estimates}
