"""Targets that are no classes: numbers, ordinal scores, label sets, token tags, and candidates of a query."""

from __future__ import annotations

import itertools
import math
from array import array
from ast import literal_eval
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from syngain.core.errors import UsageError
from syngain.data.columns.values import number, parsed, written_number
from syngain.data.rows import Loaded, show

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Words: TypeAlias = tuple[str, ...]
Value: TypeAlias = "Words | tuple[Words, Words]"


class Target(StrEnum):
    """What is to be predicted of a row."""

    CLASS = "class"
    NUMBER = "number"
    ORDINAL = "ordinal"
    LABELS = "labels"  # a set of labels for each row
    TAGS = "tags"  # a tag for each token
    TRIPLETS = "triplets"  # the positive candidates of a query among its negative ones


CHOSEN = (Target.CLASS, Target.NUMBER, Target.ORDINAL, Target.LABELS, Target.TAGS, Target.TRIPLETS)
NUMERIC = frozenset({Target.NUMBER, Target.ORDINAL})
MANY = 20  # distinct numbers from which a label column may be a number
ODD = 0.1  # of the labels are no numbers: then the column holds classes
CODES = 0.6  # of the integers from 0 or 1 to the largest are used: then they are codes of classes
SCORES = ("star", "rating", "score", "grade", "points", "likert", "severity", "ordinal")  # in names of ordinal columns
MOST_SCORES = 11
LOOKED_AT = 2_000  # rows in which several labels in a cell are looked for
SEVERAL = 0.1  # of the cells have several labels
LONGEST_LIST = 10_000  # characters


@dataclass(frozen=True, slots=True)
class Targets:
    """The targets of rows, in the form of their kind.

    Attributes:
        kind: what they are. numbers: of numeric targets, one for each row; else empty.
        values: label sets; or tokens and tags; or positive and negative candidates. Empty for numeric targets.
    """

    kind: Target
    numbers: array[float]
    values: Sequence[Value] = ()

    def take(self, rows: Sequence[int]) -> Targets:
        """The same of these rows, in this order."""
        if self.kind in NUMERIC:
            return Targets(self.kind, array("d", [self.numbers[row] for row in rows]))
        return Targets(self.kind, self.numbers, [self.values[row] for row in rows])

    @classmethod
    def joined(cls, parts: Sequence[Targets]) -> Targets:
        """Those of several datasets of one kind, in order."""
        numbers = array("d", [value for part in parts for value in part.numbers])
        return cls(parts[0].kind, numbers, [value for part in parts for value in part.values])

    def lines(self) -> Iterable[str]:
        """One text for each row, for fingerprints."""
        return map(repr, self.numbers if self.kind in NUMERIC else self.values)

    def words(self, row: int) -> str:
        """The target of a row in words, for examples."""
        if self.kind in NUMERIC:
            return f"{self.numbers[row]:g}"
        value = self.values[row]
        if self.kind is Target.LABELS:
            return ", ".join(map(str, value)) or "no label"
        if self.kind is Target.TAGS:
            found = [f"{token}/{tag}" for token, tag in zip(*pair(value), strict=True) if tag not in {"O", "0"}]
            return " ".join(found) or "no tag"
        return " | ".join(pair(value)[1])

    def names(self) -> set[str]:
        """The names of labels or tags that occur; none for other kinds."""
        if self.kind is Target.LABELS:
            return {name for value in self.values for name in value if isinstance(name, str)}
        return {name for value in self.values for name in pair(value)[1]} if self.kind is Target.TAGS else set()

    def negatives(self) -> list[str] | None:
        """The negative candidates of each row as one text; None for other kinds."""
        if self.kind is not Target.TRIPLETS:
            return None
        return ["\n".join(pair(value)[1]) for value in self.values]


def pair(value: Value) -> tuple[Words, Words]:
    """Tokens and tags, or positive and negative candidates."""
    first, second = value
    assert isinstance(first, tuple) and isinstance(second, tuple)  # noqa: S101, PT018  (a value of these kinds)
    return first, second


def target_named(word: str | None) -> Target | None:
    """The kind that the user named, None without one.

    Raises:
        UsageError: there is no such kind.
    """
    if not word or word == "auto":
        return None
    if word not in list(CHOSEN):
        raise UsageError(
            f"unknown target `{word}`",
            expected=f"one of {', '.join(CHOSEN)}, auto",
            todo=f"set --target {Target.CLASS} or --target {Target.NUMBER}",
        )
    return Target(word)


