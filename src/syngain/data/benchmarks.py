"""Public benchmarks from a folder: the items of every file, by the name of the file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from syngain.core.errors import InputError, UsageError
from syngain.core.fingerprint import fingerprint_lines
from syngain.data.columns.values import clean
from syngain.data.dataset import Dataset, Kind
from syngain.data.files import formats
from syngain.data.files.streams import COMPRESSED
from syngain.data.rows import show_names, type_name
from syngain.data.text.texts import Texts
from syngain.data.text.words import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from syngain.data.rows import Loaded

ASKED = (
    "question", "prompt", "problem", "instruction", "query", "input", "text", "sentence", "goal", "ctx", "passage",
    "premise", "content", "task", "turns",
)  # fmt: skip
FEWEST = 5  # words of an item; shorter ones appear anywhere
NOT_ROWS = frozenset({"state.json", "dataset_info.json", "dataset_infos.json", "dataset_dict.json", "config.json"})
EXAMPLE = "syngain audit REAL SYNTHETIC --benchmarks FOLDER"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """The items of a benchmark.

    Attributes:
        name: of its file, without suffix. items: how many. fingerprint: of their texts.
    """

    name: str
    items: int
    fingerprint: str
    _texts: Texts = field(repr=False, compare=False)

    @property
    def texts(self) -> Texts:
        """What the items ask, one text each."""
        return self._texts


def read_benchmarks(folder: str | Path) -> tuple[Benchmark, ...]:
    """The benchmarks of a folder: one for each file with rows, in any format and layout that is read.

    Raises:
        InputError: there is no such folder, no file with rows in it, or a file that cannot be read.
        UsageError: the folder is no path.
    """
    if not isinstance(folder, (str, Path)):
        raise UsageError(f"{type_name(folder)} as `benchmarks`", expected="the path of a folder", todo=f"run {EXAMPLE}")
    place = Path(folder)
    if not _is_folder(place):
        state = "is a file" if _exists(place) else "no such folder"
        raise InputError(
            f"{place}: {state}", expected="a folder of benchmark files", todo="name the folder that holds the files"
        )
    found = [_benchmark(path, place) for path in _files(place)]
    if not found:
        raise InputError(
            f"{place}: no file with rows", expected=formats.KNOWN, todo="put one file per benchmark into this folder"
        )
    return tuple(found)


def _is_folder(place: Path) -> bool:
    try:
        return place.is_dir()
    except (OSError, ValueError):
        return False


def _exists(place: Path) -> bool:
    try:
        return place.exists()
    except (OSError, ValueError):
        return False


def _files(folder: Path) -> Iterator[Path]:
    """Files with rows, and folders that `datasets` wrote, in the order of their names."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be listed ({error.strerror})",
            expected="a folder that can be read",
            todo="check its rights",
        ) from error
    if any(entry.suffix == ".arrow" for entry in entries):
        yield folder
        return
    for entry in entries:
        if entry.name.startswith((".", "_")) or entry.name in NOT_ROWS:
            continue
        if entry.is_dir():
            yield from _files(entry)
        elif _has_rows(entry):
            yield entry


def _has_rows(path: Path) -> bool:
    suffix = formats.format_suffix(path)
    known = {*formats.JSON, *formats.DELIMITED, *formats.COLUMNAR, *formats.READERS}
    return suffix in known or (not suffix and path.suffix.lower() in COMPRESSED)


def _benchmark(path: Path, folder: Path) -> Benchmark:
    loaded = formats.load(path, path.name, {})
    asked = [clean(text) for text in _asked(loaded)]
    texts = [text for text in asked if len(words(text)) >= FEWEST or not text.isascii()]
    if not texts:
        raise InputError(
            f"{path}: no items with at least {FEWEST} words; the fields are {show_names(list(loaded.fields))}",
            expected=f"a text such as `{ASKED[0]}` in every row",
            todo="name the field of the items `question`, or move this file out of the folder",
        )
    named = path.relative_to(folder).as_posix() if path != folder else folder.name
    return Benchmark(_without_suffix(named), len(texts), fingerprint_lines(texts), Texts(texts))


def _without_suffix(name: str) -> str:
    path = Path(name)
    known = {*formats.JSON, *formats.DELIMITED, *formats.COLUMNAR, *formats.READERS, *COMPRESSED}
    while path.suffix.lower() in known:
        path = path.with_suffix("")
    return path.as_posix()


def _asked(loaded: Loaded) -> Sequence[str]:
    """What the rows ask: prompt or text; else the field that is named like a question, or the longest."""
    try:
        data = Dataset.of(loaded, None, None)
    except InputError:  # roles that benchmarks fill otherwise, such as a number as the answer
        data = None
    if data is not None and data.kind is not Kind.TABLE:
        return data.sides["prompt" if data.kind is Kind.PAIR else "text"]
    return [_text(record) for record in loaded.rows]


def _text(record: Mapping[str, object]) -> str:
    texts = {str(name).strip().casefold(): text for name, value in record.items() if (text := _first_text(value))}
    named = next((texts[name] for name in ASKED if name in texts), "")
    return named or max(texts.values(), key=len, default="")


def _first_text(value: object) -> str:
    """A text, or the first of a list of texts (the turns of a dialog)."""
    if isinstance(value, (list, tuple)) and value:
        value = value[0]
    return value if isinstance(value, str) else ""
