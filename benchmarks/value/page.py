"""The results as a page of Markdown, with the same sentences for every result."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.value.names import displayed
from benchmarks.value.table import (
    ALWAYS,
    Coverage,
    Mean,
    coverage,
    difference,
    rank_correlation,
    regret,
    sign_accuracy,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.value.table import Told

OURS = "syngain"


def page(cases: Sequence[Told], zeros: Mapping[str, bool], *, command: str, versions: Mapping[str, str]) -> str:
    """All tables. ``zeros``: predictor to whether its sign means something, in the order of the rows."""
    clear = sum(case.clear for case in cases)
    tasks = sorted({case.task for case in cases})
    drawn = len({(case.task, case.split) for case in cases})
    head = (
        f"{len(cases)} cases: {len(tasks)} tasks, {drawn} drawings of real rows. In {clear} cases the measured gain is "
        f"significant; it is positive in {sum(case.gain > 0 for case in cases if case.clear)} of them. Intervals are "
        "90%, Student's t over tasks."
    )
    parts = [head, *_race(cases, zeros), *_coverage(cases), *_families(cases, zeros), *_by_task(cases, zeros)]
    listed = ", ".join(f"{name} {number}" for name, number in versions.items())
    return "\n".join([*parts, "", f"Command: `{command}`. Versions: {listed}.", ""])


def _race(cases: Sequence[Told], zeros: Mapping[str, bool]) -> list[str]:
    ours = rank_correlation(cases, OURS), regret(cases, OURS, zero=True)
    lines = [
        "",
        "| predictor | rank correlation | ours minus it | sign right | regret | its minus ours | cases |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, zero in zeros.items():
        ranks, lost = rank_correlation(cases, name), regret(cases, name, zero=zero)
        signs = sign_accuracy(cases, name, zero=zero)
        same = name == OURS
        lines.append(
            f"| {displayed(name)} | {shown(Mean.of(ranks))} | {'' if same else shown(difference(ours[0], ranks))} | "
            f"{shown(Mean.of(signs), sign=False)} | {shown(Mean.of(lost), sign=False)} | "
            f"{'' if same else shown(difference(lost, ours[1]))} | {sum(name in case.scores for case in cases)} |"
        )
    always = Mean.of(sign_accuracy(cases, ALWAYS, zero=True))
    lines.append(f"| {ALWAYS} | | | {shown(always, sign=False)} | | | {len(cases)} |")
    return [*lines, "", *_winners(cases, zeros)]


def _winners(cases: Sequence[Told], zeros: Mapping[str, bool]) -> list[str]:
    """Which predictors are above ours, in words, by each measure; significant or not."""
    measures = {
        "rank correlation": {name: rank_correlation(cases, name) for name in zeros},
        "sign": {name: sign_accuracy(cases, name, zero=zero) for name, zero in zeros.items()},
        "regret": {
            name: {task: -lost for task, lost in regret(cases, name, zero=zero).items()} for name, zero in zeros.items()
        },
    }
    measures["sign"][ALWAYS] = sign_accuracy(cases, ALWAYS, zero=True)
    out = []
    for measure, found in measures.items():
        ahead = {name: difference(found[OURS], item) for name, item in found.items() if name != OURS and OURS in found}
        behind = [displayed(name) for name, gap in ahead.items() if gap.low > 0]
        above = [
            f"{displayed(name)} ({'significant' if gap.high < 0 else 'not significant'})"
            for name, gap in ahead.items()
            if gap.value < 0
        ]
        out.append(
            f"* By {measure}, our forecast is significantly ahead of {len(behind)} of {len(ahead)}"
            f"{' (' + ', '.join(behind) + ')' if behind else ''}. Ahead of it: {', '.join(above) or 'none'}."
        )
    return out


def _coverage(cases: Sequence[Told]) -> list[str]:
    known = [case for case in cases if case.interval is not None]
    rows = {
        "gain of our proxy model on this test set (its claim)": coverage((c.task, c.interval, c.own) for c in known),
        "gain in accuracy of our proxy model": coverage(
            (c.task, c.accuracy[0][1:], c.accuracy[1]) for c in known if c.accuracy is not None
        ),
        "mean gain of the two other families (not claimed)": coverage(
            (c.task, c.interval, (c.gain, c.low, c.high)) for c in known
        ),
    }
    lines = [
        "",
        "| our 90% interval against | coverage | median width | ratio to measured width | cases |",
        "|---|---|---|---|---|",
    ]
    return [*lines, *(_covered(name, found) for name, found in rows.items() if found.cases)]


def _covered(name: str, found: Coverage) -> str:
    held = shown(found.share, sign=False, digits=3)
    return f"| {name} | {held} | {found.width:.3f} | {found.ratio:.2f} | {found.cases} |"


def _families(cases: Sequence[Told], zeros: Mapping[str, bool]) -> list[str]:
    """Rank correlation with each learner's gain by itself: does who measures decide who wins?"""
    names = list(dict.fromkeys(name for case in cases for name in case.families))
    lines = [
        "",
        f"| rank correlation with | {' | '.join(names)} | our proxy model |",
        "|---|" + "---|" * (len(names) + 1),
    ]
    for predictor in zeros:
        found = []
        for family in names:
            part = [case for case in cases if family in case.families]
            found.append(Mean.of(rank_correlation(part, predictor, lambda case, name=family: case.families[name])))
        found.append(Mean.of(rank_correlation(cases, predictor, lambda case: case.own[0])))
        lines.append(f"| {displayed(predictor)} | {' | '.join(map(shown, found))} |")
    return lines


def _by_task(cases: Sequence[Told], zeros: Mapping[str, bool]) -> list[str]:
    tasks = list(dict.fromkeys(case.task for case in cases))
    ranks = {name: rank_correlation(cases, name) for name in zeros}
    lines = ["", f"| rank correlation in | {' | '.join(tasks)} |", "|---|" + "---|" * len(tasks)]
    lines += [
        f"| {displayed(name)} | {' | '.join(_number(ranks[name].get(task)) for task in tasks)} |" for name in zeros
    ]
    lines += [
        "",
        "| task | variant | measured gain | forecast | 90% CI | proxy model | drawings |",
        "|---|---|---|---|---|---|---|",
    ]
    for task in tasks:
        for arm in dict.fromkeys(case.arm for case in cases if case.task == task):
            part = [case for case in cases if (case.task, case.arm) == (task, arm)]
            asked = [case for case in part if case.interval is not None]
            means = [np.mean([of(c) for c in part]) for of in (lambda c: c.gain, lambda c: c.own[0])]
            said = [np.mean(item) for item in zip(*((c.scores[OURS], *c.interval) for c in asked), strict=True)]
            forecast = f"{said[0]:+.4f} | {said[1]:+.4f} to {said[2]:+.4f}" if said else " | "
            lines.append(
                f"| {task} | {displayed(arm)} | {means[0]:+.4f} | {forecast} | {means[1]:+.4f} | {len(part)} |"
            )
    return lines


def shown(mean: Mean, *, sign: bool = True, digits: int = 2) -> str:
    """A mean with its interval."""
    if not mean.tasks:
        return ""
    form = f"{'+' if sign else ''}.{digits}f"
    if not math.isfinite(mean.low):
        return f"{mean.value:{form}} (one task)"
    return f"{mean.value:{form}} ({mean.low:{form}}, {mean.high:{form}})"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:+.2f}"
