"""The work folder of a run: its settings, its plan, the seconds spent, and one file for every finished arm.

Every file is written beside and renamed. A run that was killed goes on from here, with the same plan.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import UsageError
from syngain.core.fingerprint import fingerprint
from syngain.gain.proxies.task import Outcome
from syngain.training.student.time_budget import Plan

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from syngain.core.arrays import Floats, Ints

LEDGER = "plan.json"
ENDINGS = (".npz", ".state", ".new")
TICK = 10.0  # seconds between two entries into the ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A finished arm of one seed.

    Attributes:
        outcome: surprisal and bytes of the rows, in the order of the seed. tokens: scored tokens of each row (t,).
        rate: learning rate. step: optimizer step that was kept. held: surprisal per token of the held-out anchors there
            (NaN where it was not measured).
        wrong: 1 where the answer or the label is not met, else 0 (t,); None where rows have neither.
        curve: (step, surprisal per token of the held-out anchors) in time.
    """

    outcome: Outcome
    tokens: Ints
    rate: float
    step: int
    held: float
    wrong: Floats | None = None
    curve: tuple[tuple[int, float], ...] = ()


@dataclass(slots=True)
class Work:
    """The folder, with what it holds.

    Attributes:
        settings: what the outcomes depend on. plan: None until it is made. spent: seconds of former runs and this one.
    """

    folder: Path
    settings: Mapping[str, object]
    plan: Plan | None = None
    before: float = 0.0
    started: float = field(default_factory=time.monotonic)
    noted: float = 0.0

    @classmethod
    def open(cls, folder: Path, settings: Mapping[str, object], *, resume: bool, started: float) -> Work:
        """The work folder: with what is there when it is resumed, else emptied.

        Raises:
            UsageError: when what is there was made with other settings; names the first that differs.
        """
        work = cls(folder, settings, started=started)
        folder.mkdir(parents=True, exist_ok=True)
        ledger = folder / LEDGER
        if resume and ledger.is_file():
            try:
                stored = json.loads(ledger.read_text(encoding="utf-8"))
                before, plan, spent = stored["settings"], Plan.from_json(stored["plan"]), float(stored["seconds"])
            except (ValueError, KeyError, TypeError) as error:
                raise UsageError(
                    f"{ledger} is not the plan of a run of this version ({type(error).__name__})",
                    expected="the work folder of the run that is resumed",
                    todo="start anew without resuming",
                ) from error
            _same(before, settings, folder)
            work.plan, work.before = plan, spent
        else:
            for path in folder.iterdir():
                if path.name == LEDGER or path.suffix in ENDINGS:
                    path.unlink()
        return work

    @property
    def spent(self) -> float:
        """Seconds spent, in former runs too."""
        return self.before + time.monotonic() - self.started

    def begin(self, plan: Plan) -> None:
        """Settle the plan."""
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
        entry = {"settings": self.settings, "plan": self.plan.as_json(), "seconds": self.spent}
        beside = self.folder / f"{LEDGER}.new"
        beside.write_text(json.dumps(entry, indent=1), encoding="utf-8")
        beside.replace(self.folder / LEDGER)
        self.noted = time.monotonic()

    def key(self, arm: str, seed: int) -> str:
        """The name of an arm's files."""
        steps = None if self.plan is None else [self.plan.steps, self.plan.race, self.plan.checks]
        return f"{arm}-{seed}-{fingerprint([self.settings, arm, seed, steps])}"

    def state(self, key: str) -> Path:
        """The file of an arm that is being trained."""
        return self.folder / f"{key}.state"

    def find(self, key: str) -> Scored | None:
        """A finished arm, if it is there and whole."""
        path = self.folder / f"{key}.npz"
        try:
            with np.load(path, allow_pickle=False) as found:
                rate, step, held = found["kept"].tolist()
                return Scored(
                    outcome=Outcome(found["loss"], found["size"]),
                    tokens=found["tokens"],
                    rate=rate,
                    step=int(step),
                    held=held,
                    wrong=found["wrong"] if found["wrong"].size else None,
                    curve=tuple((int(at), float(loss)) for at, loss in found["curve"]),
                )
        except (OSError, ValueError, KeyError, EOFError):
            return None

    def keep(self, key: str, scored: Scored) -> None:
        """Write a finished arm; the state of its training goes."""
        beside = self.folder / f"{key}.new"
        with beside.open("wb") as file:
            np.savez(
                file,
                loss=scored.outcome.loss,
                size=scored.outcome.size,
                tokens=scored.tokens,
                kept=np.array([scored.rate, scored.step, scored.held]),
                wrong=np.empty(0) if scored.wrong is None else scored.wrong,
                curve=np.array(scored.curve, dtype=np.float64).reshape(-1, 2),
            )
        beside.replace(self.folder / f"{key}.npz")
        self.state(key).unlink(missing_ok=True)
        self.note()


def _same(stored: Mapping[str, object], settings: Mapping[str, object], folder: Path) -> None:
    now = json.loads(json.dumps(settings))
    for name in dict.fromkeys((*stored, *now)):
        if stored.get(name) != now.get(name):
            raise UsageError(
                f"the work in {folder.parent.name}/{folder.name} was made with {name} = {stored.get(name)}, "
                f"now it is {now.get(name)}",
                expected="the same rows and settings as before",
                todo="go back to them, or start anew without resuming",
            )
