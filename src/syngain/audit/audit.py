"""The audit of a synthetic dataset against real rows: estimates, findings, rows to drop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from syngain.audit.findings.details import with_details
from syngain.audit.findings.root_causes import Explainer
from syngain.audit.findings.rows import find
from syngain.audit.findings.rows_to_drop import dropped_rows, reasons
from syngain.audit.findings.rules import Context
from syngain.audit.findings.words import with_fixes
from syngain.audit.frame import Frame
from syngain.audit.measure import FEWEST, Measurements, Settings, bounded, measured
from syngain.core.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Flags
    from syngain.core.result import Dropped, Finding
    from syngain.core.rng import Streams
    from syngain.data.benchmarks import Benchmark
    from syngain.data.study import Study
    from syngain.tables.rules.others import OtherTable


@dataclass(frozen=True)
class Audited:
    """What the audit found; the workflow makes a result of it.

    Attributes:
        dropped: rows advised against, gravest first. why: reason to flags per synthetic row.
    """

    frame: Frame
    found: Measurements
    findings: Sequence[Finding]
    dropped: Sequence[Dropped]
    why: Mapping[str, Flags]

    @property
    def enough(self) -> bool:
        """Whether both sides had rows enough to compare."""
        return min(self.frame.real.size, self.frame.synthetic.size) >= FEWEST

    @property
    def is_dropped(self) -> Flags:
        """Flags of the rows to drop, shape (m,)."""
        flags = np.zeros(self.frame.synthetic.size, dtype=bool)
        flags[[row.row for row in self.dropped]] = True
        return flags


def audit_study(  # noqa: PLR0913  (the inputs and switches of the command)
    study: Study,
    *,
    streams: Streams,
    settings: Settings | None = None,
    progress: Progress = silent,
    benchmarks: Sequence[Benchmark] = (),
    rules: Sequence[str] = (),
    tables: Sequence[OtherTable] = (),
) -> Audited:
    """Audit the synthetic rows against the real ones, or against held-out real rows where there are some.

    ``benchmarks``: public benchmarks whose items must not be in the synthetic rows. ``rules``: conditions on
    the columns of a table, in the language of ``gate``. ``tables``: files that its rows point at.

    Raises:
        InputError: the datasets do not fit each other.
    """
    frame = Frame.of(study, benchmarks, rules, tables)
    chosen = settings or Settings()
    with threadpool_limits(1):  # sums in one order: the same bytes on every machine, and no cores fighting
        found = measured(frame, streams, chosen, progress)
        progress("causes", 0.8)
        context = Context(frame, found, study.synthetic.ids)
        findings = Explainer(context, streams, chosen)(find(context))
    why = reasons(found, findings)
    findings = with_details(context, with_fixes(findings, why), why)
    return Audited(frame, bounded(found), findings, dropped_rows(frame, study.synthetic.ids, why), why)
