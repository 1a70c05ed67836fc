"""Bytes from files, plain or compressed, line by line, with size limits."""

from __future__ import annotations

import codecs
import difflib
import gzip
import re
import tempfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from syngain.core.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import BufferedReader

CHUNK = 1 << 20
LINE_LIMIT = 64 << 20  # bytes; a longer line is an error and must not fill the memory
WHOLE_LIMIT = 1 << 30  # bytes of a file that has to be read whole (JSON array, compressed Parquet)
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
COMPRESSED = {".gz": "gzip", ".gzip": "gzip", ".zst": "zstd", ".zstd": "zstd"}
BOM = b"\xef\xbb\xbf"
MARKS = {b"\xff\xfe\0\0": "utf-32", b"\0\0\xfe\xff": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
SCRIPTS = {  # characters of texts in an encoding
    "shift_jis": re.compile("[\u3040-\u30ff\u4e00-\u9fff\u3000-\u3002]+"),
    "euc-kr": re.compile("[\uac00-\ud7a3]+"),
    "gb18030": re.compile("[\u4e00-\u9fff\u3000-\u3002\uff00-\uff20]+"),
    "cp1251": re.compile("[\u0410-\u044f\u0451]{3,}"),
}
MOSTLY = 0.8
OTHERS = "gb18030, shift_jis, euc-kr, cp1251"  # encodings that files still come in


@dataclass(slots=True)
class Source:
    """An open, decompressed file; ``head`` contains the bytes read ahead."""

    name: str
    reader: Callable[[int], bytes]
    head: bytes = b""
    lines: int = 0

    def read(self) -> bytes:
        """The next chunk; empty at the end."""
        chunk, self.head = self.head, b""
        if not chunk:
            chunk = self._next()
        self.lines += chunk.count(b"\n")
        return chunk

    def look(self) -> bytes:
        """The first chunk, without consuming it."""
        if not self.head:
            self.head = self._next()
        return self.head

    def whole(self) -> bytes:
        """All remaining bytes."""
        parts, size = [], 0
        while chunk := self.read():
            parts.append(chunk)
            size += len(chunk)
            if size > WHOLE_LIMIT:
                raise InputError(
                    f"{self.name}: more than {WHOLE_LIMIT >> 20} MiB in a format that is read at once",
                    expected="JSON lines, CSV or Parquet, which are read row by row",
                    todo="convert the file to JSON lines (one object per line)",
                )
        return b"".join(parts)

    def _next(self) -> bytes:
        try:
            return bytes(self.reader(CHUNK))
        except (
            EOFError,
            zlib.error,
            OSError,
            ValueError,
        ) as error:  # what Arrow's zstd reader raises is of the last two
            raise InputError(
                f"{self.name}: broken after line {self.lines} ({_first_line(error)})",
                expected="a complete, readable file",
                todo="copy or download it again",
            ) from error


def transcoded(source: Source, encoding: str | None) -> Source:
    """The source as UTF-8: from the encoding that is named, or that of its byte-order mark.

    Raises:
        InputError: at a byte that is not of this encoding.
    """
    head = source.look()
    found = encoding or next((name for mark, name in MARKS.items() if head.startswith(mark)), None)
    if found is None or codecs.lookup(found).name == "utf-8":
        return source
    decoder = codecs.getincrementaldecoder(found)()

    def read(_: int) -> bytes:
        text, chunk = "", b"more"
        while chunk and not text:
            chunk = source.read()
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                raise InputError(
                    f"{source.name}: not {found} (byte 0x{error.object[error.start]:02x} near line {source.lines})",
                    expected=f"text in {found}",
                    todo="name the encoding that the file was written in: --encoding NAME",
                ) from error
        return text.lstrip("\ufeff").encode("utf-8", "surrogatepass") if text else b""

    return Source(source.name, read)


def checked_encoding(name: str | None) -> str | None:
    """The name of an encoding of text.

    Raises:
        UsageError: there is none of this name.
    """
    if name is None:
        return None
    try:
        codecs.lookup(name)
        "".encode(name)
    except (LookupError, ValueError, TypeError) as error:
        raise UsageError(
            f"encoding {name}",
            expected=f"the name of an encoding, such as utf-16, latin-1, cp1252, {OTHERS}",
            todo="for example --encoding latin-1",
        ) from error
    return name


@contextmanager
def opened(path: Path, name: str) -> Iterator[Source]:
    """Open a file and decompress it.

    Raises:
        InputError: when there is no such file, or it cannot be opened.
    """
    try:
        raw = path.open("rb")
    except OSError as error:
        raise _unopened(path, name, error) from error
    with raw:
        try:
            head = raw.peek(4)[:4]  # looked at without seeking: pipes are files too
        except OSError as error:
            raise _unopened(path, name, error) from error
        yield Source(name, _decompressed(raw, head, path, name))


@contextmanager
def unpacked(path: Path, name: str) -> Iterator[Path]:
    """The file itself, or, of a compressed one, its content as a file of the name without ``.gz``, for as long.

    Raises:
        InputError: when a compressed file cannot be opened or is broken.
    """
    if path.suffix.lower() not in COMPRESSED:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="syngain-") as folder, opened(path, name) as source:
        plain_file = Path(folder) / path.stem
        with plain_file.open("wb") as out:
            while chunk := source.read():
                out.write(chunk)
        yield plain_file


