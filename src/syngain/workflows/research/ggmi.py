"""``syngain ggmi``: memorization and GGMI.

GGMI is the generalization gain via mutual information, from conditional mutual information (CMI) of supersamples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from syngain._version import __version__
from syngain.core.estimate import Estimate
from syngain.core.folders.finished_units import FinishedUnits
from syngain.core.progress import Progress, part_of, silent
from syngain.core.result import Result, Views, identity
from syngain.core.rng import Streams
from syngain.data.study import Study
from syngain.gain.design.layout import GainLayout
from syngain.gain.generalization import JointTask, Masks
from syngain.inference.intervals import normal_intervals
from syngain.information.estimators.supersample import KINDS
from syngain.workflows.evaluate.gain import GainSettings, gain_part
from syngain.workflows.inputs import Source, as_responses, of_kind, settings_json, study_of, study_summaries
from syngain.workflows.research.ggmi_narrative import paragraphs, verdict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from syngain.core.arrays import Floats, Ints
    from syngain.data.dataset import Dataset
    from syngain.data.encoders.vectors import TextEncoder
    from syngain.gain.proxies.labels import Classifier
    from syngain.gain.proxies.task import Task
    from syngain.information.estimators.supersample import Kind, Supersamples
    from syngain.learners.causal import CausalProxy

WORDS: Mapping[Kind, str] = {"ld": "loss difference", "e": "pair of losses", "f": "pair of predictions"}
SIDES: Mapping[str, str] = {"anchors": "learner of the real rows", "synthetic": "learner of the synthetic rows"}


@dataclass(frozen=True, slots=True, kw_only=True)
class GgmiSettings:
    """Settings of the measurement.

    Attributes:
        masks: pairs, masks and supersamples. gain: whether the measured gain is shown next to it.
        encoder: turns text into embeddings; None needs no download. learner: the proxy; None is that of the rows' kind.
        student: a language model that learns the rows instead, ``steps`` optimizer steps at a time; labels are then
            its responses.
    """

    masks: Masks = field(default_factory=Masks)
    gain: bool = True
    encoder: TextEncoder | None = None
    learner: Classifier | None = None
    student: CausalProxy | None = None
    steps: int = 20


def ggmi(  # noqa: PLR0913  (the inputs and switches of the command)
    real: Source,
    synthetic: Source,
    *,
    test: Source | None = None,
    seed: int = 0,
    settings: GgmiSettings | None = None,
    folder: Path | None = None,
    resume: bool = False,
    progress: Progress = silent,
) -> Result:
    """Estimate memorization and GGMI (generalization gain via mutual information).

    Memorization is the information a learner leaks about its training rows. GGMI is that of the real rows minus that of
    the synthetic rows (:mod:`syngain.information.estimators.supersample`). It bounds
    the generalization gap of the learner of synthetic rows on fresh *synthetic* rows, not on real ones. So the measured
    gain is shown next to it.

    Args:
        real: the real rows, as a dataset or a path.
        synthetic: the synthetic rows.
        test: real rows on which the gain is measured; without them it is forecast.
        seed: of every random choice.
        settings: pairs, masks, supersamples, proxy.
        folder: where the finished fits of a student are kept until the result is written; None keeps none.
        resume: continue from what ``folder`` holds.
        progress: called with the stage and the fraction done.

    Raises:
        InputError: a file cannot be read, the datasets do not fit each other, or a dataset has under 20 rows.
        UsageError: ``folder`` holds an unfinished run and is not to be resumed, or is of other inputs or settings.
        UnfinishedError: not enough memory or room on the disk; finished parts are kept.
    """
    progress("reading", 0.0)
    chosen = of_kind(settings, GgmiSettings)
    study, streams = study_of(real, synthetic, test=test), Streams(seed)
    inputs, numbers = study_summaries(study), settings_json(chosen)
    if chosen.student is None:
        found = _sides(study, chosen, streams, progress)
    else:
        job = identity("ggmi", seed, {name: item.fingerprint for name, item in inputs.items()}, numbers)
        place = _Place(folder, job, resume)
        found = _sides_of_students(chosen.student, study, chosen, streams, place, progress)
    estimates, part = _panel(found, streams), None
    if chosen.gain:
        settled = GainSettings(quick=True, encoder=chosen.encoder)
        part = gain_part(study, streams=streams, settings=settled, progress=part_of(progress, 0.75, 1.0))
        estimates |= {name: part.estimates[name] for name in _beside(part.found.metric) if name in part.estimates}
    progress("done", 1.0)
    return Result(
        command="ggmi",
        version=__version__,
        seed=seed,
        inputs=inputs,
        estimates=dict(sorted(estimates.items())),
        findings=() if part is None else part.findings,
        verdict=verdict(estimates, part),
        views=Views(computed=paragraphs(found, study.synthetic, chosen.student, chosen.steps)),
        settings=numbers,
    )


def _sides(study: Study, settings: GgmiSettings, streams: Streams, progress: Progress) -> dict[str, Supersamples]:
    if study.synthetic.labels is None:
        most = 4 * settings.masks.pairs
        real, synthetic = (_thinned(rows, most, streams) for rows in (study.real, study.synthetic))
        study = Study.of(real, synthetic)
    with threadpool_limits(1):
        layout = GainLayout.of_study(study.judged_by(None, None))
        task: Task
        if layout.labeled:
            task = layout.label_task(streams, encoder=settings.encoder, learner=settings.learner)
        else:
            task = layout.text_task()
        return _both(JointTask.of(layout, task), settings.masks, streams, FinishedUnits(), progress)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where finished fits are kept, and what they depend on."""

    folder: Path | None
    identity: Mapping[str, object]
    resume: bool


