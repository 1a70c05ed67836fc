"""What the two sides of ``same_numbers.py`` wrote, byte for byte, and the differences that are allowed."""

from __future__ import annotations

import difflib
import fnmatch
import html
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path

CLOCKED = ("*run.json", "*log.txt", "*.sqlite", "*.sqlite-*", "*.stderr")  # clocks, or compared in another way
SHOWN = 4  # changed lines of a file that are printed


class Malformed(Exception):  # noqa: N818  (the list of allowed differences is wrong, not a program)
    """An entry of the list of allowed differences that cannot be used."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """A difference made on purpose.

    Attributes:
        reason: why; printed. cases, files: patterns of names where it may appear.
        old, new: a sentence before and after. added: a dotted path of JSON that only the new side has (``*`` for any
            key or place). file: a file that only one side has.
    """

    reason: str
    cases: str = "*"
    files: str = "*"
    old: str = ""
    new: str = ""
    added: str = ""
    file: str = ""

    def covers(self, case: str, name: str) -> bool:
        """Whether this difference may appear in a file of a case."""
        return fnmatch.fnmatch(case, self.cases) and fnmatch.fnmatch(name, self.files)


@dataclass(frozen=True, slots=True)
class Difference:
    """A file of a case in which the sides differ: what, in a few lines."""

    file: str
    text: str


@dataclass(slots=True)
class Comparison:
    """Differences of a case, and the allowed ones with the number of places where they appeared."""

    differences: list[Difference]
    allowed: dict[str, int]
    files: int = 0


def allowed_differences(path: Path) -> list[Allowed]:
    """The entries of the list.

    Raises:
        Malformed: an entry has no reason, an unknown key, or says nothing.
    """
    entries = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    out = []
    for number, entry in enumerate(entries, 1):
        try:
            item = Allowed(**entry)
        except TypeError as error:
            raise Malformed(f"{path}, entry {number}: {error}") from error
        if not item.reason or not (item.old or item.added or item.file):
            raise Malformed(f"{path}, entry {number}: needs a reason, and one of old, added, file")
        out.append(item)
    return out


def compared(case: str, old: Path, new: Path, allowed: list[Allowed]) -> Comparison:
    """Every file that the two sides of a case left behind."""
    before, after = files(old), files(new)
    out = Comparison([], {}, len(before.keys() & after.keys()))
    for name in sorted(before.keys() ^ after.keys()):
        rule = next((item for item in allowed if item.covers(case, name) and fnmatch.fnmatch(name, item.file)), None)
        if rule is None:
            out.differences.append(Difference(name, f"only the {'old' if name in before else 'new'} side has it"))
        else:
            out.allowed[rule.reason] = out.allowed.get(rule.reason, 0) + 1
    for name in sorted(before.keys() & after.keys()):
        a, b = before[name].read_bytes(), after[name].read_bytes()
        if a != b:
            _look(name, a, b, [item for item in allowed if item.covers(case, name)], out)
    return out


def files(folder: Path) -> dict[str, Path]:
    """Files of a folder by their relative names, without those that hold a clock."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path for name, path in found.items() if not any(fnmatch.fnmatch(name, rule) for rule in CLOCKED)}


def _look(name: str, a: bytes, b: bytes, rules: list[Allowed], out: Comparison) -> None:
    """Take the allowed differences out of both sides; what is left is a difference."""
    old, new = (text.decode("utf-8", errors="surrogateescape") for text in (a, b))
    for rule in rules:
        places = 0
        if rule.old:
            old, places = _reworded(old, rule)
        elif rule.added:
            old, new, places = _without(old, new, rule.added.split("."))
        if places:
            out.allowed[rule.reason] = out.allowed.get(rule.reason, 0) + places
    if old != new:
        out.differences.append(Difference(name, _hunk(old, new)))


def _reworded(text: str, rule: Allowed) -> tuple[str, int]:
    """The text with the old sentence replaced, plain, as JSON has it and as HTML has it; and how often."""
    pairs = {rule.old: rule.new, _json(rule.old): _json(rule.new), html.escape(rule.old): html.escape(rule.new)}
    places = 0
    for old, new in pairs.items():
        places += text.count(old)
        text = text.replace(old, new)
    return text, places


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _without(old: str, new: str, path: list[str]) -> tuple[str, str, int]:
    """Both sides as one JSON line per document, without the key in the new one."""
    try:
        befores, afters = _documents(old), _documents(new)
    except ValueError:
        return old, new, 0
    places = sum(_remove(after, path) for after in afters)
    if not places:
        return old, new, 0
    return _lines(befores), _lines(afters), places


def _lines(documents: list[Any]) -> str:
    return "\n".join(json.dumps(item, ensure_ascii=False, indent=1) for item in documents)


def _documents(text: str) -> list[Any]:
    """The JSON of a file, or of each line of it."""
    try:
        return [json.loads(text)]
    except ValueError:
        return [json.loads(line) for line in text.splitlines()]


def _remove(content: object, path: list[str]) -> int:
    """Remove a dotted path from JSON; how many keys went."""
    name, rest = path[0], path[1:]
    if isinstance(content, list):
        return sum(_remove(item, rest) for item in content) if name == "*" and rest else 0
    if not isinstance(content, dict):
        return 0
    names = [key for key in content if fnmatch.fnmatch(key, name)]
    if rest:
        return sum(_remove(content[key], rest) for key in names)
    for key in names:
        del content[key]
    return len(names)


def _hunk(old: str, new: str) -> str:
    """The first changed lines."""
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), "old", "new", n=0, lineterm="")
    changed = [line[:240] for line in lines if line[:3] not in {"---", "+++"}]
    more = f"\n... {len(changed) - SHOWN * 2} more lines" if len(changed) > SHOWN * 2 else ""
    return "\n".join(changed[: SHOWN * 2]) + more
