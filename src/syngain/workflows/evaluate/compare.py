"""``syngain compare``: which of several sets is best, at equal size, and which cannot be told apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from syngain._version import __version__
from syngain.audit.measure import Settings
from syngain.core.errors import UsageError
from syngain.core.estimate import Estimate, holm
from syngain.core.progress import Progress, silent
from syngain.core.result import Result, Verdict, Views
from syngain.core.rng import Streams
from syngain.gain.design.layout import Ground, check
from syngain.gain.design.overlap import Apart, apart, leaked
from syngain.gain.proxies.metrics import LABEL_METRICS, TEXT_METRICS
from syngain.gain.proxies.texts import TextTask
from syngain.selection.class_shares import AnchorShares
from syngain.selection.matched_sets import ANCHORS, Contest, Rivals, Standing
from syngain.workflows.evaluate.audit import audit_run
from syngain.workflows.inputs import Source, dataset_of, optional_dataset, summaries

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from syngain.core.result import Finding
    from syngain.data.dataset import Dataset
    from syngain.data.encoders.vectors import TextEncoder
    from syngain.gain.proxies.task import Task

LEVEL = 0.05  # of Holm's test over all pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareSettings:
    """How sets are compared.

    Attributes:
        metric: orders the sets; None is log-loss with labels, nats per byte without.
        class_weights: whether every set is weighted to the class shares of the anchors where the order is decided, so
            that none is rewarded for its shares alone; only with labels.
        measures: whether every set is audited as well, at the same size. encoder: turns text into vectors.
        contest: folds, draws, matched lengths.
    """

    metric: str | None = None
    class_weights: bool = True
    measures: bool = True
    encoder: TextEncoder | None = None
    contest: Contest = field(default_factory=Contest)


@dataclass(frozen=True)
class Pair:
    """Two sets; the first is ahead, ``told`` if Holm's test says so at 5 %."""

    ahead: str
    behind: str
    estimate: Estimate
    told: bool


def compare(
    real: Source,
    sets: Mapping[str, Source] | Sequence[Source],
    *,
    test: Source | None = None,
    seed: int = 0,
    settings: CompareSettings | None = None,
    progress: Progress = silent,
) -> Result:
    """Compare sets at equal size: gains side by side, paired differences, and a ranking with its uncertainty.

    Args:
        real: the anchors, as a dataset or a path.
        sets: at least two sets, by name, or in order and named after their files.
        test: real rows that judge; without them held-out anchors do.
        seed: of every random choice; the same draws for every set.
        settings: metric, matched lengths.
        progress: called with the stage and the share done.

    Raises:
        InputError: a file cannot be read, a set does not fit the anchors, or has too few rows.
        UsageError: fewer than two sets, two of one name, or an unknown metric.
    """
    chosen = settings or CompareSettings()
    progress("reading", 0.0)
    anchors = dataset_of(real)
    named = {name: dataset_of(item, like=anchors) for name, item in named_sets(sets).items()}
    if len(named) < 2:
        raise UsageError(f"{len(named)} set to compare", expected="at least two", todo="`syngain gain` takes one")
    for item in named.values():
        check(anchors, item, [anchors])
    given_test = optional_dataset(test, anchors)
    every = together(list(named.values()))
    clean = apart(anchors, every, given_test, None)
    tested = clean.test
    metrics = _metrics(chosen, anchors)
    streams = Streams(seed)
    with threadpool_limits(1):
        rivals = rivals_of(anchors, named, tested, streams, encoder=chosen.encoder)
        if tested is None:
            standing = rivals.on_anchors(chosen.contest, progress=_scaled(progress, 0.05, 0.6))
        else:
            standing = rivals.on_test(chosen.contest, progress=_scaled(progress, 0.05, 0.6))
    balanced = chosen.class_weights and anchors.labels is not None
    pairs = _pairs(standing, metrics[0], balanced=balanced)
    ranks = _ranks(list(named), pairs)
    gains = {name: _gains(standing, code, metrics) for code, name in enumerate(named)}
    audits = _audits(anchors, named, standing.size, seed, chosen, _scaled(progress, 0.6, 1.0))
    progress("done", 1.0)
    return Result(
        command="compare",
        version=__version__,
        seed=seed,
        inputs=summaries({"real": anchors, **named, "test": given_test}),
        estimates=_estimates(pairs, ranks, metrics[0]),
        findings=(
            *(_contaminated(named, given_test) if clean.leaked and given_test is not None else ()),
            *(replace(item, message=f"{name}: {item.message}") for name in named for item in audits[name][1]),
        ),
        verdict=_verdict(standing, pairs, ranks, metrics[0], balanced=balanced),
        sets={
            name: {
                "estimates": {key: item.as_json() for key, item in {**gains[name], **audits[name][0]}.items()},
                "findings": [finding.as_json() for finding in audits[name][1]],
            }
            for name in _ordered(ranks)
        },
        views=Views(computed=(*_computed(standing, chosen, balanced=balanced), *clean.paragraph())),
    )


