"""Read tokens and tags, and the candidates of a query, from the cells of rows."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from syngain.core.errors import InputError
from syngain.data.columns.content import BadCellError, words_of
from syngain.data.columns.targets import Target, Targets, bad_target, label_list
from syngain.data.columns.values import NotPlainError, clean, parsed, plain
from syngain.data.rows import Loaded, show, type_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.data.columns.targets import Value, Words


def tagged(loaded: Loaded, tokens: str, tags: str) -> Targets:
    """The tokens and tags of rows.

    Raises:
        InputError: a row has no tags, or another number of tags than tokens.
    """
    values: list[Value] = []
    known: dict[Words, Words] = {}
    for index, (cell, own) in enumerate(loaded.values([tokens, tags])):
        words, found = label_list(cell), label_list(own)
        where = (loaded, index, tags)
        if words is None or found is None:
            raise bad_target(where, f"is {type_name(own)}", "a list of tags, one for each token")
        if len(words) != len(found):
            raise bad_target(where, f"has {len(found)} tags for {len(words)} tokens", "one tag for each token")
        row = tuple(_word(tag, where) for tag in found)
        values.append((tuple(clean(str(word)) for word in words), known.setdefault(row, row)))
    return Targets(Target.TAGS, array("d"), values)


def _word(cell: object, where: tuple[Loaded, int, str]) -> str:
    try:
        word = plain(cell)
    except NotPlainError:
        word = None
    if word is None:
        raise bad_target(where, "holds an empty tag", "a tag for every token; O for tokens outside")
    return word


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


def ranked(loaded: Loaded, query: str, positive: str, negatives: Sequence[str]) -> Targets:
    """The positive and negative candidates of rows.

    Raises:
        InputError: a row has no negative candidate.
    """
    values: list[Value] = []
    for index, (good, *bad) in enumerate(loaded.values([positive, *negatives])):
        try:
            better = candidates_of(good, 0)
            worse = tuple(text for place, cell in enumerate(bad, 1) for text in candidates_of(cell, place))
        except BadCellError as error:
            raise InputError(
                f"{loaded.place(index)}: `{show((positive, *negatives)[error.position])}` {error.problem}",
                expected=error.expected,
                todo="correct this row",
            ) from error
        if not better or not worse:
            lacks = "positive" if not better else "negative"
            raise InputError(
                f"{loaded.place(index)}: no {lacks} candidate for `{show(query)}`",
                expected="at least one positive and one negative candidate in every row",
                todo=f"complete this row, or read pairs: --text {show(query)}+{show(positive)}",
            )
        values.append((better, worse))
    return Targets(Target.TRIPLETS, array("d"), values)


def answered(cells: Sequence[object]) -> tuple[str, str]:
    """Query and positive candidates of a triplet, as the two sides of a row.

    Raises:
        BadCellError: there is no query.
    """
    return words_of(cells[0], 0), "\n".join(candidates_of(cells[1], 1))
