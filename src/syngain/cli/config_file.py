"""The YAML file of ``--config``: each key once, each value as its flag takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syngain.cli.aliases import current_option
from syngain.cli.parser_errors import ClickException, kind_of, taken_by
from syngain.core.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import typer


def read_options(path: Path, command: str) -> dict[str, object]:
    """The keys of a file under the names of today, with their values as YAML has them.

    Raises:
        InputError: the file cannot be read or is not a mapping. UsageError: a key is there twice.
    """
    import yaml

    from syngain.core.documents.yaml_documents import yaml_content

    try:
        content, written = yaml_content(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} cannot be read ({error})", expected="a YAML file", todo="check the path of --config"
        ) from error
    except yaml.YAMLError as error:
        came = f"{path} is not YAML ({' '.join(str(error).split())})"
        raise InputError(came, expected="a YAML file", todo="correct the line named above") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise InputError(
            f"{path} holds {type(content).__name__}", expected="flags and values", todo="for example `seed: 1`"
        )
    options = [current_option(command, str(key), value) for key, value in content.items()]
    for keys in (written, [name for name, _ in options]):
        _once(path, keys)
    return dict(options)


def _once(path: Path, keys: Iterable[str]) -> None:
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            raise UsageError(f"{path} has the key {key!r} twice", expected="each key once", todo="remove one of them")
        seen.add(key)


def converted(path: Path, key: str, value: object, flag: Any, context: typer.Context) -> object:  # noqa: ANN401
    """A value of the file in the type of its flag and within its bounds; None is "not set".

    A flag that may be repeated takes a list; one of text takes a list as its items separated by commas.

    Raises:
        UsageError: the flag takes no such value.
    """
    if value is None:
        return None
    kind, several = kind_of(flag), value if isinstance(value, list) and value else [value]
    if all(isinstance(item, (str, int, float)) and isinstance(item, bool) == (kind == "bool") for item in several):
        words = [item if isinstance(item, bool) else str(item) for item in several]
        try:
            if flag.multiple:
                return list(flag.process_value(context, words))
            if len(words) == 1 or kind == "text":
                return flag.process_value(context, words[0] if len(words) == 1 else ",".join(map(str, words)))
        except ClickException as error:
            raise _wrong(path, key, value, flag) from error
    raise _wrong(path, key, value, flag)


def _wrong(path: Path, key: str, value: object, flag: Any) -> UsageError:  # noqa: ANN401
    return UsageError(f"{path} has {key}: {value!r}", expected=taken_by(flag), todo="correct the value")
