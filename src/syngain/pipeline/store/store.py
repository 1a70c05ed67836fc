"""The run store of requests, answers and decisions: SQLite, safe under kills.

There is one writer. Every request is planned before the first is sent, is marked as sent before it leaves, and its
answer is committed in one transaction. After a kill, sent requests without an answer may have been billed. Times, keys
and addresses are never stored.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from syngain.core.errors import InputError, UsageError
from syngain.generators.protocol import DECLINED, prompt_hash
from syngain.pipeline.store import spending
from syngain.pipeline.store.codec import content_digest, packed, packed_reply, unpacked, unpacked_reply
from syngain.pipeline.store.damage import (
    UNREADABLE,
    check_content,
    check_log,
    check_traces,
    marked_open,
    translated,
)
from syngain.pipeline.store.request import Pending, Request

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from syngain.generators.protocol import Reply
    from syngain.pipeline.store.request import Stage
    from syngain.pipeline.store.spending import Charge, Cost, Spent

SCHEMA = 2
PLANNED, SENT, DONE, REFUSED, EXHAUSTED = range(5)
_TABLES = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    (
        "CREATE TABLE requests (position INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, stage TEXT NOT NULL,"
        " parent BLOB, prompt_hash TEXT NOT NULL, body BLOB NOT NULL, state INTEGER NOT NULL DEFAULT 0,"
        " attempts INTEGER NOT NULL DEFAULT 0, reason TEXT)"
    ),
    "CREATE INDEX requests_state ON requests (state, position)",
    "CREATE INDEX requests_prompt ON requests (prompt_hash)",
    "CREATE INDEX requests_parent ON requests (parent) WHERE parent IS NOT NULL",
    (
        "CREATE TABLE responses (key BLOB PRIMARY KEY, server_id TEXT, digest BLOB NOT NULL, words BLOB NOT NULL,"
        " numbers BLOB)"
    ),
    "CREATE INDEX responses_server_id ON responses (server_id) WHERE server_id <> ''",
    (
        "CREATE TABLE decisions (key BLOB NOT NULL, step INTEGER NOT NULL, name TEXT NOT NULL, kept INTEGER NOT NULL,"
        " reason TEXT, PRIMARY KEY (key, step)) WITHOUT ROWID"
    ),
    *spending.TABLES,
)


class Store:
    """The store of one run, opened by one process at a time.

    Every method is a transaction.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[Store]:
        """Open or create a store; its schema is current when the block begins.

        Raises:
            UsageError: another process uses it. InputError: it is not a store, has another schema, is damaged, or is
                missing while rows of its run are there. UnfinishedError: the disk is full.
        """
        check_traces(path)
        check_log(path)
        try:
            connection = sqlite3.connect(path, isolation_level=None, timeout=0.2)
            try:
                for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = NORMAL"):
                    connection.execute(f"PRAGMA {pragma}")
                connection.execute("PRAGMA wal_autocheckpoint = 4000")  # pages; each checkpoint waits for the disk
                connection.execute("PRAGMA cache_size = -8192")
                _prepare(connection, path)
                with marked_open(connection):
                    yield cls(connection)
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise translated(path, error) from error

    @classmethod
    @contextmanager
    def reading(cls, path: Path) -> Iterator[Store]:
        """Open the store of a complete run read-only, without writing any file.

        Raises:
            UsageError: it does not exist, or cannot be read.
        """
        if not path.exists():
            raise UsageError(
                f"there is no {path}",
                expected="the store of a complete run",
                todo="read the rows from the run folder it was written to",
            )
        closed = "" if path.with_name(f"{path.name}-wal").exists() else "&immutable=1"
        try:
            with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro{closed}", uri=True)) as connection:
                yield cls(connection)
        except sqlite3.Error as error:
            raise translated(path, error) from error

    def meta(self, key: str) -> str | None:
        """A value of the ``meta`` table."""
        found = self.connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if found is None else str(found[0])

    def set_meta(self, key: str, value: str) -> None:
        """Write a value of the ``meta`` table."""
        self.connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def plan(self, requests: Iterable[Request], identity: Mapping[str, object]) -> int:
        """Write all planned requests in one transaction.

        The sample index continues among equal prompts.
        """
        with self._transaction():
            return sum(self._insert(request, identity, counting=True) for request in requests)

    def add(self, request: Request, identity: Mapping[str, object]) -> bytes:
        """Add one request unless it exists; returns its key."""
        self._insert(request, identity, counting=False)
        return request.key(identity)

    def pending(self, after: int, limit: int, until: int | None = None) -> list[Pending]:
        """The next requests without an answer, in plan order.

        Up to a position, with repair turns beyond it.
        """
        rows = self.connection.execute(
            "SELECT position, key, stage, parent, body FROM requests WHERE state = ? AND position > ?"
            " AND (? IS NULL OR position <= ? OR stage = 'repair') ORDER BY position LIMIT ?",
            (PLANNED, after, until, until, limit),
        ).fetchall()
        return [Pending(row[0], row[1], request_of(row[2], row[3], row[4])) for row in rows]

    def counts(self) -> dict[int, int]:
        """Number of requests by state."""
        return dict(self.connection.execute("SELECT state, count(*) FROM requests GROUP BY state").fetchall())

    def sent(self, items: Iterable[tuple[bytes, Cost]]) -> list[int]:
        """Mark requests as sent, and reserve their maximal costs: (key, cost); the entries of the ledger."""
        with self._transaction():
            found = list(items)
            self.connection.executemany(
                "UPDATE requests SET state = ?, attempts = attempts + 1 WHERE key = ?",
                [(SENT, key) for key, _ in found],
            )
            return [spending.reserve(self.connection, key, cost) for key, cost in found]

    def answered(
        self,
        item: Pending,
        reply: Reply,
        settled: tuple[int, Charge] | None,
        follow: Request | None,
        identity: Mapping[str, object],
    ) -> None:
        """Commit an answer with its entry of the ledger and its cost, and the request that follows from it, if any."""
        words, numbers = packed_reply(reply)
        with self._transaction():
            self.connection.execute(
                "INSERT INTO responses (key, server_id, digest, words, numbers) VALUES (?, ?, ?, ?, ?)",
                (item.key, reply.id, content_digest(reply), words, numbers),
            )
            self.connection.execute("UPDATE requests SET state = ? WHERE key = ?", (DONE, item.key))
            if settled is not None:
                spending.settle(self.connection, *settled)
            if follow is not None:
                self._insert(follow, identity, counting=False)

    def reserved(self, key: bytes, cost: Cost) -> int:
        """Reserve the maximal cost of a request outside the plan, such as a probe; its entry of the ledger."""
        return spending.reserve(self.connection, key, cost)

    def settled(self, entry: int, charge: Charge, reply: Reply | None = None) -> None:
        """Write the cost of a request outside the plan, with its answer: a server may send it again."""
        with self._transaction():
            spending.settle(self.connection, entry, charge)
            if reply is not None:
                words, numbers = packed_reply(reply)
                self.connection.execute(
                    "INSERT INTO responses (key, server_id, digest, words, numbers) VALUES (?, ?, ?, ?, ?)",
                    (f"paid {entry}".encode(), reply.id, content_digest(reply), words, numbers),
                )

    def lost(self, key: bytes, entry: int, charge: Charge, *, state: int = PLANNED, reason: str | None = None) -> None:
        """Record a lost attempt with what it may have cost."""
        with self._transaction():
            self.connection.execute("UPDATE requests SET state = ?, reason = ? WHERE key = ?", (state, reason, key))
            spending.settle(self.connection, entry, charge)

    def recover(self) -> int:
        """Recover from a kill: requests in flight are planned again; the ledger keeps what they may have cost.

        So are those that were exhausted. Returns the number of requests in flight.
        """
        with self._transaction():
            (flying,) = self.connection.execute("SELECT count(*) FROM requests WHERE state = ?", (SENT,)).fetchone()
            self.connection.execute("UPDATE requests SET state = 0 WHERE state IN (?, ?)", (SENT, EXHAUSTED))
            self.connection.execute("DELETE FROM requests WHERE stage = 'verify' AND state = 0")  # asked for anew
        return int(flying)

    def spent(self) -> Spent:
        """The amounts spent so far; requests in flight count at their maximal cost."""
        return spending.spent(self.connection)

    def replayed(self, reply: Reply) -> bool:
        """Whether the server sent this answer before, to another request.

        Same id and same content.
        """
        if not reply.id:
            return False
        found = self.connection.execute(
            "SELECT 1 FROM responses WHERE server_id = ? AND digest = ? AND server_id <> ''",
            (reply.id, content_digest(reply)),
        ).fetchone()
        return found is not None

    def reply(self, key: bytes) -> Reply | None:
        """The answer to a request, None where there is none."""
        found = self.connection.execute("SELECT words, numbers FROM responses WHERE key = ?", (key,)).fetchone()
        try:
            return None if found is None else unpacked_reply(*found)
        except UNREADABLE as error:
            raise sqlite3.DatabaseError(f"an answer is malformed: {error}") from error

    def state(self, key: bytes) -> tuple[int, str | None]:
        """The state of a request and why it has no answer."""
        found = self.connection.execute("SELECT state, reason FROM requests WHERE key = ?", (key,)).fetchone()
        return (PLANNED, None) if found is None else (int(found[0]), found[1])

    def child(self, key: bytes) -> bytes | None:
        """The request that repairs the answer to this one, if any."""
        found = self.connection.execute("SELECT key FROM requests WHERE parent = ?", (key,)).fetchone()
        return None if found is None else bytes(found[0])

    def wanted(self) -> Iterator[tuple[bytes, Request]]:
        """Every request for a row, ordered by key."""
        last = b""
        while True:
            rows = self.connection.execute(
                "SELECT key, stage, parent, body FROM requests WHERE key > ? AND stage IN ('generate', 'template')"
                " ORDER BY key LIMIT 256",
                (last,),
            ).fetchall()
            if not rows:
                return
            last = rows[-1][0]
            for key, stage, parent, body in rows:
                yield key, request_of(stage, parent, body)

    def asked(self, after: int, until: int) -> Iterator[tuple[bytes, Request]]:
        """The requests for rows at these positions, in plan order."""
        rows = self.connection.execute(
            "SELECT key, stage, parent, body FROM requests WHERE position > ? AND position <= ?"
            " AND stage IN ('generate', 'template') ORDER BY position",
            (after, until),
        ).fetchall()
        return ((key, request_of(stage, parent, body)) for key, stage, parent, body in rows)

    def cut(self, after: int) -> None:
        """Remove the plan beyond a position."""
        with self._transaction():
            self.connection.execute(
                "DELETE FROM requests WHERE position > ? AND stage IN ('generate', 'template')", (after,)
            )
            self.set_meta("cut", str(after))

    def decide(self, decisions: Iterable[tuple[bytes, int, str, str | None]]) -> None:
        """Write curation decisions: key, step, name of the step, reason to drop or None."""
        with self._transaction():
            self.connection.executemany(
                "INSERT OR REPLACE INTO decisions VALUES (?, ?, ?, ?, ?)",
                ((key, step, name, int(reason is None), reason) for key, step, name, reason in decisions),
            )

    def sizes(self) -> tuple[int, int, int]:
        """After curation: rows with content, rows kept, rows dropped."""
        (held,) = self.connection.execute("SELECT count(*) FROM decisions WHERE step = 0 AND kept = 1").fetchone()
        (judged,) = self.connection.execute("SELECT count(*) FROM decisions WHERE step = -1").fetchone()
        (dropped,) = self.connection.execute("SELECT count(*) FROM decisions WHERE kept = 0").fetchone()
        return held, judged - dropped, dropped

    def acceptance(self) -> list[tuple[str, int, str, int, int]]:
        """By prompt and curation step: prompt hash, step, name, rows kept, rows judged."""
        return self.connection.execute(
            "SELECT prompt_hash, step, name, sum(kept), count(*) FROM decisions JOIN requests USING (key)"
            " GROUP BY prompt_hash, step, name ORDER BY step, prompt_hash"
        ).fetchall()

    def reasons(self) -> list[tuple[str, int]]:
        """Why rows were dropped, the most frequent first."""
        return self.connection.execute(
            "SELECT name || ': ' || reason, count(*) AS rows FROM decisions WHERE kept = 0"
            " GROUP BY name, reason ORDER BY rows DESC, name, reason LIMIT 12"
        ).fetchall()

    def without_text(self) -> dict[str, int]:
        """Requests whose answers have no text for a row, by reason."""
        rows = self.connection.execute(
            "SELECT reason, count(*) FROM requests WHERE state = ? AND stage <> 'verify' GROUP BY reason", (REFUSED,)
        )
        return {reason: count for reason, count in sorted(rows) if reason in DECLINED}

    def forget_decisions(self) -> None:
        """Delete all decisions; curation depends on the answers only."""
        self.connection.execute("DELETE FROM decisions")

    def dropped(self, key: bytes) -> tuple[str, str] | None:
        """The step that dropped a row, and the reason; None if it was kept."""
        found = self.connection.execute(
            "SELECT name, reason FROM decisions WHERE key = ? AND kept = 0 ORDER BY step LIMIT 1", (key,)
        ).fetchone()
        return None if found is None else (found[0], found[1])

    def _insert(self, request: Request, identity: Mapping[str, object], *, counting: bool) -> int:
        name = prompt_hash(request.messages)
        if counting:
            (before,) = self.connection.execute(
                "SELECT count(*) FROM requests WHERE prompt_hash = ?", (name,)
            ).fetchone()
            request = replace(request, sample=int(before))
        row = (request.key(identity), request.stage, request.parent, name, packed(request.as_json()))
        done = self.connection.execute(
            "INSERT OR IGNORE INTO requests (key, stage, parent, prompt_hash, body) VALUES (?, ?, ?, ?, ?)", row
        )
        return done.rowcount

    def _transaction(self) -> AbstractContextManager[None]:
        return _transaction(self.connection)


