"""Explanations of a number or a finding: what it is, how it was computed here, what would change it.

The terminal and the report show the same text.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from syngain.core.errors import UsageError
from syngain.core.estimate import Estimate
from syngain.report.catalog import PARTS, decision_words, finding_title
from syngain.report.measures import Row, row
from syngain.report.numbers import NONE, count
from syngain.report.safe import shorten, terminal_text, visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LINES = 15
WIDTH = 80

# first word of an id to what would change the value
CHANGES: Mapping[str, str] = {
    "duplicates": "Dropping near-duplicates lowers it; kept.jsonl is without them.",
    "size": "More distinct rows raise it; repeats of rows do not.",
    "divergence": "Prompts or curation that bring synthetic rows closer to real ones lower it.",
    "fidelity": "Rows generated for uncovered clusters, or dropping rows out of distribution, change it.",
    "diversity": "More varied prompts raise it; more rows of the same prompts do not.",
    "novelty": "Dropping copies, or prompts that show other real rows, changes it.",
    "contamination": "Dropping the listed rows brings it to 0%.",
    "labels": "Relabeling, or dropping the flagged rows, changes it.",
    "relations": "Rows from more varied real rows raise it.",
    "uniformity": "More varied prompts and templates change it.",
    "responses": "Dropping or regenerating the flagged rows changes it.",
    "review": "More reviewed rows narrow the interval.",
    "preference": "Dropping or comparing the flagged rows again changes it.",
    "information": "Another prompt, model, temperature or filter changes it.",
    "gain": "Other rows, another number of rows or another proxy model change it.",
    "utility": "Better labels or inputs closer to real ones raise it.",
    "selection": "Another method or number of rows changes it.",
    "balance": "More rows of the rare classes narrow the interval.",
    "compare": "Other datasets or sizes change it.",
    "mix": "Other datasets or more proxy runs change it.",
    "ranking": "More strategies or draws of real rows narrow the interval.",
    "bound": "Rows closer to real ones lower it; so does a generator with less entropy.",
    "strategies": "Another prompt, temperature or filter changes it.",
    "ggmi": "Another model, or other rows, change it.",
    "loop": "A larger fraction of real rows in each generation changes it.",
    "student": "More steps, seeds or rows change it.",
    "train": "More steps or another learning rate change it.",
    "repair": "More repair steps or more replayed rows change it.",
    "pattern": "More varied responses change it.",
}
CAUTIONS: Mapping[str, str] = {
    "optimistic": "may be overestimated: no column names the real row behind each synthetic row",
    "extrapolated": "extrapolated beyond the rows that were measured",
    "not converged": "the proxy model did not converge",
    "subsample": "measured on a subsample",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """A title, the id, and named sentences: what it is, its value here, how computed, what would change it."""

    title: str
    id: str
    parts: tuple[tuple[str, str], ...]

    def text(self, width: int = WIDTH) -> str:
        """The explanation for a terminal, at most 15 lines; long methods are cut."""
        shown = {"Next": visible}  # a command is copied
        parts = [(name, shown.get(name, terminal_text)(words)) for name, words in self.parts if words]
        lines = [terminal_text(self.title), terminal_text(self.id), ""]
        budget = LINES - len(lines)
        for place, (name, words) in enumerate(parts):
            room = min(budget - (len(parts) - place - 1), 7 if self.id == "verdict" else 4)
            wrapped = textwrap.wrap(words, width - 10, max_lines=max(room, 1), placeholder=" ...") or [""]
            lines += [f"{name if i == 0 else '':<9} {line}" for i, line in enumerate(wrapped)]
            budget -= len(wrapped)
        return "\n".join(lines) + "\n"


def explained(report: Mapping[str, Any], identifier: str) -> Explanation:
    """The explanation of an estimate, a finding or ``verdict`` of a ``report.json``.

    Raises:
        UsageError: the report has no such id; the nearest ones are named.
    """
    if identifier == "verdict":
        return _verdict(report["verdict"], [one["id"] for one in report["findings"]])
    titles = {row(name, Estimate.from_json(item)).label.casefold(): name for name, item in report["estimates"].items()}
    titles |= {finding_title(one["id"], one["estimates"]).casefold(): one["id"] for one in report["findings"]}
    identifier = titles.get(identifier.casefold(), identifier)
    if identifier in report["estimates"]:
        return of_estimate(row(identifier, Estimate.from_json(report["estimates"][identifier])))
    for finding in report["findings"]:
        if finding["id"] == identifier:
            return _finding(finding)
    known = ["verdict", *report["estimates"], *(finding["id"] for finding in report["findings"])]
    begun = [name for name in (report["verdict"].get("estimate", ""), *known) if name.startswith(identifier)]
    alike = list(dict.fromkeys(begun))[:3] or get_close_matches(identifier, known, n=3, cutoff=0.4) or known[:3]
    raise UsageError(
        f"no id {visible(identifier)!r} in this report",
        expected="an id of report.json: verdict, a finding or an estimate",
        todo=f"for example {' or '.join(alike)}",
    )


def of_estimate(shown: Row) -> Explanation:
    """The explanation of an estimate; the report shows its parts below the number."""
    return Explanation(shown.label, shown.id, tuple(_estimate_parts(shown)))


def _estimate_parts(shown: Row) -> Iterator[tuple[str, str]]:
    estimate = shown.estimate
    yield "What", shown.measure.question
    yield "Here", _here(shown)
    yield "Read", shown.measure.read
    estimand = f"Estimates: {visible(estimate.estimand)}. " if estimate.estimand else ""
    units = f", {count(estimate.clusters)} independent units" if estimate.clusters not in {0, estimate.n} else ""
    method = f"Method: {visible(estimate.method)}; {count(estimate.n)} rows{units}." if estimate.method else ""
    yield "Computed", f"{estimand}{method}"
    yield "Compare", "; ".join(f"{visible(name)} {shown.amount(value)}" for name, value in _references(estimate))
    yield "Changes", _changes(shown)
    yield "Caution", "; ".join(CAUTIONS.get(mark, visible(mark)) for mark in estimate.marks)


def _references(estimate: Estimate) -> list[tuple[str, float]]:
    return [(PARTS.get(name, name.replace("_", " ")), value) for name, value in sorted(estimate.references.items())]


def _here(shown: Row) -> str:
    words = shown.value
    if shown.interval != NONE:
        words += f", {shown.level:.0%} CI {shown.interval}"
    if shown.null != NONE:
        words += f"; expected {shown.null}"
    verdict = {
        "differs": f"outside the expected range (adjusted p {shown.p})",
        "agrees": f"not distinguishable from the expected range (adjusted p {shown.p})",
        "outside": "outside the real-data range (not tested)",
        "inside": "inside the real-data range",
        "none": "",
    }[shown.mark]
    return f"{words}; {verdict}." if verdict else f"{words}."


def _changes(shown: Row) -> str:
    words = CHANGES.get(shown.id.partition(".")[0], "Other rows or settings change it.")
    if shown.interval != NONE and shown.estimate.n:
        words += " About four times as many rows halve the interval."
    return words


def _finding(finding: Mapping[str, Any]) -> Explanation:
    examples = finding.get("examples", ())
    return Explanation(
        finding_title(finding["id"], finding.get("estimates", ())),
        finding["id"],
        (
            ("What", visible(finding["message"])),
            ("Severity", f"{finding['severity']}: {_SEVERITY[finding['severity']]}."),
            ("Effect", visible(finding.get("consequence", ""))),
            ("Fix", visible(finding.get("fix", ""))),
            ("Rows", f"{finding['rows']:,}" if finding.get("rows") else ""),
            ("Where", visible(finding.get("where", ""))),
            ("Dropping", visible(finding.get("dropping", ""))),
            ("Review", visible(finding.get("review", ""))),
            ("Computed", _from_estimates(finding.get("estimates", ()))),
            ("Bad", shorten(examples[0], 140) if examples else ""),
            ("Good", shorten(finding.get("good_example", ""), 140)),
            ("Cause", ", ".join(finding_title(cause) for cause in finding.get("explained_by", ()))),
        ),
    )


def _from_estimates(names: Sequence[str]) -> str:
    """The numbers that carry a finding; each of them has an explanation of its own."""
    return f"from {', '.join(map(visible, names))}; explain these ids for the methods" if names else ""


_SEVERITY = {"high": "do not train on the data as it is", "medium": "inspect before training", "low": "a note"}


def _verdict(verdict: Mapping[str, Any], findings: Sequence[str]) -> Explanation:
    return Explanation(
        decision_words(verdict["decision"]),
        "verdict",
        (
            ("What", visible(verdict.get("action", ""))),
            ("Why", visible(verdict["sentence"])),
            ("Number", visible(verdict.get("estimate", ""))),
            ("Needs", visible(verdict.get("needs", ""))),
            ("Next", visible(verdict.get("next_command", ""))),
            ("Explain", ", ".join(map(visible, findings))),
        ),
    )