def split_lines(source: Source) -> Iterator[bytes]:
    """The lines of a source without newline and byte-order mark.

    Raises:
        InputError: at a line of more than ``LINE_LIMIT`` bytes, before it is in memory.
    """
    pending, number = b"", 0
    while chunk := source.read():
        parts = (pending + chunk).split(b"\n")
        pending = parts.pop()
        if parts and not number:
            parts[0] = parts[0].removeprefix(BOM)
        number += len(parts)
        if max(map(len, parts), default=0) > LINE_LIMIT or len(pending) > LINE_LIMIT:
            long = next((i for i, part in enumerate(parts, 1 - len(parts)) if len(part) > LINE_LIMIT), 1)
            raise too_long(source.name, number + long)
        yield from parts
    if pending:
        yield pending if number else pending.removeprefix(BOM)


def too_long(name: str, number: int) -> InputError:
    """The error for a line beyond the limit."""
    return InputError(
        f"{name}, line {number}: longer than {LINE_LIMIT >> 20} MiB",
        expected="one row per line, at most this size",
        todo="add line breaks between the rows, or leave out this row",
    )


def decoded(raw: bytes, name: str, number: int) -> str:
    """A line as text.

    Raises:
        InputError: when it is not UTF-8.
    """
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line = number + raw.count(b"\n", 0, error.start)
        likely = likely_encoding(raw)
        raise InputError(
            f"{name}, line {line}: not UTF-8 (byte 0x{raw[error.start]:02x} {error.reason})",
            expected=f"text in UTF-8, or the name of another encoding (latin-1, cp1252, {OTHERS})",
            todo=f"name the encoding: --encoding {likely} (Python: encoding=...)",
        ) from error


def likely_encoding(raw: bytes) -> str:
    """The encoding in which most characters outside of ASCII are those of one script; else a western one."""
    best, share = "", MOSTLY
    for name, script in SCRIPTS.items():
        text = raw.decode(name, "replace")
        found = sum(map(len, script.findall(text))) / max(sum(not one.isascii() for one in text), 1)
        if found > share:
            best, share = name, found
    if best:
        return best
    return "cp1252" if any(0x80 <= byte < 0xA0 for byte in raw) else "latin-1"  # there latin-1 has no characters


def _decompressed(raw: BufferedReader, head: bytes, path: Path, name: str) -> Callable[[int], bytes]:
    found = "gzip" if head.startswith(GZIP) else "zstd" if head == ZSTD else None
    named = COMPRESSED.get(path.suffix.lower())
    if named and found != named and head:
        raise InputError(
            f"{name}: named `{path.suffix}` but its content is not {named}",
            expected=f"{named} data",
            todo="rename the file to match its format",
        )
    if found == "gzip":
        return gzip.GzipFile(fileobj=raw).read
    if found == "zstd":
        return _zstd_reader(raw)
    return raw.read


def _zstd_reader(raw: BufferedReader) -> Callable[[int], bytes]:
    import pyarrow as pa

    read: Callable[[int], bytes] = pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd").read
    return read


def _unopened(path: Path, name: str, error: OSError) -> InputError:
    if not isinstance(error, FileNotFoundError):
        return InputError(
            f"{name}: cannot be opened ({error.strerror})", expected="a readable file", todo=f"chmod u+r {path}"
        )
    return missing_file(path)


def missing_file(path: Path) -> InputError:
    """The error for a file that is not there, with the nearest name next to it."""
    try:
        near = difflib.get_close_matches(path.name, [other.name for other in path.parent.iterdir()], n=1)
    except OSError:
        near = []
    hint = f"; there is `{near[0]}`" if near else ""
    todo = f"use {path.with_name(near[0])}" if near else "correct the path"
    return InputError(f"no such file: {path}{hint}", expected="the path of a file", todo=todo)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
