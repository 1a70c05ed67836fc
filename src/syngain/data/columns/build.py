"""Build columns from rows and roles in one pass, checking every value."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from syngain.core.errors import InputError
from syngain.core.passes import run
from syngain.data.blocks import blocks
from syngain.data.columns import tables, unread
from syngain.data.columns.cells import media
from syngain.data.columns.cells.comparisons import compared
from syngain.data.columns.cells.target_cells import BadTargetError, TargetReader, answered, sentence_of
from syngain.data.columns.content import BadCellError, renderer
from syngain.data.columns.derived import opened
from syngain.data.columns.finder import flag_of
from syngain.data.columns.preferences import Preferences, margin
from syngain.data.columns.roles import Kind, ReferenceColumns, Roles, detect
from syngain.data.columns.targets import NUMERIC, Target, Targets, number_of
from syngain.data.columns.values import NotPlainError, clean, plain
from syngain.data.rows import Lazy, Loaded, OddRows, show, show_names, type_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, MutableSequence, Sequence

    from syngain.data.columns.content import Render
    from syngain.data.columns.options import RoleOptions
    from syngain.data.columns.targets import Value

SPECIAL: Mapping[str, Render] = {"tokens": sentence_of, "triplet": answered}
SIDE_NAMES = {Kind.TEXT: ("text",), Kind.PAIR: ("prompt", "response"), Kind.TABLE: ()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Row content by column.

    :class:`syngain.data.dataset.Dataset` describes each column.
    """

    roles: Roles
    ids: Sequence[str]
    sides: Mapping[str, Sequence[str]]
    features: Mapping[str, Sequence[object]]
    labels: Sequence[str] | None
    sources: Sequence[str | None] | None
    generators: Sequence[str | None] | None
    notes: tuple[str, ...]
    preferences: Preferences | None = None
    targets: Targets | None = None
    records: Sequence[Mapping[str, object]] = ()


def build(loaded: Loaded, options: RoleOptions, like: ReferenceColumns | None) -> Columns:
    """Extract the columns of the rows.

    Raises:
        InputError: when the roles cannot be found or a row lacks what its role needs.
    """
    whole, records = loaded, loaded.rows
    loaded, notes = opened_fields(loaded, options, like)
    roles = detect(loaded, options, like.roles if like else None)
    plan = None
    if roles.kind is Kind.TABLE:
        plan = replace(tables.plan(loaded, roles, like), as_told=options.text == "")
        roles = replace(roles, features=plan.features, ignored=plan.ignored)
    content = run(_Extraction(loaded, roles), blocks(len(loaded)))
    read_parts = media.notes(loaded, roles.text, content.media)  # before rows are left out: fields know their first row
    if content.odd_rows:
        kept = unread.kept_rows(len(loaded), content.odd_rows)
        loaded, records = loaded.take(kept), records.take(kept)
    features, more = ({}, []) if plan is None else tables.columns(loaded, plan)
    notes += more
    notes += unread.notes(whole, content.odd)
    unread.check_filled(loaded, roles, dict(zip(SIDE_NAMES[roles.kind], content.sides, strict=False)))
    notes += read_parts
    if content.replaced:
        notes.append(f"texts with lone surrogates, read as U+FFFD and written back as they are: {content.replaced}")
    names = SIDE_NAMES[roles.kind]
    return Columns(
        roles=roles,
        ids=content.ids if roles.id is not None else Lazy(len(loaded), RowId(loaded.file, loaded.numbers)),
        sides=dict(zip(names, content.sides[: len(names)], strict=True)),
        features=features,
        labels=content.labels if roles.label is not None and roles.target is Target.CLASS else None,
        sources=content.sources if roles.source is not None else None,
        generators=content.generators if roles.generator is not None else None,
        notes=tuple(notes),
        preferences=_preferences(content, roles),
        targets=_targets(roles, content),
        records=records,
    )


def _targets(roles: Roles, content: _Content) -> Targets | None:
    if roles.target in NUMERIC:
        return Targets(roles.target, content.numbers)
    reader = TargetReader.of(roles)
    return None if reader is None else reader.targets(content.values)


def opened_fields(loaded: Loaded, options: RoleOptions, like: ReferenceColumns | None) -> tuple[Loaded, list[str]]:
    """The rows with computed fields: inner fields that are named, and content of further layouts."""
    given = (options.text, options.label, options.source, options.generator, options.id)
    known = [] if like is None else [*like.roles.text, like.roles.rejected, like.roles.label, *like.roles.features]
    loaded, notes = opened(loaded, (*given, *known), whole=options.text is None)
    return loaded, [*loaded.notes, *notes]


