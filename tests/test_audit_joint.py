"""The joint tail of tables: rows of impossible combinations are unlikely, rows of a low temperature are too typical."""

import numpy as np
import pytest

from syngain.audit.tables.joint import joint_tail
from syngain.audit.tables.typed_frame import TypedStudy
from syngain.core.rng import Streams
from syngain.tables.cells.table import TableModel
from syngain.tables.typed import typed_tables


def law(count, seed):
    rng = np.random.default_rng(seed)
    a = np.round(rng.normal(50, 10, count), 1)
    b = np.round(2 * a + rng.normal(0, 2, count), 1)
    kind = np.where(rng.random(count) < 0.9, np.where(a > 50, "x", "y"), "z")
    return {"a": a.tolist(), "b": b.tolist(), "kind": kind.tolist(), "c": np.round(rng.gamma(2, 3, count), 1).tolist()}


def found(real, synthetic, seed=0, held_out=None):
    tables = typed_tables(real, synthetic, *([held_out] if held_out else []))
    return joint_tail(
        TypedStudy(*tables[:2], tables[2] if held_out else None),
        frozenset(),
        np.arange(tables[1].size),
        Streams(seed),
    )


def test_clean_rows_have_no_invented_and_no_missing_tail():
    low = 0
    for seed in range(12):
        one = found(law(400, seed), law(500, 100 + seed), seed)
        low += min(item.p for item in one.estimates.values()) < 0.05
    assert low <= 2


@pytest.mark.parametrize("with_held_out", [False, True])
def test_combinations_that_real_rows_do_not_have_are_unlikely_rows(with_held_out):
    real, synthetic = law(600, 1), law(500, 2)
    rows = list(range(0, 500, 4))
    for row in rows:
        synthetic["b"][row] = 250 - synthetic["b"][row]
        synthetic["kind"][row] = "y" if synthetic["a"][row] > 50 else "x"
    one = found(real, synthetic, held_out=law(400, 3) if with_held_out else None)
    assert one.estimates["tails.joint_invented"].p < 1e-4
    listed = one.records()
    assert np.mean([item["row"] in rows for item in listed]) > 0.8
    assert {name for item in listed[:20] for name in item["columns"]} >= {"b"}
    assert [item["logprob"] for item in listed] == sorted(item["logprob"] for item in listed)
    assert not found(real, law(500, 2)).records()[20:]


def test_rows_of_a_low_temperature_lack_the_unlikely_ones():
    real = law(800, 5)
    cold = TableModel.fit(real, seed=0).sample(500, 1, temperature=0.4).columns
    one = found(real, cold)
    assert one.estimates["tails.joint_missing"].p < 0.01
    assert one.estimates["tails.joint_missing"].value > 0.4
    assert one.estimates["tails.joint_invented"].p > 0.05


def test_few_rows_and_single_columns_have_no_joint_tail():
    assert found(law(60, 1), law(60, 2)) is None
    assert found({"a": law(300, 1)["a"]}, {"a": law(300, 2)["a"]}) is None
