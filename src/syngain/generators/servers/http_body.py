"""Bodies of HTTP answers, read up to a size, compressed ones included."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from syngain.generators.protocol import RetryableError

if TYPE_CHECKING:
    import httpx

ACCEPTED = "gzip"
_AUTO = 32 + zlib.MAX_WBITS  # gzip and zlib by their first bytes
MEBIBYTE = 1 << 20
PER_LOG = 512  # bytes of one log-probability in JSON, at most, with its token
FEW = 64 << 10  # bytes of an error message that are read


async def read(response: httpx.Response, most: int) -> bytes:
    """The body of an answer, at most so many bytes after decompression.

    Raises:
        RetryableError: it is longer, or cannot be decompressed.
    """
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"identity", "", "gzip", "x-gzip", "deflate"}:
        raise RetryableError(f"the answer is compressed as {encoding[:20]}, which was not asked for", billed=True)
    unpack = None if encoding in {"identity", ""} else zlib.decompressobj(_AUTO)
    parts, size = [], 0
    async for chunk in response.aiter_raw():
        part = chunk if unpack is None else _unpacked(unpack, chunk, most - size + 1)
        parts.append(part)
        size += len(part)
        if size > most:
            raise RetryableError(f"the answer is larger than {most / MEBIBYTE:,.1f} MiB", billed=True)
    return b"".join(parts)


async def beginning(response: httpx.Response) -> bytes:
    """The first bytes of an error message; a damaged one is empty."""
    found = b""
    unpack = zlib.decompressobj(_AUTO) if "content-encoding" in response.headers else None
    async for chunk in response.aiter_raw():
        try:
            found += chunk if unpack is None else unpack.decompress(chunk, FEW)
        except zlib.error:
            return found
        if len(found) >= FEW:
            break
    return found[:FEW]


def _unpacked(unpack: zlib._Decompress, chunk: bytes, most: int) -> bytes:
    try:
        return unpack.decompress(chunk, most)  # what is beyond it stays compressed: the caller stops
    except zlib.error as error:
        raise RetryableError("the answer cannot be decompressed", billed=True) from error


def limit(tokens: int, alternatives: int) -> int:
    """Bytes that an answer of so many tokens can have, with so many alternatives to each."""
    return MEBIBYTE + tokens * (alternatives + 2) * PER_LOG
