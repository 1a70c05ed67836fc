"""Tables: repeats and copies against the real rows' own habit. The battery: benchmarks/table_copies.py."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import syngain
from syngain.audit import table_rows
from syngain.audit.frame import Frame
from syngain.audit.measures.table_copies import TableCopies
from syngain.audit.row_scores import Vectors, score_rows
from syngain.data import read
from syngain.data.dataset import Dataset, RoleOptions
from syngain.data.encoders.mixed import mixed_rows
from syngain.data.study import Study

CASES = Path(os.environ.get("SYNGAIN_DATA", "../shared/data")).parent / "cases"


def table(columns: dict[str, np.ndarray], name: str = "rows", like: Dataset | None = None) -> Dataset:
    cells = [values.tolist() for values in columns.values()]
    return Dataset.from_rows(
        [dict(zip(columns, row, strict=True)) for row in zip(*cells, strict=True)], name, like=like
    )


def copies(real: dict[str, np.ndarray], synthetic: dict[str, np.ndarray], held: dict | None = None) -> TableCopies:
    own = table(real)
    held_out = None if held is None else table(held, "held-out", own)
    return TableCopies.of(Frame.of(Study.of(own, table(synthetic, "synthetic", own), held_out=held_out)))


def panel(rows: int, g: np.random.Generator) -> dict[str, np.ndarray]:
    shop = g.integers(10, size=rows)
    names = np.char.add("shop", shop.astype(str))
    return {"shop": names, "area": 50.0 + 10 * shop, "sold": g.poisson(3, rows).astype(float)}


@pytest.mark.parametrize("name", ["same_law", "copies"])
def test_cases_of_a_panel(name: str) -> None:
    folder = CASES / "panel"
    if not folder.exists():
        pytest.skip("the shared cases are not here")
    real = read(folder / "real.csv")
    found = syngain.audit(real, read(folder / f"{name}.csv", like=real), gain=False)
    if name == "same_law":
        assert not found.findings
        assert not found.dropped
    else:
        first = found.findings[0]
        broken = next(item for item in found.findings if item.id == "broken_rules")
        assert (first.id, first.severity, first.rows) == ("memorized_anchors", "high", 360)
        assert "`shop` determines `area`" in broken.message  # a copy has the same shop and another area


def test_case_of_broken_rules() -> None:
    folder = CASES / "table_rules"
    if not folder.exists():
        pytest.skip("the shared cases are not here")
    real = read(folder / "real.csv")
    good = syngain.audit(real, read(folder / "syn_good.csv", like=real), gain=False)
    assert not good.findings
    assert not good.dropped
    estimate = good.estimates["rules.broken"]
    assert estimate.null is not None
    assert estimate.value <= estimate.null[1]
    found = syngain.audit(real, read(folder / "syn.csv", like=real), gain=False)
    finding = found.findings[0]
    assert (finding.id, finding.severity) == ("broken_rules", "high")
    assert found.verdict.decision == "do_not_use"
    rules = [
        "`tax` = 0.19 * `net`",
        "`end` = `start` + `days`",
        "`store` is one of 10 known values",
        "`paid` is missing exactly where `region` is west",
    ]
    for rule in rules:
        assert rule in finding.message
        assert any(reason.startswith(f"broken_rules: {rule}") for row in found.dropped for reason in row.reasons)
    assert finding.rows == len(finding.flagged)
    assert "more rules" in finding.message  # of the same rows, not named one by one


@pytest.mark.parametrize("columns", [40, 100, 300])
def test_in_wide_tables_nothing_is_a_copy_by_chance(columns: int) -> None:
    g = np.random.default_rng(columns)
    real, synthetic = ({f"c{i}": g.integers(10, size=40) for i in range(columns)} for _ in range(2))
    found = copies(real, synthetic)
    assert found.fraction().value == 0
    assert not found.background.any()


def test_rows_of_a_panel_are_expected_to_repeat_as_the_real_ones_do() -> None:
    g = np.random.default_rng(1)
    own = table(panel(400, g))
    found = syngain.audit(own, table(panel(400, g), "synthetic", own), gain=False)
    assert not found.findings
    assert not found.dropped
    repeats = found.estimates["duplicates.exact_fraction"]
    assert 0.3 < repeats.value <= repeats.null[1]
    more = panel(400, g)
    many = {name: np.concatenate([values[:10]] * 40) for name, values in more.items()}
    found = syngain.audit(own, table(many, "synthetic", own), gain=False)
    assert "duplicates" in {item.id for item in found.findings}
    assert len(found.dropped) > 300


@pytest.mark.parametrize("rate", [0.3, 1.0])
@pytest.mark.parametrize("jitter", [0.0, 0.02, 0.1])
def test_jittered_copies_are_named(rate: float, jitter: float) -> None:
    g = np.random.default_rng(3)
    kinds = np.array(["a", "b", "c"])

    def drawn(rows: int) -> dict[str, np.ndarray]:
        return {**{f"x{i}": g.normal(size=rows) * 10**i for i in range(6)}, "kind": kinds[g.integers(3, size=rows)]}

    real, synthetic = drawn(300), drawn(300)
    planted = np.arange(300) < 300 * rate
    for name, values in synthetic.items():
        values[planted] = real[name][planted]
        if name != "kind":
            values[planted] += g.normal(0, jitter * real[name].std(), planted.sum())
    found = copies(real, synthetic)
    assert found.found[planted].mean() > (0.97 if jitter < 0.1 else 0.8)
    assert found.found[~planted].mean() < 0.05 if rate < 1 else True
    assert (found.source[planted] == np.flatnonzero(planted)).mean() > 0.8
    assert found.fraction().p < 1e-6


def test_held_out_rows_give_the_expected_range() -> None:
    """Real rows in pairs (two measurements of one thing) are near each other; fresh ones are near none."""
    g = np.random.default_rng(4)
    things = g.normal(size=(150, 4))
    paired = np.repeat(things, 2, axis=0) + g.normal(0, 0.01, (300, 4))
    fresh, synthetic = g.normal(size=(200, 4)), g.normal(size=(200, 4))
    synthetic[:60] = paired[:60] + g.normal(0, 1e-5, (60, 4))
    named = [{f"x{i}": rows[:, i] for i in range(4)} for rows in (paired, synthetic, fresh)]
    found = copies(*named)
    assert found.background.mean() < 0.05
    assert found.found[:60].all()
    assert found.found[60:].mean() < 0.05


def test_ids_do_not_count_and_labels_do() -> None:
    g = np.random.default_rng(5)
    columns = {
        "case": np.array([f"case {i}" for i in g.permutation(60)]),
        "number": g.permutation(60) + 7,
        "age": g.integers(20, 25, size=60),
        "income": g.normal(size=60),
    }
    own = table(columns)
    assert table_rows.id_columns(own.columns) == {"case", "number"}
    fresh = {**columns, "case": np.char.add("new ", columns["case"]), "number": columns["number"] + 1000}
    assert copies(columns, fresh).found.all()
    labels = np.where(np.arange(60) % 2, "yes", "no")
    turned = np.where(np.arange(60) % 2, "no", "yes")
    found = copies({**columns, "label": labels}, {**fresh, "label": turned})
    assert (found.source < 0).all()


def test_a_table_of_ids_alone_keeps_them() -> None:
    assert not table_rows.id_columns({"name": [f"n{i}" for i in range(30)], "other": [f"o{i}" for i in range(30)]})


def test_empty_cells_keep_their_place() -> None:
    first, second = table_rows.shared_codes({"a": ["", "x"], "b": ["x", ""]}, {"a": ["x"], "b": [""]})
    assert first[0] != first[1]
    assert second[0] == first[1]


def test_the_radius_of_support_is_not_zero_where_real_rows_repeat() -> None:
    g = np.random.default_rng(6)
    places = g.normal(size=(40, 3)).astype(np.float32)
    real = np.vstack([np.repeat(places, 12, axis=0), g.normal(size=(10, 3))]).astype(np.float32)
    near = (real[:200] + g.normal(0, 1e-3, (200, 3))).astype(np.float32)
    scores = score_rows(Vectors(real, near), real[:3].astype(np.float64))
    assert scores.radius > 0.1
    assert not scores.outside.any()
    assert scores.beyond < 0.05
    away = score_rows(Vectors(real, near + np.float32(20)), real[:3].astype(np.float64))
    assert away.outside.all()
    assert away.estimate(np.arange(200)).p < 1e-6


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 6), st.sampled_from([1e-9, 1.0, 1e200]))
def test_distances_are_those_of_the_definition(seed: int, rows: int, columns: int, unit: float) -> None:
    """Oracle: squared differences of standardized numbers, 2 for every category that differs."""
    g = np.random.default_rng(seed)
    real, other = (
        {f"n{i}": (unit * g.normal(size=rows)).tolist() for i in range(columns)}
        | {f"k{i}": [f"v{x}" for x in g.integers(3, size=rows)] for i in range(columns)}
        for _ in range(2)
    )
    first, second = mixed_rows([real, other])
    pairs = np.array([(a, b) for a in range(rows) for b in range(rows)]).T
    wanted = np.zeros(pairs.shape[1])
    for name, cells in real.items():
        a, b = np.array(cells)[pairs[0]], np.array(other[name])[pairs[1]]
        if name[0] == "k":
            wanted += 2.0 * (a != b)
        else:
            scale = (np.array(cells) / unit).std() or np.abs(cells).max() / unit
            wanted += ((a / unit - b / unit) / scale) ** 2
    exact = first.joined_squares(pairs[0], second, pairs[1])
    assert exact == pytest.approx(wanted, rel=1e-4, abs=1e-4)
    assert first.squared_distances(second).ravel() == pytest.approx(wanted, rel=1e-3, abs=1e-3)
    assert not first.joined_squares(np.arange(rows), first, np.arange(rows)).any()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(5, 60))
def test_equal_rows_are_copies_in_any_order_of_rows(seed: int, rows: int) -> None:
    g = np.random.default_rng(seed)
    real = {"x": g.normal(size=rows), "k": g.integers(4, size=rows).astype(float)}
    order = g.permutation(rows)
    found = copies(real, {name: values[order] for name, values in real.items()})
    assert found.found.all()
    assert (found.source == order).all()


def test_one_label_that_is_no_number_hides_no_copy():
    rng = np.random.default_rng(3)
    real = [{**{f"x{k}": float(v) for k, v in enumerate(rng.normal(size=6))}, "label": str(i)} for i in range(60)]
    copies = [{**row, "x0": row["x0"] + 1e-4} for row in real]
    copies[0]["label"] = "unknown"
    roles = RoleOptions(label="label", text="", target="class")
    first = Dataset.from_rows(real, "real", roles=roles)
    found = syngain.audit(first, Dataset.from_rows(copies, "syn", roles=roles, like=first), gain=False)
    assert found.estimates["novelty.copy_fraction"].value > 0.9


@pytest.mark.parametrize(("label", "asks"), [(None, "--label COLUMN"), ("side", "--test TEST")])
def test_the_next_command_of_a_table_without_labels_names_one(label: str | None, asks: str) -> None:
    g = np.random.default_rng(0)
    sides = [
        {
            "height": g.normal(size=40),
            "weight": g.normal(size=40),
            "side": g.integers(2, size=40) + (0 if label else g.normal(size=40)),
        }
        for _ in range(2)
    ]
    real, synthetic = (
        Dataset.from_rows(
            [dict(zip(columns, row, strict=True)) for row in zip(*(c.tolist() for c in columns.values()), strict=True)],
            name,
            roles=RoleOptions(label=label),
        )
        for columns, name in zip(sides, ("real", "synthetic"), strict=True)
    )
    assert asks in syngain.audit(real, synthetic, gain=False).verdict.next_command
