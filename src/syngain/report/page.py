"""``report.html``: one file that opens from the disk, asks the network for nothing and runs nothing from the rows."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from syngain.report.catalog import badge, describe, finding_title
from syngain.report.figures.chain import chain_svgs
from syngain.report.figures.data import (
    distribution_figure,
    drawn,
    drop_table,
    map_figure,
    missing,
    region_counts,
    series_figure,
)
from syngain.report.figures.interval import strip
from syngain.report.figures.strategies import strategies_svg
from syngain.report.limits import NOT_CLAIMED
from syngain.report.measures import MARKS, groups
from syngain.report.numbers import NONE, count
from syngain.report.safe import script_json, shorten, visible
from syngain.report.set_table import set_table

if TYPE_CHECKING:
    from syngain.core.result import Finding, Result

EXAMPLES = 5
EXAMPLE_LENGTH = 600
EVIDENCE = 12
SEVERITY_ORDER = {"high": 0, "medium": 1, "low": 2}


def html(result: Result) -> str:
    """The whole page; the same text for the same result."""
    pictures = _pictures(result)
    return (
        _environment()
        .get_template("page.html")
        .render(
            result=result,
            decision=badge(result.command, result.verdict.decision),
            findings=_findings(result),
            severities=_severities(result),
            groups=groups(result.estimates),
            sets=set_table(result.sets),
            strategies=strategies_svg(result.sets),
            pictures=pictures,
            regions=missing(result.views.map_regions),
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
    return _Pictures(
        map=map_figure(views.map_points, views.map_regions),
        drops=drop_table(result.dropped),
        distributions=[distribution_figure(item) for item in views.distributions],
        series=[series_figure(name, describe(name.split("@")[0]).name, item) for name, item in result.series.items()],
        any=bool(views.map_points or views.distributions or result.series),
    )


def _findings(result: Result) -> list[_Card]:
    ordered = sorted(result.findings, key=lambda finding: SEVERITY_ORDER.get(finding.severity, 3))
    return [
        _Card(
            title=finding_title(finding.id),
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
        "measures": bool(result.estimates),
        "sets": bool(result.sets),
        "chain": bool(result.views.chains),
        "curves": bool(result.series),
        "doubt": bool(result.views.budgets),
        "map": bool(result.views.map_points),
        "distributions": bool(result.views.distributions),
        "drop": bool(result.dropped),
        "computed": True,
        "limits": True,
    }
    titles = {"chain": "The chain", "drop": "Rows to drop", "computed": "How it was computed", "limits": "Not claimed"}
    return [(name, titles.get(name, name.capitalize())) for name, shown in present.items() if shown]


def _versions(result: Result) -> list[tuple[str, str]]:
    libraries = ("numpy", "scipy", "scikit-learn", "plotly")
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
        "visible": visible,
        "shorten": shorten,
        "count": count,
        "counts": region_counts,
        "strip": strip,
        "script_json": script_json,
        "sentence": _sentence,
    }
    environment.globals |= {"EXAMPLES": EXAMPLES, "EXAMPLE_LENGTH": EXAMPLE_LENGTH, "EVIDENCE": EVIDENCE, "NONE": NONE}
    return environment


def _sentence(text: str) -> str:
    """A phrase as a sentence: capital first, full stop last."""
    phrase = shorten(text, 400).strip().rstrip(".")
    return f"{phrase[:1].upper()}{phrase[1:]}." if phrase else ""


def _asset(name: str) -> Markup:
    """A file of ours, not a template: its braces mean nothing."""
    text = files("syngain.report").joinpath("templates", name).read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704  (written by us, holds no rows)


@cache
def _plotly() -> Markup:
    from plotly.offline import get_plotlyjs

    return Markup(get_plotlyjs())  # noqa: S704  (a library, holds no rows)
