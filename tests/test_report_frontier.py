"""Gain against retention: places are the numbers, the frontier is of those that nobody beats."""

import re

import pytest

from syngain.report.figures.frontier import frontier_svg
from syngain.report.figures.scatter import BOTTOM, LEFT, RIGHT, TOP, WIDTH


def estimate(value, half=0.01):
    return {"value": value, "unit": "nats per token", "intervals": {"0.90": [value - half, value + half]}}


def variant(cost, gain, **more):
    return {"estimates": {"retain.change": estimate(cost), "retain.gain": estimate(gain)}, **more}


SETS = {
    "untrained": {"estimates": {"retain.loss": estimate(2.0)}},
    "cheap": variant(0.1, 0.4, recommended=True),
    "dear": variant(0.3, 0.6),
    "beaten": variant(0.2, 0.2),
    "<b>harm</b>": variant(0.4, -0.2),
}


def dots(svg):
    found = re.findall(r'class="t-dot (t-\w+)" cx="([\d.]+)" cy="([\d.]+)"', svg)
    return [(tone, float(x), float(y)) for tone, x, y in found]


def test_the_frontier_is_of_the_variants_that_no_other_beats_in_both():
    svg = frontier_svg(SETS)
    assert [tone for tone, _, _ in dots(svg)] == ["t-gain", "t-gain", "t-gain", "t-open", "t-open"]
    assert svg.count("recommended</tspan>") == 1
    spoken = "cheap: gain +0.400 nats per token, loss increase on other rows +0.100 nats per token, recommended"
    assert spoken in svg.replace("\u202f", " ")
    assert "<b>" not in svg


def test_places_are_proportional_and_inside():
    found = dots(frontier_svg(SETS))
    (zero, cheap, dear, *_), ys = [x for _, x, _ in found], [y for _, _, y in found]
    assert dear - zero == pytest.approx(3 * (cheap - zero), abs=0.2)
    assert ys[0] - ys[2] == pytest.approx(1.5 * (ys[0] - ys[1]), abs=0.2)
    assert all(LEFT <= x <= WIDTH - RIGHT and TOP <= y <= BOTTOM for _, x, y in found)


def test_sets_without_retention_have_no_picture():
    assert frontier_svg({"a": {"estimates": {"repair.removed": estimate(1.0)}}, "b": {}}) == ""
    assert frontier_svg({}) == ""
