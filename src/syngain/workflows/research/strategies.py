"""``syngain strategies``: the quantities of the theory for each strategy, next to its measured gain."""

from __future__ import annotations

import math
import tempfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syngain._version import __version__
from syngain.core.documents.warned import carried
from syngain.core.errors import InputError
from syngain.core.estimate import Estimate
from syngain.core.folders.finished_units import FinishedUnits
from syngain.core.progress import Progress, part_of, silent
from syngain.core.result import Chain, Flow, Result, Views, identity
from syngain.core.rng import Streams
from syngain.data.files.write import RecordFile
from syngain.workflows.inputs import Source, dataset_of, of_kind, settings_json, summaries
from syngain.workflows.research import strategy_narrative as narrative
from syngain.workflows.research.strategy_cells import (
    FEWEST,
    RealDraw,
    StrategyCell,
    averaged,
    cells_of,
    compared,
    estimates_of,
    generated,
    named,
    packed,
    unpacked,
)
from syngain.workflows.research.strategy_ranks import exact_worlds, rankings, student_rankings, with_bounds
from syngain.workflows.research.strategy_settings import DRAWN, StrategySettings
from syngain.workflows.research.strategy_students import STUDENT, StudentRuns, spread_over_gains, usable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from syngain.data.dataset import Dataset
    from syngain.workflows.research.strategy_cells import Recipes

    Records = Mapping[tuple[int, str], dict[str, Any]]

MEASURED = 0.6  # of the progress, before models are fine-tuned


@carried
def strategies(  # noqa: PLR0913  (the inputs and switches of the command)
    recipes: Recipes,
    real: Source,
    *,
    test: Source,
    settings: StrategySettings | None = None,
    seed: int = 0,
    folder: Path | None = None,
    resume: bool = False,
    progress: Progress = silent,
) -> Result:
    """Generate with every strategy and measure what the theory names next to the training gain.

    Args:
        recipes: YAML files, or recipes by name; every strategy of every recipe is a cell.
        real: the real rows that prompts are made from.
        test: other real rows, on which divergence and gain are measured.
        settings: draws, sizes, proxy.
        seed: of every random choice.
        folder: where finished cells are kept until the result is written; None keeps none.
        resume: continue from what ``folder`` holds.
        progress: called with the stage and the fraction done.

    Raises:
        InputError: a recipe or the rows cannot be used, or fewer than two strategies.
        UsageError: ``folder`` holds an unfinished run that is not to be resumed, or another one.
        UnfinishedError: a generator stopped; finished cells are kept.
    """
    chosen, whole = of_kind(settings, StrategySettings), named(recipes)
    cells = cells_of(whole)
    ours = dataset_of(real)
    held = dataset_of(test, like=ours)
    inputs = summaries({"real": ours, "test": held})
    numbers = settings_json(chosen, recipes={name: one.model_dump(mode="json") for name, one in whole.items()})
    drawn = _draws(ours, chosen, seed)
    if chosen.students:
        usable(chosen.model)
    job = identity("strategies", seed, {name: item.fingerprint for name, item in inputs.items()}, numbers)
    with _place(folder) as place:
        units = FinishedUnits.opened(folder, job, resume=resume)
        grounds = [
            RealDraw(real=ours.take(rows), others=_without(ours, rows), test=held, draw=draw, place=place)
            for draw, rows in enumerate(drawn)
        ]
        share = MEASURED if chosen.students else 1.0
        records = _measured(cells, grounds, chosen, seed, units, part_of(progress, 0.0, share))
        if chosen.students:
            own = StudentRuns(settings=chosen, seed=seed, units=units)
            _fine_tuned(cells, grounds, records, own, part_of(progress, share, 1.0))
    progress("done", 1.0)
    return _result(cells, records, inputs, numbers, chosen, seed)


