"""The words of one measure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MeasureEntry:
    """The words of a measure, for a reader who does not know its id.

    Attributes:
        name: at most 45 characters. question: what it answers. read: how to read the value.
        signed: a difference, shown with its sign; + is better for gains.
    """

    name: str
    question: str
    read: str = ""
    signed: bool = False
