"""Read JSON lines and JSON arrays; errors name file and line."""

from __future__ import annotations

import json
import re
from collections import Counter
from operator import itemgetter
from typing import TYPE_CHECKING

from syngain.core.errors import InputError
from syngain.data.files.streams import BOM, LINE_LIMIT, Source, decoded, split_lines, too_long
from syngain.data.rows import Cells, OddRows, Record, show_names, type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

DEPTH_LIMIT = 100  # deeper rows would exhaust the stack of later readers and writers
CONTAINERS = frozenset((list, dict))
BLANK = b" \t\r"
SPACE = re.compile(r"[ \t\n\r]*")
COMMA = re.compile(r"[ \t\n\r]*,[ \t\n\r]*")
DECODER = json.JSONDecoder()  # accepts NaN and Infinity, as Python writes them; tables decide what they mean
FAST_SCAN: Callable[[str, int], tuple[Record, int]] = vars(DECODER)["scan_once"]  # without the method around it
EXPECTED = "JSON lines (one object per line) or a JSON array of objects"


class JsonCodec:
    """Parses rows that were checked as JSON objects."""

    __slots__ = ()

    def record(self, raw: bytes) -> Record:
        """The record of one row."""
        record: Record = DECODER.raw_decode(raw.decode())[0]
        return record

    def values(self, raws: Iterator[bytes], names: Sequence[str]) -> Iterator[Cells]:
        """The values of some fields of many rows; ``None`` where a row lacks one."""
        picked = itemgetter(*names) if len(names) > 1 else None
        for record in (FAST_SCAN(raw.decode(), 0)[0] for raw in raws):
            try:
                yield [record.get(name) for name in names] if picked is None else list(picked(record))
            except KeyError:  # this row lacks a field
                yield [record.get(name) for name in names]


def json_lines(source: Source, odd: OddRows) -> Iterator[tuple[int, bytes, Record]]:
    """Line number, raw row and record, line after line; blank lines are skipped, values that are no objects counted.

    Raises:
        InputError: at a line that is not JSON, or names a key twice.
    """
    for number, line in enumerate(split_lines(source), 1):
        raw = line.strip(BLANK)
        if not raw:
            continue
        try:
            text = raw.decode()
            value, end = STRICT_SCAN(text, 0)
        except (ValueError, StopIteration, RecursionError):  # read again, for the error
            text = decoded(raw, source.name, number)
            value, end = _scanned(text, 0, source.name, number)
        if end != len(text):
            raise _not_json(source.name, number, f"more text after the first value, at character {end + 1}")
        if isinstance(value, dict):
            if not CONTAINERS.isdisjoint(map(type, value.values())):
                _check_depth(value, raw, source.name, number)
            yield number, raw, value
        else:
            odd.add(f"{type_name(value)}, not an object", _no_object(value, source.name, number))


def json_array(source: Source, odd: OddRows) -> Iterator[tuple[int, bytes, Record]]:
    """Line number, raw row and record of each object of a JSON array; other elements are counted.

    The array is read into memory.

    Raises:
        InputError: at an element that is not JSON, or names a key twice.
    """
    text = decoded(source.whole().removeprefix(BOM), source.name, 1)
    position, _ = _after_space(text, 0, 1)
    position, number = yield from array_rows(text, position, source.name, odd)
    position, number = _after_space(text, position, number)
    if position != len(text):
        raise _not_json(source.name, number, "more text after the closing bracket of the array")


def array_rows(
    text: str, start: int, name: str, odd: OddRows
) -> Generator[tuple[int, bytes, Record], None, tuple[int, int]]:
    """The objects of the array that opens at ``start``; returns the position behind it and its line.

    Raises:
        InputError: at an element that is not JSON, or names a key twice.
    """
    position, number = _after_space(text, start + 1, 1 + text.count("\n", 0, start))
    more = text[position : position + 1] != "]"
    while more:
        try:
            value, end = STRICT_SCAN(text, position)
        except (ValueError, StopIteration, RecursionError):  # read again, for the error
            value, end = _scanned(text, position, name, number)
        if end - position > LINE_LIMIT:
            raise too_long(name, number)
        if isinstance(value, dict):
            raw = text[position:end].encode()
            if not CONTAINERS.isdisjoint(map(type, value.values())):
                _check_depth(value, raw, name, number)
            yield number, raw, value
        else:
            odd.add(f"{type_name(value)}, not an object", _no_object(value, name, number))
        comma = COMMA.match(text, end)
        more = comma is not None
        number += text.count("\n", position, after := comma.end() if comma else end)
        position = after
    position, number = _after_space(text, position, number)
    if text[position : position + 1] != "]":
        raise _not_json(name, number, "the array has neither a comma nor its closing bracket here")
    return position + 1, number


def _after_space(text: str, position: int, number: int) -> tuple[int, int]:
    match = SPACE.match(text, position)
    end = match.end() if match else position
    return end, number + text.count("\n", position, end)


def _scanned(text: str, position: int, name: str, number: int) -> tuple[object, int]:
    try:
        return STRICT.raw_decode(text, position)
    except json.JSONDecodeError as error:
        line = number + text.count("\n", position, error.pos)
        column = error.pos - text.rfind("\n", 0, error.pos)
        raise _not_json(name, line, f"{error.msg.removesuffix(' at')} at character {column}") from error
    except RecursionError as error:
        raise _too_deep(name, number) from error
    except RepeatedKeyError as error:
        raise InputError(
            f"{name}, line {number}: the keys {show_names(error.keys)} appear more than once",
            expected="each key once per object: readers keep one value and lose the others",
            todo="rename or remove the repeated keys in this row",
        ) from error
    except ValueError as error:  # an integer of more digits than Python converts (sys.set_int_max_str_digits)
        raise _not_json(name, number, "a number with thousands of digits") from error


def _no_object(value: object, name: str, number: int) -> InputError:
    return InputError(
        f"{name}, line {number}: {type_name(value)}, not an object",
        expected=EXPECTED,
        todo='write each row as an object with named fields, such as {"text": "..."}',
    )


def _check_depth(value: Record, raw: bytes, name: str, number: int) -> None:
    if raw.count(b"[") + raw.count(b"{") > DEPTH_LIMIT and _depth(value) > DEPTH_LIMIT:
        raise _too_deep(name, number)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """The object of these members.

    Raises:
        RepeatedKeyError: a key appears more than once.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        raise RepeatedKeyError([key for key, count in Counter(key for key, _ in pairs).items() if count > 1])
    return found


STRICT = json.JSONDecoder(object_pairs_hook=_object)
STRICT_SCAN: Callable[[str, int], tuple[object, int]] = vars(STRICT)["scan_once"]


class RepeatedKeyError(ValueError):
    """An object names keys more than once."""

    def __init__(self, keys: list[str]) -> None:
        super().__init__(keys)
        self.keys = keys


def _depth(value: object) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        below = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, (dict, list))]
        level = [item for items in below for item in items]
    return depth - 1


def _not_json(name: str, number: int, problem: str) -> InputError:
    return InputError(f"{name}, line {number}: not JSON ({problem})", expected=EXPECTED, todo="correct this line")


def _too_deep(name: str, number: int) -> InputError:
    return InputError(
        f"{name}, line {number}: nested more than {DEPTH_LIMIT} levels deep",
        expected=f"at most {DEPTH_LIMIT} nested levels",
        todo="flatten this row or leave it out",
    )
