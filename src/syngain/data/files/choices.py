"""Files of a folder or a pattern, and the choice among splits, sheets and lists of rows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from syngain.core.errors import InputError
from syngain.data.rows import show, show_names

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    Where = Mapping[str, tuple[str, ...]]

Part = TypeVar("Part")
SPLITS = {"train": "train", "test": "test", "validation": "validation", "valid": "validation", "val": "validation"}
SPLITS |= {"dev": "validation", "eval": "validation", "training": "train", "testing": "test"}
SHARD = re.compile(r"[-_.]?\d+(-of-\d+)?$")
DEEPEST = 3  # folders inside of a folder
MOST = 10_000  # files of a folder
PATTERN = re.compile(r"[*?\[]")


def choose(parts: Mapping[str, Part], where: Where, name: str, column: str) -> tuple[str, Where, list[str]]:
    """The part to read: the one that the filter names, the only one, or ``train``; the filters left, and a note.

    Raises:
        InputError: the filter names no part, or several parts are there and none is ``train``.
    """
    file = name.split("::", maxsplit=1)[0]
    wanted = where.get(column)
    if wanted is not None and any(word in parts for word in wanted):
        rest = {key: values for key, values in where.items() if key != column}
        if len(wanted) == 1:
            return wanted[0], rest, []
    if len(parts) == 1:
        return next(iter(parts)), where, []
    if wanted is None and "train" in parts:
        others = [part for part in parts if part != "train"]
        kept = f"the {column} `train` of {file} is read, not {show_names(others)}"
        return "train", where, [f"{kept} ({file}::{column}={others[0]})"]
    raise InputError(
        f"{name}: {len(parts)} {column}s ({show_names(list(parts))})",
        expected=f"one {column}",
        todo=f"name one of them: {file}::{column}={show(next(iter(parts)))}",
    )


def is_pattern(path: Path) -> bool:
    """Whether a path that is no file is a pattern such as ``data/*.parquet``."""
    return PATTERN.search(str(path)) is not None


def files_of_pattern(path: Path, name: str) -> list[Path]:
    """The files that a pattern names, in order.

    Raises:
        InputError: there is none.
    """
    start = Path(path.anchor) if path.is_absolute() else Path()
    pattern = str(path.relative_to(start)) if path.is_absolute() else str(path)
    try:
        found = sorted(file for file in start.glob(pattern) if file.is_file())
    except (ValueError, OSError, NotImplementedError, IndexError, re.error):
        found = []
    if not found:
        raise InputError(f"no file matches {name}", expected="the path of a file", todo="correct the pattern")
    return found


def saved_splits(folder: Path) -> dict[str, Path]:
    """The folders of Arrow files in a folder that ``datasets`` saved as a whole; none in other folders."""
    try:
        listed = json.loads((folder / "dataset_dict.json").read_bytes())["splits"]
        names = [name for name in listed if isinstance(name, str)]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        names = sorted(path.name for path in _inside(folder) if path.is_dir())
    return {name: folder / name for name in names if any((folder / name).glob("*.arrow"))}


def split_files(folder: Path, suffixes: Collection[str], name: str) -> dict[str, list[Path]]:
    """The files of a folder by split, in order; all of one format.

    Raises:
        InputError: files of several formats.
    """
    found: dict[str, list[Path]] = {}
    kinds: dict[str, None] = {}
    for file in _below(folder, DEEPEST):
        suffix = next((part for part in reversed(file.suffixes) if part.lower() in suffixes), None)
        if suffix is None or file.name in {"dataset_info.json", "dataset_infos.json", "state.json", "config.json"}:
            continue
        kinds[suffix.lower()] = None
        found.setdefault(_split_of(file, folder), []).append(file)
    if len(kinds) > 1:
        first = next(iter(kinds))
        raise InputError(
            f"{name}: a folder with files of several formats ({show_names(list(kinds))})",
            expected="files of one format",
            todo=f"name the files: '{folder}/*{first}'",
        )
    return found


def _split_of(file: Path, folder: Path) -> str:
    """The split that a file belongs to, by its name or its folder; ``all`` for others."""
    stem = file.name.split(".", maxsplit=1)[0].casefold()
    word = re.split(r"[-_]", SHARD.sub("", stem), maxsplit=1)[0]
    inner = [part.casefold() for part in file.relative_to(folder).parts[:-1]]
    return next((SPLITS[one] for one in (word, *reversed(inner)) if one in SPLITS), "all")


def _below(folder: Path, depth: int) -> list[Path]:
    out: list[Path] = []
    for path in sorted(_inside(folder)):
        if path.name.startswith((".", "_")):
            continue
        if path.is_file():
            out.append(path)
        elif depth and path.is_dir():
            out += _below(path, depth - 1)
        if len(out) > MOST:
            break
    return out


def _inside(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
