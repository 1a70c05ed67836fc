"""JSON files whose rows lie inside of one object: under a name, by column, or as pandas writes them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syngain.core.errors import InputError
from syngain.data.columns.pairs import FURTHER
from syngain.data.columns.roles import LABEL, TEXT
from syngain.data.files.choices import SPLITS, choose
from syngain.data.rows import show_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.data.files.choices import Where

NAMES = (
    *("data", "rows", "examples", "records", "items", "samples", "entries", "dataset", "results", "instances"),
    *("questions", "conversations", "dialogues"),
)
FIELDS = {  # lists of objects that are one field of a row
    *("messages", "conversations", "conversation", "instances", "tools", "functions", "completions", "generations"),
    *("responses", "answers", "segments", "chosen", "rejected", "images", "prompt", "completion", "turns"),
    *("preferred_output", "non_preferred_output", "input", "output", "candidates", "contexts", "passages"),
}
ROWS = {*TEXT, *LABEL, *(name for asked, answers in FURTHER for name in (asked, *answers))}  # of a row, not of a file
COLUMNS = {"tokens", "words", "ner_tags", "tags", *FIELDS}
OPENING = re.compile(rb'\s*\{\s*(\n|"(?:[^"\\\n]|\\.)*"\s*:\s*[\[{"\dtfn-])')
LINE = re.compile(rb"[^\n]*\}\s*\n\s*\S")  # a first line that closes, and a second one: JSON lines


@dataclass(frozen=True, slots=True)
class Wrapped:
    """Where the rows are: ``start`` of their list in the text, or the rows themselves."""

    rest: Where
    notes: tuple[str, ...]
    start: int = -1
    rows: Sequence[Mapping[str, object]] = ()


def may_be_wrapped(head: bytes) -> bool:
    """Whether a file that opens an object is one object as a whole: its first line does not close."""
    return OPENING.match(head) is not None and LINE.match(head) is None


def unwrapped(text: str, where: Where, name: str, *, lines: bool) -> Wrapped | None:
    """The rows of a JSON object; None where it is one row, or no single object.

    In JSON lines (``lines``), one object is a row unless a name that is known holds the rows.

    Raises:
        InputError: several lists of rows, of which none is chosen.
    """
    places = _members(text)
    if places is None:
        return None
    top = {key: value for key, (_, value) in places.items()}
    lists = {key: value for key, value in top.items() if _are_rows(value)}
    if any(isinstance(value, (str, int, float)) and key.strip().casefold() in ROWS for key, value in top.items()):
        return None
    splits = {key: value for key, value in lists.items() if key.casefold() in SPLITS}
    if splits:
        chosen, rest, notes = choose(splits, where, name, "split")
        return Wrapped(rest, tuple(notes), places[chosen][0])
    known = [key for key in lists if key.casefold() in NAMES and not _is_row(top, key)]
    if len(known) > 1:
        raise InputError(
            f"{name}: several lists of rows ({show_names(known)})",
            expected="one list of rows",
            todo="write the rows that are meant into a file of their own",
        )
    other = [key for key, value in lists.items() if key.casefold() not in FIELDS and len(value) > 1]  # type: ignore[arg-type]
    key = known[0] if known else other[0] if len(other) == 1 and len(lists) == 1 and not lines else None
    if key is not None:
        rows = top[key]
        inner = [item.get("row") for item in rows if isinstance(item, dict)] if isinstance(rows, list) else []
        if inner and all(isinstance(item, dict) for item in inner):  # the viewer of the Hugging Face hub
            return Wrapped(where, (), rows=[item for item in inner if isinstance(item, dict)])
        return Wrapped(where, (), places[key][0])
    found = None if lines else _by_column(top)
    return None if found is None else Wrapped(where, (), rows=found)


def _members(text: str) -> dict[str, tuple[int, object]] | None:
    """The members of the one object in a text, with the place of each value; None where it is something else."""
    decoder, space = json.JSONDecoder(), re.compile(r"\s*")

    def after(position: int) -> int:
        found = space.match(text, position)
        return found.end() if found else position

    found: dict[str, tuple[int, object]] = {}
    position = after(0) + 1
    try:
        while text[(position := after(position))] != "}":
            key, position = decoder.raw_decode(text, position)
            position = after(position)
            if not isinstance(key, str) or text[position] != ":":
                return None
            start = after(position + 1)
            value, position = decoder.raw_decode(text, start)
            found[key] = (start, value)
            position = after(position)
            if text[position] == ",":
                position += 1
            elif text[position] != "}":
                return None
    except (ValueError, IndexError, RecursionError):
        return None
    return found if after(position + 1) == len(text) else None


def _is_row(top: Mapping[str, object], key: str) -> bool:
    """Whether an object with a list of objects is one row: the list is a field, and other fields go with it."""
    if key.casefold() not in FIELDS:
        return False
    value = top[key]
    first = value[0] if isinstance(value, list) else None
    turns = isinstance(first, dict) and bool({"role", "from", "content", "value", "output"} & first.keys())
    return turns or len(top) > 2


def _are_rows(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _by_column(top: Mapping[str, object]) -> list[dict[str, object]] | None:
    """The rows of an object that holds them by column or by index; None for another object."""
    names, data = top.get("columns"), top.get("data")
    if isinstance(names, list) and isinstance(data, list) and all(isinstance(row, list) for row in data):
        return [dict(zip(map(str, names), row, strict=False)) for row in data]
    values = list(top.values())
    if len(values) > 1 and all(isinstance(value, dict) and value for value in values):
        return _by_index({key: value for key, value in top.items() if isinstance(value, dict)})
    lists = {key: value for key, value in top.items() if isinstance(value, list)}
    sizes = {len(value) for value in lists.values()}
    if len(lists) == len(top) > 0 and len(sizes) == 1 and sizes.pop() > 1 and not COLUMNS & top.keys():
        return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
    return None


def _by_index(top: Mapping[str, Mapping[str, object]]) -> list[dict[str, object]] | None:
    """Rows by key, or columns whose values have row numbers as keys."""
    first = next(iter(top.values()))
    if all(key.isdigit() for value in top.values() for key in value):
        return [{name: column.get(key) for name, column in top.items()} for key in first]
    common = set(first)
    for value in top.values():
        common &= value.keys()
    return [dict(value) for value in top.values()] if common else None
