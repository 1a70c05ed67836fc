"""``syngain mix``: find mixture weights, by proxy runs or from a table of runs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from syngain._version import __version__
from syngain.audit.measure import Settings
from syngain.core.documents.warned import carried
from syngain.core.errors import RESERVED, InputError, UsageError, check_set_name
from syngain.core.estimate import Estimate
from syngain.core.fingerprint import fingerprint_lines
from syngain.core.folders.finished_units import FinishedUnits
from syngain.core.progress import Progress, part_of, silent
from syngain.core.result import SEVERITIES, InputSummary, Result, Views, identity
from syngain.core.rng import Streams
from syngain.data.dataset import Dataset
from syngain.data.files import formats
from syngain.data.read import absolute_location, split_location
from syngain.gain.design.layout import check
from syngain.gain.outcome.verdict import of_statistic
from syngain.gain.proxies.metrics import metrics_of
from syngain.report.catalog import finding_title
from syngain.selection.mixtures import LEAST, Fitted, Optimum, fit_mixtures, optimum, rank_correlation
from syngain.selection.narrative.mixed import runs_methods, runs_verdict, surface_methods, surface_verdict
from syngain.selection.recipes import recipe_files
from syngain.selection.response_surface import ResponseSurface, SurfaceDesign, surface
from syngain.workflows.evaluate.audit import audit
from syngain.workflows.evaluate.compare import matched_sets, named_sets
from syngain.workflows.inputs import Source, dataset_of, of_kind, settings_json, summaries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from syngain.core.arrays import Floats
    from syngain.core.result import Finding
    from syngain.data.encoders.vectors import TextEncoder

INDEX = ("index", "id", "run", "name")  # columns of a table that number its runs


@dataclass(frozen=True, slots=True, kw_only=True)
class MixSettings:
    """How proxies are run on mixtures.

    Attributes:
        encoder: turns text into embeddings; None needs no download. design: folds and rows of the proxy runs.
        files: where trainers find each part, by name (``anchors`` for the real rows); default: the paths, or the names
            of the datasets.
        with_defects: whether datasets with a finding of high severity may get weight too.
    """

    encoder: TextEncoder | None = None
    design: SurfaceDesign = field(default_factory=SurfaceDesign)
    files: Mapping[str, str] = field(default_factory=dict)
    with_defects: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MixtureTable:
    """Runs: part names, mixtures (r, k), losses (r,), fingerprint."""

    names: tuple[str, ...]
    mixtures: Floats
    losses: Floats
    fingerprint: str


@carried
def mix(  # noqa: PLR0913  (the inputs and switches of the command)
    real: Source,
    sets: Mapping[str, Source] | Sequence[Source],
    *,
    seed: int = 0,
    settings: MixSettings | None = None,
    folder: Path | None = None,
    resume: bool = False,
    progress: Progress = silent,
    encoder: TextEncoder | None = None,
    plan: SurfaceDesign | None = None,
) -> Result:
    """Find mixture weights for real rows and several datasets, by proxy runs.

    A dataset with a high finding gets no weight unless ``settings.with_defects``. A mixture must beat its best part.

    Args:
        real: your real rows, as a dataset or a path.
        sets: synthetic datasets or general data, by name, or in order and named after their files.
        seed: of every random choice.
        settings: encoder, folds and rows of the proxy runs.
        folder: where finished proxy runs are kept until the result is written; None keeps none.
        resume: use what ``folder`` holds.
        progress: called with stage and fraction done.
        encoder: former place of ``settings.encoder``.
        plan: former place of ``settings.design``.

    Returns:
        The result, with a recipe per trainer among its files where a mixture is named.

    Raises:
        InputError: a file cannot be read, a dataset does not fit the real rows, or has too few rows.
        UsageError: two datasets of one name, more than five, or a folder of another run.
    """
    progress("reading", 0.0)
    chosen = of_kind(settings or MixSettings(encoder=encoder, design=plan or SurfaceDesign()), MixSettings)
    anchors, given, named = _read(dataset_of(real), named_sets(sets))
    inputs, numbers = summaries({"real": anchors, **named}), settings_json(chosen)
    units = FinishedUnits.opened(folder, identity("mix", seed, inputs, numbers), resume=resume)
    audited = _audited(anchors, named, seed, chosen, part_of(progress, 0.0, 0.3))
    left_out = {} if chosen.with_defects else {name: _high(one) for name, one in audited.items() if _high(one)}
    fitted = _surface(anchors, named, seed, chosen, units, part_of(progress, 0.3, 1.0))
    found = replace(fitted, allowed=np.array([name not in left_out for name in fitted.names]))
    estimates = _surface_estimates(found, seed)
    said, is_named = surface_verdict(found, found.best(), estimates, left_out)
    places = {name: _place(item, named.get(name, anchors)) for name, item in {"anchors": real, **given}.items()}
    return Result(
        command="mix",
        version=__version__,
        seed=seed,
        inputs=inputs,
        estimates=estimates,
        findings=_named(audited),
        verdict=of_statistic(said, metrics_of(anchors)[0]),
        sets=_parts(found, estimates, audited),
        views=Views(computed=surface_methods(found)),
        files=recipe_files(_weights(found) if is_named else {}, {**places, **chosen.files}, anchors, named),
        settings=numbers,
    )


def _weights(found: ResponseSurface) -> dict[str, float]:
    return dict(zip(found.names, map(float, found.best()), strict=True))


def _surface(
    anchors: Dataset,
    named: Mapping[str, Dataset],
    seed: int,
    settings: MixSettings,
    units: FinishedUnits,
    progress: Progress,
) -> ResponseSurface:
    """The surface over the real rows and all datasets."""
    with threadpool_limits(1):
        laid = matched_sets(anchors, named, None, Streams(seed), encoder=settings.encoder, weighted=False)
        return surface(laid, settings.design, units=units, progress=progress)


def _audited(
    anchors: Dataset, named: Mapping[str, Dataset], seed: int, settings: MixSettings, progress: Progress
) -> dict[str, Sequence[Finding]]:
    """The findings of each dataset."""
    out = {}
    for index, (name, item) in enumerate(named.items()):
        progress(f"audit of {name}", index / len(named))
        out[name] = audit(anchors, item, seed=seed, settings=Settings(encoder=settings.encoder), gain=False).findings
    return out


def _named(audited: Mapping[str, Sequence[Finding]]) -> list[Finding]:
    """All findings with the name of their dataset, the gravest first."""
    found = [replace(one, message=f"{name}: {one.message}") for name, items in audited.items() for one in items]
    return sorted(found, key=lambda one: SEVERITIES.index(one.severity))


def _high(findings: Sequence[Finding]) -> list[str]:
    """Names of the findings of high severity that nothing else explains."""
    return [finding_title(one.id).lower() for one in findings if one.severity == "high" and not one.explained_by]


def _parts(
    found: ResponseSurface, estimates: Mapping[str, Estimate], audited: Mapping[str, Sequence[Finding]]
) -> dict[str, object]:
    """Each part alone, as a baseline, for ``report.json``; the real rows first."""
    out: dict[str, object] = {}
    for part, name in enumerate(found.names):
        own = np.eye(len(found.names))[part]
        numbers = {
            "mix.share": estimates[f"mix.share@{name}"],
            **({"mix.alone": estimates[f"mix.alone@{name}"]} if part else {}),
            "mix.gain": found.over(own, "best mixture over this part repeated to the same size"),
        }
        out["real rows" if part == 0 else name] = {
            "estimates": {key: item.as_json() for key, item in numbers.items()},
            "findings": [one.as_json() for one in audited.get(name, ())],
        }
    return out


def _read(anchors: Dataset, given: Mapping[str, Source]) -> tuple[Dataset, Mapping[str, Source], dict[str, Dataset]]:
    """The real rows, the datasets to mix in as given, and as read, each checked against the real rows."""
    if not 0 < len(given) <= 5:
        came = f"{len(given)} datasets: {', '.join(given)}" if given else "no datasets"
        raise UsageError(came, expected="one to five", todo="name one to five files of synthetic rows")
    for name in given:
        check_set_name(name, (*RESERVED, "anchors"))
    named = {name: dataset_of(item, like=anchors) for name, item in given.items()}
    for item in named.values():
        check(anchors, item, [anchors])
    return anchors, given, named


def _place(source: Source, data: Dataset) -> str:
    """The absolute path of a part, or the name of rows in memory: trainers start in another folder."""
    return data.name if isinstance(source, Dataset) else absolute_location(str(source))


@carried
def mix_runs(  # noqa: PLR0913  (the inputs and switches of the command)
    mixtures: str | Path,
    losses: str | Path,
    loss: str,
    *,
    test_mixtures: str | Path | None = None,
    test_losses: str | Path | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> Result:
    """Find mixture weights from a table of runs, by regression of the loss.

    Args:
        mixtures: a table with a row per run and a column per part.
        losses: a table with the runs in the same order.
        loss: its column.
        test_mixtures: other runs to predict, for example of larger models.
        test_losses: their losses.
        seed: of folds and resampling.
        progress: called with the stage and the fraction done.

    Raises:
        InputError: a table cannot be read, the tables do not fit, or have under 20 runs. UsageError: one test table.
    """
    progress("reading", 0.0)
    table = read_runs(mixtures, losses, loss)
    tested = _read_tests(test_mixtures, test_losses, loss, table)
    streams = Streams(seed)
    with threadpool_limits(1):
        progress("regressions", 0.1)
        fitted = fit_mixtures(table.mixtures, table.losses, streams.stream("mix folds"))
        rank = rank_correlation(fitted.held_out, table.losses, streams.stream("ranks"), where="runs out of fold")
        estimates = {"mix.rank_correlation": rank, "mix.error": fitted.error()}
        if tested is not None:
            where = f"{tested.losses.size} other runs, predicted from {table.losses.size}"
            seen, rng = fitted.predict(tested.mixtures), streams.stream("test ranks")
            estimates["mix.rank_correlation@test"] = rank_correlation(seen, tested.losses, rng, where=where)
        progress("optimum", 0.6)
        best = optimum(fitted, streams.stream("optimum")) if _is_trusted(fitted, rank) else None
    if best is not None:
        estimates |= _optimum_estimates(best, table.names)
    progress("done", 1.0)
    name = str(split_location(mixtures)[0].name)
    inputs = {"real": InputSummary(name=name, rows=table.losses.size, fingerprint=table.fingerprint)}
    shares = {} if best is None else dict(zip(table.names, map(float, best.mixture), strict=True))
    return Result(
        command="mix",
        version=__version__,
        seed=seed,
        inputs=inputs,
        estimates=estimates,
        findings=(),
        verdict=runs_verdict(fitted, rank, best, table.names),
        views=Views(computed=runs_methods(fitted)),
        files=recipe_files(shares, {name: name for name in table.names}),
        settings={"loss": loss, "test": None if tested is None else tested.fingerprint},
    )


def _read_tests(
    mixtures: str | Path | None, losses: str | Path | None, loss: str, table: MixtureTable
) -> MixtureTable | None:
    """The table of other runs; None where none is given."""
    if (mixtures is None) != (losses is None):
        raise UsageError(
            "only one table of test runs",
            expected="both tables, mixtures and losses",
            todo="add the other table, or omit both",
        )
    if mixtures is None or losses is None:
        return None
    tested = read_runs(mixtures, losses, loss)
    if tested.names != table.names:
        raise InputError(
            f"the test runs have the parts {', '.join(tested.names)}",
            expected=f"the columns {', '.join(table.names)}",
            todo="rename the columns of the test mixtures",
        )
    return tested


def read_runs(mixtures: str | Path, losses: str | Path, loss: str) -> MixtureTable:
    """Tables of runs, in the same order.

    Raises:
        InputError: a table holds something else than numbers, has no such column, or another number of runs.
    """
    columns, name = _numbers(mixtures)
    scores, other = _numbers(losses)
    if loss not in scores:
        raise InputError(
            f"{other}: no column {loss}",
            expected=f"one of {', '.join(list(scores)[:30])}",
            todo="name another loss column",
        )
    for index in INDEX:
        if index in columns and index in scores and not np.array_equal(columns[index], scores[index]):
            raise InputError(
                f"{name} and {other} differ in the column {index}",
                expected="the same runs in the same order",
                todo=f"sort both tables by {index}, and omit runs that are in one only",
            )
    parts = {part: values for part, values in columns.items() if part not in INDEX}
    X, y = np.column_stack(list(parts.values())), scores[loss]
    if len(X) != y.size:
        raise InputError(
            f"{len(X)} mixtures in {name} and {y.size} losses in {other}",
            expected="one loss per mixture, in the same order",
            todo="omit runs that are in one table only",
        )
    lines = [" ".join(map(repr, (*row, value))) for row, value in zip(X.tolist(), y.tolist(), strict=True)]
    return MixtureTable(names=tuple(parts), mixtures=X, losses=y, fingerprint=fingerprint_lines([*parts, loss, *lines]))


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
                raise InputError(
                    f"{loaded.name}: the column {name} holds text",
                    expected="numbers in every column but " + ", ".join(INDEX),
                    todo=f"remove the column {name}",
                ) from None
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
    method = "optimum of the regression; the interval contains 90% of the optima of halves of the runs"
    shares = {
        f"mix.share@{name}": _share(float(value), float(low), float(high), best.gain.n, method)
        for name, value, low, high in zip(names, best.mixture, best.low, best.high, strict=True)
    }
    return {"mix.loss@optimum": best.loss, "mix.gain@best_run": best.gain, **shares}


def _surface_estimates(found: ResponseSurface, seed: int) -> dict[str, Estimate]:
    """Weights of the best mixture, its gain over the baselines, each dataset alone and in halves with real rows."""
    with threadpool_limits(1):
        low, high = found.moved(Streams(seed).stream("mix anchors"))
    best = found.best()
    parts = len(found.names)
    alone = np.eye(parts)[0]
    method = "best mixture of the surface; the interval contains 90% of the best mixtures of resampled real rows"
    shares = {
        f"mix.share@{name}": _share(float(best[i]), float(low[i]), float(high[i]), found.fold.size, method)
        for i, name in enumerate(found.names)
    }
    chosen = "best mixture over the best single part, both chosen on other folds"
    out = {
        "mix.gain@best_part": found.over_best_part(chosen),
        "mix.gain@anchors_alone": found.over(alone, "best mixture over real rows repeated to the same size"),
        "mix.gain@equal_shares": found.over(np.full(parts, 1 / parts), "best mixture over equal proportions"),
        **shares,
    }
    for i, name in enumerate(found.names[1:], 1):
        estimand = f"half real rows, half {name}, over real rows repeated to the same size"
        own = np.eye(parts)[i]
        out[f"mix.gain@half_{name}"] = found.gain((alone + own) / 2, alone, estimand)
        out[f"mix.alone@{name}"] = found.gain(own, alone, f"{name} alone over real rows repeated to the same size")
    return out
