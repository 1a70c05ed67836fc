"""Rules across files: which rows point at nothing, keys of two columns, how many rows point at one key."""

import json
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import syngain
from syngain.cli import main
from syngain.data import write_records
from syngain.tables.rules.learned import check_rules, learn_rules
from syngain.tables.rules.others import OtherTable
from syngain.tables.typed import typed_tables

CUSTOMERS = [{"id": 1000 + 7 * i + i % 3, "name": f"n{i}", "age": 20 + i % 60} for i in range(300)]
IDS = [row["id"] for row in CUSTOMERS]


def orders(count, seed, ids=IDS):
    """Orders of up to three lines; ``customer_id`` points at the customers."""
    rng = np.random.default_rng(seed)
    return {
        "order": [str(v // 3) for v in range(count)],
        "line": [str(v % 3 + 1) for v in range(count)],
        "customer_id": [str(v) for v in rng.choice(ids, count)],
        "age": [str(v) for v in rng.integers(20, 80, count)],
        "price": [f"{v:.2f}" for v in rng.gamma(3, 40, count)],
    }


def checked(real, synthetic, *others, seed=0):
    own, other = typed_tables(real, synthetic)
    rng = np.random.default_rng(seed)
    return check_rules(learn_rules(own, rng, others=[OtherTable.of("customers", one) for one in others]), other, rng)


def of_kind(found, kind):
    return [one for one in found if one.rule.kind == kind]


def test_rows_that_point_at_nothing_are_named_and_no_others():
    synthetic = orders(400, 2)
    rows = list(range(0, 400, 5))  # 20%
    for row in rows:
        synthetic["customer_id"][row] = str(90_000 + row)
    (one,) = of_kind(checked(orders(300, 1), synthetic, CUSTOMERS), "reference")
    assert one.found
    assert one.rule.words == "`customer_id` is the `id` of a row of customers"
    assert np.flatnonzero(one.broken).tolist() == rows


@settings(max_examples=20, deadline=None)
@given(st.sets(st.integers(0, 199), max_size=150), st.booleans())
def test_whatever_rows_point_at_nothing_are_those_that_are_flagged(rows, words):
    prefix = "K" if words else ""
    customers = [{"id": f"{prefix}{row['id']}"} for row in CUSTOMERS]
    real, synthetic = ({**table, "customer_id": [prefix + v for v in table["customer_id"]]}
                       for table in (orders(200, 1), orders(200, 2)))  # fmt: skip
    for row in rows:
        synthetic["customer_id"][row] = f"{prefix}{70_000 + row}"
    (one,) = of_kind(checked(real, synthetic, customers), "reference")
    assert set(np.flatnonzero(one.broken).tolist()) == rows


def test_numbers_that_are_keys_by_chance_point_at_nothing():
    dense = [{"id": i} for i in range(1, 1001)]  # no gaps: every small number is a key
    found = checked(orders(300, 1, ids=[9, 10, 11]), orders(300, 2, ids=[9, 10, 11]), dense)
    assert [one.rule.columns for one in of_kind(found, "reference")] == [("customer_id",)]  # by its name alone


def test_clean_rows_break_no_rule_across_files():
    hits = [seed for seed in range(30) if any(
        one.found for one in checked(orders(200, seed), orders(390, 900 + seed), CUSTOMERS)
    )]  # fmt: skip
    assert len(hits) <= 1, hits


def test_a_key_of_two_columns_is_learned_and_its_repeats_are_named():
    real, synthetic = orders(300, 1), orders(300, 2)
    found = of_kind(checked(real, synthetic), "key pair")
    assert [one.rule.words for one in found] == ["`order` and `line` together are different in every row"]
    more = checked(real, orders(600, 2))
    assert not any(one.found for one in more)  # more rows have more orders: their numbers have no range
    for row in range(0, 300, 6):
        synthetic["line"][row + 1] = synthetic["line"][row]
    (one,) = of_kind(checked(real, synthetic), "key pair")
    assert one.found
    assert np.flatnonzero(one.broken).tolist() == list(range(1, 300, 6))


def test_columns_that_repeat_together_are_no_key():
    rng = np.random.default_rng(0)
    table = {name: [str(v) for v in rng.integers(0, 12, 400)] for name in "ab"}
    assert not of_kind(checked(table, table), "key pair")


def test_too_many_rows_of_one_key_are_named():
    real, synthetic = orders(300, 1), orders(300, 2)
    (limit,) = of_kind(checked(real, synthetic, CUSTOMERS), "children")
    assert not limit.found
    for row in range(200):
        synthetic["customer_id"][row] = str(IDS[row // 20])  # twenty rows each
    (one,) = of_kind(checked(real, synthetic, CUSTOMERS), "children")
    assert one.found
    assert one.broken[:200].sum() > 100
    assert not one.broken[200:].all()


def rows_of(table):
    """The rows of a table, numbers as numbers."""
    plain = lambda name, cell: cell if name == "order" else float(cell)  # noqa: E731
    lines = zip(*table.values(), strict=True)
    return [{name: plain(name, cell) for name, cell in zip(table, line, strict=True)} for line in lines]


def test_an_audit_names_the_rows_and_drops_them():
    real, synthetic = rows_of(orders(300, 1)), rows_of(orders(400, 2))
    for row in range(0, 400, 5):
        synthetic[row]["customer_id"] = 90_000.0 + row
    own = syngain.Dataset.from_rows(real, "real")
    other = syngain.Dataset.from_rows(synthetic, "synthetic", like=own)
    found = syngain.audit(own, other, gain=False, tables={"customers": CUSTOMERS})
    (finding,) = [item for item in found.findings if item.id == "broken_rules"]
    assert finding.severity == "high"
    assert "20% of rows break `customer_id` is the `id` of a row of customers" in finding.message
    assert set(range(0, 400, 5)) <= set(finding.flagged)
    assert found.settings["tables"][0]["name"] == "customers"
    plain = syngain.audit(own, other, gain=False)
    assert "tables" not in plain.settings


def test_the_command_reads_other_files_and_keeps_a_finished_run_of_the_same(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_records(tmp_path / "real.csv", rows_of(orders(120, 1)))
    write_records(tmp_path / "syn.csv", rows_of({**orders(120, 2), "customer_id": ["5"] * 120}))
    write_records(tmp_path / "customers.csv", CUSTOMERS)
    write_records(tmp_path / "others.csv", CUSTOMERS[:200])
    command = ["syngain", "audit", "real.csv", "syn.csv", "--no-gain", "-q", "--resume", "--table"]
    for table, code in (("customers=customers.csv", 0), ("customers=customers.csv", 0), ("customers=others.csv", 2)):
        monkeypatch.setattr(sys, "argv", [*command, table])
        with pytest.raises(SystemExit) as stop:
            main()
        assert stop.value.code == code, capsys.readouterr().err
    report = json.loads((tmp_path / "syngain-audit" / "report.json").read_text(encoding="utf-8"))
    assert any("of a row of customers" in item["message"] for item in report["findings"])
    assert "tables" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"customers": [{"a": 1}, {"a": 1}]}, "no column is filled and different in every row"),
        ({"customers": "absent.csv"}, "no such file"),
        ({"customers": 5}, "a number as the table customers"),
        (["customers.csv"], "a list as `tables`"),
    ],
)
def test_wrong_tables_are_errors_of_three_parts(tables, said):
    own = syngain.Dataset.from_rows([{"a": i, "b": i % 3} for i in range(40)])
    with pytest.raises(syngain.SyngainError) as caught:
        syngain.audit(own, own, gain=False, tables=tables)
    assert said in caught.value.came
    assert caught.value.expected
    assert caught.value.todo


def test_tables_next_to_texts_are_refused():
    texts = syngain.Dataset.from_rows([{"text": f"row {i}", "label": "ab"[i % 2]} for i in range(30)])
    with pytest.raises(syngain.SyngainError, match="tables next to texts"):
        syngain.audit(texts, texts, gain=False, tables={"customers": CUSTOMERS})
