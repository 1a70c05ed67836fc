"""What commands share: configuration files, progress, datasets and encoders named by flags."""

from __future__ import annotations

import re
import sys
import time
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syngain.cli.config_file import converted, read_options
from syngain.core.errors import UsageError, check_set_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    import typer

    from syngain.core.progress import Progress
    from syngain.data.dataset import Dataset
    from syngain.data.encoders.vectors import TextEncoder

NAMED = re.compile(r"^(?P<name>[^=:/\\]+)=(?P<file>.+)$")
HEARTBEAT = 60.0  # seconds after which a stage that lasts is said again


def configured(context: typer.Context, config: Path | None) -> dict[str, Any]:
    """The options of this call: flag beats file, file beats default; keys are the long flags with underscores.

    Raises:
        InputError: the file cannot be read or is not a mapping. UsageError: a key is not a flag of the command, or
            its value not one of that flag.
    """
    values = dict(context.params)
    if config is None:
        return values
    known: dict[str, Any] = {_key(parameter): parameter for parameter in context.command.params if _key(parameter)}
    for key, value in read_options(config, str(context.info_name)).items():
        if key not in known:
            raise UsageError(
                f"{config} has the key {key!r}",
                expected=f"one of {', '.join(sorted(known))}",
                todo=f"{nearest(key, known)}correct the key; keys are the long flags with underscores",
            )
        name, read = str(known[key].name), converted(config, key, value, known[key], context)
        if read is not None and not given(context, name):
            values[name] = read
    return values


def given(context: typer.Context, name: str) -> bool:
    """Whether the person who called gave this flag or argument."""
    source = context.get_parameter_source(name)
    return source is not None and source.name not in {"DEFAULT", "DEFAULT_MAP"}


def refuse(context: typer.Context, flags: Collection[str], where: str) -> None:
    """Refuse flags that were given and change nothing where they stand.

    Raises:
        UsageError: one of ``flags`` (names of parameters) was given; ``where`` says how the command was called.
    """
    for parameter in context.command.params:
        name = str(parameter.name)
        if name in flags and given(context, name):
            flag = max(parameter.opts, key=len)
            raise UsageError(f"{flag} {where}", expected="flags that change something", todo=f"leave {flag} out")


def nearest(word: str, known: Iterable[str]) -> str:
    """``did you mean seed? `` for the known word that is most alike, nothing where none is."""
    alike = get_close_matches(word, list(known), n=1)
    return f"did you mean {alike[0]}? " if alike else ""


def _key(parameter: Any) -> str:  # noqa: ANN401  (a parameter of click, or of the click inside typer)
    longest = max(parameter.opts, key=len)
    return longest.lstrip("-").replace("-", "_") if longest.startswith("--") and longest != "--config" else ""


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

    check_files(options.get(flag) for flag in ("real", "synthetic", "test", "held_out", "retain"))
    out: dict[str, Dataset] = {}
    for role, flag in (("real", "real"), ("synthetic", "synthetic"), ("test", "test"), ("pool", "held_out")):
        if options.get(flag) is not None:
            roles = RoleOptions.parse(column_flags(options), role)
            out[role] = read(options[flag], roles=roles, like=out.get("real"), encoding=encoding_of(options, role))
    if options.get("retain") is not None:  # rows of other kinds: their columns are found by themselves
        roles = RoleOptions.parse(column_flags(options), "retain")
        out["retain"] = read(options["retain"], roles=roles, encoding=encoding_of(options, "retain"))
    return out


def check_files(paths: Iterable[str | None]) -> None:
    """Look for every file before the first is read: a missing one is the first cause.

    Raises:
        InputError: a file is missing; the error names the nearest name next to it.
    """
    from syngain.data.files.choices import is_pattern
    from syngain.data.files.streams import missing_file
    from syngain.data.read import split_location

    for path in filter(None, paths):
        file, _ = split_location(path)
        if not file.exists() and not is_pattern(file):
            raise missing_file(file)


def read_table(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The real rows as a table, for verbs that take one."""
    from syngain.tables.cells.source import TableSource

    check_files([str(options["real"])])
    return {"real": TableSource.read(str(options["real"]), encoding_of(options, "real"))}


def encoding_of(options: Mapping[str, Any], side: str) -> str | None:
    """The encoding that the flag names for a side."""
    from syngain.data.columns.options import for_side

    return for_side("encoding", options.get("encoding"), side)


def read_named(options: Mapping[str, Any], named: Mapping[str, str]) -> dict[str, Dataset]:
    """Read the real rows, the datasets by name, and the test set where there is one."""
    from syngain.data import RoleOptions, read

    check_files([options["real"], *named.values(), options.get("test")])
    columns = column_flags(options)
    out = {
        "real": read(options["real"], roles=RoleOptions.parse(columns, "real"), encoding=encoding_of(options, "real"))
    }
    encoding = encoding_of(options, "synthetic")
    for name, file in named.items():
        roles = RoleOptions.parse(columns, "synthetic")
        out[name] = read(file, roles=roles, like=out["real"], encoding=encoding)
    if options.get("test") is not None:
        roles, encoding = RoleOptions.parse(columns, "test"), encoding_of(options, "test")
        out["test"] = read(options["test"], roles=roles, like=out["real"], encoding=encoding)
    return out


def column_flags(options: Mapping[str, Any]) -> dict[str, Any]:
    """The flags that name columns."""
    names = {
        "text": "text",
        "label": "label",
        "source": "source_id",
        "generator": "generator",
        "id": "id",
        "target": "target",
    }
    return {role: options.get(flag) for role, flag in names.items()}


def encoder_named(name: str) -> TextEncoder | None:
    """The encoder of a flag, None for the default; a model that is not there is an error before anything is read."""
    if name == "ngrams":
        return None
    from syngain.data.encoders.sentences import SentenceEncoder
    from syngain.generators.embedding_server import server_named

    encoder = server_named(name) or SentenceEncoder(name)
    encoder.check()
    return encoder


def names(given: list[str], *, least: int = 2) -> dict[str, str]:
    """The sets by name: ``NAME=FILE``, or a file named after itself with its filter.

    Raises:
        UsageError: too few sets, two of one name, or a name that the report uses itself.
    """
    out: dict[str, str] = {}
    for item in given:
        match = NAMED.match(item)
        name, file = (match["name"], match["file"]) if match else (item.rsplit("/", 1)[-1], item)
        if name in out:
            raise UsageError(f"two datasets are named {name}", expected="different names", todo="name them: NAME=FILE")
        check_set_name(name)
        out[name] = file
    if len(out) < least:
        todo = "for one dataset use `syngain gain`" if least > 1 else "name the files of synthetic rows after REAL"
        raise UsageError(f"got {len(out)} dataset{'s' * (len(out) != 1)}", expected=f"at least {least}", todo=todo)
    return out
