"""The user's folder: models and cache (may be deleted) and calibration record (must not)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

VARIABLE = "SYNGAIN_HOME"


def home() -> Path:
    """``SYNGAIN_HOME``, else ``syngain`` in the platform's data folder; absolute path."""
    named = os.environ.get(VARIABLE, "").strip()
    return Path(os.path.abspath(Path(named).expanduser())) if named else _data_folder() / "syngain"  # noqa: PTH100  (links stay as named)


def models_folder() -> Path:
    """The folder of local models, one subfolder each; may be deleted."""
    return home() / "models"


def cache_folder() -> Path:
    """The folder of computed values; may be deleted at any time."""
    return home() / "cache"


def _data_folder() -> Path:
    """The platform's folder for program data."""
    user = Path("~").expanduser()
    if sys.platform == "win32":
        return _absolute("LOCALAPPDATA") or user / "AppData" / "Local"
    if sys.platform == "darwin":
        return user / "Library" / "Application Support"
    return _absolute("XDG_DATA_HOME") or user / ".local" / "share"  # the XDG rules: a relative path is ignored


def _absolute(variable: str) -> Path | None:
    path = Path(os.environ.get(variable, ""))
    return path if path.is_absolute() else None