def _contaminated(named: Mapping[str, Dataset], test: Dataset) -> Iterator[Finding]:
    """The finding of every set that holds test rows, with its name."""
    for name, item in named.items():
        own = leaked(item, test)
        for finding in Apart(None, None, (), *own).finding(test, item):
            yield replace(finding, message=f"{name}: {finding.message}")


def named_sets(sets: Mapping[str, Source] | Sequence[Source]) -> dict[str, Source]:
    """Sets by name; those in a sequence are named after their files.

    Raises:
        UsageError: two of one name.
    """
    if isinstance(sets, Mapping):
        return dict(sets)
    out: dict[str, Source] = {}
    for item in sets:
        name = str(getattr(item, "name", item)).rsplit("/", 1)[-1]
        if name in out:
            raise UsageError(f"two sets are named {name}", expected="different names", todo="name them: NAME=FILE")
        out[name] = item
    return out


def _metrics(settings: CompareSettings, real: Dataset) -> tuple[str, ...]:
    known = LABEL_METRICS if real.labels is not None else TEXT_METRICS
    if settings.metric is not None and settings.metric not in known:
        raise UsageError(f"metric {settings.metric}", expected=f"one of {', '.join(known)} for these rows")
    first = settings.metric or known[0]
    return (first, *(name for name in known if name != first))


def rivals_of(
    anchors: Dataset,
    named: Mapping[str, Dataset],
    test: Dataset | None,
    streams: Streams,
    *,
    encoder: TextEncoder | None = None,
    weighted: bool = True,
) -> Rivals:
    """Sets on common ground; ``weighted``: balanced trainings have the class shares of the anchors."""
    ground = Ground.of(anchors, together(list(named.values())), test=test)
    task: Task
    if ground.labeled:
        labeled = ground.label_task(streams, encoder=encoder)
        task = AnchorShares(labeled) if weighted else labeled
    else:
        task = TextTask.of_ground(ground)
    member = np.repeat(np.arange(len(named)), [len(item) for item in named.values()])
    return Rivals(ground, member, list(named), task, streams)


def together(sets: Sequence[Dataset]) -> Dataset:
    """One dataset of the rows of several of one kind, in order."""
    first = sets[0]
    none = [item.sources is None for item in sets]
    return replace(
        first,
        name=" + ".join(item.name for item in sets),
        ids=[one for item in sets for one in item.ids],
        sides={name: [text for item in sets for text in item.sides[name]] for name in first.sides},
        columns={name: [value for item in sets for value in item.columns[name]] for name in first.columns},
        labels=None if first.labels is None else [label for item in sets for label in item.labels or ()],
        sources=None
        if all(none)
        else [one for item in sets for one in (item.sources if item.sources is not None else [None] * len(item))],
        generators=None,
        records=[record for item in sets for record in item.records],
    )


def _pairs(standing: Standing, metric: str, *, balanced: bool) -> list[Pair]:
    """All pairs, the one ahead first; told apart by Holm over all of them."""
    found: dict[tuple[int, int], Estimate] = {}
    for a, b in combinations(range(len(standing.names)), 2):
        over = standing.over(metric, a, b, balanced=balanced)
        if over.value < 0:
            a, b, over = b, a, standing.over(metric, b, a, balanced=balanced)  # noqa: PLW2901  (turned around)
        found[a, b] = over
    adjusted = holm({f"{a} {b}": item.p if item.p is not None else 1.0 for (a, b), item in found.items()})
    return [
        Pair(standing.names[a], standing.names[b], item.adjusted(adjusted[f"{a} {b}"]), adjusted[f"{a} {b}"] < LEVEL)
        for (a, b), item in found.items()
    ]


def _ranks(names: Sequence[str], pairs: Sequence[Pair]) -> dict[str, Estimate]:
    """Rank of each set by mean, from 1, with the ranks that the told pairs leave open [mogstad2024]."""
    out = {}
    for name in names:
        better = sum(pair.told for pair in pairs if pair.behind == name)
        worse = sum(pair.told for pair in pairs if pair.ahead == name)
        bounds = (1.0 + better, float(len(names) - worse))
        out[name] = Estimate(
            value=1.0 + sum(pair.behind == name for pair in pairs),
            intervals={0.95: bounds},
            n=len(names),
            unit="rank",
            method="1 + sets ahead; the interval holds the ranks that no pair told apart by Holm at 5 % excludes",
            estimand="place of the set among those compared",
        )
    return out


