"""The page of the command line, made from the commands themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = """# Command line

Generated from the program when these pages are built. Every command prints the same with `--help`.

Exit codes: 0 done, 1 a gate failed, 2 wrong use or input, 3 could not finish (finished work is kept), 130 interrupted.
stdout holds data, stderr messages and progress. `FILE::column=value[,value]` reads only these rows, wherever a command
reads a file. A `-c` file holds the long flags with underscores; flags override it. `syngain --install-completion`
completes commands and flags in the shell.
"""


def commands() -> list[tuple[str, Any]]:
    """Every command with its full name, groups left out: they only hold others."""
    from typer.main import get_command

    from syngain.cli.app import app

    return list(_leaves("syngain", get_command(app)))


def _leaves(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    below = getattr(command, "commands", None)
    if below is None:
        yield name, command
        return
    for key, child in below.items():
        yield from _leaves(f"{name} {key}", child)


def page() -> str:
    """Markdown of the whole page."""
    parts = [HEAD]
    for name, command in commands():
        arguments = [one for one in command.params if one.param_type_name == "argument"]
        options = [one for one in command.params if one.param_type_name == "option"]
        usage = " ".join([name, *map(_place, arguments), "[OPTIONS]"])
        parts.append(f"## {name}\n\n{_prose(command.help)}\n\n```text\n{usage}\n```\n")
        if arguments:
            parts.append(_table("argument", [(f"`{_metavar(one)}`", one) for one in arguments]))
        parts.append(_table("option", [(_flags(one), one) for one in options if not getattr(one, "hidden", False)]))
    return "\n".join(parts)


def _table(kind: str, rows: list[tuple[str, Any]]) -> str:
    lines = [f"| {kind} | what | default |", "|---|---|---|"]
    lines += [f"| {name} | {_prose(one.help)} | {_default(one)} |" for name, one in rows]
    return "\n".join(lines) + "\n"


def _metavar(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper())


def _place(argument: Any) -> str:
    text = _metavar(argument) + ("" if argument.nargs == 1 or "..." in _metavar(argument) else " ...")
    return text if argument.required else f"[{text}]"


def _flags(option: Any) -> str:
    return ", ".join(f"`{flag}`" for flag in [*option.opts, *option.secondary_opts])


def _default(parameter: Any) -> str:
    value = parameter.default
    if parameter.required:
        return "needed"
    if value is None or value is False or value == () or callable(value) or "UNSET" in repr(value).upper():
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _prose(text: str | None) -> str:
    """One line in a table cell; braces and bars stay text."""
    return " ".join((text or "").split()).replace("|", "\\|").replace("<", "&lt;")
