"""The meaning of a row for training, and what differs between two meanings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from syngain.data.layouts.trainers.message_content import (
    COLUMNS,
    NO_JSON,
    Call,
    Media,
    calls_of,
    content_of,
    listed_tools,
)

if TYPE_CHECKING:
    from syngain.data.layouts.entry import Entry, Message

ROLES = {"developer": "system", "function": "tool", "model": "assistant"}
FLAGS = ("weight", "train", "training")  # of a message: whether it is in the loss
THOUGHTS = ("reasoning_content", "thinking", "reasoning", "thought")
JUDGED = ("kto_tag", "label")
MARKS = {"image": "<image>", "video": "<video>", "audio": "<audio>"}
KNOWN = frozenset({"role", "content", "tool_calls", "tool_call_id", "function_call", *FLAGS, *THOUGHTS})


class MeantTurn(NamedTuple):
    """One turn of a conversation.

    Attributes:
        role: system, user, assistant or tool. text: without media. media, calls: in order. thought: the reasoning
            before the answer. answers: of a tool result, the number of its call in the conversation. of: the message
            it was read from, which is not compared.
    """

    role: str
    text: str
    media: tuple[Media, ...] = ()
    calls: tuple[Call, ...] = ()
    thought: str = ""
    answers: int = -1
    of: Message = {}  # noqa: RUF012  (a tuple; it is never changed)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MeantTurn) and self[:-1] == other[:-1]

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self[:-1])

    @property
    def full_text(self) -> str:
        """The thought and the text, as reasoning models write them."""
        return f"<think>\n{self.thought}\n</think>\n\n{self.text}" if self.thought else self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a row trains.

    Attributes:
        turns: of the conversation, the chosen answer included. loss: whether each of them is trained. answer: where
            the answer begins, for preferences and judged answers. rejected: turns of the worse answer. liked: whether
            a judged answer is a good one. tools: as JSON. text: of a row without turns.
    """

    turns: tuple[MeantTurn, ...] = ()
    loss: tuple[bool, ...] = ()
    answer: int = 0
    rejected: tuple[MeantTurn, ...] = ()
    liked: bool | None = None
    tools: str = ""
    text: str | None = None


def meaning_of(entry: Entry, *, rendered: bool = False) -> tuple[Meaning, tuple[str, ...]]:
    """The meaning of an entry, and the other fields whose content it holds (media, label).

    ``rendered``: by a chat template, which encodes arguments that are text once more.
    """
    if not entry.messages:
        return Meaning(text=entry.text), ()
    liked, field_name = judged(entry.extra) if entry.extra and entry.rejected is None else (None, "")
    used = [field_name] if field_name else []
    turns = turns_of(entry.messages, rendered=rendered)
    if entry.extra and not COLUMN_NAMES.isdisjoint(entry.extra):
        turns = _with_media(turns, entry.extra, used)
    compared = entry.rejected is not None or liked is not None
    start = entry.asked
    if start is None:
        start = next((i for i in range(len(turns) - 1, -1, -1) if turns[i].role == "assistant"), len(turns))
    first = start if compared else entry.asked or 0
    trained = [turn.role == "assistant" and (len(turn.of) == 2 or _in_loss(turn.of)) for turn in turns]
    loss = (False,) * first + tuple(trained[first:])
    worse = turns_of(entry.rejected, rendered=rendered) if entry.rejected else ()
    tools = listed_tools(entry.tools) if entry.tools is not None else ""
    return Meaning(turns=turns, loss=loss, answer=start, rejected=worse, liked=liked, tools=tools), tuple(used)


COLUMN_NAMES = frozenset(name for names in COLUMNS.values() for name in names)
SPECIAL = COLUMN_NAMES | frozenset(JUDGED)


def judged(fields: Mapping[str, object]) -> tuple[bool | None, str]:
    """Whether the answer of a row is a good one, and the field that says so."""
    for name in JUDGED:
        value = fields.get(name)
        if isinstance(value, bool):
            return value, name
    return None, ""


def turns_of(messages: Sequence[Message], *, rendered: bool = False) -> tuple[MeantTurn, ...]:
    """Messages as turns; see :func:`meaning_of`."""
    turns: list[MeantTurn] = []
    pending: list[object] = []  # ids of the calls that wait for their result
    done, made = 0, 0
    for item in messages:
        role, content = str(item["role"]), item.get("content")
        role = ROLES.get(role, role)
        if len(item) == 2 and isinstance(content, str) and role != "tool":  # most messages
            turns.append(MeantTurn(role, content, (), (), "", -1, item))
            continue
        text, media, calls = content_of(content)
        calls += calls_of(item, rendered=rendered)
        if calls:
            given = item.get("tool_calls")
            ids = [call.get("id") for call in given] if isinstance(given, list) and _objects(given) else []
            pending = ids or [None] * len(calls)
            done, made = made, made + len(calls)
        number = -1
        if role == "tool":
            known = item.get("tool_call_id")
            number = made - len(pending) + pending.index(known) if known is not None and known in pending else done
            done += 1
        turns.append(MeantTurn(role, text, media, calls, _thought(item), number, item))
    return tuple(turns)


def _objects(items: Sequence[object]) -> bool:
    return all(isinstance(one, Mapping) for one in items)


def _thought(item: Message) -> str:
    return next((str(item[name]) for name in THOUGHTS if isinstance(item.get(name), str) and item[name]), "")


