"""Cell models: probabilities that sum to one, rows that score as recorded, known distributions, hostile tables."""

import csv
import json
import math
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docs_blocks import ROOT
from syngain.cli import main
from syngain.core.errors import InputError, SyngainError, UsageError
from syngain.pipeline.table_recipe import table_recipe
from syngain.tables.cells.alphabet import Alphabet
from syngain.tables.cells.check import check_table
from syngain.tables.cells.kinds import KeyColumn, TextColumn, codec_of
from syngain.tables.cells.mixture import learned_weights
from syngain.tables.cells.model import CellModel, CellSettings
from syngain.tables.cells.source import TableSource
from syngain.tables.cells.state import CodedColumn, RowState
from syngain.tables.cells.table import TableModel
from syngain.tables.derived import computed_last, derived_columns

CASES = Path(os.environ.get("SYNGAIN_DATA", ROOT.parent / "shared" / "data")).parent / "cases"


def numbers(values, unit=1.0, words=()):
    values = np.asarray(values)
    return CodedColumn("x", words, np.full(len(values), -1), values.astype(np.int64), unit)


@pytest.fixture(scope="module")
def table():
    """Classes, numbers with gaps, dates, a sum, a key: 300 rows."""
    rng = np.random.default_rng(0)
    n = 300
    label = rng.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2])
    height = np.round(rng.normal(0, 1, n) + (label == "a"), 2)
    net = rng.integers(100, 9000, n)
    tax = rng.integers(1, 50, n)
    start = np.datetime64("2024-01-01") + rng.integers(0, 300, n)
    return {
        "id": [f"C{i:05d}" for i in range(n)],
        "label": label.tolist(),
        "height": [f"{x:.2f}" if u > 0.1 else "NA" for x, u in zip(height, rng.random(n), strict=True)],
        "start": [str(day) for day in start],
        "net": [str(v) for v in net],
        "tax": [str(v) for v in tax],
        "paid": [str(a + b) for a, b in zip(net, tax, strict=True)],
        "flag": [["no", "yes"][int(h > 0.5)] for h in height],
    }


@pytest.fixture(scope="module")
def model(table):
    return TableModel.fit(table, label="label", settings=CellSettings(trees=6))


