"""All checks of the columns of a table, on columns that are typed once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from syngain.audit.tables.columns import ColumnReport, column_reports
from syngain.audit.tables.disclosure import disclosure
from syngain.audit.tables.joint import JointTail, joint_tail
from syngain.audit.tables.pairs import PairRelations, pair_relations
from syngain.audit.tables.quality import quality
from syngain.audit.tables.rules import RuleHealth, table_rules
from syngain.audit.tables.tails import TailHealth, table_tails
from syngain.audit.tables.typed_frame import typed_study
from syngain.tables.rules.single import keys_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.audit.frame import Frame
    from syngain.audit.tables.typed_frame import TypedStudy
    from syngain.core.arrays import Ints
    from syngain.core.estimate import Estimate
    from syngain.core.rng import Streams

MOST = 0.5  # of the rows


@dataclass(frozen=True, slots=True)
class TableHealth:
    """What was found of a table: broken rules, tails, each column and pair, SDMetrics' quality, disclosure."""

    rules: RuleHealth
    tails: TailHealth
    columns: Sequence[ColumnReport]
    quality: Mapping[str, Estimate]
    privacy: Mapping[str, Estimate]
    joint: JointTail | None = None
    relations: PairRelations | None = None

    @property
    def estimates(self) -> Mapping[str, Estimate]:
        """All estimates by id; their p-values are adjusted among themselves."""
        rows = {**self.rules.estimates, **self.tails.estimates, **(self.joint.estimates if self.joint else {})}
        return {**rows, **(self.relations.estimates if self.relations else {}), **self.quality, **self.privacy}


def table_checks(frame: Frame, near: Ints, streams: Streams) -> TableHealth | None:
    """The checks of a table; None for texts, and for a frame whose rows were taken out or changed.

    ``near``: clusters of all compared rows, the real ones first.
    """
    if frame.sides or frame.study is None:
        return None
    tables = typed_study(frame.study)
    reference = tables.held_out or tables.real
    keys = keys_of(reference)
    rules, tails = table_rules(frame, tables, near, streams), table_tails(tables, frame.unit)
    return TableHealth(
        rules,
        tails,
        column_reports(reference, tables.synthetic, streams.stream("columns")),
        quality(reference, tables.synthetic, keys),
        disclosure((tables.real, tables.synthetic, tables.held_out), keys, streams.stream("disclosure")),
        joint_tail(tables, keys_of(tables.real), frame.unit, streams),
        _relations(frame, tables, (rules, tails), near, streams),
    )


def _relations(
    frame: Frame, tables: TypedStudy, checked: tuple[RuleHealth, TailHealth], near: Ints, streams: Streams
) -> PairRelations | None:
    """The relations of rows that no rule and no tail names; of all rows where these are most."""
    rules, tails = checked
    named = np.zeros(tables.synthetic.size, dtype=bool)
    for flags in (*(one.broken for one in rules.found), tails.invented):
        named |= False if flags is None else flags
    kept = np.flatnonzero(~named if named.mean() < MOST else np.ones(named.size, dtype=bool))
    real_units, units = frame.units(near)
    chosen = replace(tables, synthetic=tables.synthetic.take(kept))
    keys = keys_of(tables.held_out or tables.real)
    return pair_relations(chosen, keys, (real_units, units[kept]), streams.stream("relations"))
