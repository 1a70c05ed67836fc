"""``syngain strategies`` and ``syngain lab llm``: known orders, known entropies, resumed runs, the command line."""

import io
import json
import math
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

import tiny_causal
from syngain.cli.app import app
from syngain.core import InputError, UnfinishedError, UsageError
from syngain.core.estimate import Estimate
from syngain.data import Dataset
from syngain.inference.ranks import partial_spearman, spearman_of_cells
from syngain.lab.planted.sets import demo_sets
from syngain.report import write
from syngain.report.figures.rankings import rankings_svg
from syngain.report.sets.set_table import set_table
from syngain.report.sets.strategy_tables import strategy_tables
from syngain.training.student.shared import StudentRows, row_order, shared_gains
from syngain.workflows.research import strategies as module
from syngain.workflows.research.llm_grid import grid
from syngain.workflows.research.strategies import strategies
from syngain.workflows.research.strategy_cells import StrategyCell, cells_of, named
from syngain.workflows.research.strategy_ranks import rankings, student_rankings, with_bounds
from syngain.workflows.research.strategy_settings import StrategySettings
from syngain.workflows.research.strategy_students import spread_over_gains

SMALL = StrategySettings(prompts=2, pairs=0)
SAMPLING = {"temperature": 1.0, "samples": 2, "max_tokens": 16}
KINDS = (
    {"kind": "few_shot", "rows": 60, "name": "shots", "sampling": SAMPLING},
    {"kind": "few_shot", "rows": 60, "name": "cold", "sampling": SAMPLING | {"temperature": 0.5}},
    {"kind": "paraphrase", "rows": 60, "name": "rewritten", "sampling": SAMPLING},
    {"kind": "template", "rows": 60, "name": "same", "template": "always these words"},
)


def recipe(*kinds):
    return {"generator": {"kind": "toy"}, "strategies": list(kinds)}


@pytest.fixture(scope="module")
def rows():
    sets = demo_sets(1, defects=(), pretrained=False)

    def texts(found, count, name):
        return Dataset.from_rows([{"text": row["text"]} for row in found[:count]], name=name)

    return {"real": texts(sets.real, 60, "real"), "test": texts(sets.test, 40, "test")}


