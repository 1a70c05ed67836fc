"""The preset ``tables``: simulated tables with known laws, a table of one's own, the command."""

import json
import sys

import numpy as np
import pytest

from syngain import lab
from syngain.cli import main
from syngain.core.errors import UsageError
from syngain.core.rng import Streams
from syngain.lab.presets.table_orders import ORDERS, table_scores
from syngain.lab.worlds.table_worlds import ChainTable, ParityTable
from syngain.tables.cells.model import CellSettings
from syngain.tables.cells.table import TableModel


@pytest.fixture(scope="module")
def quick():
    return lab.run("tables", quick=True, seed=0)


def rows_of(result, title):
    return next(table.rows for table in result.tables if table.title.startswith(title))


def test_the_truth_of_simulated_tables_is_a_distribution():
    chain, rng = ChainTable.draw(np.random.default_rng(0)), np.random.default_rng(1)
    for world in (chain, ParityTable()):
        drawn = world.sample(20_000, rng)
        found, error = drawn.logprob.mean(axis=0), drawn.logprob.std(axis=0) / np.sqrt(20_000)
        assert (np.abs(found + world.entropy) < 4 * error + 1e-12).all()


@pytest.mark.parametrize("world", [ChainTable.draw(np.random.default_rng(3)), ParityTable()])
def test_models_come_near_the_truth_and_not_beyond(world):
    rng = np.random.default_rng(5)
    train, test = world.sample(3_000, rng), world.sample(3_000, rng)
    model = TableModel.fit(train.cells, settings=CellSettings(trees=4))
    gap = (model.score(test.cells) - test.logprob).sum(axis=1)
    assert gap.mean() < 3 * gap.std() / np.sqrt(gap.size)
    assert gap.mean() > -0.03


def test_a_column_that_only_two_others_show_is_learned_by_order_two():
    rng, world = np.random.default_rng(7), ParityTable()
    train, test = world.sample(1_000, rng), world.sample(1_000, rng)
    one, two = (
        TableModel.fit(train.cells, settings=CellSettings(orders=order, trees=0, gaussian=False, formulas=False))
        for order in (1, 2)
    )
    gain = two.score(test.cells)[:, 2].mean() - one.score(test.cells)[:, 2].mean()
    closed = np.log(2) - world.entropy[2]
    assert gain == pytest.approx(closed, abs=0.04)


def test_sequence_models_beat_marginals_where_columns_are_related(quick):
    gains = {(row[0], row[1]): row[2:] for row in rows_of(quick, "Gains")}
    assert gains["breast cancer", "order 4 over order 0"][3] == "better"
    assert gains["breast cancer", "mixture over order 0"][3] == "better"
    assert gains["chain (simulated)", "order 4 over order 0"][3] == "better"
    for row in rows_of(quick, "Log-probability"):
        assert max(row[4:8]) > row[3]  # any order or the mixture above order 0
        if row[8] is not None:
            assert max(row[3:8]) < row[8] + 0.05


def test_every_check_against_theory_holds(quick):
    assert len(quick.checks) == 6 * 3 + 2 * 5
    assert all(check.passed for check in quick.checks)
    assert len(quick.panels) == 6


def test_unrelated_columns_show_no_gain():
    rng = np.random.default_rng(0)
    rows = [{"a": int(a), "b": "xyz"[b]} for a, b in zip(rng.integers(0, 9, 300), rng.integers(0, 3, 300), strict=True)]
    protocol = lab.TablesProtocol(real=lab_table(rows), splits=4, trees=4, classifiers=False)
    found = lab.run("tables", protocol=protocol)
    assert [row[5] for row in rows_of(found, "Gains")] == ["inconclusive"] * 3


def lab_table(rows):
    from syngain import Dataset

    return Dataset.from_rows(rows, "rows")


def test_classifiers_are_measured_where_there_are_classes():
    rng = np.random.default_rng(1)
    label = rng.integers(0, 2, 240)
    rows = [{"size": round(float(3 * y + rng.normal()), 2), "kind": "no yes".split()[y]} for y in label]
    protocol = lab.TablesProtocol(real=lab_table(rows), label="kind", splits=2, trees=4)
    (found,) = table_scores(protocol, streams=Streams(0))
    assert np.mean([split.f1 for split in found.measures["mixture"]]) > 0.85
    assert np.mean([split.f1 for split in found.measures["order 0"]]) < 0.75
    assert np.mean([split.auc for split in found.measures["order 0"]]) > 0.6
    assert np.mean(found.real_f1) > 0.85
    assert [len(splits) for splits in found.measures.values()] == [2] * (len(ORDERS) + 1)


def test_a_table_of_ones_own_through_the_command(tmp_path, monkeypatch, capsys):
    rng = np.random.default_rng(2)
    size = rng.integers(10, 99, 90)
    lines = ["size,price", *(f"{v},{v * 3 + int(rng.integers(0, 9))}" for v in size)]
    (tmp_path / "houses.csv").write_text("\n".join(lines) + "\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["syngain", "lab", "tables", "houses.csv", "--quick", "-q", "-o", "out"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0, capsys.readouterr().err
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["parameters"]["tables"] == ["houses.csv"]
    assert report["tables"][1]["rows"][1][5] == "better"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: lab.TablesProtocol(splits=1), "1 splits"),
        (lambda: lab.TablesProtocol(label="kind"), "label without a table"),
        (lambda: lab.run("loops", protocol=lab.TablesProtocol()), "a table for the preset"),
        (lambda: lab.run("tables", protocol=lab.PaperProtocol()), "sizes or an estimator"),
        (
            lambda: lab.run("tables", protocol=lab.TablesProtocol(real=lab_table([{"a": 1}] * 40), label="b")),
            "column b",
        ),
    ],
)
def test_what_is_wrong_is_named(call, words):
    with pytest.raises(UsageError, match=words):
        call()


def test_few_rows_are_refused():
    from syngain.core.errors import InputError

    with pytest.raises(InputError, match="9 rows"):
        lab.run("tables", protocol=lab.TablesProtocol(real=lab_table([{"a": i} for i in range(9)])))
