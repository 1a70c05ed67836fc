"""Parts of a message: text, media and tool calls in the spellings of all publishers, in one form."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

Media = tuple[str, str, int]  # kind, locator (URL, path or data), characters of text before it
Call = tuple[str, str]  # name, arguments as JSON

TEXTS = frozenset({"text", "input_text", "output_text"})
KINDS = {
    "image": "image",
    "image_url": "image",
    "image_path": "image",
    "image_binary": "image",
    "input_image": "image",
    "audio": "audio",
    "audio_url": "audio",
    "input_audio": "audio",
    "video": "video",
    "video_url": "video",
}
COLUMNS = {"image": ("images", "image"), "video": ("videos", "video"), "audio": ("audios", "audio")}
NO_JSON = "text:"  # marks arguments that are no JSON object


def content_of(content: object) -> tuple[str, tuple[Media, ...], tuple[Call, ...]]:
    """The text of a content, its media with their places in it, and its tool calls (Anthropic's ``tool_use``)."""
    if isinstance(content, str):
        return content, (), ()
    if content is None:
        return "", (), ()
    text, media, calls = "", [], []
    for part in content if isinstance(content, Sequence) else [content]:
        if isinstance(part, str):
            text += part
            continue
        if not isinstance(part, Mapping):
            media.append(("part", dumped(part), len(text)))
            continue
        found = text_of(part)
        kind = str(part.get("type"))
        if found is not None:
            text += found
        elif kind == "tool_use":
            calls.append((str(part.get("name")), arguments_of(part.get("input"))))
        elif kind in KINDS:
            media.append((KINDS[kind], locator(part), len(text)))
        else:
            media.append((f"part of type {kind}", dumped(part), len(text)))
    return text, tuple(media), tuple(calls)


def text_of(part: Mapping[str, object]) -> str | None:
    """The text of a part; None for one of another kind."""
    if part.get("type", "text") not in TEXTS:
        return None
    for key in ("text", "value", "content"):
        found = part.get(key)
        if isinstance(found, Mapping):
            found = found.get("value")
        if isinstance(found, str):
            return found
    return None


def locator(part: Mapping[str, object]) -> str:
    """The URL, path or data of an image, a sound or a video; empty for one that a column of the row holds."""
    source = part.get("source")
    if isinstance(source, Mapping):  # Anthropic
        url = source.get("url")
        return str(url) if url else f"data:{source.get('media_type', 'image/png')};base64,{source.get('data', '')}"
    for key in ("url", "path", "image", "image_url", "video", "video_url", "audio", "audio_url", "input_audio"):
        found = held = part.get(key)
        if isinstance(held, Mapping):
            found, data = held, held.get("data")
            found = held.get("url") or held.get("path")
            if found is None and isinstance(data, str):
                found = f"data:audio/{held.get('format', 'wav')};base64,{data}"
        if isinstance(found, str) and found:
            return found
    for key in ("base64", "binary"):
        if isinstance(part.get(key), str) and part[key]:
            return f"data:image/png;base64,{part[key]}"
    found = part.get("content")
    return found if isinstance(found, str) else ""


def calls_of(message: Mapping[str, object], *, rendered: bool = False) -> tuple[Call, ...]:
    """The tool calls of a message, also of OpenAI's former ``function_call``.

    ``rendered``: as a chat template writes their arguments, which encodes a text once more.
    """
    given = message.get("tool_calls") or message.get("function_call")
    if not given:
        return ()
    out = []
    for call in given if isinstance(given, Sequence) and not isinstance(given, str) else [given]:
        function = call.get("function", call) if isinstance(call, Mapping) else None
        if not isinstance(function, Mapping):
            out.append((dumped(call), NO_JSON))
        else:
            given_arguments = function.get("arguments")
            read = as_template(given_arguments) if rendered else arguments_of(given_arguments)
            out.append((str(function.get("name")), read))
    return tuple(out)


def arguments_of(value: object) -> str:
    """Arguments as JSON; no arguments are an empty object, text that is no JSON is marked."""
    if isinstance(value, str):
        if not value.strip():
            return "{}"
        try:
            read = json.loads(value)
        except ValueError:
            return NO_JSON + value
        return dumped(read) if isinstance(read, dict) else NO_JSON + value
    return "{}" if value is None else dumped(value)


def as_template(value: object) -> str:
    """Arguments as a chat template writes them: a text is encoded once more."""
    return NO_JSON + value if isinstance(value, str) else arguments_of(value)


def opened(arguments: str) -> object:
    """Arguments as an object; marked text as the text it was."""
    return arguments[len(NO_JSON) :] if arguments.startswith(NO_JSON) else json.loads(arguments)


def dumped(value: object) -> str:
    """A value as JSON text, its keys in their order."""
    return json.dumps(value, ensure_ascii=False, default=str)


def listed_tools(value: object) -> str:
    """Tools as JSON, from a list, one tool or JSON text, also of bare functions; empty without tools."""
    read = value
    if isinstance(value, str):
        try:
            read = json.loads(value)
        except ValueError:
            return NO_JSON + value if value.strip() else ""
    if not read:
        return ""
    return dumped([_declared(one) for one in (read if isinstance(read, list) else [read])])


def _declared(tool: object) -> object:
    """A tool as chat templates and services take it: a bare function gets its type."""
    bare = isinstance(tool, Mapping) and isinstance(tool.get("name"), str) and not {"type", "function"} & tool.keys()
    return {"type": "function", "function": tool} if bare else tool