def _ordered(ranks: Mapping[str, Estimate]) -> list[str]:
    return sorted(ranks, key=lambda name: ranks[name].value)


def _gains(standing: Standing, code: int, metrics: Sequence[str]) -> dict[str, Estimate]:
    """Gains of one set over the anchors alone, as it is and weighted to the class shares of the anchors."""
    out = {f"gain.{metric}": standing.over(metric, code, ANCHORS, balanced=False) for metric in metrics}
    if (ANCHORS, True) in standing.outcomes:
        equal = {
            f"gain.{metric}@anchor_shares": standing.over(metric, code, ANCHORS, balanced=True) for metric in metrics
        }
        out |= equal
    return out


def _audits(
    anchors: Dataset,
    named: Mapping[str, Dataset],
    size: int,
    seed: int,
    settings: CompareSettings,
    progress: Progress,
) -> dict[str, tuple[Mapping[str, Estimate], Sequence[Finding]]]:
    """Measures and findings of each set, at the same number of rows."""
    out: dict[str, tuple[Mapping[str, Estimate], Sequence[Finding]]] = {}
    for index, (name, item) in enumerate(named.items()):
        if not settings.measures:
            out[name] = ({}, ())
            continue
        progress(f"measures of {name}", index / len(named))
        rows = Streams(seed).stream("compare measures").permutation(len(item))[: min(max(size, 20), len(item))]
        run = audit_run(
            anchors,
            item.take(np.sort(rows).tolist()),
            seed=seed,
            settings=Settings(encoder=settings.encoder),
            gain=False,
        )
        out[name] = (run.result.estimates, run.result.findings)
    return out


def _estimates(pairs: Sequence[Pair], ranks: Mapping[str, Estimate], metric: str) -> dict[str, Estimate]:
    out = {f"compare.rank@{name}": ranks[name] for name in _ordered(ranks)}
    places = {name: ranks[name].value for name in ranks}
    ordered = sorted(pairs, key=lambda pair: (places[pair.ahead], places[pair.behind]))
    return out | {f"compare.{metric}@{pair.ahead} over {pair.behind}": pair.estimate for pair in ordered}


def _verdict(
    standing: Standing, pairs: Sequence[Pair], ranks: Mapping[str, Estimate], metric: str, *, balanced: bool
) -> Verdict:
    order = _ordered(ranks)
    best = order[0]
    gain = standing.over(metric, standing.names.index(best), ANCHORS, balanced=balanced)
    tied = [pair.behind for pair in pairs if pair.ahead == best and not pair.told]
    places = "; ".join(f"{name} {_place(ranks[name])}" for name in order)
    rest = ", ".join(f"{pair.ahead} and {pair.behind}" for pair in pairs if not pair.told)
    tail = f" At {standing.size:,} rows of each. Ranks: {places}." + (f" Cannot tell apart: {rest}." if rest else "")
    low, high = gain.interval(0.9)
    said = f"{gain.value:+.3g} {gain.unit} over your rows alone (90 % interval {low:+.3g} to {high:+.3g})"
    if high < 0:
        sentence = f"None helps: even {best}, which does best, is at {said}.{tail}"
        return Verdict(decision="do_not_use", sentence=sentence, rows_to_use=0)
    if tied:
        first = f"Cannot tell {best}, first by its mean, apart from {', '.join(tied)}"
        return Verdict(decision="cannot_tell", sentence=f"{first}: {best} is at {said}.{tail}")
    if low <= 0:
        return Verdict(
            decision="cannot_tell", sentence=f"{best} is the best of them, but it may not help: {said}.{tail}"
        )
    return Verdict(decision="use", sentence=f"{best} is the best of them: {said}.{tail}")


def _place(rank: Estimate) -> str:
    low, high = (round(end) for end in rank.interval(0.95))
    return f"{low}" if low == high else f"{low} to {high}"


def _scaled(progress: Progress, start: float, end: float) -> Progress:
    return lambda stage, done: progress(stage, start + done * (end - start))


def _computed(standing: Standing, settings: CompareSettings, *, balanced: bool) -> tuple[tuple[str, str], ...]:
    contest = settings.contest
    lengths = "as many from each fifth of all lengths" if contest.lengths else "lengths are as they come"
    drawn = (
        f"{standing.size:,} rows of every set beside the same anchors, {contest.draws} draws of each, {lengths}. "
        f"Differences are paired by row; {standing.where}."
    )
    weights = (
        "The order is decided with the rows of every set weighted to the class shares of the anchors."
        if balanced
        else "No class weights."
    )
    order = (
        "Sets are told apart by Student's t on the paired differences, adjusted by Holm over all pairs, at 5 %; "
        "intervals are of single differences, unadjusted. "
    )
    return (("Equal terms", drawn), ("Order", order + weights))
