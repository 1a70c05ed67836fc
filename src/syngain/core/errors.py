"""Errors in three parts: the bad value, the expected form, the fix."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class SyngainError(Exception):
    """An error with the bad value, the expected form and the fix.

    Args:
        came: the bad value, with file and line where there is one.
        expected: the right form, or the nearest match.
        todo: the fix, one command where there is one.
    """

    exit_code = 2

    def __init__(self, came: str, *, expected: str = "", todo: str = "") -> None:
        self.came = came
        self.expected = expected
        self.todo = todo
        super().__init__(str(self))

    @property
    def message(self) -> str:
        """The bad value: ``came``."""
        return self.came

    @property
    def fix(self) -> str:
        """How to fix it: ``todo``."""
        return self.todo

    def __str__(self) -> str:
        parts = [self.came.rstrip(".") + "."]
        if self.expected:
            parts.append(f"Expected: {self.expected.rstrip('.')}.")
        if self.todo:
            parts.append(f"Fix: {self.todo.rstrip('.')}.")
        return " ".join(parts)

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.came, self.expected, self.todo))


class InputError(SyngainError):
    """A file or a row cannot be used as it is (exit code 2)."""


class UsageError(SyngainError):
    """An argument is wrong (exit code 2)."""


class UnfinishedError(SyngainError):
    """The job did not finish; finished parts are kept (exit code 3)."""

    exit_code = 3


class MissingDependencyError(SyngainError):
    """An optional part is not installed (exit code 2)."""


RESERVED = ("real", "test")  # what reports of several sets call the other rows


def check_set_name(name: str, reserved: Sequence[str] = RESERVED) -> None:
    """Refuse a name of a set that a report uses itself.

    Raises:
        UsageError: it is one of ``reserved``.
    """
    if name in reserved:
        raise UsageError(
            f"a dataset is named {name}",
            expected=f"another name than {' and '.join(reserved)}, which the report uses itself",
            todo="name it differently: NAME=FILE (Python: a mapping of names to sets)",
        )


def _rebuild(kind: type[SyngainError], came: str, expected: str, todo: str) -> SyngainError:
    return kind(came, expected=expected, todo=todo)
