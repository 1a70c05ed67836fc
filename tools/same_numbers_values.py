"""The numbers that the two sides of ``same_numbers.py`` wrote, where sentences were changed on purpose.

Reports: every number, flag and key of the old side is on the new side, equal; keys may be added, and strings are words
unless their key says that they are ids.
Files of rows: strings are compared as well, except reasons, which are words.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from same_numbers_compare import Comparison, Difference, files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REPORTS, ROWS = (".json",), (".jsonl",)
WORDS = ("reason", "syngain_reason")  # keys of rows that hold words
IDS = frozenset(  # keys of reports whose strings are no words
    "id unit severity decision direction command explained_by estimates evidence x_name fingerprint".split()
)
MOST = 8  # differences of a file that are printed


def compared_values(old: Path, new: Path) -> Comparison:
    """Differences in numbers between all reports and files of rows of a case."""
    before, after = files(old), files(new)
    out = Comparison([], {})
    for name, path in sorted(before.items()):
        if path.suffix not in REPORTS + ROWS:
            continue
        if name not in after:
            out.differences.append(Difference(name, "only the old side has it"))
            continue
        out.files += 1
        strings = path.suffix in ROWS
        found = list(_differences(_documents(path), _documents(after[name]), "", strings=strings))
        if found:
            more = f"\n... {len(found) - MOST} more" if len(found) > MOST else ""
            out.differences.append(Difference(name, "\n".join(found[:MOST]) + more))
    return out


def _documents(path: Path) -> object:
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    return [json.loads(line) for line in text.splitlines()] if path.suffix in ROWS else json.loads(text)


def _differences(old: object, new: object, place: str, *, strings: bool) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key, value in old.items():
            if key not in new:
                yield f"{place}.{key}: only the old side has it"
            elif not (strings and key.startswith(WORDS)):
                yield from _differences(value, new[key], f"{place}.{key}", strings=strings or _is_id(key, value))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _entries(old, new, place, strings=strings)
    elif not strings and isinstance(old, str) and isinstance(new, str):
        return
    elif old != new or isinstance(old, bool) != isinstance(new, bool):
        yield f"{place}: {old!r} and {new!r}"


def _is_id(key: str, value: object) -> bool:
    return key in IDS and not isinstance(value, dict)


def _entries(old: list[object], new: list[object], place: str, *, strings: bool) -> Iterator[str]:
    if not strings and all(isinstance(item, str) for item in (*old, *new)):
        return  # notes of a report
    if len(old) != len(new):
        yield f"{place}: {len(old)} and {len(new)} entries"
        return
    for index, pair in enumerate(zip(old, new, strict=True)):
        yield from _differences(*pair, f"{place}[{index}]", strings=strings)
