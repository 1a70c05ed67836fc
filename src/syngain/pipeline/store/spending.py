"""The ledger of a run store: one entry when a request leaves, one when its cost is known. Append-only.

A reservation is the maximal cost of an attempt. It is settled by a second entry, and counts in full until then: so does
an attempt that a kill left in flight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

TABLES = (
    (
        "CREATE TABLE ledger (entry INTEGER PRIMARY KEY, settles INTEGER, key BLOB, least_tokens INTEGER NOT NULL,"
        " least_usd REAL NOT NULL, most_tokens INTEGER NOT NULL, most_usd REAL NOT NULL)"
    ),
    "CREATE UNIQUE INDEX ledger_settles ON ledger (settles) WHERE settles IS NOT NULL",
    *(
        f"CREATE TRIGGER ledger_{change} BEFORE {change} ON ledger"
        " BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
        for change in ("DELETE", "UPDATE")
    ),
)
_INSERT = "INSERT INTO ledger (settles, key, least_tokens, least_usd, most_tokens, most_usd) VALUES (?, ?, ?, ?, ?, ?)"
_SUMS = "coalesce(sum(least_tokens), 0), total(least_usd), coalesce(sum(most_tokens), 0), total(most_usd)"
_UNSETTLED = "settles IS NULL AND entry NOT IN (SELECT settles FROM ledger WHERE settles IS NOT NULL)"


Cost = tuple[int, float]
"""Tokens and US dollars."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What an attempt cost, at least and at most.

    ``overrun``: the server reports more than the request can cost.
    """

    least: Cost = (0, 0.0)
    most: Cost = (0, 0.0)
    overrun: bool = False


@dataclass(frozen=True, slots=True)
class Spent:
    """What all attempts of a run cost, at least and at most: tokens and US dollars."""

    least: Cost
    most: Cost


def reserve(connection: sqlite3.Connection, key: bytes, cost: Cost) -> int:
    """The number of a new reservation."""
    found = connection.execute(_INSERT, (None, key, 0, 0.0, cost[0], cost[1])).lastrowid
    assert found is not None  # noqa: S101  (an insert has one)
    return found


def settle(connection: sqlite3.Connection, entry: int, charge: Charge) -> None:
    """Write what the attempt of a reservation cost."""
    connection.execute(_INSERT, (entry, None, *charge.least, *charge.most))


def unsettled(connection: sqlite3.Connection, key: bytes) -> tuple[int, Cost] | None:
    """The last reservation of a key that has no settlement: its number and its maximal cost."""
    found = connection.execute(
        f"SELECT entry, most_tokens, most_usd FROM ledger WHERE key = ? AND {_UNSETTLED}"  # noqa: S608  (a constant)
        " ORDER BY entry DESC LIMIT 1",
        (key,),
    ).fetchone()
    return None if found is None else (int(found[0]), (int(found[1]), float(found[2])))


def spent(connection: sqlite3.Connection) -> Spent:
    """The sums of all entries: settled attempts, and reservations without a settlement."""
    settled, flying = (
        connection.execute(f"SELECT {_SUMS} FROM ledger WHERE {which}").fetchone()  # noqa: S608  (constants)
        for which in ("settles IS NOT NULL", _UNSETTLED)
    )
    return Spent((settled[0], settled[1]), (settled[2] + flying[2], settled[3] + flying[3]))


def entries(connection: sqlite3.Connection) -> Iterator[dict[str, object]]:
    """All entries in order, by name; keys in hexadecimal digits."""
    names = ("entry", "settles", "key", "least_tokens", "least_usd", "most_tokens", "most_usd")
    for row in connection.execute(f"SELECT {', '.join(names)} FROM ledger ORDER BY entry"):  # noqa: S608  (constants)
        named = dict(zip(names, row, strict=True))
        yield named | {"key": None if named["key"] is None else bytes(named["key"]).hex()}


def upgraded(connection: sqlite3.Connection) -> None:
    """Turn a store of schema 1, whose costs stand next to requests and answers, into one with a ledger."""
    answered = connection.execute("SELECT coalesce(sum(tokens), 0), total(usd) FROM responses").fetchone()
    lost = connection.execute("SELECT coalesce(sum(lost_tokens), 0), total(lost_usd) FROM requests").fetchone()
    flying = connection.execute(
        "SELECT coalesce(sum(worst_tokens), 0), total(worst_usd) FROM requests WHERE state = 1"
    ).fetchone()
    for statement in TABLES:
        connection.execute(statement)
    connection.execute("UPDATE meta SET key = 'capabilities' WHERE key = 'speaks'")
    tokens, usd = (sum(part) for part in zip(answered, lost, flying, strict=True))
    entry = reserve(connection, b"", (tokens, usd))
    connection.execute(_INSERT, (entry, None, *answered, tokens, usd))
    for table, column in (
        *(("requests", name) for name in ("worst_tokens", "worst_usd", "lost_tokens", "lost_usd")),
        *(("responses", name) for name in ("tokens", "usd")),
    ):
        connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
