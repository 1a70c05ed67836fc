"""Former names of commands, flags and configuration keys. They still work and are not shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COMMANDS = {"check": "probe"}
_ROWS = {"--source": "--source-id"}
FLAGS: Mapping[str, Mapping[str, str]] = {
    "audit": {**_ROWS, "--pool": "--held-out"},
    "gain": {**_ROWS, "--pool": "--held-out"},
    "compare": {**_ROWS, "--draws": "--n-repeats"},
    "select": {**_ROWS, "--repeats": "--near-duplicates"},
    "mix": _ROWS,
    "information": _ROWS,
    "generate": {"--anchor": "--real"},
    "train": {**_ROWS, "--seeds": "--n-repeats"},
    "ggmi": {**_ROWS, "--draws": "--n-repeats"},
    "loop": {"--holdout": "--held-out", "--seeds": "--n-repeats"},
}
VALUES: Mapping[tuple[str, str], Mapping[str, str]] = {("select", "near_duplicates"): {"free": "keep"}}
_POSITIONS = {"train": {"data": "synthetic", "anchor": "real"}}


def current(arguments: Sequence[str]) -> list[str]:
    """The arguments of a call with the names of today.

    ``train DATA --anchor REAL`` becomes ``train REAL DATA``.
    """
    if not arguments:
        return []
    command = COMMANDS.get(arguments[0], arguments[0])
    known, out = FLAGS.get(command, {}), [command]
    rest, real = list(arguments[1:]), None
    while rest:
        item = rest.pop(0)
        flag, equals, value = item.partition("=")
        if command == "train" and flag == "--anchor":
            real = value if equals else rest.pop(0) if rest else ""
            continue
        if flag not in known:
            out.append(item)
            continue
        values = VALUES.get((command, _key(known[flag])), {})
        if equals:
            out.append(f"{known[flag]}={values.get(value, value)}")
            continue
        out.append(known[flag])
        if rest and rest[0] in values:
            out.append(values[rest.pop(0)])
    return out if real is None else [command, real, *out[1:]]


def current_option(command: str, name: str, value: object) -> tuple[str, object]:
    """An option of a run or a configuration file under its name of today, with its value of today."""
    former = {_key(old): _key(new) for old, new in FLAGS.get(command, {}).items()} | _POSITIONS.get(command, {})
    name = former.get(name, name)
    known = VALUES.get((command, name), {})
    return name, known.get(value, value) if isinstance(value, str) else value


def _key(flag: str) -> str:
    return flag.lstrip("-").replace("-", "_")
