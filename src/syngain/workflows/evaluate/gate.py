"""``syngain gate``: check conditions on a finished run, for CI."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from syngain.core.errors import UsageError
from syngain.core.expressions import Check, check
from syngain.report.folder import load

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Gate:
    """Checked conditions of a run.

    Attributes:
        command: the command of the run. sentence: its verdict. checks: every condition in the order given.
    """

    command: str
    sentence: str
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether no condition to fail on holds."""
        return not any(one.holds for one in self.checks)


def gate(run: str | Path, fail_if: str | Sequence[str]) -> Gate:
    """Look up conditions in a finished run.

    Args:
        run: a run folder or its ``report.json``.
        fail_if: conditions in the language of :mod:`syngain.core.expressions`; the gate fails if one of them holds.

    Raises:
        InputError: there is no such run. UsageError: a condition is wrong, or names what the report lacks.
    """
    conditions = [fail_if] if isinstance(fail_if, str) else list(fail_if)
    if not conditions:
        raise UsageError(
            "missing --fail-if CONDITION", expected="at least one condition", todo='add --fail-if "findings.high > 0"'
        )
    report = load(Path(run))
    checks = tuple(check(condition, report) for condition in conditions)
    return Gate(str(report["command"]), str(report["verdict"]["sentence"]), checks)
