"""Read JSON lines and JSON arrays; errors name file and line."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from syngain.core.errors import InputError
from syngain.data.files.streams import BOM, LINE_LIMIT, Source, decoded, split_lines, too_long
from syngain.data.rows import Cells, Record, type_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DEPTH_LIMIT = 100  # deeper rows would exhaust the stack of later readers and writers
BLANK = b" \t\r"
SPACE = re.compile(r"[ \t\n\r]*")
DECODER = json.JSONDecoder()  # accepts NaN and Infinity, as Python writes them; tables decide what they mean
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
        for raw in raws:
            get = DECODER.raw_decode(raw.decode())[0].get
            yield [get(name) for name in names]


def json_lines(source: Source) -> Iterator[tuple[int, bytes, Record]]:
    """Line number, raw row and record, line after line; blank lines are skipped.

    Raises:
        InputError: at a line that is not a JSON object.
    """
    for number, line in enumerate(split_lines(source), 1):
        raw = line.strip(BLANK)
        if not raw:
            continue
        text = decoded(raw, source.name, number)
        value, end = _scanned(text, 0, source.name, number)
        if end != len(text):
            raise _not_json(source.name, number, f"more text after the first value, at character {end + 1}")
        yield number, raw, _as_record(value, raw, source.name, number)


def json_array(source: Source) -> Iterator[tuple[int, bytes, Record]]:
    """Line number, raw row and record of each element of a JSON array.

    The array is read into memory.

    Raises:
        InputError: at an element that is not a JSON object.
    """
    text = decoded(source.whole().removeprefix(BOM), source.name, 1)
    position, number = _after_space(text, 0, 1)
    position, number = _after_space(text, position + 1, number)  # behind the bracket
    more = text[position : position + 1] != "]"
    while more:
        value, end = _scanned(text, position, source.name, number)
        if end - position > LINE_LIMIT:
            raise too_long(source.name, number)
        raw = text[position:end].encode()
        yield number, raw, _as_record(value, raw, source.name, number)
        position, number = _after_space(text, end, number + text.count("\n", position, end))
        more = text[position : position + 1] == ","
        if more:
            position, number = _after_space(text, position + 1, number)
    if text[position : position + 1] != "]":
        raise _not_json(source.name, number, "the array has neither a comma nor its closing bracket here")
    position, number = _after_space(text, position + 1, number)
    if position != len(text):
        raise _not_json(source.name, number, "more text after the closing bracket of the array")


def _after_space(text: str, position: int, number: int) -> tuple[int, int]:
    match = SPACE.match(text, position)
    end = match.end() if match else position
    return end, number + text.count("\n", position, end)


def _scanned(text: str, position: int, name: str, number: int) -> tuple[object, int]:
    try:
        return DECODER.raw_decode(text, position)
    except json.JSONDecodeError as error:
        line = number + text.count("\n", position, error.pos)
        column = error.pos - text.rfind("\n", 0, error.pos)
        raise _not_json(name, line, f"{error.msg} at character {column}") from error
    except RecursionError as error:
        raise _too_deep(name, number) from error
    except ValueError as error:  # an integer of more digits than Python converts (sys.set_int_max_str_digits)
        raise _not_json(name, number, "a number with thousands of digits") from error


def _as_record(value: object, raw: bytes, name: str, number: int) -> Record:
    if not isinstance(value, dict):
        raise InputError(
            f"{name}, line {number}: {type_name(value)}, not an object",
            expected=EXPECTED,
            todo='write each row as an object with named fields, such as {"text": "..."}',
        )
    if raw.count(b"[") + raw.count(b"{") > DEPTH_LIMIT and _depth(value) > DEPTH_LIMIT:
        raise _too_deep(name, number)
    return value


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