def _preferences(content: _Content, roles: Roles) -> Preferences | None:
    if roles.rejected is None:
        return None
    _, _, rejected, prompts = content.sides
    return Preferences(rejected, prompts, content.margins if roles.scores else None)


@dataclass(frozen=True, slots=True)
class RowId:
    """The id of a row without one: file and position."""

    file: str
    numbers: Sequence[int]

    def __call__(self, index: int) -> str:
        """The id of row ``index``."""
        return f"{self.file}:{self.numbers[index]}"


@dataclass(slots=True)
class _Content:
    """Content of a block, one list per role.

    Attributes:
        odd_rows: rows without a valid value for one of their roles; they have no entry in the other lists.
        odd: their reasons.
    """

    sides: tuple[list[str], ...]
    labels: list[str] = field(default_factory=list)
    sources: list[str | None] = field(default_factory=list)
    generators: list[str | None] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    margins: array[float] = field(default_factory=lambda: array("d"))
    numbers: array[float] = field(default_factory=lambda: array("d"))
    values: list[Value] = field(default_factory=list)  # targets of several values
    replaced: int = 0
    odd_rows: list[int] = field(default_factory=list)
    odd: OddRows = field(default_factory=OddRows)
    media: Counter[str] = field(default_factory=Counter)  # parts of messages that are no text
    same: dict[str, str] = field(default_factory=dict)  # equal labels are one object: a million rows, few labels

    def of_role(self, role: str) -> MutableSequence[Any]:
        """The values of a role that is no text."""
        values: dict[str, MutableSequence[Any]] = {
            "label": self.labels,
            "number": self.numbers,
            "source": self.sources,
            "generator": self.generators,
            "id": self.ids,
        }
        return values[role]


@dataclass(frozen=True)
class _Extraction:
    """The pass that reads all fields with a role."""

    loaded: Loaded
    roles: Roles

    def map(self, block: slice) -> _Content:
        """The content of one block of rows."""
        content, loaded, roles = self._empty(), self.loaded, self.roles
        others = [(role, name) for role, name in _other_roles(roles) if name is not None]
        shown = roles.text if roles.rejected is None else (*roles.text, roles.rejected)
        reader = TargetReader.of(roles, loaded)
        names = [*shown, *(name for _, name in others), *roles.scores]
        texts, scored, of_target = len(shown), len(names) - len(roles.scores), len(names)
        names += () if reader is None else reader.names
        if not names:
            return content
        placed, same, sides = list(enumerate(others, texts)), content.same, content.sides
        words: list[str | float | None] = []
        adders = [content.of_role(role).append for role, _ in others]
        mixed = media.may_have_parts(loaded, shown)
        render = compared if roles.rejected is not None else SPECIAL.get(roles.shape) or renderer(roles.shape)
        for index, cells in enumerate(loaded.values(names, block), block.start):
            try:
                parts = render(cells if texts == len(cells) else cells[:texts])
                words.clear()
                for position, (role, name) in placed:
                    cell = cells[position]
                    known = same.get(cell) if role == "label" and isinstance(cell, str) else None
                    words.append(known or _word(role, cell, (loaded, index, name), same))
                if reader is not None:
                    content.values.append(reader.value(cells[of_target:]))
            except (BadCellError, BadRoleError, BadTargetError) as error:
                self._leave_out(content, index, error)
                continue
            for side, part in zip(sides, parts, strict=True):
                cleaned = clean(part)
                content.replaced += cleaned is not part
                side.append(cleaned)
            for add, word in zip(adders, words, strict=True):
                add(word)
            if mixed:
                media.count_parts(cells[:texts], content.media)
            if roles.scores:
                content.margins.append(margin(cells[scored:of_target]))
        return content

    def _leave_out(self, content: _Content, index: int, error: BadCellError | BadRoleError | BadTargetError) -> None:
        content.odd_rows.append(index)
        loaded, roles = self.loaded, self.roles
        if isinstance(error, BadRoleError):
            content.odd.add(error.reason, error.whole, content=False)
            return
        if isinstance(error, BadTargetError):
            reader = TargetReader.of(roles)
            assert reader is not None  # noqa: S101  (it raised the error)
            name = show(reader.names[error.position])
            pairs = "read pairs: --text QUERY+POSITIVE"
            other = pairs if reader.kind is Target.TRIPLETS else "pass --label NAME for another field or --label none"
            came, todo = f"{loaded.place(index)}: `{name}` {error.problem}", f"correct this row, or {other}"
            whole = InputError(came, expected=error.expected, todo=todo)
            content.odd.add(f"`{name}` {error.reason}", whole, content=False)
            return
        name = str((*roles.text, roles.rejected)[error.position])
        content.odd.add(unread.reason(loaded, index, name, error), _bad_cell(loaded, index, name, error))

    def merge(self, parts: Iterator[_Content]) -> _Content:
        """The content of all rows that can be read."""
        whole = self._empty()
        for part in parts:
            for mine, more in zip(whole.sides, part.sides, strict=True):
                mine.extend(more)
            whole.labels += [whole.same.setdefault(word, word) for word in part.labels]
            whole.generators += [
                None if word is None else whole.same.setdefault(word, word) for word in part.generators
            ]
            whole.sources += part.sources
            whole.ids += part.ids
            whole.margins += part.margins
            whole.numbers += part.numbers
            whole.values += part.values
            whole.replaced += part.replaced
            whole.odd_rows += part.odd_rows
            whole.odd.join(part.odd)
            whole.media.update(part.media)
        return whole

    def _empty(self) -> _Content:
        compares = self.roles.rejected is not None  # two sides more: the rejected response and its prompt
        return _Content(tuple([] for _ in range(len(SIDE_NAMES[self.roles.kind]) + 2 * compares)))


