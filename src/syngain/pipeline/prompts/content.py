"""Row content parsed from answers, and the repair turn of invalid answers."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from syngain.generators.protocol import DECLINED
from syngain.pipeline.prompts.schema import parsed
from syngain.pipeline.store.store import DONE, EXHAUSTED, REFUSED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from syngain.generators.protocol import Messages, Reply
    from syngain.pipeline.store.request import Pending, Request
    from syngain.pipeline.store.store import Store

_PAIR = re.compile(r"(?:^|\n)\s*Instruction:\s*(?P<prompt>.+?)\n\s*Answer:\s*(?P<completion>.+)", re.DOTALL)
_NEXT = re.compile(r"\n\s*Instruction:\s")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row before curation, with its request and reply.

    No content when there is a reason. ``key`` is that of the original request, also when the answer is from a repair
    turn.
    """

    key: bytes
    request: Request
    reply: Reply | None
    content: Mapping[str, object]
    reason: str


def candidates(store: Store) -> Iterator[Candidate]:
    """Every requested row, ordered by key."""
    for key, request in store.wanted():
        yield candidate_of(store, key, request)


def repair(item: Pending, reply: Reply) -> Request | None:
    """The one repair turn of an answer with invalid JSON; None if not needed."""
    request = item.request
    if request.stage != "generate" or not request.row.repair:
        return None
    _, reason = content_of(request, reply)
    if not reason:
        return None
    return replace(request, messages=_repair_messages(request, reply, reason), stage="repair", parent=item.key)


def content_of(request: Request, reply: Reply) -> tuple[dict[str, object], str]:
    """The fields of the row in an answer, or why there are none."""
    row, text = request.row, reply.text.strip()
    label = {} if row.label is None else {"label": row.label}
    if row.output == "json":
        value, reason = parsed(text, request.schema or {})
        if not reason and not isinstance(value, dict):
            reason = "the JSON is not an object"
        if reason.startswith("not JSON") and reply.finish == "length":
            reason = "cut at `max_tokens` before the end of the JSON"
        return ({}, reason) if reason else ({**label, **value}, "")
    if row.output == "pair":
        found = _PAIR.search(text)
        if found is None:
            return {}, 'no "Instruction:" and "Answer:" in the answer'
        parts = {name: _NEXT.split(part)[0].strip() for name, part in found.groupdict().items()}
        return ({**parts, **label}, "") if all(parts.values()) else ({}, "an empty instruction or answer")
    return ({row.into: text, **row.fixed, **label}, "") if text else ({}, "an empty answer")


def candidate_of(store: Store, key: bytes, request: Request) -> Candidate:
    """The row of one request, from its answer or its repair turn."""
    reply = store.reply(key)
    if reply is None:
        state, reason = store.state(key)
        if reason in DECLINED:
            return Candidate(key, request, None, {}, reason)
        words = {REFUSED: "refused", EXHAUSTED: "not answered"}.get(state, "not asked")
        return Candidate(key, request, None, {}, f"{words}: {reason}" if reason else words)
    content, reason = content_of(request, reply)
    child = store.child(key) if reason and request.row.repair else None
    repaired = None if child is None else store.reply(child)
    if child is not None and repaired is not None and store.state(child)[0] == DONE:
        request = replace(request, messages=_repair_messages(request, reply, reason))
        reply = repaired
        content, reason = content_of(request, reply)
        reason = f"not repaired: {reason}" if reason else ""
    return Candidate(key, request, reply, content, reason)


def _repair_messages(request: Request, reply: Reply, reason: str) -> Messages:
    """The messages of the repair turn."""
    complaint = f"That is not what was asked for: {reason}. Answer with the JSON alone."
    return (*request.messages, ("assistant", reply.text), ("user", complaint))
