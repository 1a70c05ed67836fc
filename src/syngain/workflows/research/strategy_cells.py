"""Cells of a comparison of strategies: a recipe with one strategy, generated and measured on one draw of real rows."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from syngain.core.errors import InputError
from syngain.core.estimate import Estimate
from syngain.core.rng import Streams
from syngain.data.read import read
from syngain.gain.design.layout import GainLayout
from syngain.gain.generalization import Masks
from syngain.gain.on_test import measured
from syngain.gain.proxies.frozen import FrozenReader
from syngain.inference.intervals import normal_intervals
from syngain.information.cross_scoring import ByGenerator
from syngain.pipeline.recipe import Recipe, read_recipe
from syngain.pipeline.store.connect import connected
from syngain.workflows.evaluate.audit import audit
from syngain.workflows.evaluate.frozen_forecasts import frozen_forecasts
from syngain.workflows.generate.generate import generate
from syngain.workflows.generate.information import InformationSettings, information
from syngain.workflows.research.ggmi import GgmiSettings, ggmi

if TYPE_CHECKING:
    from syngain.core.progress import Progress
    from syngain.core.result import Chain
    from syngain.data.dataset import Dataset
    from syngain.workflows.generate.generate import RecipeSource
    from syngain.workflows.research.strategy_settings import StrategySettings

    Recipes = Mapping[str, RecipeSource] | Sequence[RecipeSource]

DIVERGENCES = ("divergence.tv_lower", "divergence.js_lower", "divergence.mmd2")
FEWEST = 20  # kept rows, below which a cell is not measured
FEWEST_PAIRS = 10
CELLS = "cells"


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyCell:
    """One strategy of one recipe, with its sampling and the recipe's curation.

    ``name``: unique among the cells. ``recipe``: a recipe with this strategy alone.
    """

    name: str
    recipe: Recipe

    @property
    def sampling(self) -> dict[str, object]:
        """What was varied, for ``cells.jsonl``."""
        strategy = self.recipe.strategies[0]
        return {
            "strategy": strategy.kind,
            "shots": strategy.shots if strategy.kind in {"few_shot", "self_instruct", "attributes"} else None,
            "temperature": None if strategy.kind == "template" else self.recipe.sampling_of(strategy).temperature,
            "curate": [step.step for step in self.recipe.curate],
        }

    def seeded(self, seed: int) -> dict[str, Any]:
        """The recipe as a mapping, with another seed."""
        return self.recipe.model_dump(mode="json") | {"seed": seed}


def named(recipes: Recipes) -> dict[str, Recipe]:
    """The recipes by name: the given one, else that of the file.

    Raises:
        InputError: a recipe cannot be read, or two have one name.
    """
    if isinstance(recipes, Mapping):
        return {str(name): read_recipe(source) for name, source in recipes.items()}
    found: dict[str, Recipe] = {}
    for at, source in enumerate(recipes):
        name = f"recipe {at + 1}" if isinstance(source, dict) else Path(source).stem
        if name in found:
            raise InputError(
                f"two recipes are named {name}", expected="different names", todo="pass a mapping from names to recipes"
            )
        found[name] = read_recipe(source)
    return found


def cells_of(recipes: Mapping[str, Recipe]) -> tuple[StrategyCell, ...]:
    """The cells of recipes: one per strategy, named after it, and after its recipe where names repeat.

    Raises:
        InputError: there are fewer than two cells.
    """
    titles = Counter(strategy.title for recipe in recipes.values() for strategy in recipe.strategies)
    found = [
        StrategyCell(
            name=strategy.title if titles[strategy.title] == 1 else f"{name}: {strategy.title}",
            recipe=recipe.model_copy(update={"strategies": (strategy,)}),
        )
        for name, recipe in recipes.items()
        for strategy in recipe.strategies
    ]
    names = [cell.name for cell in found]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None or len(found) < 2:
        came = f"two strategies are named {repeated!r}" if repeated else f"{len(found)} strategies"
        raise InputError(
            came,
            expected="at least two strategies with different names",
            todo="set `name` in the strategies, or name more recipes",
        )
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class RealDraw:
    """What all cells of one draw share.

    Attributes:
        real: the real rows of the draw. others: the real rows outside of it. test: test rows. draw: its number.
        place: folder of the cells.
    """

    real: Dataset
    others: Dataset
    test: Dataset
    draw: int
    place: Path

    def folder(self, cell: StrategyCell) -> Path:
        """The run folder of a cell."""
        safe = "".join(c if c.isalnum() else "-" for c in cell.name)
        return self.place / CELLS / f"{safe}-draw{self.draw}"


def generated(
    cell: StrategyCell, ground: RealDraw, settings: StrategySettings, seed: int, progress: Progress
) -> dict[str, object]:
    """Generate the rows of a cell and account for them: estimates and flows of information, as JSON.

    Raises:
        InputError, UsageError, UnfinishedError: as ``generate`` and ``information``.
    """
    folder, own = ground.folder(cell), seed + ground.draw
    if not (folder / "report.json").exists():
        work = folder.with_name(f"{folder.name}.work")
        generate(cell.seeded(own), ground.real, folder=folder, resume=work.exists(), progress=progress)
    rows = read(folder / "rows.jsonl")
    kept = read(folder / "kept.jsonl")
    written = [record.get("tokens") for record in rows.records]
    tokens = [len(one) if isinstance(one, list) else 0 for one in written]
    about: dict[str, object] = {"rows": len(rows), "kept": len(kept), "tokens": int(sum(tokens))}
    if not any(tokens):
        return {**about, "estimates": _json(_templated(kept)), "flows": []}
    scorer = None
    if settings.prompts >= 2:
        generator = connected(cell.recipe.generator, ground.real)
        if hasattr(generator, "score"):
            degree = cell.recipe.sampling_of(cell.recipe.strategies[0]).temperature
            scorer = ByGenerator(generator, degree or 1.0)
    sizes = InformationSettings(gain=False, prompts=max(settings.prompts, 2), samples=settings.samples)
    found = information(folder, scorer=scorer, settings=sizes, seed=own, progress=progress)
    named = {name: item for name, item in found.estimates.items() if "@" not in name}
    if len({record.get("prompt_hash") for record in rows.records}) == 1:  # one prompt decides nothing
        named |= _one_prompt(named["information.gain"])
    return {**about, "estimates": _json(named), "flows": _flows(found.views.chains)}


def _one_prompt(gain: Estimate) -> dict[str, Estimate]:
    """All rows have one prompt: prompt information is 0, and the entropy that of the outputs."""
    none = replace(
        gain,
        value=0.0,
        method="all rows have the same prompt, which decides nothing between them",
        estimand="information about which prompt of this cell an output answers",
        intervals={0.9: (0.0, 0.0), 0.95: (0.0, 0.0)},
        references={},
    )
    return {"information.prompt_lower": none, "information.entropy": gain}


def _templated(kept: Dataset) -> dict[str, Estimate]:
    """Rows without a model: given the prompt nothing is open, so all of the entropy is prompt information.

    Plug-in entropy of the rows, at most the logarithm of their number.
    """
    counts = np.array(list(Counter(zip(*kept.sides.values(), strict=True)).values()), dtype=float)
    entropy = float(math.log(counts.sum()) - (counts @ np.log(counts)) / counts.sum())
    how, rows = "no model: a row is a function of its prompt, so its entropy given the prompt is 0", len(kept)
    of = {"information.gain": 0.0, "information.prompt_lower": entropy, "information.entropy": entropy}
    return {
        name: Estimate(
            value=value,
            unit="nats per row",
            method=how,
            estimand="these rows, each as probable as it is frequent",
            intervals={0.9: (value, value), 0.95: (value, value)},
            n=rows,
        )
        for name, value in of.items()
    }


def _flows(chains: Sequence[Chain]) -> list[dict[str, object]]:
    """The flows of the run's chain, as JSON."""
    return [] if not chains else [{name: getattr(flow, name) for name in flow.__slots__} for flow in chains[0].flows]


