"""``syngain loop``: simulate model collapse under recursive training."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from syngain._version import __version__
from syngain.core.documents.warned import carried
from syngain.core.errors import InputError, UsageError
from syngain.core.estimate import Estimate
from syngain.core.progress import Progress, silent
from syngain.core.result import Result, Series, Views
from syngain.core.rng import Streams
from syngain.data import RoleOptions, read
from syngain.data.dataset import Kind
from syngain.inference.intervals import normal_intervals
from syngain.lab.text_loop import FEWEST, MEASURES, Loop
from syngain.workflows.inputs import Source, either, of_kind, settings_json, summaries
from syngain.workflows.research.loop_narrative import COLLAPSE, LoopOutcome, paragraphs, part, verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Floats
    from syngain.data.dataset import Dataset

HELD = 0.5  # of the rows, where no holdout is given
HALF = 0.5  # of the loss of full replacement
WORDS: Mapping[str, tuple[str, str]] = {
    "distinct_fraction": (
        "share",
        "distinct 4-grams of words or characters, over those of generation 1",
    ),
    "coverage": ("share", "4-grams of the real holdout that are generated, over those of generation 1"),
    "tail_coverage": ("share", "rare real words that are still generated, over those of generation 1"),
    "divergence": (
        "nats per byte",
        "growth of the divergence from real rows: their surprisal under an n-gram model of the generation",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopSettings:
    """How the loop is run: the loop itself, and how many ``seeds`` repeat it."""

    loop: Loop = field(default_factory=Loop)
    seeds: int = 5

    def __post_init__(self) -> None:
        shares = self.loop.shares
        if not shares or list(shares) != sorted(set(shares)) or not all(0 <= share < 1 for share in shares):
            raise UsageError(
                f"real fractions {shares}",
                expected="distinct fractions from 0 to below 1, ascending",
                todo="set --real-share, for example to 0,0.1,0.5",
            )
        if self.loop.generations < 2 or self.seeds < 2:
            said = f"{self.loop.generations} generations, {self.seeds} seeds"
            raise UsageError(
                said,
                expected="at least 2 generations and 2 seeds",
                todo="raise --generations or --n-repeats to 2 or more",
            )


@carried
def loop(
    real: Source,
    *,
    held_out: Source | None = None,
    seed: int = 0,
    settings: LoopSettings | None = None,
    progress: Progress = silent,
    holdout: Source | None = None,
) -> Result:
    """Simulate recursive training with several fractions of real rows.

    Args:
        real: texts, or pairs, of which the response is generated.
        held_out: real rows that no generation is trained on; half of ``real`` without it.
        seed: of every random choice.
        settings: generations, real fractions, rows and seeds.
        progress: called with the stage and the fraction done.
        holdout: former name of ``held_out``.

    Raises:
        InputError: a file cannot be read, holds a table, or has too few rows.
        UsageError: wrong fractions, generations or seeds.
    """
    progress("reading", 0.0)
    chosen = of_kind(settings, LoopSettings)
    rows = _unlabeled(real)
    unseen = either(held_out, holdout, "held_out", "holdout")
    held = None if unseen is None else _unlabeled(unseen, rows)
    texts, pinned = _texts(rows), None if held is None else _texts(held)
    runs = []
    for s in range(chosen.seeds):
        streams = Streams(seed).child(f"loop {s}")
        own, away = _parted(texts, streams) if pinned is None else (texts, pinned)
        run_progress = _within(progress, s, chosen.seeds)
        runs.append(chosen.loop.run(own, away, streams, run_progress))
    values = _relative(np.array(runs))
    shares = chosen.loop.shares
    estimates = _estimates(values, shares) | _ratios(values, shares)
    progress("done", 1.0)
    return Result(
        command="loop",
        version=__version__,
        seed=seed,
        inputs=summaries({"real": rows, "holdout": held}),
        estimates=dict(sorted(estimates.items())),
        series=_series(values, shares),
        findings=(),
        verdict=verdict(_outcome(values, estimates, shares)),
        views=Views(computed=paragraphs(chosen.loop, chosen.seeds, pinned=held is not None)),
        settings=settings_json(chosen),
    )


def _unlabeled(source: Source, like: Dataset | None = None) -> Dataset:
    """The rows, without labels where they are read: a loop models texts."""
    if not isinstance(source, str | Path):
        return source
    return read(source, roles=RoleOptions.parse({"text": None, "label": "none"}, "real"), like=like)


def _texts(rows: Dataset) -> list[str]:
    if rows.kind is Kind.TABLE:
        raise InputError(
            f"{rows.name} is a table of columns",
            expected="texts, or pairs of prompt and response",
            todo="name the text column with --text",
        )
    side = rows.sides["response" if rows.kind is Kind.PAIR else "text"]
    found = [text for text in side if text.strip()]
    if len(found) < 2 * FEWEST:
        raise InputError(
            f"{rows.name} has {len(found)} texts",
            expected=f"at least {2 * FEWEST} texts that are not empty",
            todo="add real rows",
        )
    return found


def _parted(texts: Sequence[str], streams: Streams) -> tuple[list[str], list[str]]:
    order = streams.stream("holdout").permutation(len(texts)).tolist()
    away = round(HELD * len(texts))
    return [texts[i] for i in order[away:]], [texts[i] for i in order[:away]]


def _within(progress: Progress, run: int, runs: int) -> Progress:
    return lambda stage, done: progress(f"run {run + 1} of {runs}: {stage}", (run + done) / runs)


def _relative(runs: Floats) -> Floats:
    """Measures (seeds, 4, fractions, generations) relative to generation 1.

    Surprisal is given as its growth. NaN where generation 1 has nothing to lose.
    """
    first = runs[..., :1]
    share = np.divide(runs, first, out=np.full(runs.shape, np.nan), where=first > 0)
    share[:, MEASURES.index("divergence")] = (runs - first)[:, MEASURES.index("divergence")]
    return np.asarray(share)


def _estimate(draws: Floats, unit: str, estimand: str) -> Estimate:
    """The mean over seeds (n,), with Student's interval; a fraction of generation 1 is never below 0."""
    value, count = float(draws.mean()), draws.size
    error = float(draws.std(ddof=1)) / float(np.sqrt(count))
    found = Estimate(
        value=value,
        intervals=normal_intervals(value, error, count - 1.0),
        n=count,
        clusters=count,
        unit=unit,
        method=f"mean of {count} loops, each with its own real rows, holdout and draws",
        estimand=estimand,
    )
    return found.within(0, math.inf) if unit == "share" else found


