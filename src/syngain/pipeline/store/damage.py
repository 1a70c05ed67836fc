"""What is wrong with a store, in words: damaged, foreign, emptied, or older than the rows next to it."""

from __future__ import annotations

import shutil
import sqlite3
import struct
import sys
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Literal

from syngain.core.errors import InputError, SyngainError, UnfinishedError, UsageError
from syngain.core.phrases import listed
from syngain.pipeline.store.pages import FRAME_HEADER, frames

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TRACES = ("rows.jsonl", "kept.jsonl", "dropped.jsonl", "ledger.jsonl", "store.sqlite-wal")  # of a run that had answers
OPEN = 1  # user version of a file while a process writes it: its write-ahead log belongs to it
WORD = 0xFFFFFFFF
SMALLEST_LOG = 568  # bytes of one with a page


NOTHING_SENT = "; nothing was sent"


def damaged(path: Path, what: str) -> InputError:
    """The error of a store that cannot be continued: what was found, and how to save what is in it."""
    return InputError(
        f"{path} {what}{NOTHING_SENT}",
        expected="the store as `syngain generate` left it",
        todo=f"restore it from a copy, or save what is readable with `syngain generate --recover {path.parent}`; "
        "to pay for all rows again, name another folder with -o DIR",
    )


def check_traces(path: Path) -> None:
    """Refuse to begin a store next to the rows of an earlier one: its answers would be paid again.

    Raises:
        InputError: the store is absent or empty, and files of its run are there; or its write-ahead log was removed.
    """
    if not path.exists() or not path.stat().st_size:
        found = [name for name in TRACES if _has_content(path.with_name(name))]
        if found:
            state, are = "empty" if path.exists() else "missing", "are" if len(found) > 1 else "is"
            raise damaged(path, f"is {state}, and {listed(found)} of its run {are} there")
        return
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except OSError as error:
        raise damaged(path, f"cannot be read ({error.strerror or error})") from error
    log = path.with_name(f"{path.name}-wal")
    if header[60:64] == OPEN.to_bytes(4) and (not log.is_file() or log.stat().st_size < SMALLEST_LOG):
        raise damaged(path, f"was not closed, and its last answers, {path.name}-wal, are missing")