@given(st.lists(st.integers(-10_000, 10_000), min_size=1, max_size=200), st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_every_number_of_a_column_has_a_piece_and_pieces_do_not_overlap(values, bins):
    grid = np.array(values)
    alphabet = Alphabet.of((), np.full(grid.size, -1), grid, 1.0, bins)
    piece = alphabet.pieces(np.full(grid.size, -1), grid)
    assert (piece >= 0).all()
    assert (alphabet.low[1:] > alphabet.high[:-1]).all()
    assert (alphabet.high >= alphabet.low).all()
    assert np.allclose(np.bincount(alphabet.symbol, alphabet.within), 1, atol=1e-12)
    assert np.array_equal(np.bincount(piece, minlength=alphabet.counts.size), alphabet.counts)
    word, drawn = alphabet.values(
        alphabet.pick(alphabet.symbol[piece], np.random.default_rng(0)), np.random.default_rng(1)
    )
    assert np.array_equal(alphabet.symbol[alphabet.pieces(word, drawn)], alphabet.symbol[piece])


@given(st.lists(st.lists(st.floats(1e-6, 1), min_size=3, max_size=3), min_size=2, max_size=30))
@settings(max_examples=40, deadline=None)
def test_learned_weights_are_no_worse_than_any_single_part(rows):
    likelihoods = np.array(rows).T
    weights = learned_weights(likelihoods)
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    assert np.log(weights @ likelihoods + 1e-300).mean() >= np.log(likelihoods).mean(axis=1).max() - 0.02


def test_the_probabilities_of_every_column_sum_to_one(model, table):
    for columns in (model.coded(table), model.coded(model.sample(50, 3).columns)):
        state = RowState(len(columns[0].word), len(columns), model.model.features, model.model.lead)
        for view, mixture, column in zip(model.model.views, model.model.mixtures, columns, strict=True):
            total = mixture.piece_probabilities(state).sum(axis=1)
            assert np.abs(total - 1).max() < 1e-12, column.name
            state.fill(view, column.word, column.grid)


def test_the_probabilities_of_all_values_of_a_computed_column_sum_to_one(model, table):
    columns = model.coded({name: cells[:3] for name, cells in table.items()})
    at = [name for name, _ in model.order].index("paid")
    assert model.model.mixtures[at].gate is not None
    state = RowState(3, len(columns), model.model.features, model.model.lead)
    for view, column in zip(model.model.views[:at], columns[:at], strict=True):
        state.fill(view, column.word, column.grid)
    mixture = model.model.mixtures[at]
    values = np.arange(-200, 10_000)
    total = np.zeros(3)
    for value in values:
        total += np.exp(mixture.logprob(state, np.full(3, -1), np.full(3, value)))
    assert np.abs(total - 1).max() < 1e-9


@pytest.mark.parametrize("temperature", [1.0, 0.6, 1.5])
def test_rows_score_as_recorded(model, temperature):
    drawn = model.sample(200, 5, temperature=temperature)
    again = model.score(drawn.columns, temperature=temperature)
    assert np.isfinite(drawn.logprob).all()
    assert np.abs(again - drawn.logprob).max() < 1e-9


def test_the_mean_surprisal_is_the_mean_entropy(model):
    drawn = model.sample(3000, 6)
    entropy = model.entropy(drawn.columns)
    difference = (entropy + drawn.logprob).sum(axis=1)
    assert abs(difference.mean()) < 4 * difference.std() / math.sqrt(len(difference))
    assert (entropy > -1e-9).all()


def test_a_markov_simulation_is_learned_to_its_closed_form():
    """A first-order chain of words: its transition probabilities are known."""
    rng = np.random.default_rng(1)
    step = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.25, 0.25, 0.5]])
    columns = [rng.choice(3, 8000, p=[0.5, 0.3, 0.2])]
    for _ in range(3):
        columns.append((step[columns[-1]].cumsum(axis=1) < rng.random((8000, 1))).sum(axis=1))
    coded = [
        CodedColumn(f"c{i}", ("a", "b", "c"), column, np.zeros_like(column), 1.0) for i, column in enumerate(columns)
    ]
    model = CellModel.fit(coded, CellSettings(trees=4))
    drawn = model.sample(4000, 2)
    words = [column.word for column in drawn.columns]
    for at in range(1, 4):
        truth = np.log(step[words[at - 1], words[at]])
        gap = drawn.logprob[:, at] - truth
        assert np.abs(np.exp(drawn.logprob[:, at]) - np.exp(truth)).max() < 0.06
        assert abs(gap.mean()) < 0.01
    closed = -(step * np.log(step)).sum(axis=1)
    rate = np.mean([closed[words[at - 1]].mean() for at in range(1, 4)])
    assert -drawn.logprob[:, 1:].mean() == pytest.approx(rate, abs=0.03)


def test_the_information_of_a_class_is_below_the_logarithm_of_their_number(model):
    """The class as prompt: the row shows at most ln K nats of it."""
    drawn = model.sample(600, 9)
    kinds = sorted(set(drawn.columns["label"]))
    at = model.modeled.index("label")
    scores = []
    for kind in kinds:
        cells = {**drawn.columns, "label": [kind] * drawn.rows}
        scores.append(np.delete(model.score(cells), at, axis=1).sum(axis=1))
    own = np.array([kinds.index(kind) for kind in drawn.columns["label"]])
    prior = np.bincount(own) / own.size
    each = np.stack(scores, axis=1)
    mixed = np.log((np.exp(each - each.max(axis=1, keepdims=True)) * prior).sum(axis=1)) + each.max(axis=1)
    information = (each[np.arange(own.size), own] - mixed).mean()
    assert 0.05 < information < math.log(len(kinds))


def test_a_lower_temperature_lowers_the_entropy(model):
    cold, plain, hot = (-model.sample(800, 4, temperature=t).row_logprob.mean() for t in (0.5, 1.0, 2.0))
    assert cold < plain < hot


def test_given_values_are_kept_and_change_the_others(table):
    model = TableModel.fit(table, label="label", first=("flag",), settings=CellSettings(trees=4))
    drawn = model.sample(200, 1, given={"flag": "yes"})
    assert set(drawn.columns["flag"]) == {"yes"}
    assert np.isnan(drawn.logprob[:, model.modeled.index("flag")]).all()
    heights = [float(cell) for cell in drawn.columns["height"] if cell != "NA"]
    assert np.mean(np.array(heights) > 0.5) > 0.8
    with pytest.raises(UsageError, match="--given flag=maybe"):
        model.sample(5, given={"flag": "maybe"})


