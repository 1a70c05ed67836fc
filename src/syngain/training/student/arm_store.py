"""Store of finished variants of a training run, one file each, for resuming.

Every file is written next to its place and renamed. The folder's ledger lists what the variants depend on; a run of
other rows or settings is refused.
"""

from __future__ import annotations

import json
import time
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from syngain.core.errors import UsageError
from syngain.core.fingerprint import fingerprint
from syngain.gain.proxies.task import Outcome
from syngain.training.student.time_budget import TimeBudget

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from syngain.core.arrays import Floats, Ints

Arrays: TypeAlias = "Mapping[str, NDArray[Any]]"
"""The arrays of a variant by name, of any element type."""

SETTINGS, PLAN = "settings.json", "plan.json"
ENDINGS = (".npz", ".state", ".new")
TICK = 10.0  # seconds between two entries into the ledger


@dataclass(frozen=True, slots=True)
class ArmFiles:
    """The files of a work folder."""

    folder: Path

    def begin(self, ledger: str, *, resume: bool) -> str | None:
        """The text of the ledger if there is one to resume; else the folder is emptied."""
        self.folder.mkdir(parents=True, exist_ok=True)
        place = self.folder / ledger
        if resume and place.is_file():
            return place.read_text(encoding="utf-8")
        for path in self.folder.iterdir():
            if path.name == ledger or path.suffix in ENDINGS:
                path.unlink()
        return None

    def note(self, ledger: str, content: object) -> None:
        """Write the ledger."""
        beside = (self.folder / ledger).with_suffix(".new")
        beside.write_text(json.dumps(content, indent=1), encoding="utf-8")
        beside.replace(self.folder / ledger)

    def state(self, key: str) -> Path:
        """The file of a variant that is being trained."""
        return self.folder / f"{key}.state"

    def find(self, key: str) -> Arrays | None:
        """The arrays of a finished variant, if they are there and whole."""
        try:
            with np.load(self.folder / f"{key}.npz", allow_pickle=False) as found:
                return {name: found[name] for name in found.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            return None  # missing, or damaged by a disk: the variant is run again

    def keep(self, key: str, arrays: Arrays) -> None:
        """Write a finished variant; the state of its training goes."""
        beside = self.folder / f"{key}.new"
        with beside.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]  # the stubs mistake names for allow_pickle
        beside.replace(self.folder / f"{key}.npz")
        self.state(key).unlink(missing_ok=True)

    def check(self, stored: Mapping[str, object], settings: Mapping[str, object]) -> None:
        """Compare what the variants were made with and what is requested now.

        Raises:
            UsageError: they differ; names everything that does.
        """
        now = json.loads(json.dumps(settings))
        changed = [name for name in dict.fromkeys((*stored, *now)) if stored.get(name) != now.get(name)]
        if changed:
            words = "; ".join(f"{name} = {stored.get(name)}, now it is {now.get(name)}" for name in changed)
            raise UsageError(
                f"the work in {self.folder.parent.name}/{self.folder.name} was made with {words}",
                expected="the same rows and settings as before",
                todo="use the former rows and settings, or omit --resume to start again",
            )


@dataclass(frozen=True, slots=True)
class ArmStore:
    """Variants by name; all depend on the same settings."""

    files: ArmFiles
    settings: Mapping[str, object]

    @classmethod
    def open(cls, folder: Path, settings: Mapping[str, object], *, resume: bool) -> ArmStore:
        """The store: with what is there when it is resumed, else emptied.

        Raises:
            UsageError: what is there was made with other settings.
        """
        files = ArmFiles(folder)
        ledger = files.begin(SETTINGS, resume=resume)
        if ledger is None:
            files.note(SETTINGS, settings)
            return cls(files, settings)
        try:
            stored = dict(json.loads(ledger))
        except (ValueError, TypeError) as error:
            raise UsageError(
                f"{SETTINGS} in {folder.name} holds no settings of this version",
                expected="the work folder of the run that is resumed",
                todo="omit --resume to start again",
            ) from error
        files.check(stored, settings)
        return cls(files, settings)

    def state(self, name: str) -> Path:
        """The file of a variant that is being trained."""
        return self.files.state(self._key(name))

    def find(self, name: str) -> Arrays | None:
        """The arrays of a finished variant, if they are there and whole."""
        return self.files.find(self._key(name))

    def keep(self, name: str, arrays: Arrays) -> None:
        """Write a finished variant; the state of its training goes."""
        self.files.keep(self._key(name), arrays)

    def _key(self, name: str) -> str:
        return f"{name}-{fingerprint([self.settings, name])}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredArm:
    """A finished variant of one seed.

    Attributes:
        outcome: surprisal and bytes of the rows, in the order of the seed. tokens: scored tokens of each row (t,).
        rate: learning rate. step: optimizer step that was kept. held: surprisal per token of the held-out real rows
            there (NaN where it was not measured).
        wrong: 1 where the answer or the label is wrong, else 0 (t,); None where rows have neither.
        curve: (step, surprisal per token of the held-out real rows) in time.
    """

    outcome: Outcome
    tokens: Ints
    rate: float
    step: int
    held: float
    wrong: Floats | None = None
    curve: tuple[tuple[int, float], ...] = ()


