"""``report.html``: one file that opens from the disk, asks the network for nothing and runs nothing from the rows."""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from syngain.core.phrases import isolated
from syngain.core.result import FEW_ROWS
from syngain.report.catalog import badge, describe, finding_title
from syngain.report.explain import of_estimate
from syngain.report.figures.bound_terms import bound_terms_svg
from syngain.report.figures.chain import chain_svgs
from syngain.report.figures.data import (
    distribution_figure,
    drawn,
    drop_table,
    map_figure,
    missing,
    profile_axes,
    region_counts,
    series_figure,
)
from syngain.report.figures.frontier import frontier_svg
from syngain.report.figures.gain import gain_bar, gain_curve
from syngain.report.figures.interval import strip
from syngain.report.figures.rankings import rankings_svg
from syngain.report.figures.strategies import strategies_svg
from syngain.report.figures.variants import variants_svg
from syngain.report.limits import NOT_CLAIMED
from syngain.report.measures import MARKS, groups, row
from syngain.report.numbers import MINUS, NONE, count
from syngain.report.safe import script_json, shorten, visible
from syngain.report.sets.set_table import set_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.result import Finding, Result

EXAMPLES = 5
EXAMPLE_LENGTH = 600
EVIDENCE = 12
WARNINGS = 5
SEVERITY_ORDER = {"high": 0, "medium": 1, "low": 2}