def test_rows_look_like_the_file(model, table):
    drawn = model.sample(300, 8)
    assert list(drawn.columns) == list(table)
    assert not set(drawn.columns["id"]) & set(table["id"])
    assert len(set(drawn.columns["id"])) == 300
    missing = [np.mean([cell == "NA" for cell in part["height"]]) for part in (table, drawn.columns)]
    assert missing[1] == pytest.approx(missing[0], abs=0.06)
    assert all(len(cell.partition(".")[2]) == 2 for cell in drawn.columns["height"] if cell != "NA")
    holds = [
        int(a) + int(b) == int(c) for a, b, c in zip(*(drawn.columns[k] for k in ("net", "tax", "paid")), strict=True)
    ]
    assert np.mean(holds) > 0.97


def test_numbers_of_a_label_are_classes_with_distributions_of_their_own():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 400)
    size = np.where(label == 1, rng.normal(0, 5, 400), rng.exponential(1, 400)).round(3)
    cells = {"size": [repr(float(v)) for v in size], "label": [str(v) for v in label]}
    model = TableModel.fit(cells, label="label", settings=CellSettings(trees=0))
    assert model.codecs["label"].kind == "2 categories"
    assert model.model.lead.groups == 2
    drawn = model.sample(2000, 1).columns
    made = np.array(drawn["size"], dtype=float)
    kinds = np.array(drawn["label"])
    assert (made[kinds == "0"] < 0).mean() < 0.1
    assert (made[kinds == "1"] < 0).mean() > 0.4
    prices = TableModel.fit({"price": [str(v * v) for v in range(86)], "b": ["x", "y"] * 43}, label="price")
    assert prices.codecs["price"].kind == "whole numbers"