@dataclass(slots=True)
class StudentStore:
    """Scored variants of a run with a time budget: its plan and the seconds spent.

    Attributes:
        settings: what the outcomes depend on. plan: None until it is made. before: seconds of former runs.
    """

    files: ArmFiles
    settings: Mapping[str, object]
    plan: TimeBudget | None = None
    before: float = 0.0
    started: float = field(default_factory=time.monotonic)
    noted: float = 0.0

    @classmethod
    def open(cls, folder: Path, settings: Mapping[str, object], *, resume: bool, started: float) -> StudentStore:
        """The store: with what is there when it is resumed, else emptied.

        Raises:
            UsageError: what is there was made with other settings.
        """
        store = cls(ArmFiles(folder), settings, started=started)
        ledger = store.files.begin(PLAN, resume=resume)
        if ledger is None:
            return store
        try:
            stored = json.loads(ledger)
            before, plan, spent = stored["settings"], TimeBudget.from_json(stored["plan"]), float(stored["seconds"])
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"{folder / PLAN} is not the plan of a run of this version ({type(error).__name__})",
                expected="the work folder of the run that is resumed",
                todo="omit --resume to start again",
            ) from error
        store.files.check(before, settings)
        store.plan, store.before = plan, spent
        return store

    @property
    def spent(self) -> float:
        """Seconds spent, in former runs too."""
        return self.before + time.monotonic() - self.started

    def begin(self, plan: TimeBudget) -> None:
        """Store the plan."""
        self.plan = plan
        self.note()

    def tick(self) -> None:
        """Enter the seconds now and then."""
        if time.monotonic() - self.noted > TICK:
            self.note()

    def note(self) -> None:
        """Enter the seconds."""
        if self.plan is None:
            return
        self.files.note(PLAN, {"settings": self.settings, "plan": self.plan.as_json(), "seconds": self.spent})
        self.noted = time.monotonic()

    def key(self, arm: str, seed: int) -> str:
        """The name of a variant's files."""
        steps = None if self.plan is None else [self.plan.steps, self.plan.race, self.plan.checks]
        return f"{arm}-{seed}-{fingerprint([self.settings, arm, seed, steps])}"

    def state(self, key: str) -> Path:
        """The file of a variant that is being trained."""
        return self.files.state(key)

    def find(self, key: str) -> ScoredArm | None:
        """A finished variant, if it is there and whole."""
        found = self.files.find(key)
        try:
            return None if found is None else _scored(found)
        except KeyError:
            return None

    def keep(self, key: str, scored: ScoredArm) -> None:
        """Write a finished variant; the state of its training goes."""
        self.files.keep(
            key,
            {
                "loss": scored.outcome.loss,
                "size": scored.outcome.size,
                "tokens": scored.tokens,
                "kept": np.array([scored.rate, scored.step, scored.held]),
                "wrong": np.empty(0) if scored.wrong is None else scored.wrong,
                "curve": np.array(scored.curve, dtype=np.float64).reshape(-1, 2),
            },
        )
        self.note()


def _scored(found: Arrays) -> ScoredArm:
    rate, step, held = found["kept"].tolist()
    return ScoredArm(
        outcome=Outcome(found["loss"], found["size"]),
        tokens=found["tokens"],
        rate=rate,
        step=int(step),
        held=held,
        wrong=found["wrong"] if found["wrong"].size else None,
        curve=tuple((int(at), float(loss)) for at, loss in found["curve"]),
    )
