"""Learn the rules of real rows, with the fraction of held-out real rows that keeps each, and check synthetic rows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from syngain.core.estimate import holm
from syngain.data.splits import folds
from syngain.inference.counts import more_often
from syngain.tables.rules.composite import key_pairs, numbering, pair_columns
from syngain.tables.rules.dependencies import dependencies
from syngain.tables.rules.numeric import numeric_rules
from syngain.tables.rules.references import RowsPerKey, reference_rules, references_tried
from syngain.tables.rules.rule import CONFIDENCE, SUPPORT
from syngain.tables.rules.single import keys_of, single_rules
from syngain.tables.rules.stated import StatedRule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Flags, Ints
    from syngain.tables.rules.others import OtherTable
    from syngain.tables.rules.rule import ColumnRule
    from syngain.tables.typed import Table

FOLDS = 5
LEARNED_FROM = 5_000  # real rows that relations are looked for in
LEVEL = 0.01  # over all rules
OF_VALUES = ("range", "values")  # not of columns that name rows: other rows have other names


@dataclass(frozen=True, slots=True)
class LearnedRule:
    """A rule of the real rows.

    Attributes:
        support: real rows that it applies to. broken: of them, those that break it where they were held out.
    """

    rule: ColumnRule
    support: int
    broken: int

    @property
    def confidence(self) -> float:
        """The fraction of held-out real rows that keeps the rule."""
        return 1 - self.broken / max(self.support, 1)


@dataclass(frozen=True, slots=True)
class LearnedRules:
    """The rules of real rows.

    Attributes:
        tried: how many of each kind were tried: a rule of many holds by chance sooner.
        broken: held-out real rows that break any of the rules.
    """

    rules: Sequence[LearnedRule]
    tried: Mapping[str, int]
    broken: Flags


@dataclass(frozen=True, slots=True)
class CheckedRule:
    """A rule of the real rows in synthetic rows.

    Attributes:
        applies, broken: synthetic rows (m,). p: of as many broken ones at the real rate. adjusted_p: over all rules.
    """

    learned: LearnedRule
    applies: Flags
    broken: Flags
    p: float
    adjusted_p: float = 1.0

    @property
    def rule(self) -> ColumnRule:
        """The rule itself."""
        return self.learned.rule

    @property
    def rate(self) -> float:
        """The fraction of synthetic rows, of those the rule applies to, that break it."""
        return float(self.broken.sum() / max(self.applies.sum(), 1))

    @property
    def real_rate(self) -> float:
        """The fraction of held-out real rows that break it."""
        return 1 - self.learned.confidence

    @property
    def found(self) -> bool:
        """Whether it is broken beyond what held-out real rows show; a stated rule, whether any row breaks it."""
        stated = self.rule.kind == "yours"
        return bool(self.broken.any()) if stated else self.adjusted_p < LEVEL


def learn_rules(
    real: Table,
    rng: np.random.Generator,
    *,
    held_out: Table | None = None,
    group: Ints | None = None,
    others: Sequence[OtherTable] = (),
) -> LearnedRules:
    """The rules of real rows that held-out real rows keep.

    Args:
        real: rows that rules are learned from.
        rng: of the sample of rows and of the folds.
        held_out: more real rows to check them with; without them, each fold of ``real`` in turn.
        group: rows of ``real`` that stay in one fold (n,): those that repeat each other.
        others: files that rows may point at.
    """
    rules, tried = _candidates(real, rng, others)
    if held_out is not None:
        parts = [(rules, held_out)]
    else:
        fold = folds(np.arange(real.size) if group is None else group, FOLDS, rng)
        apart = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(FOLDS)]
        parts = [([rule.refit(real.take(rest)) for rule in rules], real.take(own)) for rest, own in apart if own.size]
    applies, broken = _checks(parts, len(rules))
    learned = [
        LearnedRule(rule, int(applies[:, place].sum()), int(broken[:, place].sum())) for place, rule in enumerate(rules)
    ]
    kept = [one.support >= SUPPORT and one.confidence >= CONFIDENCE for one in learned]
    any_broken: Flags = np.any(broken[:, kept], axis=1)
    return LearnedRules([one for one, good in zip(learned, kept, strict=True) if good], tried, any_broken)


def with_stated(learned: LearnedRules, expressions: Sequence[str], real: Table) -> LearnedRules:
    """The learned rules and those that a user states, with the real rows that break them.

    Raises:
        InputError: a rule cannot be read, or names a column that the rows lack.
    """
    more = []
    for expression in expressions:
        rule = StatedRule.of(expression, real)
        applies, broken = rule.check(real)
        more.append(LearnedRule(rule, int(applies.sum()), int(broken.sum())))
    return replace(learned, rules=[*more, *learned.rules])


def check_rules(learned: LearnedRules, synthetic: Table, rng: np.random.Generator) -> list[CheckedRule]:
    """Every rule in the synthetic rows, with an exact test.

    Adjusted over all rules tried: by Holm within a kind [holm1979], and by the number of kinds that have a broken row.
    """
    checked = [_checked(one, synthetic, rng) for one in learned.rules]
    kinds: dict[str, list[int]] = {}
    for place, one in enumerate(checked):
        if one.broken.any():
            kinds.setdefault(one.rule.kind, []).append(place)
    for kind, places in kinds.items():
        p = {str(place): checked[place].p for place in places}
        unseen = max(learned.tried.get(kind, 0) - len(places), 0)
        for name, value in holm({**p, **{f"tried {one}": 1.0 for one in range(unseen)}}).items():
            if name in p:
                at = int(name)
                checked[at] = replace(checked[at], adjusted_p=min(1.0, value * len(kinds)))
    return checked


def _candidates(
    real: Table, rng: np.random.Generator, others: Sequence[OtherTable]
) -> tuple[list[ColumnRule], dict[str, int]]:
    """Rules that the real rows suggest; relations are looked for in a sample, and take their values from all rows."""
    keys = keys_of(real)
    some = real.take(np.sort(rng.permutation(real.size)[:LEARNED_FROM])) if real.size > LEARNED_FROM else real
    related: list[ColumnRule] = [*dependencies(some, keys, rng), *numeric_rules(some, keys, rng)]
    wide = related if some is real else [rule.refit(real) for rule in related]
    across, pairs = list(reference_rules(real, others)), list(key_pairs(real, keys, rng))
    naming = {name for rule in across for name in rule.columns} | numbering(real, pairs)
    single = [rule for rule in single_rules(real, keys) if rule.kind not in OF_VALUES or rule.column not in naming]
    rules: list[ColumnRule] = [*single, *wide, *across, *pairs]
    formulas = sum(rule.kind == "formula" for rule in rules)
    return rules, {**_tried(real, keys), **references_tried(real, others), "formula": formulas}


def _tried(real: Table, keys: frozenset[str]) -> dict[str, int]:
    """How many rules of each kind but formulas columns like these allow.

    Columns without a relation follow a formula in a few rows only: none is kept by chance, however many are tried.
    """
    names = [column for column in real.columns.values() if column.name not in keys]
    ordered = sum(column.kind != "word" for column in names)
    gaps = sum(not column.filled.all() for column in names)
    every = dict.fromkeys(("key", "values", "range", "format"), len(real.columns))
    return {
        **every,
        "key pair": math.comb(len(pair_columns(real, keys)), 2),
        "missing": len(real.columns) + gaps * len(names),
        "calendar": 3 * sum(column.kind == "date" for column in names),
        "dependency": len(names) * (len(names) - 1),
        "order": ordered * (ordered - 1),
    }


def _checks(parts: Sequence[tuple[Sequence[ColumnRule], Table]], count: int) -> tuple[Flags, Flags]:
    """Rows that each rule applies to, and that break it, of all parts; each (rows, rules)."""
    applies = np.zeros((sum(table.size for _, table in parts), count), dtype=bool)
    broken = np.zeros_like(applies)
    start = 0
    for rules, table in parts:
        rows = slice(start, start + table.size)
        for place, rule in enumerate(rules):
            applies[rows, place], broken[rows, place] = rule.check(table)
        start += table.size
    return applies, broken


def _checked(learned: LearnedRule, synthetic: Table, rng: np.random.Generator) -> CheckedRule:
    rule = learned.rule
    applies, broken = rule.check(synthetic)
    hits, rows = int(broken.sum()), int(applies.sum())
    part = synthetic
    if (
        rule.kind in {"key", "key pair", "children"} and rows > learned.support
    ):  # more rows repeat more often: equal numbers
        part = synthetic.take(np.sort(rng.permutation(synthetic.size)[: learned.support]))
        hits, rows = (int(flags.sum()) for flags in reversed(rule.check(part)))
    if isinstance(rule, RowsPerKey):  # the mass beyond the largest of n counts is Beta(1, n)
        hits, rows = rule.crowded(part)
        p = float(stats.betabinom.sf(hits - 1, rows, 1, max(rule.keys, 1)))
    elif not rows:
        p = 1.0
    elif rule.kind == "range":  # the mass beyond the least and the largest of n rows is Beta(2, n - 1)
        p = float(stats.betabinom.sf(hits - 1, rows, 2, max(learned.support - 1, 1)))
    else:
        p = more_often(hits, rows, learned.broken, learned.support)
    return CheckedRule(learned, applies, broken, p)