def _has_content(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def check_log(path: Path) -> None:
    """Refuse a write-ahead log with damage before the end of its last transaction: SQLite would drop what follows.

    Raises:
        InputError: a transaction that ended is not readable.
    """
    beside = path.with_name(f"{path.name}-wal")
    if not _has_content(beside):
        return
    log = beside.read_bytes()
    size = int.from_bytes(log[8:12])
    readable, ended = (0, 1) if not 512 <= size <= 65_536 or size & (size - 1) else _frames(log, size)
    if readable < ended:
        raise damaged(path, f"has damaged last answers ({beside.name} is readable up to page {readable} of {ended})")


def _frames(log: bytes, size: int) -> tuple[int, int]:
    """The number of the last readable frame that ends a transaction, and of the last that says so."""
    places, salts = frames(log, size), log[16:24]
    ends = [
        number
        for number, at in enumerate(places, 1)
        if log[at + 8 : at + 16] == salts and log[at + 4 : at + 8] != bytes(4)
    ]
    first = log[places[0] + 8 : places[0] + 12] if len(places) else b""
    if not ends:  # a log that had just begun anew still holds the frames before it
        anew = not first or int.from_bytes(salts[:4]) == (int.from_bytes(first) + 1) & WORD
        return 0, 0 if anew else 1
    order: Literal["<", ">"] = ">" if log[3] & 1 else "<"
    sums = _checksum((0, 0), log[:24], order)
    if _pair(log, 24) != sums:
        return 0, ends[-1]
    readable, whole = 0, set(ends)
    for number, at in enumerate(places[: ends[-1]], 1):
        page = log[at + FRAME_HEADER : at + FRAME_HEADER + size]
        if len(page) == size:
            sums = _checksum(_checksum(sums, log[at : at + 8], order), page, order)
        if len(page) < size or _pair(log, at + 16) != sums:
            return readable, readable if number == ends[-1] and _torn(log, places, number, size) else ends[-1]
        readable = number if number in whole else readable
    return readable, ends[-1]


def _torn(log: bytes, places: range, number: int, size: int) -> bool:
    """Whether a killed process may have left this frame, the last one, half-written: it was never committed.

    The write ended before the file had the whole frame, or it was replacing a frame of an earlier log.
    """
    return len(log) < places[number - 1] + FRAME_HEADER + size or number < len(places)


def _pair(log: bytes, at: int) -> tuple[int, int]:
    return int.from_bytes(log[at : at + 4]), int.from_bytes(log[at + 4 : at + 8])


def _checksum(sums: tuple[int, int], content: bytes, order: Literal["<", ">"]) -> tuple[int, int]:
    """The checksum of SQLite's log, continued."""
    first, second = sums
    words = struct.unpack(f"{order}{len(content) // 4}I", content)
    for one, other in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & WORD
        second = (second + other + first) & WORD
    return first, second


def damage_of(path: Path, place: Path) -> str:
    """What is missing or damaged in a store, empty where nothing is; its copy in an empty folder is looked through."""
    log = path.with_name(f"{path.name}-wal")
    try:
        check_traces(path)
        check_log(path)
        if not path.is_file() or not path.stat().st_size:
            return f"{path} is {'empty' if path.exists() else 'missing'}"
        copy = place / path.name
        for one in (path, log):
            if one.is_file():
                shutil.copyfile(one, copy.with_name(one.name))
        with closing(sqlite3.connect(copy)) as connection:
            check_content(connection, path)
    except InputError as error:
        return error.came.removesuffix(NOTHING_SENT)
    except sqlite3.Error as error:
        return f"{path} is damaged ({error})"
    return ""


def check_content(connection: sqlite3.Connection, path: Path) -> None:
    """Look through a store that is there before anything is sent.

    Raises:
        InputError: SQLite finds it damaged, its ledger or its requests are gone, or it is older than its rows.
    """
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise damaged(path, f"is damaged ({' '.join(str(found).split())})")
    count = {
        name: int(connection.execute(f"SELECT {what}").fetchone()[0])
        for name, what in (
            ("requests", "count(*) FROM requests"),
            ("attempts", "coalesce(sum(attempts), 0) FROM requests"),
            ("answers", "count(*) FROM responses"),
            ("entries", "count(*) FROM ledger"),
            ("planned", "count(*) FROM meta WHERE key = 'fingerprint'"),
        )
    }
    if count["attempts"] and not count["entries"]:
        raise damaged(path, f"holds {count['answers']:,} answers and no ledger")
    if count["planned"] and not count["requests"]:
        raise damaged(path, "holds no requests, and was planned")
    rows = _lines(path.with_name("rows.jsonl"))
    if rows > count["answers"]:
        raise damaged(path, f"holds {count['answers']:,} answers, and rows.jsonl next to it has {rows:,} rows")


def _lines(path: Path) -> int:
    """Lines of a file, 0 where there is none."""
    if not path.is_file():
        return 0
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def translated(path: Path, error: sqlite3.Error) -> SyngainError:
    """An error of SQLite in three parts."""
    text = str(error)
    if "locked" in text or "busy" in text:
        return UsageError(
            f"{path} is in use by another process",
            expected="one run per output folder",
            todo="wait until it ends, or name another folder with -o DIR",
        )
    if "disk is full" in text or "disk I/O" in text:
        return UnfinishedError(
            f"the disk is full or failed while writing {path} ({text})",
            expected="enough disk space",
            todo="free disk space, then continue with --resume",
        )
    if "unable to open" in text or "readonly" in text or "authoriz" in text:
        return UsageError(
            f"{path} cannot be opened ({text})",
            expected="a path with read and write permission",
            todo="name another folder with -o DIR",
        )
    if "not a database" in text:
        return damaged(path, f"is not a run store ({text})")
    return damaged(path, f"is damaged ({text})")


UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError, struct.error)
"""What reading a value from damaged bytes may raise."""


@contextmanager
def marked_open(connection: sqlite3.Connection) -> Iterator[None]:
    """Note in the file itself that it is being written, so that a removed write-ahead log is noticed."""
    connection.execute(f"PRAGMA user_version = {OPEN}")
    connection.execute("PRAGMA wal_checkpoint(FULL)")
    try:
        yield
    finally:
        try:
            connection.execute("PRAGMA user_version = 0")
        except sqlite3.Error:  # the disk is full: the log stays, and the note with it
            if sys.version_info >= (3, 12):
                connection.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE)
            raise
