"""The finding ``broken_rules``: which rules of the real rows, how often on each side, and which rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from syngain.audit.findings.rules import EXAMPLES, Context
from syngain.audit.tables.tails import WHOLE
from syngain.core.phrases import percent, shortened
from syngain.core.result import SEVERITIES, Finding, Severity
from syngain.inference.intervals import wilson

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from syngain.audit.tables.checks import TableHealth
    from syngain.core.arrays import Flags
    from syngain.tables.rules.learned import CheckedRule

ID = "broken_rules"
HIGH, MEDIUM = 0.05, 0.005  # a rule's lower limit, and its rate, beyond the real rate
SHOWN = 6  # rules in the message
SAME = 0.9  # of the rows that break a rule break another one that is shown: it is not named
FIRST = (
    "formula", "dependency", "missing", "reference", "values", "calendar", "order", "key", "key pair", "children",
    "range", "format", "yours",
)  # fmt: skip
FORMAT = "format"  # a format is converted: no row is dropped for it; high where it is mixed within a column


def broken_rules(context: Context) -> Iterator[Finding]:
    """One finding for all rules that are broken more often than held-out real rows break them."""
    health = context.found.table
    found = rules_found(health)
    if health is None or not found:
        return
    serious = [one for one, severity in found if severity != "low"] or [one for one, _ in found]
    shown = _apart(serious)[:SHOWN]
    rows = _worst_first(serious)
    fix = "" if any(one.rule.kind != FORMAT for one in serious) else "convert these columns to the format of REAL"
    yield Finding(
        id=ID,
        severity=found[0][1],
        message=_message(shown, len(serious) - len(shown)),
        evidence=context.evidence(rows),
        examples=tuple(_examples(health, shown)),
        estimates=("rules.broken",),
        rows=len(rows),
        flagged=context.positions(rows),
        fix=fix,
    )


def rules_found(health: TableHealth | None) -> Sequence[tuple[CheckedRule, Severity]]:
    """Broken rules with their severity: the worst first, of equally broken ones the most telling kind first."""
    if health is None:
        return []
    tails = {tail.column.name for tail in health.tails.found("invented")}  # named by a finding of their own
    severe = [
        (one, _severity(one))
        for one in health.rules.found
        if one.rule.kind != "range" or not tails & set(one.rule.columns)
    ]

    def rank(item: tuple[CheckedRule, Severity]) -> tuple[int, float, int]:
        one, severity = item
        return SEVERITIES.index(severity), -round(one.rate - one.real_rate, 2), FIRST.index(one.rule.kind)

    return sorted(severe, key=rank)


def rule_reasons(health: TableHealth | None) -> Mapping[str, Flags]:
    """Reason to drop (``broken_rules: end = start + days``) to flags per synthetic row (m,)."""
    found = [
        one
        for one, severity in rules_found(health)
        if severity != "low" and one.rule.kind != FORMAT and (one.rule.kind != "range" or one.rate <= WHOLE)
    ]
    shown = _apart(found)[:SHOWN]
    out = {f"{ID}: {one.rule.words}": one.broken for one in shown}
    if found:
        rest: Flags = np.any([one.broken for one in found], axis=0) & ~np.any([*out.values()], axis=0)
        out |= {f"{ID}: other rules": rest} if rest.any() else {}
    return out


def _severity(one: CheckedRule) -> Severity:
    if one.rate - one.real_rate < MEDIUM:
        return "low"
    lower = wilson(one.rate, max(int(one.applies.sum()), 1), 0.95)[0]
    convention = one.rule.kind == FORMAT and one.rate > WHOLE  # of the column as a whole: one conversion fixes it
    return "high" if lower - one.real_rate > HIGH and not convention else "medium"


def _apart(found: Sequence[CheckedRule]) -> list[CheckedRule]:
    """Rules that are broken in rows of their own: of those about one column and the same rows, the first."""
    out: list[CheckedRule] = []
    for one in found:
        near = [other.broken for other in out if set(other.rule.columns) & set(one.rule.columns)]
        covered = np.any([np.zeros(one.broken.size, dtype=bool), *near], axis=0)
        if (one.broken & covered).sum() < SAME * one.broken.sum():
            out.append(one)
    return out


def _worst_first(found: Sequence[CheckedRule]) -> list[int]:
    """Rows that break a rule, those that break the most first."""
    broken = np.sum([one.broken for one in found], axis=0)
    order = np.argsort(-broken, kind="stable")
    return [int(row) for row in order[: int((broken > 0).sum())]]


def _message(shown: Sequence[CheckedRule], more: int) -> str:
    """How many rows break which rule, and how many held-out real rows do at most."""
    parts = [
        f"{percent(one.rate)}{' of rows break' if place == 0 else ''} {one.rule.words}"
        for place, one in enumerate(shown)
    ]
    rest = f"; {more} more rules, mostly in the same rows" if more > 0 else ""
    most = max(one.real_rate for one in shown)
    expected = f"{'at most ' if most and len(shown) > 1 else ''}{percent(most)}"
    return f"{'; '.join(parts)}{rest} (held-out real rows: {expected})."


def _examples(health: TableHealth, shown: Sequence[CheckedRule]) -> Iterator[str]:
    """A row that breaks each rule: the cells that the rule is about."""
    columns = health.rules.tables.synthetic.columns
    for one in shown[:EXAMPLES]:
        row = int(np.flatnonzero(one.broken)[0])
        cells = [(name, columns[name].codes[row]) for name in one.rule.columns]
        written = ", ".join(f"{name} {columns[name].values[code] if code >= 0 else 'missing'}" for name, code in cells)
        yield shortened(f"[{one.rule.words}] {written}")
