"""The tools that a row offers: names and schemas of arguments, in any published spelling."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

FIELDS = ("tools", "functions", "available_tools")
SCHEMAS = ("parameters", "input_schema", "inputSchema", "arguments")
MOST = 200  # objects in a system message that are looked at
TYPES = {
    "string": "string", "str": "string", "text": "string", "number": "number", "float": "number", "double": "number",
    "integer": "integer", "int": "integer", "boolean": "boolean", "bool": "boolean", "array": "array", "list": "array",
    "tuple": "array", "set": "array", "object": "object", "dict": "object", "map": "object", "null": "null",
    "none": "null",
}  # fmt: skip
_DECODER = json.JSONDecoder()

Schema = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Tools:
    """The tools of a row.

    Attributes:
        schemas: of the arguments, by the name of the tool. broken: whether they could not be read.
    """

    schemas: Mapping[str, Schema] = field(default_factory=dict)
    broken: bool = False


def tools_of(record: Mapping[str, object], system: str) -> Tools | None:
    """The tools of a row: of its field, else in its system message; None where nothing says."""
    for name in FIELDS:
        given = record.get(name)
        if given is None or given == "":
            continue
        text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False, default=str)
        return _read(text)
    return _written(system) if '"name"' in system and "{" in system else None


@lru_cache(maxsize=4096)
def _read(text: str) -> Tools | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return Tools(broken=True) if text.lstrip()[:1] in {"[", "{"} else None
    if isinstance(found, Mapping) and "name" not in found and "function" not in found:
        found = [{"name": name, **inner} for name, inner in found.items() if isinstance(inner, Mapping)]
    items = found if isinstance(found, list) else [found]
    return Tools(dict(pair for item in items if (pair := _tool(item)) is not None))


@lru_cache(maxsize=4096)
def _written(system: str) -> Tools | None:
    """Tools that a system message holds as JSON objects."""
    schemas: dict[str, Schema] = {}
    place = system.find("{")
    for _ in range(MOST):
        if place < 0:
            break
        try:
            found, end = _DECODER.raw_decode(system, place)
        except (ValueError, RecursionError):
            end, found = place + 1, None
        pair = _tool(found) if isinstance(found, Mapping) and _offers(found) else None
        if pair is not None:
            schemas[pair[0]] = pair[1]
        place = system.find("{", end)
    return Tools(schemas) if schemas else None


def _offers(item: Mapping[str, object]) -> bool:
    return isinstance(item.get("function"), Mapping) or ("name" in item and any(key in item for key in SCHEMAS[:3]))


def _tool(item: object) -> tuple[str, Schema] | None:
    if isinstance(item, str):
        try:
            item = json.loads(item)
        except (ValueError, RecursionError):
            return None
    if not isinstance(item, Mapping):
        return None
    inner = item.get("function")
    body = inner if isinstance(inner, Mapping) else item
    given: object = next((body[key] for key in SCHEMAS if body.get(key) is not None), {})
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            given = {}
    name = body.get("name")
    return (name, _arguments_schema(given)) if isinstance(name, str) and isinstance(given, Mapping) else None


def _arguments_schema(given: Mapping[str, object]) -> Schema:
    """The schema of the arguments; a mapping of names to types is one whose arguments without default are required."""
    inner = given.get("properties")
    if isinstance(inner, Mapping) or not given or not all(isinstance(value, Mapping) for value in given.values()):
        return normal_schema(given)
    parts = {name: value for name, value in given.items() if isinstance(value, Mapping)}
    required = [
        name
        for name, part in parts.items()
        if "default" not in part
        and "optional" not in str(part.get("type")).lower()
        and part.get("required") is not False
    ]
    return normal_schema({"type": "object", "properties": parts, "required": required})


def normal_schema(schema: Schema) -> Schema:
    """The keywords that are checked, with types in the words of JSON Schema; wrong keywords are left out."""
    out: dict[str, object] = {}
    kinds = _kinds(schema)
    if kinds:
        out["type"] = kinds
    out |= {name: schema[name] for name in ("const", "minimum", "maximum") if schema.get(name) is not None}
    if isinstance(schema.get("enum"), list):
        out["enum"] = schema["enum"]
    for name in ("anyOf", "oneOf", "allOf"):
        parts = schema.get(name)
        if isinstance(parts, list):
            out[name] = [normal_schema(part) for part in parts if isinstance(part, Mapping)]
    for name in ("properties", "$defs", "definitions"):
        parts = schema.get(name)
        if isinstance(parts, Mapping):
            out[name] = {key: normal_schema(part) for key, part in parts.items() if isinstance(part, Mapping)}
    for name in ("items", "additionalProperties"):
        part = schema.get(name)
        if isinstance(part, (Mapping, bool)):
            out[name] = normal_schema(part) if isinstance(part, Mapping) else part
    if isinstance(schema.get("$ref"), str):
        out["$ref"] = schema["$ref"]
    required = _required(schema)
    return {**out, "required": required} if required else out


def _kinds(schema: Schema) -> list[str]:
    given = schema.get("type")
    names = given if isinstance(given, list) else [given] if isinstance(given, str) else []
    known = [TYPES.get(_word(name)) for name in names if isinstance(name, str)]
    if not known or None in known:  # a type of its own says nothing
        return []
    more = ["null"] if schema.get("nullable") is True else []
    return [*(name for name in known if name is not None), *more]


def _word(name: str) -> str:
    """The type in a spelling such as ``str, optional``, ``List[int]`` or ``STRING``."""
    inner = name.strip().lower().removeprefix("optional[")
    return inner.replace("[", ",").replace("]", ",").replace(" ", ",").split(",")[0]


def _required(schema: Schema) -> list[str]:
    given = schema.get("required")
    names = [name for name in given if isinstance(name, str)] if isinstance(given, list) else []
    parts = schema.get("properties")
    if isinstance(parts, Mapping):  # each argument says whether it is required
        names += [
            name
            for name, part in parts.items()
            if isinstance(part, Mapping) and part.get("required") is True and name not in names
        ]
    return names
