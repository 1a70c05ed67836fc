"""Columns of a table: features, numbers and categories."""

from __future__ import annotations

import math
import shlex
from array import array
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import InputError
from syngain.data.columns.dates import date_format
from syngain.data.columns.finder import names_of
from syngain.data.columns.roles import (
    GENERATOR,
    LOOKED_AT,
    SOURCE,
    TEXT,
    Kind,
    ReferenceColumns,
    Roles,
    label_like,
    text_fields,
)
from syngain.data.columns.values import NotPlainError, is_missing, number, plain, written_number
from syngain.data.rows import Loaded, show, show_names, type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

NEVER = {"split", "token_logprobs", "tokens", "top_logprobs", "logprob_mode", "temperature", "top_p"}
IDS = {
    "",
    "id",
    "ids",
    "_id",
    "idx",
    "index",
    "row_id",
    "uid",
    "uuid",
    "guid",
    "qid",
    "unnamed: 0",
    "__index_level_0__",
}
PROSE = 40  # mean characters from which a column of strings counts as prose
BATCH = 10_000
KEPT = 16  # rows kept while columns are looked at
FEW_FEATURES = 2  # with no more columns than this next to sentences, rows are texts, not a table
MANY = 20  # distinct values below which strings may be categories
FEW = 0.5  # fraction of distinct values from which strings are names, not categories


@dataclass(frozen=True, slots=True)
class FeaturePlan:
    """Which columns are features, and which must be numeric (``None``: detect); ``as_told``: a table by --text none."""

    features: tuple[str, ...]
    ignored: tuple[str, ...]
    numeric: frozenset[str] | None = None
    as_told: bool = False


def plan(loaded: Loaded, roles: Roles, like: ReferenceColumns | None) -> FeaturePlan:
    """Plan the features.

    They are those of REAL if given, else all columns without another role.

    Raises:
        InputError: when no column is left, or REAL has columns that these rows lack.
    """
    used = {roles.label, roles.source, roles.generator, roles.id}
    others = [name for name in loaded.fields if name not in used]
    if like is not None:
        lacking = [name for name in like.roles.features if name not in loaded.fields]
        if lacking:
            raise _lacking(loaded, lacking, like)
        features = like.roles.features
        return FeaturePlan(features, tuple(n for n in others if n not in features), frozenset(like.numeric))
    record = lru_cache(KEPT)(loaded.rows.__getitem__)  # parsed once, not once per column
    features = tuple(name for name in others if _is_feature(loaded, name, record))
    if not features:
        raise no_text_field(loaded)
    _refuse_nested(loaded, features, others, record)
    return FeaturePlan(features, tuple(name for name in others if name not in features))


def columns(loaded: Loaded, plan: FeaturePlan) -> tuple[dict[str, Sequence[object]], list[str]]:
    """The feature columns and notes for the user.

    Raises:
        InputError: for a column without any value, an infinite number, text where REAL has numbers, or columns of
            prose, which are not features.
    """
    as_real = plan.numeric is not None
    written = loaded.written or as_real  # where REAL has numbers, text that is a number is one
    wanted = [name for name in plan.features if plan.numeric is None or name in plan.numeric]
    numbers = {name: _Numbers(loaded, name, written) for name in wanted}
    _fill(loaded, numbers)
    if as_real:
        for found in numbers.values():
            found.must_hold()
    words = {name: _Words(loaded, name) for name in plan.features if name not in numbers or numbers[name].text_at >= 0}
    _fill(loaded, words)
    result: dict[str, Sequence[object]] = {
        name: words[name].values if name in words else numbers[name].finished() for name in plan.features
    }
    for column in words.values():
        column.check()
    if not as_real and len(words) == len(result) and not _are_categories(words, len(loaded)):
        raise no_text_field(loaded)
    prose = _prose(words, plan)
    texts = [] if as_real or plan.as_told else [name for name in prose if words[name].is_text()]
    if texts and len(result) - len(prose) - len(_counters(numbers)) <= FEW_FEATURES:
        raise no_text_field(loaded, texts)
    notes = [numbers[name].note() for name in words if name in numbers and numbers[name].count]
    notes += [f"`{show(n)}` looks like text; to treat it as text, pass --text {show(n)}" for n in prose]
    return result, notes


def _counters(numbers: Mapping[str, _Numbers]) -> list[str]:
    """Columns that number the rows: each value once, in ascending order."""
    out = []
    for name, column in numbers.items():
        values = np.frombuffer(column.values, dtype=np.float64) if column.count and column.text_at < 0 else np.empty(0)
        if values.size > 1 and bool(np.all(np.diff(values) > 0)) and bool(np.all(values == np.floor(values))):
            out.append(name)
    return out


