"""``syngain ggmi``: generalization information of a learner of synthetic rows against one of the anchors."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from syngain._version import __version__
from syngain.core.estimate import Estimate
from syngain.core.progress import Progress, silent
from syngain.core.result import Result, Verdict, Views
from syngain.core.rng import Streams
from syngain.gain.design.layout import Ground
from syngain.gain.generalization import Bench, Masks
from syngain.gain.proxies.texts import TextTask
from syngain.inference.intervals import normal_intervals
from syngain.information.estimators.supersample import KINDS
from syngain.workflows.evaluate.gain import GainSettings, gain_part
from syngain.workflows.inputs import Source, as_responses, dataset_of, optional_dataset, summaries

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from syngain.core.arrays import Floats
    from syngain.data.dataset import Dataset
    from syngain.data.encoders.vectors import TextEncoder
    from syngain.gain.proxies.labels import Classifier
    from syngain.gain.proxies.task import Task
    from syngain.information.estimators.supersample import Kind, Supersamples
    from syngain.learners.causal import CausalProxy
    from syngain.workflows.evaluate.gain import GainPart

WORDS: Mapping[Kind, str] = {"ld": "loss difference", "e": "pair of losses", "f": "pair of predictions"}
SIDES: Mapping[str, str] = {"anchors": "learner of the anchors", "synthetic": "learner of the synthetic rows"}


@dataclass(frozen=True, slots=True, kw_only=True)
class GgmiSettings:
    """How the panel is measured.

    Attributes:
        masks: pairs, masks and supersamples. gain: whether the measured gain stands beside it.
        encoder: turns text into vectors; None needs no download. learner: the proxy; None is that of the rows' kind.
        student: a language model that learns the rows instead, ``steps`` optimizer steps at a time; labels are then
            its responses.
    """

    masks: Masks = field(default_factory=Masks)
    gain: bool = True
    encoder: TextEncoder | None = None
    learner: Classifier | None = None
    student: CausalProxy | None = None
    steps: int = 20


def ggmi(
    real: Source,
    synthetic: Source,
    *,
    test: Source | None = None,
    seed: int = 0,
    settings: GgmiSettings | None = None,
    progress: Progress = silent,
) -> Result:
    """How much learners give away of the rows they learned from, for the anchors and for the synthetic rows.

    GGMI is the first minus the second, per row, by the information of loss differences on the mask of a supersample
    (:mod:`syngain.information.estimators.supersample`). It bounds how far the learner of synthetic rows does worse on
    fresh *synthetic* rows, never on real ones: the measured gain stands beside it for that reason.

    Args:
        real: the anchors, as a dataset or a path.
        synthetic: the synthetic rows.
        test: real rows on which the gain is measured; without them it is forecast.
        seed: of every random choice.
        settings: pairs, masks, supersamples, proxy.
        progress: called with the stage and the share done.

    Raises:
        InputError: a file cannot be read, the sets do not fit each other, or there are fewer than 20 rows of a set.
    """
    progress("reading", 0.0)
    chosen = settings or GgmiSettings()
    anchors = dataset_of(real)
    ours = dataset_of(synthetic, like=anchors)
    tested = optional_dataset(test, anchors)
    streams = Streams(seed)
    found = _sides(anchors, ours, chosen, streams, progress)
    estimates = _panel(found, streams)
    part = None
    if chosen.gain:
        settled = GainSettings(quick=True, encoder=chosen.encoder)
        part = gain_part(anchors, ours, test=tested, streams=streams, settings=settled, progress=_last(progress))
        estimates |= {name: part.estimates[name] for name in _beside(part.answer.metric) if name in part.estimates}
    progress("done", 1.0)
    return Result(
        command="ggmi",
        version=__version__,
        seed=seed,
        inputs=summaries({"real": anchors, "synthetic": ours, "test": tested}),
        estimates=dict(sorted(estimates.items())),
        findings=() if part is None else part.findings,
        verdict=_verdict(estimates, part),
        views=Views(computed=_words(found, ours, chosen)),
    )


def _sides(
    real: Dataset, synthetic: Dataset, settings: GgmiSettings, streams: Streams, progress: Progress
) -> dict[str, Supersamples]:
    if settings.student is not None:
        return _sides_of_students(settings.student, real, synthetic, settings, streams, progress)
    if synthetic.labels is None:
        most = 4 * settings.masks.pairs
        real, synthetic = _thinned(real, most, streams), _thinned(synthetic, most, streams)
    with threadpool_limits(1):
        ground = Ground.of(real, synthetic)
        task: Task
        if ground.labeled:
            task = ground.label_task(streams, encoder=settings.encoder, learner=settings.learner)
        else:
            task = TextTask.of_ground(ground)
        return _both(Bench.of(ground, task), settings, streams, progress)


def _sides_of_students(
    student: CausalProxy,
    real: Dataset,
    synthetic: Dataset,
    settings: GgmiSettings,
    streams: Streams,
    progress: Progress,
) -> dict[str, Supersamples]:
    from syngain.training.student.supersample_task import StudentTask

    ours, theirs = as_responses(real), as_responses(synthetic)
    task = StudentTask.of(student.open(progress), ours, theirs, steps=settings.steps)
    bench = Bench(task, np.arange(len(ours)), len(ours) + np.arange(len(theirs)))
    return _both(bench, settings, streams, progress)


def _both(bench: Bench, settings: GgmiSettings, streams: Streams, progress: Progress) -> dict[str, Supersamples]:
    out = {}
    for i, (name, rows) in enumerate((("anchors", bench.anchors), ("synthetic", bench.synthetic))):
        start = 0.05 + 0.35 * i
        out[name] = bench.supersamples(
            rows,
            settings.masks,
            streams.child(name),
            progress=lambda stage, done, at=start, of=name: progress(f"{of}: {stage}", at + 0.35 * done),  # type: ignore[misc]
        )
    return out


def _beside(metric: str) -> tuple[str, ...]:
    """The gain of all rows, of synthetic rows alone and over repeated anchors; measured and as forecast."""
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


def _last(progress: Progress) -> Progress:
    return lambda stage, done: progress(stage, 0.75 + 0.25 * done)


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
                method=f"mean over pairs of sqrt(2 I) from the plug-in {kind}-CMI, which errs upwards [wang2023]",
                estimand=f"most that the error of the {SIDES[side]} grows on fresh rows of its own kind",
                direction="upper",
            )
        out[f"ggmi.gap@{side}"] = _mean(
            samples.gaps(),
            samples,
            unit="share",
            method="0-1 loss of the held-out row of every pair minus that of the row learned",
            estimand=f"gap of the {SIDES[side]} on fresh rows of its own kind",
        )
        out[f"ggmi.error@{side}"] = _mean(
            samples.held.mean(axis=(1, 2)),
            samples,
            unit="share",
            method="0-1 loss of the held-out row of every pair",
            estimand=f"error of the {SIDES[side]} on fresh rows of its own kind",
            references={"pooled ld-CMI / ln 2": float(samples.pooled().mean() / math.log(2))},
        )
    ours, theirs = (found[side].corrected("ld").mean(axis=1) for side in ("anchors", "synthetic"))
    error = math.sqrt(ours.var(ddof=1) / ours.size + theirs.var(ddof=1) / theirs.size)
    value = float(ours.mean() - theirs.mean())
    out["ggmi.difference"] = Estimate(
        value=value,
        intervals=normal_intervals(value, error, ours.size + theirs.size - 2.0),
        n=sum(2 * item.second.shape[2] for item in found.values()),
        clusters=ours.size + theirs.size,
        unit="nats per row",
        method="ld-CMI of the learner of the anchors minus that of the learner of the synthetic rows, each per row",
        estimand="generalization gain through mutual information, loss-difference version",
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
        estimand=f"what the {SIDES[side]} gives away of which row it learned",
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


def _verdict(estimates: Mapping[str, Estimate], part: GainPart | None) -> Verdict:
    """What it means, and that it is no verdict on real rows."""
    panel = estimates["ggmi.difference"]
    low, high = panel.interval(0.9)
    gap = estimates["ggmi.gap@synthetic"].value
    said = (
        f"GGMI is {panel.value:+.3f} nats per row (90 % interval {low:+.3f} to {high:+.3f}): a learner of the "
        f"synthetic rows {_than(low, high)} of its own rows than one of the anchors"
    )
    far = f"It errs {100 * gap:.1f} points more often on fresh synthetic rows than on those it learned"
    parts = [f"{said}.", f"{far}; of real rows this says nothing."]
    parts.extend(_nothing_given(estimates))
    if part is None:
        return Verdict(decision="cannot_tell", sentence=" ".join(parts))
    alone = part.estimates.get(f"gain.{part.answer.metric}.synthetic_only")
    if alone is not None and alone.interval(0.9)[1] < 0:
        parts.append(f"Alone it is harm: {_loss(alone)} against the anchors.")
    return Verdict(
        decision=part.verdict.decision,
        sentence=" ".join([*parts, f"Measured gain: {part.verdict.sentence}"]),
        rows_to_use=part.verdict.rows_to_use,
    )


def _nothing_given(estimates: Mapping[str, Estimate]) -> Iterator[str]:
    """What it means when a learner gives nothing away: an easy set, one without content, or nothing learned."""
    sides = (estimates[f"ggmi.ld_cmi@{side}"] for side in ("anchors", "synthetic"))
    anchors, synthetic = (side.null is not None and side.value <= side.null[1] for side in sides)
    if synthetic:
        yield "GGMI is as large as it can be, as for any set that leaves nothing to learn, even a constant one."
    if anchors and synthetic:
        errors = [100 * estimates[f"ggmi.error@{side}"].value for side in ("anchors", "synthetic")]
        yield (
            "Neither learner gives away more than chance does, as with rows that are easy or a learner that learned "
            f"nothing (errors on fresh rows: {errors[0]:.0f} % of the anchors, {errors[1]:.0f} % of the synthetic)."
        )


def _loss(estimate: Estimate) -> str:
    low, high = estimate.interval(0.9)
    return f"{estimate.value:+.3g} {estimate.unit} (90 % interval {low:+.3g} to {high:+.3g})"


def _than(low: float, high: float) -> str:
    if low > 0:
        return "gives away less"
    return "gives away more" if high < 0 else "cannot be told to give away less"


def _words(
    found: Mapping[str, Supersamples], synthetic: Dataset, settings: GgmiSettings
) -> tuple[tuple[str, str], ...]:
    drawn = ", ".join(
        f"{name}: {item.second.shape[0]} supersamples of {item.second.shape[2]} pairs, {item.second.shape[1]} masks"
        for name, item in found.items()
    )
    loss = (
        "a wrong label"
        if synthetic.labels is not None and settings.student is None
        else "more nats per byte than the middle one of the rows held out"
    )
    student = settings.student
    learner = (
        ()
        if student is None
        else (("Learner", f"{student.model}, a fresh adapter of rank {student.rank}, {settings.steps} steps a fit."),)
    )
    return (
        *learner,
        ("Supersamples", f"{drawn}. Of every pair a fair coin takes one row for training; both are judged."),
        ("Loss", f"0 or 1: {loss}. Bounds hold for this loss and for rows drawn alike, not for real rows."),
        (
            "Intervals",
            "over supersamples of the rows that are there; rows that share an anchor count as drawn independently.",
        ),
    )
