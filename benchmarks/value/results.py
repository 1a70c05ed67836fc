"""The results file: one line of JSON per case and answer. A line that is there is never computed again."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmarks.value.cases import Case
    from benchmarks.value.outcomes import Gain, Outcome
    from benchmarks.value.predictors import Prediction

    Record = dict[str, Any]
    Key = tuple[str, int, str, str]

OUTCOME = "outcome"


@dataclass
class Results:
    """Lines of a file, by task, drawing, arm and who answered."""

    path: Path
    setting: str
    lines: dict[Key, Record] = field(default_factory=dict)

    @classmethod
    def at(cls, path: Path, setting: str) -> Results:
        """Open a file, or begin one. A last line that was cut off in writing is dropped from the file.

        Raises:
            UsageError: its forecasts were made in another setting.
        """
        found = cls(path, setting)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            return found
        text = path.read_text(encoding="utf-8")
        whole, _, rest = text.rpartition("\n")
        if rest:
            path.write_text(whole + "\n" if whole else "", encoding="utf-8")
        for line in whole.splitlines():
            record = json.loads(line)
            if record.get("setting", setting) != setting:
                came = f"{path.name} holds forecasts in the setting {record['setting']}"
                raise UsageError(came, expected=f"setting {setting}", todo="name another folder with -o")
            found.lines[_key(record)] = record
        return found

    def has(self, case: Case, what: str) -> bool:
        """Whether this was answered."""
        return (case.task, case.split, case.arm, what) in self.lines

    def add(self, case: Case, what: str, content: Mapping[str, Any]) -> None:
        """Write an answer down."""
        about = {"anchors": len(case.anchors), "rows": len(case.synthetic), "test": len(case.test)}
        record = {"task": case.task, "split": case.split, "arm": case.arm, "what": what, **about, **content}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, allow_nan=False) + "\n")
        self.lines[_key(record)] = record


def of_outcome(outcome: Outcome, cpu: float) -> Record:
    """An outcome as the content of a line: every gain as [value, low, high]."""
    return {
        "mean": _gain(outcome.mean),
        "families": {name: _gain(gain) for name, gain in outcome.families.items()},
        "own": _gain(outcome.own),
        "accuracy": _gain(outcome.accuracy),
        "own_accuracy": _gain(outcome.own_accuracy),
        "cpu": round(cpu, 2),
    }


def of_prediction(prediction: Prediction, cpu: float, *, zero: bool) -> Record:
    """A prediction as the content of a line; a value that is not finite is no answer, and no interval."""
    if not math.isfinite(prediction.value):
        return {"value": None, "reason": f"the score is {prediction.value}", "zero": zero}
    content = {name: value for name, value in asdict(prediction).items() if value is not None and _finite(value)}
    return content | {"zero": zero, "cpu": round(cpu, 2)}


def _finite(value: float | tuple[float, ...]) -> bool:
    return all(map(math.isfinite, value if isinstance(value, tuple) else (value,)))


def _gain(gain: Gain | None) -> list[float] | None:
    return None if gain is None else [gain.value, gain.low, gain.high]


def _key(record: Mapping[str, Any]) -> Key:
    return record["task"], record["split"], record["arm"], record["what"]
