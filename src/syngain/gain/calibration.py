"""Calibration record: how often forecast intervals contained the measured gain.

One line per comparison in ``calibration.jsonl`` of the user's folder (``SYNGAIN_HOME``). It is printed, never
part of ``report.json``: the same rows and seed give the same report whatever was measured before.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from syngain.core.documents.json_documents import LARGEST
from syngain.core.errors import UnfinishedError
from syngain.core.folders.home import home
from syngain.gain.proxies.metrics import PRIMARY

if TYPE_CHECKING:
    from pathlib import Path

    from syngain.core.result import Result

FILE = "calibration.jsonl"
LEVEL = 0.9
METRICS = PRIMARY


@dataclass(frozen=True, slots=True)
class ForecastComparison:
    """A forecast and the measured gain.

    Attributes:
        key: fingerprints of the rows, what was run on them and the metric; the same comparison counts once.
        low, high: 90% prediction interval. forecast, measured: values. unit: of all four.
    """

    key: str
    low: float
    high: float
    forecast: float
    measured: float
    unit: str

    @property
    def held(self) -> bool:
        """Whether the interval contains the measured gain."""
        return self.low <= self.measured <= self.high

    @property
    def signed(self) -> bool:
        """Whether the forecast had the sign of the measured gain."""
        return self.forecast * self.measured > 0

    @property
    def command(self) -> str:
        """The command that made both."""
        return str(json.loads(self.key)[0])


@dataclass(frozen=True, slots=True)
class Record:
    """Comparisons, each once, oldest first; ``unread``: unreadable lines."""

    comparisons: tuple[ForecastComparison, ...] = ()
    unread: int = 0

    @property
    def held(self) -> int:
        """How many intervals contained the measured gain."""
        return sum(item.held for item in self.comparisons)

    @property
    def sentence(self) -> str:
        """The record in words; for students also the signs."""
        runs = len(self.comparisons)
        if not runs:
            said = "Calibration: no past runs with a test set on this machine."
        else:
            signs = sum(item.signed for item in self.comparisons)
            students = all(item.command == "train" for item in self.comparisons)
            said = (
                f"Calibration: the 90% forecast interval contained the measured gain in {self.held:,} of {runs:,} past "
                f"run{'s' if runs > 1 else ''}"
                + (f"; the forecast sign was correct in {signs:,} of {runs:,}." if students else ".")
            )
        return said + (f" {self.unread:,} lines of the record cannot be read." if self.unread else "")

    def before(self, item: ForecastComparison) -> Record:
        """The other comparisons of the same command."""
        return Record(
            tuple(past for past in self.comparisons if past.key != item.key and past.command == item.command),
            self.unread,
        )


def compared(result: Result) -> ForecastComparison | None:
    """Forecast and measured gain on the primary metric; None if one is missing."""
    part = "@proxy" if result.command == "train" else ""
    for metric in METRICS:
        forecast = result.estimates.get(f"gain.{metric}{part}")
        measured = result.estimates.get(f"gain.{metric}.test")
        if forecast is None or measured is None or LEVEL not in forecast.intervals:
            continue
        low, high = forecast.interval(LEVEL)
        prints = {name: item.fingerprint for name, item in sorted(result.inputs.items())}
        key = json.dumps([result.command, metric, prints], sort_keys=True)
        return ForecastComparison(key, low, high, forecast.value, measured.value, forecast.unit)
    return None


def record(folder: Path | None = None) -> Record:
    """The stored record, empty if there is none."""
    path = (folder or home()) / FILE
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"more than {LARGEST:,} bytes")  # noqa: TRY301  (one error for all)
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return Record()
    except (OSError, ValueError) as error:
        raise UnfinishedError(
            f"{path} cannot be read ({error})",
            expected="a readable calibration record",
            todo=f"delete or rename it: mv {path} {path}.old",
        ) from error
    found: dict[str, ForecastComparison] = {}
    unread = 0
    for line in lines:
        item = _parsed(line)
        if item is None:
            unread += 1
        else:
            found.pop(item.key, None)
            found[item.key] = item
    return Record(tuple(found.values()), unread)


def remember(result: Result, folder: Path | None = None) -> Record | None:
    """Add a result with both to the record; returns the former record.

    Raises:
        UnfinishedError: the record cannot be read or written.
    """
    return kept(compared(result), folder)


def kept(item: ForecastComparison | None, folder: Path | None = None) -> Record | None:
    """Add a comparison to the record; returns the former record, None without one.

    Raises:
        UnfinishedError: the record cannot be read or written.
    """
    if item is None:
        return None
    before = record(folder).before(item)
    path = (folder or home()) / FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(item)) + "\n")  # one write of one line: two runs at a time do not mix
    except OSError as error:
        raise UnfinishedError(
            f"{path} cannot be written ({error.strerror})",
            expected="a writable calibration record",
            todo=f"make {path.parent} writable, or set SYNGAIN_HOME to another folder",
        ) from error
    return before


@dataclass(frozen=True)
class ForecastRecorder:
    """The forecast and the measurement of a result, for the record; ``cost``: of computing them, in words."""

    comparison: ForecastComparison | None
    cost: str = ""

    def record(self) -> str:
        """Add them to the record; returns the calibration sentence or an error, and the cost."""
        return " ".join(filter(None, (self._calibration(), self.cost)))

    def _calibration(self) -> str:
        try:
            before = kept(self.comparison)
        except UnfinishedError as error:  # the gain is measured and must be delivered, with or without a record
            return f"Calibration: {error.came}."
        return "" if before is None else before.sentence


def recorded(result: Result, cost: str = "") -> Result:
    """The result with what the calibration record takes from it."""
    return replace(result, recorder=ForecastRecorder(compared(result), cost))


def _parsed(line: str) -> ForecastComparison | None:
    """A line of the record; None for anything else."""
    try:
        content: Any = json.loads(line)
        low, high, forecast, measured = (float(content[name]) for name in ("low", "high", "forecast", "measured"))
        key = str(content["key"])
        command = str(json.loads(key)[0])
        found = ForecastComparison(key, low, high, forecast, measured, str(content["unit"]))
    except (ValueError, TypeError, LookupError, RecursionError, OverflowError):
        return None
    return found if command and not any(map(math.isnan, (low, high, forecast, measured))) else None
