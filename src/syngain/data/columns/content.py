"""Convert cells of a row to its text, or to its prompt and response."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from syngain.data.columns.values import parsed
from syngain.data.rows import type_name

ASSISTANTS = {"assistant", "gpt", "model", "bot", "chatgpt"}
CALLERS = {"assistant", "function_call", "tool_call"}  # roles whose last turn is the response
WHOLE = ("full_text", "text", "content", "value")  # where an object holds its text
CALL_PARTS = {"tool_use", "tool_call"}
ROLE_NAMES = {"human": "user"} | dict.fromkeys(ASSISTANTS, "assistant")

MESSAGES = 'messages such as {"role": "user", "content": "..."} or {"from": "human", "value": "..."}'
PLAIN_ROLES = {"system", "user", "assistant"}

Turn = tuple[str, str]  # role and text
Render = Callable[[Sequence[object]], tuple[str, ...]]


class BadCellError(Exception):
    """A cell is invalid for its role.

    ``problem`` completes "`field` ...", ``expected`` names a valid form.
    """

    def __init__(self, position: int, problem: str, expected: str = "text") -> None:
        super().__init__(problem)
        self.position = position
        self.problem = problem
        self.expected = expected


def renderer(shape: str) -> Render:
    """Map cells of text fields to sides.

    One side for text, two for a pair, none for a table.
    """
    return {"text": _text, "pair": _pair, "chat": _chat, "instances": _instances, "columns": lambda _: ()}[shape]


def _text(cells: Sequence[object]) -> tuple[str, ...]:
    text = cells[0]
    return (text,) if isinstance(text, str) else (words_of(text, 0),)


def _pair(cells: Sequence[object]) -> tuple[str, ...]:
    if len(cells) == 2 and isinstance(cells[0], str) and isinstance(cells[1], str):
        return cells[0], cells[1]
    last = len(cells) - 1
    parts = [words_of(cells[0], 0)]
    parts += [words_of(cell, position) for position, cell in enumerate(cells[1:last], 1) if cell is not None]
    return joined(parts), _answer(cells[last], last)


def words_of(cell: object, position: int) -> str:
    """The text of a cell with a text or a conversation.

    Raises:
        BadCellError: it is neither.
    """
    if isinstance(cell, str):
        return cell
    if isinstance(cell, list) and cell:  # the conversational form of TRL, or the history of LLaMA-Factory
        return rendered(_rounds(cell) or turns_of(cell, position))
    if isinstance(cell, list):
        return ""
    if isinstance(cell, Mapping):
        found = next((text for key in WHOLE if isinstance(text := cell.get(key), str)), None)
        if found is not None:
            return found
    raise BadCellError(position, f"is {type_name(cell)}")


def _rounds(cell: list[object]) -> list[Turn]:
    """The turns of a list of rounds, ``[[request, response], ...]``; none where it is no such list."""
    turns: list[Turn] = []
    for item in cell:
        if not isinstance(item, (list, tuple)) or len(item) != 2 or not all(isinstance(text, str) for text in item):
            return []
        turns += [("user", item[0]), ("assistant", item[1])]
    return turns


def _answer(cell: object, position: int) -> str:
    if isinstance(cell, list) and cell:
        turns = turns_of(cell, position)
        return next((said for role, said in reversed(turns) if role == "assistant"), turns[-1][1])
    return words_of(cell, position)


def _chat(cells: Sequence[object]) -> tuple[str, ...]:
    turns = turns_of(cells[-1], len(cells) - 1)
    if len(cells) > 1:
        _add_system(turns, cells[:-1])
    last = len(turns) - 1
    while last >= 0 and turns[last][0] not in CALLERS:
        last -= 1
    if last < 0:
        raise BadCellError(len(cells) - 1, "has no assistant message", "a conversation with an assistant message")
    return rendered(turns[:last]), turns[last][1]


def _add_system(turns: list[Turn], cells: Sequence[object]) -> None:
    """Put a system message that has a column of its own before the turns."""
    for given in cells:
        if isinstance(given, str) and given and (not turns or turns[0][0] != "system"):
            turns.insert(0, ("system", given))


def _instances(cells: Sequence[object]) -> tuple[str, ...]:
    last = len(cells) - 1
    parts = [words_of(cell, position) for position, cell in enumerate(cells[:last])]
    instances = cells[last]
    first = instances[0] if isinstance(instances, list) and instances else None
    if not isinstance(first, Mapping) or not isinstance(first.get("output"), str):
        raise BadCellError(last, "has no first instance with an output", 'a list such as [{"input": "", "output": ""}]')
    given = first.get("input")
    return joined([*parts, given if isinstance(given, str) else ""]), str(first["output"])


def joined(parts: Sequence[str]) -> str:
    """The parts that are not empty, a blank line between them."""
    return "\n\n".join(part for part in parts if part) if len(parts) > 1 else parts[0]


def rendered(turns: Sequence[Turn]) -> str:
    """A conversation as one text; a single turn without its role."""
    if len(turns) == 1:
        return turns[0][1]
    return "\n".join(f"{role}: {said}" for role, said in turns)


def turns_of(cell: object, position: int) -> list[Turn]:
    """The turns of a list of messages, or of its JSON text.

    Raises:
        BadCellError: it is neither.
    """
    messages = parsed(cell) if isinstance(cell, str) else cell  # CSV holds conversations as JSON text
    if not isinstance(messages, list):
        raise BadCellError(position, f"is {type_name(cell)}", "a list of messages")
    return [_turn(message, number, position) for number, message in enumerate(messages, 1)]


def _turn(message: object, number: int, position: int) -> Turn:
    expected = MESSAGES
    if type(message) is not dict and not isinstance(message, Mapping):  # the first check is the faster one
        raise BadCellError(position, f"has {type_name(message)} as message {number}", expected)
    role, said = message.get("role"), message.get("content")
    if isinstance(role, str) and isinstance(said, str) and role in PLAIN_ROLES:  # most messages
        calls = message.get("tool_calls") or message.get("function_call")
        if not calls:
            return role, said
    role = message.get("role", message.get("from"))
    if not isinstance(role, str):
        raise BadCellError(position, f"has no role in message {number}", expected)
    said = _said(message)
    if said is None:
        raise BadCellError(position, f"has no text in message {number}", expected)
    return ROLE_NAMES.get(role.strip().lower(), role.strip()), said


def _said(message: Mapping[str, object]) -> str | None:
    """The content of a message: its text or text parts, and its tool calls."""
    content = message.get("content", message.get("value"))
    calls = message.get("tool_calls") or message.get("function_call")
    written = calls if isinstance(calls, str) else json.dumps(calls, ensure_ascii=False, default=str) if calls else ""
    if isinstance(content, str):
        return "\n".join(filter(None, (content, written))) if written else content
    if isinstance(content, list):
        texts = [_part(part) for part in content]
        return "\n".join([*(text for text in texts if isinstance(text, str)), *filter(None, [written])])
    return written or None


def _part(part: object) -> object:
    """The text of a part of a message, in the spellings that are published; None for an image or a sound."""
    if not isinstance(part, Mapping):
        return part
    if part.get("type") in CALL_PARTS:
        return json.dumps(part, ensure_ascii=False, default=str)
    for key in ("text", "value", "content"):
        found = part.get(key)
        if isinstance(found, Mapping):  # {"type": "text", "text": {"value": "..."}}
            found = found.get("value")
        if isinstance(found, str):
            return found
    return None
