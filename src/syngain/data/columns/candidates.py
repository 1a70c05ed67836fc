"""Rows with several candidate responses: two and a winner, a list with scores, steps, marked segments.

They become a response, or a chosen and a rejected one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syngain.data.columns.values import parsed
from syngain.data.rows import Cells, Unread, show_names

if TYPE_CHECKING:
    from syngain.data.columns.finder import Finder

BASES = ("conversation", "response", "answer", "output", "completion", "human_ref", "generation")
SUFFIXES = (("a", "b"), ("0", "1"), ("1", "2"))
DECISIONS = ("winner", "better_response_id", "preferred", "preference", "choice", "label", "labels")
LISTS = ("completions", "generations", "responses", "answers", "outputs", "candidates")
RATINGS = ("ratings", "scores", "rewards", "overall_scores", "ranks")
TEXT_KEYS = ("response", "answer", "text", "completion", "content", "output", "generation")
SCORE_KEYS = ("overall_score", "fine-grained_score", "score", "rating", "reward", "rank")
ASKED = ("prompt", "instruction", "question", "query", "input", "messages")
DONE = ("chosen", "completion", "response", "output", "answer", "solution", "generation")

Make = Callable[[Cells], Cells]


@dataclass(frozen=True, slots=True)
class Recognized:
    """Fields made from the candidates of a row.

    Attributes:
        roots: the fields that are read. names: those that are made. hidden: used up. make: their cells. note: for the
            user.
    """

    roots: tuple[str, ...]
    names: tuple[str, ...]
    hidden: tuple[str, ...]
    make: Make
    note: str


def recognized(finder: Finder) -> Recognized | None:
    """The content of a layout with candidates; None for rows of other layouts."""
    fields = {name.strip().casefold(): name for name, field in finder.loaded.fields.items() if field.count}
    if "chosen" in fields and "rejected" in fields:
        return None
    return _two(fields) or _several(finder, fields) or _segments(finder, fields)


def _two(fields: Mapping[str, str]) -> Recognized | None:
    """Two responses and what says which one is better."""
    for base in BASES:
        for first, second in SUFFIXES:
            pair = [fields.get(f"{base}_{suffix}") for suffix in (first, second)]
            if pair[0] is None or pair[1] is None:
                continue
            decided = _decision(fields, base, (first, second))
            if decided is not None:
                columns, decide = decided
                both = (pair[0], pair[1])
                return Recognized(
                    (*both, *columns),
                    ("chosen", "rejected"),
                    (*both, *columns),
                    _Winner(decide, (first, second)),
                    f"chosen and rejected are {show_names(both)}, decided by {show_names(columns)}",
                )
    return None


def _decision(fields: Mapping[str, str], base: str, suffixes: tuple[str, str]) -> tuple[tuple[str, ...], str] | None:
    """The columns that decide, and how: by a word, a flag for each or a score for each."""
    for pattern, way in (("winner_model_{}", "score"), ("winner_{}", "score")):
        flags = tuple(fields[name] for one in suffixes if (name := pattern.format(one)) in fields)
        if len(flags) == 2:
            return flags, way
    word = next((fields[name] for name in DECISIONS if name in fields), None)
    if word is not None:
        return (word,), "flag" if base == "human_ref" else "word"
    scores = tuple(fields[name] for one in suffixes if (name := f"score_{one}") in fields)
    return (scores, "score") if len(scores) == 2 else None


@dataclass(frozen=True, slots=True)
class _Winner:
    """Orders two responses: the better one first."""

    way: str
    suffixes: tuple[str, str]

    def __call__(self, cells: Cells) -> Cells:
        first, second, *decision = cells
        if self.way == "score":
            one, two = map(number_of, decision)
            better = 0 if one > two else 1 if two > one else None
        elif self.way == "flag":  # 1: the first one is preferred
            better = {1.0: 0, 0.0: 1}.get(number_of(decision[0]))
        else:
            better = self._named(decision[0])
        if better is None:
            return Unread("without a winner"), Unread("without a winner")
        return (second, first) if better else (first, second)

    def _named(self, value: object) -> int | None:
        word = str(int(value) if isinstance(value, float) and value.is_integer() else value).strip().casefold()
        ends = [word == suffix or word.endswith((f"_{suffix}", f" {suffix}")) for suffix in self.suffixes]
        return ends.index(True) if sum(ends) == 1 else None


def _several(finder: Finder, fields: Mapping[str, str]) -> Recognized | None:
    """A list of responses, with scores or without."""
    if not any(name in fields for name in ASKED) or any(name in fields for name in DONE):
        return None
    for field in (fields[name] for name in LISTS if name in fields):
        items = listed(_first(finder, field))
        if not items:
            continue
        steps = [fields[name] for name in ("labels", "label") if name in fields]
        if field.casefold() == "completions" and steps and isinstance(_first(finder, steps[0]), list):
            note = f"the response is all steps in {show_names([field])}"
            return Recognized((field,), ("response",), (field, steps[0]), _joined_steps, note)
        rated = next((fields[name] for name in RATINGS if name in fields), None)
        apart = rated is not None and len(listed(_first(finder, rated))) == len(items)
        if apart or any(_score(item) is not None for item in items):
            if len(items) < 2:
                continue
            columns = (field, str(rated)) if apart else (field,)
            note = f"chosen and rejected are the best and the worst of {show_names([field])}"
            return Recognized(columns, ("chosen", "rejected"), columns, _Best(falling=rated == "ranks"), note)
        if all(_text(item) is not None for item in items):
            note = f"the response is the first of {show_names([field])}"
            return Recognized((field,), ("response",), (field,), _first_text, note)
    return None


@dataclass(frozen=True, slots=True)
class _Best:
    """The candidates with the best and the worst score; ``falling``: a low one is good."""

    falling: bool

    def __call__(self, cells: Cells) -> Cells:
        items = listed(cells[0])
        scores = [number_of(value) for value in listed(cells[1])] if len(cells) > 1 else []
        if not scores:
            scores = [score if (score := _score(item)) is not None else math.nan for item in items]
        found = [
            (-score if self.falling else score, text)
            for score, text in zip(scores, map(_text, items), strict=False)
            if text is not None and not math.isnan(score)
        ]
        best, worst = (max(found, key=_rank), min(found, key=_rank)) if found else ((0.0, ""), (0.0, ""))
        if best[0] == worst[0]:
            return Unread("without a best response"), Unread("without a best response")
        return best[1], worst[1]


def _rank(scored: tuple[float, str]) -> float:
    return scored[0]


def _segments(finder: Finder, fields: Mapping[str, str]) -> Recognized | None:
    """Segments of text with a mark on those that are trained on (axolotl's ``input_output``)."""
    name = fields.get("segments")
    items = listed(_first(finder, name)) if name is not None else []
    if name is None or not all(isinstance(item, Mapping) and "label" in item and "text" in item for item in items):
        return None
    note = f"the response is the last marked segment of {show_names([name])}"
    return Recognized((name,), ("prompt", "response"), (name,), _marked, note) if items else None


def _marked(cells: Cells) -> Cells:
    items = [item for item in listed(cells[0]) if isinstance(item, Mapping)]
    end = max((place for place, item in enumerate(items) if item.get("label")), default=-1)
    if end < 0:
        return Unread("without a marked segment"), Unread("without a marked segment")
    start = end
    while start and items[start - 1].get("label"):
        start -= 1
    texts = [text if isinstance(text := item.get("text"), str) else "" for item in items]
    return "".join(texts[:start]), "".join(texts[start : end + 1])


def _joined_steps(cells: Cells) -> Cells:
    steps = [text for item in listed(cells[0]) if (text := _text(item)) is not None]
    return ("\n".join(steps) if steps else Unread("without steps"),)


def _first_text(cells: Cells) -> Cells:
    return (next((text for item in listed(cells[0]) if (text := _text(item)) is not None), None),)


def listed(cell: object) -> Sequence[object]:
    """The items of a list, of its JSON text, or of an object with a list ``text`` (SQuAD); else none."""
    value = parsed(cell) if isinstance(cell, str) and cell[:1] in {"[", "{"} else cell
    if isinstance(value, Mapping):
        value = value.get("text")
    return value if isinstance(value, list) else ()


def number_of(value: object) -> float:
    """A score as a number; NaN where it is none."""
    if not isinstance(value, (int, float, str)):
        return math.nan
    try:
        return float(value)
    except (ValueError, OverflowError):
        return math.nan


def _score(item: object) -> float | None:
    """The score of a candidate, a rank as a falling one; None without one."""
    if not isinstance(item, Mapping):
        return None
    for key in SCORE_KEYS:
        value = number_of(item.get(key))
        if not math.isnan(value):
            return -value if key == "rank" else value
    return None


def _text(item: object) -> str | None:
    """The text of a candidate; None where it has none."""
    if isinstance(item, str):
        return item
    if not isinstance(item, Mapping):
        return None
    return next((found for key in TEXT_KEYS if isinstance(found := item.get(key), str)), None)


def _first(finder: Finder, name: str) -> object:
    first = finder.loaded.fields[name].first
    return finder.loaded.rows[first].get(name) if first >= 0 else None
