"""``syngain mix``: in which proportions, from a few proxy runs of our own or from a table of many runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from syngain._version import __version__
from syngain.core.errors import InputError, UsageError
from syngain.core.estimate import Estimate
from syngain.core.fingerprint import fingerprint_lines
from syngain.core.progress import Progress, silent
from syngain.core.result import InputSummary, Result, Verdict, Views
from syngain.core.rng import Streams
from syngain.data.files import formats
from syngain.data.files.write import write_text
from syngain.data.read import split_location
from syngain.gain.design.layout import check
from syngain.selection.mixtures import PER_PART, Fitted, Optimum, fit_mixtures, optimum, rank_correlation
from syngain.selection.recipes import recipes
from syngain.selection.response_surface import Plan, Surface, surface
from syngain.workflows.evaluate.compare import named_sets, rivals_of
from syngain.workflows.inputs import Source, dataset_of, summaries

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from syngain.core.arrays import Floats
    from syngain.data.encoders.vectors import TextEncoder

INDEX = ("index", "id", "run", "name")  # columns of a table that number its runs
LEAST = 0.5  # rank correlation that a regression must surely have before it names an optimum


@dataclass(frozen=True)
class Mixture:
    """A result and the mixture it names; ``proportions`` is empty where none can be told from the others."""

    result: Result
    proportions: Mapping[str, float]
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Runs: names of the parts, mixtures (r, k), losses (r,), and the fingerprint of both."""

    names: tuple[str, ...]
    mixtures: Floats
    losses: Floats
    fingerprint: str


def mix(
    real: Source,
    sets: Mapping[str, Source] | Sequence[Source],
    *,
    seed: int = 0,
    encoder: TextEncoder | None = None,
    plan: Plan | None = None,
    progress: Progress = silent,
) -> Mixture:
    """Proportions of anchors and sets, by proxies on a few mixtures.

    Args:
        real: the anchors, as a dataset or a path.
        sets: synthetic sets or general data, by name, or in order and named after their files.
        seed: of every random choice.
        encoder: turns text into vectors; None needs no download.
        plan: folds and rows of the proxy runs.
        progress: called with the stage and the share done.

    Raises:
        InputError: a file cannot be read, a set does not fit the anchors, or has too few rows.
        UsageError: two sets of one name, or more than five.
    """
    progress("reading", 0.0)
    anchors = dataset_of(real)
    given = named_sets(sets)
    if not 0 < len(given) <= 5 or "anchors" in given:
        raise UsageError(f"{len(given)} sets", expected="one to five, none of them named anchors")
    named = {name: dataset_of(item, like=anchors) for name, item in given.items()}
    for item in named.values():
        check(anchors, item, [anchors])
    streams = Streams(seed)
    with threadpool_limits(1):
        rivals = rivals_of(anchors, named, None, streams, encoder=encoder, weighted=False)
        found = surface(rivals, plan or Plan(), progress=progress)
        low, high = found.moved(streams.stream("mix anchors"))
    best = found.best()
    estimates = _surface_estimates(found, best, low, high)
    verdict, chosen = _surface_verdict(found, best, estimates)
    result = Result(
        command="mix",
        version=__version__,
        seed=seed,
        inputs=summaries({"real": anchors, **named}),
        estimates=estimates,
        findings=(),
        verdict=verdict,
        views=Views(computed=_surface_words(found)),
    )
    files = {"anchors": anchors.name, **{name: item.name for name, item in named.items()}}
    return Mixture(result, dict(zip(found.names, map(float, best), strict=True)) if chosen else {}, files)