def _estimates(values: Floats, shares: Sequence[float]) -> dict[str, Estimate]:
    """What is left in the last generation."""
    last = values.shape[-1]
    return {
        f"loop.{name}@{part(share)}": _estimate(
            values[:, m, s, -1], WORDS[name][0], f"generation {last}, {100 * share:g}% real rows: {WORDS[name][1]}"
        )
        for m, name in enumerate(MEASURES)
        for s, share in enumerate(shares)
        if not np.isnan(values[:, m, s]).any()
    }


def _ratios(values: Floats, shares: Sequence[float]) -> dict[str, Estimate]:
    """Loss over the loss of full replacement, ratio of means, jackknife over seeds."""
    if shares[0] != 0:
        return {}
    out = {}
    for name in ("distinct_fraction", "coverage"):
        lost = 1 - values[:, MEASURES.index(name), :, -1]
        if np.isnan(lost).any() or _estimate(lost[:, 0], "share", "").interval(0.9)[0] <= 0:
            continue  # no significant loss to prevent
        for s, share in enumerate(shares[1:], 1):
            seeds = len(lost)
            without = [np.delete(lost, i, axis=0).mean(axis=0) for i in range(seeds)]
            ratios = np.array([mean[s] / mean[0] for mean in without])
            value = float(lost[:, s].mean() / lost[:, 0].mean())
            error = float(np.sqrt((seeds - 1) / seeds * np.sum((ratios - ratios.mean()) ** 2)))
            out[f"loop.loss_ratio_{name}@{part(share)}"] = Estimate(
                value=value,
                intervals=normal_intervals(value, error, seeds - 1.0),
                n=seeds,
                clusters=seeds,
                unit="ratio",
                method="ratio of mean losses, paired over seeds; jackknife over seeds",
                estimand=f"loss with {100 * share:g}% real rows over that of full replacement, {WORDS[name][1]}",
            )
    return out


def _series(values: Floats, shares: Sequence[float]) -> dict[str, Series]:
    """Curves over generations with their 90% bands."""
    out = {}
    for m, name in enumerate(MEASURES):
        for s, share in enumerate(shares):
            if np.isnan(values[:, m, s]).any():
                continue
            points = [_estimate(values[:, m, s, g], *WORDS[name]) for g in range(values.shape[-1])]
            low, high = zip(*(point.interval(0.9) for point in points), strict=True)
            out[f"loop.{name}@{part(share)}"] = Series(
                x_name="generation",
                x=tuple(float(g + 1) for g in range(values.shape[-1])),
                value=tuple(point.value for point in points),
                lower=low,
                upper=high,
                level=0.9,
            )
    return out


def _outcome(values: Floats, estimates: Mapping[str, Estimate], shares: Sequence[float]) -> LoopOutcome:
    return LoopOutcome(
        estimates=estimates,
        shares=shares,
        generations=values.shape[-1],
        loops=len(values),
        collapse=_collapse(values[:, 0, 0]),
        safe=[share for share in shares[1:] if _prevents(estimates, share)],
    )


def _collapse(distinct: Floats) -> int | None:
    """The first generation (from 1) whose mean over seeds is significantly below the limit."""
    for g in range(1, distinct.shape[1]):
        if _estimate(distinct[:, g], "share", "").interval(0.9)[1] < COLLAPSE:
            return g + 1
    return None


def _prevents(estimates: Mapping[str, Estimate], share: float) -> bool:
    names = ("distinct_fraction", "coverage")
    found = [estimates.get(f"loop.loss_ratio_{name}@{part(share)}") for name in names]
    known = [ratio for ratio in found if ratio is not None]
    return bool(known) and all(ratio.interval(0.9)[1] <= HALF for ratio in known)
