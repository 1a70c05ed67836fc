"""Results: the contents of ``report.json``, run files, and data of the HTML plots."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from syngain._version import NUMBERS
from syngain.core.documents.looked_for import of_report
from syngain.core.finding_words import FINDING_WORDS
from syngain.core.fingerprint import json_form

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from syngain.core.estimate import Estimate

Severity = Literal["high", "medium", "low"]
Decision = Literal["use", "use_subset", "do_not_use", "cannot_tell"]
FEW_ROWS = "at least 20 rows per side"  # what a verdict needs where nothing was compared
SEVERITIES: tuple[Severity, ...] = ("high", "medium", "low")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A defect of a dataset or a model: what was found, what it leads to, how to fix it.

    Attributes:
        id: one of the finding ids of the contract. message: what was found, the value and what was expected.
        consequence, fix: what follows, and what to do; those of the id where none are given.
        evidence: ids of offending rows, worst first. examples: what texts to show, one per entry.
        estimates: the ids of the estimates that carry it. explained_by: findings whose removal makes it vanish.
        rows: how many synthetic rows it concerns.
        where: the side, the columns or the language of its rows. good_example: a row without the defect.
        dropping: what dropping its rows costs. review: its precision in a review by hand.
        flagged: positions of all its rows in the file, worst first; not in ``report.json``.
    """

    id: str
    severity: Severity
    message: str
    evidence: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    estimates: tuple[str, ...] = ()
    explained_by: tuple[str, ...] = ()
    rows: int = 0
    consequence: str = ""
    fix: str = ""
    where: str = ""
    good_example: str = ""
    dropping: str = ""
    review: str = ""
    flagged: tuple[int, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        for name, words in zip(("consequence", "fix"), FINDING_WORDS.get(self.id, ()), strict=False):
            if not getattr(self, name):
                object.__setattr__(self, name, words)

    def as_json(self) -> dict[str, object]:
        """Return the finding as in ``report.json``."""
        return {
            "id": self.id,
            "severity": self.severity,
            "message": self.message,
            "evidence": list(self.evidence),
            "examples": list(self.examples),
            "estimates": list(self.estimates),
            "explained_by": list(self.explained_by),
            "rows": self.rows,
            "consequence": self.consequence,
            "fix": self.fix,
            "where": self.where,
            "good_example": self.good_example,
            "dropping": self.dropping,
            "review": self.review,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Finding:
        """The finding of a ``report.json``."""
        tuples: Any = {name: tuple(value) if isinstance(value, list) else value for name, value in content.items()}
        return cls(**{name: value for name, value in tuples.items() if name in cls.__dataclass_fields__})


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One decision: what to do, the number that decides, the next command.

    Attributes:
        sentence: the verdict with its numbers, for a person who reads nothing else.
        rows_to_use: recommended number of rows; None where none is recommended.
        action: what to do with the rows, at most 20 words; empty where ``sentence`` is that short.
        estimate: id of the estimate that decides; empty where none was measured.
        next_command: the command to run next.
        needs: what would decide an inconclusive verdict, for example ``about 30,000 more real rows``.
    """

    decision: Decision
    sentence: str
    rows_to_use: int | None = None
    action: str = ""
    estimate: str = ""
    next_command: str = ""
    needs: str = ""

    @property
    def headline(self) -> str:
        """The action, or the sentence where there is no action of its own."""
        return self.action or self.sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A curve with its band, for example gain against rows."""

    x_name: str
    x: tuple[float, ...]
    value: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    level: float = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSummary:
    """An input file: number of rows, fingerprint, and columns by role.

    ``columns`` enters the identity of a run, not ``report.json``.
    """

    name: str
    rows: int
    fingerprint: str
    roles: str = ""
    columns: Mapping[str, object] = field(default_factory=dict)
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A synthetic row to drop; ``row`` is its position in the file, from 0."""

    row: int
    id: str
    text: str
    label: str | None
    reasons: tuple[str, ...]
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MapPoint:
    """A row on the two-dimensional map.

    ``group`` is ``real``, ``synthetic`` or ``dropped``.
    """

    x: float
    y: float
    group: str
    id: str
    text: str
    label: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MapRegion:
    """A region of the real rows: center on the map and row count of each side."""

    x: float
    y: float
    name: str
    real: int
    synthetic: int
    expected: float
    missing: bool
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """Fractions of real and synthetic rows over the same categories or bins."""

    title: str
    categories: tuple[str, ...]
    real: tuple[float, ...]
    synthetic: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Sources of variance of a number: fractions that sum to one, largest first."""

    title: str
    shares: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Nats per generated row that enter or leave at a station of the pipeline.

    ``low`` and ``high`` are limits where they are known; ``at_most`` marks ``nats`` as an upper bound.
    """

    station: str
    name: str
    nats: float
    low: float | None = None
    high: float | None = None
    leaves: bool = False
    at_most: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Information gained and lost at each station from real rows to the dataset."""

    title: str
    flows: tuple[Flow, ...]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """Data of the HTML plots that is not in ``report.json``."""

    map_points: tuple[MapPoint, ...] = ()
    map_regions: tuple[MapRegion, ...] = ()
    map_note: str = ""
    distributions: tuple[Distribution, ...] = ()
    budgets: tuple[Budget, ...] = ()
    chains: tuple[Chain, ...] = ()
    computed: tuple[tuple[str, str], ...] = ()  # (heading, paragraph) pairs of "how it was computed"


class RunFile(Protocol):
    """A file of the run folder: rows, a recipe or a store."""

    @property
    def records(self) -> Sequence[Mapping[str, object]]:
        """Its rows; empty for a file without rows."""
        ...

    def write(self, path: Path) -> None:
        """Write the file to ``path``.

        Raises:
            UnfinishedError: the disk is full. UsageError: the file cannot be written.
        """
        ...


@runtime_checkable
class FromRows(Protocol):
    """A file of rows that were among the synthetic ones."""

    def origin(self) -> str:
        """The fingerprint of the synthetic rows, every column of them."""
        ...


class Recorder(Protocol):
    """A forecast and its measurement for the calibration record."""

    def record(self) -> str:
        """Add both to the record; return a sentence on earlier forecasts."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The complete result of a command.

    ``report.write(result, folder)`` writes the same files as the command line. ``as_json()`` is ``report.json``; equal
    inputs and seed give equal bytes.

    Attributes:
        dropped: rows to drop, with reasons. views: data of the plots.
        files: files of the run folder other than the report, by name.
        settings: all settings that change the numbers, except inputs and seed, as JSON.
        recorder: forecast and measurement for the calibration record; None where there is no such pair.
        notes: events of the run (retries, costs); not part of the report.
        warnings: what changes the meaning of the rows or the numbers.
    """

    command: str
    version: str
    seed: int
    inputs: Mapping[str, InputSummary]
    estimates: Mapping[str, Estimate]
    findings: Sequence[Finding]
    verdict: Verdict
    series: Mapping[str, Series] = field(default_factory=dict)
    sets: Mapping[str, object] = field(default_factory=dict)
    dropped: Sequence[Dropped] = ()
    views: Views = field(default_factory=Views)
    files: Mapping[str, RunFile] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)
    recorder: Recorder | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        said = f"{self.command}, {self.verdict.decision}, {len(self.estimates)} estimates"
        rows = [f"{item.rows} {name} rows" for name, item in self.inputs.items()]
        return f"<Result of {', '.join([said, f'{len(self.findings)} findings', *rows])}>"

    @property
    def all_warnings(self) -> tuple[str, ...]:
        """The warnings, then how the inputs were read where that needs attention."""
        return tuple(dict.fromkeys((*self.warnings, *(item.hint for item in self.inputs.values() if item.hint))))

    @property
    def kept_rows(self) -> Sequence[Mapping[str, object]]:
        """Rows of ``kept.jsonl``; empty where the command keeps none."""
        return self.files["kept.jsonl"].records if "kept.jsonl" in self.files else ()

    @property
    def dropped_rows(self) -> Sequence[Mapping[str, object]]:
        """Rows of ``dropped.jsonl``; empty where the command drops none."""
        return self.files["dropped.jsonl"].records if "dropped.jsonl" in self.files else ()

    @property
    def identity(self) -> dict[str, object]:
        """What a resumed run must share with this one; ``written``: every column of the rows it writes back."""
        columns = {name: dict(item.columns) for name, item in self.inputs.items() if item.columns}
        written = next((file.origin() for file in self.files.values() if isinstance(file, FromRows)), None)
        return {
            **identity(self.command, self.seed, self.inputs, self.settings),
            "columns": columns,
            **({} if written is None else {"written": written}),
        }

    @property
    def result(self) -> Result:
        """The result itself, for compatibility with ``select`` and ``mix``."""
        return self

    def as_json(self) -> dict[str, Any]:
        """The contract of ``report.json``, schema 1."""
        content: dict[str, Any] = {
            "schema": 1,
            "syngain": self.version,
            "command": self.command,
            "seed": self.seed,
            "inputs": {name: _input_json(item) for name, item in self.inputs.items()},
            "estimates": {name: item.as_json() for name, item in self.estimates.items()},
            "series": {name: _series_json(item) for name, item in self.series.items()},
            "sets": dict(self.sets),
            "findings": [finding.as_json() for finding in self.findings],
            "looked_for": None,
            "warnings": list(self.all_warnings),
            "verdict": {
                "decision": self.verdict.decision,
                "sentence": self.verdict.sentence,
                "rows_to_use": self.verdict.rows_to_use,
                "action": self.verdict.action,
                "estimate": self.verdict.estimate,
                "next_command": self.verdict.next_command,
                "needs": self.verdict.needs,
            },
        }
        return content | {"looked_for": of_report(content)}

    def to_json(self) -> str:
        """``report.json`` as text, ending in a newline."""
        return json.dumps(self.as_json(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def identity(
    command: str, seed: int, inputs: Mapping[str, InputSummary | str], settings: Mapping[str, object]
) -> dict[str, object]:
    """Identity of a run: command, inputs, settings, seed, version of the numbers."""
    prints = {name: item if isinstance(item, str) else item.fingerprint for name, item in inputs.items()}
    return {
        "command": command,
        "numbers": NUMBERS,
        "seed": seed,
        "inputs": prints,
        "settings": json_form(settings),
    }


def _input_json(item: InputSummary) -> dict[str, object]:
    return {"name": item.name, "rows": item.rows, "fingerprint": item.fingerprint, "roles": item.roles}


def _series_json(item: Series) -> dict[str, object]:
    return {
        "x_name": item.x_name,
        "x": list(item.x),
        "value": list(item.value),
        "lower": list(item.lower),
        "upper": list(item.upper),
        "level": item.level,
    }
