"""The fields that the user named, by role, and the flags that name them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syngain.core.errors import UsageError
from syngain.data.columns.finder import flag_of

if TYPE_CHECKING:
    from collections.abc import Mapping

SIDES = ("real", "synthetic", "test", "pool", "retain")
SIDES_SAID = "real, synthetic, test, pool (or held_out), retain"
FLAGS = ("text", "label", "source", "generator", "id", "target")
SAME_SIDE = {"held_out": "pool"}  # other words for a side


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleOptions:
    """Fields that the user named.

    ``None`` means detect, an empty string means none. ``text`` may name several fields, ``"question+solution"``: the
    last is the response, those before it the prompt. ``"question+better/worse"`` names the chosen and the rejected one.
    ``target`` is a kind of :class:`syngain.data.columns.targets.Target`.
    """

    text: str | None = None
    label: str | None = None
    source: str | None = None
    generator: str | None = None
    id: str | None = None
    target: str | None = None

    @classmethod
    def parse(cls, flag_values: Mapping[str, str | None], side: str) -> RoleOptions:
        """Parse the options of one side from flags.

        Flags are such as ``{"label": "real=Sentiment,synthetic=label"}``. A plain value applies to all sides; for
        ``source`` and ``generator`` only to the synthetic one, because real rows have neither.

        Raises:
            UsageError: for an unknown side or flag.
        """
        if side not in SIDES:
            raise UsageError(
                f"unknown side `{side}`",
                expected=f"one of {', '.join(SIDES)}",
                todo=f"write for example {SIDES[0]}=COLUMN",
            )
        unknown = sorted(set(flag_values) - set(FLAGS))
        if unknown:
            raise UsageError(
                f"unknown role `{unknown[0]}`",
                expected=f"one of {', '.join(FLAGS)}",
                todo=f"write for example {{{FLAGS[0]!r}: 'COLUMN'}}",
            )
        return cls(**{flag: for_side(flag, value, side) for flag, value in flag_values.items()})


def for_side(flag: str, value: str | None, side: str) -> str | None:
    """The part of a flag that holds for a side: ``real=A,synthetic=B``, or one value for all.

    Raises:
        UsageError: an unknown side, or one that is named twice.
    """
    if value is None:
        return None
    parts = [part.strip() for part in value.split(",")]
    pairs = [part.split("=", 1) for part in parts if "=" in part]
    named = [(SAME_SIDE.get(name, name), own) for name, own in pairs if SAME_SIDE.get(name, name) in SIDES]
    if not named:
        return None if flag in {"source", "generator"} and side != "synthetic" else _or_none(value.strip())
    if len(named) != len(parts) or len({name for name, _ in named}) != len(named):
        raise UsageError(
            f"{flag_of(flag)} {value}",
            expected=f"a field, or SIDE=FIELD[,SIDE=FIELD] with each of {SIDES_SAID} at most once",
            todo=f"write for example {flag_of(flag)} real=A,synthetic=B",
        )
    found = dict(named).get(side)
    return None if found is None else _or_none(found)


def _or_none(value: str) -> str:
    """Map the command-line word ``none`` to "no such field"."""
    return "" if value == "none" else value
