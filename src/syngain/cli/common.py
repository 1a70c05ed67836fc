"""What commands share: configuration files, progress, writing the run."""

from __future__ import annotations

import os
import shlex
import sys
import time
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syngain._version import __version__
from syngain.core.errors import InputError, UnfinishedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import typer

    from syngain.core.progress import Progress
    from syngain.core.result import Result
    from syngain.data.dataset import Dataset
    from syngain.data.encoders.vectors import TextEncoder

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
    for key, value in content.items():
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
        raise InputError(f"{path} cannot be read ({error})", expected="a YAML file") from error
    except yaml.YAMLError as error:
        raise InputError(f"{path} is not YAML ({' '.join(str(error).split())})", expected="a YAML file") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise InputError(f"{path} holds {type(content).__name__}", expected="a mapping of flags to values")
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


def deliver(
    result: Result,
    folder: Path,
    *,
    arguments: Mapping[str, object],
    force: bool,
    as_json: bool,
    quiet: bool,
    rows: Callable[[Path], None] | None = None,
    note: str = "",
) -> None:
    """Write the run folder, then the summary (or the JSON) to stdout, with a ``note`` below, then the report's path."""
    from syngain.report import terminal, write

    log = f"syngain {shlex.join(sys.argv[1:])}\n{result.verdict.decision}: {result.verdict.sentence}\n"
    write(result, folder, run={"arguments": _plain(arguments)}, log=log, force=force, kept=rows)
    with _reader_may_leave():
        if as_json:
            sys.stdout.write((folder / "report.json").read_text(encoding="utf-8"))
            return
        if not quiet:
            from rich.console import Console

            console = Console()
            Console(width=max(console.width, 60)).print(terminal(result))
            if note:
                print(note)
        print(f"report: {folder / 'report.html'}")


@contextmanager
def _reader_may_leave() -> Iterator[None]:
    """The reader of stdout may stop reading (``| head``): that is its right, and the run is written."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _plain(arguments: Mapping[str, object]) -> dict[str, object]:
    """Arguments as JSON holds them."""
    return {
        key: value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
        for key, value in arguments.items()
    }


def same_run(folder: Path, data: Mapping[str, Dataset], seed: int) -> bool:
    """Whether a finished run is of these rows and this seed.

    Raises:
        UsageError: it is of others.
    """
    from syngain.report import load

    report = load(folder)
    made = {name: item["fingerprint"] for name, item in report["inputs"].items()}
    given = {name: dataset.fingerprint for name, dataset in data.items()}
    if (made, report["seed"], report["syngain"]) == (given, seed, __version__):
        return True
    raise UsageError(
        f"{folder} is a finished run of other rows, another seed or another version",
        expected="the same inputs for --resume",
        todo="name another folder with -o, or replace this one with --force",
    )


def remembered(result: Result) -> str:
    """Keep forecast and measured gain for the record; how forecasts did before, or why that is not known."""
    from syngain.gain.calibration import remember

    try:
        before = remember(result)
    except UnfinishedError as error:  # the gain is measured and must be delivered, with or without a record
        return f"Calibration: {error.came}."
    return "" if before is None else before.sentence


def read_sets(options: Mapping[str, Any]) -> dict[str, Dataset]:
    """Read the sets by role; columns are detected on the real rows first."""
    from syngain.data import RoleOptions, read

    flags = {name: options[name] for name in ("text", "label", "source", "generator", "id")}
    out: dict[str, Dataset] = {}
    for role in ("real", "synthetic", "test", "pool"):
        if options[role] is not None:
            out[role] = read(options[role], roles=RoleOptions.parse(flags, role), like=out.get("real"))
    return out


def encoder_named(name: str) -> TextEncoder | None:
    """The encoder of a flag, None for the default; a model that is not there is an error before anything is read."""
    if name == "ngrams":
        return None
    from syngain.data.encoders.sentences import SentenceEncoder
    from syngain.models.catalog import locate

    locate(name)
    return SentenceEncoder(name)
