"""Details of a finding: where its rows are, a row without the defect, and what dropping its rows costs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from syngain.audit.findings.concentration import concentrated
from syngain.audit.measures.marginals import columns_that_differ
from syngain.core.phrases import listed, shortened
from syngain.data.dataset import Kind
from syngain.data.text.words import first_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from syngain.audit.findings.rules import Context
    from syngain.core.arrays import Flags, Ints
    from syngain.core.result import Finding

CANDIDATES = 400  # rows among which the good example is sought
READ = 400  # characters of a row that are compared
HALF = 0.5  # of the rows of a label or a real row, from which a loss is named
LABELS = frozenset({"label_noise", "label_leak", "label_independent", "unknown_labels"})


def with_details(context: Context, findings: Sequence[Finding], why: Mapping[str, Flags]) -> list[Finding]:
    """The findings of an audit, with their details; ``why``: rows dropped for each reason, flags (m,)."""
    dropped = np.any([np.zeros(context.frame.synthetic.size, dtype=bool), *why.values()], axis=0)
    return [_with_details(context, finding, why, dropped) for finding in findings]


def _with_details(context: Context, finding: Finding, why: Mapping[str, Flags], dropped: Flags) -> Finding:
    flagged = np.zeros(context.frame.synthetic.size, dtype=bool)
    flagged[np.asarray(finding.flagged, dtype=np.int64)] = True
    mine = [flags for reason, flags in why.items() if reason.partition(":")[0] == finding.id]
    return replace(
        finding,
        where="; ".join(_where(context, finding, flagged)),
        good_example=_good_example(context, finding, flagged | dropped),
        dropping=_cost(context, np.any(mine, axis=0)) if mine and not finding.explained_by else "",
    )


def _where(context: Context, finding: Finding, flagged: Flags) -> Iterator[str]:
    """The side, the label column, the columns of a table, and a value that nearly all of the rows share."""
    study, sides = context.frame.study, context.frame.sides
    named = [side for side in sides if any(name.endswith(f"@{side}") for name in finding.estimates)]
    if finding.id == "bad_responses":
        named = ["response"]
    if named and len(sides) > 1:
        yield f"{named[0]} side"
    if study is None:
        return
    if finding.id in LABELS and study.synthetic.roles.label:
        yield f"label column `{study.synthetic.roles.label}`"
    if finding.id == "distribution_shift" and study.synthetic.kind is Kind.TABLE:
        rows = np.flatnonzero(flagged) if flagged.any() else np.arange(flagged.size)
        names = columns_that_differ(context.frame.real.columns, context.frame.synthetic.columns, rows)
        if names:
            yield f"columns that differ most: {listed([f'`{name}`' for name in names])}"
    shared = concentrated(study.synthetic, flagged)
    if shared:
        yield shared


def _good_example(context: Context, finding: Finding, bad: Flags) -> str:
    """A synthetic row without any defect, close to the first example; empty where there is none."""
    good = np.flatnonzero(~bad)
    if not finding.flagged or not good.size:
        return ""
    first = finding.flagged[0]
    labels = context.frame.synthetic.labels
    if labels is not None:
        same = good[[labels[row] == labels[first] for row in good.tolist()]]
        good = same if same.size else good
    good = good[:: max(good.size // CANDIDATES, 1)][:CANDIDATES]
    texts = context.frame.synthetic.texts
    compared = texts.get("prompt", context.frame.synthetic.joined)
    sought = _words(compared[first])
    likeness = [_overlap(sought, _words(compared[row])) for row in good.tolist()]
    row = int(good[int(np.argmax(likeness))])
    if "prompt" in texts and "response" in texts:
        return f"{shortened(texts['prompt'][row], 100)} → {shortened(texts['response'][row], 100)}"
    label = "" if labels is None else f"[{labels[row]}] "
    return f"{label}{shortened(context.frame.synthetic.joined[row])}"


def _words(text: str) -> set[str]:
    return set(first_words(text[:READ], 80))


def _overlap(one: set[str], other: set[str]) -> float:
    return len(one & other) / max(len(one | other), 1)


def _cost(context: Context, dropped: Flags) -> str:
    """Rows that are left, labels that lose most of their rows, real rows that lose all of theirs."""
    size = dropped.size
    parts = [f"leaves {size - int(dropped.sum()):,} of {size:,} rows"]
    labels = context.frame.synthetic.labels
    if labels is not None:
        parts += _labels_lost(labels, dropped)
    source = context.frame.source
    made_from = np.unique(source[source >= 0])
    if made_from.size:
        lost = made_from.size - np.unique(source[(source >= 0) & ~dropped]).size
        if lost:
            parts.append(f"{lost:,} of {made_from.size:,} real rows lose all rows made from them")
    return "; ".join(parts)


def _labels_lost(labels: Sequence[str], dropped: Flags) -> Iterator[str]:
    names, codes = np.unique(np.array(labels, dtype=object).astype(str), return_inverse=True)
    all_rows = np.bincount(codes, minlength=names.size)
    gone: Ints = np.bincount(codes[dropped], minlength=names.size)
    most = np.flatnonzero(gone > HALF * all_rows)
    if not most.size:
        return
    worst = most[np.argsort(-gone[most] / all_rows[most], kind="stable")][:2]
    shown = [f"`{shortened(str(names[code]), 30)}` loses {gone[code]:,} of {all_rows[code]:,}" for code in worst]
    more = most.size - worst.size
    yield f"label {', '.join(shown)}" + (f", {more:,} more labels over half" if more else "")