def _sides_of_students(
    student: CausalProxy,
    study: Study,
    settings: GgmiSettings,
    streams: Streams,
    place: _Place,
    progress: Progress,
) -> dict[str, Supersamples]:
    from syngain.training.student.supersample_task import StudentTask

    model = student.open(progress)
    ours, theirs = as_responses(study.real), as_responses(study.synthetic)
    joint = JointTask(
        StudentTask.of(model, ours, theirs, steps=settings.steps),
        np.arange(len(ours)),
        len(ours) + np.arange(len(theirs)),
    )
    job = {**place.identity, "weights of the model": model.identity, "device": model.device}
    units = FinishedUnits.opened(place.folder, job, resume=place.resume)
    return _both(joint, settings.masks, streams, units, progress)


def _both(
    joint: JointTask, plan: Masks, streams: Streams, units: FinishedUnits, progress: Progress
) -> dict[str, Supersamples]:
    """The learner of the real rows, then that of the synthetic rows."""

    def side(name: str, rows: Ints, start: float) -> Supersamples:
        def within(stage: str, done: float) -> None:
            progress(f"{name}: {stage}", start + 0.35 * done)

        return joint.supersamples(rows, plan, streams.child(name), units=units, progress=within)

    return {"anchors": side("anchors", joint.anchors, 0.05), "synthetic": side("synthetic", joint.synthetic, 0.4)}


def _beside(metric: str) -> tuple[str, ...]:
    """Gains of all rows, of synthetic rows alone, and over the oversampling control."""
    return (
        f"gain.{metric}.test",
        f"gain.{metric}",
        f"gain.{metric}@expected",
        f"gain.{metric}.synthetic_only",
        f"gain.{metric}@over_duplication",
    )


def _thinned(rows: Dataset, most: int, streams: Streams) -> Dataset:
    """Rows of texts that supersamples are drawn from: every fit goes over all of them."""
    if len(rows) <= most:
        return rows
    return rows.take(np.sort(streams.stream("thin", rows.name).permutation(len(rows))[:most]).tolist())


def _panel(found: Mapping[str, Supersamples], streams: Streams) -> dict[str, Estimate]:
    """Every number of both sides, and their difference."""
    out: dict[str, Estimate] = {}
    for side, samples in found.items():
        for kind in KINDS:
            if kind == "f" and samples.guess is None:
                continue
            out[f"ggmi.{kind}_cmi@{side}"] = _information(samples, kind, side, streams)
            out[f"ggmi.bound_{kind}@{side}"] = _mean(
                samples.bound(kind),
                samples,
                unit="share",
                method=f"mean over pairs of sqrt(2 I) from the plug-in {kind}-CMI, which is biased upwards [wang2023]",
                estimand=f"upper bound on the generalization gap of the {SIDES[side]}, rows of the same distribution",
                direction="upper",
            )
        out[f"ggmi.gap@{side}"] = _mean(
            samples.gaps(),
            samples,
            unit="share",
            method="0-1 loss of the held-out row of every pair minus that of the training row",
            estimand=f"generalization gap of the {SIDES[side]} on fresh rows of the same distribution",
        )
        out[f"ggmi.error@{side}"] = _mean(
            samples.held.mean(axis=(1, 2)),
            samples,
            unit="share",
            method="0-1 loss of the held-out row of every pair",
            estimand=f"error of the {SIDES[side]} on fresh rows of the same distribution",
            references={"pooled ld-CMI / ln 2": float(samples.pooled().mean() / math.log(2))},
        ).within(0, 1)
    ours, theirs = (found[side].corrected("ld").mean(axis=1) for side in ("anchors", "synthetic"))
    error = math.sqrt(ours.var(ddof=1) / ours.size + theirs.var(ddof=1) / theirs.size)
    value = float(ours.mean() - theirs.mean())
    out["ggmi.difference"] = Estimate(
        value=value,
        intervals=normal_intervals(value, error, ours.size + theirs.size - 2.0),
        n=sum(2 * item.second.shape[2] for item in found.values()),
        clusters=ours.size + theirs.size,
        unit="nats per row",
        method="conditional mutual information (ld-CMI), real-row learner minus synthetic-row learner, per row",
        estimand="GGMI (generalization gain via mutual information), loss-difference version",
    )
    return out


def _information(samples: Supersamples, kind: Kind, side: str, streams: Streams) -> Estimate:
    null = samples.null(kind, streams.stream("null", side, kind))
    value = samples.corrected(kind).mean(axis=1)
    at_least = 1 + int(np.count_nonzero(null >= value.mean()))
    low, high = np.quantile(null, (0.025, 0.975))
    return _mean(
        value,
        samples,
        unit="nats per row",
        method=f"information of the {WORDS[kind]} of a pair on its mask, {samples.second.shape[1]} masks, chance part "
        "off [miller1955], which may disturb ld <= e <= f; null: masks permuted",
        estimand=f"information that the {SIDES[side]} leaks about which row of a pair it was trained on",
        null=(float(low), float(high)),
        references={"uncorrected": float(samples.information(kind).mean())},
        p=at_least / (1 + null.size),
    )


def _mean(values: Floats, samples: Supersamples, **more: object) -> Estimate:
    """The mean over supersamples, with its interval."""
    value, count = float(values.mean()), values.size
    error = float(values.std(ddof=1)) / math.sqrt(count) if count > 1 else math.inf
    intervals = normal_intervals(value, error, count - 1.0) if count > 1 else {}
    return Estimate(
        value=value,
        intervals=intervals,
        n=2 * samples.second.shape[2] * count,
        clusters=count,
        **more,  # type: ignore[arg-type]
    )