def kept_rows(cell: StrategyCell, ground: RealDraw) -> Dataset:
    """The kept rows of a generated cell."""
    return read(ground.folder(cell) / "kept.jsonl", like=ground.real)


def sized_rows(cell: StrategyCell, ground: RealDraw, size: int, seed: int) -> Dataset | None:
    """``size`` random kept rows of a generated cell; None where there are fewer."""
    rows = kept_rows(cell, ground)
    if len(rows) < max(size, FEWEST):
        return None
    order = Streams(seed).stream("strategies", "rows", cell.name, str(ground.draw)).permutation(len(rows))
    return rows.take(np.sort(order[:size]).tolist())


def compared(
    cell: StrategyCell, ground: RealDraw, size: int, settings: StrategySettings, seed: int, progress: Progress
) -> dict[str, object]:
    """Divergence from the test rows, memorization and training gain of ``size`` kept rows, as JSON.

    Raises:
        InputError: the rows do not fit the real rows.
    """
    rows = sized_rows(cell, ground, size, seed)
    if rows is None:
        return {"used": 0, "estimates": {}}
    audited = audit(ground.test, rows, seed=seed, gain=False)
    found = {name: audited.estimates[name] for name in DIVERGENCES if name in audited.estimates}
    progress(f"{cell.name}: memorization", 0.5)
    pairs = min(settings.pairs, len(rows) // 2, len(ground.real) // 2)
    if pairs >= FEWEST_PAIRS and settings.pairs:
        masks = Masks(pairs=pairs, masks=settings.masks, draws=3)
        panel = ggmi(ground.real, rows, settings=GgmiSettings(masks=masks, gain=False), seed=seed)
        found |= {name: item for name, item in panel.estimates.items() if name in PANEL}
    progress(f"{cell.name}: training gain", 0.7)
    found |= gain_on_test(ground.real, rows, ground.test, settings, seed + ground.draw)
    return {"used": len(rows), "estimates": _json(found)}


PANEL = ("ggmi.difference", "ggmi.bound_ld@synthetic", *(f"ggmi.{kind}_cmi@synthetic" for kind in ("ld", "e", "f")))


def gain_on_test(
    real: Dataset, rows: Dataset, test: Dataset, settings: StrategySettings, seed: int
) -> dict[str, Estimate]:
    """The paired gain of real and synthetic rows over real rows alone, on the test rows.

    Raises:
        InputError: the datasets do not fit each other.
    """
    if settings.proxy == "frozen":
        reader = FrozenReader(model=settings.model)
        found, _ = frozen_forecasts(real, {"rows": rows}, test, reader=reader, seed=seed)
        return {"gain.nats_per_token.test": found["rows"]}
    streams = Streams(seed)
    layout = GainLayout.of(real, rows, test=test)
    task, metric = layout.task(streams), layout.metrics[0]
    return {f"gain.{metric}.test": measured(task, layout, streams).gain(metric)}


def averaged(parts: Sequence[Mapping[str, Estimate]]) -> dict[str, Estimate]:
    """The estimates of a cell over its draws: means, with the variance within and between draws."""
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: _mean([part[name] for part in parts if name in part]) for name in names}


