"""What all tests share: a home of their own, and the real data where it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")  # a slow machine is no failure

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True, scope="session")
def syngain_home(tmp_path_factory):
    """No test touches the models or the calibration of the person who runs it."""
    before = os.environ.get("SYNGAIN_HOME")
    home = tmp_path_factory.mktemp("syngain-home")
    os.environ["SYNGAIN_HOME"] = str(home)
    yield home
    if before is None:
        del os.environ["SYNGAIN_HOME"]
    else:
        os.environ["SYNGAIN_HOME"] = before


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data (``SYNGAIN_DATA``, else ``../shared/data``); skips where it is absent."""
    folder = Path(os.environ.get("SYNGAIN_DATA") or ROOT.parent / "shared" / "data")
    if not any(folder.glob("*.jsonl.gz")):
        pytest.skip(f"no real data in {folder} (set SYNGAIN_DATA)")
    return folder
