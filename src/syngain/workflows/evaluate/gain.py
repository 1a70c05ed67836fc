"""``syngain gain``: does a synthetic set help, how much of it, and what is it worth in real rows."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from syngain._version import __version__
from syngain.core.errors import InputError, UsageError
from syngain.core.progress import Progress, silent
from syngain.core.result import Budget, Result, Views
from syngain.core.rng import Streams
from syngain.gain.curves.real_row_value import more_of_it, worths
from syngain.gain.design.cross_validation import Design, experiment
from syngain.gain.design.layout import Ground, joined
from syngain.gain.design.overlap import apart
from syngain.gain.outcome.methods_text import explained
from syngain.gain.outcome.narrative import Answer, Setup, answer
from syngain.gain.outcome.verdict import decide, findings
from syngain.gain.proxies.labels import LabelTask
from syngain.gain.proxies.metrics import LABEL_METRICS, TEXT_METRICS
from syngain.gain.replacement import utility
from syngain.gain.subgroups import generator_gains, part_gains, rank_agreement
from syngain.learners.boosting import Boosting
from syngain.learners.linear import TunedDiscriminant
from syngain.learners.neighbors import Voting
from syngain.workflows.inputs import Source, dataset_of, optional_dataset, summaries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.audit.measure import Settings
    from syngain.core.arrays import Flags
    from syngain.core.estimate import Estimate
    from syngain.core.result import Finding, Series, Verdict
    from syngain.data.dataset import Dataset
    from syngain.data.encoders.vectors import TextEncoder
    from syngain.gain.proxies.labels import Classifier
    from syngain.gain.proxies.task import Task

QUICK = Design(folds=10, repeats=1, amounts=4, most=2_000, pairs=False)
STANDARD = Design(folds=10, repeats=2, amounts=6, most=10_000)
QUICK_ANCHORS = 1_000
QUICK_TREES = Boosting(rounds=(8, 16, 32, 64))
KEPT = replace(QUICK, amounts=1, controls=False, balanced=False)
COMPARED = 3  # amounts that other learners repeat
DROPPED = 0.01  # fewer rows dropped than this leave the gain as it is
PARTS = 30  # more classes than this are not measured one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class GainSettings:
    """How a gain is measured.

    Attributes:
        metric: primary metric; None is log-loss with labels, nats per byte without.
        min_gain: the smallest gain that matters, in its unit. test_rows: size of the fresh test of the intervals.
        prior: class to share at test time. encoder: turns text into vectors; None needs no download.
        slices: columns of the anchors by whose values the gain is given. quick: the setting inside ``audit``.
        design: folds, shares and arms; None is that of the setting.
    """

    metric: str | None = None
    min_gain: float = 0.01
    test_rows: int | None = None
    prior: Mapping[str, float] | None = None
    encoder: TextEncoder | None = None
    slices: tuple[str, ...] = ()
    quick: bool = False
    design: Design | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.min_gain) and self.min_gain > 0):
            raise UsageError(f"a smallest gain that matters of {self.min_gain}", expected="a number above 0")


@dataclass(frozen=True)
class GainPart:
    """What a gain gives to a result, of its own command or of the audit.

    Attributes:
        kept_verdict: of the rows an audit advises to keep; the same as ``verdict`` outside an audit.
    """

    estimates: Mapping[str, Estimate]
    series: Mapping[str, Series]
    findings: tuple[Finding, ...]
    verdict: Verdict
    budgets: tuple[Budget, ...]
    computed: tuple[tuple[str, str], ...]
    answer: Answer = field(repr=False)
    kept_verdict: Verdict | None = None


def gain(
    real: Source,
    synthetic: Source,
    *,
    test: Source | None = None,
    pool: Source | None = None,
    seed: int = 0,
    settings: GainSettings | None = None,
    progress: Progress = silent,
) -> Result:
    """Measured gain of a synthetic set over real rows, with all controls.

    Args:
        real: the anchors, as a dataset or a path.
        synthetic: the rows in question.
        test: real rows to measure on; without them the gain is forecast from the anchors alone.
        pool: more real rows, which the generator never saw: what the set is worth in real rows.
        seed: of every random choice.
        settings: metric, smallest gain that matters, encoder.
        progress: called with the stage and the share done.

    Raises:
        InputError: a file cannot be read, the sets do not fit each other, or there are too few anchors.
        UsageError: an unknown metric.
    """
    progress("reading", 0.0)
    anchors = dataset_of(real)
    ours = dataset_of(synthetic, like=anchors)
    others = {"test": optional_dataset(test, anchors), "pool": optional_dataset(pool, anchors)}
    part = gain_part(anchors, ours, **others, streams=Streams(seed), settings=settings, progress=progress)
    progress("done", 1.0)
    return Result(
        command="gain",
        version=__version__,
        seed=seed,
        inputs=summaries({"real": anchors, "synthetic": ours, **others}),
        estimates=dict(sorted(part.estimates.items())),
        series=part.series,
        findings=part.findings,
        verdict=part.verdict,
        views=Views(budgets=part.budgets, computed=part.computed),
    )


def gain_part(
    real: Dataset,
    synthetic: Dataset,
    *,
    test: Dataset | None = None,
    pool: Dataset | None = None,
    streams: Streams,
    settings: GainSettings | None = None,
    progress: Progress = silent,
) -> GainPart:
    """The gain on datasets that are read; see :func:`gain`."""
    chosen = settings or GainSettings()
    _check_metric(chosen, real)
    said: list[str] = []
    given = test
    clean = apart(real, synthetic, test, pool)
    test, pool = clean.test, clean.pool
    if chosen.quick:
        real, synthetic, said = _thinned(real, synthetic, streams)
    with threadpool_limits(1):
        progress("vectors", 0.02)
        ground = Ground.of(real, synthetic, pool=pool, test=test)
        task = _task(ground, chosen, streams)
        _check_prior(chosen, ground)
        setup = Setup(
            metric=chosen.metric,
            min_gain=chosen.min_gain,
            test_rows=chosen.test_rows,
            prior=chosen.prior,
            design=chosen.design or (QUICK if chosen.quick else STANDARD),
        )
        marks = ("subsample",) if said else ()
        inner = _later(progress, 0.05, 0.75)
        found = answer(task, ground, streams, setup=setup, marks=marks, progress=inner)
        details = _Details({}, {}, ())
        if not chosen.quick:
            details = _details(found, task, ground, streams, chosen, progress)
    return GainPart(
        estimates={**found.estimates, **details.estimates, **_budget_estimates(found)},
        series={**found.series, **details.series},
        findings=(*(clean.finding(given, synthetic) if given is not None else ()), *findings(found)),
        verdict=decide(found),
        budgets=tuple(Budget(title=f"gain.{metric}", shares=_shares(parts)) for metric, parts in found.budget.items()),
        computed=(*explained(found, ground, said), *clean.paragraph(), *details.computed),
        answer=found,
    )


def quick_gain(
    real: Dataset,
    synthetic: Dataset,
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
    part = gain_part(real, synthetic, streams=streams, settings=quick, progress=_later(progress, 0.65, 0.85))
    if len(kept) == len(synthetic) or len(synthetic) - len(kept) < DROPPED * len(synthetic):
        return replace(part, kept_verdict=part.verdict)
    try:
        rest = gain_part(
            real,
            synthetic.take(kept),
            streams=streams.child("kept"),
            settings=replace(quick, design=KEPT),
            progress=_later(progress, 0.85, 1.0),
        )
    except InputError:  # nothing is kept, or nothing to learn from: the audit says so in its own words
        return part
    found = {
        name.partition("@")[0] + "@kept": item
        for name, item in rest.estimates.items()
        if name in {f"gain.{rest.answer.metric}@expected", *(f"gain.{metric}" for metric in LABEL_METRICS[1:])}
    }
    return replace(part, estimates={**part.estimates, **found}, kept_verdict=rest.verdict)


def _later(progress: Progress, start: float, end: float) -> Progress:
    return lambda stage, done: progress(stage, start + done * (end - start))


def _check_metric(settings: GainSettings, real: Dataset) -> None:
    known = LABEL_METRICS if real.labels is not None else TEXT_METRICS
    if settings.metric is not None and settings.metric not in known:
        raise UsageError(
            f"metric {settings.metric}",
            expected=f"one of {', '.join(known)} for {'labeled' if real.labels is not None else 'unlabeled'} rows",
        )


def _check_prior(settings: GainSettings, ground: Ground) -> None:
    if settings.prior is None:
        return
    known = {ground.names[code] for code in np.unique(ground.anchor_labels)}
    if set(settings.prior) != known:
        off = sorted(set(settings.prior) - known) or sorted(known - set(settings.prior))
        raise UsageError(
            f"--prior {'names' if set(settings.prior) - known else 'leaves out'} {', '.join(off[:5])}",
            expected=f"a share for every class of the anchors and no other: {', '.join(sorted(known)[:20])}",
            todo="for example --prior " + ",".join(f"{name}={1 / len(known):.2g}" for name in sorted(known)[:5]),
        )


def _task(ground: Ground, settings: GainSettings, streams: Streams) -> Task:
    if ground.labeled:
        trees = QUICK_TREES if settings.quick and not ground.synthetic.sides else None
        return ground.label_task(streams, encoder=settings.encoder, learner=trees)
    from syngain.gain.proxies.texts import TextTask

    return TextTask.of_ground(ground)


def _thinned(real: Dataset, synthetic: Dataset, streams: Streams) -> tuple[Dataset, Dataset, list[str]]:
    """At most so many anchors and rows that the quick setting stays quick; rows of the anchors that are kept."""
    said = []
    if len(real) > QUICK_ANCHORS:
        kept = np.sort(streams.stream("thin anchors").permutation(len(real))[:QUICK_ANCHORS])
        said.append(f"{QUICK_ANCHORS:,} of {len(real):,} anchors")
        real = real.take(kept.tolist())
    if len(synthetic) > QUICK.most:
        rows = np.sort(streams.stream("thin rows").permutation(len(synthetic))[: QUICK.most])
        said.append(f"{QUICK.most:,} of {len(synthetic):,} synthetic rows")
        synthetic = synthetic.take(rows.tolist())
    return real, synthetic, said


@dataclass(frozen=True)
class _Details:
    estimates: Mapping[str, Estimate]
    series: Mapping[str, Series]
    computed: tuple[tuple[str, str], ...]


def _details(
    found: Answer, task: Task, ground: Ground, streams: Streams, settings: GainSettings, progress: Progress
) -> _Details:
    """Everything beyond the gain itself: classes, slices, generators, rows worth, utility, agreement of learners."""
    metric = "log_loss" if ground.labeled else "nats_per_byte"
    out: dict[str, Estimate] = {}
    whole = found.forecaster.all_rows(metric)
    for kind, parts in _parts(ground, settings).items():
        out |= part_gains(found.forecaster, whole, metric, parts, kind=kind)
    if ground.generators is not None:
        progress("generators", 0.8)
        names = sorted({str(name or "") for name in ground.synthetic.generators or ()})
        each, spread = generator_gains(task, ground, names, metric=metric, streams=streams.child("generators"))
        out |= {**each, "gain.generator_spread": spread}
    if isinstance(task, LabelTask):
        progress("utility", 0.85)
        out |= _utility(task, found, ground, streams)
        progress("other learners", 0.92)
        out["gain.rank_agreement"] = _agreement(task, found, ground, streams)
    most = found.forecaster.experiment.design.most
    worth, series = worths(
        task, ground, streams.child("worth"), metric=metric, most=most, progress=_later(progress, 0.93, 0.99)
    )
    more = more_of_it(found.forecaster, metric, streams.child("more"), found.min_gain)
    if more is None:
        return _Details(out | worth, series, ())
    improvement = None if more.verdict == "refused" else more.improvement
    law = {"gain.ten_times": improvement, "gain.alpha": more.alpha, "gain.floor": more.floor}
    known = {name: item for name, item in law.items() if item is not None}
    return _Details({**out, **worth, **known}, series, (("More of it", more.sentence),))


def _utility(task: LabelTask, found: Answer, ground: Ground, streams: Streams) -> dict[str, Estimate]:
    parts = utility(task, ground.lineage, streams.child("utility"))
    say = found.forecaster.estimate
    estimands = {
        "total": "anchors replaced by as many synthetic rows",
        "input_shift": "the part due to different inputs, averaged over both orders of swapping",
        "label_error": "the part due to different labels, averaged over both orders of swapping",
    }
    out = {f"utility.{name}": say(getattr(parts, name), "log_loss", text) for name, text in estimands.items()}
    out["utility.interaction"] = say(parts.interaction, "log_loss", "what the order of swapping changes")
    return out


def _agreement(task: LabelTask, found: Answer, ground: Ground, streams: Streams) -> Estimate:
    """The arms of the first trial again with two other learners, on the same folds."""
    ours = found.forecaster.experiment
    design = replace(ours.design, repeats=1, amounts=COMPARED, shares=(1.0,), balanced=False, pairs=False)
    others: dict[str, Classifier] = {"discriminant": TunedDiscriminant(), "neighbors": Voting()}
    runs = {
        name: experiment(replace(task, learner=learner), ground.lineage, streams, design=design)
        for name, learner in others.items()
    }
    name = type(task.learner).__name__.lower()
    return rank_agreement({**runs, name: ours}, ground.anchor_labels, found.metric, streams)


def _parts(ground: Ground, settings: GainSettings) -> dict[str, dict[str, Flags]]:
    """Parts of the anchors: classes, thirds by length, and the columns that were asked for."""
    out: dict[str, dict[str, Flags]] = {}
    label, real = ground.anchor_labels, ground.real[0]
    if ground.labeled and np.unique(label).size <= PARTS:
        out["class"] = {ground.names[code]: label == code for code in np.unique(label)}
    if real.sides:
        length = np.array([len(text) for text in joined(real)])
        low, high = np.quantile(length, [1 / 3, 2 / 3])
        out["length"] = {"short": length <= low, "medium": (length > low) & (length <= high), "long": length > high}
    for column in settings.slices:
        values = np.array([str(record.get(column)) for record in real.records])
        names = np.unique(values)
        if names.size > PARTS or all(column not in record for record in real.records):
            raise UsageError(
                f"--slice {column}: {names.size} different values" if names.size > PARTS else f"no column {column}",
                expected=f"a column of {real.name} with at most {PARTS} values",
            )
        out[column] = {str(name): values == name for name in names}
    return out


def _shares(parts: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    total = sum(parts.values()) or 1.0
    return tuple(sorted(((name, value / total) for name, value in parts.items()), key=lambda item: -item[1]))


def _budget_estimates(found: Answer) -> dict[str, Estimate]:
    from syngain.core.estimate import Estimate

    estimand = f"share of the variance of gain.{found.metric} on a fresh test"
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
