"""Errors of the command line parser in the three parts of all errors."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import typer

from syngain.core.errors import UsageError

KINDS = {"bool": "true or false", "int": "a whole number", "float": "a number"}  # by the beginning of a type's name

# typer carries its own click since 0.26 and needs the package before: the class is found by name
ClickException: type[Exception] = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")


def parsed_error(error: Exception) -> UsageError:
    """An error of typer's parser as one of ours: the bad value, the usage line, and the help to read."""
    context: Any = getattr(error, "ctx", None)
    came, nearest = _came(error)
    if context is None:
        return UsageError(came, expected="syngain COMMAND", todo=nearest or "run `syngain --help`")
    flag: Any = getattr(error, "param", None)
    if type(error).__name__ == "BadParameter" and flag is not None and kind_of(flag) in KINDS:
        name = max(flag.opts, key=len)
        todo = f"correct {name}; `{context.command_path} --help` lists all flags"
        return UsageError(came, expected=f"{taken_by(flag)} for {name}", todo=todo)
    usage = " ".join(context.get_usage().removeprefix("Usage: ").replace("{", "").replace("}", "").split())
    return UsageError(came, expected=usage, todo=nearest or f"run `{context.command_path} --help`")


def _came(error: Any) -> tuple[str, str]:  # noqa: ANN401  (classes of the click inside typer)
    """The bad value, and the nearest match as a fix; the text of the parser where the kind is unknown."""
    kind = type(error).__name__
    text = " ".join(str(error.format_message()).split())
    if kind == "NoSuchOption":
        alike = get_close_matches(error.option_name, list(error.possibilities or ()), n=1, cutoff=0.0)
        return f"unknown option {error.option_name}", f"did you mean {alike[0]}?" if alike else ""
    if kind == "MissingParameter":
        return text[:1].lower() + text[1:].rstrip("."), ""
    came, _, hint = text.partition(" Did you mean ")
    if came.startswith("No such command"):
        came = came.replace("No such command", "unknown command")
    return came[:1].lower() + came[1:].rstrip("."), f"did you mean {hint}" if hint else ""


def kind_of(flag: Any) -> str:  # noqa: ANN401
    """Which of ``KINDS`` a flag takes; versions of typer differ in where they keep it."""
    own = getattr(flag, "type_descriptor", None)
    name = str(getattr(own.annotation, "__name__", "") if own is not None else flag.type.name)
    return next((kind for kind in KINDS if name.startswith(kind)), "path" if name.casefold() == "path" else "text")


def taken_by(flag: Any) -> str:  # noqa: ANN401
    """What a flag takes, with its bounds."""
    words = KINDS.get(kind_of(flag), "text")
    holder = flag if hasattr(flag, "min") else flag.type
    bounds = (("at least", getattr(holder, "min", None)), ("at most", getattr(holder, "max", None)))
    said = [f"{word} {bound}" for word, bound in bounds if bound is not None]
    return f"{words}, {' and '.join(said)}" if said else words
