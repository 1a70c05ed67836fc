"""Answers of ``/v1/embeddings``: one vector per text, in the order of the texts. No network."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

import numpy as np

from syngain.generators.protocol import RetryableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Floats

WIDEST = 65_536  # coordinates of an embedding
PER_NUMBER = 32  # bytes of one number in JSON, at most
_OVERFLOW = re.compile(r"HTTP 500: .*(?:too large to process|larger than the|exceeds? the)", re.IGNORECASE | re.DOTALL)
_LONG = re.compile(
    r"context|token|length|too (?:large|long)|too_(?:large|long)|batch size|exceed|maximum", re.IGNORECASE
)


def vectors(answer: object, count: int, width: int | None) -> Floats:
    """The embeddings of an answer (count, d), in the order of the texts.

    Args:
        answer: the JSON.
        count: texts asked for.
        width: coordinates of earlier answers, if there were some.

    Raises:
        RetryableError: it violates the protocol: other texts, other lengths, numbers that are not finite.
    """
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, list):
        raise _wrong("the answer has no list `data`")
    if len(data) != count:
        raise _wrong(f"{len(data):,} embeddings for {count:,} texts")
    rows = [_numbers(item) for item in data]
    widths = {row.size for row in rows}
    expected = width if width is not None else rows[0].size
    if widths != {expected} or not 0 < expected <= WIDEST:
        raise _wrong(f"embeddings of {', '.join(map(str, sorted(widths)))} numbers, where {expected} were expected")
    out = np.empty((count, expected))
    for place, row in zip(_places(data), rows, strict=True):
        out[place] = row
    if not np.isfinite(out).all():
        raise _wrong("an embedding contains a number that is not finite")
    return out


def is_too_long(reason: str) -> bool:
    """Whether a refusal is about the length of a text."""
    return bool(_LONG.search(reason))


def is_overflow(reason: str) -> bool:
    """Whether a failure is a refusal for the length of a text, which llama.cpp's server answers with HTTP 500."""
    return bool(_OVERFLOW.match(reason))


def _places(data: Sequence[object]) -> list[int]:
    """The place of each item: its ``index``, or its own place where no item has one."""
    found = [item.get("index") if isinstance(item, dict) else None for item in data]
    if all(place is None for place in found):
        return list(range(len(data)))
    places = [place for place in found if isinstance(place, int) and not isinstance(place, bool)]
    if sorted(places) != list(range(len(data))):
        raise _wrong("`index` does not number the embeddings from 0")
    return places


def _numbers(item: object) -> Floats:
    """The numbers of one embedding, a list or base64 of float32."""
    found = item.get("embedding") if isinstance(item, dict) else None
    try:
        if isinstance(found, str):
            return np.frombuffer(base64.b64decode(found, validate=True), dtype="<f4").astype(np.float64)
        if isinstance(found, list) and not any(isinstance(one, (bool, str)) for one in found):
            numbers = np.asarray(found, dtype=np.float64)
            if numbers.ndim == 1:
                return numbers
    except (ValueError, TypeError, OverflowError, binascii.Error) as error:
        raise _wrong("an embedding is not a list of numbers") from error
    raise _wrong("an embedding is not a list of numbers")


def _wrong(what: str) -> RetryableError:
    return RetryableError(what, billed=True)
