"""The picture of the chain: bands as wide as their nats, one scale for all chains, names as text."""

import re

import pytest

from syngain.core.result import Chain, Flow
from syngain.report.figures.chain import THICK, chain_svgs


def chain(prompt, gain, *lost, title="", **limits):
    flows = [
        Flow(station="prompt", name="prompt information", nats=prompt, **limits),
        Flow(station="generator", name="information gain", nats=gain),
        *(Flow(station="curation", name=name, nats=nats, leaves=True) for name, nats in lost),
        Flow(station="set", name="in the set", nats=prompt + gain - sum(nats for _, nats in lost)),
    ]
    return Chain(title=title, flows=tuple(flows))


def band(svg, name):
    """Left and right thickness of a band."""
    path = re.search(
        rf'class="{name}" d="M[\d.]+ ([\d.]+)H[\d.]+L[\d.]+ ([\d.]+)H[\d.]+V([\d.]+)H[\d.]+L[\d.]+ ([\d.]+)H', svg
    )
    low, low_after, high_after, high = map(float, path.groups())
    return low - high, low_after - high_after


def test_bands_are_as_wide_as_their_nats_and_narrow_by_what_is_lost():
    (svg,) = chain_svgs([chain(10.0, 30.0, ("length", 10.0))])
    assert band(svg, "c-prompt") == pytest.approx((THICK / 4, THICK / 4 * 0.75), abs=0.2)
    assert band(svg, "c-gain") == pytest.approx((THICK * 3 / 4, THICK * 3 / 4 * 0.75), abs=0.2)
    assert "length 10.0" in svg


def test_all_chains_have_one_scale():
    small, large = chain_svgs([chain(1.0, 9.0), chain(10.0, 90.0)])
    assert band(large, "c-gain")[0] == pytest.approx(10 * band(small, "c-gain")[0], abs=1)


def test_names_of_rows_stay_text_and_infinite_limits_are_not_written():
    (svg,) = chain_svgs([chain(1.0, 2.0, ("<script>x</script>", 0.5), low=0.5, high=float("inf"))])
    assert "<script>" not in svg
    assert "inf" not in svg.replace("information", "")


def test_nothing_flows_nothing_is_drawn():
    assert chain_svgs([chain(0.0, 0.0)]) == [""]
    assert chain_svgs([]) == []


def test_many_steps_are_summed_up():
    (svg,) = chain_svgs([chain(1.0, 9.0, *((f"step {k}", 1.0) for k in range(5)))])
    assert "3 more steps" in svg
    assert svg.count('class="c-out"') == 5
