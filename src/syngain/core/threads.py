"""Parallel work, one thread per part, with results independent of the core count; asynchronous work awaited.

One thread per part is several times faster than many threads per part on a busy machine: those wait for each other.
"""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Sequence

Part = TypeVar("Part")
Made = TypeVar("Made")
Value = TypeVar("Value")

MOST = 8  # a part of long rows takes hundreds of megabytes


def workers() -> int:
    """Number of cores of this process, at most eight."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST)


@contextmanager
def one_thread_each(torch: Any) -> Iterator[None]:  # noqa: ANN401  (untyped library)
    """Limit torch to one thread per operation; restore the setting afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def side_by_side(
    torch: Any,  # noqa: ANN401  (untyped library)
    work: Callable[[Part], Made],
    parts: Sequence[Part],
    sizes: Sequence[int],
) -> Iterator[Made]:
    """Run all parts in parallel and return results in order.

    The largest parts start first, so that no core waits long for the last.
    """
    with ThreadPoolExecutor(workers(), initializer=torch.set_num_threads, initargs=(1,)) as pool:
        begun = {k: pool.submit(work, parts[k]) for k in sorted(range(len(parts)), key=lambda k: -sizes[k])}
        try:
            for k in range(len(parts)):
                yield begun.pop(k).result()
        finally:
            for left in begun.values():
                left.cancel()


def wait_for(work: Coroutine[object, object, Value]) -> Value:
    """Run asynchronous work to its end, also inside a running event loop (notebooks)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()
