"""Run folders: written next to their place and renamed at the end, never half-written, never over foreign files."""

from __future__ import annotations

import errno
import json
import os
import platform
import shutil
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syngain.core.documents.json_documents import json_file
from syngain.core.documents.report_shape import wrong_part
from syngain.core.errors import InputError, SyngainError, UnfinishedError, UsageError
from syngain.core.folders.lock import locked
from syngain.core.folders.work import listed
from syngain.core.result import Result
from syngain.report.page import html
from syngain.report.safe import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


REPORT = "report.json"
RUN = "run.json"
_OURS = frozenset({RUN, "store.sqlite-wal", "store.sqlite-shm", ".DS_Store", "Thumbs.db", "desktop.ini"})
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "pyarrow", "jinja2", "torch", "transformers", "xllamacpp")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def write(
    result: Result,
    folder: str | Path,
    *,
    run: Mapping[str, object] | None = None,
    log: str | None = None,
    force: bool = False,
    tell: Callable[[str], None] | None = None,
) -> Path:
    """Write the run folder of a result, as the command line does, and return its path.

    Args:
        result: what to write, with all its files; its forecast enters the calibration record.
        folder: where; a finished run there is refused unless ``force``, anything else there always.
        run: what ``run.json`` holds next to the versions, the clock, the platform and the fingerprints (arguments).
        log: the contents of ``log.txt``; None for the verdict and the notes.
        force: replace a finished run.
        tell: called with a sentence on earlier forecasts, where there is one.

    Raises:
        UsageError: the folder holds something else or cannot be written. UnfinishedError: the disk is full.
    """
    if not isinstance(result, Result):
        raise UsageError(
            f"{type(result).__name__} as a result",
            expected="a result of syngain",
            todo="pass what syngain.audit(...) returned",
        )
    folder = Path(folder)
    with locked(folder):
        _place(result, folder, run or {}, _log(result) if log is None else log, force=force)
    if result.recorder is not None:
        sentence = result.recorder.record()
        if tell is not None:
            tell(sentence)
    return folder


def _place(result: Result, folder: Path, run: Mapping[str, object], log: str, *, force: bool) -> None:
    """Write the files next to the folder, and put them in its place."""
    check_folder(folder, force=force)
    target = Path(os.path.realpath(folder))
    with _translated(folder), _beside(target) as temporary:
        _fill(temporary, result, log)
        for name, file in result.files.items():
            file.write(temporary / name)
        _write(temporary / RUN, _run_json(result, run, temporary))
        check_folder(folder, force=force)  # the place may have changed during the work
        _move(temporary, target)


def _log(result: Result) -> str:
    lines = [f"syngain {result.command}", f"{result.verdict.decision}: {result.verdict.sentence}", *result.notes]
    return "\n".join(lines) + "\n"


def check_folder(folder: Path, *, force: bool = False) -> None:
    """Refuse a place that ``write`` would refuse, before the work is done."""
    target = Path(os.path.realpath(folder))
    with _translated(Path(folder)):
        if os.path.lexists(target) and not target.is_dir():
            raise UsageError(f"{folder} is a file", expected="a folder to write", todo="name another place with -o DIR")
        names = {entry.name for entry in target.iterdir()} if target.is_dir() else set()
        _try_to_write(target)
    if not names:
        return
    if not _is_run(target):
        raise UsageError(
            f"{folder} holds files and is not a syngain run",
            expected="a new or empty folder, or a finished run to replace",
            todo="name another folder with -o DIR",
        )
    if not force:
        raise UsageError(
            f"{folder} is a finished run",
            expected="a new or empty folder",
            todo="name another folder with -o DIR, or replace this one with --force",
        )
    _refuse_foreign(folder, target)


def _try_to_write(target: Path) -> None:
    """Make and remove a folder in the nearest one there is: hours of work must not end at a closed door."""
    above = next(place for place in (target.parent, *target.parents) if place.is_dir())
    Path(tempfile.mkdtemp(prefix=".syngain-", dir=above)).rmdir()


