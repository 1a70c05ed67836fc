"""The published experiment in any dimension, with shrunken covariances.

The number of points suffices in every dimension. Other than K, J, L, it varies the generator's accuracy on the J
components, the real rows added to the synthetic points, the real rows per prompt, and the noise of curation.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from syngain.core.errors import UsageError
from syngain.core.progress import Progress, silent
from syngain.inference.intervals import mean_interval, median_interval
from syngain.inference.ranks import spearman_of_sweep
from syngain.lab import narrative
from syngain.lab.em import MixtureFit
from syngain.lab.result import LabCurve, LabResult, LabTable, Panel
from syngain.lab.worlds.gaussian_mixtures import concatenate
from syngain.lab.worlds.gmm_world import DIVERGENCE_NAMES, DIVERGENCES, Draw, World, divergences, draw, reestimated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.core.arrays import Floats
    from syngain.core.rng import Streams

PROMPTS = 4  # generators, each with its own subset of the real rows, pooled
SHOWN = ("tv", "kl")
Y_NAMES = {"tv": "mean gap in TV", "kl": "median gap in KL"}


MIXED = "share of anchors mixed in"  # an id: of a random stream and of ``data`` in report.json
PER_PROMPT = "share of anchors per prompt"  # an id
SHOWN_AS = {MIXED: "fraction of real rows mixed in", PER_PROMPT: "fraction of real rows per prompt"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One setting: a simulation, and the steps from real rows to training.

    Attributes:
        anchors_kept: fraction of the real rows that are added to the synthetic points for training.
        prompt_share: fraction of each component's real rows in one prompt; below 1, four prompts are pooled.
        jitter: standard deviation of the noise that curation adds to every synthetic point.
    """

    world: World
    anchors_kept: float = 0.0
    prompt_share: float = 1.0
    jitter: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HighdimProtocol:
    """Dimensions with their replicates.

    Points per component grow with the dimension, so that covariances are estimable.
    """

    replicates: Mapping[int, int] = field(default_factory=lambda: {2: 100, 8: 100, 32: 40})
    per_component: Mapping[int, int] = field(default_factory=lambda: {2: 50, 8: 80, 32: 160})
    points: int = 1_024
    counts: tuple[int, ...] = (2, 4, 6, 8)

    def __post_init__(self) -> None:
        for dimension, replicates in self.replicates.items():
            if dimension < 1 or replicates < 2:
                raise UsageError(
                    f"{replicates} replicates in dimension {dimension}",
                    expected="a dimension of at least 1 and at least 2 replicates",
                    todo="pass for example replicates={2: 100}",
                )

    def sweeps(self, dimension: int) -> dict[str, tuple[tuple[float, Scenario], ...]]:
        """Id of the varied quantity -> (value, scenario) pairs."""
        per = self.per_component.get(dimension, max(50, 5 * dimension))
        base = _sized(World(dimension=dimension, covariance="wishart", anchors_per_component=per))
        plain = Scenario(world=base)
        shares = (0.0, 0.25, 0.5, 0.75, 1.0)
        return {
            "K": tuple((n, Scenario(world=_sized(replace(base, k=n)))) for n in self.counts),
            "J": tuple((n, Scenario(world=_sized(replace(base, j=n)))) for n in self.counts),
            "L": tuple((n, Scenario(world=_sized(replace(base, l=n)))) for n in self.counts),
            "quality of the J components": tuple(
                (q, Scenario(world=replace(base, quality=q))) for q in (-1.0, 0.0, 0.5, 1.0)
            ),
            MIXED: tuple((a, replace(plain, anchors_kept=a)) for a in shares),
            PER_PROMPT: tuple((s, replace(plain, prompt_share=s)) for s in (0.1, 0.25, 0.5, 1.0)),
            "curation noise": tuple((j, replace(plain, jitter=j)) for j in (0.0, 0.25, 0.5, 1.0)),
        }


def highdim(protocol: HighdimProtocol, *, streams: Streams, progress: Progress = silent) -> LabResult:
    """Run every sweep in every dimension."""
    gaps: dict[int, dict[str, Floats]] = {}
    with threadpool_limits(1):  # the order of sums must not depend on the number of threads
        for at, (dimension, replicates) in enumerate(protocol.replicates.items()):
            gaps[dimension] = {}
            for name, sweep in protocol.sweeps(dimension).items():
                progress(f"d = {dimension}, {name}", at / len(protocol.replicates))
                gaps[dimension][name] = np.array(
                    [
                        _run(scenario, replicates, protocol.points, streams.child(*_worlds(dimension, scenario.world)))
                        for _, scenario in sweep
                    ]
                )
    progress("rank correlations", 1.0)
    return _result(protocol, gaps, streams)