def target_of(loaded: Loaded, name: str) -> Target:
    """The kind of target in a column of labels, by its values."""
    seen: set[float] = set()
    others = 0
    for (cell,) in loaded.values([name]):
        value = number_of(cell, written=loaded.written)
        if value is not None:
            if math.isfinite(value):
                seen.add(value)
        elif cell is not None and cell != "":
            if not seen:
                return Target.CLASS if label_list(cell) is None else Target.LABELS
            others += 1
            if others > ODD * len(loaded):
                return Target.CLASS
    if not seen:
        return Target.CLASS
    return _numeric_kind(name, sorted(seen), len(loaded))


def decision(loaded: Loaded, name: str, kind: Target) -> str:
    """What was decided on a numeric column, and how to override it; empty where nothing was."""
    if kind is Target.NUMBER:
        return f"`{show(name)}` holds many different numbers: read as a number (regression); classes: --target class"
    if kind is Target.CLASS and (cell := _with_several(loaded, name)):
        return f"`{show(name)}` may hold several labels in a cell ({show(cell)}): read as one; sets: --target labels"
    if kind is Target.ORDINAL:
        return f"`{show(name)}` holds a few ordered scores: read as ordinal; classes: --target class"
    if kind is Target.TAGS and _numbered(loaded, name):
        return (
            f"`{show(name)}` holds integer tags: 0 is read as outside, odd ids as the beginning of an entity and the "
            "even id after each as its inside"
        )
    return ""


def _numbered(loaded: Loaded, name: str) -> bool:
    first = loaded.fields[name].first
    cell = loaded.rows[first].get(name) if first >= 0 else None
    return isinstance(cell, list) and any(isinstance(tag, int) for tag in cell)


def _numeric_kind(name: str, seen: list[float], rows: int) -> Target:
    whole = all(value.is_integer() for value in seen)
    steps = {round(high - low, 9) for low, high in itertools.pairwise(seen)}
    if len(seen) <= MANY:
        even = 3 <= len(seen) <= MOST_SCORES and (whole or len(steps) == 1)
        return Target.ORDINAL if scored(name) and even else Target.CLASS
    codes = whole and seen[0] in {0.0, 1.0} and len(seen) >= CODES * (seen[-1] - seen[0] + 1)
    return Target.CLASS if codes and 2 * len(seen) <= rows else Target.NUMBER


def scored(name: str) -> bool:
    """Whether a column is named like a score."""
    return any(word in show(name).casefold() for word in SCORES)


def number_of(cell: object, *, written: bool) -> float | None:
    """The number of a cell, None where it is none."""
    return written_number(cell) if written else number(cell)


def label_list(cell: object) -> list[object] | None:
    """The labels of a cell: a list of words or numbers, or its text in JSON or as Python writes it; else None."""
    if isinstance(cell, str) and cell[:1] == "[":
        found = parsed(cell)
        cell = _python_list(cell) if found is None else found
    if not isinstance(cell, list) or not all(isinstance(one, (str, int, float)) for one in cell):
        return None
    return cell


def _python_list(text: str) -> object:
    """The list that Python writes as this text, as pandas puts it into CSV; None where it is none."""
    try:
        return literal_eval(text) if len(text) <= LONGEST_LIST else None
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None


def split_labels(cell: object) -> list[object] | None:
    """The labels of a text that separates them by ``;`` or ``|``; none in an empty one. None where it is no text."""
    if not isinstance(cell, str):
        return None
    return [part.strip() for part in cell.replace("|", ";").split(";") if part.strip()]


def _with_several(loaded: Loaded, name: str) -> str:
    """A cell with several labels, where a few labels make up many different cells; empty where they do not."""
    cells = [cell for (cell,) in itertools.islice(loaded.values([name]), LOOKED_AT) if isinstance(cell, str)]
    several = [cell for cell in cells if len(split_labels(cell) or ()) > 1]
    words = {word for cell in cells for word in split_labels(cell) or ()}
    often = len(several) >= SEVERAL * len(cells) and len(words) < len(set(cells))
    return several[0] if several and often else ""


def named_labels(values: Sequence[Value]) -> list[Value]:
    """Sets of labels from lists of words: sorted, each label once; vectors of zeros and ones name positions."""
    sets = [tuple(map(str, words)) for words in values]
    sizes = {len(words) for words in sets}
    vectors = len(sizes) == 1 and min(sizes) > 1 and {word for words in sets for word in words} <= {"0", "1"}
    known: dict[str, str] = {}
    out: list[Value] = []
    for words in sets:
        chosen = {str(place) for place, word in enumerate(words) if word == "1"} if vectors else set(words)
        out.append(tuple(known.setdefault(word, word) for word in sorted(chosen)))
    return out
