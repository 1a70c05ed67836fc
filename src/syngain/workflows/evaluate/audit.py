"""``syngain audit``: measure, find defects, list rows to drop, estimate the gain."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from syngain._version import __version__
from syngain.audit.audit import Audited, audit_study
from syngain.audit.findings.verdict import RowCounts, verdict
from syngain.audit.measure import Settings
from syngain.audit.narrative import methods
from syngain.audit.pictures import views
from syngain.audit.review import rows_to_review
from syngain.core.documents.warned import carried
from syngain.core.errors import InputError
from syngain.core.progress import Progress, part_of, silent
from syngain.core.result import Result
from syngain.core.rng import Streams
from syngain.data.benchmarks import Benchmark, read_benchmarks
from syngain.data.columns.roles import Kind
from syngain.data.files.write import RecordFile, RowFile
from syngain.gain.calibration import ForecastRecorder
from syngain.tables.rules.others import Given as TableGiven
from syngain.tables.rules.others import OtherTable, read_tables
from syngain.tables.rules.stated import read_rules
from syngain.workflows.evaluate.quick_gain import quick_gain
from syngain.workflows.inputs import Source, either, of_kind, settings_json, study_of, study_summaries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.audit.frame import Frame
    from syngain.audit.tables.checks import TableHealth
    from syngain.core.result import Finding, RunFile, Verdict, Views
    from syngain.data.study import Study
    from syngain.workflows.evaluate.gain import GainPart


@dataclass(frozen=True, slots=True)
class _Given:
    """What rows are compared with next to the real ones: benchmarks, stated rules, files that they point at."""

    benchmarks: Sequence[Benchmark]
    rules: Sequence[str]
    tables: Sequence[OtherTable]

    @classmethod
    def of(
        cls,
        benchmarks: str | Path | Sequence[Benchmark] | None,
        rules: str | Path | Sequence[str] | None,
        tables: Mapping[str, TableGiven] | Sequence[OtherTable] | None,
    ) -> _Given:
        """What was given, read where it is a path."""
        return cls(_benchmarks(benchmarks), _stated(rules), read_tables(tables))


@carried
def audit(  # noqa: PLR0913  (the inputs and switches of the command)
    real: Source,
    synthetic: Source,
    *,
    test: Source | None = None,
    held_out: Source | None = None,
    seed: int = 0,
    settings: Settings | None = None,
    gain: bool = True,
    progress: Progress = silent,
    pool: Source | None = None,
    benchmarks: str | Path | Sequence[Benchmark] | None = None,
    rules: str | Path | Sequence[str] | None = None,
    tables: Mapping[str, TableGiven] | Sequence[OtherTable] | None = None,
) -> Result:
    """Find defects of a synthetic dataset, list rows to drop, and estimate the gain of the rest.

    Args:
        real: your real rows, as a dataset or a path.
        synthetic: the rows under audit.
        test: rows that must not be in ``synthetic``.
        held_out: more real rows, which the generator never saw.
        seed: of every random choice; the same inputs and seed give the same result.
        settings: sample sizes and encoder.
        gain: whether to measure what the rows add, in the quick setting of :func:`syngain.gain`.
        progress: called with the stage and the fraction done.
        pool: former name of ``held_out``.
        benchmarks: a folder of public benchmarks, one file each; their items must not be in ``synthetic``.
        rules: a YAML file with conditions on the columns of a table, or these conditions.
        tables: other files by name; which columns point at them is learned from the real rows.

    Returns:
        The result with the rows of ``kept.jsonl`` and ``dropped.jsonl``.

    Raises:
        InputError: a file cannot be read, or the datasets do not fit each other.
    """
    progress("reading", 0.0)
    study = study_of(real, synthetic, test=test, held_out=either(held_out, pool, "held_out", "pool"))
    chosen, streams, share = of_kind(settings, Settings), Streams(seed), 0.6 if gain else 0.9
    audited = _audited(study, _Given.of(benchmarks, rules, tables), streams, chosen, part_of(progress, 0.0, share))
    progress("map", share)
    pictures = _pictures(study, audited, streams)
    measured, unmeasured = _gain(study, audited, streams, chosen, progress) if gain else (None, "")
    progress("done", 1.0)
    return Result(
        command="audit",
        version=__version__,
        seed=seed,
        inputs=study_summaries(study),
        estimates=dict(sorted({**audited.found.estimates, **(measured.estimates if measured else {})}.items())),
        series=measured.series if measured else {},
        findings=_joined(audited.findings, _of_all_rows(measured, len(audited.dropped))),
        verdict=_verdict(study, audited, measured, unmeasured),
        dropped=audited.dropped,
        views=_with_gain(pictures, methods(audited.frame, chosen, unmeasured), measured),
        files=_files(study, audited, streams),
        settings=settings_json(chosen, gain=gain, **_named(audited.frame)),
        recorder=_recorder(measured),
    )


def _with_gain(pictures: Views, texts: Sequence[tuple[str, str]], measured: GainPart | None) -> Views:
    """The pictures with how it was computed, and what the gain adds."""
    if measured is None:
        return replace(pictures, computed=tuple(texts), budgets=())
    return replace(pictures, computed=(*texts, *measured.computed), budgets=measured.budgets)


def _recorder(measured: GainPart | None) -> ForecastRecorder | None:
    """What tells the cost of a frozen model; None for other proxies."""
    return ForecastRecorder(None, measured.costs.sentence) if measured and measured.costs else None


def _benchmarks(given: str | Path | Sequence[Benchmark] | None) -> Sequence[Benchmark]:
    """The benchmarks, read when they are a path."""
    if given is None:
        return ()
    return read_benchmarks(given) if isinstance(given, (str, Path)) else tuple(given)


def _stated(given: str | Path | Sequence[str] | None) -> Sequence[str]:
    """The rules that a user states, read when they are a path."""
    if given is None:
        return ()
    return read_rules(given) if isinstance(given, (str, Path)) else tuple(given)


def _named(frame: Frame) -> dict[str, object]:
    """Benchmarks, stated rules and other tables as settings, where there are some."""
    rules = {"rules": list(frame.rules)} if frame.rules else {}
    tables = {"tables": frame.tables} if frame.tables else {}
    return {**({"benchmarks": frame.benchmarks} if frame.benchmarks else {}), **rules, **tables}


def _audited(
    study: Study,
    given: _Given,
    streams: Streams,
    settings: Settings,
    progress: Progress,
) -> Audited:
    """The audit of the rows, which are compared with benchmarks where there are some.

    Raises:
        InputError: benchmarks next to a table, or rules of columns or other tables next to texts.
    """
    for flag, what, there in (("--rules", "rules of columns", given.rules), ("--table", "tables", given.tables)):
        if there and not study.is_table:
            raise InputError(
                f"{what} next to texts ({study.synthetic.name})",
                expected="a table of columns",
                todo=f"leave {flag} out, or read the rows as a table with --text none",
            )
    if given.benchmarks and study.is_table:
        raise InputError(
            f"benchmarks next to a table of columns ({study.synthetic.name})",
            expected="texts, or pairs of prompt and response",
            todo="name the text columns with --text, or leave the benchmarks out",
        )
    return audit_study(
        study,
        streams=streams,
        settings=settings,
        progress=progress,
        benchmarks=given.benchmarks,
        rules=given.rules,
        tables=given.tables,
    )


def _pictures(study: Study, audited: Audited, streams: Streams) -> Views:
    reference = study.held_out or study.real
    ids = {"real": reference.ids, "synthetic": study.synthetic.ids}
    with threadpool_limits(1):
        return views(audited.frame, audited.found, ids, audited.is_dropped, streams.child("views"))


def _gain(
    study: Study, audited: Audited, streams: Streams, settings: Settings, progress: Progress
) -> tuple[GainPart | None, str]:
    """The gain, or why it cannot be measured: a dataset can be audited that no gain can be measured of."""
    kept = np.flatnonzero(~audited.is_dropped).tolist()
    try:
        return quick_gain(study, kept, streams=streams.child("gain"), settings=settings, progress=progress), ""
    except InputError as error:
        return None, error.came


def _verdict(study: Study, audited: Audited, measured: GainPart | None, unmeasured: str) -> Verdict:
    reasons = {name: int(flags.sum()) for name, flags in audited.why.items()}
    found = verdict(
        audited.findings,
        RowCounts(len(study.synthetic), len(audited.dropped), reasons),
        enough=audited.enough,
        gain=measured.kept_verdict if measured else None,
        unmeasured=unmeasured,
    )
    real = study.real
    if real.kind == Kind.TABLE and real.labels is None and real.targets is None:
        return replace(found, next_command=found.next_command.replace("--test TEST", "--label COLUMN"))
    return found


def _of_all_rows(measured: GainPart | None, dropped: int) -> Sequence[Finding]:
    """The findings of the gain of all rows; where the kept rows are better, dropping the others is the fix."""
    if measured is None:
        return ()
    kept = measured.kept_verdict
    if not dropped or kept is None:
        return measured.findings
    rest = "; the rest gains" if kept.decision in {"use", "use_subset"} else " first"
    return [
        replace(item, message=f"Before dropping rows: {item.message}", fix=f"drop {dropped:,} rows{rest}")
        if item.id in {"harm", "no_gain"}
        else item
        for item in measured.findings
    ]


def _joined(found: Sequence[Finding], of_gain: Sequence[Finding]) -> list[Finding]:
    """The findings of the audit, then those of the gain that it does not name already."""
    names = {finding.id for finding in found}
    return [*found, *(finding for finding in of_gain if finding.id not in names)]


def _table_files(table: TableHealth) -> dict[str, RunFile]:
    """Every rule, column and related pair of a table, and the least likely rows, as lines of JSON."""
    return {
        "rules.jsonl": RecordFile(table.rules.records()),
        "columns.jsonl": RecordFile([one.record() for one in table.columns]),
        **({"pairs.jsonl": RecordFile(table.relations.records())} if table.relations else {}),
        **({"joint_tail.jsonl": RecordFile(table.joint.records())} if table.joint else {}),
    }


def _files(study: Study, audited: Audited, streams: Streams) -> dict[str, RunFile]:
    """The files of rows: kept, dropped with reasons, flagged to review by hand; rules of tables."""
    dropped = audited.dropped
    extra: dict[str, Sequence[object]] = {
        "syngain_id": [row.id for row in dropped],
        "syngain_reasons": [list(row.reasons) for row in dropped],
        "syngain_score": [row.score for row in dropped],
    }
    table = audited.found.table
    flagged = rows_to_review(audited.frame, audited.findings, dropped, study.synthetic.ids, streams.child("review"))
    return {
        **({"flagged.jsonl": RecordFile(flagged)} if flagged else {}),
        **(_table_files(table) if table else {}),
        "kept.jsonl": RowFile(study.synthetic, np.flatnonzero(~audited.is_dropped).tolist()),
        "dropped.jsonl": RowFile(study.synthetic, [row.row for row in dropped], extra),
    }
