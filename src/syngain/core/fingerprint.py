"""Fingerprints: the same content has the same one, on every machine."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def fingerprint_lines(lines: Iterable[str]) -> str:
    """Sixteen hexadecimal digits of the SHA-256 over the lines, in order, length-prefixed."""
    digest = hashlib.sha256()
    for line in lines:
        data = line.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()[:16]


def fingerprint(value: object) -> str:
    """The fingerprint of a JSON value, whatever the order of its keys."""
    return fingerprint_lines([json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))])
