"""``syngain select``: which rows to keep, always next to a random choice of the same size and to all rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from syngain._version import __version__
from syngain.core.errors import UsageError
from syngain.core.progress import Progress, silent
from syngain.core.result import Result, Verdict, Views
from syngain.core.rng import Streams
from syngain.data import write_rows
from syngain.gain.design.overlap import apart
from syngain.gain.proxies.metrics import LABEL_METRICS, TEXT_METRICS
from syngain.selection.layout import Field
from syngain.selection.methods import method_named
from syngain.selection.nested_choice import Judged, Trial, on_anchors, on_test
from syngain.workflows.inputs import Source, dataset_of, optional_dataset, summaries

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from syngain.core.estimate import Estimate
    from syngain.data.dataset import Dataset
    from syngain.data.encoders.vectors import TextEncoder
    from syngain.gain.proxies.labels import Classifier
    from syngain.selection.candidates import Method, Ranking


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectSettings:
    """How rows are chosen and judged.

    Attributes:
        rows: how many to keep; None: ``share`` of them. repeats_last: whether near duplicates go behind all others.
        metric: decides; None is log-loss with labels, nats per byte without. logprob: column of log-probabilities.
        model: the causal language model that ``conditional_ratio`` asks; None is a model of words.
        encoder: turns text into vectors; None needs no download. learner: the proxy; None is that of the rows' kind.
        trial: folds and random draws.
    """

    rows: int | None = None
    share: float = 0.5
    repeats_last: bool = True
    metric: str | None = None
    logprob: str | None = None
    model: str | None = None
    encoder: TextEncoder | None = None
    learner: Classifier | None = None
    trial: Trial = field(default_factory=Trial)


@dataclass(frozen=True)
class Selection:
    """A result with the rows behind it.

    Attributes:
        ranking: of all synthetic rows. rows: how many of its front are kept.
    """

    result: Result
    synthetic: Dataset
    ranking: Ranking
    rows: int


def select(
    real: Source,
    synthetic: Source,
    *,
    method: str | Method = "faithful_then_diverse",
    test: Source | None = None,
    seed: int = 0,
    settings: SelectSettings | None = None,
    progress: Progress = silent,
) -> Selection:
    """Choose rows by a method, and measure what the choice gains over random choices and over all rows.

    Args:
        real: the anchors, as a dataset or a path.
        synthetic: the rows to choose from.
        method: a name of :data:`syngain.selection.methods.METHODS`, or a method object.
        test: real rows to judge on beside the anchors.
        seed: of every random choice.
        settings: how many to keep, metric, encoder.
        progress: called with the stage and the share done.

    Raises:
        InputError: a file cannot be read, the sets do not fit each other, or the rows lack what the method needs.
        UsageError: an unknown method or metric, or a number of rows that is no choice.
    """
    progress("reading", 0.0)
    chosen = settings or SelectSettings()
    name = method if isinstance(method, str) else type(method).__name__
    chooser = method if not isinstance(method, str) else _method(method, chosen, progress)
    anchors = dataset_of(real)
    ours = dataset_of(synthetic, like=anchors)
    given = optional_dataset(test, anchors)
    clean = apart(anchors, ours, given, None)
    tested = clean.test
    rows = _rows(chosen, len(ours))
    metrics = _metrics(chosen, anchors)
    with threadpool_limits(1):
        laid = Field.of(
            anchors,
            ours,
            test=tested,
            streams=Streams(seed),
            encoder=chosen.encoder,
            logprob=chosen.logprob,
            learner=chosen.learner,
        )
        everything = laid.candidates(np.arange(len(anchors)), np.arange(len(ours)))
        progress("choosing", 0.05)
        ranking = chooser.rank(everything, rows, Streams(seed).stream("method"))
        inside = on_anchors(laid, chooser, rows / len(ours), trial=chosen.trial, progress=_within(progress))
        estimates = _estimates(inside, metrics, "")
        if tested is not None:
            progress("judging on the test set", 0.9)
            outside = on_test(laid, np.sort(ranking.order[:rows]), trial=chosen.trial)
            estimates |= _estimates(outside, metrics, "test")
    part = "@test" if tested is not None else ""
    verdict = _verdict(name, rows, len(ours), estimates, metrics[0], part)
    progress("done", 1.0)
    result = Result(
        command="select",
        version=__version__,
        seed=seed,
        inputs=summaries({"real": anchors, "synthetic": ours, "test": given}),
        estimates=dict(sorted(estimates.items())),
        findings=clean.finding(given, ours) if given is not None else (),
        verdict=verdict,
        views=Views(computed=(*_computed(name, inside, chosen), *clean.paragraph())),
    )
    return Selection(result, ours, ranking, rows)


def write_selection(selection: Selection) -> Callable[[Path], None]:
    """A writer of ``kept.jsonl`` and ``dropped.jsonl``: every row with score, rank and reason, best first.

    A smaller choice is the front of ``kept.jsonl``; a larger one goes on in ``dropped.jsonl``.
    """

    def write(folder: Path) -> None:
        ranking = selection.ranking
        for name, part in (("kept", slice(0, selection.rows)), ("dropped", slice(selection.rows, None))):
            rows = ranking.order[part].tolist()
            start = 1 if name == "kept" else selection.rows + 1
            write_rows(
                folder / f"{name}.jsonl",
                selection.synthetic,
                rows,
                {
                    "syngain_id": [selection.synthetic.ids[row] for row in rows],
                    "syngain_rank": list(range(start, start + len(rows))),
                    "syngain_score": [_finite(float(ranking.score[row])) for row in rows],
                    "syngain_reason": [ranking.reasons[row] for row in rows],
                },
            )

    return write


def _method(name: str, settings: SelectSettings, progress: Progress) -> Method:
    return method_named(name, repeats_last=settings.repeats_last, model=settings.model, progress=progress)


def _rows(settings: SelectSettings, count: int) -> int:
    if settings.rows is None and not 0 < settings.share < 1:
        raise UsageError(f"a share of {settings.share}", expected="above 0 and below 1")
    rows = round(settings.share * count) if settings.rows is None else settings.rows
    if not 0 < rows < count:
        raise UsageError(f"{rows:,} of {count:,} rows to keep", expected="at least one row fewer than there are")
    return rows


def _metrics(settings: SelectSettings, real: Dataset) -> tuple[str, ...]:
    known = LABEL_METRICS if real.labels is not None else TEXT_METRICS
    if settings.metric is not None and settings.metric not in known:
        raise UsageError(f"metric {settings.metric}", expected=f"one of {', '.join(known)} for these rows")
    first = settings.metric or known[0]
    return (first, *(name for name in known if name != first))


def _within(progress: Progress) -> Progress:
    return lambda stage, done: progress(stage, 0.1 + 0.8 * done)


_WORDS = {
    "over_random": ("chosen", "random", "the chosen rows over as many rows drawn at random, both beside the anchors"),
    "over_all": ("chosen", "all", "the chosen rows over all rows, both beside the anchors"),
    "kept": ("chosen", "anchors", "the chosen rows beside the anchors over the anchors alone"),
    "random": ("random", "anchors", "as many rows drawn at random beside the anchors over the anchors alone"),
    "all": ("all", "anchors", "all rows beside the anchors over the anchors alone"),
}


def _estimates(judged: Judged, metrics: tuple[str, ...], part: str) -> dict[str, Estimate]:
    out = {}
    for metric in metrics:
        for name, (treated, control, estimand) in _WORDS.items():
            found = judged.over(metric, treated, control, estimand)
            if name.startswith("over_"):
                out[f"selection.{metric}.{name}" + (f"@{part}" if part else "")] = found
            else:
                out[f"gain.{metric}@{name}" + (f"_{part}" if part else "")] = found
    return out


def _verdict(name: str, rows: int, count: int, estimates: dict[str, Estimate], metric: str, part: str) -> Verdict:
    """By the test set where there is one; a method that does not beat random says so first."""
    random = estimates[f"selection.{metric}.over_random{part}"]
    every = estimates[f"selection.{metric}.over_all{part}"]
    alone = estimates[f"gain.{metric}@kept{part.replace('@', '_')}"]
    kept = f"{rows:,} of {count:,} rows by {name}"
    said = f"{_words(random, metric)} over a random choice of the same size, {_words(every, metric)} over all rows"
    if random.interval(0.9)[1] < 0:
        sentence = f"{name} is worse than a random choice of the same size: {kept} gain {said}."
        return Verdict(decision="do_not_use", sentence=sentence)
    if random.interval(0.9)[0] <= 0:
        more = " All rows are better." if every.interval(0.9)[1] < 0 else ""
        sentence = f"{name} does not beat a random choice of the same size: {kept} gain {said}.{more}"
        return Verdict(decision="cannot_tell", sentence=sentence)
    if every.interval(0.9)[1] < 0:
        sentence = f"Use all rows: {kept} beat random ones but not all rows ({said})."
        return Verdict(decision="use", sentence=sentence, rows_to_use=count)
    if alone.interval(0.9)[1] < 0:
        sentence = (
            f"Better than random, and still harm: {kept} gain {said}, but {_words(alone, metric)} over your rows."
        )
        return Verdict(decision="do_not_use", sentence=sentence, rows_to_use=0)
    sentence = f"Keep {kept}: they gain {said}, and {_words(alone, metric)} over your rows alone."
    return Verdict(decision="use_subset", sentence=sentence, rows_to_use=rows)


def _words(estimate: Estimate, metric: str) -> str:
    low, high = estimate.interval(0.9)
    unit = {"nats": " nats of log-loss", "nats per byte": " nats per byte"}.get(estimate.unit, f" of {metric}")
    return f"{estimate.value:+.3g}{unit} (90 % interval {low:+.3g} to {high:+.3g})"


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _computed(name: str, judged: Judged, settings: SelectSettings) -> tuple[tuple[str, str], ...]:
    repeats = "of near duplicates all but the best stand behind all other rows" if settings.repeats_last else "none"
    measured = (
        f"The method chose anew without each of {settings.trial.folds} folds of the anchors and the rows made from "
        f"them ({judged.rows:,.0f} rows on average), next to {settings.trial.randoms} random choices of the same "
        "size and all rows; the held-out anchors judged. Rivals are trained on the same anchors."
    )
    files = (
        "kept.jsonl and dropped.jsonl hold the rows from best to worst with score, rank and reason: for another size "
        "read on in their order. Where a method chooses rows jointly, ranks beyond the kept ones are bounds."
    )
    return (("Method", f"{name}; repeats: {repeats}."), ("Measured", measured), ("Files", files))
