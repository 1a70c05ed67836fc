"""Calls of tools in any published spelling; what cannot be read becomes a broken call."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ARGUMENTS = ("arguments", "parameters", "input", "args")
_TAGGED = re.compile(
    r"<tool_call>(?P<hermes>.*?)(?:</tool_call>|(?=<tool_call>)|\Z)"
    r"|<functioncall>(?P<glaive>.*?)(?:<\|endoftext\|>|\n\n|\Z)"
    r"|\[TOOL_CALLS\](?P<mistral>.*?)(?:</s>|\n\n|\Z)"
    r"|<\|python_tag\|>(?P<llama>\s*\{.*?)(?:<\|eo[mt]_id\|>|\Z)"
    r"|<function=(?P<name>[\w.-]+)>(?P<inner>.*?)(?:</function>|\Z)",
    re.DOTALL,
)
_TAG = re.compile(r"<tool_call>|<functioncall>|\[TOOL_CALLS\]|<\|python_tag\|>\s*\{|<function=")
_QUOTED = re.compile(r"(?P<key>\"arguments\"\s*:\s*)'(?P<text>.*)'(?P<end>\s*\}\s*)$", re.DOTALL)
_RESULT = re.compile(r"<tool_response>")


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool.

    Attributes:
        name: None where it cannot be read. arguments: None where they are no JSON object.
        id: as results name it. judged: false where arguments are written in a way that shows no types.
    """

    name: str | None
    arguments: Mapping[str, object] | None
    id: str | None = None
    judged: bool = True

    @property
    def broken(self) -> bool:
        """Whether the call is no JSON object with a name and an object of arguments."""
        return self.name is None or self.arguments is None


BROKEN = ToolCall(None, None)


def calls_of(value: object) -> tuple[ToolCall, ...]:
    """The calls of a field: an object, a list of objects, or the JSON text of either."""
    if isinstance(value, str):
        return _of_text(value)
    items = value if isinstance(value, (list, tuple)) else [value]
    return tuple(_call(item) for item in items)


def calls_in(text: str) -> tuple[ToolCall, ...]:
    """The calls that a text marks by tags."""
    if not _TAG.search(text):
        return ()
    return tuple(call for match in _TAGGED.finditer(text) for call in _tagged(match))


def results_in(text: str) -> int:
    """How many results a text marks by tags."""
    return len(_RESULT.findall(text)) if "<tool_response>" in text else 0


def is_call(text: str) -> bool:
    """Whether a text is nothing but calls: JSON of them, or tags around them."""
    if _TAG.match(text):
        return True
    if text[:1] not in {"{", "["} or '"name"' not in text:
        return False
    found = _loaded(text)
    items = found if isinstance(found, list) else [found]
    return bool(items) and all(isinstance(item, Mapping) and _is_call(item) for item in items)


def _is_call(item: Mapping[object, object]) -> bool:
    return isinstance(item.get("function"), Mapping) or ("name" in item and any(key in item for key in ARGUMENTS))


def _tagged(match: re.Match[str]) -> Iterator[ToolCall]:
    name, inner = match["name"], match["inner"]
    body = next((match[key] for key in ("hermes", "glaive", "mistral", "llama") if match[key] is not None), "").strip()
    if name is None and body.startswith("<"):  # names and values in tags: their types cannot be seen
        found = re.match(r"<function=([\w.-]+)>", body)
        yield ToolCall(found[1], {}, judged=False) if found else BROKEN
    elif name is not None and inner.lstrip().startswith("<"):
        yield ToolCall(name, {}, judged=False)
    elif name is not None:
        yield ToolCall(name, _arguments(inner))
    else:
        yield from _of_text(body)


def _of_text(text: str) -> tuple[ToolCall, ...]:
    found = _loaded(text)
    if found is None and "'" in text:  # arguments as text in single quotes
        found = _loaded(_QUOTED.sub(lambda m: f"{m['key']}{json.dumps(m['text'])}{m['end']}", text))
    return calls_of(found) if isinstance(found, (list, Mapping)) else (BROKEN,)


def _call(item: object) -> ToolCall:
    if isinstance(item, str):
        found = _loaded(item)
        return _call(found) if isinstance(found, Mapping) else BROKEN
    if not isinstance(item, Mapping):
        return BROKEN
    inner = item.get("function")
    body = inner if isinstance(inner, Mapping) else item
    name = body.get("name", inner if isinstance(inner, str) else None)
    given = next((body[key] for key in ARGUMENTS if body.get(key) is not None), None)
    known = next((item[key] for key in ("id", "call_id", "tool_call_id") if isinstance(item.get(key), str)), None)
    return ToolCall(name if isinstance(name, str) and name else None, _arguments(given), known or None)


def _arguments(given: object) -> Mapping[str, object] | None:
    if given is None or (isinstance(given, str) and not given.strip()):
        return {}
    if isinstance(given, Mapping):  # columns of tables give every call the arguments of all, empty
        return {str(name): value for name, value in given.items() if value is not None}
    found = _loaded(given) if isinstance(given, str) else None
    return found if isinstance(found, dict) else None


def _loaded(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
