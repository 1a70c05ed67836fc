from __future__ import annotations

import pytest

import tiny_repair


@pytest.fixture(scope="session")
def taught(tmp_path_factory):
    """The folder of a tiny model that knows a task."""
    for name in ("torch", "transformers", "peft", "trl", "datasets"):
        pytest.importorskip(name, reason=f"{name} is absent: pip install 'syngain[train]'")
    return tiny_repair.taught(tmp_path_factory.mktemp("taught"))
