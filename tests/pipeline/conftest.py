"""A file of anchors."""

import json

import pytest

from generating import anchors


@pytest.fixture
def real(tmp_path):
    path = tmp_path / "real.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in anchors()), encoding="utf-8")
    return path
