"""Parts of requests and answers that wires share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syngain.generators.servers.dialect import LIMITS

if TYPE_CHECKING:
    from collections.abc import Mapping


def by_role(messages: object) -> tuple[str, list[tuple[str, str]]]:
    """The text of the system messages, and the other messages as pairs of role and text."""
    given = [(str(one["role"]), str(one["content"])) for one in listed(messages)]
    system = "\n\n".join(text for role, text in given if role == "system")
    return system, [(role, text) for role, text in given if role != "system"]


def limit_of(body: Mapping[str, object]) -> object:
    """The limit of the output, under whichever of its names."""
    return next(body[name] for name in LIMITS if name in body)


def listed(value: object) -> list[Mapping[str, Any]]:
    """The objects of a list; none where it is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text_of(part: Mapping[str, Any], name: str) -> str:
    """A text of a part; empty where it is none."""
    value = part.get(name)
    return value.strip() if name == "thinking" and isinstance(value, str) else value if isinstance(value, str) else ""


def number(value: object) -> int:
    """A whole number at least 0; else 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
