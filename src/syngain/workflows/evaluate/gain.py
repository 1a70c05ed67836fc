"""``syngain gain``: estimate the gain of synthetic rows and how many to use."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from threadpoolctl import threadpool_limits

from syngain._version import __version__
from syngain.core.documents.warned import carried
from syngain.core.errors import InputError, UsageError
from syngain.core.estimate import Estimate
from syngain.core.progress import Progress, part_of, silent
from syngain.core.result import Budget, Result, Views
from syngain.core.rng import Streams
from syngain.gain.calibration import recorded
from syngain.gain.design.cross_validation import Design
from syngain.gain.design.layout import GainLayout
from syngain.gain.design.overlap import apart
from syngain.gain.outcome.details import Details, details
from syngain.gain.outcome.estimates import GainEstimates, Setup, estimate_gain
from syngain.gain.outcome.methods_text import explained
from syngain.gain.outcome.verdict import decide, findings
from syngain.gain.proxies.metrics import SECONDARY, metrics_of
from syngain.learners.boosting import Boosting
from syngain.workflows.inputs import Source, either, of_kind, settings_json, study_of, study_summaries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from syngain.audit.measure import Settings
    from syngain.core.result import Finding, Series, Verdict
    from syngain.data.dataset import Dataset
    from syngain.data.encoders.vectors import TextEncoder
    from syngain.data.study import Study
    from syngain.gain.proxies.task import Task

QUICK = Design(folds=10, repeats=1, amounts=4, most=2_000, pairs=False)
STANDARD = Design(folds=10, repeats=2, amounts=6, most=10_000)
QUICK_ANCHORS = 1_000
QUICK_TREES = Boosting(rounds=(8, 16, 32, 64))
KEPT = replace(QUICK, amounts=1, controls=False, balanced=False)
DROPPED = 0.01  # below this fraction of dropped rows the gain is not measured again


@dataclass(frozen=True, slots=True, kw_only=True)
class GainSettings:
    """How a gain is measured.

    Attributes:
        metric: primary metric; None is log-loss with labels, nats per byte without.
        min_gain: the smallest gain that matters, in its unit. test_rows: size of the fresh test of the intervals.
        prior: class to its fraction at test time. encoder: turns text into embeddings; None needs no download.
        slices: columns of the real rows by whose values the gain is given. quick: the setting inside ``audit``.
        design: folds, training sizes and variants; None is that of the setting.
        proxy: ``auto`` (linear, trees or n-grams by kind of rows), or ``lm``: fine-tune ``model`` within ``minutes``.
    """

    metric: str | None = None
    min_gain: float = 0.01
    test_rows: int | None = None
    prior: Mapping[str, float] | None = None
    encoder: TextEncoder | None = None
    slices: tuple[str, ...] = ()
    quick: bool = False
    design: Design | None = None
    proxy: Literal["auto", "lm"] = "auto"
    model: str = "smollm2"
    minutes: float = 30.0

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
    """

    estimates: Mapping[str, Estimate]
    series: Mapping[str, Series]
    findings: tuple[Finding, ...]
    verdict: Verdict
    budgets: tuple[Budget, ...]
    computed: tuple[tuple[str, str], ...]
    found: GainEstimates = field(repr=False)
    kept_verdict: Verdict | None = None


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
        )
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
        minutes=settings.minutes,
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
    _check_metric(chosen, study.real)
    thinned: list[str] = []
    given, synthetic = study.test, study.synthetic
    clean = apart(study.real, study.synthetic, study.test, study.held_out)
    study = study.judged_by(clean.test, clean.pool)
    if chosen.quick:
        study, thinned = _thinned(study, streams)
    with threadpool_limits(1):
        progress("vectors", 0.02)
        layout = GainLayout.of_study(study)
        task = _task(layout, chosen, streams)
        _check_prior(chosen, layout)
        setup = Setup(
            metric=chosen.metric,
            min_gain=chosen.min_gain,
            test_rows=chosen.test_rows,
            prior=chosen.prior,
            design=chosen.design or (QUICK if chosen.quick else STANDARD),
        )
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
        computed=(*explained(found, layout, thinned), *clean.paragraph(), *more.computed),
        found=found,
    )


def quick_gain(
    study: Study,
    kept: Sequence[int],
    *,
    streams: Streams,
    settings: Settings | None = None,
    progress: Progress = silent,
) -> GainPart:
    """The gain part of an audit: of all rows, and of the rows it advises to keep.

    Raises:
        InputError: why the gain of all rows cannot be measured.
    """
    encoder = settings.encoder if settings is not None else None
    quick = GainSettings(quick=True, encoder=encoder)
    study, rows = study.judged_by(None, None), len(study.synthetic)
    part = gain_part(study, streams=streams, settings=quick, progress=part_of(progress, 0.65, 0.85))
    if len(kept) == rows or rows - len(kept) < DROPPED * rows:
        return replace(part, kept_verdict=part.verdict)
    try:
        rest = gain_part(
            study.take(synthetic=kept),
            streams=streams.child("kept"),
            settings=replace(quick, design=KEPT),
            progress=part_of(progress, 0.85, 1.0),
        )
    except InputError:  # nothing is kept, or nothing to learn from: the audit reports it
        return part
    found, deciding = _of_kept(rest)
    verdict = replace(rest.verdict, estimate=deciding)
    return replace(part, estimates={**part.estimates, **found}, kept_verdict=verdict)


def _of_kept(rest: GainPart) -> tuple[dict[str, Estimate], str]:
    """The estimates of the kept rows under ids of their own, and the id that decides."""
    primary = f"gain.{rest.found.metric}"
    ids = {f"{primary}@expected": f"{primary}@kept"}
    ids |= {f"gain.{metric}": f"gain.{metric}@kept" for metric in SECONDARY}
    if rest.verdict.estimate == f"{primary}@chosen":
        ids[rest.verdict.estimate] = f"{primary}@kept_chosen"
    of_kept = "of adding the kept rows to all real rows"
    found = {
        ids[name]: replace(item, estimand=item.estimand.replace("of adding all rows to all real rows", of_kept))
        for name, item in rest.estimates.items()
        if name in ids
    }
    return found, ids.get(rest.verdict.estimate, "")


def _check_metric(settings: GainSettings, real: Dataset) -> None:
    known = metrics_of(real)
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


def _task(layout: GainLayout, settings: GainSettings, streams: Streams) -> Task:
    trees = QUICK_TREES if settings.quick and not layout.linear else None
    return layout.task(streams, encoder=settings.encoder, learner=trees)


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
