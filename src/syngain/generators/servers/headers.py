"""Headers of requests that a recipe sets: texts, with ``${NAME}`` for environment variables."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from syngain.core.errors import UsageError
from syngain.generators.servers.secrets import key_places

if TYPE_CHECKING:
    from collections.abc import Mapping

KEYS = frozenset({"authorization", "api-key", "x-api-key", "x-goog-api-key", "proxy-authorization", "cookie"})
OURS = frozenset({"host", "content-length", "content-type", "accept-encoding", "transfer-encoding"})
_KEY_NAME = re.compile(r"(?:key|token|secret|auth|authorization|password|cookie|credentials?)$", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{(\w+)\}")


def resolved(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers with the values of environment variables.

    Raises:
        UsageError: a key in plain text, a variable that is not set, or a header that is not the recipe's to set.
    """
    return {name: _resolved(name, value) for name, value in headers.items()}


def _resolved(name: str, value: str) -> str:
    if name.lower() in OURS or not re.fullmatch(r"[\w!#$%&'*+.^`|~-]+", name, re.ASCII):
        raise UsageError(f"the header {name!r}", expected="a header of the server", todo="remove it from `headers`")
    variables = _VARIABLE.findall(value)
    if not variables and (_KEY_NAME.search(name) or any(key_places({name: value}))):
        raise UsageError(
            f"the header {name!r} contains a key, and a recipe is written to the run folder",
            expected="the name of an environment variable: `${NAME}`",
            todo=f'write `headers: {{{name}: "${{MY_KEY}}"}}`, and export MY_KEY=...',
        )
    for variable in variables:
        if not os.environ.get(variable, "").strip():
            raise UsageError(
                f"{variable} is not set, and the header {name!r} needs it",
                expected=f"the environment variable {variable}",
                todo=f"export {variable}=... and run again",
            )
        valid(os.environ[variable].strip(), variable)
    if not all(one.isprintable() and one.isascii() for one in value):
        raise UsageError(
            f"the header {name!r} has the value {value!r}", expected="printable ASCII in one line", todo="correct it"
        )
    return _VARIABLE.sub(lambda match: os.environ[match[1]].strip(), value)


def check_fields(fields: Mapping[str, object], place: str) -> None:
    """Refuse keys in plain text in the fields of requests: they would be written to the run folder.

    Raises:
        UsageError: there is one; the error names its place, not the key.
    """
    found = next(key_places(fields), None)
    if found is not None:
        raise UsageError(
            f"`{place}` holds a key at {found!r}, and a recipe is written to the run folder",
            expected="keys in environment variables: `key_env: NAME`, or a header with `${NAME}`",
            todo=f"remove {found!r}, export MY_KEY=... and set `key_env: MY_KEY`",
        )


def secrets(headers: Mapping[str, str]) -> tuple[str, ...]:
    """The values of environment variables in headers."""
    found = [variable for value in headers.values() for variable in _VARIABLE.findall(value)]
    return tuple(value for name in found if (value := os.environ.get(name, "").strip()))


def authorizes(headers: Mapping[str, str]) -> bool:
    """Whether a header holds a key, so that none of another service is sent."""
    return any(name.lower() in KEYS for name in headers)


def check_variable(name: str) -> None:
    """Refuse what is no name of an environment variable: it may be the key itself, and a recipe is written down.

    Raises:
        UsageError: it is none; the error does not show it.
    """
    if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        raise UsageError(
            "key_env holds something else than the name of an environment variable",
            expected="a name such as OPENAI_API_KEY, without $; the key itself is never written down",
            todo="export MY_KEY=... and set key_env to MY_KEY",
        )


def valid(key: str, variable: str) -> str:
    """A key that a header can hold.

    Raises:
        UsageError: it has other characters.
    """
    if key and not (key.isascii() and key.isprintable()):
        raise UsageError(
            f"the key in {variable} contains characters that HTTP headers do not allow",
            expected="printable ASCII",
            todo=f"export {variable}=KEY with the key alone",
        )
    return key
