"""Rows for ``syngain demo``: Python docstrings, and synthetic rows with defects.

The real rows are the summary lines of the standard library's docstrings, read from its source files and labeled by
topic. The exact toy generator generates the synthetic ones; the planted defects are returned.
"""

from __future__ import annotations

import ast
import re
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, NotRequired, TypedDict

from syngain.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Topic -> modules and packages of the standard library; those that a Python does not have are skipped.
TOPICS: dict[str, str] = {
    "arithmetic": """_pydecimal decimal fractions statistics random numbers datetime _pydatetime calendar colorsys heapq
        bisect zoneinfo _strptime operator graphlib""",
    "storage": """os pathlib shutil tempfile glob _pyio tarfile zipfile gzip bz2 lzma _compression posixpath ntpath
        genericpath filecmp fileinput fnmatch linecache zipimport zipapp dbm shelve""",
    "network": """urllib http ftplib nntplib telnetlib socket ssl socketserver xmlrpc ipaddress wsgiref selectors
        asyncore asynchat uuid webbrowser netrc""",
    "concurrency": "asyncio threading multiprocessing concurrent queue sched subprocess signal",
    "mail": "email mailbox smtplib imaplib poplib smtpd mailcap mimetypes quopri base64",
    "introspection": """ast inspect dis tokenize importlib typing dataclasses enum abc types symtable pyclbr compileall
        py_compile code codeop runpy pkgutil modulefinder functools weakref copy contextlib sysconfig site""",
    "testing": """unittest doctest pdb bdb timeit cProfile profile pstats traceback tracemalloc warnings logging trace
        pydoc cmd""",
    "markup": """xml html json csv configparser plistlib tomllib pickle pickletools string textwrap re difflib codecs
        gettext locale shlex argparse optparse""",
}
LEAST_ROWS = 1_000
_SKIPPED_FOLDERS = frozenset({"test", "tests", "idlelib", "lib2to3", "__pycache__"})
_WORD = re.compile(r"[(\"'`]*[A-Za-z][A-Za-z0-9_.\-'/()]*[)\"'`]*[,;:.!?]*")


class PlantedRow(TypedDict):
    """A row of the demonstration; a synthetic one has all columns.

    ``log_probability`` is in nats, of the text under the Markov chain; None for other rows.
    """

    text: str
    label: str
    id: str
    source: NotRequired[str]
    generator: NotRequired[str]
    log_probability: NotRequired[float | None]


def real_rows() -> list[PlantedRow]:
    """Summary sentences of the standard library, in a fixed order.

    Columns are ``text``, ``label`` (the topic) and ``id``. Sentences have 4 to 40 words. Sentences with equal letters
    or equal words are one row.

    Raises:
        InputError: the sources of the standard library are missing.
    """
    folder = Path(sysconfig.get_paths()["stdlib"])
    seen: set[str] = set()
    rows: list[PlantedRow] = []
    for topic, path in _sources(folder):
        for name, sentence in _summaries(path):
            key = _key(sentence)
            if key not in seen:
                seen.add(key)
                place = path.relative_to(folder).with_suffix("").as_posix().replace("/", ".")
                rows.append({"text": sentence, "label": topic, "id": f"{place}:{name}"})
    if len(rows) < LEAST_ROWS:
        raise InputError(
            f"only {len(rows)} docstring summaries under {folder}",
            expected=f"at least {LEAST_ROWS}: the standard library as .py files with docstrings",
            todo="run the demo with a Python that ships its sources (python.org, Debian, conda, pyenv)",
        )
    return rows


def _sources(folder: Path) -> Iterator[tuple[str, Path]]:
    """(topic, file) in the order of ``TOPICS``, files of a package by name."""
    for topic, modules in TOPICS.items():
        for module in modules.split():
            single = folder / f"{module}.py"
            if single.is_file():
                yield topic, single
                continue
            for path in sorted((folder / module).rglob("*.py")):
                if not _SKIPPED_FOLDERS.intersection(path.relative_to(folder).parts):
                    yield topic, path


def _summaries(path: Path) -> Iterator[tuple[str, str]]:
    """(qualified name:line, first sentence) of every usable docstring.

    Of functions, classes and methods.
    """
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError):  # a stripped or foreign file: the count at the end decides
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            sentence = _sentence(ast.get_docstring(node) or "")
            if sentence:
                yield f"{node.name}:{node.lineno}", sentence


def _sentence(docstring: str) -> str:
    """The first sentence of the first paragraph, if plain English of 4 to 40 words."""
    paragraph = " ".join(docstring.strip().split("\n\n")[0].split())
    sentence = re.split(r"(?<=[.!?])\s+(?=[A-Z])", paragraph)[0]
    words = sentence.split()
    if not 4 <= len(words) <= 40 or not sentence[0].isupper() or not sentence.isascii():
        return ""
    plain = sum(_WORD.fullmatch(word) is not None for word in words)
    return sentence if plain >= 0.85 * len(words) else ""


def _key(sentence: str) -> str:
    """The sorted words of a sentence, letters only: equal keys are the same row."""
    return " ".join(sorted(re.findall(r"[a-z]+", sentence.lower())))
