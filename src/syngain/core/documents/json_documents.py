"""JSON from a file, within bounds: one error for what is too large, too deep, not JSON or not a number."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from syngain.core.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 64 << 20  # bytes of a document


def json_file(path: Path, *, expected: str, todo: str, largest: int = LARGEST) -> object:
    """The content of a JSON file.

    Args:
        path: the file.
        expected: the second part of the error.
        todo: the third part.
        largest: bytes.

    Raises:
        FileNotFoundError: it does not exist. InputError: it cannot be read, is too large, too deep or not JSON.
    """
    try:
        size = path.stat().st_size
        if size > largest:
            raise InputError(
                f"{path} has {size:,} bytes", expected=f"{expected}, of at most {largest:,} bytes", todo=todo
            )
        return json_value(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error})", expected=expected, todo=todo) from error
    except ValueError as error:
        raise InputError(f"{path} cannot be read ({error})", expected=expected, todo=todo) from error


def json_value(text: str | bytes) -> object:
    """The value of a JSON text, without NaN and infinity.

    Raises:
        ValueError: it is not JSON, nested too deeply, or holds a number that JSON has not.
    """
    try:
        return json.loads(text, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def json_object(text: str | bytes) -> dict[str, object]:
    """The object of a JSON text; see :func:`json_value`.

    Raises:
        ValueError: it is not JSON, or no object.
    """
    value = json_value(text)
    if not isinstance(value, dict):
        raise ValueError(f"a JSON value of type {type(value).__name__} in place of an object")  # noqa: TRY004
    return value


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")