def test_the_same_seed_draws_the_same_rows(model):
    assert model.sample(40, 3).columns == model.sample(40, 3).columns
    assert model.sample(40, 3).columns != model.sample(40, 4).columns


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([f"2025-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in range(60)], "dates"),
        ([f"{1 + i % 12}/{1 + i % 28}/2024" for i in range(60)], "dates"),
        ([f"2025-{1 + i % 12:02d}-01" for i in range(60)], "dates, as months and days"),
        ([str(np.datetime64("2025-01-06") + 7 * (i // 5) + i % 5) for i in range(90)], "dates, as weeks and weekdays"),
        (
            [f"2025-{1 + i % 12:02d}-{1 + i % 28:02d}T{i % 24:02d}:{15 * i % 60:02d}:00Z" for i in range(60)],
            "dates and times",
        ),
        ([f"2025-01-{1 + i % 28:02d} {i % 24:02d}:00:01.{i:03d}" for i in range(60)], "dates and times"),
        ([f"2025-01-{1 + i % 28:02d}T{i % 24:02d}:00:00+02:00" for i in range(60)], "dates and times"),
        ([f"{i % 24:02d}:{7 * i % 60:02d}" for i in range(60)], "times"),
        (["" if i % 5 == 0 else f"{1 + i % 28:02d}.01.2024" for i in range(60)], "dates"),
        ([f"{i / 7:.2f}" for i in range(60)], "numbers with 2 decimals"),
        ([repr(round(i / 7, 2)) for i in range(60)], "numbers with 2 decimals"),
        (
            ["NA" if i % 7 == 0 else "" if i % 11 == 0 else str(i % 30) for i in range(60)],
            "whole numbers and 2 other values",
        ),
        (["abc" if i % 2 else str(i) for i in range(60)], "31 categories"),
        (["<5" if i % 20 == 0 else str(i * 3) for i in range(60)], "whole numbers and 1 other values"),
        ([f"0{1200 + i % 9}" for i in range(60)], "9 categories"),
        ([None if i % 9 == 0 else i % 40 for i in range(60)], "whole numbers and 1 other values"),
        ([i / 8 for i in range(60)], "numbers with 3 decimals"),
        ([bool(i % 2) for i in range(60)], "2 categories"),
        (["-0.5", "-1.25"] * 30, "numbers with 2 decimals"),
        (["0.0"] * 59 + ["0.1"], "numbers with 1 decimals"),
        (["0"] * 60, "whole numbers"),
        ([f"{i + 1}e-9" for i in range(60)], "numbers with 9 decimals"),
        ([""] * 60, "empty"),
        ([None] * 60, "empty"),
        (["x"] * 60, "constant"),
    ],
)
def test_cells_are_written_as_they_were(cells, kind):
    codec = codec_of("c", cells)
    assert codec.kind == kind
    written = codec.written(codec.parts)
    assert [float(cell) if "decimals" in kind else cell for cell in written] == [
        float(cell) if "decimals" in kind else cell for cell in cells
    ]


@pytest.mark.parametrize(
    "cells",
    [
        [str(1000 + i) for i in range(30)],
        [f"C{7 * i % 31:04d}" for i in range(30)],
        [f"{i * 7919:08x}-ab" for i in range(30)],
        [str(10**17 + 7919**3 * i) for i in range(30)],
    ],
)
def test_keys_are_new_and_in_the_same_form(cells):
    codec = codec_of("id", cells)
    assert isinstance(codec, KeyColumn)
    made = codec.key.new(50, np.random.default_rng(0))
    assert len(set(made)) == 50
    assert not set(made) & set(cells)
    assert {len(key) for key in made} <= {len(key) for key in cells} | {max(map(len, cells)) + 1}


def test_sentences_are_left_out_and_rare_codes_are_kept_as_words():
    assert isinstance(codec_of("t", [f"a sentence with the number {i} in it" for i in range(60)]), TextColumn)
    codes = [f"A{i % 90:03d}" for i in range(200)]
    codec = codec_of("code", codes)
    alphabet = Alphabet.of(codec.parts[0].words, codec.parts[0].word, codec.parts[0].grid, 1.0)
    assert len(alphabet.words) == 90
    assert alphabet.size < 90
    assert np.allclose(np.bincount(alphabet.symbol, alphabet.within), 1)


def test_formulas_are_found_and_chance_is_not():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 1000, 400) * 1.0, rng.integers(1, 50, 400) * 1.0
    noise = np.round(rng.normal(0, 100, 400))
    group = rng.integers(0, 6, 400) * 1.0
    columns = [
        a,
        b,
        noise,
        a + b,
        np.round(a * 0.19, 2),
        np.minimum(np.round(b / np.maximum(a, 1), 2), 1),
        group,
        (group * 7) % 5,
    ]
    found = derived_columns(columns, [1, 1, 1, 1, 0.01, 0.01, np.nan, np.nan])
    names = ["a", "b", "noise", "total", "tax", "rate", "group", "kind"]
    assert set(found) >= {3, 4, 7}
    assert 2 not in found
    assert found[3].sentence("total", names) == "total = a + b"
    assert found[4].sentence("tax", names) == "tax = 0.19 * a"
    assert found[7].form == "lookup"
    assert found[3].holds == 1


def test_the_column_with_the_most_values_is_computed():
    rng = np.random.default_rng(0)
    start, days = rng.integers(0, 400, 300) * 1.0, rng.integers(1, 20, 300) * 1.0
    assert computed_last([start, start + days, days], [1.0, 1.0, 1.0], 0) == [0, 2, 1]


def test_the_check_separates_copies_from_new_rows(table):
    found = check_table(table, label="label", settings=CellSettings(trees=4))
    assert found is not None
    assert 0.4 < found.auc < 0.8
    assert 0.35 < found.nearer.mean() < 0.65
    assert np.isfinite(found.held_out).all()
    assert check_table({"a": ["1"] * 30}) is None


def test_hostile_tables_end_in_a_clear_error_or_in_rows():
    with pytest.raises(InputError, match="1 real row"):
        TableModel.fit({"a": ["1"], "b": ["x"]})
    with pytest.raises(InputError, match="no column"):
        TableModel.fit({"id": [f"C{i}" for i in range(30)]})
    with pytest.raises(UsageError, match="no column `x`"):
        TableModel.fit({"a": ["1", "2"] * 9}, label="x")
    one_class = TableModel.fit({"y": ["a"] * 30, "x": [str(i % 7) for i in range(30)], "m": [""] * 30}, label="y")
    drawn = one_class.sample(20)
    assert set(drawn.columns["y"]) == {"a"}
    assert set(drawn.columns["m"]) == {""}
    assert np.isfinite(drawn.logprob).all()
    constant = TableModel.fit({"a": ["1"] * 8})
    assert constant.sample(3).columns == {"a": ["1"] * 3}
    mixed = TableModel.fit({"a": [1, "x", None, 2.5, True] * 8, "b": list(range(40))}, settings=CellSettings(trees=2))
    assert len(mixed.sample(7).columns["a"]) == 7


def test_a_wide_table_is_bounded():
    rng = np.random.default_rng(0)
    base = rng.integers(0, 3, 30)
    cells = {f"c{i}": [str((v + i) % 3) for v in base] for i in range(1100)}
    drawn = TableModel.fit(cells).sample(10)
    assert len(drawn.columns) == 1100


def test_lists_in_cells_and_names_that_appear_twice_are_refused(tmp_path):
    with pytest.raises(InputError, match="holds a list"):
        TableSource.from_rows([{"a": [1], "b": 2}])
    (tmp_path / "twice.csv").write_text("a,a\n1,2\n")
    with pytest.raises(InputError, match="more than once"):
        TableSource.read(tmp_path / "twice.csv")


def run(folder, *arguments):
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as stop:
        patch.setattr(sys, "argv", ["syngain", *map(str, arguments)])
        patch.chdir(folder)
        main()
    return stop.value.code


@pytest.fixture
def file(tmp_path, table):
    with (tmp_path / "real.csv").open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(table)
        writer.writerows(zip(*table.values(), strict=True))
    return tmp_path


def test_the_command_writes_rows_probabilities_and_provenance(file, capsys):
    call = ("generate", "--real", "real.csv", "--generator", "cells", "--rows", "50", "--label", "label", "-o", "out")
    assert run(file, *call, "--no-check") == 0
    assert "50 rows generated from 300 real rows" in capsys.readouterr().out
    rows = list(csv.DictReader((file / "out" / "rows.csv").read_text().splitlines()))
    assert list(rows[0]) == ["id", "label", "height", "start", "net", "tax", "paid", "flag"]
    scores = list(csv.DictReader((file / "out" / "logprobs.csv").read_text().splitlines()))
    assert len(rows) == len(scores) == 50
    cells = [float(value) for name, value in scores[0].items() if name != "row"]
    assert float(scores[0]["row"]) == pytest.approx(sum(cells))
    provenance = json.loads((file / "out" / "provenance.json").read_text())
    assert provenance["mixtures"]["paid"]["computed"] == "paid = net + tax"
    assert run(file, *call, "--no-check") != 0  # a finished run is kept
    assert run(file, *call, "--no-check", "--resume") == 0
    assert run(file, "generate", "out/recipe.yaml", "--real", "real.csv", "-o", "again", "-q") == 0
    assert (file / "again" / "rows.csv").read_bytes() == (file / "out" / "rows.csv").read_bytes()


def test_the_effect_of_a_temperature_is_printed(file, capsys):
    call = ("generate", "--real", "real.csv", "--generator", "cells", "--rows", "30", "--temperature", "2", "-o", "out")
    assert run(file, *call, "--given", "flag=yes", "--no-check") == 0
    said = capsys.readouterr().err
    assert "given, not drawn: flag=yes" in said
    hot, usual = map(float, said.partition("entropy ")[2].partition(")")[0].split(" nats per row ("))
    assert hot > usual


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--generator", "smote", "--rows", "5"), "--generator smote"),
        (("--generator", "cells"), "without --rows"),
        (("--generator", "cells", "--rows", "5", "--given", "flag"), "--given flag"),
        (("--generator", "cells", "--rows", "5", "--label", "lable"), "no column `lable`"),
        (("--generator", "cells", "--rows", "5", "--max-tokens", "9"), "--max-tokens for rows of a table"),
        (("--generator", "cells", "--rows", "5", "--label", "id"), "holds keys"),
    ],
)
def test_wrong_flags_are_named(file, capsys, more, said):
    assert run(file, "generate", "--real", "real.csv", "-o", "out", *more) == SyngainError.exit_code
    assert said in capsys.readouterr().err


def test_a_recipe_of_a_table_names_its_wrong_field(file, capsys):
    (file / "recipe.yaml").write_text("generator: {kind: cells, rows: 5, lable: x}\n")
    assert run(file, "generate", "recipe.yaml", "--real", "real.csv", "-o", "out") == 2
    assert "unknown field `generator.lable`" in capsys.readouterr().err


def test_the_rules_of_the_case_hold_in_generated_rows():
    case = CASES / "table_rules" / "real.csv"
    if not case.exists():
        pytest.skip("the cases are not next to the project")
    model = TableModel.fit(TableSource.read(case).cells, label="region", settings=CellSettings(trees=4))
    drawn = model.sample(300, 1).columns
    start, end = (np.array(drawn[name], dtype="datetime64[D]") for name in ("start", "end"))
    assert np.mean((end - start).astype(int) == np.array(drawn["days"], dtype=int)) > 0.97
    west = np.array(drawn["region"]) == "west"
    paid = np.array([cell == "" for cell in drawn["paid"]])
    assert np.mean(paid == west) > 0.95


def test_more_rows_than_a_run_draws_are_refused():
    with pytest.raises(InputError, match="rows"):
        table_recipe({"generator": {"kind": "cells", "rows": 10**12}})
