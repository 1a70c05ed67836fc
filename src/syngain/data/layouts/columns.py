"""Rows whose content has columns of other names: those that the audit finds (see docs/reference/inputs.md)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syngain.data.columns.cells.comparisons import transcript
from syngain.data.columns.content import BadCellError, words_of
from syngain.data.layouts.chat import sharegpt_message
from syngain.data.layouts.entry import (
    INPUT,
    SYSTEM,
    Emitted,
    Entry,
    LayoutError,
    Message,
    Row,
    SkippedError,
    rest,
    said,
    tools_of,
)
from syngain.data.layouts.preferences import shared_beginning
from syngain.data.rows import Unread

if TYPE_CHECKING:
    from syngain.data.columns.roles import Roles


@dataclass(frozen=True, slots=True)
class ColumnLayout:
    """Prompt, response and further columns by their roles.

    Attributes:
        roles: the field of each role. fields: those that are kept; others were used to find the responses.
    """

    roles: Roles
    fields: frozenset[str]

    def parse(self, row: Row) -> Entry:
        """Read a row; see :class:`Layout`."""
        roles = self.roles
        names = roles.text if roles.rejected is None else (*roles.text, roles.rejected)
        for name in names:
            if isinstance(cell := row.get(name), Unread):
                raise SkippedError(f"a row {cell.reason}", "rows with a better and a worse response")
        steps = row.get("labels")
        if "completions" in row and isinstance(steps, list) and not all(steps):
            raise SkippedError("a response with wrong steps (`labels`)", "responses whose steps are all right")
        kept = {name: value for name, value in row.items() if name in self.fields}
        extra = rest(kept, *names, "tools") if roles.shape != "text" else rest(kept, *names)
        if roles.shape == "text":
            return self._text(row, extra)
        if roles.rejected is not None:
            return self._compared(row, extra)
        *before, last = roles.text
        if roles.shape == "chat":
            return Entry(
                messages=(*self._asked(row, before), *_turns(row.get(last), last)),
                tools=_tools(row.get("tools")),
                extra=extra,
            )
        asked = self._asked(row, before)
        given = row.get("input")
        if "input" in before and before.index("input") and isinstance(given, str) and given:
            extra = {**extra, INPUT: given}
        answer = self._answer(row, last)
        return Entry(messages=(*asked, *answer), tools=_tools(row.get("tools")), extra=extra)

    def emit(self, entry: Entry) -> Emitted:  # noqa: ARG002  (one signature for all layouts)
        """Not supported."""
        raise LayoutError("columns is a read-only layout", "messages, alpaca or another layout to write")

    def _text(self, row: Row, extra: Row) -> Entry:
        (name,) = self.roles.text
        cell = row.get(name)
        if isinstance(cell, str) and name.strip().casefold() not in {"prompt", "instruction"}:
            return Entry(text=cell, extra=extra)
        asked = self._asked(row, [*(one for one in SYSTEM if one in extra), name])
        return Entry(messages=asked, tools=_tools(row.get("tools")), extra=rest(extra, *SYSTEM, "tools"))

    def _compared(self, row: Row, extra: Row) -> Entry:
        *before, good = self.roles.text
        bad = str(self.roles.rejected)
        asked = self._asked(row, before)
        chosen, rejected = (_side(row.get(name), name, alone=not asked) for name in (good, bad))
        if not asked:
            asked = shared_beginning(chosen, rejected)
        if chosen[: len(asked)] == asked == rejected[: len(asked)]:
            chosen, rejected = chosen[len(asked) :], rejected[len(asked) :]
        if not chosen or not rejected:
            raise SkippedError(f"`{good}` or `{bad}` is empty", "two answers")
        return Entry(
            messages=(*asked, *chosen),
            rejected=rejected,
            tools=_tools(row.get("tools")),
            extra=extra,
            asked=len(asked),
        )

    def _asked(self, row: Row, names: Sequence[str]) -> tuple[Message, ...]:
        """The prompt: a system text first, earlier rounds, and the texts of the other columns as one request."""
        first: list[Message] = []
        turns: list[Message] = []
        texts: list[str] = []
        for name in names:
            cell = row.get(name)
            if not cell:
                continue
            if name.strip().casefold() in SYSTEM and isinstance(cell, str):
                first.append(said("system", cell))
            elif isinstance(cell, list):
                turns += _rounds(cell) or _turns(cell, name)
            else:
                texts.append(_words(cell, name))
        instructed = len(names) > 1 and names[-1].strip().casefold() == "input"
        request = ("\n" if instructed else "\n\n").join(texts)
        return (*first, *turns, *([said("user", request)] if texts else []))

    def _answer(self, row: Row, name: str) -> tuple[Message, ...]:
        cell = row.get(name)
        if self.roles.shape == "instances":
            first = cell[0] if isinstance(cell, list) and cell else None
            cell = first.get("output") if isinstance(first, Mapping) else None
        if name.strip().casefold() == "answers" and row.get("tools"):
            return (_called(cell),)
        if isinstance(cell, list) and cell and all(isinstance(one, Mapping) for one in cell):
            return _turns(cell, name)
        return (said("assistant", _words(cell, name)),)


def _tools(value: object) -> object:
    """Tools, each with its function in ``function``."""
    read = tools_of(value)
    if not isinstance(read, list):
        return read
    return [
        {"type": "function", "function": one} if isinstance(one, Mapping) and "name" in one else one for one in read
    ]


def _called(cell: object) -> Message:
    """Calls as a message, from a list or its JSON text."""
    try:
        read = json.loads(cell) if isinstance(cell, str) else cell
    except ValueError:
        read = None
    calls = read if isinstance(read, list) else [read]
    if not all(isinstance(call, Mapping) and "name" in call for call in calls):
        raise LayoutError("`answers` holds no calls", "the JSON of a list of calls with `name` and `arguments`")
    return {"role": "assistant", "content": None, "tool_calls": [{"type": "function", "function": c} for c in calls]}


def _turns(cell: object, name: str) -> tuple[Message, ...]:
    try:
        read = json.loads(cell) if isinstance(cell, str) else cell
    except ValueError:
        read = None
    if not isinstance(read, list) or not read:
        raise LayoutError(f"`{name}` is not a list of turns", "turns with a role and a content")
    return tuple(sharegpt_message(turn, index) for index, turn in enumerate(read))


def _side(cell: object, name: str, *, alone: bool) -> tuple[Message, ...]:
    if isinstance(cell, str):
        return tuple(said(who, text) for who, text in transcript(cell)) if alone else (said("assistant", cell),)
    if isinstance(cell, Mapping) and ("role" in cell or "from" in cell):
        return _turns([cell], name)
    if isinstance(cell, list):
        return _turns(cell, name)
    return (said("assistant", _words(cell, name)),)


def _rounds(cell: Sequence[object]) -> list[Message]:
    """Rounds of request and response as messages; none where the list holds something else."""
    out: list[Message] = []
    for item in cell:
        if not isinstance(item, (list, tuple)) or len(item) != 2 or not all(isinstance(text, str) for text in item):
            return []
        out += [said("user", item[0]), said("assistant", item[1])]
    return out


def _words(cell: object, name: str) -> str:
    try:
        return words_of(cell, 0)
    except BadCellError as error:
        raise LayoutError(f"`{name}` {error.problem}", error.expected) from error
