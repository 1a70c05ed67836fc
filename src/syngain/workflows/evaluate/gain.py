"""``syngain gain``: estimate the gain of synthetic rows and how many to use."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from threadpoolctl import threadpool_limits

from syngain._version import __version__
from syngain.core.documents.warned import carried
from syngain.core.errors import UsageError
from syngain.core.estimate import Estimate
from syngain.core.progress import Progress, part_of, silent
from syngain.core.result import Budget, Result, Views
from syngain.core.rng import Streams
from syngain.data.study import Study
from syngain.gain.calibration import recorded
from syngain.gain.design.cross_validation import Design
from syngain.gain.design.layout import GainLayout
from syngain.gain.design.overlap import apart
from syngain.gain.design.reading import LANGUAGE, MINUTES, reader_for, sampled
from syngain.gain.outcome.details import Details, details
from syngain.gain.outcome.estimates import GainEstimates, Setup, estimate_gain
from syngain.gain.outcome.methods_text import explained, frozen_model, price_of_sample
from syngain.gain.outcome.verdict import decide, findings
from syngain.gain.proxies.frozen import FrozenReader, FrozenTask
from syngain.gain.proxies.metrics import FROZEN_METRICS, metrics_of
from syngain.learners.boosting import Boosting
from syngain.workflows.inputs import (
    Source,
    as_responses,
    either,
    of_kind,
    settings_json,
    study_of,
    study_summaries,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from syngain.core.result import Finding, Series, Verdict
    from syngain.data.dataset import Dataset
    from syngain.data.encoders.vectors import TextEncoder
    from syngain.gain.proxies.task import Task
    from syngain.learners.frozen.model import Costs

QUICK = Design(folds=10, repeats=1, amounts=4, most=2_000, pairs=False)
STANDARD = Design(folds=10, repeats=2, amounts=6, most=10_000)
QUICK_ANCHORS = 1_000
STUDENT_MINUTES = 30.0
QUICK_TREES = Boosting(rounds=(8, 16, 32, 64))
QUICK_FROZEN = replace(LANGUAGE, repeats=1, amounts=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class GainSettings:
    """How a gain is measured.

    Attributes:
        metric: primary metric; None is log-loss with labels, nats per byte without.
        min_gain: the smallest gain that matters, in its unit. test_rows: size of the fresh test of the intervals.
        prior: class to its fraction at test time. encoder: turns text into embeddings; None needs no download.
        slices: columns of the real rows by whose values the gain is given. quick: the setting inside ``audit``.
        design: folds, training sizes and variants; None is that of the setting.
        proxy: ``auto``: linear, trees or n-grams by kind of rows. ``frozen``: a correction on frozen ``model``,
            labels as text. ``lm``: fine-tune ``model``.
        minutes: time on two cores, by which rows are sampled; None: 30 for ``lm``, 10 for ``frozen``.
    """

    metric: str | None = None
    min_gain: float = 0.01
    test_rows: int | None = None
    prior: Mapping[str, float] | None = None
    encoder: TextEncoder | None = None
    slices: tuple[str, ...] = ()
    quick: bool = False
    design: Design | None = None
    proxy: Literal["auto", "frozen", "lm"] = "auto"
    model: str = "smollm2"
    minutes: float | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.min_gain) and self.min_gain > 0):
            raise UsageError(
                f"--min-gain {self.min_gain}", expected="a number above 0", todo="set --min-gain, for example 0.01"
            )


@dataclass(frozen=True)
class GainPart:
    """The part of a result that a gain fills, in ``gain`` or ``audit``.

    Attributes:
        kept_verdict: of the rows an audit advises to keep; the same as ``verdict`` outside an audit.
        costs: CPU seconds of a frozen model; None for other proxies.
    """

    estimates: Mapping[str, Estimate]
    series: Mapping[str, Series]
    findings: tuple[Finding, ...]
    verdict: Verdict
    budgets: tuple[Budget, ...]
    computed: tuple[tuple[str, str], ...]
    found: GainEstimates = field(repr=False)
    kept_verdict: Verdict | None = None
    costs: Costs | None = None


@carried
def gain(  # noqa: PLR0913  (the inputs and switches of the command)
    real: Source,
    synthetic: Source,
    *,
    test: Source | None = None,
    held_out: Source | None = None,
    seed: int = 0,
    settings: GainSettings | None = None,
    folder: Path | None = None,
    resume: bool = False,
    progress: Progress = silent,
    pool: Source | None = None,
) -> Result:
    """Estimate the gain of synthetic rows and how many to use, with all controls.

    Args:
        real: your real rows, as a dataset or a path.
        synthetic: the synthetic rows.
        test: real rows to measure on; without them the gain is forecast from ``real`` alone.
        held_out: more real rows, which the generator never saw: how many of them the synthetic rows replace.
        seed: of every random choice.
        settings: metric, smallest gain that matters, encoder, proxy.
        folder: with the proxy ``lm``, where finished variants are kept until the result is written.
        resume: use what ``folder`` holds.
        progress: called with the stage and the fraction done.
        pool: former name of ``held_out``.

    Raises:
        InputError: a file cannot be read, the datasets do not fit each other, or there are too few real rows.
        UsageError: an unknown metric.
    """
    progress("reading", 0.0)
    chosen = of_kind(settings, GainSettings)
    study = study_of(real, synthetic, test=test, held_out=either(held_out, pool, "held_out", "pool"))
    if chosen.proxy == "lm":
        return recorded(_of_language_model(study, chosen, seed=seed, folder=folder, resume=resume, progress=progress))
    part = gain_part(study, streams=Streams(seed), settings=chosen, progress=progress)
    progress("done", 1.0)
    return recorded(
        Result(
            command="gain",
            version=__version__,
            seed=seed,
            inputs=study_summaries(study),
            estimates=dict(sorted(part.estimates.items())),
            series=part.series,
            findings=part.findings,
            verdict=part.verdict,
            views=Views(budgets=part.budgets, computed=part.computed),
            settings=settings_json(chosen),
        ),
        part.costs.sentence if part.costs is not None else "",
    )


def _of_language_model(
    study: Study, settings: GainSettings, *, seed: int, folder: Path | None, resume: bool, progress: Progress
) -> Result:
    """The gain for a language model that is fine-tuned on each variant.

    Raises:
        UsageError: no folder for its variants.
    """
    from syngain.workflows.evaluate.gain_student import student_gain

    if folder is None:
        raise UsageError(
            "the proxy `lm` without a folder",
            expected="a folder for finished variants",
            todo="pass folder=PATH",
        )
    found = student_gain(
        study.real,
        study.synthetic,
        test=study.test,
        folder=folder,
        model=settings.model,
        minutes=STUDENT_MINUTES if settings.minutes is None else settings.minutes,
        min_gain=settings.min_gain,
        seed=seed,
        resume=resume,
        progress=progress,
    )
    return replace(found, settings=settings_json(settings))


def gain_part(
    study: Study, *, streams: Streams, settings: GainSettings | None = None, progress: Progress = silent
) -> GainPart:
    """The gain of a study, without its result; see :func:`gain`."""
    chosen = of_kind(settings, GainSettings)
    reader = reader_of(chosen, study.real)
    _check_metric(chosen, study.real, reader)
    given, synthetic = study.test, study.synthetic
    clean = apart(study.real, study.synthetic, study.test, study.held_out)
    study = study.judged_by(clean.test, clean.pool)
    if reader is not None:
        study = _as_text(study)
    with threadpool_limits(1):
        study, thinned, setup = _drawn(study, chosen, reader, streams, progress)
        progress("vectors", 0.02)
        layout = GainLayout.of_study(study, reader)
        task = _task(layout, chosen, streams, progress)
        _check_prior(chosen, layout)
        marks = ("subsample",) if thinned else ()
        inner = part_of(progress, 0.05, 0.75)
        found = estimate_gain(task, layout, streams, setup=setup, marks=marks, progress=inner)
        more = Details({}, {}, ())
        if not chosen.quick:
            more = details(found, task, layout, streams, slices=chosen.slices, progress=progress)
    return GainPart(
        estimates={**found.estimates, **more.estimates, **_budget_estimates(found)},
        series={**found.series, **more.series},
        findings=(*(clean.finding(given, synthetic) if given is not None else ()), *findings(found)),
        verdict=decide(found),
        budgets=tuple(Budget(title=f"gain.{metric}", shares=_shares(parts)) for metric, parts in found.budget.items()),
        computed=(
            *explained(found, layout, thinned),
            *(frozen_model(reader) if reader is not None else ()),
            *(price_of_sample(found) if reader is not None and thinned else ()),
            *clean.paragraph(),
            *more.computed,
        ),
        found=found,
        costs=task.costs if isinstance(task, FrozenTask) else None,
    )


def reader_of(settings: GainSettings, real: Dataset) -> FrozenReader | None:
    """The frozen model that reads these rows; None for other proxies."""
    if settings.proxy == "lm":
        return None
    minutes = MINUTES if settings.minutes is None else settings.minutes
    return reader_for(real, settings.proxy, FrozenReader(model=settings.model, minutes=minutes))


def _as_text(study: Study) -> Study:
    """The study with labels as responses; unchanged without labels."""
    if study.real.labels is None:
        return study
    test, held_out = (None if data is None else as_responses(data) for data in (study.test, study.held_out))
    return Study.of(as_responses(study.real), as_responses(study.synthetic), test=test, held_out=held_out)


def _drawn(
    study: Study, settings: GainSettings, reader: FrozenReader | None, streams: Streams, progress: Progress
) -> tuple[Study, Sequence[str], Setup]:
    """The rows that are measured, what was sampled, and how they are measured."""
    thinned: Sequence[str] = ()
    design, rows = settings.design or (QUICK if settings.quick else STANDARD), None
    if settings.quick:
        study, thinned = _thinned(study, streams)
    if reader is not None:
        sample = sampled(study, reader, streams, progress)
        study, thinned, rows = sample.study, (*thinned, *sample.said), sample.rows
        design = settings.design or (QUICK_FROZEN if settings.quick else sample.design)
    setup = Setup(
        metric=settings.metric,
        min_gain=settings.min_gain,
        test_rows=settings.test_rows,
        prior=settings.prior if reader is None else None,
        design=design,
        rows=rows,
    )
    return study, thinned, setup


def _check_metric(settings: GainSettings, real: Dataset, reader: FrozenReader | None) -> None:
    known = metrics_of(real) if reader is None else FROZEN_METRICS
    if settings.metric is not None and settings.metric not in known:
        raise UsageError(
            f"unknown metric {settings.metric!r}",
            expected=f"one of {', '.join(known)} for {_kind(real)}",
            todo=f"choose --metric {known[0]}",
        )


def _kind(rows: Dataset) -> str:
    unlabeled = "unlabeled rows" if rows.preferences is None else "preferences"
    return unlabeled if rows.labels is None else "labeled rows"


def _check_prior(settings: GainSettings, layout: GainLayout) -> None:
    if settings.prior is None:
        return
    known = {layout.names[code] for code in np.unique(layout.anchor_labels)}
    if set(settings.prior) != known:
        off = sorted(set(settings.prior) - known) or sorted(known - set(settings.prior))
        raise UsageError(
            f"--prior {'names' if set(settings.prior) - known else 'leaves out'} {', '.join(off[:5])}",
            expected=f"one fraction for every class of the real rows: {', '.join(sorted(known)[:20])}",
            todo="set --prior " + ",".join(f"{name}={1 / len(known):.2g}" for name in sorted(known)[:5]),
        )


def _task(layout: GainLayout, settings: GainSettings, streams: Streams, progress: Progress) -> Task:
    trees = QUICK_TREES if settings.quick and not layout.linear else None
    return layout.task(streams, encoder=settings.encoder, learner=trees, progress=part_of(progress, 0.02, 0.3))


def _thinned(study: Study, streams: Streams) -> tuple[Study, list[str]]:
    """A subsample of real and synthetic rows for the quick setting.

    Rows made from the real rows that are kept stay.
    """
    said = []
    if len(study.real) > QUICK_ANCHORS:
        kept = np.sort(streams.stream("thin anchors").permutation(len(study.real))[:QUICK_ANCHORS])
        said.append(f"{QUICK_ANCHORS:,} of {len(study.real):,} anchors")
        study = study.take(real=kept.tolist())
    if len(study.synthetic) > QUICK.most:
        rows = np.sort(streams.stream("thin rows").permutation(len(study.synthetic))[: QUICK.most])
        said.append(f"{QUICK.most:,} of {len(study.synthetic):,} synthetic rows")
        study = study.take(synthetic=rows.tolist())
    return study, said


def _shares(parts: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    total = sum(parts.values()) or 1.0
    return tuple(sorted(((name, value / total) for name, value in parts.items()), key=lambda item: -item[1]))


def _budget_estimates(found: GainEstimates) -> dict[str, Estimate]:
    estimand = f"fraction of the variance of gain.{found.metric} on a fresh test"
    return {
        f"gain.budget@{name}": Estimate(
            value=share,
            unit="share",
            method="variance components",
            estimand=estimand,
            n=found.forecaster.label.size,
            clusters=int(np.unique(found.forecaster.experiment.lineage.group).size),
        )
        for name, share in _shares(found.budget[found.metric])
    }
