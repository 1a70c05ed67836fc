"""Rules from estimates to findings: what is wrong, how severe, which rows show it.

A finding needs an adjusted p below .05 against its null *and* an effect above a stated minimum. High means that
training on the set as it is would be a mistake and that rows or a cause can be named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from syngain.audit.findings.broken_rules import broken_rules
from syngain.audit.findings.changed_relations import changed_relations
from syngain.audit.findings.labels import label_independent, label_leak, label_noise, unknown_labels
from syngain.audit.findings.preferences import bad_preferences
from syngain.audit.findings.responses import bad_responses
from syngain.audit.findings.rules import AWAY, BESIDE, EVIDENCE, EXAMPLES, MINIMUM, OFF_SUPPORT, Context, named, of_rows
from syngain.audit.findings.tails import wrong_tails
from syngain.audit.findings.targets import target_noise
from syngain.audit.measures.two_sample import one_sided_lower
from syngain.audit.measures.uniformity import opening as opening_of
from syngain.core.phrases import percent
from syngain.core.result import Finding, Severity
from syngain.data.text.words import length, length_unit, unspaced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from syngain.audit.measures.regions import Cells
    from syngain.core.arrays import Flags, Ints
    from syngain.core.estimate import Estimate

BENCHMARKS = "contamination.benchmark_fraction"
NAMED = 5  # benchmarks in the message


def find(context: Context) -> list[Finding]:
    """All findings of an examination, the most severe first."""
    rules: Sequence[Callable[[Context], Iterator[Finding]]] = (
        label_independent,
        label_noise,
        target_noise,
        unknown_labels,
        label_leak,
        bad_responses,
        bad_preferences,
        _memorized,
        _contamination,
        _benchmarks,
        broken_rules,
        wrong_tails,
        changed_relations,
        _duplicates,
        _template,
        _missing,
        _shift,
    )
    findings = [finding for rule in rules for finding in rule(context)]
    return sorted(findings, key=lambda finding: ("high", "medium", "low").index(finding.severity))


def _duplicates(context: Context) -> Iterator[Finding]:
    item = context.estimate("duplicates.near_fraction")
    if item is None or not (
        context.significant("duplicates.near_fraction") or context.significant("duplicates.exact_fraction")
    ):
        return
    severity = MINIMUM["duplicates"].severity(item.value)
    if severity is None:
        return
    exact = context.found.estimates["duplicates.exact_fraction"].value
    different = int(context.found.estimates["size.effective"].value)
    rows = _largest_clusters(context.found.near[context.frame.real.size :], context.found.near_repeats)
    yield Finding(
        id="duplicates",
        severity=severity,
        message=f"{percent(item.value)} of rows repeat another row ({percent(exact)} exactly): "
        f"{context.frame.synthetic.size:,} rows, {different:,} distinct.",
        evidence=context.evidence(rows),
        examples=context.examples(rows),
        estimates=("duplicates.exact_fraction", "duplicates.near_fraction", "size.effective"),
        rows=int(context.found.near_repeats.sum()),
        flagged=context.positions(rows),
    )


def _memorized(context: Context) -> Iterator[Finding]:
    item = context.estimate("novelty.copy_fraction")
    if item is None or not context.significant("novelty.copy_fraction"):
        yield from _beside_anchors(context)
        return
    background = item.references["real"]
    severity = MINIMUM["memorized_anchors"].severity(item.interval(0.95)[0] - background)
    if severity is None:
        return
    message = (
        f"{percent(item.value)} of rows copy a real row, exactly or nearly "
        f"(real rows copy each other in {percent(background)})."
    )
    yield of_rows(
        context, "memorized_anchors", severity, context.found.copies, message, item_id="novelty.copy_fraction"
    )


def _beside_anchors(context: Context) -> Iterator[Finding]:
    """Rows of a table close to a real row without being equal to it: copies with a little noise."""
    item = context.estimate("novelty.distance_ratio")
    if context.frame.sides or item is None or not context.significant("novelty.distance_ratio"):
        return
    if item.interval(0.95)[1] > BESIDE:
        return
    near = context.found.scores[""].distance < BESIDE * context.found.scores[""].radius
    message = (
        f"Rows look like real rows with a little noise: their distance to the nearest one is {percent(item.value)} "
        "of the distance between real rows."
    )
    yield of_rows(context, "memorized_anchors", "high", near, message, item_id="novelty.distance_ratio")


def _contamination(context: Context) -> Iterator[Finding]:
    item = context.estimate("contamination.test_fraction")
    hits = context.found.contaminated
    if item is None or hits is None or not context.significant("contamination.test_fraction"):
        return
    effect = item.value * max(1 - item.references["anchors"] / max(item.references["synthetic_rows"], 1e-12), 0.0)
    severity = MINIMUM["contamination"].severity(effect)
    if severity is None:
        return
    message = (
        f"{percent(item.value)} of test rows appear in the synthetic data ({int(hits.sum()):,} rows, "
        f"{percent(item.references['synthetic_rows'])} of it; in the real rows: {percent(item.references['anchors'])})."
    )
    yield of_rows(context, "contamination", severity, hits, message, item_id="contamination.test_fraction")


def _benchmarks(context: Context) -> Iterator[Finding]:
    """Rows of public benchmarks: severe by the fraction of rows, or of the items of one benchmark."""
    item, matches = context.estimate(BENCHMARKS), context.found.benchmarks
    if item is None or matches is None or not context.significant(BENCHMARKS):
        return
    real = item.references["real"]
    beyond = max(1 - real / max(item.value, 1e-12), 0.0)
    severity = MINIMUM["contamination"].severity(max(item.value, item.references["items"]) * beyond)
    if severity is None:
        return
    order = sorted(range(len(matches.names)), key=lambda place: -int((matches.which == place).sum()))
    named = [
        f"{matches.names[place]}: {int((matches.which == place).sum()):,} rows, {matches.matched[place]:,} of "
        f"{matches.items[place]:,} items"
        for place in order
        if matches.matched[place]
    ]
    listed = "; ".join(named[:NAMED]) + (f"; {len(named) - NAMED} more benchmarks" if len(named) > NAMED else "")
    message = f"{percent(item.value)} of rows match items of public benchmarks, real rows {percent(real)} ({listed})."
    yield of_rows(context, "contamination", severity, matches.flags, message, item_id=BENCHMARKS)


def _template(context: Context) -> Iterator[Finding]:
    for side, name in context.parts("uniformity.opening_share"):
        item = context.found.estimates[name]
        if not context.significant(name):
            continue
        severity = MINIMUM["template_collapse"].severity(item.interval(0.95)[0] - item.references["real"])
        if severity is None:
            continue
        opening = context.found.openings[side]
        texts = context.frame.synthetic.texts[side]
        first = opening_of(opening)
        rows = [row for row, text in enumerate(texts) if opening_of(text) == first]
        where = f" of {side}s" if len(context.frame.sides) > 1 else " of rows"
        unit, fraction = length_unit([opening]), item.value
        if unspaced(opening):
            fraction = len(rows) / len(texts)  # of all rows, where the estimate is of the sample
        yield Finding(
            id="template_collapse",
            severity=severity,
            message=f"{percent(fraction)}{where} start with the same {unit} ({opening!r}); "
            f"real rows: {percent(item.references['real'])}.",
            evidence=context.evidence(rows),
            examples=context.examples(rows, texts),
            estimates=(name, name.replace("opening_share", "template_entropy")),
            rows=len(rows),
            flagged=context.positions(rows),
        )


def _missing(context: Context) -> Iterator[Finding]:
    best: tuple[float, str, Finding] | None = None
    for place, (cells, names) in context.found.cells.items():
        name = "labels.missing_mass" if place == "label" else named(context, "fidelity.missing_mass", place)
        if not context.significant(name) or cells.missing.size == 0:
            continue
        value = context.found.estimates[name].value
        severity = MINIMUM["missing_regions"].severity(value)
        if severity is not None and (best is None or value > best[0]):
            best = (value, name, _missing_finding(context, place, cells, names, name, severity))
    if best is not None:
        yield best[2]


def _missing_finding(
    context: Context, place: str, cells: Cells, names: Sequence[str], name: str, severity: Severity
) -> Finding:
    value = context.found.estimates[name].value
    order = cells.missing[np.argsort(-cells.real_counts[cells.missing])]
    real_rows = [int(np.flatnonzero(cells.real == cell)[0]) for cell in order]
    what = ("class", "classes") if place == "label" else ("cluster", "clusters")
    several = cells.missing.size > 1
    listed = ", ".join(names[cell] for cell in order[:5]) if place == "label" else ""
    return Finding(
        id="missing_regions",
        severity=severity,
        message=f"{cells.missing.size} {what[several]} with {percent(value)} of real rows "
        f"{'have' if several else 'has'} under a fifth of the expected synthetic rows"
        + (f": {listed}{' …' if order.size > 5 else ''}." if listed else "."),
        evidence=(),
        examples=context.examples(real_rows, context.frame.real.joined),
        estimates=(name,),
        rows=0,
    )


def _shift(context: Context) -> Iterator[Finding]:
    for side, name in context.parts("divergence.tv_lower"):
        item = context.found.estimates[name]
        mmd = name.replace("tv_lower", "mmd2")
        off = name.replace("divergence.tv_lower", "fidelity.off_support")
        outside = context.found.estimates[off]
        away = outside.interval(0.95)[0] - outside.references["real"] if context.significant(off) else 0.0
        severity = _shift_severity(context, (name, mmd), one_sided_lower(item), away)
        if severity is None:
            continue
        scores = context.found.scores[side]
        far = int(scores.far.sum())
        farthest = np.argsort(-scores.distance)
        rows = farthest[: min(far, max(EVIDENCE, EXAMPLES)) or EXAMPLES]
        where = f" ({side} side)" if len(context.frame.sides) > 1 else ""
        yield Finding(
            id="distribution_shift",
            severity=severity,
            message=f"A classifier separates synthetic from real rows{where}: total variation at least "
            f"{percent(max(item.value, 0.0))}{_columns(item)}{_outside(outside.value, away)}{_lengths(context, side)}.",
            evidence=context.evidence(rows[:far].tolist()),
            examples=context.examples(rows.tolist()),
            estimates=(name, mmd, off),
            rows=far,
            flagged=context.positions(farthest[scores.far[farthest]]),
        )


def _shift_severity(context: Context, tests: tuple[str, str], tv: float, away: float) -> Severity | None:
    """High when a classifier separates the rows *and* many are out of distribution; medium for either alone."""
    by_tests = MINIMUM["distribution_shift"].severity(tv) if any(map(context.significant, tests)) else None
    if by_tests == "high" and away < OFF_SUPPORT:
        by_tests = "medium"
    if by_tests in {None, "low"} and away >= AWAY:
        return "medium"
    return by_tests


def _columns(item: Estimate) -> str:
    """The columns of a table that separate the sides."""
    named = [name.removeprefix("column ") for name in item.references if name.startswith("column ")]
    ordered = sorted(named, key=lambda name: -item.references[f"column {name}"])
    return f", by {', '.join(f'`{name}`' for name in ordered)}" if ordered else ""


def _outside(value: float, away: float) -> str:
    return f"; {percent(value)} of rows are out of distribution (real rows: 5%)" if away > 0 else ""


def _lengths(context: Context, side: str) -> str:
    """The median lengths, where they differ by a fifth."""
    if not side:
        return ""
    real, ours = (
        float(np.median([length(text) for text in rows.texts[side]]))
        for rows in (context.frame.real, context.frame.synthetic)
    )
    if abs(ours - real) < 0.2 * max(real, 1.0):
        return ""
    unit = length_unit(context.frame.real.texts[side])
    return f"; median length {ours:.0f} {unit}, real rows {real:.0f}"


def _largest_clusters(codes: Ints, repeats: Flags) -> list[int]:
    """Repeating rows, one of every cluster, largest clusters first; then the rest."""
    rows = np.flatnonzero(repeats)
    if rows.size == 0:
        return []
    _, first, inverse, counts = np.unique(codes[rows], return_index=True, return_inverse=True, return_counts=True)
    heads = rows[first[np.argsort(-counts, kind="stable")]]
    rest = rows[~np.isin(rows, heads)]
    return [*heads.tolist(), *rest[np.argsort(-counts[inverse[~np.isin(rows, heads)]], kind="stable")].tolist()]
