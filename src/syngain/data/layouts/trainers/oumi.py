"""Oumi: conversations as its class ``Conversation`` takes them (``text_sft_jsonl``, ``vl_sft_jsonl``).

Calls have an id and arguments as JSON text; contents are texts, or items of type ``text``, ``image_path``,
``image_url`` and ``image_binary``; tools are OpenAI's, with types of JSON Schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from syngain.data.layouts.entry import Entry, Message, Row, SkippedError
from syngain.data.layouts.trainers import forms
from syngain.data.layouts.trainers.chat import all_answers, message_of, name_calls, with_tools
from syngain.data.layouts.trainers.forms import Form, TrainerFormat, Written, conversation
from syngain.data.layouts.trainers.meaning import KNOWN, Meaning, meaning_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.data.layouts.trainers.meaning import MeantTurn

ROLES = frozenset({"system", "user", "assistant", "tool"})
ITEMS = frozenset({"text", "image_path", "image_url", "image_binary"})
TYPES = frozenset({"object", "string", "number", "integer", "boolean", "array", "null"})
TEXTS = ("description", "title", "format")


def item_of(kind: str, place: str) -> Row:
    """An image as an item of a content; other media as they are called, which Oumi refuses."""
    if kind != "image":
        return {"type": kind, "content": place}
    if place.startswith("data:"):
        return {"type": "image_binary", "binary": place.partition("base64,")[2]}
    return {"type": "image_url" if "://" in place else "image_path", "content": place}


def write_conversation(meaning: Meaning) -> Written:
    """Messages, tools, and other fields in ``metadata``."""
    turns = conversation(meaning, "Oumi")
    lost = [
        f"messages[].{name}"
        for turn in turns
        for name in turn.of
        if name not in KNOWN and name != "id" and not (turn.role == "tool" and name == "name")
    ]
    return with_tools({"messages": _messages(turns), "metadata": {}}, meaning), lost


def _messages(turns: Sequence[MeantTurn]) -> list[Message]:
    """Messages whose calls have ids, which results name."""
    ids: list[str] = []
    out = []
    for turn in turns:
        made = message_of(turn, item_of, text_arguments=True)
        content = made["content"]
        if isinstance(content, list):
            made["content"] = [
                {"type": "text", "content": part["text"]} if part.get("type") == "text" else part for part in content
            ]
        name_calls(made, turn, ids)
        allowed = {"role", "content", "tool_calls", "tool_call_id", "reasoning_content", "id"}
        out.append({name: value for name, value in made.items() if name in allowed})
    return out


def read_conversation(row: Row) -> Meaning:
    """As ``Conversation.model_validate`` reads a row; every answer is trained.

    Raises:
        SkippedError: the class refuses it.
    """
    messages = row["messages"]
    listed: list[Message] = messages if isinstance(messages, list) else []
    for message in listed:
        _check_message(message)
    tools = row.get("tools")
    for tool in tools if isinstance(tools, list) else []:
        _check_tool(tool)
    if not isinstance(row.get("conversation_id"), (str, type(None))):
        raise SkippedError("`conversation_id` is not text", "a text as the id of a conversation")
    return all_answers(meaning_of(Entry(messages=tuple(listed), tools=tools))[0])


def _check_message(message: Message) -> None:
    if message["role"] not in ROLES:
        raise SkippedError(f"a message of `{message['role']}`", f"messages of {', '.join(sorted(ROLES))}")
    content = message.get("content")
    for item in content if isinstance(content, list) else []:
        kind = item.get("type")
        if kind not in ITEMS:
            raise SkippedError(f"a part of type `{kind}`", "texts and images")
        if not item.get("content") and not item.get("binary") and kind != "text":
            raise SkippedError("an image without a URL, a path or its data", "images with their place")


def _check_tool(tool: object) -> None:
    function = tool.get("function") if isinstance(tool, Mapping) else None
    if not isinstance(tool, Mapping) or not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise SkippedError("a tool without `function.name`", 'tools such as {"type": "function", "function": {"name"}}')
    if tool.get("type", "function") != "function":
        raise SkippedError(f"a tool of type `{tool.get('type')}`", "tools of type function")
    if not isinstance(function.get("strict"), (bool, type(None))):
        raise SkippedError("`strict` of a tool is not true or false", "true or false")
    if not isinstance(function.get("description"), (str, type(None))):
        raise SkippedError("`description` of a tool is not text", "a text")
    if function.get("parameters") is not None:
        _check_schema(function["parameters"], str(function["name"]))


def _check_schema(schema: object, where: str) -> None:
    """Raise SkippedError where Oumi's JSONSchema refuses a schema."""
    if not isinstance(schema, Mapping):
        raise SkippedError(f"the schema of {where} is not an object", "schemas of JSON Schema")
    given = schema.get("type")
    types = given if isinstance(given, list) else [] if given is None else [given]
    if any(not isinstance(one, str) or one not in TYPES for one in types):
        raise SkippedError(f"the type {given!r} in the schema of {where}", f"a type of {', '.join(sorted(TYPES))}")
    for name in TEXTS:
        if not isinstance(schema.get(name), (str, type(None))):
            raise SkippedError(f"`{name}` in the schema of {where} is not text", "a text")
    required, choices = schema.get("required"), schema.get("enum")
    if required is not None and not (isinstance(required, list) and all(isinstance(one, str) for one in required)):
        raise SkippedError(f"`required` in the schema of {where} is not a list of names", "a list of names")
    if not isinstance(choices, (list, type(None))):
        raise SkippedError(f"`enum` in the schema of {where} is not a list", "a list of values")
    inner, items = schema.get("properties"), schema.get("items")
    if inner is not None and not isinstance(inner, Mapping):
        raise SkippedError(f"`properties` in the schema of {where} is not an object", "schemas by name")
    for one in inner.values() if isinstance(inner, Mapping) else ():
        _check_schema(one, where)
    if items is not None:
        _check_schema(items, where)


CONVERSATION = Form(
    "messages", write_conversation, read_conversation, frozenset({"messages", "metadata", "tools"}), "metadata"
)
OUMI = TrainerFormat("Oumi", {forms.SFT: (CONVERSATION,)}, (".jsonl", ".json"))