def _in_loss(item: Message) -> bool:
    return all(item.get(name) is None or bool(item[name]) for name in FLAGS)


def _with_media(turns: tuple[MeantTurn, ...], extra: Mapping[str, object], used: list[str]) -> tuple[MeantTurn, ...]:
    """Turns with the media that columns of the row hold: at their marks, else before the first request."""
    out = list(turns)
    for kind, names in COLUMNS.items():
        name = next((one for one in names if extra.get(one)), None)
        if name is None:
            continue
        value = extra[name]
        found = [_place(one) for one in (value if isinstance(value, list) else [value])]
        if any(place is None for place in found):
            continue
        places = [str(place) for place in found]
        if sum(1 for turn in out for one in turn.media if one[0] == kind and not one[1]) == len(places):
            out = _filled(out, kind, places)
        elif sum(turn.text.count(MARKS[kind]) for turn in out) == len(places):
            out = _at_marks(out, kind, places)
        else:
            first = next((i for i, turn in enumerate(out) if turn.role == "user"), 0)
            out[first] = out[first]._replace(media=(*((kind, place, 0) for place in places), *out[first].media))
        used.append(name)
    return tuple(out)


def _place(value: object) -> str | None:
    if isinstance(value, Mapping):
        value = value.get("path") or value.get("url")
    return value if isinstance(value, str) and value else None


def _filled(turns: Sequence[MeantTurn], kind: str, places: Sequence[str]) -> list[MeantTurn]:
    rest = iter(places)
    return [
        turn._replace(
            media=tuple((k, next(rest) if k == kind and not place else place, at) for k, place, at in turn.media)
        )
        for turn in turns
    ]


def _at_marks(turns: Sequence[MeantTurn], kind: str, places: Sequence[str]) -> list[MeantTurn]:
    rest, mark, out = iter(places), MARKS[kind], []
    for turn in turns:
        pieces = turn.text.split(mark)
        media, length = list(turn.media), 0
        for piece in pieces[:-1]:
            length += len(piece)
            media.append((kind, next(rest), length))
        out.append(turn._replace(text="".join(pieces), media=tuple(media)) if len(pieces) > 1 else turn)
    return out


def differences(before: Meaning, after: Meaning) -> list[str]:
    """What differs between what was meant and what a trainer reads, by name."""
    if before == after:
        return []
    out = []
    if before.text != after.text:
        out.append("text")
    out += _of_turns(_ordered(before.turns), _ordered(after.turns))
    if len(before.loss) == len(after.loss):
        changed = {one for one, two in zip(before.loss, after.loss, strict=True) if one != two}
        out += [f"loss mask (a turn would {'not ' if one else ''}be trained)" for one in sorted(changed)]
    if before.tools != after.tools:
        out.append("tools")
    if before.liked is not None and before.liked is not after.liked:
        out.append("label (bad answers would train as good ones)")
    if before.rejected and not after.rejected:
        out.append("rejected")
    elif before.rejected or after.rejected:
        out += [f"rejected: {name}" for name in _of_turns(before.rejected, after.rejected)]
        if before.answer != after.answer and not out:
            out.append("where the answer begins")
    return list(dict.fromkeys(out))


def _ordered(turns: Sequence[MeantTurn]) -> list[MeantTurn]:
    """Turns with neighboring tool results in the order of their calls."""
    out: list[MeantTurn] = []
    for turn in turns:
        at = len(out)
        while turn.role == "tool" and at and out[at - 1].role == "tool" and out[at - 1].answers > turn.answers:
            at -= 1
        out.insert(at, turn)
    return out


def _of_turns(before: Sequence[MeantTurn], after: Sequence[MeantTurn]) -> list[str]:
    if [turn.role for turn in before] != [turn.role for turn in after]:
        missing = Counter(turn.role for turn in before) - Counter(turn.role for turn in after)
        return [f"messages[].role={role}" for role in missing] or ["the order of turns"]
    out: list[str] = []
    for one, two in zip(before, after, strict=True):
        if one == two:
            continue
        if one.full_text != two.full_text:
            same = one.text == two.text or two.full_text.endswith(one.text)
            out.append("messages[].reasoning_content" if one.thought and same else "messages[].content")
        if one.media != two.media:
            kinds = dict.fromkeys(kind for kind, _, _ in (*one.media, *two.media))
            out += [f"messages[].content ({kind})" for kind in kinds]
        out += _of_calls(one.calls, two.calls)
        if one.answers != two.answers:
            out.append("messages[].tool_call_id")
    return out


def _of_calls(one: tuple[Call, ...], two: tuple[Call, ...]) -> list[str]:
    if [name for name, _ in one] != [name for name, _ in two]:
        return ["messages[].tool_calls"]
    if one == two:
        return []
    twice = any(read.startswith(NO_JSON) for _, read in two)
    return [f"messages[].tool_calls[].function.arguments{' (encoded twice)' if twice else ''}"]


def plain_shape(entry: Entry) -> tuple[object, ...] | None:
    """The roles of a conversation of plain texts, and which texts are empty; None for other rows.

    Texts pass through every loader as they are, so that plain rows of one shape are read alike.
    """
    if entry.rejected is not None or entry.tools is not None or not entry.messages:
        return None
    if entry.extra and not SPECIAL.isdisjoint(entry.extra):
        return None
    shape: list[object] = [entry.asked]
    for item in entry.messages:
        if len(item) != 2 or not isinstance(item["content"], str):
            return None
        shape += (item["role"], not item["content"])
    return tuple(shape)