def _run(scenario: Scenario, replicates: int, points: int, streams: Streams) -> Floats:
    """Gaps ``(4, R)`` of one scenario, in the order of ``DIVERGENCES``."""
    world = scenario.world
    drawn = draw(world, replicates, streams.stream("world"))
    synthetic = _generated(drawn, scenario, streams.stream("synthetic"))
    if scenario.anchors_kept > 0:
        order = streams.stream("kept").permutation(drawn.anchors.shape[2])
        kept = order[: round(scenario.anchors_kept * len(order))]
        synthetic = np.concatenate([synthetic, drawn.anchors[:, :, kept]], axis=2)
    rng = streams.stream("fit")
    total = world.k + world.j + world.l
    by_anchors = MixtureFit(components=world.k, shrink=True).fit(drawn.anchors, rng=rng)
    by_synthetic = MixtureFit(components=total, shrink=True).fit(synthetic, rng=rng)
    found, _ = divergences(drawn.truth, (by_anchors, by_synthetic), points, streams.stream("points"))
    return np.asarray(found[0] - found[1])


def _generated(drawn: Draw, scenario: Scenario, rng: np.random.Generator) -> Floats:
    """The synthetic points of a scenario ``(R, d, n)``.

    From one prompt with all real rows, or four with a fraction each.
    """
    world = scenario.world
    if scenario.prompt_share == 1.0:
        points = drawn.generator.sample(world.synthetic, rng)
    else:
        parts = [_prompted(drawn, scenario, rng) for _ in range(PROMPTS)]
        points = np.concatenate(parts, axis=2)
    if scenario.jitter > 0:
        points = points + scenario.jitter * rng.standard_normal(points.shape)
    return points


def _prompted(drawn: Draw, scenario: Scenario, rng: np.random.Generator) -> Floats:
    """Points of a generator fitted to a random subset of each component's real rows."""
    world, per = scenario.world, scenario.world.anchors_per_component
    size = max(2, round(scenario.prompt_share * per))
    chosen = np.concatenate([k * per + rng.permutation(per)[:size] for k in range(world.k)])
    known = reestimated(drawn.anchors[:, :, chosen], world.k)
    rest = drawn.generator.part(world.k)
    return concatenate([known, rest], drawn.generator.weights).sample(world.synthetic // PROMPTS, rng)


def _worlds(dimension: int, world: World) -> tuple[str, ...]:
    """The name of a random stream.

    Settings with equal K, J and L use the same simulations, so that only the varied quantity differs.
    """
    return (str(dimension), f"K{world.k}J{world.j}L{world.l}")


def _sized(world: World) -> World:
    """As many synthetic points per component as real rows."""
    return replace(world, synthetic=world.anchors_per_component * (world.k + world.j + world.l))


def _result(protocol: HighdimProtocol, gaps: dict[int, dict[str, Floats]], streams: Streams) -> LabResult:
    sweeps = protocol.sweeps(min(protocol.replicates))
    panels, rows = [], []
    for name, sweep in sweeps.items():
        values = tuple(value for value, _ in sweep)
        for measure in SHOWN:
            m = DIVERGENCES.index(measure)
            curves = tuple(_curve(f"d = {d}", values, found[name][:, m], measure) for d, found in gaps.items())
            panels.append(
                Panel(
                    title=SHOWN_AS.get(name, name),
                    x_name=SHOWN_AS.get(name, name),
                    y_name=Y_NAMES[measure],
                    curves=curves,
                    zero=True,
                )
            )
            for d, found in gaps.items():
                rng = streams.stream("bootstrap", name, measure, str(d))
                ranked = spearman_of_sweep(values, found[name][:, m], rng=rng)
                rows.append((DIVERGENCE_NAMES[measure], SHOWN_AS.get(name, name), d, *ranked.cells()))
    columns = ("divergence", "varied", "d", "correlation", "low", "high")
    title = "Spearman correlation of the gap with the varied quantity, over replicates (95% bootstrap interval)"
    return LabResult(
        preset="paper-highdim",
        seed=streams.seed,
        parameters=asdict(protocol),
        panels=panels,
        tables=(LabTable(title=title, columns=columns, rows=rows),),
        data={"gaps": {str(d): _gaps_json(sweeps, found) for d, found in gaps.items()}},
        notes=narrative.HIGHDIM,
    )


def _curve(name: str, values: tuple[float, ...], block: Floats, measure: str) -> LabCurve:
    center, low, high = (median_interval if measure == "kl" else mean_interval)(block)
    return LabCurve(name=name, x=values, y=center, lower=low, upper=high)


def _gaps_json(sweeps: Mapping[str, tuple[tuple[float, Scenario], ...]], found: dict[str, Floats]) -> dict[str, object]:
    return {
        name: [
            {"value": value, "gaps": {measure: found[name][at, m] for m, measure in enumerate(DIVERGENCES)}}
            for at, (value, _) in enumerate(sweep)
        ]
        for name, sweep in sweeps.items()
    }
