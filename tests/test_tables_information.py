"""Accounting of generated tables: entropy by cell, what rows show of the real rows, the effect of a filter."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import syngain
from syngain.cli import main
from syngain.core.errors import InputError, UsageError
from syngain.information.estimators import prompt_information
from syngain.information.estimators.clustered_prompts import ClusteredPrompts
from syngain.lab.worlds.table_worlds import COLUMNS, WORDS, ChainTable
from syngain.tables.cells.halves import HalvesProtocol, HalvesScores, halves_scores
from syngain.tables.cells.model import CellSettings
from syngain.tables.cells.table import TableModel

LIGHT = CellSettings(orders=2, trees=2)
NAMES = tuple(f"c{at + 1}" for at in range(COLUMNS))


def houses(rows, seed=0):
    rng = np.random.default_rng(seed)
    size = rng.integers(40, 200, rows)
    return {
        "town": rng.choice(["A", "B", "C"], rows).tolist(),
        "size": [str(v) for v in size],
        "price": [f"{2.5 * v + rng.normal(0, 20):.1f}" for v in size],
        "rooms": [str(max(1, v // 30 + rng.integers(-1, 2))) for v in size],
    }


def typed(cells):
    """The houses as rows with numbers."""
    kinds = (str, int, float, int)
    return [
        {name: kind(cell) for name, kind, cell in zip(cells, kinds, row, strict=True)}
        for row in zip(*cells.values(), strict=True)
    ]


def chain_logprob(chain, codes):
    """The true log-probability of each cell (n, columns)."""
    rows = [np.log(chain.first[codes[:, 0]])]
    rows += [np.log(chain.step[codes[:, at - 1], codes[:, at]]) for at in range(1, COLUMNS)]
    return np.stack(rows, axis=1)


@given(st.integers(2, 6), st.integers(2, 12), st.integers(0, 99))
@settings(max_examples=10, deadline=None)
def test_cells_add_up_to_rows_and_rows_show_at_most_ln_k(halves, rows, seed):
    cells = houses(60, seed)
    model = TableModel.fit(cells, label="town", settings=LIGHT)
    scores = halves_scores(model, cells, LIGHT, HalvesProtocol(halves=halves, rows=rows), seed=seed)
    whole = prompt_information.these_prompts(scores.rows, scores.design)
    assert whole.value <= np.log(halves) + 1e-12
    assert sum(gaps.mean() for gaps in scores.by_column.values()) == pytest.approx(whole.value, abs=1e-9)
    assert set(scores.by_column) == set(cells)
    own = scores.rows[np.arange(halves * rows), scores.design.prompt]
    assert np.isfinite(own).all()


def test_the_information_of_each_cell_is_that_of_enumerated_chains():
    """Four Markov chains with one start: the mutual information of chain and cell, given the cells before, is known."""
    rng = np.random.default_rng(4)
    chains = [ChainTable.draw(rng) for _ in range(4)]
    codes = np.stack(np.meshgrid(*[np.arange(WORDS)] * COLUMNS, indexing="ij"), axis=-1).reshape(-1, COLUMNS)
    law = np.stack([np.exp(chain_logprob(chain, codes).sum(axis=1)) for chain in chains])
    running = np.cumsum(np.stack([chain_logprob(chain, codes) for chain in chains]), axis=2)
    gap = running - np.log(np.exp(running).mean(axis=0))
    upto = np.einsum("kr,krc->c", law, gap) / len(chains)
    exact = np.diff(upto, prepend=0.0)

    each = 2_000
    drawn = np.concatenate([chain.sample(each, rng).codes for chain in chains])
    cells = np.stack([chain_logprob(chain, drawn) for chain in chains], axis=1)
    design = ClusteredPrompts.balanced(len(chains), each)
    found = HalvesScores(cells, NAMES, NAMES, design, 0).by_column
    for name, truth in zip(NAMES, exact, strict=True):
        error = found[name].std() / np.sqrt(drawn.shape[0])
        assert abs(found[name].mean() - truth) < 4 * error
    assert sum(gaps.mean() for gaps in found.values()) < np.log(len(chains))


def test_the_entropy_of_each_cell_of_a_markov_chain_is_the_closed_form(tmp_path):
    rng = np.random.default_rng(8)
    chain = ChainTable.draw(rng)
    cells = chain.sample(4_000, rng).cells
    real = syngain.Dataset.from_rows([dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True)])
    made = syngain.generate({"generator": {"kind": "cells", "rows": 2_000, "trees": 4, "check": False}}, real=real)
    syngain.report.write(made, tmp_path / "run")
    settings = syngain.settings.InformationSettings(prompts=4, samples=8)
    found = syngain.information(tmp_path / "run", real=real, settings=settings)
    # 2,000 drawn rows and the 4,000 of the model: four standard errors of both
    for at, name in enumerate(NAMES):
        item = found.estimates[f"information.gain@column={name}"]
        assert abs(item.value - chain.entropy[at]) < 4 * np.sqrt(1.5) * np.ptp(item.interval(0.95)) / 3.92
    whole = found.estimates["information.gain"]
    assert abs(whole.value - chain.entropy.sum()) < 4 * np.sqrt(1.5) * np.ptp(whole.interval(0.95)) / 3.92
    assert whole.interval(0.95)[0] <= whole.value <= whole.interval(0.95)[1]
    # half of 4,000 rows shows next to nothing of which half it was
    assert found.estimates["information.prompt_lower"].value < 0.1


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    cells = houses(90)
    lines = [",".join(cells), *(",".join(row) for row in zip(*cells.values(), strict=True))]
    (folder / "houses.csv").write_text("\n".join(lines) + "\n")
    recipe = {"generator": {"kind": "cells", "rows": 80, "label": "town", "trees": 2, "check": False}}
    syngain.report.write(syngain.generate(recipe, real=folder / "houses.csv"), folder / "run")
    return folder


SMALL = syngain.settings.InformationSettings(prompts=3, samples=6)


def test_a_filter_has_its_rejected_fraction_as_divergence(run):
    lines = (run / "run" / "rows.csv").read_text().splitlines()
    gone = [
        dict(zip(lines[0].split(","), line.split(","), strict=True)) for line in lines[1:] if line.split(",")[3] == "1"
    ]
    assert gone
    with (run / "gone.jsonl").open("w") as file:
        file.writelines(
            json.dumps({**row, "size": int(row["size"]), "syngain_reasons": ["one room"]}) + "\n" for row in gone
        )
    found = syngain.information(run / "run", real=run / "houses.csv", dropped=run / "gone.jsonl", settings=SMALL)
    assert found.estimates["generation.divergence"].value == pytest.approx(len(gone) / 80)
    assert found.estimates["generation.divergence@one room"].value == pytest.approx(len(gone) / 80)
    (chain,) = found.views.chains
    assert [flow.station for flow in chain.flows] == ["prompt", "generator", "curation", "set"]
    kept = chain.flows[0].nats + chain.flows[1].nats - chain.flows[2].nats
    assert chain.flows[3].nats == pytest.approx(kept)


def test_what_does_not_belong_together_is_refused(run, tmp_path):
    with pytest.raises(UsageError, match="no real rows"):
        syngain.information(run / "run", settings=SMALL)
    other = houses(90, seed=3)
    rows = typed(other)
    with pytest.raises(InputError, match="not those of the model"):
        syngain.information(run / "run", real=syngain.Dataset.from_rows(rows), settings=SMALL)
    (tmp_path / "gone.jsonl").write_text('{"town": "A", "size": 1, "price": 2.5, "rooms": 1}\n')
    with pytest.raises(InputError, match=r"not a row of rows\.csv"):
        syngain.information(run / "run", real=run / "houses.csv", dropped=tmp_path / "gone.jsonl", settings=SMALL)
    (tmp_path / "gone.jsonl").write_text('{"town": "A"}\n')
    with pytest.raises(InputError, match="has no column size"):
        syngain.information(run / "run", real=run / "houses.csv", dropped=tmp_path / "gone.jsonl", settings=SMALL)


def command(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["syngain", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code


def test_the_command_takes_tables_with_given_values_temperatures_and_types(tmp_path, monkeypatch, capsys):
    rng = np.random.default_rng(0)
    rows = [
        {"kind": "xyz"[k], "ok": bool(k == 1), "size": None if k == 2 else int(rng.integers(9)), "w": float(k) / 4}
        for k in rng.integers(0, 3, 80)
    ]
    (tmp_path / "real.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.chdir(tmp_path)
    made = (
        "generate --real real.jsonl --generator cells --rows 40 --given kind=x --temperature 1.3 --no-check -q -o run"
    )
    assert command(monkeypatch, *made.split()) == 0, capsys.readouterr().err
    told = "information run --real real.jsonl --prompts 3 --samples 4 -q -o out"
    assert command(monkeypatch, *told.split()) == 0, capsys.readouterr().err
    report = json.loads(Path("out/report.json").read_text())
    assert report["estimates"]["information.gain@column=kind"]["value"] == 0
    assert report["estimates"]["information.prompt_lower"]["value"] <= np.log(3)
    assert command(monkeypatch, *told.split(), "--generator", "toy", "--force") == 2


def test_balanced_rows_have_an_entropy_and_no_prompt_information(tmp_path, monkeypatch, capsys):
    cells = houses(90)
    cells["town"] = ["A"] * 60 + ["B"] * 30
    rows = typed(cells)
    real = syngain.Dataset.from_rows(rows)
    recipe = {"generator": {"kind": "cells", "balance": True, "label": "town", "trees": 2, "check": False}}
    syngain.report.write(syngain.generate(recipe, real=real), tmp_path / "run")
    found = syngain.information(tmp_path / "run", real=real, settings=SMALL)
    assert found.estimates["information.gain@column=town"].value == 0
    assert "information.prompt_lower" not in found.estimates
