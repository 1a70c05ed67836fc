"""All checks of the columns of a table, on columns that are typed once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syngain.audit.tables.columns import ColumnReport, column_reports
from syngain.audit.tables.disclosure import disclosure
from syngain.audit.tables.joint import JointTail, joint_tail
from syngain.audit.tables.quality import quality
from syngain.audit.tables.rules import RuleHealth, table_rules
from syngain.audit.tables.tails import TailHealth, table_tails
from syngain.audit.tables.typed_frame import typed_study
from syngain.tables.rules.single import keys_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.audit.frame import Frame
    from syngain.core.arrays import Ints
    from syngain.core.estimate import Estimate
    from syngain.core.rng import Streams


@dataclass(frozen=True, slots=True)
class TableHealth:
    """What was found of a table: broken rules, tails, each column, SDMetrics' quality, disclosure, joint tail."""

    rules: RuleHealth
    tails: TailHealth
    columns: Sequence[ColumnReport]
    quality: Mapping[str, Estimate]
    privacy: Mapping[str, Estimate]
    joint: JointTail | None = None

    @property
    def estimates(self) -> Mapping[str, Estimate]:
        """All estimates by id; their p-values are adjusted among themselves."""
        joint = self.joint.estimates if self.joint else {}
        return {**self.rules.estimates, **self.tails.estimates, **joint, **self.quality, **self.privacy}


def table_checks(frame: Frame, near: Ints, streams: Streams) -> TableHealth | None:
    """The checks of a table; None for texts, and for a frame whose rows were taken out or changed.

    ``near``: clusters of all compared rows, the real ones first.
    """
    if frame.sides or frame.study is None:
        return None
    tables = typed_study(frame.study)
    reference = tables.held_out or tables.real
    keys = keys_of(reference)
    return TableHealth(
        table_rules(frame, tables, near, streams),
        table_tails(tables, frame.unit),
        column_reports(reference, tables.synthetic, streams.stream("columns")),
        quality(reference, tables.synthetic, keys),
        disclosure((tables.real, tables.synthetic, tables.held_out), keys, streams.stream("disclosure")),
        joint_tail(tables, keys_of(tables.real), frame.unit, streams),
    )