def load(run: str | Path, first: str = "audit") -> dict[str, Any]:
    """The ``report.json`` of a run folder, or the file itself; ``first`` is the command that would write it."""
    path = Path(run)
    path = path / REPORT if path.is_dir() else path
    expected = "a run folder written by syngain, or its report.json"
    try:
        report = json_file(path, expected=expected, todo="run the command again")
    except FileNotFoundError:
        raise InputError(f"there is no {path}", expected=expected, todo=f"run `syngain {first}` first") from None
    if not isinstance(report, dict) or not _is_report(report):
        raise InputError(f"{path} is not a report of syngain", expected=expected, todo="pass a run folder")
    if report["schema"] != 1:
        todo = "upgrade syngain, or run the command again"
        raise InputError(f"{path} has schema {report['schema']!r}", expected="schema 1", todo=todo)
    wrong = wrong_part(report)
    if wrong:
        raise InputError(
            f"{path} is not a report of syngain ({wrong})", expected=expected, todo="run the command again"
        )
    return dict(report)


def report_json(result: Result) -> str:
    """The text of ``report.json``: NaN and infinity null, lone surrogates replaced, the same bytes every time."""
    return json.dumps(plain(result.as_json()), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _fill(folder: Path, result: Result, log: str) -> None:
    _write(folder / "report.html", html(result))
    _write(folder / REPORT, report_json(result))
    _write(folder / "log.txt", log)


def _write(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8", errors="replace"))


def _run_json(result: Result, run: Mapping[str, object], folder: Path) -> str:
    names = {*_paths(folder), RUN}
    content = {
        "syngain": result.version,
        "command": result.command,
        "seed": result.seed,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "platform": platform.platform(),
        "versions": {"python": platform.python_version(), **_versions()},
        "identity": result.identity,
        "inputs": {name: {"rows": item.rows, "fingerprint": item.fingerprint} for name, item in result.inputs.items()},
        **run,
        "files": sorted(names),
    }
    return json.dumps(plain(content), indent=2, ensure_ascii=False) + "\n"


def _versions() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _is_report(content: object) -> bool:
    return isinstance(content, dict) and {"schema", "syngain", "command"} <= content.keys()


def _is_run(folder: Path) -> bool:
    try:
        return _is_report(json_file(folder / REPORT, expected="", todo=""))
    except (OSError, InputError):
        return False


def _refuse_foreign(folder: Path, target: Path) -> None:
    """A run folder that also holds a file that is not on the list of its run is not ours to delete."""
    ours = _listed(target)
    found = _paths(target)
    foreign = sorted(name for name in found - _OURS - ours if name.partition("/")[0] not in ours)  # once whole folders
    if foreign:
        raise UsageError(
            f"{folder} also holds {listed(foreign)}, which is not on the list of what its run wrote ({RUN})",
            expected="a folder with the files of a run only",
            todo="move what is yours away, or name another folder with -o DIR",
        )


def missing_files(folder: Path) -> list[str]:
    """Files that the run wrote, by the list in ``run.json``, and that are no longer there."""
    return sorted(name for name in _listed(folder) if not os.path.lexists(folder / name))


def _paths(folder: Path) -> set[str]:
    """Files of a folder and of those in it, as paths within it."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()}


def _listed(folder: Path) -> set[str]:
    try:
        run = json_file(folder / RUN, expected="", todo="")
    except (OSError, InputError):
        return set()
    files = run.get("files") if isinstance(run, dict) else None
    return {name for name in files if isinstance(name, str)} if isinstance(files, list) else set()


@contextmanager
def _translated(folder: Path) -> Iterator[None]:
    """Errors of the disk in three parts."""
    try:
        yield
    except SyngainError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in _FULL:
            raise UnfinishedError(
                f"the disk is full while writing {folder} ({reason})",
                expected="room for the run folder",
                todo="free some space or name a place on another disk with -o DIR; nothing was left behind",
            ) from error
        raise UsageError(
            f"{folder} cannot be written ({reason})",
            expected="a folder in a place you may write to",
            todo="name another place with -o DIR",
        ) from error


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A temporary folder next to the target, gone afterwards whatever happened, like the parents made for it."""
    made = _parents(target.parent)
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name[:60]}.", suffix=".tmp", dir=target.parent))
        temporary.chmod(0o777 & ~_umask())
        try:
            yield temporary
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    finally:
        for parent in made:
            _forget_if_empty(parent)


def _parents(folder: Path) -> list[Path]:
    """Make the folder; the folders that were made, the deepest first."""
    absent = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return absent


def _forget_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return  # it holds the finished run


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _move(temporary: Path, target: Path) -> None:
    """Put the new folder in place: the old one is renamed away first and deleted last."""
    if not target.exists():
        temporary.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name[:60]}.", suffix=".old", dir=target.parent))
    target.rename(old / "run")
    try:
        temporary.rename(target)
    except BaseException:
        (old / "run").rename(target)
        old.rmdir()
        raise
    shutil.rmtree(old, ignore_errors=True)
