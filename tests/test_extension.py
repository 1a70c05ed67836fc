"""A measure and a file format are added from outside, without a line of the package changed."""

from __future__ import annotations

import gzip
import inspect
import json

import numpy as np
import pytest

import syngain
from selection_rows import rows
from syngain.core.estimate import Estimate
from syngain.data import read
from syngain.data.files import formats
from syngain.report import html
from syngain.settings import AuditSettings


class MeanDistance:
    """How far the mean embeddings of real and synthetic rows are from each other."""

    def __call__(self, pooled, rng):
        real, made = pooled.X[pooled.real], pooled.X[~pooled.real]
        means = [real[rng.integers(0, len(real), len(real))].mean(axis=0) for _ in range(200)]
        drawn = [float(np.linalg.norm(mean - made.mean(axis=0))) for mean in means]
        low, high = np.quantile(drawn, [0.025, 0.975])
        value = float(np.linalg.norm(real.mean(axis=0) - made.mean(axis=0)))
        found = Estimate(
            value=value,
            unit="distance",
            method="bootstrap of real rows",
            estimand="distance of mean embeddings",
            intervals={0.95: (min(low, value), max(high, value))},
            n=len(pooled.X),
        )
        return {"divergence.mean_distance": found}


def blank_line_records(path):
    """Records of a file of ``key: value`` lines with blank lines between records."""
    for chunk in path.read_text(encoding="utf-8").split("\n\n"):
        if chunk.strip():
            yield dict(line.split(": ", 1) for line in chunk.splitlines())


def test_a_measure_of_your_own_stands_in_the_report(tmp_path):
    real, made = (syngain.Dataset.from_rows(rows(count, seed), "rows") for count, seed in ((40, 1), (60, 2)))
    plain = syngain.audit(real, made, gain=False)
    result = syngain.audit(real, made, gain=False, settings=AuditSettings(more={"mean": MeanDistance()}))
    found = result.estimates["divergence.mean_distance"]
    assert found.value > 0
    assert "Divergence: mean distance" in html(result)
    same = {name: item.value for name, item in result.estimates.items() if name != "divergence.mean_distance"}
    assert same == {name: item.value for name, item in plain.estimates.items()}  # nothing else moves


def test_a_format_of_your_own_is_read_and_filtered(tmp_path, monkeypatch):
    monkeypatch.setitem(formats.READERS, ".blocks", blank_line_records)
    path = tmp_path / "rows.blocks"
    path.write_text("text: one fish\nlabel: a\n\ntext: two fish\nlabel: b\n\n", encoding="utf-8")
    found = read(path)
    assert list(found.sides["text"]) == ["one fish", "two fish"]
    assert list(found.labels) == ["a", "b"]
    assert [json.dumps(dict(record)) for record in found.records] == [
        '{"text": "one fish", "label": "a"}',
        '{"text": "two fish", "label": "b"}',
    ]
    assert list(read(f"{path}::label=b").sides["text"]) == ["two fish"]
    packed = tmp_path / "rows.blocks.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert list(read(packed).sides["text"]) == ["one fish", "two fish"]


@pytest.mark.parametrize("part", [MeanDistance, blank_line_records])
def test_either_takes_under_forty_lines(part):
    assert len(inspect.getsource(part).splitlines()) < 40