def request_of(stage: Stage, parent: bytes | None, body: bytes) -> Request:
    """The request of a stored body.

    Raises:
        sqlite3.DatabaseError: the body is damaged.
    """
    try:
        return Request.from_json(unpacked(body), stage=stage, parent=parent)
    except UNREADABLE as error:
        raise sqlite3.DatabaseError(f"a request is malformed: {error}") from error


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Create the tables of a new store; check the schema and the content of an old one, upgrade the last one.

    Takes the lock in all cases.
    """
    with _transaction(connection, "EXCLUSIVE"):
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables:
            for statement in _TABLES:
                connection.execute(statement)
            connection.execute("INSERT INTO meta VALUES ('schema', ?)", (str(SCHEMA),))
            return
        found = (
            connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone() if "meta" in tables else None
        )
        if found is not None and found[0] == "1":
            spending.upgraded(connection)
            connection.execute("UPDATE meta SET value = ? WHERE key = 'schema'", (str(SCHEMA),))
        elif found is None or found[0] != str(SCHEMA):
            raise InputError(
                f"{path} has schema {None if found is None else found[0]}",
                expected=f"a run store of schema {SCHEMA}",
                todo="finish the run with the syngain version that started it, or name another folder with -o DIR",
            )
        check_content(connection, path)


@contextmanager
def _transaction(connection: sqlite3.Connection, kind: str = "IMMEDIATE") -> Iterator[None]:
    connection.execute(f"BEGIN {kind}")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
