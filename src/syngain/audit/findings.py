"""Findings: what is wrong, how bad, which rows show it. Rules on estimates; no measuring here.

A finding needs an adjusted p below .05 against its null *and* an effect above a stated minimum. High means that
training on the set as it is would be a mistake and that rows or a cause can be named.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from syngain.audit.two_sample import one_sided_lower
from syngain.audit.uniformity import opening as opening_of
from syngain.core.result import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from syngain.audit.examine import Examination
    from syngain.audit.frame import Frame
    from syngain.audit.regions import Cells
    from syngain.core.estimate import Estimate

    Flags = NDArray[np.bool_]

SIGNIFICANT = 0.05
EVIDENCE = 20  # row ids of a finding
EXAMPLES = 3
SHOWN = 160  # characters of an example


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
    found: Examination
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


def find(context: Context) -> list[Finding]:
    """All findings of an examination, the most severe first."""
    rules: Sequence[Callable[[Context], Iterator[Finding]]] = (
        _label_independent,
        _label_noise,
        _unknown_labels,
        _label_leak,
        _memorized,
        _contamination,
        _duplicates,
        _template,
        _missing,
        _shift,
    )
    findings = [finding for rule in rules for finding in rule(context)]
    return sorted(findings, key=lambda finding: ("high", "medium", "low").index(finding.severity))


def shortened(text: str, most: int = SHOWN) -> str:
    """One line of at most ``most`` characters."""
    line = " ".join(text[: 4 * most].split())
    return line if len(line) <= most else line[: most - 1] + "…"


def percent(share: float) -> str:
    """A share as people read it."""
    return f"{share:.0%}" if share >= 0.1 or share == 0 else f"{share:.1%}"


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
        message=f"{percent(item.value)} of the rows repeat another one ({percent(exact)} word for word): "
        f"{context.frame.synthetic.size:,} rows are {different:,} different {'one' if different == 1 else 'ones'}.",
        evidence=context.evidence(rows),
        examples=context.examples(rows),
        estimates=("duplicates.exact_fraction", "duplicates.near_fraction", "size.effective"),
        rows=int(context.found.near_repeats.sum()),
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
        f"{percent(item.value)} of the rows copy an anchor, word for word or nearly "
        f"(anchors copy each other in {percent(background)}): they add nothing you do not have."
    )
    yield _of_rows(
        context, "memorized_anchors", severity, context.found.copies, message, item_id="novelty.copy_fraction"
    )


def _beside_anchors(context: Context) -> Iterator[Finding]:
    """Rows of a table that are not equal to an anchor but lie next to one: copies with a little noise."""
    item = context.estimate("novelty.distance_ratio")
    if context.frame.sides or item is None or not context.significant("novelty.distance_ratio"):
        return
    if item.interval(0.95)[1] > BESIDE:
        return
    near = context.found.scores[""].distance < BESIDE * context.found.scores[""].radius
    message = (
        f"Rows lie next to anchors: on average at {percent(item.value)} of the distance that real rows have from each "
        "other. They look like copies with a little noise."
    )
    yield _of_rows(context, "memorized_anchors", "high", near, message, item_id="novelty.distance_ratio")


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
        f"{percent(item.value)} of the test rows stand in the synthetic set ({int(hits.sum()):,} rows, "
        f"{percent(item.references['synthetic_rows'])} of it; anchors: {percent(item.references['anchors'])}): "
        "a score on this test would be inflated."
    )
    yield _of_rows(context, "contamination", severity, hits, message, item_id="contamination.test_fraction")


def _label_leak(context: Context) -> Iterator[Finding]:
    item, leaks = context.estimate("labels.leak_fraction"), context.found.leaks
    if item is None or leaks is None or not context.significant("labels.leak_fraction"):
        return
    severity = MINIMUM["label_leak"].severity(item.interval(0.95)[0] - item.references["real"])
    if severity is None:
        return
    message = (
        f"{percent(item.value)} of the rows say their own label in words; of the real rows "
        f"{percent(item.references['real'])} do. A model learns to look for the word."
    )
    yield _of_rows(context, "label_leak", severity, leaks, message, item_id="labels.leak_fraction")


def _of_rows(context: Context, name: str, severity: Severity, flags: Flags, message: str, *, item_id: str) -> Finding:
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
    )


def _label_independent(context: Context) -> Iterator[Finding]:
    item, evidence = context.estimate("labels.inner_signal"), context.found.labels
    if item is None or evidence is None or not context.significant("labels.inner_signal"):
        return
    least = evidence.real_signal - 1.96 * evidence.real_signal_error
    if least < 0.1 or item.interval(0.95)[1] > max(INDEPENDENT * least, 0.0):
        return
    yield Finding(
        id="label_independent",
        severity="high",
        message=f"Inside the synthetic set the label does not depend on the row: kappa {item.value:.2f} "
        f"where the real rows show {evidence.real_signal:.2f}.",
        estimates=("labels.inner_signal", "labels.real_recovery"),
        rows=context.frame.synthetic.size,
    )


def _label_noise(context: Context) -> Iterator[Finding]:
    evidence, doubted = context.found.labels, context.found.doubted
    if evidence is None or doubted is None or not context.significant("labels.synthetic_agreement"):
        return
    value, low, _ = evidence.noise
    severity = MINIMUM["label_noise"].severity(low)
    if severity is None:
        return
    if low > 1 - evidence.chance:
        yield _contradiction(context, evidence.expected_agreement)
        return
    if severity == "high" and not _second_witness(context):
        severity = "medium"  # teachers disagree, but the set is coherent and teaches real rows: a shift, perhaps
    agreement = context.found.estimates["labels.synthetic_agreement"]
    rows = np.flatnonzero(doubted)
    yield Finding(
        id="label_noise",
        severity=severity,
        message=f"About {percent(min(max(value, 0), 1))} of the labels look wrong: a teacher trained on the real rows "
        f"agrees with {percent(agreement.value)} of them, where its confidence promises "
        f"{percent(evidence.expected_agreement)}; {rows.size:,} rows can be named.",
        evidence=context.evidence(rows.tolist()),
        examples=tuple(_labeled(context, int(row)) for row in rows[:EXAMPLES]),
        estimates=("labels.synthetic_agreement", "labels.real_recovery", "labels.inner_signal"),
        rows=max(rows.size, round(min(max(value, 0.0), 1.0) * context.frame.synthetic.size)),
    )


def _contradiction(context: Context, expected: float) -> Finding:
    """Less agreement than labels drawn at random would have: not noise, but another meaning of the labels."""
    agreement = context.found.estimates["labels.synthetic_agreement"]
    return Finding(
        id="label_noise",
        severity="medium",
        message="The labels contradict a teacher trained on the real rows: it agrees with "
        f"{percent(agreement.value)} of them, less than by chance, where its confidence promises {percent(expected)}. "
        "Either the labels mean something else here (swapped names?), or the rows were changed so that what a teacher "
        "looks at misleads it.",
        estimates=("labels.synthetic_agreement", "labels.real_recovery"),
        rows=0,
    )


def _unknown_labels(context: Context) -> Iterator[Finding]:
    unknown = context.found.unknown
    if unknown is None or not unknown.any():
        return
    labels = context.frame.synthetic.labels or ()
    names = sorted({labels[row] for row in np.flatnonzero(unknown).tolist()})
    share = float(unknown.mean())
    listed = ", ".join(repr(shortened(name, 40)) for name in names[:5])
    yield replace(
        _of_rows(context, "unknown_labels", UNKNOWN.severity(share) or "low", unknown, "", item_id=""),
        message=f"{percent(share)} of the rows have a label that no real row has: {listed}"
        f"{' …' if len(names) > 5 else ''}. A model would learn classes that you do not have.",
        estimates=(),
    )


def _second_witness(context: Context) -> bool:
    """Noise also lowers the signal inside the set, or what the set teaches about real rows."""
    for name in ("labels.inner_signal", "labels.real_recovery"):
        item = context.found.estimates[name]
        if context.significant(name) and item.value < item.references["real"]:
            return True
    return False


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
        rows = [row for row, text in enumerate(texts) if opening_of(text) == opening]
        where = f" of the {side}s" if len(context.frame.sides) > 1 else " of the rows"
        yield Finding(
            id="template_collapse",
            severity=severity,
            message=f"{percent(item.value)}{where} open with the same words ({opening!r}); "
            f"of the real ones {percent(item.references['real'])} share an opening.",
            evidence=context.evidence(rows),
            examples=context.examples(rows, texts),
            estimates=(name, name.replace("opening_share", "template_entropy")),
            rows=len(rows),
        )


def _missing(context: Context) -> Iterator[Finding]:
    best: tuple[float, str, Finding] | None = None
    for place, (cells, names) in context.found.cells.items():
        name = "labels.missing_mass" if place == "label" else _named(context, "fidelity.missing_mass", place)
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
    what = ("class", "classes") if place == "label" else ("region", "regions")
    several = cells.missing.size > 1
    listed = ", ".join(names[cell] for cell in order[:5]) if place == "label" else ""
    return Finding(
        id="missing_regions",
        severity=severity,
        message=f"{cells.missing.size} {what[several]} of the real rows, {percent(value)} of them, "
        f"{'are' if several else 'is'} not reached"
        + (f": {listed}{' …' if order.size > 5 else ''}." if listed else "; see real rows that nobody imitates."),
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
        rows = np.argsort(-scores.distance)[: max(EVIDENCE, EXAMPLES)]
        where = f" ({side} side)" if len(context.frame.sides) > 1 else ""
        yield Finding(
            id="distribution_shift",
            severity=severity,
            message=f"Synthetic rows are told from real ones{where}: total variation at least "
            f"{max(one_sided_lower(item), 0.0):.2f}{_outside(outside.value, away)}{_lengths(context, side)}.",
            evidence=context.evidence(rows.tolist()),
            examples=context.examples(rows.tolist()),
            estimates=(name, mmd, off),
            rows=int(scores.far.sum()),
        )


def _shift_severity(context: Context, tests: tuple[str, str], tv: float, away: float) -> Severity | None:
    """High when rows are told apart *and* many lie outside the support; medium for either alone."""
    by_tests = MINIMUM["distribution_shift"].severity(tv) if any(map(context.significant, tests)) else None
    if by_tests == "high" and away < OFF_SUPPORT:
        by_tests = "medium"
    if by_tests in {None, "low"} and away >= AWAY:
        return "medium"
    return by_tests


def _outside(value: float, away: float) -> str:
    return f"; {percent(value)} lie outside the support of the real rows (of real rows 5% do)" if away > 0 else ""


def _lengths(context: Context, side: str) -> str:
    """In what they differ, as far as lengths tell: medians that are a fifth apart."""
    if not side:
        return ""
    real, ours = (
        float(np.median([len(text.split()) for text in rows.texts[side]]))
        for rows in (context.frame.real, context.frame.synthetic)
    )
    if abs(ours - real) < 0.2 * max(real, 1.0):
        return ""
    return f"; their median length is {ours:.0f} words, that of real ones {real:.0f}"


def _named(context: Context, name: str, side: str) -> str:
    return f"{name}@{side}" if len(context.frame.sides) > 1 else name


def _labeled(context: Context, row: int) -> str:
    labels = context.frame.synthetic.labels or ()
    return f"[{labels[row]}] {shortened(context.frame.synthetic.joined[row])}"


def _largest_clusters(codes: NDArray[np.int64], repeats: Flags) -> list[int]:
    """Repeating rows, one of every cluster, largest clusters first; then the rest."""
    rows = np.flatnonzero(repeats)
    if rows.size == 0:
        return []
    _, first, inverse, counts = np.unique(codes[rows], return_index=True, return_inverse=True, return_counts=True)
    heads = rows[first[np.argsort(-counts, kind="stable")]]
    rest = rows[~np.isin(rows, heads)]
    return [*heads.tolist(), *rest[np.argsort(-counts[inverse[~np.isin(rows, heads)]], kind="stable")].tolist()]
