"""The contract of a lab's ``report.json``: what the page, the figure and the terminal draw from."""

from __future__ import annotations

from typing import Literal, TypedDict

Cell = str | float | int | bool | None
Drawable = list[float | None]


class CurveContent(TypedDict):
    """A line with an optional band, or points; null where a value cannot be drawn."""

    name: str
    style: Literal["line", "dashed", "points"]
    x: Drawable
    y: Drawable
    lower: Drawable
    upper: Drawable


class PanelContent(TypedDict):
    """One picture."""

    title: str
    x_name: str
    y_name: str
    x_log: bool
    y_log: bool
    zero: bool
    curves: list[CurveContent]


class TableContent(TypedDict):
    """A table of cells."""

    title: str
    columns: list[str]
    rows: list[list[Cell]]


class CheckContent(TypedDict):
    """A simulated value next to what theory says."""

    name: str
    kind: Literal["equal", "below", "above"]
    value: float | None
    expected: float | None
    error: float | None
    limit: float | None
    passed: bool


class LabContent(TypedDict):
    """The whole file."""

    schema: int
    syngain: str
    command: str
    preset: str
    seed: int
    parameters: object
    notes: list[str]
    tables: list[TableContent]
    checks: list[CheckContent]
    panels: list[PanelContent]
    data: object