def _mean(items: Sequence[Estimate]) -> Estimate:
    known = [item for item in items if math.isfinite(item.value)]
    if len(items) == 1 or not known:
        return items[0]
    values = np.array([item.value for item in known])
    errors = np.array([_error(item) for item in known])
    count = len(known)
    between = float(values.var(ddof=1)) / count if count > 1 else 0.0
    error = math.sqrt(float(np.mean(errors**2)) / count + between)
    value = float(values.mean())
    first = known[0]
    return Estimate(
        value=value,
        unit=first.unit,
        method=f"mean over {count} draws of real rows, variance within and between draws; {first.method}",
        estimand=first.estimand,
        intervals=normal_intervals(value, error, math.inf) if math.isfinite(error) else {},
        n=sum(item.n for item in known),
        clusters=count,
        direction=first.direction,
        marks=first.marks,
    )


def _error(item: Estimate) -> float:
    """The standard error behind the 90% interval; 0 where there is none."""
    low, high = item.interval(0.9)
    return (high - low) / 2 / 1.645 if math.isfinite(high - low) else 0.0


def _json(found: Mapping[str, Estimate]) -> dict[str, object]:
    return {name: item.as_json() for name, item in found.items()}


def estimates_of(record: Mapping[str, Any]) -> dict[str, Estimate]:
    """The estimates of a kept record."""
    return {name: Estimate.from_json(item) for name, item in record["estimates"].items()}


def packed(record: Mapping[str, object]) -> dict[str, np.ndarray[Any, Any]]:
    """A record as the array of a finished unit."""
    return {"record": np.array(json.dumps(record))}


def unpacked(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a finished unit."""
    found: dict[str, Any] = json.loads(str(arrays["record"]))
    return found
