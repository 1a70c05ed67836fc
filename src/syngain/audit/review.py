"""A finding reviewed by hand: the rows that are shown, and the precision that the answers give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from syngain.core.estimate import Estimate
from syngain.inference.intervals import LEVELS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.audit.frame import Frame
    from syngain.core.estimate import Interval
    from syngain.core.result import Dropped, Finding
    from syngain.core.rng import Streams

MOST = 200  # rows of a finding in a run folder
LONGEST = 4_000  # characters of a cell


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A finding whose rows were looked at.

    Attributes:
        flagged: rows of the finding. rows: of them reviewed. correct: of those defective as the finding says.
        precision: correct rows among the flagged ones; the interval is exact for a sample without replacement.
    """

    finding: str
    flagged: int
    rows: int
    correct: int
    precision: Estimate

    @classmethod
    def of(cls, finding: str, flagged: int, answers: Sequence[bool]) -> Reviewed:
        """The review of a finding from one answer per reviewed row."""
        return cls(finding, flagged, len(answers), sum(answers), _precision(flagged, len(answers), sum(answers)))


def rows_to_review(
    frame: Frame, findings: Sequence[Finding], dropped: Sequence[Dropped], ids: Sequence[str], streams: Streams
) -> list[dict[str, object]]:
    """A random sample of the rows of each finding, in random order: the first rows of it are a sample too."""
    reasons = {row.row: row.reasons for row in dropped}
    place = {int(row): position for position, row in enumerate(frame.rows.tolist())}
    out: list[dict[str, object]] = []
    for finding in findings:
        flagged = np.unique(np.asarray(finding.flagged, dtype=np.int64))
        for row in streams.stream(finding.id).permutation(flagged)[:MOST].tolist():
            why = [name for name in reasons.get(row, ()) if name.partition(":")[0] == finding.id]
            out.append(
                {
                    "finding": finding.id,
                    "flagged": int(flagged.size),
                    "row": row,
                    "id": ids[row],
                    "reason": ", ".join(why) or finding.id,
                    **_content(frame, place[row]),
                }
            )
    return out


def _content(frame: Frame, row: int) -> Mapping[str, str]:
    rows = frame.synthetic
    texts = {name: side[row] for name, side in rows.texts.items()} or {
        name: str(values[row]) for name, values in rows.columns.items()
    }
    label = {} if rows.labels is None else {"label": rows.labels[row]}
    return {name: text[:LONGEST] for name, text in (texts | label).items()}


def _precision(flagged: int, rows: int, correct: int) -> Estimate:
    return Estimate(
        value=correct / rows,
        unit="share",
        method=f"{rows:,} of {flagged:,} flagged rows reviewed by hand; exact hypergeometric interval",
        estimand="fraction of the flagged rows that have the defect",
        intervals={level: hypergeometric_interval(flagged, rows, correct, level) for level in LEVELS},
        n=rows,
        clusters=rows,
    )


def hypergeometric_interval(population: int, sample: int, hits: int, level: float) -> Interval:
    """Exact interval of a fraction of a finite population from a sample without replacement.

    All numbers of hits in the population under which neither tail of the sample's hits is below ``(1 - level) / 2``
    (Clopper and Pearson's construction for the hypergeometric distribution), and the sample's own fraction, which is
    not always a fraction of the population.
    """
    tail = (1 - level) / 2
    possible = np.arange(hits, population - (sample - hits) + 1)
    upper = stats.hypergeom.sf(hits - 1, population, possible, sample)
    lower = stats.hypergeom.cdf(hits, population, possible, sample)
    inside = possible[(upper > tail) & (lower > tail)]
    seen = hits / sample
    return min(float(inside[0]) / population, seen), max(float(inside[-1]) / population, seen)
