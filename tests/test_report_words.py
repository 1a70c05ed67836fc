"""Words, catalog and escapes of the report."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace

import pytest

import report_samples as samples
from syngain.core.estimate import Estimate
from syngain.core.result import Distribution
from syngain.report.catalog import describe, finding_title, group_of
from syngain.report.entries.measures import MEASURES
from syngain.report.figures.data import POINTS, distribution_figure, drawn, drop_table, map_figure
from syngain.report.figures.interval import strip
from syngain.report.measures import row
from syngain.report.numbers import interval, number, probability
from syngain.report.safe import plain, script_json, shorten, visible

CONTRACT = (
    "duplicates.exact_fraction",
    "duplicates.near_fraction",
    "size.effective",
    "divergence.tv_lower",
    "divergence.js_lower",
    "divergence.mmd2",
    "fidelity.density",
    "fidelity.coverage",
    "diversity.vendi",
    "novelty.copy_fraction",
    "novelty.distance_ratio",
    "contamination.test_fraction",
    "labels.synthetic_agreement",
    "labels.real_recovery",
    "labels.inner_signal",
    "labels.leak_fraction",
    "uniformity.opening_share",
    "uniformity.template_entropy",
    "uniformity.length_overlap",
    "information.compression_gain",
    "information.gain",
    "information.prompt_lower",
    "information.prompt_upper",
    "information.entropy",
    "information.semantic",
    "information.bits_per_byte",
    "generation.divergence",
    "gain.accuracy",
    "gain.macro_f1",
    "gain.log_loss",
    "gain.nats_per_byte",
    "gain.accuracy.test",
    "gain.log_loss.duplication",
    "gain.macro_f1.synthetic_only",
    "gain.accuracy.class_weights",
    "gain.log_loss.pool",
    "gain.kl_gap",
    "gain.rows_worth",
    "gain.alpha",
    "gain.floor",
    "gain.generator_spread",
    "utility.total",
    "utility.input_shift",
    "utility.label_error",
    "selection.accuracy.over_random",
    "selection.log_loss.over_all",
    "ggmi.ld_cmi",
    "loop.distinct_fraction",
    "fidelity.missing_mass",
    "fidelity.off_support",
    "labels.missing_mass",
    "relations.recovered",
)


@pytest.mark.parametrize("identifier", CONTRACT)
def test_every_id_of_the_contract_has_a_name_a_question_and_a_group(identifier):
    measure = describe(identifier)
    assert measure.question.endswith("?")
    assert measure.name
    assert group_of(f"{identifier}@prompt") == group_of(identifier)
    assert len({describe(other).name for other in CONTRACT}) == len(CONTRACT)


def test_gains_are_signed_and_shares_are_not():
    assert all(describe(name).signed for name in CONTRACT if name.startswith(("gain.accuracy", "utility", "selection")))
    assert not any(measure.signed for name, measure in MEASURES.items() if name.startswith(("labels", "duplicates")))


def test_an_unknown_id_falls_back_to_itself():
    assert describe("something.brand_new").name == "Something: brand new"
    assert group_of("something.brand_new") == "Something"
    assert finding_title("odd_thing") == "Odd thing"
    assert describe("").name == ""


def test_a_part_follows_the_name():
    shown = row("diversity.vendi@response", samples.estimate(180.0, 170, 190, unit="ratio"))
    assert (shown.label, shown.value) == ("Vendi diversity score · response", "180")


@pytest.mark.parametrize(
    ("value", "unit", "signed", "expected"),
    [
        (0.249, "share", False, "24.9%"),
        (0.0031, "share", False, "0.31%"),
        (0.031, "share", True, "+3.1\u202fpp"),
        (-0.143, "share", True, "\u221214.3\u202fpp"),
        (1893.4, "rows", False, "1,893\u202frows"),
        (0.2811, "nats", False, "0.281\u202fnats"),
        (-0.0004, "ratio", False, "\u22120.00040"),
        (0.0, "share", True, "0.0\u202fpp"),
        (math.inf, "rows", False, "above the measured range"),
        (-math.inf, "rows", False, "below the measured range"),
        (math.nan, "rows", False, "\u2013"),
        (None, "rows", False, "\u2013"),
    ],
)
def test_numbers_are_shown_in_their_unit(value, unit, signed, expected):
    assert number(value, unit, signed=signed) == expected


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ((0.93, 1.07), "0.93 to 1.07"),
        ((0.5, math.inf), "from 0.500"),
        ((-math.inf, 6.3), "up to 6.30"),
        ((-math.inf, math.inf), "\u2013"),
        ((math.nan, 1.0), "\u2013"),
        ((0.0, 0.0), "0 to 0"),
        (None, "\u2013"),
    ],
)
def test_intervals_have_one_precision_and_say_when_one_sided(bounds, expected):
    assert interval(bounds, "ratio") == expected


def test_small_p_values_are_bounds():
    assert (probability(0.0001), probability(0.04), probability(None)) == ("< .001", "0.040", "\u2013")


def test_a_measure_differs_only_by_its_adjusted_p():
    outside = {"null": (0.0, 0.1)}
    assert row("x", samples.estimate(0.5, 0.4, 0.6, adjusted=0.2, **outside)).mark == "agrees"
    assert row("x", samples.estimate(0.5, 0.4, 0.6, adjusted=0.01, **outside)).mark == "differs"
    assert row("x", samples.estimate(0.5, 0.4, 0.6, p=0.001, **outside)).mark == "outside"
    assert row("x", samples.estimate(0.05, 0.04, 0.06, **outside)).mark == "inside"
    assert row("x", samples.estimate(0.5, 0.4, 0.6)).mark == "none"


def test_the_strip_keeps_the_order_of_its_numbers():
    drawing = strip(row("x", samples.estimate(0.5, 0.4, 0.6, null=(0.0, 0.1), inner=False)))
    patterns = (
        r's-null" x="([\d.]+)" y="2" width="([\d.]+)"',
        r's-wide" d="M([\d.]+) 12.0H([\d.]+)"',
        r'cx="([\d.]+)"',
    )
    (left, width), (low, high), (dot,) = (map(float, re.search(found, drawing).groups()) for found in patterns)
    assert left + width < low < dot < high


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_the_strip_survives_what_is_not_finite(value):
    empty = Estimate(value=value, unit="share", method="", estimand="")
    assert strip(row("x", empty)) == ""
    half = Estimate(value=value, unit="", method="", estimand="", intervals={0.95: (-math.inf, 1.0)}, null=(0.0, 2.0))
    assert "<svg" in strip(row("x", half))


def test_the_strip_survives_a_constant():
    for value in (0.0, 1.0, -3.0):
        constant = Estimate(value=value, unit="share", method="", estimand="", intervals={0.9: (value, value)})
        assert "nan" not in strip(row("x", constant))


def test_control_characters_become_visible():
    assert visible("a\x1b[31m\x00\x7f\x9b") == "a␛[31m␀␡\ufffd"
    assert visible("one\r\ntwo\tthree") == "one ⏎ two    three"
    assert visible("one\ntwo", lines=True) == "one\ntwo"
    assert visible("\u202egnp.exe\u2028 \ud800") == "\ufffdgnp.exe\ufffd \ufffd"


def test_a_shortened_text_is_within_its_limit():
    assert shorten("x" * 100_000, 160) == "x" * 159 + "…"
    assert len(shorten("\n" * 500, 100)) <= 100
    assert shorten("short", 5) == "short"


@pytest.mark.parametrize("text", samples.HOSTILE)
def test_script_json_cannot_leave_its_element(text):
    embedded = str(script_json({text: [text]}))
    assert not set("<>&\u2028\u2029") & set(embedded)
    assert json.loads(embedded) == plain({text: [text]})


def test_plain_holds_only_what_json_can_hold():
    content = {"nan": math.nan, "inf": [math.inf, -math.inf], "one": 1, "yes": True, "bad": "\ud800", 3: (None, {2, 1})}
    expected = {"nan": None, "inf": [None, None], "one": 1, "yes": True, "bad": "\ufffd", "3": [None, [1, 2]]}
    assert plain(content) == expected


def test_at_most_two_thousand_points_are_drawn_and_every_group_is_among_them():
    points = samples.clusters(samples.random.Random(1), real=40, synthetic=9000)[0]
    figure = map_figure(points, ())
    assert POINTS - 3 <= drawn(figure) <= POINTS
    assert {trace["name"] for trace in figure["traces"]} == {"real", "synthetic", "dropped"}


def test_ids_are_whole_when_put_together_again():
    rows = samples.dropped_rows(samples.random.Random(1), 50)
    table = drop_table(rows)
    assert [table["prefix"] + rest for rest in table["id"]] == [item.id for item in rows]
    assert [[table["reasons"][place] for place in why] for why in table["why"]] == [list(item.reasons) for item in rows]


def test_the_budget_holds_for_long_ids_and_labels_without_anything_in_common():
    rows = [
        replace(
            item, id=f"{place}合" * 200, label=f"{place}成" * 200, reasons=(f"{place}成" * 200,), text="データ" * 99
        )
        for place, item in enumerate(samples.dropped_rows(samples.random.Random(1), 2000))
    ]
    assert len(script_json(drop_table(rows)).encode()) < 130_000


def test_thousands_of_labels_are_cut_to_the_largest_differences():
    names = tuple(f"label {place}" for place in range(5000))
    shares = tuple(place / 5000 for place in range(5000))
    figure = distribution_figure(Distribution(title="Labels", categories=names, real=shares, synthetic=(0.0,) * 5000))
    assert (figure["total"], len(figure["names"]), figure["names"][0]) == (5000, 200, "label 4999")


def test_bins_keep_their_order():
    bins = ("0 to 19", "20 to 39", "40+", "< 60")
    figure = distribution_figure(Distribution(title="Length", categories=bins, real=(0.1,) * 4, synthetic=(0.2,) * 4))
    assert (figure["flat"], figure["names"]) == (False, list(bins))


def test_arms_of_students_have_the_same_names_in_reports_and_in_plans():
    """The words stand twice: a report must not load the learners, and a plan lies below the reports."""
    from syngain.report.catalog import ARMS
    from syngain.training.student.time_budget import NAMES

    assert ARMS == NAMES
