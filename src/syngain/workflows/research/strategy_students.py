"""Fine-tuned models for some strategies: their gain next to that of the proxy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from syngain.core.rng import Streams
from syngain.workflows.research.strategy_cells import FEWEST, estimates_of, sized_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.estimate import Estimate
    from syngain.core.folders.finished_units import FinishedUnits
    from syngain.core.progress import Progress
    from syngain.workflows.research.strategy_cells import RealDraw, StrategyCell
    from syngain.workflows.research.strategy_settings import StrategySettings

    Records = Mapping[tuple[int, str], dict[str, Any]]

STUDENT = "student.nats_per_token"
HELD = 60  # most held-out rows that choose the step


def spread_over_gains(cells: Sequence[StrategyCell], records: Records, count: int) -> list[StrategyCell]:
    """The cells to fine-tune on: evenly spaced in the order of the proxy's mean gain, the ends included."""
    draws = {draw for draw, _ in records}
    means = [float(np.mean([_gain(records[draw, cell.name]) for draw in draws])) for cell in cells]
    known = [at for at in np.argsort(means).tolist() if math.isfinite(means[at])]
    if not known:
        return []
    places = np.unique(np.round(np.linspace(0, len(known) - 1, min(count, len(known)))).astype(int))
    return [cells[known[place]] for place in places.tolist()]


def _gain(record: Mapping[str, Any]) -> float:
    found = estimates_of(record)
    return next((item.value for name, item in found.items() if name.startswith("gain.")), math.nan)


def usable(model: str) -> None:
    """Load a model that will be fine-tuned, so that a missing one is an error before any work.

    Raises:
        InputError, UnfinishedError, MissingDependencyError: the model cannot be fine-tuned.
    """
    from syngain.learners.causal import CausalProxy

    CausalProxy(model=model).open()


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentRuns:
    """Settings and seed of the comparison, and where finished runs are kept."""

    settings: StrategySettings
    seed: int
    units: FinishedUnits

    def gains(
        self, cells: Sequence[StrategyCell], ground: RealDraw, size: int, progress: Progress
    ) -> dict[str, Estimate]:
        """The gain of a fine-tuned model with ``size`` rows of each cell, by its name.

        Real rows outside of the draw choose the step; a quarter of the draw where there are fewer than 20.
        """
        from syngain.training.student.shared import StudentRows, shared_gains

        real, held = ground.real, ground.others
        rng = Streams(self.seed).stream("strategies", "held", str(ground.draw))
        if len(held) < FEWEST:
            order = rng.permutation(len(real))
            quarter = -(-len(real) // 4)
            real, held = real.take(sorted(order[quarter:].tolist())), real.take(sorted(order[:quarter].tolist()))
        held = held.take(sorted(rng.permutation(len(held))[:HELD].tolist()))
        sets = {cell.name: rows for cell in cells if (rows := sized_rows(cell, ground, size, self.seed)) is not None}
        return shared_gains(
            StudentRows(real, held, ground.test),
            sets,
            model=self.settings.model,
            seed=self.seed + ground.draw,
            unit=lambda name, compute: self.units.unit(f"student {ground.draw} {name} {size}", compute),
            progress=progress,
        )