def mix_runs(
    mixtures: str | Path,
    losses: str | Path,
    loss: str,
    *,
    test_mixtures: str | Path | None = None,
    test_losses: str | Path | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> Mixture:
    """Proportions from a table of runs: a regression of the loss, and its optimum if there are runs enough.

    Args:
        mixtures: a table with a row per run and a column per part.
        losses: a table with the runs in the same order.
        loss: its column.
        test_mixtures: other runs to predict, for example of larger models.
        test_losses: their losses.
        seed: of folds and resampling.
        progress: called with the stage and the share done.

    Raises:
        InputError: a table cannot be read, the tables do not fit, or there are fewer than 20 runs.
        UsageError: only one of the two test tables.
    """
    if (test_mixtures is None) != (test_losses is None):
        raise UsageError("one table of test runs", expected="both, mixtures and losses")
    progress("reading", 0.0)
    table = read_runs(mixtures, losses, loss)
    tested = None if test_mixtures is None or test_losses is None else read_runs(test_mixtures, test_losses, loss)
    if tested is not None and tested.names != table.names:
        raise InputError("the test runs have other parts", expected=f"the columns {', '.join(table.names)}")
    streams = Streams(seed)
    with threadpool_limits(1):
        progress("regressions", 0.1)
        fitted = fit_mixtures(table.mixtures, table.losses, streams.stream("mix folds"))
        rank = rank_correlation(fitted.held_out, table.losses, streams.stream("ranks"), where="runs out of fold")
        estimates = {"mix.rank_correlation": rank, "mix.error": fitted.error()}
        if tested is not None:
            seen = fitted.predict(tested.mixtures)
            where = f"{tested.losses.size} other runs, predicted from {table.losses.size}"
            estimates["mix.rank_correlation@test"] = rank_correlation(
                seen, tested.losses, streams.stream("test ranks"), where=where
            )
        progress("optimum", 0.6)
        best = optimum(fitted, streams.stream("optimum")) if _is_trusted(fitted, rank) else None
    if best is not None:
        estimates |= _optimum_estimates(best, table.names)
    verdict = _runs_verdict(fitted, rank, best, table.names)
    progress("done", 1.0)
    inputs = {
        "real": InputSummary(
            name=str(split_location(mixtures)[0].name), rows=table.losses.size, fingerprint=table.fingerprint
        )
    }
    result = Result(
        command="mix",
        version=__version__,
        seed=seed,
        inputs=inputs,
        estimates=estimates,
        findings=(),
        verdict=verdict,
        views=Views(computed=_runs_words(fitted)),
    )
    named = {} if best is None else dict(zip(table.names, map(float, best.mixture), strict=True))
    return Mixture(result, named, {name: name for name in table.names})


def write_mixture(mixture: Mixture) -> Callable[[Path], None]:
    """A writer of the recipes for trainers into the run folder; none where no mixture is named."""

    def write(folder: Path) -> None:
        if mixture.proportions:
            for name, text in recipes(mixture.proportions, mixture.files).items():
                write_text(folder / name, text)

    return write


def read_runs(mixtures: str | Path, losses: str | Path, loss: str) -> Table:
    """Tables of runs, in the same order.

    Raises:
        InputError: a table holds something else than numbers, has no such column, or another number of runs.
    """
    columns, name = _numbers(mixtures)
    scores, other = _numbers(losses)
    if loss not in scores:
        raise InputError(f"{other}: no column {loss}", expected=f"one of {', '.join(list(scores)[:30])}")
    for index in INDEX:
        if index in columns and index in scores and not np.array_equal(columns[index], scores[index]):
            raise InputError(f"{name} and {other} number other runs in {index}", expected="the same runs in order")
    parts = {part: values for part, values in columns.items() if part not in INDEX}
    X, y = np.column_stack(list(parts.values())), scores[loss]
    if len(X) != y.size:
        raise InputError(f"{len(X)} mixtures and {y.size} losses", expected="as many of both, in the same order")
    lines = [" ".join(map(repr, (*row, value))) for row, value in zip(X.tolist(), y.tolist(), strict=True)]
    return Table(names=tuple(parts), mixtures=X, losses=y, fingerprint=fingerprint_lines([*parts, loss, *lines]))


def _numbers(path: str | Path) -> tuple[dict[str, Floats], str]:
    file, where = split_location(path)
    loaded = formats.load(file, file.name, where)
    rows = list(loaded.rows)
    out: dict[str, Floats] = {}
    for name in loaded.fields:
        try:
            out[name] = np.array([float(str(row.get(name))) for row in rows])
        except ValueError:
            if name not in INDEX:
                raise InputError(f"{loaded.name}: the column {name} holds text", expected="numbers") from None
    return out, loaded.name


def _is_trusted(fitted: Fitted, rank: Estimate) -> bool:
    return fitted.enough and rank.interval(0.9)[0] > LEAST


def _share(value: float, low: float, high: float, count: int, method: str) -> Estimate:
    return Estimate(
        value=value,
        intervals={0.90: (min(low, value), max(high, value))},
        n=count,
        unit="share",
        method=method,
        estimand="proportion in the best mixture",
    )


def _optimum_estimates(best: Optimum, names: tuple[str, ...]) -> dict[str, Estimate]:
    method = "optimum of the regression; the interval holds 90 % of the optima of halves of the runs"
    shares = {
        f"mix.share@{name}": _share(float(value), float(low), float(high), best.gain.n, method)
        for name, value, low, high in zip(names, best.mixture, best.low, best.high, strict=True)
    }
    return {"mix.loss@optimum": best.loss, "mix.gain@best_run": best.gain, **shares}


def _runs_verdict(fitted: Fitted, rank: Estimate, best: Optimum | None, names: tuple[str, ...]) -> Verdict:
    runs, parts = fitted.losses.size, len(names)
    low, high = rank.interval(0.9)
    said = f"rank correlation of runs out of fold {rank.value:.3f} (90 % interval {low:.3f} to {high:.3f})"
    if best is None:
        why = (
            f"{runs} runs are too few for {parts} parts: {PER_PART * parts} are needed before an optimum is named"
            if not fitted.enough
            else f"the regression does not surely order mixtures (at least {LEAST:g} needed)"
        )
        return Verdict(decision="cannot_tell", sentence=f"No optimum is named: {why}; {said}.")
    order = np.argsort(-best.mixture)
    shares = ", ".join(
        f"{names[i]} {best.mixture[i]:.2f} ({best.low[i]:.2f} to {best.high[i]:.2f})"
        for i in order
        if best.mixture[i] >= 0.02
    )
    low, high = best.gain.interval(0.9)
    gain = f"{best.gain.value:+.3g} below the best run (90 % interval {low:+.3g} to {high:+.3g})"
    if low <= 0:
        sentence = f"Cannot tell the optimum from the best run: {gain}. It is {shares}; {said}."
        return Verdict(decision="cannot_tell", sentence=sentence)
    return Verdict(decision="use", sentence=f"Use {shares}: predicted loss {gain}; {said}.")


def _runs_words(fitted: Fitted) -> tuple[tuple[str, str], ...]:
    errors = ", ".join(f"{name} {error:.4g}" for name, error in sorted(fitted.errors.items(), key=lambda one: one[1]))
    named = (
        "The best of 20,000 mixtures between those that were run. Half of the runs chooses, the other half judges, 20 "
        f"times. It is named from {PER_PART} runs per part on."
    )
    chosen = f"Chosen by 5 folds of {fitted.losses.size} runs; root mean squared errors: {errors}."
    return (("Regression", chosen), ("Optimum", named))


def _surface_estimates(found: Surface, best: Floats, low: Floats, high: Floats) -> dict[str, Estimate]:
    parts = len(found.names)
    alone = np.eye(parts)[0]
    method = "best mixture of the surface; the interval holds 90 % of the best mixtures of resampled anchors"
    shares = {
        f"mix.share@{name}": _share(float(best[i]), float(low[i]), float(high[i]), found.fold.size, method)
        for i, name in enumerate(found.names)
    }
    out = {
        "mix.gain@anchors_alone": found.over(alone, "best mixture over anchors repeated to the same size"),
        "mix.gain@equal_shares": found.over(np.full(parts, 1 / parts), "best mixture over equal shares"),
        **shares,
    }
    for i, name in enumerate(found.names[1:], 1):
        estimand = f"half anchors, half {name}, over anchors repeated to the same size"
        out[f"mix.gain@half_{name}"] = found.gain((alone + np.eye(parts)[i]) / 2, alone, estimand)
    return out


def _surface_verdict(found: Surface, best: Floats, estimates: Mapping[str, Estimate]) -> tuple[Verdict, bool]:
    """A mixture is recommended only where it is told from the anchors alone and from equal shares."""
    shares = ", ".join(
        f"{name} {best[i]:.2f} ({estimates[f'mix.share@{name}'].interval(0.9)[0]:.2f} to "
        f"{estimates[f'mix.share@{name}'].interval(0.9)[1]:.2f})"
        for i, name in enumerate(found.names)
    )
    rivals = {"anchors alone": "mix.gain@anchors_alone", "equal shares": "mix.gain@equal_shares"}
    said = "; ".join(f"over {name} {_gain(estimates[key])}" for name, key in rivals.items())
    tied = [name for name, key in rivals.items() if estimates[key].interval(0.9)[0] <= 0]
    if tied:
        sentence = f"Cannot tell the best mixture from {' and '.join(tied)}: {said}. The surface is lowest at {shares}."
        return Verdict(decision="cannot_tell", sentence=sentence), False
    return Verdict(decision="use", sentence=f"Use {shares}: gain {said}."), True


def _gain(estimate: Estimate) -> str:
    low, high = estimate.interval(0.9)
    if math.isinf(low):
        return f"{estimate.value:+.3g}"
    return f"{estimate.value:+.3g} {estimate.unit} (90 % interval {low:+.3g} to {high:+.3g})"


def _surface_words(found: Surface) -> tuple[tuple[str, str], ...]:
    folds = int(found.fold.max()) + 1
    runs = (
        f"{len(found.points)} mixtures of {found.size:,} rows on {folds} folds of the anchors: each part alone, each "
        "pair in halves, all in equal shares. Anchors are repeated in turn to fill their share."
    )
    fit = (
        "Scheffe's quadratic polynomial, least squares. Gains of the best mixture are of one chosen on other folds "
        "than it is judged on; anchors are the unit, variance inflated for shared training rows."
    )
    return (("Proxy runs", runs), ("Surface", fit))
