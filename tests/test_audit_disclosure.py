"""Disclosed cells: 0 beyond other real rows under one distribution, the share of copies where rows are copied."""

import numpy as np
import pytest

from syngain.audit.tables.disclosure import ID, disclosure
from syngain.tables.typed import typed_tables


def world(count, rng):
    group = rng.integers(0, 4, count)
    x = rng.normal(size=count) + group
    return {
        "group": [("a", "b", "c", "d")[v] for v in group],
        "x": [f"{v:.4f}" for v in x],
        "y": ["" if row % 9 == 2 else f"{v:.3f}" for row, v in enumerate(x + rng.normal(size=count))],
        "kind": [f"k{v}" for v in rng.integers(0, 6, count)],
    }


def rows_of(table, rows):
    return {name: [cells[row] for row in rows] for name, cells in table.items()}


def joined(one, other):
    return {name: [*one[name], *other[name]] for name in one}


def measured(real, synthetic, held_out=None, seed=0, keys=frozenset()):
    sides = typed_tables(*[side for side in (real, synthetic, held_out) if side is not None])
    tables = (sides[0], sides[1], sides[2] if held_out is not None else None)
    return disclosure(tables, keys, np.random.default_rng(seed))


@pytest.mark.parametrize("held", [False, True])
def test_rows_of_one_distribution_disclose_no_more_than_other_real_rows(held):
    found = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        parts = [world(150, rng) for _ in range(3)]
        found.append(measured(parts[0], parts[1], parts[2] if held else None, seed)[ID])
    assert abs(np.mean([one.value for one in found])) < 0.01
    assert sum(one.p < 0.05 for one in found) <= 5  # 1.5 expected


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_copies_give_their_rows_away(share):
    rng = np.random.default_rng(1)
    real, fresh = world(200, rng), world(200, rng)
    copied = round(share * 200)
    synthetic = joined(rows_of(real, range(copied)), rows_of(fresh, range(200 - copied)))
    one = measured(real, synthetic)[ID]
    base = one.references["other real rows"]
    unknown = 1 - base - 0.05  # equally near rows and fresh rows give some copied cells as well
    assert one.references["synthetic rows"] == pytest.approx(base + share * (1 - base), abs=0.06)
    assert one.value > 0.8 * share * unknown
    assert one.p < 1e-6
    if share == 1.0:
        assert one.references["synthetic rows"] > 0.97


def test_the_same_rows_on_both_sides_are_equal_and_random_rows_guess_by_the_law():
    rng = np.random.default_rng(2)
    real, other = world(200, rng), world(300, rng)
    one = measured(real, other, other)[ID]
    assert one.value == pytest.approx(0.0, abs=1e-12)
    even = {"a": [f"v{row % 4}" for row in range(100)], "b": [f"w{row % 5}" for row in range(100)]}
    assert measured(even, even)[ID].references["random"] == pytest.approx((1 / 4 + 1 / 5) / 2)


def test_keys_are_no_cells_and_small_or_wide_tables_are_left_out():
    rng = np.random.default_rng(3)
    real, synthetic = world(100, rng), world(100, rng)
    with_key = {"id": [str(row) for row in range(100)]}
    kept = measured({**with_key, **real}, {**with_key, **synthetic}, keys=frozenset({"id"}))[ID]
    assert kept.value == measured(real, synthetic)[ID].value
    assert measured(rows_of(real, range(40)), synthetic) == {}
    assert measured({"x": real["x"]}, {"x": synthetic["x"]}) == {}
    wide = {f"c{place}": real["x"] for place in range(101)}
    assert measured(wide, wide) == {}


def test_an_empty_column_is_given_away_by_every_row():
    rng = np.random.default_rng(4)
    real, synthetic = ({**world(80, rng), "none": [""] * 80} for _ in range(2))
    one = measured(real, synthetic)[ID]
    assert 0 <= one.references["other real rows"] <= 1
    assert one.intervals[0.95][0] <= one.value <= one.intervals[0.95][1]
