"""``syngain demo``: audit built-in data with planted defects, offline."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from syngain.core.documents.warned import carried
from syngain.core.progress import Progress, silent
from syngain.data import Dataset
from syngain.data.files.write import RecordFile
from syngain.lab.planted.sets import DemoSets, demo_sets
from syngain.workflows.evaluate.audit import audit

if TYPE_CHECKING:
    from syngain.core.result import Result


@carried
def demo(*, seed: int = 1, progress: Progress = silent) -> Result:
    """Audit rows of the package's own toy generator, with planted defects, against the docstrings of Python.

    Args:
        seed: which rows and which defects.
        progress: called with the stage and the fraction done.

    Returns:
        The audit; its files hold the rows as well, and ``real.jsonl`` and ``synthetic.jsonl`` can be audited again.
    """
    progress("rows from Python's own docstrings", 0.0)
    sets = _sets(seed)
    rows = {"real": sets.real, "synthetic": sets.synthetic, "test": sets.test}
    data = {name: Dataset.from_rows(value, name=f"demo {name}") for name, value in rows.items()}
    found = audit(data["real"], data["synthetic"], test=data["test"], seed=seed, progress=progress)
    return replace(found, files={**found.files, **{f"{name}.jsonl": RecordFile(value) for name, value in rows.items()}})


@lru_cache(maxsize=1)
def _sets(seed: int) -> DemoSets:
    """The rows of a seed; the audit, its introduction and its check read the same ones."""
    return demo_sets(seed)


def planted(seed: int = 1) -> dict[str, str]:
    """The defects of the demonstration with this seed: finding id to plain words."""
    return dict(_sets(seed).planted)


def missed(result: Result, seed: int = 1) -> tuple[str, ...]:
    """Planted defects of this seed that the result does not name."""
    found = {finding.id for finding in result.findings if finding.severity != "low"}
    return tuple(name for name in planted(seed) if name not in found)