def _other_roles(roles: Roles) -> list[tuple[str, str | None]]:
    label = roles.label if roles.target is Target.CLASS else None
    number = roles.label if roles.target in NUMERIC else None
    others = (("source", roles.source), ("generator", roles.generator), ("id", roles.id))
    return [("label", label), ("number", number), *others]


def _word(role: str, cell: object, where: tuple[Loaded, int, str], same: dict[str, str]) -> str | float | None:
    """The value of a cell in a role; equal labels and equal generators are one object."""
    if role == "number":
        return _number(cell, where)
    if role == "source":
        return clean(cell) or None if isinstance(cell, str) else _loose(cell)
    word = _loose(cell) if role == "generator" else _strict(cell, role, where)
    return word if word is None or role == "id" else same.setdefault(word, word)


def _number(cell: object, where: tuple[Loaded, int, str]) -> float:
    value = number_of(cell, written=True)
    if value is None:
        raise BadRoleError("label", f'is "{show(cell)}"' if isinstance(cell, str) else f"is {type_name(cell)}", where)
    if not math.isfinite(value):
        raise BadRoleError("label", "is missing" if math.isnan(value) else "is infinite", where)
    return value


def _loose(cell: object) -> str | None:
    """Provenance without a plain value: present, but without a row name."""
    try:
        return plain(cell)
    except NotPlainError:
        return clean(str(cell)) if isinstance(cell, (list, dict)) else None


def _strict(cell: object, role: str, where: tuple[Loaded, int, str]) -> str:
    try:
        word = plain(cell)
    except NotPlainError as error:
        raise BadRoleError(role, f"is {type_name(cell)}", where) from error
    if word is None:
        raise BadRoleError(role, "is missing", where)
    return word


class BadRoleError(Exception):
    """A value is invalid for its role.

    Attributes:
        reason: in a few words. whole: the error of the row.
    """

    def __init__(self, role: str, problem: str, where: tuple[Loaded, int, str]) -> None:
        super().__init__(problem)
        self.reason = f"the {role} {problem}"
        self.whole = _bad_role(role, problem, where)


def _bad_role(role: str, problem: str, where: tuple[Loaded, int, str]) -> InputError:
    loaded, index, name = where
    flag = flag_of(role)
    count = loaded.fields[name].count
    have = f" ({count} of {len(loaded)} rows have one)" if count < len(loaded) else ""
    return InputError(
        f"{loaded.place(index)}: the {role} in `{show(name)}` {problem}{have}",
        expected="text or a number in every row",
        todo=f"complete the column, or pass {flag} NAME for another field or {flag} none",
    )


def _bad_cell(loaded: Loaded, index: int, name: str, error: BadCellError) -> InputError:
    record = loaded.rows[index]
    if record.get(name) is None and loaded.fields[name].count:
        state = "is null" if name in record else "is missing"
        first = loaded.numbers[loaded.fields[name].first]
        holds = [key for key, value in record.items() if value is not None]
        return InputError(
            f"{loaded.place(index)}: `{show(name)}` {state}; this row has {show_names(holds) or 'no fields'}",
            expected=f"{error.expected} in every row, as {loaded.unit} {first} has",
            todo="keep one kind of rows with FILE::column=value, or complete this row",
        )
    return InputError(
        f"{loaded.place(index)}: `{show(name)}` {error.problem}",
        expected=error.expected,
        todo="correct this row, or name another field with --text ('' for a table)",
    )
