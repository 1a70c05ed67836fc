"""Tails of tables: values far beyond the real ones and extremes that are cut off are named; clean rows are not."""

import numpy as np
import pytest

import syngain
from syngain.audit.tables.tails import table_tails
from syngain.audit.tables.typed_frame import TypedStudy
from syngain.tables.typed import typed_tables

LAWS = {
    "normal": lambda rng, count: rng.normal(50, 10, count),
    "gamma": lambda rng, count: rng.gamma(2, 30, count),
    "lognormal": lambda rng, count: rng.lognormal(3, 1, count),
    "uniform": lambda rng, count: rng.uniform(-1, 1, count),
}


def health(real, synthetic):
    tables = typed_tables(*({"x": list(map(float, side))} for side in (real, synthetic)))
    return table_tails(TypedStudy(*tables, None), np.arange(len(synthetic)))


@pytest.mark.parametrize("law", LAWS)
def test_far_values_are_found_with_their_rows_and_clean_rows_are_not(law):
    found = clean = named = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        real, synthetic = LAWS[law](rng, 200), LAWS[law](rng, 400)
        one = health(real, synthetic)
        clean += bool(one.found("invented") or one.found("missing"))
        low, high = np.quantile(real, (0.01, 0.99))
        rows = rng.permutation(400)[:20]
        synthetic[rows] = high + (5.5 + rng.exponential(size=20)) * (high - low)
        flags = health(real, synthetic).invented
        found += flags is not None
        named += flags is not None and set(np.flatnonzero(flags)) >= set(rows) and flags.sum() <= 22
    assert found >= 39
    assert named >= 38
    assert clean <= 1


def test_twelve_of_249_rows_at_thirty_times_are_found():
    rng = np.random.default_rng(0)
    for seed in range(10):
        rng = np.random.default_rng(seed)
        real, synthetic = rng.gamma(3, 40, 120), rng.gamma(3, 40, 249)
        synthetic[:12] *= 30
        flags = health(real, synthetic).invented
        assert flags is not None
        assert set(np.flatnonzero(flags)) <= set(range(12))
        assert flags.sum() >= 9


@pytest.mark.parametrize("side", ["upper", "lower"])
def test_extremes_that_are_cut_off_are_missing(side):
    rng = np.random.default_rng(2)
    real, synthetic = rng.normal(size=400), rng.normal(size=600)
    cut = np.clip(synthetic, None, 1.0) if side == "upper" else np.clip(synthetic, -1.0, None)
    (tail,) = health(real, cut).found("missing")
    assert tail.side == side
    assert not health(real, synthetic).found("missing")
    estimate = health(real, cut).estimates["tails.missing"]
    assert estimate.value == 1
    assert estimate.marks == (f"{side} tail of x",)


def test_few_different_numbers_have_no_tail_to_extrapolate():
    rng = np.random.default_rng(3)
    for _ in range(40):
        real, synthetic = rng.poisson(0.2, 60), rng.poisson(0.2, 120)
        assert health(real, synthetic).invented is None


def test_an_audit_names_the_column_drops_the_rows_and_does_not_name_the_range_again():
    rng = np.random.default_rng(4)
    rows = lambda count: [{"price": round(v, 2), "area": round(w, 1)} for v, w in rng.gamma(3, 40, (count, 2))]  # noqa: E731
    real, synthetic = rows(200), rows(300)
    for row in range(0, 300, 15):
        synthetic[row]["price"] *= 40
    own = syngain.Dataset.from_rows(real, "real")
    found = syngain.audit(own, syngain.Dataset.from_rows(synthetic, "synthetic", like=own), gain=False)
    (finding,) = [item for item in found.findings if item.id == "wrong_tails"]
    assert finding.severity == "high"
    assert "`price`" in finding.message
    planted = set(range(0, 300, 15))
    assert set(finding.flagged) <= planted
    assert len(finding.flagged) >= 18
    assert {row.row for row in found.dropped if "wrong_tails" in row.reasons} == set(finding.flagged)
    assert not any("is between" in item.message for item in found.findings)
