"""The presets by name, in full and quick size, with one result type.

Each is imported when it runs; the published figure needs numpy alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, get_args

from threadpoolctl import threadpool_limits

from syngain.core.errors import UsageError
from syngain.core.progress import Progress, silent
from syngain.core.rng import Streams
from syngain.lab import narrative
from syngain.lab.presets.paper import Estimator, PaperProtocol, paper
from syngain.lab.result import LabCheck, LabCurve, LabResult, LabTable, Panel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.lab.presets.bounds import BoundsResult
    from syngain.lab.presets.loops import LoopCurve, LoopsResult
    from syngain.lab.presets.table_orders import TablesProtocol
    from syngain.lab.worlds.gmm_world import World

PRESETS = ("paper", "paper-highdim", "bounds", "loops", "temperature", "tables")


def run(
    preset: str,
    *,
    seed: int = 0,
    quick: bool = False,
    estimator: str = "exact",
    protocol: PaperProtocol | TablesProtocol | None = None,
    progress: Progress = silent,
) -> LabResult:
    """Run a preset.

    Args:
        preset: one of ``PRESETS``.
        seed: of all its streams.
        quick: a small version.
        estimator: only for ``paper``.
        protocol: sizes of ``paper``, or sizes and table of ``tables``; None for the published ones (or quick ones).
        progress: called with the stage and the completed fraction.

    Raises:
        UsageError: an unknown preset or estimator, or an option that the preset does not have.
    """
    if preset not in PRESETS:
        raise UsageError(
            f"unknown preset {preset!r}", expected=f"one of {', '.join((*PRESETS, 'llm'))}", todo="choose one of these"
        )
    if estimator not in get_args(Estimator):
        raise UsageError(
            f"unknown estimator {estimator!r}",
            expected=f"one of {', '.join(get_args(Estimator))}",
            todo="name one of these",
        )
    sizes = protocol if isinstance(protocol, PaperProtocol) else None
    table = None if isinstance(protocol, PaperProtocol) else protocol
    if preset != "paper" and (estimator != "exact" or sizes is not None):
        raise UsageError(
            f"sizes or an estimator for the preset {preset!r}",
            expected="these options with the preset 'paper' only",
            todo="leave them out, or choose the preset 'paper'",
        )
    if preset != "tables" and table is not None:
        raise UsageError(
            f"a table for the preset {preset!r}",
            expected="a table with the preset 'tables' only",
            todo="leave it out, or choose the preset 'tables'",
        )
    streams = Streams(seed, ("lab", preset))
    with threadpool_limits(1):  # the order of sums must not depend on the number of threads
        if preset == "paper":
            sizes = sizes or (QUICK_PAPER if quick else PaperProtocol())
            return paper(sizes, streams=streams, estimator=estimator, progress=progress)
        if preset == "tables":
            return tables_of(table, quick=quick, streams=streams, progress=progress)
        return _other(preset, quick=quick, streams=streams, progress=progress)


def _other(preset: str, *, quick: bool, streams: Streams, progress: Progress) -> LabResult:
    if preset == "paper-highdim":
        return highdim_result(quick=quick, streams=streams, progress=progress)
    if preset == "bounds":
        sizes_of_bounds = (400, 60) if quick else (10_000, 400)
        return bounds_result(*sizes_of_bounds, streams=streams, progress=progress)
    if preset == "loops":
        return loops_result(400 if quick else 4_000, 10, streams=streams, progress=progress)
    return temperature_result(quick=quick, streams=streams, progress=progress)


QUICK_PAPER = PaperProtocol(values=(2, 4, 8, 15), replicates=25, points=512)


def paper_protocol(
    world: World | None = None, *, quick: bool = False, replicates: int | None = None, points: int | None = None
) -> PaperProtocol:
    """The published protocol (or its quick version) with other simulations or sizes.

    Raises:
        UsageError: the simulation of a setting is impossible. All settings are checked before the first run.
    """
    base = QUICK_PAPER if quick else PaperProtocol()
    sized = replace(
        base,
        world=base.world if world is None else world,
        replicates=base.replicates if replicates is None else replicates,
        points=base.points if points is None else points,
    )
    sized.settings()
    return sized


def highdim_result(*, quick: bool, streams: Streams, progress: Progress = silent) -> LabResult:
    """The preset ``paper-highdim``; the quick one stops at d = 8."""
    from syngain.lab.presets.highdim import HighdimProtocol, highdim

    small = HighdimProtocol(replicates={2: 20, 8: 8}, points=512, counts=(2, 4, 6))
    return highdim(small if quick else HighdimProtocol(), streams=streams, progress=progress)


def temperature_result(*, quick: bool, streams: Streams, progress: Progress = silent) -> LabResult:
    """The preset ``temperature``."""
    from syngain.lab.presets.temperature import TemperatureProtocol, temperature

    small = TemperatureProtocol(worlds=3, temperatures=(0.5, 1.0, 2.0, 4.0), outputs=60)
    return temperature(small if quick else TemperatureProtocol(), streams=streams, progress=progress)


def tables_of(protocol: TablesProtocol | None, *, quick: bool, streams: Streams, progress: Progress) -> LabResult:
    """The preset ``tables``; the quick one has two splits, fewer trees and rows, no digits and no classifiers."""
    from syngain.lab.presets.table_orders import TablesProtocol
    from syngain.lab.presets.table_pages import tables_result

    chosen = protocol or TablesProtocol()
    if quick:
        chosen = replace(chosen, splits=2, most=400, trees=4, digits=False, classifiers=False)
    return tables_result(chosen, streams=streams, progress=progress)


def bounds_result(chains: int, worlds: int, *, streams: Streams, progress: Progress = silent) -> LabResult:
    """The preset ``bounds`` as tables, checks and plots."""
    from syngain.lab.presets.bounds import bounds

    found = bounds(streams=streams, chains=chains, worlds=worlds, progress=progress)
    gain = found.worlds["true gain"]
    panels = [
        Panel(
            title=f"True gain against {ranking.quantity}",
            x_name=f"{ranking.quantity} (nats)" if "divergence" not in ranking.quantity else ranking.quantity,
            y_name="true risk gain (nats)",
            curves=(LabCurve(name="worlds", x=found.worlds[ranking.quantity], y=gain, style="points"),),
            zero=True,
        )
        for ranking in found.rankings
    ]
    return LabResult(
        preset="bounds",
        seed=streams.seed,
        parameters={"chains": chains, "worlds": worlds},
        panels=panels,
        tables=(_violations(found), _units(streams), _rankings(found)),
        checks=_proved(found),
        data={"worlds": dict(found.worlds), "cases": [case.as_json() for case in found.cases]},
        notes=narrative.BOUNDS,
    )


def _violations(found: BoundsResult) -> LabTable:
    rows = [
        (
            case.name,
            case.chains,
            case.published / case.chains,
            case.corrected / case.chains,
            case.ggmi_bound / case.chains,
            case.valid_chain,
            case.identity,
            case.ggmi_flag_wrong,
        )
        for case in found.cases
    ]
    columns = (
        "chains of the case",
        "chains",
        "published bound violated",
        "with + information gain",
        "published GGMI bound violated",
        "valid chain violated",
        "GGMI identity off",
        "validity flag wrong",
    )
    return LabTable(title="How often each inequality fails (fractions, then counts)", columns=columns, rows=rows)


def _units(streams: Streams, chains: int = 200) -> LabTable:
    """Linear-Gaussian chains in several units.

    Mutual informations do not change, the published expression does.
    """
    from syngain.lab.worlds.linear_gaussian import random_linear_gaussian

    rng = streams.stream("linear Gaussian")
    worlds = [random_linear_gaussian(int(rng.integers(1, 5)), rng) for _ in range(chains)]
    rows: list[tuple[float, float, float, float]] = []
    for scale in (0.1, 1.0, 10.0):
        scaled = [world.in_units(scale) for world in worlds]
        information = [world.mutual_information("S", "W") for world in scaled]
        bound = [world.published_bound() for world in scaled]
        violated = sum(low > high for low, high in zip(information, bound, strict=True)) / chains
        rows.append((scale, sum(information) / chains, sum(bound) / chains, violated))
    title = f"{chains} linear-Gaussian chains in other units: the published bound with differential entropies"
    return LabTable(title=title, columns=("unit factor", "mean I(S; W)", "mean bound", "fraction violated"), rows=rows)


def _rankings(found: BoundsResult) -> LabTable:
    rows = [(r.quantity, r.value, *r.interval, r.worlds) for r in found.rankings]
    title = "Spearman correlation with the true risk gain (95% bootstrap interval over simulations)"
    return LabTable(title=title, columns=("quantity", "correlation", "low", "high", "worlds"), rows=rows)


def _proved(found: BoundsResult) -> tuple[LabCheck, ...]:
    counts = {
        "chains that violate the valid chain": sum(case.valid_chain for case in found.cases),
        "chains that violate the GGMI identity": sum(case.identity for case in found.cases),
        "chains that violate the bound with + information gain": sum(case.corrected for case in found.cases),
        "chains whose validity flag is wrong": sum(case.ggmi_flag_wrong for case in found.cases),
    }
    return tuple(LabCheck(name=name, value=count, expected=0.0, error=0.0, limit=0.0) for name, count in counts.items())


def loops_result(replicates: int, generations: int, *, streams: Streams, progress: Progress = silent) -> LabResult:
    """The preset ``loops`` as plots with closed forms, and Bonferroni checks."""
    from syngain.lab.presets.loops import loops

    found = loops(streams=streams, replicates=replicates, generations=generations, progress=progress)
    return LabResult(
        preset="loops",
        seed=streams.seed,
        parameters={"replicates": replicates, "generations": generations},
        panels=[_loop_panel(curve) for curve in found.curves],
        tables=(_agreement(found.curves), _weights(found)),
        checks=_laws(found),
        data={"curves": [curve.as_json() for curve in found.curves]},
        notes=narrative.loops(len(found.checks), found.threshold),
    )


def _loop_panel(curve: LoopCurve) -> Panel:
    band = [(mean - 1.96 * error, mean + 1.96 * error) for mean, error in zip(curve.mean, curve.error, strict=True)]
    lower, upper = zip(*band, strict=True)
    curves = [LabCurve(name="simulated", x=curve.x, y=curve.mean, lower=lower, upper=upper)]
    if curve.x[0] == 0:  # has no place on the logarithmic axis
        start = tuple(curve.mean[0] for _ in curve.x)
        curves.append(LabCurve(name="without synthetic rows", x=curve.x, y=start, style="dashed"))
    if curve.law:
        name = "upper bound" if curve.relation == "below" else "closed form"
        curves.append(LabCurve(name=name, x=curve.x, y=curve.law, style="dashed"))
    title, _, measure = curve.name.partition(": ")
    return Panel(
        title=title, x_name=curve.x_name, y_name=measure or "squared error", curves=curves, x_log=curve.x[0] == 0
    )


def _agreement(curves: Sequence[LoopCurve]) -> LabTable:
    rows = [
        (curve.name, curve.relation, len(curve.z), max(map(abs, curve.z)), sum(abs(z) > 3 for z in curve.z))
        for curve in curves
        if curve.law
    ]
    columns = ("loop", "law", "checks", "largest deviation (errors)", "beyond 3 errors")
    return LabTable(title="Simulated means against closed forms", columns=columns, rows=rows)


def _weights(found: LoopsResult) -> LabTable:
    rows = [
        ("simulated", found.optimal_weight, found.optimal_weight_error),
        ("law", found.optimal_weight_law, 0.0),
    ]
    title = "Optimal weight on fresh real rows, equal numbers of both"
    return LabTable(title=title, columns=("by", "weight", "error"), rows=rows)


def _laws(found: LoopsResult) -> tuple[LabCheck, ...]:
    weight = LabCheck(
        name="optimal weight on fresh real rows",
        value=found.optimal_weight,
        expected=found.optimal_weight_law,
        error=found.optimal_weight_error,
        limit=found.threshold,
    )
    curves = tuple(
        LabCheck(
            name=f"{curve.name}, {curve.x_name} {x:g}",
            value=value,
            expected=law,
            error=error,
            limit=found.threshold,
            kind="below" if curve.relation == "below" else "equal",
        )
        for curve in found.curves
        for x, value, error, law in zip(curve.x, curve.mean, curve.error, curve.law, strict=False)
    )
    return (*curves, weight)
