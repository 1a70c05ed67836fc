"""Generation divergence of curation: one minus the acceptance, for filters.

A filter judges (prompt, output) pairs one by one, so the total variation between generated and accepted pairs is one
minus the acceptance mass. It is an upper bound on rows alone when the filter uses the prompt. Deduplication acts on the
whole dataset: it has no such number, and its dropped rows are left out.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from syngain.core.estimate import Estimate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Floats

LEVELS = (0.90, 0.95)
ID = "generation.divergence"


def divergences(acceptance: Sequence[tuple[str, int, str, int, int]], set_steps: set[int]) -> dict[str, Estimate]:
    """``generation.divergence@STEP`` of each filter, and over all filters.

    From kept and judged rows per prompt.
    """
    filters = [row for row in acceptance if row[1] not in set_steps]
    steps = sorted({(row[1], row[2]) for row in filters})
    found: dict[str, Estimate] = {}
    for number, name in steps:
        counts = {row[0]: (row[3], row[4]) for row in filters if row[1] == number}
        key = f"{ID}@{name}" if [other for _, other in steps].count(name) == 1 else f"{ID}@{name}_{number}"
        found[key] = _estimate(counts, f"rows that the step {name} dropped")
    found[ID] = _estimate(_overall(acceptance, set_steps), "rows that any filter dropped; repeats are left out")
    return found


def _overall(
    acceptance: Sequence[tuple[str, int, str, int, int]], set_steps: set[int]
) -> Mapping[str, tuple[int, int]]:
    """Kept and judged rows per prompt.

    Judged at the first step, less those dropped by steps on the dataset.
    """
    judged: dict[str, int] = {}
    failed: dict[str, int] = {}
    for prompt, number, _, kept, count in acceptance:
        if number == 0:
            judged[prompt] = judged.get(prompt, 0) + count
        if number < 0:
            continue
        if number in set_steps:
            judged[prompt] = judged.get(prompt, 0) - (count - kept)
        else:
            failed[prompt] = failed.get(prompt, 0) + count - kept
    return {prompt: (count - failed.get(prompt, 0), count) for prompt, count in judged.items() if count > 0}


def _estimate(counts: Mapping[str, tuple[int, int]], what: str) -> Estimate:
    """One minus a ratio of sums over prompts, with Student's t.

    The error is linearized, with prompts as clusters.
    """
    table: Floats = np.array(list(counts.values()), dtype=np.float64).reshape(-1, 2)
    kept, judged = table[:, 0], table[:, 1]
    total, clusters = float(judged.sum()), len(table)
    share = float(kept.sum()) / total if total else math.nan
    intervals = {}
    if clusters > 1:
        spread = (kept - share * judged) / total
        error = math.sqrt(float(np.sum(spread**2)) * clusters / (clusters - 1))
        for level in LEVELS:
            half = float(stats.t.isf((1 - level) / 2, clusters - 1)) * error
            rare = 1 - ((1 - level) / 2) ** (1 / clusters)  # all or nothing: exact binomial, a prompt counts once
            low, high = (rare if share == 0 else half), (rare if share == 1 else half)
            intervals[level] = (1 - share - low, 1 - share + high)
    return Estimate(
        value=1 - share,
        unit="share",
        method=f"one minus the acceptance ({what}); prompts are the clusters",
        estimand="total variation between generated and accepted (prompt, output) pairs",
        intervals=intervals,
        n=int(total),
        clusters=clusters,
    )
