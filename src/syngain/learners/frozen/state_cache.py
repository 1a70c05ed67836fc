"""Hidden states on disk, by the content of a row and the identity of a model.

One file per row, written under another name and renamed, so that two processes never read half of one. A damaged file
counts as absent. Above the limit the files that were not used for the longest time are deleted.
"""

from __future__ import annotations

import hashlib
import math
import os
import shutil
import tempfile
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import UsageError
from syngain.core.folders.home import cache_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from syngain.core.arrays import Halves, Singles
    from syngain.learners.completions import Completion

VARIABLE = "SYNGAIN_CACHE_GB"
LIMIT_GB = 2.0
LEFT = 0.8  # of the limit after deleting
BROKEN = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError)
VERSION = "1"  # of the content of a file


def states_folder() -> Path:
    """The folder of hidden states."""
    return cache_folder() / "hidden_states"


def limit_bytes() -> int:
    """The limit of the cache: ``SYNGAIN_CACHE_GB`` gigabytes, else 2.

    Raises:
        UsageError: the variable is not a number of at least 0.
    """
    given = os.environ.get(VARIABLE, "").strip() or str(LIMIT_GB)
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise UsageError(
            f"{VARIABLE}={given}",
            expected="gigabytes, at least 0",
            todo=f"for example export {VARIABLE}=2; 0: no cache",
        )
    return round(value * 1e9)


@dataclass(frozen=True, slots=True)
class RowStates:
    """What a frozen model computed for the scored tokens of one row.

    Attributes:
        hidden: last hidden states (t, d), float16. total: log of the summed exponentials of all logits (t,).
        own: log-probability of each token (t,), in nats.
    """

    hidden: Halves
    total: Singles
    own: Singles

    def fits(self, row: Completion) -> bool:
        """Whether the values are finite and belong to a row of this length."""
        shapes = self.hidden.ndim == 2 and self.hidden.shape[0] == row.scored == self.total.size == self.own.size
        return shapes and bool(np.isfinite(self.hidden).all() and np.isfinite(self.total).all())


@dataclass(frozen=True, slots=True)
class CacheSize:
    """Files and bytes of the cache."""

    files: int
    bytes: int


@dataclass(slots=True)
class StateCache:
    """The cache of one model.

    Attributes:
        identity: of the model and its precision. folder: where files are. limit: bytes; 0 keeps nothing.
        trouble: why the last file could not be written; empty if none failed.
    """

    identity: str
    folder: Path = field(default_factory=states_folder)
    limit: int = field(default_factory=limit_bytes)
    trouble: str = ""

    def get(self, row: Completion) -> RowStates | None:
        """The states of a row; None where they are absent or damaged."""
        path = self._path(row)
        if not self.limit or not path.exists():
            return None
        try:
            with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                found = RowStates(file["hidden"], file["total"], file["own"])
            os.utime(path)
        except BROKEN:  # damaged, or deleted by another process: computed again
            return None
        return found if found.fits(row) else None

    def put(self, rows: Iterable[tuple[Completion, RowStates]]) -> None:
        """Write states of rows, then delete the oldest files above the limit."""
        if not self.limit:
            return
        try:
            for row, states in rows:
                self._write(self._path(row), states)
        except OSError as error:  # a full or read-only disk costs time, not the result
            self.trouble = f"the cache {self.folder} cannot be written ({error.strerror or error})"
        purge(self.folder, self.limit)

    def _path(self, row: Completion) -> Path:
        content = np.array([row.start, *row.ids], dtype=np.int64).tobytes()
        name = hashlib.sha256(f"{VERSION} {self.identity} ".encode() + content).hexdigest()[:32]
        return self.folder / name[:2] / f"{name}.npz"

    def _write(self, path: Path, states: RowStates) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, hidden=states.hidden, total=states.total, own=states.own)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)


def cache_size(folder: Path | None = None) -> CacheSize:
    """How much the cache holds."""
    found = [stat.st_size for _, stat in _files(folder or states_folder())]
    return CacheSize(len(found), sum(found))


def empty_cache(folder: Path | None = None) -> CacheSize:
    """Delete the cache; returns what it held.

    Raises:
        UsageError: it cannot be deleted.
    """
    place = folder or states_folder()
    held = cache_size(place)
    try:
        if place.exists():
            shutil.rmtree(place)
    except OSError as error:
        raise UsageError(
            f"{place} cannot be deleted ({error.strerror or error})",
            expected="a folder with write permission",
            todo="correct its permissions",
        ) from error
    return held


def purge(folder: Path, limit: int) -> None:
    """Delete the files that were not used for the longest time, if the folder is above its limit."""
    files = list(_files(folder))
    held = sum(stat.st_size for _, stat in files)
    if held <= limit:
        return
    for path, stat in sorted(files, key=lambda item: item[1].st_mtime):
        Path(path).unlink(missing_ok=True)
        held -= stat.st_size
        if held <= LEFT * limit:
            return


def _files(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Paths and sizes of all files; those that another process deletes meanwhile are left out."""
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)  # noqa: PTH118  (thousands of files)
            try:
                stat = os.stat(path)  # noqa: PTH116
            except FileNotFoundError:
                continue
            yield path, stat
