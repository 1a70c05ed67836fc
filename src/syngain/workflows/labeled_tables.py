"""Real rows of a table with a column of classes, as the verbs on one table take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syngain.core.errors import UsageError
from syngain.core.result import InputSummary
from syngain.data.dataset import Dataset
from syngain.tables.cells.source import TableSource

if TYPE_CHECKING:
    from syngain.tables.cells.source import TableInput
    from syngain.tables.stress.task import ClassTask


def labeled_table(real: TableInput, label: str | None, *, of: str) -> tuple[TableSource, str]:
    """The rows, and the name of the column of classes: ``label``, or that of a dataset.

    Raises:
        InputError: the file cannot be read. UsageError: no label; ``of`` says what was expected.
    """
    own = real.roles.label if isinstance(real, Dataset) else None
    if label is None and own is None:
        raise UsageError("no label", expected=of, todo="add --label COLUMN")
    return TableSource.of(real), str(label if label is not None else own)


def table_summary(source: TableSource, task: ClassTask, label: str) -> InputSummary:
    """The rows as a report names them."""
    return InputSummary(
        name=source.name,
        rows=source.rows,
        fingerprint=source.fingerprint,
        roles=f"{len(task.features)} columns, label {label}",
    )
