"""Warnings of a run: said anywhere below a verb, carried by its result.

``warn`` and ``tally`` say a sentence. Warnings of Python (of libraries) count too, except those on deprecations.
"""

from __future__ import annotations

import json
import logging
import warnings
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from dataclasses import Field

log = logging.getLogger(__name__)
Given = ParamSpec("Given")
LONGEST = 400  # characters of a library's warning
_OF_CODE = (DeprecationWarning, PendingDeprecationWarning, FutureWarning, ImportWarning, ResourceWarning, SyntaxWarning)


class WithWarnings(Protocol):
    """A result of a verb: a dataclass with the field ``warnings``."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences on what changes the meaning of rows or numbers."""
        ...


Answer = TypeVar("Answer", bound=WithWarnings)


@dataclass
class Warned:
    """What was said during a run.

    ``counts``: for each sentence with places for two numbers, how many of how many.
    """

    sentences: dict[str, None] = field(default_factory=dict)
    counts: dict[str, tuple[int, int]] = field(default_factory=dict)

    def all(self) -> tuple[str, ...]:
        """Every sentence once, in the order in which they were first said."""
        return (*self.sentences, *(form.format(*numbers) for form, numbers in self.counts.items()))

    def as_json(self) -> str:
        """All of it as a text, for a part of a run that is kept."""
        return json.dumps([list(self.sentences), self.counts])

    def add(self, other: Warned) -> None:
        """Take over what was said in a part of the run."""
        self.sentences |= other.sentences
        for form, numbers in other.counts.items():
            self.count(form, *numbers)

    def count(self, form: str, some: int, total: int) -> None:
        """Add to the numbers of a sentence."""
        before = self.counts.get(form, (0, 0))
        self.counts[form] = before[0] + some, before[1] + total


_NOW: ContextVar[Warned | None] = ContextVar("warned", default=None)


def warn(sentence: str) -> None:
    """Say what changes the meaning of rows or numbers; outside a run, in the log."""
    now = _NOW.get()
    if now is None:
        log.warning("%s", sentence)
    else:
        now.sentences[sentence] = None


def tally(form: str, some: int, total: int) -> None:
    """Say that something holds for ``some`` of ``total``; numbers of one run are added up.

    Args:
        form: a sentence with two places for numbers: ``{:,} of {:,} texts ...``.
        some: how many; 0 counts for the total alone.
        total: of how many.
    """
    now = _NOW.get()
    if now is not None and (some or form in now.counts):
        now.count(form, some, total)
    elif now is None and some:
        log.warning("%s", form.format(some, total))


def said_again(kept: str) -> None:
    """Say what a part of the run said when it was computed, from :meth:`Warned.as_json`."""
    sentences, counts = json.loads(kept)
    now = _NOW.get()
    if now is not None:
        now.add(Warned(dict.fromkeys(sentences), {form: (some, total) for form, (some, total) in counts.items()}))


def literal(words: str) -> str:
    """Words for a sentence with places for numbers."""
    return words.replace("{", "{{").replace("}", "}}")


@contextmanager
def collected() -> Iterator[Warned]:
    """Collect the warnings of a block, for an outer block as well."""
    found, outer = Warned(), _NOW.get()
    token = _NOW.set(found)
    try:
        with warnings.catch_warnings(record=True) as raised:
            yield found
    finally:
        _NOW.reset(token)
    for item in raised:
        if issubclass(item.category, _OF_CODE):
            warnings.warn_explicit(item.message, item.category, item.filename, item.lineno)
        else:
            found.sentences[_of_library(item)] = None
    if outer is not None:
        outer.add(found)


def carried(verb: Callable[Given, Answer]) -> Callable[Given, Answer]:
    """A verb whose result carries the warnings said while it ran."""

    @wraps(verb)
    def run(*args: Given.args, **options: Given.kwargs) -> Answer:
        with collected() as said:
            result = verb(*args, **options)
        return with_warnings(result, said)

    return run


def with_warnings(result: Answer, said: Warned) -> Answer:
    """The result with further warnings, each once."""
    every = tuple(dict.fromkeys((*result.warnings, *said.all())))
    return result if every == result.warnings else replace(result, warnings=every)


def _of_library(item: warnings.WarningMessage) -> str:
    """The warning of a library in one line, without paths of this machine."""
    text = " ".join(str(item.message).split())[:LONGEST].rstrip(".")
    return f"{item.category.__name__} of a library: {text}"
