"""Findings about targets that are no classes: numbers, scores, label sets, tags and candidates that look wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from syngain.audit.findings.rules import EXAMPLES, MINIMUM, Context
from syngain.audit.measures.two_sample import one_sided_lower
from syngain.audit.targets.defects import DEFECTS
from syngain.core.phrases import percent, shortened
from syngain.core.result import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from syngain.audit.targets.health import TargetHealth

ID = "label_noise"
NAMED = 4  # labels in a message


def target_noise(context: Context) -> Iterator[Finding]:
    """Targets that contradict a model trained on real rows."""
    health = context.found.targets
    if health is None:
        return
    sizes = {}
    for name in health.flags:
        item = context.estimate(f"targets.{name}")
        if item is not None and context.significant(f"targets.{name}"):
            severity = MINIMUM[ID].severity(one_sided_lower(item))
            if severity is not None:
                sizes[name] = (severity, item.value)
    if not sizes:
        return
    ids = tuple(f"targets.{name}" for name in sizes)
    if health.coherent:
        yield _another_rule(health, ids)
        return
    flags = np.any([health.flags[name] for name in sizes], axis=0)
    rows = np.flatnonzero(flags)
    wrong = min(sum(max(value, 0.0) for _, value in sizes.values()), 1.0)
    order = ("high", "medium", "low")
    yield Finding(
        id=ID,
        severity=min((severity for severity, _ in sizes.values()), key=order.index),
        message=f"{_message(health, sizes)}, by a model trained on real rows{_details(context, health)}; "
        f"{rows.size:,} rows flagged.",
        evidence=context.evidence(rows.tolist()),
        examples=tuple(_example(context, int(row)) for row in rows[:EXAMPLES]),
        estimates=(*ids, "targets.skill"),
        rows=max(rows.size, round(wrong * context.frame.synthetic.size)),
        flagged=context.positions(rows),
    )


def _message(health: TargetHealth, sizes: Mapping[str, tuple[str, float]]) -> str:
    kinds = DEFECTS[health.kind]
    parts = [f"{percent(min(max(value, 0.0), 1.0))} of {kinds[name].words}" for name, (_, value) in sizes.items()]
    return f"About {' and '.join(parts)}"


def _details(context: Context, health: TargetHealth) -> str:
    """The errors of numbers, or the labels that are wrong most often."""
    if health.errors is not None:
        found, real = health.errors
        return f" (median error {found:.3g}, real rows {real:.3g})"
    prefix = "targets.noise@label="
    labels = [
        (item.value, name.removeprefix(prefix))
        for name, item in health.estimates.items()
        if name.startswith(prefix) and context.significant(name) and item.value >= MINIMUM[ID].low
    ]
    worst = [
        f"{shortened(name, 30)} {percent(min(value, 1.0))}" for value, name in sorted(labels, reverse=True)[:NAMED]
    ]
    return f" (wrong most often: {', '.join(worst)})" if worst else ""


def _another_rule(health: TargetHealth, ids: tuple[str, ...]) -> Finding:
    """The synthetic rows agree with each other, and contradict the real ones."""
    item = health.estimates[ids[0]]
    return Finding(
        id=ID,
        severity="medium",
        message=f"Targets follow another rule than those of the real rows: {percent(min(max(item.value, 0.0), 1.0))} "
        "contradict a model trained on real rows, but the synthetic rows agree with each other.",
        estimates=(*ids, "targets.skill"),
        rows=0,
    )


def _example(context: Context, row: int) -> str:
    rows = context.frame.synthetic
    words = "" if rows.targets is None else shortened(rows.targets.words(row), 60)
    return f"[{words}] {shortened(rows.joined[row], 110)}"