def no_text_field(loaded: Loaded, prose: Sequence[str] = ()) -> InputError:
    """The error for rows that are neither texts nor pairs nor a table, or a table with hardly more than prose."""
    text = shlex.quote(show(_longest_text(loaded) or "NAME"))
    labels = [name for name in label_like(loaded, set()) if shlex.quote(show(name)) != text]
    label = f" --label {shlex.quote(show(labels[0]))}" if labels else ""
    if prose:
        return InputError(
            f"{loaded.name}: {show_names(prose)} looks like text, and the other fields hardly make a table",
            expected=f"a text field named {', '.join(TEXT)}, or one that you name",
            todo=f"name the columns: --text {text}{label}; to read a table: --text none",
        )
    return InputError(
        f"{loaded.name}: no text field; the fields are {names_of(loaded)}",
        expected="messages, conversations, prompt and completion or response, instruction and output, question and "
        f"answer, one of {', '.join(TEXT)}, or columns of numbers and categories",
        todo=f"name the columns: --text {text}{label}; a prompt and its response: --text PROMPT+RESPONSE",
    )


def _is_feature(loaded: Loaded, name: str, record: Callable[[int], Mapping[str, object]]) -> bool:
    plain_name = name.strip().casefold()
    if plain_name in NEVER | IDS | set(SOURCE) | set(GENERATOR) or name in loaded.filtered:
        return False
    if plain_name.endswith(("_id", "logprob", "logprobs", "log_prob", "log_probs")):
        return False
    first = loaded.fields[name].first
    return first < 0 or not isinstance(record(first).get(name), (list, dict, bytes))


def _refuse_nested(
    loaded: Loaded, features: Sequence[str], others: Sequence[str], record: Callable[[int], Mapping[str, object]]
) -> None:
    """Refuse rows that hold lists of rows next to hardly anything else, as SQuAD's file does.

    Raises:
        InputError: the error names the field with the lists.
    """
    if len(features) > FEW_FEATURES:
        return
    for name in others:
        first = loaded.fields[name].first
        cell = record(first).get(name) if first >= 0 and name not in features else None
        if isinstance(cell, list) and len(cell) > 0 and all(isinstance(item, dict) for item in cell):
            inside = ", ".join(f"`{show(key)}`" for key in list(cell[0])[:5])
            raise InputError(
                f"{loaded.name}: `{show(name)}` holds a list of objects in each row ({inside}), and the other fields "
                "hardly make a table",
                expected="one example per row",
                todo=f"write each object of `{show(name)}` as a row of its own",
            )


def _longest_text(loaded: Loaded) -> str:
    """The field with the longest texts on average; empty without a text field."""
    names = list(loaded.fields)
    sizes = dict.fromkeys(names, 0)
    for cells in islice(loaded.values(names), LOOKED_AT) if names else ():
        for name, cell in zip(names, cells, strict=True):
            sizes[name] += len(cell) if isinstance(cell, str) else 0
    return max(names, key=sizes.__getitem__) if any(sizes.values()) else ""


def _prose(words: dict[str, _Words], plan: FeaturePlan) -> list[str]:
    return [] if plan.numeric is not None else [name for name, column in words.items() if column.is_prose()]


def _are_categories(words: dict[str, _Words], rows: int) -> bool:
    """Whether strings form a table: no prose, and some column has repeated values."""
    return not any(column.is_prose() for column in words.values()) and any(len(c.same) < rows for c in words.values())


def _fill(loaded: Loaded, found: Mapping[str, _Numbers | _Words]) -> None:
    if not found:
        return
    rows, start = loaded.values(list(found)), 0
    while batch := list(islice(rows, BATCH)):
        for column, cells in zip(found.values(), zip(*batch, strict=True), strict=True):
            column.extend(start, cells)
        start += len(batch)


