"""Rows that are left out, and roles that read as empty."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from syngain.core.errors import InputError
from syngain.data.rows import show, show_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.data.columns.content import BadCellError
    from syngain.data.columns.roles import Roles
    from syngain.data.rows import Loaded, OddRows

SHOWN = 300  # characters of a row in a message


def reason(loaded: Loaded, index: int, name: str, error: BadCellError) -> str:
    """Why a row is left out, in a few words."""
    absent = loaded.fields[name].count and name not in loaded.rows[index]
    return f"`{show(name)}` {'is missing' if absent else error.problem}"


def kept_rows(total: int, odd: Sequence[int]) -> list[int]:
    """The rows that are not left out, in order."""
    gone = set(odd)
    return [row for row in range(total) if row not in gone]


def notes(loaded: Loaded, odd: OddRows) -> list[str]:
    """The note on rows that are left out, those of the file included.

    Raises:
        InputError: half of the rows or more are left out.
    """
    total = len(loaded) + len(loaded.odd)
    odd.join(loaded.odd)
    odd.check(total)
    return [odd.note(total)] if len(odd) else []


def check_filled(loaded: Loaded, roles: Roles, sides: Mapping[str, Sequence[str]]) -> None:
    """Refuse a role that reads as empty in more than half of the rows.

    Raises:
        InputError: with the first such row as it is.
    """
    for role, texts in sides.items():
        if role == "prompt" and roles.rejected is not None and len(roles.text) == 1:
            continue  # a preference without a field of the prompt
        empty = texts.count("") + sum(map(str.isspace, texts))
        if 2 * empty <= len(texts) or len(texts) < 2:
            continue
        first = next(row for row, text in enumerate(texts) if not text or text.isspace())
        fields = roles.text[-1:] if role == "response" else roles.text[:-1] or roles.text
        raise InputError(
            f"{loaded.place(first)}: the {role} in {show_names(fields)} reads as empty, as in {empty:,} of "
            f"{len(texts):,} rows; the row: {_row(loaded.rows[first])}",
            expected=f"a {role} in every row",
            todo="name the fields: --text NAME, a pair: --text PROMPT+RESPONSE",
        )


def _row(record: Mapping[str, object]) -> str:
    text = json.dumps(record, ensure_ascii=False, default=str)
    safe = "".join(c if c.isprintable() else " " for c in text[:SHOWN])
    return safe + ("..." if len(text) > SHOWN else "")