@pytest.fixture(scope="module")
def found(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("work")
    result = strategies([recipe(*KINDS)], rows["real"], test=rows["test"], settings=SMALL, folder=folder)
    return result, folder


def value(item):
    return Estimate(value=item, unit="nats", method="m", estimand="e", intervals={0.9: (item, item)}, n=1)


def test_every_strategy_is_measured_at_one_size_and_a_constant_one_has_no_information(found):
    result, _ = found
    assert set(result.sets) == {"shots", "cold", "rewritten", "same"}
    lines = result.files["cells.jsonl"].records
    used = {line["cell"]: line["used"] for line in lines}
    assert used["same"] == 0  # equal rows: one is kept
    assert len({count for count in used.values() if count}) == 1
    assert used["shots"] == used["rewritten"] >= 20
    constant = result.sets["same"]["estimates"]
    assert constant["information.gain"]["value"] == 0
    assert constant["information.entropy"]["value"] == pytest.approx(0)
    assert constant["strategies.cost"]["value"] == 0
    for name in ("shots", "cold", "rewritten"):
        assert result.sets[name]["estimates"]["information.gain"]["value"] > 0


def test_a_toy_generator_that_is_colder_has_less_entropy_per_token(found):
    cells = {line["cell"]: line for line in found[0].files["cells.jsonl"].records}
    per_token = {
        name: cells[name]["values"]["information.gain"] * cells[name]["rows"] / cells[name]["tokens"]
        for name in ("shots", "cold")
    }
    assert per_token["cold"] < per_token["shots"]


def test_a_finished_run_resumes_to_the_same_result_without_generating(found, rows, monkeypatch):
    result, folder = found

    def never(*_, **__):
        raise AssertionError("a finished cell was generated again")

    monkeypatch.setattr(module, "generated", never)
    monkeypatch.setattr(module, "compared", never)
    again = strategies([recipe(*KINDS)], rows["real"], test=rows["test"], settings=SMALL, folder=folder, resume=True)
    assert json.dumps(again.as_json(), sort_keys=True) == json.dumps(result.as_json(), sort_keys=True)
    with pytest.raises(UsageError):
        strategies(
            [recipe(*KINDS)], rows["real"], test=rows["test"], settings=SMALL, folder=folder, seed=1, resume=True
        )


def test_the_report_shows_strategies_pipelines_and_rank_correlations(found, tmp_path):
    write(found[0], tmp_path / "run")
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "Terms of the bound: divergence, curation, information" in page
    assert "memorized by a proxy" not in page
    assert (tmp_path / "run" / "cells.jsonl").read_text(encoding="utf-8").count("\n") == len(KINDS)


def test_rank_correlations_recover_a_planted_order():
    """A quantity that is the gain orders it exactly; one that only follows the divergence has no partial order."""
    rng = np.random.default_rng(0)
    gains = rng.normal(size=(2, 12))
    table = [
        [
            {"information.gain": value(g), "divergence.tv_lower": value(1 / (1 + math.exp(2 * g + e)))}
            for g, e in zip(row, rng.normal(size=12), strict=True)
        ]
        for row in gains
    ]
    ranked = rankings(table, gains.tolist(), seed=0)
    assert ranked["ranking.information_gain"].value == pytest.approx(1)
    assert ranked["ranking.information_gain@equal_divergence"].value == pytest.approx(1)
    assert ranked["ranking.minus_divergence"].value > 0.5
    assert "ranking.minus_divergence@equal_divergence" not in ranked
    assert rankings([row[:3] for row in table], gains[:, :3].tolist(), seed=0) == {}


def test_independent_quantities_are_not_significant_in_most_simulations():
    """Oracle: with independent normal quantities the 95% interval over cells holds 0 in at least 85 of 100 draws."""
    held = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=(2, 1, 24))
        found = spearman_of_cells(x, y, rng=rng, resamples=200)
        held += found.lower <= 0 <= found.upper
    assert held >= 85


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(*[st.integers(-9, 9)] * 3), min_size=5, max_size=20, unique=True))
def test_partial_correlations_ignore_monotone_changes(triples):
    x, y, z = np.array(triples, dtype=float).T
    first, second = partial_spearman(x, y, z), partial_spearman(8 * x, y, z)
    assert (math.isnan(first) and math.isnan(second)) or first == pytest.approx(second)
    assert math.isnan(first) or -1.000001 <= first <= 1.000001


def test_students_stand_at_even_places_of_the_order_and_their_ranks_find_a_planted_one():
    cells = [StrategyCell(name=f"c{at}", recipe=None) for at in range(9)]
    order = np.random.default_rng(0).permutation(9)
    records = {
        (draw, cell.name): {"estimates": {"gain.x": value(float(at)).as_json()}}
        for draw in range(2)
        for cell, at in zip(cells, order, strict=True)
    }
    records[0, "c3"]["estimates"] = {}  # a strategy without a gain is left out
    chosen = spread_over_gains(cells, records, 3)
    places = [int(order[int(cell.name[1:])]) for cell in chosen]
    assert (places[0], places[-1], len(places)) == (0, 8, 3)
    assert places == sorted(places)
    assert spread_over_gains(cells, {key: {"estimates": {}} for key in records}, 3) == []
    rng = np.random.default_rng(1)
    gains, students = rng.normal(size=(2, 12)), np.full((2, 12), math.nan)
    students[:, :8] = gains[:, :8] ** 3
    table = [[{"information.gain": value(-g)} for g in row] for row in gains]
    ranked = student_rankings(table, gains.tolist(), students.tolist(), seed=0)
    assert ranked["ranking.proxy_gain@students"].value == pytest.approx(1)
    assert ranked["ranking.information_gain@students"].value == pytest.approx(-1)
    assert student_rankings(table, gains.tolist(), np.full((2, 12), math.nan).tolist(), seed=0) == {}


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 20), st.integers(0, 30), st.integers(1, 200))
def test_real_rows_come_in_one_order_and_every_row_before_any_again(real, synthetic, count):
    found = row_order(real, synthetic, count, 3).tolist()
    alone = row_order(real, 0, count, 3).tolist()
    shared = [at for at in found if at < real]
    assert len(found) == count
    assert shared == alone[: len(shared)]
    for start in range(0, count, real + synthetic):
        passed = found[start : start + real + synthetic]
        assert len(set(passed)) == len(passed)


