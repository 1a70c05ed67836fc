"""Read tokens and tags, and the candidates of a query, from the cells of rows."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syngain.data.columns.content import BadCellError, words_of
from syngain.data.columns.targets import Target, Targets, label_list, named_labels, pair, split_labels
from syngain.data.columns.values import NotPlainError, clean, parsed, plain
from syngain.data.rows import type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from syngain.data.columns.roles import Roles
    from syngain.data.columns.targets import Value, Words
    from syngain.data.rows import Loaded


class BadTargetError(Exception):
    """The target of a row is none of its kind.

    Attributes:
        position: of its cell among those of the reader. problem, expected: in words. reason: the problem without the
            numbers of this row.
    """

    def __init__(self, position: int, problem: str, expected: str, reason: str = "") -> None:
        super().__init__(problem)
        self.position, self.problem, self.expected, self.reason = position, problem, expected, reason or problem


@dataclass(frozen=True, slots=True)
class TargetReader:
    """Reads the targets of a kind that has several values for each row.

    Attributes:
        kind: what they are. names: the fields of a target. value: its cells to the target; raises ``BadTargetError``.
    """

    kind: Target
    names: tuple[str, ...]
    value: Callable[[Sequence[object]], Value]

    @classmethod
    def of(cls, roles: Roles, loaded: Loaded | None = None) -> TargetReader | None:
        """That of these roles; None where the target is one word or number, or there is none."""
        if roles.target is Target.TRIPLETS:
            return cls(roles.target, (roles.text[1], *roles.negatives), _candidates)
        if roles.label is None:
            return None
        if roles.target is Target.TAGS:
            return cls(roles.target, (roles.text[0], roles.label), _tags)
        if roles.target is not Target.LABELS:
            return None
        return cls(
            roles.target, (roles.label,), _split if loaded is not None and _is_text(loaded, roles.label) else _labels
        )

    def targets(self, values: Sequence[Value]) -> Targets:
        """The targets of all rows; equal ones are one object."""
        if self.kind is Target.LABELS:
            values = named_labels(values)
        if self.kind is Target.TAGS:
            known: dict[Words, Words] = {}
            values = [(tokens, known.setdefault(tags, tags)) for tokens, tags in map(pair, values)]
        return Targets(self.kind, array("d"), values)


def _tags(cells: Sequence[object]) -> Value:
    """Tokens and tags."""
    words, found = map(label_list, cells)
    if words is None or found is None:
        raise BadTargetError(1, _no_list(cells[1]), "a list of tags, one for each token")
    if len(words) != len(found):
        many = f"has {len(found)} tags for {len(words)} tokens"
        raise BadTargetError(1, many, "one tag for each token", "has not one tag for each token")
    tags = _plain(found, 1, "holds an empty tag", "a tag for every token; O for tokens outside")
    return tuple(clean(str(word)) for word in words), tags


def _labels(cells: Sequence[object]) -> Value:
    """A set of labels, in the order of the cell."""
    found = label_list(cells[0])
    if found is None:
        wanted = 'a list of labels in every row, such as ["a", "b"], or []'
        raise BadTargetError(0, _no_list(cells[0]), wanted)
    return _plain(found, 0, "holds an empty label", "labels that are words or numbers")


def _split(cells: Sequence[object]) -> Value:
    """A set of labels that a text separates."""
    found = split_labels(cells[0])
    if found is None:
        raise BadTargetError(0, _no_list(cells[0]), "a text such as a;b in every row")
    return _plain(found, 0, "holds an empty label", "labels that are words or numbers")


def _is_text(loaded: Loaded, name: str) -> bool:
    """Whether the first label is a text that is no list."""
    first = loaded.fields[name].first
    cell = loaded.rows[first].get(name) if first >= 0 else None
    return isinstance(cell, str) and label_list(cell) is None


def _no_list(cell: object) -> str:
    """What is wrong with a cell that is no list of words."""
    return "holds a value that is no word" if isinstance(cell, list) else f"is {type_name(cell)}"


def _plain(cells: Sequence[object], position: int, problem: str, expected: str) -> Words:
    try:
        words = [plain(cell) for cell in cells]
    except NotPlainError:
        words = [None]
    if None in words:
        raise BadTargetError(position, problem, expected)
    return tuple(word for word in words if word is not None)


def sentence_of(cells: Sequence[object]) -> tuple[str, ...]:
    """The side of a row of tokens.

    Raises:
        BadCellError: the cell holds no list of tokens.
    """
    found = label_list(cells[0])
    if found is None:
        raise BadCellError(0, f"is {type_name(cells[0])}", "a list of tokens")
    return (" ".join(map(str, found)),)


def candidates_of(cell: object, position: int) -> Words:
    """The candidates of a cell: a text, a list of texts, or of objects with a text; none where it is missing.

    Raises:
        BadCellError: it holds something else.
    """
    if isinstance(cell, str) and cell[:1] == "[" and isinstance(found := parsed(cell), list):
        cell = found
    if cell is None or cell == "":
        return ()
    out = []
    for one in cell if isinstance(cell, list) else [cell]:
        text = _passage(one) if isinstance(one, dict) else one
        if not isinstance(text, str):
            raise BadCellError(position, f"is {type_name(one)}", "a text or a list of texts")
        out.append(clean(text))
    return tuple(out)


def _passage(one: dict[str, object]) -> object:
    """The text of a passage, its title before it."""
    text = next((one[name] for name in ("text", "content", "passage") if isinstance(one.get(name), str)), None)
    title = one.get("title")
    return f"{title}\n{text}" if isinstance(title, str) and title and text else text


def _candidates(cells: Sequence[object]) -> Value:
    """Positive and negative candidates."""
    try:
        better = candidates_of(cells[0], 0)
        worse = tuple(text for place, cell in enumerate(cells[1:], 1) for text in candidates_of(cell, place))
    except BadCellError as error:
        raise BadTargetError(error.position, error.problem, error.expected) from error
    if not better or not worse:
        lacks = ("positive", 0) if not better else ("negative", 1)
        raise BadTargetError(
            lacks[1],
            f"holds no {lacks[0]} candidate",
            "at least one positive and one negative candidate in every row",
        )
    return better, worse


def answered(cells: Sequence[object]) -> tuple[str, str]:
    """Query and positive candidates of a triplet, as the two sides of a row.

    Raises:
        BadCellError: there is no query.
    """
    return words_of(cells[0], 0), "\n".join(candidates_of(cells[1], 1))
