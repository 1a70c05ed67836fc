"""How many rows to use: chosen and evaluated on different real rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from syngain.core.arrays import Floats
    from syngain.gain.forecast import Contrast, Forecaster


@dataclass(frozen=True)
class RecommendedRows:
    """The amount to use.

    Attributes:
        rows: the smallest amount whose gain is within ``min_gain`` of the best; 0 when the best is no gain.
        amounts: what was tried, ascending, 0 left out. gains: the gain at each, of all real rows.
        gain: the gain of choosing so, each real row evaluated with a choice made without its fold.
    """

    rows: int
    amounts: tuple[int, ...]
    gains: tuple[Contrast, ...]
    gain: Contrast


def choose(forecaster: Forecaster, metric: str, min_gain: float) -> RecommendedRows:
    """Choose the number of synthetic rows; forecast its gain without selection bias.

    On the real rows it was chosen on, the best of several amounts is overestimated. So for every fold the amount
    is chosen on the other folds' real rows.
    """
    amounts, gains = forecaster.curve(metric)
    contrasts = np.array([gain.by_trial for gain in gains])  # (levels, trials, n)
    outside = np.empty(contrasts.shape[1:])
    for index, trial in enumerate(forecaster.experiment.trials):
        levels = np.vstack([np.zeros(trial.fold.size), contrasts[:, index]])
        for fold in np.unique(trial.fold):
            held = trial.fold == fold
            outside[index, held] = levels[_smallest(levels[:, ~held].mean(axis=1), min_gain)][held]
    everywhere = np.array([0.0, *(gain.value for gain in gains)])
    picked = _smallest(everywhere, min_gain)
    alike = gains[picked - 1] if picked else gains[-1]
    return RecommendedRows((0, *amounts)[picked], tuple(amounts), tuple(gains), replace(alike, by_trial=outside))


def _smallest(gains: Floats, min_gain: float) -> int:
    """The first level within ``min_gain`` of the best; level 0 is no row at all."""
    return int(np.flatnonzero(gains >= gains.max() - min_gain)[0])
