"""``rules.broken``: the fraction of synthetic rows of a table that break a rule of the real rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.estimate import Estimate
from syngain.inference.counts import expected_range
from syngain.inference.intervals import share_intervals
from syngain.tables.rules.learned import check_rules, learn_rules, with_stated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.audit.frame import Frame
    from syngain.audit.tables.typed_frame import TypedStudy
    from syngain.core.arrays import Flags, Ints
    from syngain.core.rng import Streams
    from syngain.tables.rules.learned import CheckedRule


@dataclass(frozen=True, slots=True)
class RuleHealth:
    """What was found of the rules of a table.

    Attributes:
        checked: every rule with the rows that break it. tables: the typed columns. estimates: by id.
    """

    checked: Sequence[CheckedRule]
    tables: TypedStudy
    estimates: Mapping[str, Estimate] = field(default_factory=dict)

    @property
    def found(self) -> list[CheckedRule]:
        """Rules that are broken beyond what held-out real rows show."""
        return [one for one in self.checked if one.found]

    def records(self) -> list[dict[str, object]]:
        """One record per rule, as in ``rules.jsonl``: the broken ones first."""
        order = sorted(self.checked, key=lambda one: (one.adjusted_p, -one.rate))
        return [
            {
                "rule": one.rule.words,
                "kind": one.rule.kind,
                "columns": list(one.rule.columns),
                "real_rows": one.learned.support,
                "real_broken": one.learned.broken,
                "synthetic_rows": int(one.applies.sum()),
                "synthetic_broken": int(one.broken.sum()),
                "adjusted_p": one.adjusted_p,
                "found": one.found,
            }
            for one in order
        ]


def table_rules(frame: Frame, tables: TypedStudy, near: Ints, streams: Streams) -> RuleHealth:
    """The rules of the real rows, checked; ``near``: clusters of all compared rows, the real ones first."""
    group = None if frame.held_out else near[: frame.real.size]
    learned = learn_rules(
        tables.real, streams.stream("learn"), held_out=tables.held_out, group=group, others=frame.tables
    )
    learned = with_stated(learned, frame.rules, tables.real)
    checked = check_rules(learned, tables.synthetic, streams.stream("check"))
    estimates = {"rules.broken": _estimate(checked, learned.broken, frame.unit)} if checked else {}
    return RuleHealth(checked, tables, estimates)


def _estimate(checked: Sequence[CheckedRule], real: Flags, units: Ints) -> Estimate:
    """The fraction of rows that break a rule; significant where one rule is, adjusted over all of them."""
    broken: Flags = np.any([one.broken for one in checked], axis=0)
    p = min(one.adjusted_p for one in checked)
    return Estimate(
        value=float(broken.mean()),
        unit="share",
        method=f"{len(checked)} rules learned from real rows; exact test of each against held-out real rows, "
        "adjusted over all rules tried",
        estimand="fraction of synthetic rows that break a rule of the real rows",
        intervals=share_intervals(broken, units),
        null=expected_range(int(real.sum()), real.size, broken.size),
        p=p,
        adjusted_p=p,
        n=broken.size,
        clusters=int(np.unique(units).size),
        references={"real": float(real.mean()), "rules": float(len(checked))},
    )
