"""What commands share: configuration files, progress, datasets and encoders named by flags."""

from __future__ import annotations

import re
import sys
import time
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syngain.cli.aliases import current_option
from syngain.core.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import typer

    from syngain.core.progress import Progress
    from syngain.data.dataset import Dataset
    from syngain.data.encoders.vectors import TextEncoder

NAMED = re.compile(r"^(?P<name>[^=:/\\]+)=(?P<file>.+)$")
HEARTBEAT = 60.0  # seconds after which a stage that lasts is said again


def configured(context: typer.Context, config: Path | None) -> dict[str, Any]:
    """The options of this call: flag beats file, file beats default; keys are the long flags with underscores.

    Raises:
        InputError: the file cannot be read or is not a mapping. UsageError: a key is not a flag of the command.
    """
    values = dict(context.params)
    if config is None:
        return values
    content = _yaml(config)
    known: dict[str, Any] = {_key(parameter): parameter for parameter in context.command.params if _key(parameter)}
    named = dict(current_option(str(context.info_name), key, value) for key, value in content.items())
    for key, value in named.items():
        if key not in known:
            raise UsageError(
                f"{config} has the key {key!r}",
                expected=f"one of {', '.join(sorted(known))}",
                todo=f"{nearest(key, known)}correct the key; keys are the long flags with underscores",
            )
        name = str(known[key].name)
        source = context.get_parameter_source(name)
        if source is None or source.name == "DEFAULT":
            values[name] = _converted(config, key, value, values[name])
    return values


def nearest(word: str, known: Iterable[str]) -> str:
    """``did you mean seed? `` for the known word that is most alike, nothing where none is."""
    alike = get_close_matches(word, list(known), n=1)
    return f"did you mean {alike[0]}? " if alike else ""


def _converted(config: Path, key: str, value: object, default: object) -> object:
    """A value of the file in the type of the flag's default; flags without one are text, repeatable ones a list."""
    if isinstance(default, (list, tuple)):
        several = value if isinstance(value, list) else [value]
        return [_converted(config, key, item, None) for item in several]
    kind = type(default) if isinstance(default, (bool, int, float)) else str
    fits = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    if kind is str:
        fits = isinstance(value, (str, int, float)) and not isinstance(value, bool)
    if not fits:
        words = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
        raise UsageError(f"{config} has {key}: {value!r}", expected=words[kind], todo="correct the value")
    if isinstance(default, Path):
        return Path(str(value))
    return value if kind is not str else str(value)


def _key(parameter: Any) -> str:  # noqa: ANN401  (a parameter of click, or of the click inside typer)
    longest = max(parameter.opts, key=len)
    return longest.lstrip("-").replace("-", "_") if longest.startswith("--") and longest != "--config" else ""


def _yaml(path: Path) -> Mapping[str, Any]:
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
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
            f"{path} holds {type(content).__name__}",
            expected="a mapping of flags to values",
            todo="for example `seed: 1`",
        )
    return {str(key): value for key, value in content.items()}


@contextmanager
def progress_shown(*, quiet: bool) -> Iterator[Progress]:
    """A bar on a terminal, a line per stage and minute elsewhere, nothing when quiet. All of it on stderr."""
    if quiet:
        yield lambda _stage, _done: None
        return
    if not sys.stderr.isatty():
        yield _lines()
        return
    from syngain.cli.bar import drawn

    with drawn() as progress:
        yield progress


def _lines() -> Progress:
    last, said = "", 0.0

    def report(stage: str, done: float) -> None:
        nonlocal last, said
        if stage != last or time.monotonic() - said > HEARTBEAT:
            last, said = stage, time.monotonic()
            print(f"[{done:4.0%}] {stage}", file=sys.stderr, flush=True)

    return report


def read_sets(options: Mapping[str, Any]) -> dict[str, Dataset]:
    """Read the sets by role; columns are detected on the real rows first."""
    from syngain.data import RoleOptions, read

    out: dict[str, Dataset] = {}
    for role, flag in (("real", "real"), ("synthetic", "synthetic"), ("test", "test"), ("pool", "held_out")):
        if options.get(flag) is not None:
            roles = RoleOptions.parse(column_flags(options), role)
            out[role] = read(options[flag], roles=roles, like=out.get("real"))
    return out


def read_named(options: Mapping[str, Any], named: Mapping[str, str]) -> dict[str, Dataset]:
    """Read the real rows, the datasets by name, and the test set where there is one."""
    from syngain.data import RoleOptions, read

    columns = column_flags(options)
    out = {"real": read(options["real"], roles=RoleOptions.parse(columns, "real"))}
    for name, file in named.items():
        out[name] = read(file, roles=RoleOptions.parse(columns, "synthetic"), like=out["real"])
    if options.get("test") is not None:
        out["test"] = read(options["test"], roles=RoleOptions.parse(columns, "test"), like=out["real"])
    return out


def column_flags(options: Mapping[str, Any]) -> dict[str, Any]:
    """The flags that name columns."""
    names = {"text": "text", "label": "label", "source": "source_id", "generator": "generator", "id": "id"}
    return {role: options.get(flag) for role, flag in names.items()}


def encoder_named(name: str) -> TextEncoder | None:
    """The encoder of a flag, None for the default; a model that is not there is an error before anything is read."""
    if name == "ngrams":
        return None
    from syngain.data.encoders.sentences import SentenceEncoder
    from syngain.models.catalog import locate

    locate(name)
    return SentenceEncoder(name)


def names(given: list[str], *, least: int = 2) -> dict[str, str]:
    """The sets by name: ``NAME=FILE``, or a file named after itself with its filter.

    Raises:
        UsageError: too few sets, two of one name, or a name that the report uses itself.
    """
    out: dict[str, str] = {}
    for item in given:
        match = NAMED.match(item)
        name, file = (match["name"], match["file"]) if match else (item.rsplit("/", 1)[-1], item)
        if name in out or name in {"real", "test"}:
            came = f"two datasets are named {name}" if name in out else f"a dataset is named {name}"
            raise UsageError(came, expected="different names, not real or test", todo="name them: NAME=FILE")
        out[name] = file
    if len(out) < least:
        came = f"got {len(out)} dataset{'' if len(out) == 1 else 's'}"
        raise UsageError(came, expected=f"at least {least}", todo="for one dataset use `syngain gain REAL SYNTHETIC`")
    return out