@dataclass(slots=True)
class _Numbers:
    """Cells as numbers, until one is not numeric."""

    loaded: Loaded
    name: str
    written: bool
    values: array[float] = field(default_factory=lambda: array("d"))
    text_at: int = -1
    count: int = 0
    text: object = None

    def extend(self, start: int, cells: Sequence[object]) -> None:
        """The next cells, the first of them in row ``start``."""
        if self.text_at < 0 and not self._all_finite(cells):
            for index, cell in enumerate(cells, start):
                self._add(index, cell)

    def _all_finite(self, cells: Sequence[object]) -> bool:
        """Convert all cells at once if all are finite numbers, the usual case."""
        kinds = set(map(type, cells))
        if not kinds <= ({str} if self.written else {int, float}):
            return False
        try:
            values = array("d", map(float, cells))  # type: ignore[arg-type]  # text or numbers, as just checked
        except (ValueError, OverflowError):
            return False
        if not all(map(math.isfinite, values)) or (str in kinds and "_" in "".join(cells)):  # type: ignore[arg-type]
            return False
        self.values.extend(values)
        self.count += len(values)
        return True

    def _add(self, index: int, cell: object) -> None:
        if self.text_at >= 0:
            return
        value = written_number(cell) if self.written else number(cell)
        if value is None:
            self.text_at, self.text = index, cell
        elif math.isinf(value):
            raise InputError(
                f"{self.loaded.place(index)}: the number in `{show(self.name)}` is infinite or too large",
                expected="finite numbers, or an empty cell for a missing number",
                todo="correct this row",
            )
        else:
            self.values.append(value)
            self.count += value == value  # noqa: PLR0124  (NaN is not equal to itself, and this is a hot loop)

    def must_hold(self) -> None:
        """Refuse text where REAL has numbers."""
        if self.text_at < 0:
            return
        raise InputError(
            f"{self.loaded.place(self.text_at)}: `{show(self.name)}` is {_value(self.text)}",
            expected="a number, as in the real rows",
            todo="correct this row",
        )

    def finished(self) -> array[float]:
        """The numbers, if there are any."""
        if not self.count:
            raise _empty(self.loaded, self.name)
        return self.values

    def note(self) -> str:
        """Note that only some cells were numbers."""
        where = f"{self.loaded.unit} {self.loaded.numbers[self.text_at]}"
        return f"`{show(self.name)}` is treated as categories, not numbers: {where} contains {_value(self.text)}"


@dataclass(slots=True)
class _Words:
    """Cells as categories; equal ones are one object."""

    loaded: Loaded
    name: str
    values: list[str] = field(default_factory=list)
    same: dict[str, str] = field(default_factory=dict)

    def extend(self, start: int, cells: Sequence[object]) -> None:
        """The next cells, the first of them in row ``start``."""
        for index, cell in enumerate(cells, start):
            word = self.same.get(cell) if isinstance(cell, str) else None
            self.values.append(self._word(index, cell) if word is None else word)

    def _word(self, index: int, cell: object) -> str:
        try:
            word = plain(cell) or ""
        except NotPlainError as error:
            raise InputError(
                f"{self.loaded.place(index)}: `{show(self.name)}` is {type_name(cell)}",
                expected="a number or a word in every row, as in the rows before",
                todo="correct this row",
            ) from error
        return self.same.setdefault(word, word)

    def check(self) -> None:
        """Refuse a column without any value."""
        if all(map(is_missing, self.same)):
            raise _empty(self.loaded, self.name)

    def is_text(self) -> bool:
        """Whether the column holds sentences: long, and most of them different."""
        distinct = [word for word in self.same if word]
        return sum(map(len, distinct)) > PROSE * len(distinct) and len(distinct) > FEW * len(self.values)

    def is_prose(self) -> bool:
        """Whether the column looks like prose: long and rarely repeated, and no dates."""
        distinct = [word for word in self.same if word]
        if date_format(distinct) is not None:
            return False
        long = sum(map(len, distinct)) > PROSE * len(distinct)
        return long or (len(distinct) > MANY and len(distinct) > FEW * len(self.values))


def _value(cell: object) -> str:
    return f'text ("{show(cell)}")' if isinstance(cell, str) else type_name(cell)


def _empty(loaded: Loaded, name: str) -> InputError:
    if not len(loaded):  # rows without a label were left out before
        return InputError(
            f"{loaded.name}: no row has a label",
            expected="at least one row with a value in the label column",
            todo="fill the label column, or name another with --label",
        )
    return InputError(
        f"{loaded.name}: the column `{show(name)}` is empty or NaN in all {len(loaded)} rows",
        expected="at least one value in every column",
        todo="remove the column, or fill it",
    )


def _lacking(loaded: Loaded, lacking: Sequence[str], like: ReferenceColumns) -> InputError:
    texts = text_fields(loaded)
    if texts:  # the first cause lies in the real rows: they have no text, so they were read as a table
        own = show_names(list(like.roles.features))
        return InputError(
            f"{like.name}: no text field; its fields are {own}, while {loaded.name} has text in {show_names(texts)}",
            expected="text in both files, or the same columns in both",
            todo=f"name the text field of {like.name}: --text real=COLUMN,synthetic={'+'.join(texts)}",
        )
    return InputError(
        f"{loaded.name}: lacks the columns {show_names(lacking)}; it has {show_names(list(loaded.fields))}",
        expected=f"{Kind.TABLE.value} rows with the columns of {like.name}",
        todo="rename or add these columns; for texts, name their columns: --text real=A,synthetic=B and "
        "--label real=A,synthetic=B",
    )
