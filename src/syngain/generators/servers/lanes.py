"""Connections to one server, each in a client of its own.

A pool that many requests share looks at every connection at the beginning and at the end of each request; here a
request looks at one.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

_ONE = httpx.Limits(max_connections=1, max_keepalive_connections=1)


@dataclass(slots=True)
class Lanes:
    """The connections of a generator; the one that was free last is taken first, so that few stay open."""

    _free: list[httpx.AsyncClient] = field(default_factory=list)
    _gate: asyncio.Semaphore | None = None
    _trust: ssl.SSLContext | None = None

    @asynccontextmanager
    async def one(self, most: int, timeout: float) -> AsyncIterator[httpx.AsyncClient]:  # noqa: ASYNC109  (of the client)
        """A client with a connection that no other request uses; waits while ``most`` are in use.

        ``timeout``: seconds for a single read or write.
        """
        if self._gate is None:
            self._gate = asyncio.Semaphore(most)
        async with self._gate:
            client = self._free.pop() if self._free else self._made(timeout)
            try:
                yield client
            finally:
                self._free.append(client)

    async def close(self) -> None:
        """Close the connections that are not in use."""
        self._gate = None
        while self._free:
            await self._free.pop().aclose()

    def _made(self, timeout: float) -> httpx.AsyncClient:
        if self._trust is None:
            self._trust = httpx.create_ssl_context()  # reads all certificates: once for all clients
        return httpx.AsyncClient(limits=_ONE, timeout=timeout, verify=self._trust)
