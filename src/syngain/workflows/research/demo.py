"""``syngain demo``: the main job on data that exists on any machine, offline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syngain.core.progress import Progress, silent
from syngain.data import Dataset
from syngain.lab.planted.sets import demo_sets
from syngain.workflows.evaluate.audit import AuditRun, audit_run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.core.result import Result


@dataclass(frozen=True)
class DemoRun:
    """The audit of the demonstration, and the defects that were planted: finding id to plain words."""

    audited: AuditRun
    planted: Mapping[str, str]
    rows: Mapping[str, list[dict[str, object]]]

    @property
    def missed(self) -> tuple[str, ...]:
        """Planted defects that the report does not name."""
        found = {finding.id for finding in self.audited.result.findings if finding.severity != "low"}
        return tuple(name for name in self.planted if name not in found)


def demo(*, seed: int = 1, progress: Progress = silent) -> Result:
    """Audit rows of the package's own toy generator, with planted defects, against the docstrings of Python.

    Args:
        seed: which rows and which defects.
        progress: called with the stage and the share done.
    """
    return demo_run(seed=seed, progress=progress).audited.result


def demo_run(*, seed: int = 1, progress: Progress = silent) -> DemoRun:
    """The demonstration with what was planted."""
    progress("rows from Python's own docstrings", 0.0)
    sets = demo_sets(seed)
    rows = {"real": sets.real, "synthetic": sets.synthetic, "test": sets.test}
    data = {name: Dataset.from_rows(value, name=f"demo {name}") for name, value in rows.items()}
    run = audit_run(data["real"], data["synthetic"], test=data["test"], seed=seed, progress=progress)
    return DemoRun(run, sets.planted, rows)