def html(result: Result) -> str:
    """The whole page; the same text for the same result."""
    pictures = _pictures(result)
    return (
        _environment()
        .get_template("page.html")
        .render(
            result=result,
            command=result.command,
            few_rows=result.verdict.needs == FEW_ROWS,
            decision=badge(result.command, result.verdict.decision),
            findings=_cards(result.findings),
            severities=_severities(result),
            groups=groups(result.estimates),
            sets=set_table(result.sets),
            strategies=strategies_svg(result.sets),
            rankings=rankings_svg(result.estimates),
            bound_terms=bound_terms_svg(result.sets),
            frontier=frontier_svg(result.sets),
            variants=variants_svg(result.sets),
            pictures=pictures,
            regions=missing(result.views.map_regions),
            gain_bar=gain_bar(result),
            gain_curve=gain_curve(result),
            **_gain_words(result),
            result_files=_files(result),
            kept_note=_kept_note(result),
            warnings=result.all_warnings,
            open_measures=result.command not in {"audit", "demo"},
            chains=list(zip(result.views.chains, chain_svgs(result.views.chains), strict=True)),
            drawn=drawn(pictures.map),
            nav=_nav(result),
            versions=_versions(result),
            limits=NOT_CLAIMED,
            marks=MARKS,
            style=_asset("page.css"),
            script=_asset("page.js"),
            plotly=_plotly() if pictures.any else Markup(""),
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pictures:
    """What the page's script draws."""

    map: dict[str, object]
    drops: dict[str, object]
    distributions: list[dict[str, object]]
    series: list[dict[str, object]]
    any: bool

    def data(self) -> dict[str, object]:
        return {
            "map": self.map,
            "drops": self.drops,
            "distributions": self.distributions,
            "series": self.series,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Card:
    """A finding as a card."""

    title: str
    finding: Finding
    explained_by: tuple[str, ...]
    more_examples: int
    more_evidence: int


def _pictures(result: Result) -> _Pictures:
    views = result.views
    points = map_figure(views.map_points, views.map_regions)
    return _Pictures(
        map=profile_axes(points) if result.command == "clean" else points,
        drops=drop_table(result.dropped),
        distributions=[distribution_figure(item) for item in views.distributions],
        series=[series_figure(name, describe(name.split("@")[0]).name, item) for name, item in result.series.items()],
        any=bool(views.map_points or views.distributions or result.series),
    )


def _gain_words(result: Result) -> dict[str, str]:
    """Name and value of the gain that decides."""
    estimate = result.estimates.get(result.verdict.estimate)
    shown = row(result.verdict.estimate, estimate) if estimate is not None else None
    kept = "@kept" in result.verdict.estimate
    return {
        "gain_title": shown.label if shown else "",
        "gain_value": shown.value if shown else "",
        "gain_rows": "all rows, before dropping" if kept else "all rows",
    }


def _files(result: Result) -> list[str]:
    """Names of the files next to the report, without those of the machine."""
    return ["report.json", *(name for name in result.files if name.endswith((".jsonl", ".yaml", ".json")))]


def _kept_note(result: Result) -> str:
    """A caution where kept.jsonl holds rows that nobody should train on."""
    if result.verdict.decision != "do_not_use" or "kept.jsonl" not in result.files:
        return ""
    kept = count(len(result.kept_rows))
    return f"kept.jsonl holds the {kept} rows without a defect of their own; do not train on them either."


def findings_section(findings: Sequence[Finding], command: str) -> str:
    """The section of findings alone."""
    template = _environment().get_template("findings.html")
    return template.render(findings=_cards(findings), command=command, few_rows=False).rstrip("\n")


def _cards(findings: Sequence[Finding]) -> list[_Card]:
    ordered = sorted(findings, key=lambda finding: SEVERITY_ORDER.get(finding.severity, 3))
    return [
        _Card(
            title=finding_title(finding.id, finding.estimates),
            finding=finding,
            explained_by=tuple(finding_title(other) for other in finding.explained_by),
            more_examples=max(0, len(finding.examples) - EXAMPLES),
            more_evidence=max(0, len(finding.evidence) - EVIDENCE),
        )
        for finding in ordered
    ]


def _severities(result: Result) -> list[tuple[str, int]]:
    found = [finding.severity for finding in result.findings]
    return [(severity, found.count(severity)) for severity in SEVERITY_ORDER if severity in found]


def _nav(result: Result) -> list[tuple[str, str]]:
    present = {
        "findings": bool(result.findings) or not result.sets,
        "sets": bool(result.sets),
        "chain": bool(result.views.chains),
        "map": bool(result.views.map_points),
        "drop": bool(result.dropped),
        "measures": bool(result.estimates),
        "distributions": bool(result.views.distributions),
        "curves": bool(result.series),
        "doubt": bool(result.views.budgets),
        "computed": True,
        "limits": True,
    }
    titles = {
        "chain": "Pipeline",
        "doubt": "Uncertainty",
        "drop": "Rows to drop",
        "computed": "Methods",
        "limits": "Limits",
        "sets": set_table(result.sets).title,
    }
    return [(name, titles.get(name, name.capitalize())) for name, shown in present.items() if shown]


def _versions(result: Result) -> list[tuple[str, str]]:
    libraries = ("numpy", "scipy", "scikit-learn")
    return [
        ("syngain", visible(result.version)),
        ("Python", platform.python_version()),
        *((name, version(name)) for name in libraries),
    ]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("syngain.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "visible": lambda text, **how: isolated(visible(text, **how)),
        "shorten": lambda text, limit, **how: isolated(shorten(text, limit, **how)),
        "verbatim": visible,
        "text": shorten,
        "count": count,
        "counts": region_counts,
        "strip": strip,
        "explanation": of_estimate,
        "script_json": script_json,
        "minus": _minus,
        "code": _code,
        "sentence": _sentence,
    }
    environment.globals |= {
        "EXAMPLES": EXAMPLES,
        "EXAMPLE_LENGTH": EXAMPLE_LENGTH,
        "EVIDENCE": EVIDENCE,
        "NONE": NONE,
        "WARNINGS": WARNINGS,
    }
    return environment


def _sentence(text: str) -> str:
    """A phrase as a sentence: capital first, full stop last."""
    phrase = isolated(shorten(text, 400)).strip().rstrip(".")
    return f"{phrase[:1].upper()}{phrase[1:]}." if phrase else ""


def _minus(text: str) -> str:
    """Numbers with a typographic minus sign."""
    return re.sub(r"(?<=[\s\[(])-(?=[\d.])", MINUS, text)


def _code(text: str) -> Markup:
    """The text with its backticks as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    shown = (Markup("<code>{}</code>").format(part) if place % 2 else escape(part) for place, part in enumerate(parts))
    return Markup("").join(shown)


def _asset(name: str) -> Markup:
    """A file of ours, not a template: its braces mean nothing."""
    text = files("syngain.report").joinpath("templates", name).read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704  (written by us, holds no rows)


@cache
def _plotly() -> Markup:
    """Plotly's basic bundle: points, lines and bars."""
    text = files("syngain.report").joinpath("vendor", "plotly-basic.min.js").read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704  (a library, holds no rows)