def test_a_fine_tuned_model_gains_from_rows_like_the_test_rows_and_loses_to_noise(tmp_path):
    """Oracle: rows of the test distribution help, random letters do not; finished runs are not trained again."""
    pytest.importorskip("peft")
    rng = np.random.default_rng(0)
    words = ["red", "green", "blue", "gray"]

    def texts(count):
        return [{"text": " ".join(rng.choice(words, 4))} for _ in range(count)]

    def noise(count):
        return [{"text": "".join(rng.choice(list("zqxjkvw"), 18))} for _ in range(count)]

    rows = StudentRows(*(Dataset.from_rows(texts(n), name="real") for n in (12, 24, 40)))
    sets = {
        "like": Dataset.from_rows(texts(60), name="like"),
        "noise": Dataset.from_rows(noise(60), name="noise"),
    }
    kept = {}

    def unit(name, compute):
        if name not in kept:
            kept[name] = compute()
        return kept[name]

    model = str(tiny_causal.make(tmp_path))
    gains = shared_gains(rows, sets, model=model, unit=unit)
    assert set(kept) == {"real rows alone", "like", "noise"}
    assert gains["like"].interval(0.9)[0] > 0
    assert gains["noise"].value < gains["like"].value
    again = shared_gains(rows, sets, model=model, unit=unit)
    assert {name: item.value for name, item in again.items()} == {name: item.value for name, item in gains.items()}


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 1), st.floats(0, 50), st.floats(0, 50))
def test_sums_are_of_their_terms_and_the_published_one_is_flagged(tv, entropy, prompt):
    cell = {"divergence.tv_lower": tv, "information.entropy": entropy, "information.prompt_lower": prompt}
    added = with_bounds({name: value(item) for name, item in cell.items()})
    assert added["bound.valid"].value == pytest.approx(tv + math.sqrt(entropy / 2))
    assert added["bound.published"].value == pytest.approx(tv + math.sqrt(prompt / 2))
    assert "not valid" in added["bound.published"].marks
    assert "not valid" not in added["bound.valid"].marks


@pytest.mark.parametrize(("quick", "count"), [(False, 26), (True, 8)])
def test_the_laboratory_has_at_least_24_cells_and_8_in_its_quick_run(quick, count):
    texts = [f"the quick fox number {i} jumps over fences" for i in range(30)]
    recipes = grid("toy", texts, about="sentences", rows=20, quick=quick)
    cells = cells_of(named(recipes))
    assert len(cells) == count
    if not quick:
        assert {cell.sampling["temperature"] for cell in cells} == {0.7, 1.0, 1.3, None}
        assert {cell.sampling["shots"] for cell in cells} >= {1, 3, 8}
        assert any(cell.sampling["curate"] for cell in cells)


