"""Members of a cell model, and tables at the edge: few rows, one class, nothing but missing cells, mixed types."""

import csv
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import syngain
from syngain.cli.app import app
from syngain.core import InputError
from syngain.data.columns.options import RoleOptions
from syngain.gain.subgroups import left_out_inside
from syngain.tables.cells.kinds import KeyColumn
from syngain.tables.cells.table import TableModel
from syngain.tables.members import fitted_members, sample_members

RNG = np.random.default_rng(0)


def table(rows=80, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    return {
        "x": [f"{value:.2f}" for value in x],
        "y": [f"{value:.2f}" for value in x + 0.3 * rng.normal(size=rows)],
        "kind": rng.choice(["red", "blue", "gray"], rows).tolist(),
        "label": np.where(x + rng.normal(size=rows) > 0, "yes", "no").tolist(),
    }


def written(path, columns):
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(columns)
        rows.writerows(zip(*columns.values(), strict=True))
    return path


def test_members_differ_in_rows_order_and_seed_and_keep_columns_and_label_first():
    cells = table()
    model = TableModel.fit(cells, label="label")
    members = fitted_members(model, cells, 4, first=1, seed=1)
    assert {member.order[0] for member in members} == {("label", 0)}
    assert {frozenset(member.order) for member in members} == {frozenset(model.order)}
    assert len({member.order for member in members}) > 1
    again = fitted_members(model, cells, 4, first=1, seed=1)
    drawn, same = (sample_members(one, 50, 3, given={}) for one in (members, again))
    assert drawn.columns == same.columns
    assert np.bincount(drawn.member).tolist() == [13, 13, 12, 12]
    for at, member in enumerate(members):
        own = np.flatnonzero(drawn.member == at)
        rows = {name: [column[row] for row in own] for name, column in drawn.columns.items()}
        np.testing.assert_allclose(member.score(rows).sum(axis=1), drawn.row_logprob[own], atol=1e-9)


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 6), st.integers(6, 40), st.integers(0, 5))
def test_rows_are_shared_evenly_and_keys_are_never_repeated(count, rows, seed):
    cells = {**table(20, seed), "id": [f"k{at:04d}" for at in range(20)]}
    model = TableModel.fit(cells, label="label")
    members = fitted_members(model, cells, count, first=1, seed=seed)
    drawn = sample_members(members, rows, seed, given={})
    counts = np.bincount(drawn.member, minlength=count)
    assert counts.sum() == rows == drawn.rows
    assert counts.max() - counts.min() <= 1
    assert isinstance(model.codecs["id"], KeyColumn)
    assert len({*drawn.columns["id"], *cells["id"]}) == rows + 20


def test_left_out_generators_lie_inside_as_often_as_the_interval_says():
    """Oracle: of independent normal gains 90% lie in the prediction interval of the others."""
    rng = np.random.default_rng(0)
    held = np.mean([left_out_inside(rng.normal(size=6)) for _ in range(400)])
    assert abs(held - 0.9) < 0.03


def test_the_command_writes_members_and_gain_speaks_of_a_new_model(tmp_path):
    real = written(tmp_path / "real.csv", table(90))
    folder = tmp_path / "run"
    flags = ["--generator", "cells", "--rows", "90", "--members", "3", "--label", "label", "--no-check"]
    done = CliRunner().invoke(app, ["generate", "--real", str(real), *flags, "-o", str(folder), "-q"])
    assert done.exit_code == 0, done.output
    with (folder / "members.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["generator"] for row in rows} == {"member 1", "member 2", "member 3"}
    entropy = json.loads((folder / "report.json").read_text(encoding="utf-8"))["estimates"]["table.entropy"]
    assert entropy["clusters"] == 3
    with pytest.raises(InputError, match="rows of 3 models"):
        syngain.information(folder, real=real)
    ours = syngain.read(real, roles=RoleOptions(label="label"))
    found = syngain.gain(ours, syngain.read(folder / "members.csv", like=ours)).estimates
    new, averaged = found["gain.log_loss@generator=new"], found["gain.log_loss@generator=averaged"]
    singles = [found[f"gain.log_loss@generator=member {at}"].value for at in (1, 2, 3)]
    assert new.value == pytest.approx(np.mean(singles))
    assert averaged.value >= new.value - 1e-9  # the surprisal of a mean is at most the mean surprisal


@pytest.mark.parametrize(
    ("columns", "error"),
    [
        ({"a": ["1"], "b": ["x"]}, "1 real row"),
        ({"a": ["1", "2"], "b": ["x", "y"]}, "2 real rows"),
        ({"a": RNG.normal(size=40).tolist(), "label": ["one"] * 40}, None),
        ({"a": [""] * 40, "label": [""] * 40}, None),
        ({"a": [""] * 40, "label": ["one", "two"] * 20}, None),
        (
            {
                "a": [["x", "1", "1.0", "<5", "", "12%", "2021-01-02"][i % 7] for i in range(70)],
                "label": list("ab") * 35,
            },
            None,
        ),
    ],
    ids=["one row", "two rows", "one class", "all missing", "a missing column", "mixed types"],
)
def test_tables_at_the_edge_are_a_clear_error_or_a_run(tmp_path, columns, error, recwarn):
    real = written(tmp_path / "real.csv", columns)
    label = ["--label", "label"] if "label" in columns else []
    out = ["--generator", "cells", "--rows", "20", *label, "-o", str(tmp_path / "out"), "-q"]
    done = CliRunner().invoke(app, ["generate", "--real", str(real), *out])
    if error is not None:
        assert isinstance(done.exception, InputError)
        assert error in str(done.exception)
        assert not (tmp_path / "out").exists()
        return
    assert done.exit_code == 0, done.output
    assert not [item for item in recwarn if "number of unique classes" in str(item.message)]
    with (tmp_path / "out" / "rows.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 20
    for name, known in columns.items():
        if len(set(known)) < 10:
            assert {row[name] for row in rows} <= {str(cell) for cell in known}


@pytest.mark.parametrize("more", [["--rows", "3"], ["--balance", "--label", "label"]])
def test_members_need_a_row_each_and_no_balance(tmp_path, more):
    real = written(tmp_path / "real.csv", table(30))
    flags = ["--generator", "cells", "--members", "4", *more, "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(app, ["generate", "--real", str(real), *flags])
    assert isinstance(done.exception, InputError)
    assert "kind: cells" in str(done.exception)  # the example of the fix is one of a table
    assert ("balanced" if "--balance" in more else "4 need at least one row each, not 3") in str(done.exception)
    assert not list(tmp_path.glob("out*"))
    spec = {"kind": "cells", "members": 4, "rows": 3}
    with pytest.raises(InputError, match="at least one row each"):
        syngain.generate({"generator": spec}, real=real)


def test_two_columns_of_one_name_are_an_error_that_names_the_line(tmp_path):
    path = tmp_path / "real.csv"
    path.write_text("a,a,label\n" + "1,2,x\n" * 10, encoding="utf-8")
    out = ["--generator", "cells", "--rows", "5", "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(app, ["generate", "--real", str(path), *out])
    assert isinstance(done.exception, InputError)
    assert "line 1: the header names `a` more than once" in str(done.exception)
