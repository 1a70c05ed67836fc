"""Copies: of real rows (nothing new) and of test rows (contamination), against the real rows' own background."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from syngain.core.estimate import Estimate
from syngain.inference.clusters import clustered_variance
from syngain.inference.intervals import share_intervals, wilson
from syngain.inference.resampling import difference_p

if TYPE_CHECKING:
    from syngain.core.arrays import Flags, Ints


def copy_fraction(copies: Flags, background: Flags, units: Ints) -> Estimate:
    """``novelty.copy_fraction``: fraction of synthetic rows that copy a real row, near copies included.

    ``copies`` (n,) synthetic rows with a near copy among the real rows; ``background`` (m,) real rows with a near copy
    among the *other* real rows: what fresh real rows would show. Background pairs are counted once, since they come
    in twos.
    """
    value, reference = float(copies.mean()), float(background.mean())
    low, high = wilson(reference, background.size / 2, 0.95)
    ours = max(clustered_variance(copies.astype(float), units), 0.0)
    pooled = (copies.sum() + background.sum()) / (copies.size + background.size)
    error = math.sqrt(max(ours, pooled * (1 - pooled) / copies.size) + 2 * pooled * (1 - pooled) / background.size)
    return Estimate(
        value=value,
        unit="share",
        method="Jaccard of character 4-grams at least .8 with a real row; null: real rows among the other real rows",
        estimand="fraction of synthetic rows that copy one of these real rows",
        intervals=share_intervals(copies, units),
        null=(low, high),
        p=difference_p(value - reference, error, "upper"),
        n=copies.size,
        clusters=int(np.unique(units).size),
        references={"real": reference},
    )


def contamination(tests: Flags, hits: Flags, background: Flags) -> Estimate:
    """``contamination.test_fraction``: fraction of test rows that the synthetic set copies.

    ``tests`` (t,) test rows with a near copy among the synthetic rows; ``hits`` (n,) synthetic rows and ``background``
    (m,) real rows with a near copy among the test rows. A clean dataset of the same domain would show the
    rate of the real rows: p is Fisher's exact test of the two rates per row, one-sided [fisher1935].
    """
    table = np.array([[hits.sum(), (~hits).sum()], [background.sum(), (~background).sum()]])
    low, high = wilson(float(background.mean()), background.size, 0.95)
    per_test = hits.size / tests.size
    return Estimate(
        value=float(tests.mean()),
        unit="share",
        method="Jaccard of character 4-grams at least .8; Fisher's exact test of rows per set against the real rows",
        estimand="fraction of test rows that these synthetic rows copy",
        intervals=share_intervals(tests),
        null=(min(low * per_test, 1.0), min(high * per_test, 1.0)),
        p=float(stats.fisher_exact(table, alternative="greater").pvalue),
        n=tests.size,
        clusters=tests.size,
        references={"synthetic_rows": float(hits.mean()), "anchors": float(background.mean())},
    )
