"""Every documented layout is read without flags, to the texts that its rows mean."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reading_layouts import LAYOUTS, ROWS
from strategies import as_lines
from syngain.data import read


def meanings(dataset):
    """The texts and labels of each row by role."""
    columns = dict(dataset.sides)
    if dataset.rejected is not None:
        columns["rejected"] = dataset.rejected
    if dataset.labels is not None:
        columns["label"] = dataset.labels
    return [{name: values[row] for name, values in columns.items()} for row in range(len(dataset))]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout(tmp_path, layout):
    make, expected = LAYOUTS[layout]
    rows = [make(i) for i in range(ROWS)]
    (tmp_path / "rows.jsonl").write_bytes(as_lines(rows))
    dataset = read(tmp_path / "rows.jsonl")
    assert [dict(record) for record in dataset.records] == rows
    for row, found in enumerate(meanings(dataset)):
        assert found == {**found, **expected(row)}
        assert set(found) - set(expected(row)) <= {"prompt"}


def test_the_table_of_the_documentation_names_every_layout():
    page = (Path(__file__).parent.parent / "docs" / "reference" / "inputs.md").read_text(encoding="utf-8")
    tables = page.split("## Layouts that are read without flags")[1].split("## Configuration file")[0]
    named = re.findall(r"\| `(\w+)` \|$", tables, flags=re.MULTILINE)
    assert sorted(named) == sorted(LAYOUTS)
    assert len(named) >= 40
