"""Preference rows: the fields and texts of a prompt, a chosen and a rejected response, and their scores."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syngain.core.errors import InputError
from syngain.data.rows import Lazy, show, show_names
from syngain.data.text.texts import Texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.data.columns.finder import Finder
    from syngain.data.rows import Loaded

NAMES = (  # of the chosen and of the rejected response
    ("chosen", "rejected"),
    ("chosen_response", "rejected_response"),
    ("response_chosen", "response_rejected"),
    ("preferred_output", "non_preferred_output"),
    ("preferred", "dispreferred"),
    ("preferred", "rejected"),
    ("response_j", "response_k"),
)
PROMPTS = (
    "prompt",
    "messages",
    "conversations",
    "conversation",
    "instruction",
    "question",
    "query",
    "input",
    "history",
)
SYSTEM = ("system", "system_prompt")
SCORES = ("score", "rating", "reward")
PLAIN_PAIR = ("prompt", "completion")  # where both have values, the rows are pairs


@dataclass(frozen=True, slots=True)
class Preferences:
    """The rejected side of preference rows; the chosen one is the response of the pair.

    Attributes:
        rejected: the response of each row that is not preferred. prompts: what it answers; equal to the prompt of the
            chosen response in sound rows.
        margins: score of the chosen minus that of the rejected response, NaN where missing; None without scores.
    """

    rejected: Sequence[str]
    prompts: Sequence[str]
    margins: array[float] | None = None

    def take(self, rows: Sequence[int]) -> Preferences:
        """The same of these rows, in this order."""
        return Preferences(
            _take(self.rejected, rows),
            _take(self.prompts, rows),
            None if self.margins is None else array("d", [self.margins[row] for row in rows]),
        )

    @classmethod
    def joined(cls, parts: Sequence[Preferences]) -> Preferences:
        """Those of several datasets, in order."""
        scored = any(part.margins is not None for part in parts)
        margins = [
            value for part in parts for value in (part.margins if part.margins is not None else [math.nan] * len(part))
        ]
        return cls(
            [text for part in parts for text in part.rejected],
            [text for part in parts for text in part.prompts],
            array("d", margins) if scored else None,
        )

    def __len__(self) -> int:
        return len(self.rejected)


def detect(finder: Finder, like: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """The fields of the prompt, then of the chosen and of the rejected response; None for rows without a comparison.

    ``like`` holds those of the real rows, which are used where they are there as well.
    """
    if like is not None and all(finder.candidates([name]) == [name] for name in like):
        return like if len(like) > 2 else (*_prompt(finder), *like)
    if all(finder.candidates([name]) for name in PLAIN_PAIR) and like is None:
        return None
    prompt = _prompt(finder)
    for names in NAMES:
        found = [finder.candidates([name]) for name in names]
        if all(one and _is_content(finder.loaded, one[0], asked=bool(prompt)) for one in found):
            return (*prompt, found[0][0], found[1][0])
    return None


def scores(finder: Finder, chosen: str, rejected: str) -> tuple[str, ...]:
    """The fields with the scores of both responses; empty where there are none."""
    fields = {_plain(name): name for name in finder.loaded.fields}
    for word in SCORES:
        for form in ("{0}_{1}", "{1}_{0}"):
            pair = [form.format(word, _plain(name)) for name in (chosen, rejected)]
            if all(name in fields for name in pair):
                return tuple(fields[name] for name in pair)
    return ()


def margin(cells: Sequence[object]) -> float:
    """The score of the chosen minus that of the rejected response; NaN where one is missing."""
    return _number(cells[0]) - _number(cells[1])


def sentence(text: Sequence[str], rejected: str, scored: Sequence[str]) -> str:
    """The fields in words."""
    prompt = f"prompt from {show_names(text[:-1])}, chosen" if len(text) > 1 else "prompt and chosen"
    ending = f", scores from {show_names(scored)}" if scored else ""
    return f"{prompt} from {show_names(text[-1:])}, rejected from {show_names([rejected])}{ending}"


def not_compared(loaded: Loaded, like: str) -> InputError:
    """The error of rows without a rejected response, next to real rows that have one."""
    return InputError(
        f"{loaded.name}: no chosen and rejected response; the fields are {show_names(list(loaded.fields))}",
        expected=f"preferences as in the real rows ({like})",
        todo="name the fields: --text real=prompt+chosen/rejected,synthetic=A+B/C; "
        "or read pairs on both sides: --text real=prompt+chosen,synthetic=A+B",
    )


def _prompt(finder: Finder) -> tuple[str, ...]:
    """The fields of the prompt, that of a system message before it, the input of an instruction after it."""
    for name in PROMPTS:
        found = finder.candidates([name])
        if found:
            more = finder.candidates(["input"])[:1] if name == "instruction" else []
            first = [] if name in {"messages", "conversations", "conversation"} else _system(finder)
            return (*first, found[0], *more)
    return ()


def _system(finder: Finder) -> list[str]:
    return next((found[:1] for name in SYSTEM if (found := finder.candidates([name]))), [])


def _is_content(loaded: Loaded, name: str, *, asked: bool) -> bool:
    """Whether the first value of a field is a text or a message; without a prompt, no number as text."""
    first = loaded.fields[name].first
    value = loaded.rows[first].get(name) if first >= 0 else None
    return isinstance(value, (list, dict)) or (isinstance(value, str) and (asked or math.isnan(_number(value))))


def _plain(name: str) -> str:
    return show(name).strip().casefold().replace("-", "_").replace(" ", "_")


def _number(cell: object) -> float:
    if isinstance(cell, bool) or not isinstance(cell, (int, float, str)):
        return math.nan
    try:
        return float(cell)
    except (ValueError, OverflowError):
        return math.nan


def _take(values: Sequence[str], rows: Sequence[int]) -> Sequence[str]:
    return values.take(rows) if isinstance(values, (Lazy, Texts)) else [values[row] for row in rows]