def test_the_terminal_shows_names_and_fine_tuned_models_at_80_columns():
    names = [f"strategy {at} with a name" for at in range(8)]
    cells = {
        "gain.nats_per_token.test": value(-0.0123),
        "student.nats_per_token": value(-0.2),
        "divergence.tv_lower": replace(value(0.8), unit="share"),
        "information.gain": replace(value(123.4), unit="nats per row"),
        "strategies.cost": replace(value(22.3), unit="tokens per kept row"),
    }
    sets = {name: {"estimates": {key: item.as_json() for key, item in cells.items()}} for name in names}
    ranks = ("ranking.information_gain", "ranking.information_gain@students", "ranking.proxy_gain@students")
    result = SimpleNamespace(estimates={name: replace(value(0.5), unit="correlation") for name in ranks})
    console = Console(width=80, file=io.StringIO())
    for part in strategy_tables(result, set_table(sets)):
        console.print(part)
    shown = console.file.getvalue()
    assert all(name[:16] in shown for name in names)
    assert "nats/row" in shown
    assert "nats [" not in shown
    assert "the proxy's gain" in shown
    assert len(re.findall("<circle", rankings_svg(result.estimates))) == 3


def test_the_picture_has_a_dot_for_every_correlation_and_is_empty_without_one():
    found = {name: value(0.5) for name in ("ranking.ggmi", "ranking.ggmi@equal_divergence", "ranking.entropy")}
    assert len(re.findall("<circle", rankings_svg(found))) == 3
    assert rankings_svg({}) == ""


def test_bad_input_is_an_error_with_three_parts(rows, tmp_path):
    with pytest.raises(InputError, match="at least two strategies"):
        strategies([recipe(KINDS[0])], rows["real"], test=rows["test"], settings=SMALL)
    twice = {
        "a: b": recipe({**KINDS[0], "name": "c"}),
        "a": recipe({**KINDS[0], "name": "c"}, {**KINDS[1], "name": "b"}),
    }
    assert [cell.name for cell in cells_of(named(twice))] == ["a: b: c", "a: c", "b"]
    with pytest.raises(InputError, match="two strategies have the name 'shots'"):
        strategies([recipe(KINDS[0], KINDS[0])], rows["real"], test=rows["test"], settings=SMALL)
    with pytest.raises(InputError, match="at least 20 real rows"):
        strategies([recipe(*KINDS)], rows["real"].take(range(10)), test=rows["test"], settings=SMALL)
    with pytest.raises(InputError, match="at least 20 real rows"):
        few = rows["real"].take(range(10))
        strategies([recipe(*KINDS)], few, test=rows["test"], settings=SMALL, folder=tmp_path / "work")
    assert not (tmp_path / "work").exists()  # nothing is left of a run that could not begin
    pytest.importorskip("peft")
    lacking = StrategySettings(prompts=2, pairs=0, students=2, model=str(tmp_path / "none"))
    with pytest.raises((InputError, UnfinishedError, UsageError)):
        strategies([recipe(*KINDS)], rows["real"], test=rows["test"], settings=lacking, folder=tmp_path / "work")
    assert not (tmp_path / "work").exists()
    with pytest.raises(UsageError, match="at least 1 draw"):
        StrategySettings(draws=0)


def test_the_command_writes_a_run_and_refuses_two_recipes_of_one_name(rows, tmp_path):
    path = tmp_path / "kinds.yaml"
    path.write_text(yaml.safe_dump(recipe(KINDS[0], KINDS[3])), encoding="utf-8")
    for name, data in rows.items():
        lines = "".join(json.dumps({"text": text}) + "\n" for text in data.sides["text"])
        (tmp_path / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    files = ["--real", str(tmp_path / "real.jsonl"), "--test", str(tmp_path / "test.jsonl")]
    out = ["--pairs", "0", "--prompts", "2", "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(app, ["strategies", str(path), *files, *out])
    assert done.exit_code == 0, done.output
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert set(report["sets"]) == {"shots", "same"}
    assert not (tmp_path / "out.work").exists()  # the runs of the cells went with it
    assert all(len(line) <= 80 for line in done.output.splitlines() if "report:" not in line)
    twice = CliRunner().invoke(app, ["strategies", str(path), str(path), *files, "-o", str(tmp_path / "two")])
    assert twice.exit_code != 0
    assert not (tmp_path / "two").exists()
    alone = CliRunner().invoke(app, ["strategies", str(path), "-o", str(tmp_path / "two")])
    assert alone.exit_code != 0
