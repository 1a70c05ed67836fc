"""JSON Schema: the part that servers support, always validated here.

An unknown keyword is an error before any request.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from syngain.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TYPES: Mapping[str, Callable[[object], bool]] = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "integer": lambda v: (isinstance(v, int) and not isinstance(v, bool)) or (isinstance(v, float) and v.is_integer()),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
}
_SPOKEN = frozenset({"title", "description", "$schema", "default", "examples"})  # without effect on validity
_CHECKED = frozenset(
    {"type", "properties", "required", "additionalProperties", "items", "enum", "const", "pattern"}
    | {"minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum"}
)
_FENCE = re.compile(r"^```(?:json)?\s*(.*?)\s*```$", re.DOTALL)


def check_schema(schema: object, where: str = "json_schema") -> None:
    """Refuse a schema that cannot be validated.

    Raises:
        InputError: an unknown keyword or type, or no mapping.
    """
    if not isinstance(schema, dict):
        raise InputError(
            f"{where} is {type(schema).__name__}", expected="a mapping", todo="write for example {type: object}"
        )
    unknown = sorted(set(schema) - _SPOKEN - _CHECKED)
    if unknown:
        raise InputError(
            f"{where} uses the unsupported keyword {unknown[0]!r}",
            expected=f"keywords among {', '.join(sorted(_CHECKED))}",
            todo=f"remove {unknown[0]!r} from the recipe",
        )
    for kind in _kinds(schema):
        if kind not in _TYPES:
            raise InputError(
                f"{where} has the unknown type {kind!r}",
                expected=f"one of {', '.join(_TYPES)}",
                todo="correct `type` in the recipe",
            )
    properties = schema.get("properties", {})
    if not isinstance(properties, dict):
        raise InputError(
            f"{where}.properties is {type(properties).__name__}",
            expected="a mapping",
            todo="write for example {text: {type: string}}",
        )
    for name, inner in properties.items():
        check_schema(inner, f"{where}.{name}")
    if "items" in schema:
        check_schema(schema["items"], f"{where}.items")
    if isinstance(schema.get("additionalProperties"), dict):
        raise InputError(f"{where}.additionalProperties is a schema", expected="true or false", todo="set it to false")


def parsed(text: str, schema: Mapping[str, Any]) -> tuple[Any, str]:
    """The JSON value of a text, and its problem, empty when it fits the schema."""
    fenced = _FENCE.match(text.strip())
    try:
        value = json.loads(fenced.group(1) if fenced else text)
    except (ValueError, RecursionError) as error:
        return None, f"not JSON ({error})"
    return value, problem(value, schema)


def problem(value: object, schema: Mapping[str, Any], where: str = "the value") -> str:
    """The first violation of a schema; empty when the value fits."""
    kinds = _kinds(schema)
    if kinds and not any(_TYPES[kind](value) for kind in kinds):
        return f"{where} is not of type {' or '.join(kinds)}"
    allowed = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if allowed is not None and value not in allowed:
        return f"{where} is not one of {json.dumps(allowed, ensure_ascii=False)[:200]}"
    if isinstance(value, str):
        return _string_problem(value, schema, where)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _range_problem(value, schema, where, ("minimum", "maximum"))
    if isinstance(value, list):
        return _array_problem(value, schema, where)
    return _object_problem(value, schema, where) if isinstance(value, dict) else ""


def _kinds(schema: Mapping[str, Any]) -> list[str]:
    kind = schema.get("type")
    return [] if kind is None else list(kind) if isinstance(kind, (list, tuple)) else [kind]


def _string_problem(value: str, schema: Mapping[str, Any], where: str) -> str:
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return f"{where} does not match {schema['pattern']}"
    return _range_problem(len(value), schema, f"the length of {where}", ("minLength", "maxLength"))


def _range_problem(value: float, schema: Mapping[str, Any], where: str, names: tuple[str, str]) -> str:
    low, high = (schema.get(name) for name in names)
    if low is not None and value < low:
        return f"{where} is {value}, below {low}"
    return f"{where} is {value}, above {high}" if high is not None and value > high else ""


def _array_problem(value: list[object], schema: Mapping[str, Any], where: str) -> str:
    found = _range_problem(len(value), schema, f"the length of {where}", ("minItems", "maxItems"))
    if found or "items" not in schema:
        return found
    return next(filter(None, (problem(item, schema["items"], f"{where}[{i}]") for i, item in enumerate(value))), "")


def _object_problem(value: dict[str, object], schema: Mapping[str, Any], where: str) -> str:
    absent = [name for name in schema.get("required", ()) if name not in value]
    if absent:
        return f"{where} lacks `{absent[0]}`"
    properties = schema.get("properties", {})
    foreign = sorted(set(value) - set(properties)) if schema.get("additionalProperties") is False else []
    if foreign:
        return f"{where} has the unknown field `{foreign[0]}`"
    inner = (problem(value[name], part, f"`{name}`") for name, part in properties.items() if name in value)
    return next(filter(None, inner), "")
