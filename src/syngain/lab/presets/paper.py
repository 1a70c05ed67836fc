"""The published experiment: models fitted to synthetic points versus real rows.

Gap = divergence(truth, model of real rows) - divergence(truth, model of synthetic points): positive where synthetic
data helps. Each of K, J, L runs over 2..15 with the others at 2. Nats.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from threadpoolctl import threadpool_limits

from syngain.core.errors import UsageError
from syngain.core.progress import Progress, silent
from syngain.inference.intervals import mean_interval, median_interval
from syngain.inference.ranks import RankCorrelation, spearman_of_sweep
from syngain.lab import narrative
from syngain.lab.em import MixtureFit
from syngain.lab.presets.published import published_gaps
from syngain.lab.result import LabCurve, LabResult, LabTable, Panel
from syngain.lab.worlds.gmm_world import DIVERGENCE_NAMES, DIVERGENCES, World, divergences, draw

if TYPE_CHECKING:
    from syngain.core.arrays import Floats
    from syngain.core.rng import Streams

Estimator = Literal["exact", "seed-compatible", "both"]
PUBLISHED = "published"
PUBLISHED_POINTS = 1_000
HEAVY = frozenset({"kl", "reverse_kl"})  # a few replicates dominate the mean, so the median is shown


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperProtocol:
    """Sizes of the experiment; the defaults are the published ones."""

    world: World = field(default_factory=World)
    values: tuple[int, ...] = tuple(range(2, 16))
    replicates: int = 100
    points: int = 1_024

    def __post_init__(self) -> None:
        if self.replicates < 2:
            raise UsageError(
                f"{self.replicates} replicates",
                expected="at least 2, for an interval",
                todo="pass replicates=2 or more",
            )
        if self.points < 6:
            raise UsageError(f"{self.points} Monte Carlo points", expected="at least 6", todo="pass points=6 or more")

    def settings(self) -> tuple[tuple[str, int, World], ...]:
        """(swept letter, its value, simulation) for each of the 3 x len(values) settings."""
        return tuple((letter, value, _at(self.world, letter, value)) for letter in "KJL" for value in self.values)


def _at(world: World, letter: str, value: int) -> World:
    if letter == "K":
        return replace(world, k=value)
    return replace(world, j=value) if letter == "J" else replace(world, l=value)


@dataclass(frozen=True, slots=True)
class Gaps:
    """Gaps ``(measures, R)`` of one setting, and the Monte Carlo error of one gap.

    The mean standard error has shape ``(measures,)``.
    """

    values: Floats
    errors: Floats


def paper(
    protocol: PaperProtocol, *, streams: Streams, estimator: str = "exact", progress: Progress = silent
) -> LabResult:
    """Run all settings.

    ``exact`` integrates exact densities, ``seed-compatible`` uses the published histograms.
    """
    measures = _measures(estimator)
    settings = protocol.settings()
    gaps = np.empty((len(settings), len(measures), protocol.replicates))
    errors = np.empty((len(settings), len(measures)))
    with threadpool_limits(1):  # the order of sums must not depend on the number of threads
        for at, (letter, value, world) in enumerate(settings):
            progress(f"{letter} = {value}", at / len(settings))
            found = _run(world, protocol, measures, streams.child(letter, str(value)))
            gaps[at], errors[at] = found.values, found.errors
    progress("rank correlations", 1.0)
    return _result(protocol, measures, gaps, errors, streams)


def _run(world: World, protocol: PaperProtocol, measures: tuple[str, ...], streams: Streams) -> Gaps:
    """One setting: draw simulations, fit both models, compare both with the truth."""
    drawn = draw(world, protocol.replicates, streams.stream("world"))
    synthetic = drawn.generator.sample(world.synthetic, streams.stream("synthetic"))
    fit_rng = streams.stream("fit")
    by_anchors = MixtureFit(components=world.k).fit(drawn.anchors, rng=fit_rng)
    by_synthetic = MixtureFit(components=world.k + world.j + world.l).fit(synthetic, rng=fit_rng)
    values, errors = [], []
    if "tv" in measures:
        found, error = divergences(drawn.truth, (by_anchors, by_synthetic), protocol.points, streams.stream("points"))
        values.extend(found[0] - found[1])
        errors.extend(np.sqrt(np.sum(error**2, axis=0)).mean(axis=1))
    if PUBLISHED in measures:
        rng = streams.stream("histograms")
        samples = [side.sample(PUBLISHED_POINTS, rng) for side in (drawn.truth, by_anchors, by_synthetic)]
        values.append(published_gaps(*samples))
        errors.append(np.nan)
    return Gaps(np.array(values), np.array(errors))


def _measures(estimator: str) -> tuple[str, ...]:
    if estimator == "exact":
        return DIVERGENCES
    if estimator == "seed-compatible":
        return (PUBLISHED,)
    if estimator == "both":
        return (*DIVERGENCES, PUBLISHED)
    raise UsageError(f"estimator {estimator!r}", expected="exact, seed-compatible or both", todo="name one of these")


def _result(
    protocol: PaperProtocol, measures: tuple[str, ...], gaps: Floats, errors: Floats, streams: Streams
) -> LabResult:
    count = len(protocol.values)
    names = {**DIVERGENCE_NAMES, PUBLISHED: "published histogram 'KL'"}
    panels, rows = [], []
    for m, measure in enumerate(measures):
        for s, letter in enumerate("KJL"):
            block = gaps[s * count : (s + 1) * count, m]
            panels.append(_panel(letter, measure, names[measure], protocol.values, block))
            ranked = spearman_of_sweep(protocol.values, block, rng=streams.stream("bootstrap", measure, letter))
            rows.append((names[measure], letter, *ranked.cells(), _trend(ranked)))
    table = LabTable(
        title="Spearman correlation of the gap with the swept value, over all replicates (95% bootstrap interval)",
        columns=("divergence", "swept", "correlation", "low", "high", "trend"),
        rows=rows,
    )
    tables = (table, _crossings(protocol.values, measures, names, gaps), *_agreement(measures, gaps))
    return LabResult(
        preset="paper",
        seed=streams.seed,
        parameters={**asdict(protocol), "estimators": measures},
        panels=panels,
        tables=tables,
        data={"settings": _settings(protocol, measures, gaps, errors)},
        notes=narrative.paper(uniform=protocol.world.covariance == "uniform", published=PUBLISHED in measures),
    )


def _panel(letter: str, measure: str, name: str, values: tuple[int, ...], block: Floats) -> Panel:
    center, low, high = (median_interval if measure in HEAVY else mean_interval)(block)
    word = "median gap" if measure in HEAVY else "mean gap"
    curve = LabCurve(name=word, x=values, y=center, lower=low, upper=high)
    return Panel(title=f"{name}, varying {letter}", x_name=letter, y_name=word, curves=(curve,), zero=True)


def _trend(ranked: RankCorrelation) -> str:
    """The sign when the interval excludes zero; ``weak`` below .25."""
    if ranked.lower <= 0 <= ranked.upper:
        return "none"
    sign = "+" if ranked.value > 0 else "-"
    return f"weak {sign}" if abs(ranked.value) < 0.25 else sign


def _crossings(values: tuple[int, ...], measures: tuple[str, ...], names: dict[str, str], gaps: Floats) -> LabTable:
    """Zero crossings of the mean (KL: median) gap, interpolated between settings."""
    rows: list[tuple[str, str, str]] = []
    for m, measure in enumerate(measures):
        for s, letter in enumerate("KJL"):
            block = gaps[s * len(values) : (s + 1) * len(values), m]
            mean = np.median(block, axis=1) if measure in HEAVY else block.mean(axis=1)
            turns = np.flatnonzero(mean[:-1] * mean[1:] < 0)
            at = [values[i] + (values[i + 1] - values[i]) * mean[i] / (mean[i] - mean[i + 1]) for i in turns]
            rows.append((names[measure], letter, ", ".join(f"{x:.1f}" for x in at) or "never"))
    return LabTable(
        title="Where the mean (of KL: median) gap crosses zero", columns=("divergence", "swept", "at"), rows=rows
    )


def _agreement(measures: tuple[str, ...], gaps: Floats) -> tuple[LabTable, ...]:
    """Fraction of equal signs of published and exact estimator, when both were run."""
    if PUBLISHED not in measures or "kl" not in measures:
        return ()
    own = np.sign(gaps[:, measures.index(PUBLISHED)])
    rows = [
        (DIVERGENCE_NAMES[name], float(np.mean(own == np.sign(gaps[:, measures.index(name)])))) for name in DIVERGENCES
    ]
    title = "Fraction of replicates where the published gap has the sign of the exact one"
    return (LabTable(title=title, columns=("exact divergence", "share"), rows=rows),)


def _settings(
    protocol: PaperProtocol, measures: tuple[str, ...], gaps: Floats, errors: Floats
) -> list[dict[str, object]]:
    return [
        {
            "swept": letter,
            "value": value,
            "k": world.k,
            "j": world.j,
            "l": world.l,
            "gaps": {name: gaps[at, m] for m, name in enumerate(measures)},
            "monte_carlo_error": {name: errors[at, m] for m, name in enumerate(measures)},
        }
        for at, (letter, value, world) in enumerate(protocol.settings())
    ]
