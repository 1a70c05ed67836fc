"""Arguments of a tool call against their schema: the part of JSON Schema that schemas of tools use.

No patterns, formats or remote references: schemas come with the rows, and nothing in a row may cost time or network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syngain.data.tool_calls.tools import Schema

MISSING, INVALID = "missing", "invalid"
DEEPEST = 32


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < float("inf")


_ARE: Mapping[str, Callable[[object], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: _is_number(value) and float(value) == int(value),  # type: ignore[arg-type, call-overload]
    "number": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}


def problems(value: object, schema: Schema) -> frozenset[str]:
    """What is wrong with arguments: ``missing`` (a required one), ``invalid`` (unknown, or a wrong type or value)."""
    return _problems(value, schema, schema, 0)


def _problems(value: object, schema: object, root: Schema, depth: int) -> frozenset[str]:
    if not isinstance(schema, Mapping) or depth > DEEPEST:
        return frozenset()
    if "$ref" in schema:
        return _problems(value, _resolved(str(schema["$ref"]), root), root, depth + 1)
    kinds = schema.get("type")
    if isinstance(kinds, list) and not any(_ARE[kind](value) for kind in kinds):
        return frozenset({INVALID})
    if not _allowed(value, schema):
        return frozenset({INVALID})
    found: set[str] = set()
    for part in schema.get("allOf", ()):
        found |= _problems(value, part, root, depth + 1)
    for name in ("anyOf", "oneOf"):
        choices = [_problems(value, part, root, depth + 1) for part in schema.get(name, ())]
        found |= min(choices, key=len, default=frozenset())
    if isinstance(value, dict):
        found |= _of_object(value, schema, root, depth)
    if isinstance(value, list):
        for item in value:
            found |= _problems(item, schema.get("items"), root, depth + 1)
    return frozenset(found)


def _allowed(value: object, schema: Schema) -> bool:
    """Whether a value is one of those named, and within its bounds."""
    choices = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if isinstance(choices, list) and value not in choices:
        return False
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return True
    low, high = schema.get("minimum"), schema.get("maximum")
    return not (isinstance(low, (int, float)) and value < low) and not (isinstance(high, (int, float)) and value > high)


def _of_object(value: Mapping[str, object], schema: Schema, root: Schema, depth: int) -> set[str]:
    required, parts, others = schema.get("required"), schema.get("properties"), schema.get("additionalProperties")
    found = {MISSING for name in (required if isinstance(required, list) else []) if name not in value}
    known = parts if isinstance(parts, Mapping) else {}
    for name, inner in value.items():
        if name in known:
            found |= _problems(inner, known[name], root, depth + 1)
        elif isinstance(others, Mapping):
            found |= _problems(inner, others, root, depth + 1)
        elif others is False or (others is None and isinstance(parts, Mapping) and not _is_open(schema)):
            found.add(INVALID)
    return found


def _is_open(schema: Schema) -> bool:
    """Whether other parts of the schema may name further properties."""
    return any(name in schema for name in ("allOf", "anyOf", "oneOf"))


def _resolved(reference: str, root: Schema) -> object:
    """The part of the schema that a local reference names; None for another one, which allows everything."""
    if not reference.startswith("#"):
        return None
    part: object = root
    for name in reference[1:].split("/")[1:]:
        part = part.get(name.replace("~1", "/").replace("~0", "~")) if isinstance(part, Mapping) else None
    return part
