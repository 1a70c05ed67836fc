"""The work folder of an experiment: its settings, and one file for every finished arm of a seed.

Every file is written beside and renamed, so that a run that was killed goes on with all that was finished.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import UsageError
from syngain.core.fingerprint import fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

LEDGER = "settings.json"
ENDINGS = (".npz", ".state", ".new")


@dataclass(frozen=True, slots=True)
class Shelf:
    """The folder and what its contents depend on."""

    folder: Path
    settings: Mapping[str, object]

    @classmethod
    def open(cls, folder: Path, settings: Mapping[str, object], *, resume: bool) -> Shelf:
        """The shelf: with what is there when it is resumed, else emptied.

        Raises:
            UsageError: what is there was made with other settings; names the first that differs.
        """
        shelf = cls(folder, settings)
        folder.mkdir(parents=True, exist_ok=True)
        ledger = folder / LEDGER
        if resume and ledger.is_file():
            shelf._check(ledger)
            return shelf
        for path in folder.iterdir():
            if path.name == LEDGER or path.suffix in ENDINGS:
                path.unlink()
        beside = ledger.with_suffix(".new")
        beside.write_text(json.dumps(settings, indent=1), encoding="utf-8")
        beside.replace(ledger)
        return shelf

    def state(self, name: str) -> Path:
        """The file of an arm that is being trained."""
        return self.folder / f"{self._key(name)}.state"

    def find(self, name: str) -> dict[str, NDArray[np.generic]] | None:
        """The arrays of a finished arm, if they are there and whole."""
        try:
            with np.load(self.folder / f"{self._key(name)}.npz", allow_pickle=False) as found:
                return {key: found[key] for key in found.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            return None  # missing, or damaged by a disk: the arm is run again

    def keep(self, name: str, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Write a finished arm; the state of its training goes."""
        key = self._key(name)
        beside = self.folder / f"{key}.new"
        with beside.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]  # the stubs mistake names for allow_pickle
        beside.replace(self.folder / f"{key}.npz")
        self.state(name).unlink(missing_ok=True)

    def _key(self, name: str) -> str:
        return f"{name}-{fingerprint([self.settings, name])}"

    def _check(self, ledger: Path) -> None:
        try:
            stored = json.loads(ledger.read_text(encoding="utf-8"))
            names = dict.fromkeys((*stored, *self.settings))
        except (ValueError, TypeError) as error:
            raise UsageError(
                f"{ledger.name} in {ledger.parent.name} holds no settings of this version",
                expected="the work folder of the run that is resumed",
                todo="start anew without resuming",
            ) from error
        now = json.loads(json.dumps(self.settings))
        for name in names:
            if stored.get(name) != now.get(name):
                raise UsageError(
                    f"the work in {self.folder.parent.name}/{self.folder.name} was made with {name} = "
                    f"{stored.get(name)}, now it is {now.get(name)}",
                    expected="the same rows and settings as before",
                    todo="go back to them, or start anew without resuming",
                )
