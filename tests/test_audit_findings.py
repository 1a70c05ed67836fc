"""Planted defects are found under the right id and nothing else is. The full table: benchmarks/planted.py."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from syngain.audit.audit import audit_sets
from syngain.core.rng import Streams
from syngain.data import Dataset

SCRIPT = Path(__file__).resolve().parents[1] / "benchmarks" / "planted.py"


@pytest.fixture(scope="module")
def planted(shared_data):
    spec = importlib.util.spec_from_file_location("planted", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.SHARED = shared_data
    return module


@pytest.fixture(scope="module")
def material(planted):
    return planted.Material(np.random.default_rng([11, 77]))


NAMES = [
    "30 % labels shuffled",
    "labels independent of text",
    "one intent in five missing",
    "same five words",
    "20 % verbatim test rows",
    "40 % copies of anchors",
    "rows of another domain",
    "nothing",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_planted_defect_is_high_under_its_id_and_nothing_else_is(planted, material, name):
    expected, plant = planted.PLANTS[name]
    rows = plant([dict(row) for row in material.fresh], material, np.random.default_rng(11))
    real, test = (Dataset.from_rows(part, name="part") for part in (material.anchors, material.test))
    audited = audit_sets(real, Dataset.from_rows(rows, name=name), streams=Streams(11), test=test)
    high = {finding.id for finding in audited.findings if finding.severity == "high"}
    assert high <= {expected} | planted.ALLOWED.get(expected, set())
    assert expected in high or not expected


def test_rows_to_drop_are_the_planted_ones(planted, material):
    _, plant = planted.PLANTS["20 % verbatim test rows"]
    rows = plant([dict(row) for row in material.fresh], material, np.random.default_rng(11))
    real, test = (Dataset.from_rows(part, name="part") for part in (material.anchors, material.test))
    audited = audit_sets(real, Dataset.from_rows(rows, name="rows"), streams=Streams(11), test=test)
    hits = {row.row for row in audited.dropped if "contamination" in row.reasons}
    count = round(0.2 * len(material.fresh))
    verbatim = set(range(len(rows) - count, len(rows)))
    assert verbatim <= hits
    assert len(hits - verbatim) < 0.03 * len(rows)  # fresh rows that happen to be near a test row
    assert audited.is_dropped.sum() == len(audited.dropped)


def test_hostile_and_degenerate_rows_do_not_crash():
    strange = [
        "",
        " ",
        "\x00",
        "a",
        "🙂" * 50,
        "\ud800",
        "x" * 100_000,
        "<script>alert(1)</script>",
        "…",
        "日本語のテキスト",
    ]
    rows = [{"text": text + " " * (i % 3), "label": str(i % 2)} for i, text in enumerate(strange * 6)]
    real, synthetic = Dataset.from_rows(rows, name="real"), Dataset.from_rows(rows[::-1], name="synthetic")
    audited = audit_sets(real, synthetic, streams=Streams(0), test=real)
    assert audited.is_dropped.mean() > 0.5  # repeats are listed even where the real rows repeat as much


def test_identical_rows_do_not_crash():
    rows = [{"text": "the same row"}] * 40
    audited = audit_sets(Dataset.from_rows(rows, name="r"), Dataset.from_rows(rows, name="s"), streams=Streams(0))
    assert audited.found.estimates["duplicates.exact_fraction"].value == pytest.approx(39 / 40)
