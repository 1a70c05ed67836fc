"""Reasoning that is never closed, or has no answer after it."""

from __future__ import annotations

import re

from syngain.audit.responses.prompt_response import CLOSED, THOUGHT, Response

_OPEN = re.compile(rf"<(?:{THOUGHT})>|\[THINK\]|<\|begin_of_thought\|>|<\|think\|>|◁think▷", re.IGNORECASE)
_TAGGED = re.compile(r"^<(?P<tag>[a-zA-Z_][\w-]{2,30})>")
_NAMES = (
    "html head body div span table svg img input link meta br hr p ul ol li a script style form button nav header "
    "footer section article main video audio source xml path area base col embed param track wbr "
    "noinput nooutput no_input no_output"
)
_MARKUP = frozenset(_NAMES.split())


def thought_fails(answer: Response) -> bool:
    """Whether reasoning is opened and not closed, or closed with no answer after it."""
    text = answer.text
    if "<" not in text and "[" not in text and "◁" not in text:
        return False
    opened = [match.start() for match in _OPEN.finditer(text)]
    closed = [match.end() for match in CLOSED.finditer(text)]
    if opened and (not closed or opened[-1] > closed[-1]):
        return opened[0] <= len(text) // 2
    if closed:
        return opened[:1] != [] and len(answer.final) == 0
    return _unknown_tag(text)


def _unknown_tag(text: str) -> bool:
    """A response that starts with a tag of its own and never closes it."""
    tag = _TAGGED.match(text)
    return tag is not None and tag["tag"].lower() not in _MARKUP and f"</{tag['tag']}>" not in text and len(text) > 60
