"""Everything readable of a damaged store, in a new one: requests, answers and the entries of the ledger."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast, get_args

from syngain.pipeline.store import spending
from syngain.pipeline.store.codec import unpacked, unpacked_reply
from syngain.pipeline.store.damage import UNREADABLE
from syngain.pipeline.store.pages import Pages
from syngain.pipeline.store.request import Request, Stage

if TYPE_CHECKING:
    from pathlib import Path

    from syngain.pipeline.store.pages import Value
    from syngain.pipeline.store.store import Store

KEY = 32  # bytes


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What was read, and what is known to be lost.

    Attributes:
        requests, answers, entries: how many. lost: answers that requests had and that are not readable.
        broken: pieces of pages that are not readable.
    """

    requests: int
    answers: int
    entries: int
    lost: int
    broken: int


def salvage(path: Path, store: Store) -> Salvaged:
    """Copy everything readable from a damaged file into a new, empty store.

    Raises:
        OSError: the file cannot be read.
    """
    pages, target, broken = Pages.of(path), store.connection, 0
    answered: set[bytes] = set()
    target.execute("BEGIN")
    for number, values in pages.records():
        try:
            if _is_request(values):
                _add_request(target, number, values)
                if values[6] == 2:
                    answered.add(_bytes(values[1]))
            elif _is_answer(values):
                _add_answer(target, values)
            elif _is_entry(values):
                _add_entry(target, number, values)
        except (*UNREADABLE, sqlite3.Error):
            broken += 1
    target.execute("COMMIT")
    counts = [
        int(target.execute(f"SELECT count(*) FROM {name}").fetchone()[0])  # noqa: S608  (constants)
        for name in ("requests", "responses", "ledger")
    ]
    held = {bytes(key) for (key,) in target.execute("SELECT key FROM responses")}
    requests, answers, entries = counts
    return Salvaged(requests, answers, entries, len(answered - held), pages.broken + broken)


def _bytes(value: Value) -> bytes:
    """A value that must be bytes.

    Raises:
        TypeError: it is not.
    """
    if not isinstance(value, bytes):
        raise TypeError(f"{type(value).__name__} in place of bytes")
    return value


def _is_key(value: Value) -> bool:
    return isinstance(value, bytes) and len(value) == KEY


def _is_request(values: list[Value]) -> bool:
    return len(values) in {9, 13} and values[0] is None and _is_key(values[1]) and isinstance(values[5], bytes)


def _is_answer(values: list[Value]) -> bool:
    return len(values) in {5, 7} and _is_key(values[0]) and isinstance(values[2], bytes)


def _is_entry(values: list[Value]) -> bool:
    numbers = values[3:]
    return len(values) == 7 and values[0] is None and all(isinstance(one, (int, float)) and one >= 0 for one in numbers)


def _add_request(target: sqlite3.Connection, number: int, values: list[Value]) -> None:
    _, key, stage, parent, name, body, state, attempts = values[:8]
    if stage not in get_args(Stage):
        raise ValueError(f"the stage {stage!r}")
    origin = None if parent is None else _bytes(parent)
    Request.from_json(unpacked(_bytes(body)), stage=cast("Stage", stage), parent=origin)  # raises where it is damaged
    target.execute(
        "INSERT OR REPLACE INTO requests VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (number, key, stage, parent, name, body, state, attempts, values[-1]),
    )


def _add_answer(target: sqlite3.Connection, values: list[Value]) -> None:
    key, server, digest, words, numbers = (*values[:3], *values[-2:])
    unpacked_reply(_bytes(words), None if numbers is None else _bytes(numbers))  # raises where it is damaged
    target.execute("INSERT OR IGNORE INTO responses VALUES (?, ?, ?, ?, ?)", (key, server, digest, words, numbers))


def _add_entry(target: sqlite3.Connection, number: int, values: list[Value]) -> None:
    target.execute("INSERT OR IGNORE INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?)", (number, *values[1:]))


def ledger_lines(store: Store) -> list[dict[str, object]]:
    """The entries of the ledger, for ``ledger.jsonl``."""
    return list(spending.entries(store.connection))
