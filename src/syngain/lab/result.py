"""The result of a preset: numbers, tables, plots and checks. Data only."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, cast

from syngain._version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Floats
    from syngain.report.lab.content import (
        Cell,
        CheckContent,
        CurveContent,
        Drawable,
        LabContent,
        PanelContent,
        TableContent,
    )

    Numbers = Sequence[float] | Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class LabCurve:
    """A line with an optional band, or points: ``y`` over ``x``."""

    name: str
    x: Numbers
    y: Numbers
    lower: Numbers = ()
    upper: Numbers = ()
    style: Literal["line", "dashed", "points"] = "line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One plot: a question as its title, axes with units, curves."""

    title: str
    x_name: str
    y_name: str
    curves: Sequence[LabCurve]
    x_log: bool = False
    y_log: bool = False
    zero: bool = False  # draw the line y = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LabTable:
    """A table of cells; a cell is text or a number."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabCheck:
    """A simulated value with its theoretical value.

    ``kind`` is the kind of test: ``equal`` (within ``limit`` standard errors, or ``limit`` itself when there is no
    error), ``below`` (expected is an upper bound) or ``above`` (a lower one).
    """

    name: str
    value: float
    expected: float
    error: float
    limit: float
    kind: Literal["equal", "below", "above"] = "equal"

    @property
    def passed(self) -> bool:
        """Whether the value satisfies the claim."""
        slack = self.limit * self.error if self.error > 0 else self.limit
        if self.kind == "below":
            return self.value <= self.expected + slack
        if self.kind == "above":
            return self.value >= self.expected - slack
        return abs(self.value - self.expected) <= slack


@dataclass(frozen=True, slots=True, kw_only=True)
class LabResult:
    """The outcome of a preset.

    ``as_json()`` contains no time and no host: equal seeds give equal bytes.

    Attributes:
        preset: its name. seed: of all streams. parameters: its settings.
        panels, tables, checks: see their classes. data: all other data for recomputation.
        notes: sentences on definitions and limits.
    """

    preset: str
    seed: int
    parameters: Mapping[str, object]
    panels: Sequence[Panel] = ()
    tables: Sequence[LabTable] = ()
    checks: Sequence[LabCheck] = ()
    data: Mapping[str, object] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def as_json(self) -> LabContent:
        """The result as JSON types; NaN and infinity become null."""
        return {
            "schema": 1,
            "syngain": __version__,
            "command": "lab",
            "preset": self.preset,
            "seed": self.seed,
            "parameters": plain(self.parameters),
            "notes": list(self.notes),
            "tables": [_table_json(table) for table in self.tables],
            "checks": [_check_json(check) for check in self.checks],
            "panels": [_panel_json(panel) for panel in self.panels],
            "data": plain(self.data),
        }

    def to_json(self) -> str:
        """``as_json`` as text, ending in a newline."""
        return json.dumps(self.as_json(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def plain(value: object) -> object:
    """Numpy and nested values as JSON types; NaN and infinity as null."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    to_list = getattr(value, "tolist", None)
    if to_list is not None:
        return plain(to_list())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _number(value: float) -> float | None:
    return cast("float | None", plain(float(value)))


def _drawable(values: Numbers) -> Drawable:
    return cast("Drawable", plain(values))


def _table_json(table: LabTable) -> TableContent:
    rows = cast("list[list[Cell]]", plain(table.rows))
    return {"title": table.title, "columns": list(table.columns), "rows": rows}


def _check_json(check: LabCheck) -> CheckContent:
    return {
        "name": check.name,
        "kind": check.kind,
        "value": _number(check.value),
        "expected": _number(check.expected),
        "error": _number(check.error),
        "limit": _number(check.limit),
        "passed": bool(check.passed),
    }


def _panel_json(panel: Panel) -> PanelContent:
    curves: list[CurveContent] = [
        {
            "name": curve.name,
            "style": curve.style,
            "x": _drawable(curve.x),
            "y": _drawable(curve.y),
            "lower": _drawable(curve.lower),
            "upper": _drawable(curve.upper),
        }
        for curve in panel.curves
    ]
    return {
        "title": panel.title,
        "x_name": panel.x_name,
        "y_name": panel.y_name,
        "x_log": panel.x_log,
        "y_log": panel.y_log,
        "zero": panel.zero,
        "curves": curves,
    }