@contextmanager
def _place(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        yield folder
        return
    with tempfile.TemporaryDirectory() as temporary:
        yield Path(temporary)


def _without(real: Dataset, rows: Sequence[int]) -> Dataset:
    """The real rows that are not in a draw."""
    return real.take(sorted(set(range(len(real))) - set(rows)))


def _draws(real: Dataset, settings: StrategySettings, seed: int) -> list[list[int]]:
    """The real rows of each draw, disjoint as long as there are enough."""
    count = settings.anchors or (len(real) if settings.draws == 1 else len(real) // 2)
    if count > len(real) or count < DRAWN:
        raise InputError(
            f"draws of {count} of {len(real)} real rows",
            expected=f"at least {DRAWN} real rows in a draw, and no more than there are",
            todo="give more real rows, or set `anchors` (--real-rows)",
        )
    if count == len(real):
        return [list(range(count))] * settings.draws
    rng, out, left = Streams(seed).stream("strategies", "draws"), [], list[int]()
    for _ in range(settings.draws):
        if len(left) < count:
            left = rng.permutation(len(real)).tolist()
        out.append(sorted(left[:count]))
        left = left[count:]
    return out


def _measured(
    cells: Sequence[StrategyCell],
    grounds: Sequence[RealDraw],
    settings: StrategySettings,
    seed: int,
    units: FinishedUnits,
    progress: Progress,
) -> Records:
    """A record per draw and cell: first all rows, so that all cells are measured at one size."""
    pairs = [(ground, cell) for ground in grounds for cell in cells]
    made: dict[tuple[int, str], dict[str, Any]] = {}
    for at, (ground, cell) in enumerate(pairs):
        share = part_of(_named(progress, f"{cell.name}, draw {ground.draw + 1}"), *_share(0.0, 0.7, at, len(pairs)))
        arrays = units.unit(
            f"rows {ground.draw} {cell.name}",
            partial(_generated, cell, ground, settings, seed, share),
        )
        made[ground.draw, cell.name] = unpacked(arrays)
    size = _common_size([record["kept"] for record in made.values()])
    for at, (ground, cell) in enumerate(pairs):
        share = part_of(_named(progress, f"{cell.name}, draw {ground.draw + 1}"), *_share(0.7, 1.0, at, len(pairs)))
        share("divergence", 0.0)
        arrays = units.unit(
            f"measures {ground.draw} {cell.name} {size}",
            partial(_compared, cell, ground, size, settings, seed, share),
        )
        more, record = unpacked(arrays), made[ground.draw, cell.name]
        record |= {"used": more["used"], "estimates": {**record["estimates"], **more["estimates"]}}
    return made


def _common_size(kept: Sequence[int]) -> int:
    """The rows that every cell is measured with: nine in ten of those with 20 kept rows have as many."""
    enough = sorted(count for count in kept if count >= FEWEST)
    return enough[len(enough) // 10] if enough else FEWEST


def _generated(
    cell: StrategyCell, ground: RealDraw, settings: StrategySettings, seed: int, progress: Progress
) -> dict[str, Any]:
    return packed(generated(cell, ground, settings, seed, progress))


def _compared(
    cell: StrategyCell, ground: RealDraw, size: int, settings: StrategySettings, seed: int, progress: Progress
) -> dict[str, Any]:
    return packed(compared(cell, ground, size, settings, seed, progress))


def _fine_tuned(
    cells: Sequence[StrategyCell],
    grounds: Sequence[RealDraw],
    records: Records,
    runs: StudentRuns,
    progress: Progress,
) -> None:
    """Add the gain of fine-tuned models to the records of some cells."""
    chosen = spread_over_gains(cells, records, runs.settings.students)
    for at, ground in enumerate(grounds):
        share = part_of(_named(progress, f"draw {ground.draw + 1}"), *_share(0.0, 1.0, at, len(grounds)))
        size = max(records[ground.draw, cell.name]["used"] for cell in cells)
        for name, item in runs.gains(chosen, ground, size, share).items():
            records[ground.draw, name]["estimates"][STUDENT] = item.as_json()


def _share(start: float, end: float, at: int, count: int) -> tuple[float, float]:
    """Start and end of a step among equal steps of a part of the work."""
    step = (end - start) / count
    return start + step * at, start + step * (at + 1)


def _named(progress: Progress, name: str) -> Progress:
    return lambda stage, done: progress(stage if name in stage else f"{name}: {stage}", done)


def _result(
    cells: Sequence[StrategyCell],
    records: Records,
    inputs: Mapping[str, Any],
    numbers: Mapping[str, object],
    settings: StrategySettings,
    seed: int,
) -> Result:
    draws = range(settings.draws)
    table = [[_estimates(records[draw, cell.name]) for cell in cells] for draw in draws]
    gains = [[_gain(found) for found in row] for row in table]
    names = [cell.name for cell in cells]
    by_cell = {name: averaged([row[at] for row in table]) for at, name in enumerate(names)}
    students = [[found[STUDENT].value if STUDENT in found else math.nan for found in row] for row in table]
    ranked = {**rankings(table, gains, seed=seed), **student_rankings(table, gains, students, seed=seed)}
    exact = exact_worlds() if settings.exact else {}
    return Result(
        command="strategies",
        version=__version__,
        seed=seed,
        inputs=inputs,
        estimates=dict(sorted({**ranked, **exact}.items())),
        findings=(),
        verdict=narrative.verdict(by_cell, ranked),
        sets={
            name: {"estimates": {key: item.as_json() for key, item in found.items()}, "findings": []}
            for name, found in by_cell.items()
        },
        views=Views(
            chains=tuple(_chain(name, records[0, name], by_cell[name]) for name in names if records[0, name]["flows"]),
            computed=narrative.computed(records, settings, draws=len(draws)),
        ),
        files={
            "cells.jsonl": RecordFile([_line(cell, draw, records[draw, cell.name]) for draw in draws for cell in cells])
        },
        settings=numbers,
    )


def _estimates(record: Mapping[str, Any]) -> dict[str, Estimate]:
    """The estimates of a record, with cost and the sums of divergence and information."""
    found = estimates_of(record)
    found["strategies.cost"] = Estimate(
        value=record["tokens"] / max(record["kept"], 1),
        unit="tokens per kept row",
        method="generated tokens of all rows, dropped ones included, over kept rows",
        estimand="tokens generated for a kept row",
        n=record["rows"],
    )
    found["strategies.kept_fraction"] = Estimate(
        value=record["kept"] / max(record["rows"], 1),
        unit="share",
        method="kept rows over generated rows",
        estimand="acceptance mass of the curation, filters of single rows and of the dataset together",
        n=record["rows"],
    )
    return with_bounds(found)


def _gain(found: Mapping[str, Estimate]) -> float:
    return next((item.value for name, item in found.items() if name.startswith("gain.")), float("nan"))


def _line(cell: StrategyCell, draw: int, record: Mapping[str, Any]) -> dict[str, object]:
    """The line of ``cells.jsonl``: settings, sizes and values of a cell in a draw."""
    values = {name: item.value for name, item in _estimates(record).items()}
    sizes = {name: record[name] for name in ("rows", "kept", "used", "tokens")}
    return {"cell": cell.name, "draw": draw, **cell.sampling, **sizes, "values": values}


def _chain(name: str, record: Mapping[str, Any], found: Mapping[str, Estimate]) -> Chain:
    """From real rows to weights: the flows of the generated rows, then what a proxy memorized."""
    flows = [Flow(**flow) for flow in record["flows"]]
    leaked = found.get("ggmi.ld_cmi@synthetic")
    if leaked is not None:
        low, high = leaked.interval(0.9)
        flows.append(
            Flow(station="weights", name="memorized by a proxy", nats=max(leaked.value, 0.0), low=low, high=high)
        )
    gain = next((item for key, item in found.items() if key.startswith("gain.")), None)
    return Chain(title=name, flows=tuple(flows), note=narrative.chain_note(gain, leaked))
