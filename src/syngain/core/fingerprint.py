"""Fingerprints of content, equal on every machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def fingerprint_lines(lines: Iterable[str]) -> str:
    """Sixteen hexadecimal digits of the SHA-256 over ordered, length-prefixed lines."""
    digest = hashlib.sha256()
    for line in lines:
        data = line.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()[:16]


def fingerprint(value: object) -> str:
    """Fingerprint of a JSON value, independent of key order."""
    return fingerprint_lines([json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))])


def json_form(value: object) -> object:
    """Convert settings to JSON: dataclasses by public fields, without those whose metadata say ``identity: False``.

    Nested dataclasses include their class.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return {str(key): json_form(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [json_form(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        numbers = [item for item in fields(value) if item.name[0] != "_" and item.metadata.get("identity", True)]
        shown = {item.name: json_form(getattr(value, item.name)) for item in numbers}
        return {"class": type(value).__name__, **shown}
    if isinstance(value, PurePath | Enum):
        return str(value)
    return getattr(value, "__qualname__", type(value).__qualname__)  # never an address in memory


def differences(before: object, now: object, name: str = "") -> list[str]:
    """List the differences of two JSON values, such as ``share: 0.5 before, 0.3 now``."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        names = [*before, *(key for key in now if key not in before)]
        return [
            clause
            for key in names
            for clause in differences(before.get(key), now.get(key), f"{name}.{key}" if name else str(key))
        ]
    if json_form(before) == json_form(now):
        return []
    return [f"{name}: {_shown(before)} before, {_shown(now)} now"]


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:59] + "…"
