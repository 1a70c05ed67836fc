"""Strategies side by side: as far right as their nats, as far up as their divergence, marked by their gain."""

import itertools
import re

import pytest

from syngain.report.figures.scatter import BOTTOM, LEFT, RIGHT, TOP, WIDTH
from syngain.report.figures.strategies import strategies_svg


def number(value, low=None, high=None, unit="nats"):
    intervals = {} if low is None else {"0.95": [low, high]}
    return {"value": value, "unit": unit, "intervals": intervals}


def strategy(across, up, gain=None):
    found = {
        "information.gain": number(across, across - 1, across + 1),
        "divergence.tv_lower": number(up, None, None, "share"),
    }
    return {"estimates": found | ({} if gain is None else {"gain.log_loss": number(*gain)})}


def dots(svg):
    found = re.findall(r'class="t-dot (t-\w+)" cx="([\d.]+)" cy="([\d.]+)"', svg)
    return [(tone, float(x), float(y)) for tone, x, y in found]


def test_places_are_proportional_and_marks_say_what_the_gain_says():
    svg = strategies_svg(
        {
            "a": strategy(10, 0.1, (0.2, 0.1, 0.3)),
            "b": strategy(20, 0.2, (-0.2, -0.3, -0.1)),
            "c": strategy(30, 0.3, (0.0, -0.1, 0.1)),
            "d": strategy(40, 0.4),
        }
    )
    found = dots(svg)
    assert [tone for tone, _, _ in found] == ["t-gain", "t-harm", "t-open", "t-none"]
    xs, ys = [x for _, x, _ in found], [y for _, _, y in found]
    assert [b - a for a, b in itertools.pairwise(xs)] == pytest.approx([xs[0] - LEFT] * 3, abs=0.2)
    assert [a - b for a, b in itertools.pairwise(ys)] == pytest.approx([BOTTOM - ys[0]] * 3, abs=0.2)
    assert "gain +0.200" in svg
    assert "gain not measured" in svg


def test_names_stay_text_and_do_not_lie_on_each_other_or_on_a_dot():
    names = [f"<b>{k}</b> with a long name that goes on and on" for k in range(6)]
    svg = strategies_svg({name: strategy(10 + k / 10, 0.3) for k, name in enumerate(names)})
    assert "<b>" not in svg
    lines = sorted(float(y) for y in re.findall(r'class="t-text" x="[\d.]+" y="([\d.]+)"', svg))
    assert all(b - a >= 28 for a, b in itertools.pairwise(lines))
    assert all(TOP <= y <= BOTTOM for y in lines)
    assert all(LEFT <= x <= WIDTH - RIGHT and TOP <= y <= BOTTOM for _, x, y in dots(svg))


def test_infinite_limits_are_not_drawn():
    sets = {"a": strategy(1, 0.1, (0.1, None, None)), "b": strategy(2, 0.2)}
    svg = strategies_svg(sets)
    assert "inf" not in svg.replace("information", "")
    assert dots(svg)[0][0] == "t-open"


@pytest.mark.parametrize(
    "sets", [{}, {"a": strategy(1, 0.1)}, {"a": {"estimates": {}}, "b": {"findings": []}}, {"a": 3, "b": 4}]
)
def test_fewer_than_two_strategies_make_no_picture(sets):
    assert strategies_svg(sets) == ""
