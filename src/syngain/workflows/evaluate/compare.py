"""``syngain compare``: rank several datasets at equal size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from threadpoolctl import threadpool_limits

from syngain._version import __version__
from syngain.audit.measure import Settings
from syngain.core.documents.warned import carried
from syngain.core.errors import UsageError, check_set_name
from syngain.core.progress import Progress, part_of, silent
from syngain.core.result import Result, Views
from syngain.core.rng import Streams
from syngain.data.columns.preferences import Preferences
from syngain.data.columns.targets import Targets
from syngain.data.dataset import Dataset
from syngain.data.study import Study
from syngain.gain.design.layout import GainLayout, check
from syngain.gain.design.overlap import Apart, apart, leaked
from syngain.gain.design.reading import sampled, unlabeled_reader
from syngain.gain.outcome.methods_text import frozen_model
from syngain.gain.outcome.verdict import of_statistic
from syngain.gain.proxies.metrics import FROZEN_METRICS, metrics_of
from syngain.selection.class_shares import AnchorShares
from syngain.selection.matched_sets import (
    ANCHORS,
    Contest,
    MatchedSets,
    RankedPair,
    Standing,
    ordered,
    ranked_pairs,
    ranks_of,
)
from syngain.selection.narrative.compared import methods, verdict
from syngain.workflows.evaluate.audit import audit
from syngain.workflows.inputs import Source, dataset_of, of_kind, optional_dataset, settings_json, summaries

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from syngain.core.estimate import Estimate
    from syngain.core.result import Finding
    from syngain.data.encoders.vectors import TextEncoder
    from syngain.gain.proxies.frozen import FrozenReader
    from syngain.gain.proxies.task import Task


FROZEN_DRAWS = 2  # from every dataset, where a fit takes seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareSettings:
    """Settings of a comparison.

    Attributes:
        metric: orders the datasets; None is log-loss with labels, nats per byte without.
        class_weights: whether every dataset is weighted to the class distribution of the real rows where the order is
            decided, so that none ranks higher for its class distribution alone; only with labels.
        measures: whether every dataset is audited as well, at the same size. encoder: turns text into embeddings.
        contest: folds, draws, matched lengths. proxy, model, minutes: as in ``GainSettings``.
    """

    metric: str | None = None
    class_weights: bool = True
    measures: bool = True
    encoder: TextEncoder | None = None
    contest: Contest = field(default_factory=Contest)
    proxy: Literal["auto", "frozen"] = "auto"
    model: str = "smollm2"
    minutes: float | None = None


@carried
def compare(
    real: Source,
    sets: Mapping[str, Source] | Sequence[Source],
    *,
    test: Source | None = None,
    seed: int = 0,
    settings: CompareSettings | None = None,
    progress: Progress = silent,
) -> Result:
    """Rank several datasets at equal size, with gains and paired differences.

    Args:
        real: your real rows, as a dataset or a path.
        sets: at least two datasets, by name, or in order and named after their files.
        test: real test rows; without them, cross-validation on ``real``.
        seed: of every random choice; the same draws for every dataset.
        settings: metric, matched lengths.
        progress: called with the stage and the fraction done.

    Raises:
        InputError: a file cannot be read, a dataset does not fit the real rows, or has too few rows.
        UsageError: fewer than two datasets, two of one name, or an unknown metric.
    """
    chosen = of_kind(settings, CompareSettings)
    progress("reading", 0.0)
    anchors = dataset_of(real)
    named = {name: dataset_of(item, like=anchors) for name, item in named_sets(sets).items()}
    if len(named) < 2:
        raise UsageError(
            f"compare got {len(named)} dataset",
            expected="at least 2 datasets",
            todo="name another dataset, or run `syngain gain` for one",
        )
    for item in named.values():
        check(anchors, item, [anchors])
    given_test, every = optional_dataset(test, anchors), together(list(named.values()))
    clean = apart(anchors, every, given_test, None)
    reader = _reader(chosen, anchors)
    metrics = _metrics(chosen, anchors, reader)
    read = _Read.of(Study.of(anchors, every, test=clean.test), named, reader, Streams(seed), progress)
    standing = _standing(read, Streams(seed), chosen, progress)
    balanced = chosen.class_weights and anchors.labels is not None
    pairs = ranked_pairs(standing, metrics[0], balanced=balanced)
    ranks = ranks_of(list(named), pairs)
    gains = {name: _gains(standing, code, metrics) for code, name in enumerate(named)}
    audits = _audits(anchors, _equal_size(named, standing.size, seed), seed, chosen, part_of(progress, 0.6, 1.0))
    progress("done", 1.0)
    return Result(
        command="compare",
        version=__version__,
        seed=seed,
        inputs=summaries({"real": anchors, **named, "test": given_test}),
        estimates=_estimates(pairs, ranks, metrics[0]),
        findings=(*_contaminated(named, given_test if clean.leaked else None), *_findings(audits)),
        verdict=of_statistic(verdict(standing, pairs, ranks, metrics[0], balanced=balanced), metrics[0]),
        sets={name: _set_json(gains[name], *audits[name]) for name in ordered(ranks)},
        views=Views(computed=(*methods(standing, chosen.contest, balanced=balanced), *read.paragraphs(clean))),
        settings=settings_json(chosen),
    )


def _set_json(
    gains: Mapping[str, Estimate], measures: Mapping[str, Estimate], findings: Sequence[Finding]
) -> dict[str, object]:
    """Estimates and findings of one dataset for ``report.json``."""
    return {
        "estimates": {name: item.as_json() for name, item in {**gains, **measures}.items()},
        "findings": [finding.as_json() for finding in findings],
    }


@dataclass(frozen=True)
class _Read:
    """The rows that are compared: all, or those a frozen model can read in its time, drawn alike from all datasets."""

    anchors: Dataset
    named: Mapping[str, Dataset]
    test: Dataset | None
    reader: FrozenReader | None = None
    said: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        study: Study,
        named: Mapping[str, Dataset],
        reader: FrozenReader | None,
        streams: Streams,
        progress: Progress,
    ) -> _Read:
        """The rows of a study whose synthetic rows are all datasets, in order."""
        if reader is None:
            return cls(study.real, named, study.test)
        sample = sampled(study, reader, streams, progress)
        taken, first = np.asarray(sample.taken), 0
        out = {}
        for name, item in named.items():
            own = taken[(taken >= first) & (taken < first + len(item))] - first
            out[name], first = item.take(own.tolist()), first + len(item)
        return cls(sample.study.real, out, sample.study.test, reader, sample.said)

    def paragraphs(self, clean: Apart) -> tuple[tuple[str, str], ...]:
        """The frozen model with its sample, and what was excluded."""
        return (*(() if self.reader is None else frozen_model(self.reader, self.said)), *clean.paragraph())


def _standing(rows: _Read, streams: Streams, settings: CompareSettings, progress: Progress) -> Standing:
    contest = settings.contest
    if rows.reader is not None:
        contest = replace(contest, draws=min(contest.draws, FROZEN_DRAWS))
    with threadpool_limits(1):
        sets = matched_sets(rows.anchors, rows.named, rows.test, streams, encoder=settings.encoder, reader=rows.reader)
        inner = part_of(progress, 0.05, 0.6)
        return (sets.on_anchors if rows.test is None else sets.on_test)(contest, progress=inner)


def _findings(audits: Mapping[str, tuple[Mapping[str, Estimate], Sequence[Finding]]]) -> Iterator[Finding]:
    """The findings of every dataset, with its name."""
    for name, (_, found) in audits.items():
        yield from (replace(item, message=f"{name}: {item.message}") for item in found)


def _reader(settings: CompareSettings, real: Dataset) -> FrozenReader | None:
    """The frozen model that reads these rows; None for other proxies."""
    return unlabeled_reader(real, settings.proxy, settings.model, settings.minutes)


def _contaminated(named: Mapping[str, Dataset], test: Dataset | None) -> Iterator[Finding]:
    """The finding of every dataset that holds test rows, with its name."""
    if test is None:
        return
    for name, item in named.items():
        own = leaked(item, test)
        for finding in Apart(None, None, (), *own).finding(test, item):
            yield replace(finding, message=f"{name}: {finding.message}")


def named_sets(sets: Mapping[str, Source] | Sequence[Source] | Source) -> dict[str, Source]:
    """Sets by name; those in a sequence, or the only one, are named after their files.

    Raises:
        UsageError: two of one name, or a name that the report uses itself.
    """
    if isinstance(sets, (str, Path, Dataset)):
        return named_sets([sets])
    if isinstance(sets, Mapping):
        for name in sets:
            check_set_name(str(name))
        return dict(sets)
    out: dict[str, Source] = {}
    for item in sets:
        name = str(getattr(item, "name", item)).rsplit("/", 1)[-1]
        if name in out:
            came = f"two datasets are named {name}"
            raise UsageError(came, expected="different names", todo="name them as NAME=FILE")
        check_set_name(name)
        out[name] = item
    return out


def _metrics(settings: CompareSettings, real: Dataset, reader: FrozenReader | None) -> tuple[str, ...]:
    known = metrics_of(real) if reader is None else FROZEN_METRICS
    if settings.metric is not None and settings.metric not in known:
        raise UsageError(
            f"unknown metric {settings.metric!r}",
            expected=f"one of {', '.join(known)} for these rows",
            todo=f"choose --metric {known[0]}",
        )
    first = settings.metric or known[0]
    return (first, *(name for name in known if name != first))


def matched_sets(  # noqa: PLR0913  (the datasets, and how they are read)
    anchors: Dataset,
    named: Mapping[str, Dataset],
    test: Dataset | None,
    streams: Streams,
    *,
    encoder: TextEncoder | None = None,
    weighted: bool = True,
    reader: FrozenReader | None = None,
) -> MatchedSets:
    """Datasets laid out together.

    ``weighted``: balanced trainings have the class distribution of the real rows.
    """
    ground = GainLayout.of(anchors, together(list(named.values())), test=test, reader=reader)
    task: Task
    if ground.labeled:
        labeled = ground.label_task(streams, encoder=encoder)
        task = AnchorShares(labeled) if weighted else labeled
    else:
        task = ground.task(streams)
    member = np.repeat(np.arange(len(named)), [len(item) for item in named.values()])
    return MatchedSets(ground, member, list(named), task, streams)


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
        preferences=None
        if first.preferences is None
        else Preferences.joined([item.preferences for item in sets if item.preferences is not None]),
        targets=None
        if first.targets is None
        else Targets.joined([item.targets for item in sets if item.targets is not None]),
    )


def _gains(standing: Standing, code: int, metrics: Sequence[str]) -> dict[str, Estimate]:
    """Gains of one dataset over the real rows alone, raw and class-weighted."""
    out = {f"gain.{metric}": standing.over(metric, code, ANCHORS, balanced=False) for metric in metrics}
    if (ANCHORS, True) in standing.outcomes:
        equal = {
            f"gain.{metric}@anchor_shares": standing.over(metric, code, ANCHORS, balanced=True) for metric in metrics
        }
        out |= equal
    return out


def _equal_size(named: Mapping[str, Dataset], size: int, seed: int) -> dict[str, Dataset]:
    """As many rows of each dataset as the comparison drew, at least 20."""
    out = {}
    for name, item in named.items():
        rows = Streams(seed).stream("compare measures").permutation(len(item))[: min(max(size, 20), len(item))]
        out[name] = item.take(np.sort(rows).tolist())
    return out


def _audits(
    anchors: Dataset, named: Mapping[str, Dataset], seed: int, settings: CompareSettings, progress: Progress
) -> dict[str, tuple[Mapping[str, Estimate], Sequence[Finding]]]:
    """Measures and findings of each dataset."""
    out: dict[str, tuple[Mapping[str, Estimate], Sequence[Finding]]] = {}
    for index, (name, item) in enumerate(named.items()):
        if not settings.measures:
            out[name] = ({}, ())
            continue
        progress(f"measures of {name}", index / len(named))
        found = audit(anchors, item, seed=seed, settings=Settings(encoder=settings.encoder), gain=False)
        out[name] = (found.estimates, found.findings)
    return out


def _estimates(pairs: Sequence[RankedPair], ranks: Mapping[str, Estimate], metric: str) -> dict[str, Estimate]:
    out = {f"compare.rank@{name}": ranks[name] for name in ordered(ranks)}
    places = {name: ranks[name].value for name in ranks}
    placed = sorted(pairs, key=lambda pair: (places[pair.ahead], places[pair.behind]))
    return out | {f"compare.{metric}@{pair.ahead} over {pair.behind}": pair.estimate for pair in placed}
