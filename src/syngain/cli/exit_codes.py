"""How the program ends: 0 done, 1 gate failed, 2 wrong use or input, 3 could not finish, 130 and 143 below.

SIGTERM ends a command as SIGINT does.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

INTERRUPTED = 130
TERMINATED = 143


def settled() -> None:
    """Make Python forget an interruption that is dealt with, so that the program ends with its own code.

    An interruption within ``exec`` (of modules that make classes while they load) leaves a mark in the interpreter,
    which then ends as if by SIGINT whatever the code. The next ``exec`` takes the mark away.
    """
    exec("pass")  # noqa: S102  (see above)


@contextmanager
def termination() -> Iterator[list[int]]:
    """A termination ends the program as an interruption does: what is finished is kept, temporary files go.

    It is passed on as SIGINT, so that an event loop cancels its tasks first, also where a shell made the program ignore
    interruptions, as it does with background jobs. The list is empty until it comes.
    """
    told: list[int] = []

    def end(number: int, _: object) -> None:
        told.append(number)
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.raise_signal(signal.SIGINT)

    try:
        before = signal.signal(signal.SIGTERM, end)
    except ValueError:  # not the main thread: whoever runs us there ends us
        yield told
        return
    try:
        yield told
    finally:
        signal.signal(signal.SIGTERM, before)
