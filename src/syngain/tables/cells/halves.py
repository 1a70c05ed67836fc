"""Models of random halves of the real rows, and rows drawn from each, scored under all of them.

A half plays the role of the prompt: how much does a row of a model show of the real rows that the model was fitted to?
All models read the columns as the model of all real rows does, so that every known word has a probability in each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from syngain.core.progress import Progress, silent
from syngain.core.rng import Streams
from syngain.information.estimators.clustered_prompts import ClusteredPrompts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.core.arrays import Floats
    from syngain.tables.cells.model import CellSettings
    from syngain.tables.cells.table import Cells, TableModel

MOST = 2_000  # rows of a half


@dataclass(frozen=True, slots=True, kw_only=True)
class HalvesProtocol:
    """Random halves of the real rows, and how models of them draw.

    Attributes:
        halves: how many. rows: drawn from the model of each. temperature, given: of the draws.
    """

    halves: int = 16
    rows: int = 16
    temperature: float = 1.0
    given: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class HalvesScores:
    """Log-probabilities of drawn rows under the model of each half.

    Attributes:
        cells: of each part of the model in its order, under each half, given the cells before (n, halves, parts).
        owner: the column of each part. columns: their names. design: the half of each row. fitted: rows of a half.
    """

    cells: Floats
    owner: tuple[str, ...]
    columns: tuple[str, ...]
    design: ClusteredPrompts
    fitted: int

    @property
    def rows(self) -> Floats:
        """The log-probability of each row under each half (n, halves)."""
        return np.asarray(self.cells.sum(axis=2))

    @property
    def by_column(self) -> dict[str, Floats]:
        """What each cell shows of the half, given the cells before it, in nats (n,) by column.

        The log-probability of the cell under its own half less that under the mixture of all halves, weighted by how
        well they explain the cells before. Sums over columns are those of whole rows.
        """
        n, halves, _ = self.cells.shape
        running = np.concatenate([np.zeros((n, halves, 1)), np.cumsum(self.cells, axis=2)], axis=2)
        own = running[np.arange(n), self.design.prompt]
        gaps = np.diff(own - logsumexp(running, axis=1), axis=1)
        out = {name: np.zeros(n) for name in self.columns}
        for name, gap in zip(self.owner, gaps.T, strict=True):
            out[name] += gap
        return out


def halves_scores(
    model: TableModel,
    real: Cells,
    settings: CellSettings,
    protocol: HalvesProtocol,
    *,
    seed: int = 0,
    progress: Progress = silent,
) -> HalvesScores:
    """Fit a model to each half, draw rows, score them under every half.

    Args:
        model: of all real rows; its reading of the columns and their order are taken.
        real: the real rows.
        settings: of the models.
        protocol: halves and draws.
        seed: of the halves and the draws.
        progress: called with stage and fraction done.
    """
    streams = Streams(seed).child("tables", "halves")
    total = len(next(iter(real.values())))
    size = min(total // 2, MOST)
    models, drawn = [], []
    for half in range(protocol.halves):
        progress(f"half {half + 1} of {protocol.halves}", 0.8 * half / protocol.halves)
        rng = streams.stream(str(half))
        chosen = np.sort(rng.permutation(total)[:size]).tolist()
        seen = {name: [column[row] for row in chosen] for name, column in real.items()}
        models.append(model.refitted(seen, settings=settings, seed=int(rng.integers(2**31 - 1))))
        made = models[-1].sample(
            protocol.rows, int(rng.integers(2**31 - 1)), temperature=protocol.temperature, given=protocol.given
        )
        drawn.append(made.columns)
    joined = {name: [cell for part in drawn for cell in part[name]] for name in drawn[0]}
    scores = []
    fixed = [at for at, (name, _) in enumerate(model.order) if name in (protocol.given or {})]
    for place, one in enumerate(models):
        progress("scoring rows under every half", 0.8 + 0.2 * place / len(models))
        each = one.model.score(one.coded(joined), temperature=protocol.temperature)
        each[:, fixed] = 0.0
        scores.append(each)
    return HalvesScores(
        np.stack(scores, axis=1),
        tuple(name for name, _ in model.order),
        model.modeled,
        ClusteredPrompts.balanced(protocol.halves, protocol.rows),
        size,
    )
