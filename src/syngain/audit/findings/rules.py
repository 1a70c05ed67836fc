"""What the rules of findings share: minimal effects, what they look at, and how they speak."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.phrases import shortened
from syngain.core.result import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from syngain.audit.frame import Frame
    from syngain.audit.measure import Measurements
    from syngain.core.arrays import Flags, Ints
    from syngain.core.estimate import Estimate

SIGNIFICANT = 0.05
EVIDENCE = 20  # row ids of a finding
EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Minimum:
    """Effects from which a finding is high, medium, low; in the unit of its effect."""

    high: float
    medium: float
    low: float

    def severity(self, effect: float) -> Severity | None:
        """The severity of an effect, None below the least."""
        for name, least in (("high", self.high), ("medium", self.medium), ("low", self.low)):
            if effect >= least:
                return name  # type: ignore[return-value]
        return None


MINIMUM: Mapping[str, Minimum] = {
    "duplicates": Minimum(0.25, 0.05, 0.01),  # share of rows that repeat another one
    "memorized_anchors": Minimum(0.20, 0.05, 0.01),  # share of rows beyond the anchors' own rate
    "contamination": Minimum(0.02, 0.005, 0.0),  # share of test rows beyond the anchors' own rate
    "distribution_shift": Minimum(0.25, 0.25, 0.05),  # total variation, lower limit; see OFF_SUPPORT
    "label_noise": Minimum(0.15, 0.05, 0.02),  # share of wrong labels, lower limit
    "label_leak": Minimum(0.30, 0.10, 0.03),  # share of rows beyond the real rows' own rate
    "template_collapse": Minimum(0.50, 0.15, 0.05),  # share of rows with one opening, beyond the real rows' own
    "missing_regions": Minimum(0.10, 0.03, 0.0),  # share of real rows in regions nobody reaches
}
OFF_SUPPORT = 0.25  # distribution_shift is high only when this share of rows lies outside the anchors' support
AWAY = 0.02  # share of rows outside the support, beyond the real rows' own, from which it is a finding by itself
BESIDE = 0.25  # of the distance between real rows: nearer ones are copies with noise
UNKNOWN = Minimum(0.5, 0.05, 0.0)  # share of rows with a label that no real row has
INDEPENDENT = 0.25  # inner signal below this share of the real rows' counts as none


@dataclass(frozen=True, slots=True)
class Context:
    """What the rules look at."""

    frame: Frame
    found: Measurements
    ids: Sequence[str]

    def estimate(self, name: str) -> Estimate | None:
        """An estimate by id, if it was measured."""
        return self.found.estimates.get(name)

    def significant(self, name: str) -> bool:
        """Whether the adjusted p of an estimate is below the level."""
        item = self.estimate(name)
        return item is not None and item.adjusted_p is not None and item.adjusted_p < SIGNIFICANT

    def evidence(self, rows: Sequence[int]) -> tuple[str, ...]:
        """Ids of the first rows."""
        return tuple(self.ids[int(self.frame.rows[row])] for row in list(rows)[:EVIDENCE])

    def positions(self, rows: Sequence[int] | Ints) -> tuple[int, ...]:
        """Positions of the rows in the file."""
        return tuple(self.frame.rows[np.asarray(rows, dtype=np.int64)].tolist())

    def examples(self, rows: Sequence[int], texts: Sequence[str] | None = None) -> tuple[str, ...]:
        """Texts of the first rows, shortened."""
        texts = self.frame.synthetic.joined if texts is None else texts
        return tuple(shortened(texts[int(row)]) for row in list(rows)[:EXAMPLES])

    def parts(self, name: str) -> Iterator[tuple[str, str]]:
        """Side and estimate id for every side on which an estimate exists."""
        for side in self.frame.sides or ("",):
            for candidate in (f"{name}@{side}", name):
                if candidate in self.found.estimates:
                    yield side, candidate
                    break


def of_rows(context: Context, name: str, severity: Severity, flags: Flags, message: str, *, item_id: str) -> Finding:
    """A finding whose rows are flagged one by one."""
    rows = np.flatnonzero(flags).tolist()
    return Finding(
        id=name,
        severity=severity,
        message=message,
        evidence=context.evidence(rows),
        examples=context.examples(rows),
        estimates=(item_id,),
        rows=len(rows),
        flagged=context.positions(rows),
    )


def named(context: Context, name: str, side: str) -> str:
    """The id of an estimate on a side; sides are named where there are two."""
    return f"{name}@{side}" if len(context.frame.sides) > 1 else name


def labeled(context: Context, row: int) -> str:
    """A row as an example, its label before it."""
    labels = context.frame.synthetic.labels or ()
    return f"[{labels[row]}] {shortened(context.frame.synthetic.joined[row])}"
