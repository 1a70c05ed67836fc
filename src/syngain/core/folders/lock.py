"""One process at a time in the folder of a run: a lock that ends with its process and names its owner."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shlex
import socket
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 120  # characters of a command in an error


@dataclass
class _Held:
    """A lock of this process: its descriptor (None where the file system has no locks), and how often it is held."""

    descriptor: int | None
    times: int = 0


_held: dict[str, _Held] = {}  # places that this process holds
_guard = threading.Lock()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the place of a run folder and of its unfinished work; within a process it can be held again.

    The lock is a file next to the place, or in the nearest folder that exists. The kernel releases it when the process
    ends, whatever ended it.

    Raises:
        UsageError: another process holds it; the error names that process and its command.
    """
    place = lock_file(folder)
    with _guard:
        if place not in _held:
            _held[place] = _Held(_acquired(Path(place), folder))
        _held[place].times += 1
    try:
        yield
    finally:
        with _guard:
            _release(place)


def lock_file(folder: Path) -> str:
    """The file that stands for a place, whether it exists or not."""
    target = Path(os.path.realpath(folder))
    above = next(place for place in (target.parent, *target.parents) if place.is_dir())
    name = hashlib.sha256(os.fsencode(target)).hexdigest()[:12]
    return str(above / f".syngain-{name}.lock")


def _acquired(place: Path, folder: Path) -> int | None:
    """A descriptor that holds the lock; None where the file system has no locks."""
    while True:
        try:
            descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError:
            return None  # the place cannot be written: its own error says so
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = _owner(descriptor)
            os.close(descriptor)
            raise UsageError(
                f"{folder} is in use by another process{owner}",
                expected="one run per output folder",
                todo="wait until it ends, or name another folder with -o DIR",
            ) from None
        except OSError:
            os.close(descriptor)
            return None  # a file system without locks
        if _is_current(descriptor, place):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, _introduction().encode("utf-8", "replace"), 0)
            return descriptor
        os.close(descriptor)  # its owner removed the file in the meantime


def _is_current(descriptor: int, place: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), place.stat())
    except FileNotFoundError:
        return False


def _release(place: str) -> None:
    """Give a place back once; the last time its lock goes."""
    held = _held[place]
    held.times -= 1
    if held.times:
        return
    del _held[place]
    if held.descriptor is not None:
        Path(place).unlink(missing_ok=True)
        os.close(held.descriptor)


def _introduction() -> str:
    command = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])[:LONGEST]
    since = datetime.now().astimezone().isoformat(timespec="seconds")
    return json.dumps({"process": os.getpid(), "host": socket.gethostname(), "command": command, "since": since})


def _owner(descriptor: int) -> str:
    """Who holds the lock, as the end of a sentence."""
    try:
        said = json.loads(os.pread(descriptor, 4096, 0))
        return f" (process {said['process']} on {said['host']} since {said['since']}: {said['command']})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
