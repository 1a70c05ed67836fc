"""Finished units of work in a folder, for resumable runs.

A stopped run loses at most one unit and resumes to the same bytes.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from syngain.core.documents.json_documents import json_file
from syngain.core.documents.warned import collected, said_again
from syngain.core.errors import UnfinishedError, UsageError
from syngain.core.fingerprint import differences, fingerprint
from syngain.core.folders.work import clear

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

IDENTITY = "identity.json"
WARNED = "warned of"  # the array of a unit's warnings
_NOTHING = "[[], {}]"
Arrays = Mapping[str, NDArray[np.generic]]


class FinishedUnits:
    """Arrays by unit name, kept in ``folder``; in memory only without a folder."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder

    @classmethod
    def opened(cls, folder: Path | None, identity: Mapping[str, object], *, resume: bool) -> FinishedUnits:
        """Open or create the folder of a run.

        Args:
            folder: where units are kept; None keeps none.
            identity: inputs, settings, seed and models: what must be equal in a resumed run.
            resume: whether existing units are used.

        Raises:
            UsageError: the folder holds an unfinished run and ``resume`` is not asked for, or it is of another run.
        """
        if folder is None:
            return cls()
        place = folder / IDENTITY
        if place.exists():
            before = json_file(
                place,
                expected="the inputs and settings of an unfinished run",
                todo="name another folder with -o DIR, or discard the unfinished run with --force",
            )
            found = differences(before if isinstance(before, dict) else {}, identity)
            if found:
                raise UsageError(
                    f"{folder} contains an unfinished run with other inputs or settings ({'; '.join(found)})",
                    expected="the same inputs, settings and seed for --resume",
                    todo="restore them, name another folder with -o DIR, or discard the unfinished run with --force",
                )
            if not resume:
                raise UsageError(
                    f"{folder} contains an unfinished run",
                    expected="a new run",
                    todo="continue it with --resume, or discard it with --force",
                )
        _write(place, json.dumps(identity, indent=2, sort_keys=True).encode())
        return cls(folder)

    def unit(self, name: str, compute: Callable[[], Arrays]) -> Arrays:
        """Return the arrays of a unit; compute and keep them if they are absent, with the warnings said meanwhile.

        Raises:
            UnfinishedError: the disk is full; finished units are kept.
        """
        if self.folder is None:
            return compute()
        place = self.folder / f"{fingerprint(name)}.npz"
        kept = _read(place)
        if kept is not None:
            said_again(str(kept.pop(WARNED, _NOTHING)))
            return kept
        with collected() as said:
            found = compute()
        buffer = io.BytesIO()
        words = {WARNED: np.array(said.as_json())} if said.all() else {}
        np.savez(buffer, **dict(found), **words)  # type: ignore[arg-type]
        _write(place, buffer.getvalue())
        return found

    def forget(self) -> None:
        """Remove the folder after the run is written."""
        if self.folder is not None:
            clear(self.folder)


def _read(place: Path) -> dict[str, NDArray[np.generic]] | None:
    """Read the arrays of a file.

    None where it is absent or damaged; the unit is then computed again.
    """
    try:
        with place.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            return dict(kept)
    except (OSError, ValueError, EOFError, BadZipFile):
        return None


def _write(place: Path, content: bytes) -> None:
    """Write a temporary file and rename it, so that the file is always complete."""
    part = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(place)
    except OSError as error:
        raise UnfinishedError(
            f"{place} cannot be written ({error.strerror or error})",
            expected="disk space for the finished parts of the run",
            todo="free disk space, then continue with --resume",
        ) from error
    finally:
        part.unlink(missing_ok=True)
