"""``syngain select``: keep the best rows; compare with random selection."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from threadpoolctl import threadpool_limits

from syngain._version import __version__
from syngain.core.documents.warned import carried
from syngain.core.errors import UsageError
from syngain.core.progress import Progress, part_of, silent
from syngain.core.result import Result, Views
from syngain.core.rng import Streams
from syngain.data.files.write import RowFile
from syngain.gain.design.overlap import apart
from syngain.gain.design.reading import sampled, unlabeled_reader
from syngain.gain.outcome.methods_text import frozen_model
from syngain.gain.outcome.verdict import of_statistic
from syngain.gain.proxies.metrics import FROZEN_METRICS, metrics_of
from syngain.selection.layout import SelectionLayout
from syngain.selection.methods import check_target, method_named
from syngain.selection.narrative.selected import methods, verdict
from syngain.selection.nested_choice import SelectionTrial, on_anchors, on_test
from syngain.workflows.evaluate.reselect import RANK
from syngain.workflows.inputs import Source, of_kind, settings_json, study_of, summaries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.estimate import Estimate
    from syngain.data.dataset import Dataset
    from syngain.data.encoders.vectors import TextEncoder
    from syngain.data.study import Study
    from syngain.gain.nested_gains import NestedGains
    from syngain.gain.proxies.frozen import FrozenReader
    from syngain.gain.proxies.labels import Classifier
    from syngain.selection.candidates import Method, Ranking


FROZEN_RANDOMS = 3  # random selections where a fit takes seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectSettings:
    """Settings of a selection.

    Attributes:
        rows: how many to keep; None: ``share`` of them. repeats_last: whether near-duplicates go behind all others.
        metric: of the verdict; None is log-loss with labels, nats per byte without. logprob: column of
            log-probabilities.
        model: the causal language model of ``conditional_ratio``; None is a word model.
        encoder: turns text into embeddings; None needs no download. learner: the proxy; None is that of the rows' kind.
        trial: folds and random draws. proxy, reader, minutes: as proxy, model and minutes of ``GainSettings``.
    """

    rows: int | None = None
    share: float = 0.5
    repeats_last: bool = True
    metric: str | None = None
    logprob: str | None = None
    model: str | None = None
    encoder: TextEncoder | None = None
    learner: Classifier | None = None
    trial: SelectionTrial = field(default_factory=SelectionTrial)
    proxy: Literal["auto", "frozen"] = "auto"
    reader: str = "smollm2"
    minutes: float | None = None


@carried
def select(  # noqa: PLR0913  (the inputs and switches of the command)
    real: Source,
    synthetic: Source,
    *,
    method: str | Method = "faithful_then_diverse",
    test: Source | None = None,
    seed: int = 0,
    settings: SelectSettings | None = None,
    progress: Progress = silent,
) -> Result:
    """Keep the best rows by a method; compare with random selection and all rows.

    Args:
        real: your real rows, as a dataset or a path.
        synthetic: the rows to choose from.
        method: a name of :data:`syngain.selection.methods.METHODS`, or a method object.
        test: real rows to measure on, next to cross-validation on ``real``.
        seed: of every random choice.
        settings: how many to keep, metric, encoder.
        progress: called with the stage and the fraction done.

    Returns:
        The result; its ``kept_rows`` and ``dropped_rows`` have score, rank and reason, best first. A smaller selection
        is the first kept rows; a larger one continues in the dropped ones.

    Raises:
        InputError: a file cannot be read, the datasets do not fit each other, or the rows lack what the method needs.
        UsageError: an unknown method or metric, or a number of rows out of range.
    """
    progress("reading", 0.0)
    chosen = of_kind(settings, SelectSettings)
    name = method if isinstance(method, str) else type(method).__name__
    chooser = method if not isinstance(method, str) else _method(method, chosen, progress)
    study = study_of(real, synthetic, test=test)
    check_target(name, study.real)
    clean = apart(study.real, study.synthetic, study.test, None)
    count, given = len(study.synthetic), study.test
    rows = _rows(chosen, count)
    metrics = _metrics(chosen, study.real)
    part = "@test" if clean.test is not None else ""
    ranking, estimates, inside, said = _measured(
        study.judged_by(clean.test, None), chooser, chosen, rows, streams=Streams(seed), progress=progress
    )
    trained = methods(name, inside, trial=chosen.trial, repeats_last=chosen.repeats_last)
    named = _named(estimates, metrics)
    progress("done", 1.0)
    return Result(
        command="select",
        version=__version__,
        seed=seed,
        inputs=summaries({"real": study.real, "synthetic": study.synthetic, "test": given}),
        estimates=dict(sorted(named.items())),
        findings=clean.finding(given, study.synthetic) if given is not None else (),
        verdict=of_statistic(verdict(name, rows, count, named, metric=metrics[0], part=part), metrics[0]),
        views=Views(computed=(*trained, *said, *clean.paragraph())),
        files=_files(study.synthetic, ranking, rows),
        settings=settings_json(chosen, method=method),
    )


def _measured(
    study: Study,
    chooser: Method,
    chosen: SelectSettings,
    rows: int,
    *,
    streams: Streams,
    progress: Progress,
) -> tuple[Ranking, dict[str, NestedGains], NestedGains, tuple[tuple[str, str], ...]]:
    """The ranking of all rows, its gain, cross-validated and on the test set, and the sample a frozen model read."""
    count, reader = len(study.synthetic), _reader(chosen, study.real)
    with threadpool_limits(1):
        layout = SelectionLayout.of(
            study, streams=streams, encoder=chosen.encoder, logprob=chosen.logprob, learner=chosen.learner
        )
        everything = layout.candidates(np.arange(len(study.real)), np.arange(count))
        progress("choosing", 0.05)
        ranking = chooser.rank(everything, rows, streams.stream("method"))
        kept, trial = np.sort(ranking.order[:rows]), chosen.trial
        said: tuple[tuple[str, str], ...] = ()
        if reader is not None:
            sample = sampled(study, reader, streams, progress)
            layout = SelectionLayout.of(
                sample.study, streams=streams, encoder=chosen.encoder, logprob=chosen.logprob, reader=reader
            )
            kept = np.flatnonzero(np.isin(np.asarray(sample.taken), kept))
            trial = replace(trial, randoms=min(trial.randoms, FROZEN_RANDOMS))
            said = frozen_model(reader, sample.said)
        inside = on_anchors(layout, chooser, rows / count, trial=trial, progress=part_of(progress, 0.1, 0.9))
        found = {"": inside}
        if study.test is not None:
            progress("evaluating on the test set", 0.9)
            found["test"] = on_test(layout, kept, trial=trial)
    return ranking, found, inside, said


def _named(found: Mapping[str, NestedGains], metrics: tuple[str, ...]) -> dict[str, Estimate]:
    out: dict[str, Estimate] = {}
    for part, gains in found.items():
        out |= _estimates(gains, metrics, part)
    return out


def _files(synthetic: Dataset, ranking: Ranking, kept: int) -> dict[str, RowFile]:
    """``kept.jsonl`` and ``dropped.jsonl``: rows with score, rank and reason."""
    out = {}
    for name, part, start in (("kept", slice(0, kept), 1), ("dropped", slice(kept, None), kept + 1)):
        rows = ranking.order[part].tolist()
        extra: dict[str, Sequence[object]] = {
            "syngain_id": [synthetic.ids[row] for row in rows],
            RANK: list(range(start, start + len(rows))),
            "syngain_score": [_finite(float(ranking.score[row])) for row in rows],
            "syngain_reason": [ranking.reasons[row] for row in rows],
        }
        out[f"{name}.jsonl"] = RowFile(synthetic, rows, extra)
    return out


def _method(name: str, settings: SelectSettings, progress: Progress) -> Method:
    return method_named(name, repeats_last=settings.repeats_last, model=settings.model, progress=progress)


def _rows(settings: SelectSettings, count: int) -> int:
    if settings.rows is None and not 0 < settings.share < 1:
        raise UsageError(
            f"a fraction of {settings.share}",
            expected="a number above 0 and below 1",
            todo="set --share, for example 0.5",
        )
    rows = round(settings.share * count) if settings.rows is None else settings.rows
    if not 0 < rows < count:
        raise UsageError(
            f"{rows:,} of {count:,} rows to keep",
            expected=f"1 to {count - 1:,} rows",
            todo="set --rows in this range",
        )
    return rows


def _reader(settings: SelectSettings, real: Dataset) -> FrozenReader | None:
    """The frozen model that reads these rows; None for other proxies."""
    return unlabeled_reader(real, settings.proxy, settings.reader, settings.minutes)


def _metrics(settings: SelectSettings, real: Dataset) -> tuple[str, ...]:
    known = metrics_of(real) if _reader(settings, real) is None else FROZEN_METRICS
    if settings.metric is not None and settings.metric not in known:
        raise UsageError(
            f"unknown metric {settings.metric!r}",
            expected=f"one of {', '.join(known)} for these rows",
            todo=f"choose --metric {known[0]}",
        )
    first = settings.metric or known[0]
    return (first, *(name for name in known if name != first))


_WORDS = {
    "over_random": (
        "chosen",
        "random",
        "selected rows over random selection of the same size, both added to the real rows",
    ),
    "over_all": ("chosen", "all", "selected rows over all rows, both added to the real rows"),
    "kept": ("chosen", "anchors", "selected rows added to the real rows, over the real rows alone"),
    "random": (
        "random",
        "anchors",
        "random selection of the same size added to the real rows, over the real rows alone",
    ),
    "all": ("all", "anchors", "all rows added to the real rows, over the real rows alone"),
}


def _estimates(judged: NestedGains, metrics: tuple[str, ...], part: str) -> dict[str, Estimate]:
    out = {}
    for metric in metrics:
        for name, (treated, control, estimand) in _WORDS.items():
            found = judged.over(metric, treated, control, estimand)
            if name.startswith("over_"):
                out[f"selection.{metric}.{name}" + (f"@{part}" if part else "")] = found
            else:
                out[f"gain.{metric}@{name}" + (f"_{part}" if part else "")] = found
    return out


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
