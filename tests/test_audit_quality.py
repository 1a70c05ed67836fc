"""SDMetrics' quality score: equal to what sdmetrics 0.32.0 gave for the same rows."""

import numpy as np
import pytest

from syngain.audit.tables.quality import quality
from syngain.tables.typed import typed_tables

# QualityReport of sdmetrics 0.32.0 on these rows: overall, column shapes, column pair trends
RECORDED = {
    True: (0.9018848081857249, 0.9349582751834458, 0.8688113411880042),
    False: (0.7621579877775209, 0.7938414620861924, 0.7304745134688494),
}


def world(count, seed, tied):
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 4, count)
    x = rng.normal(size=count) + (group if tied else 0)
    day = np.datetime64("2024-01-01") + rng.integers(0, 300, count)
    return {
        "x": [f"{v:.4f}" for v in x],
        "y": ["" if row % 11 == 3 else f"{v:.3f}" for row, v in enumerate(x * 2 + rng.exponential(size=count))],
        "n": [str(v) for v in rng.poisson(3, count)],
        "group": [("a", "b", "c", "d")[v] for v in group],
        "kind": ["" if row % 13 == 5 else f"k{v}" for row, v in enumerate(rng.integers(0, 7, count))],
        "day": [str(v) for v in day],
    }


def score(real, synthetic):
    return quality(*typed_tables(real, synthetic), frozenset())["fidelity.sdmetrics_quality"]


@pytest.mark.parametrize("tied", [True, False])
def test_the_score_is_that_of_sdmetrics(tied):
    found = score(world(300, 1, tied=True), world(450, 2, tied=tied))
    overall, shapes, pairs = RECORDED[tied]
    assert found.value == pytest.approx(overall, abs=1e-6)
    assert found.references["column_shapes"] == pytest.approx(shapes, abs=1e-6)
    assert found.references["column_pair_trends"] == pytest.approx(pairs, abs=1e-6)


def test_equal_rows_score_one_and_a_single_column_has_no_pairs():
    rows = world(200, 3, tied=True)
    assert score(rows, rows).value == pytest.approx(1)
    one = score({"x": rows["x"]}, {"x": rows["x"]})
    assert "column_pair_trends" not in one.references
    assert one.value == pytest.approx(1)
