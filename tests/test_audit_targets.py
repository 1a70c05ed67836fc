"""Wrong targets: fractions against what was planted, named rows, clean rows, another rule, and the shared cases."""

import os
from pathlib import Path

import numpy as np
import pytest

import syngain
from syngain.data import read
from syngain.data.dataset import Dataset, RoleOptions

CASES = Path(os.environ.get("SYNGAIN_DATA", "../shared/data")).parent / "cases"
cases = pytest.mark.skipif(not CASES.exists(), reason="the shared cases are not on this machine")


def numbers(n, rng, slopes=(3.0, -2.0, 1.0)):
    X = rng.normal(size=(n, 3))
    y = X @ np.array(slopes) + 0.8 * rng.normal(size=n)
    return [
        {**{f"x{k}": float(v) for k, v in enumerate(row)}, "y": float(value)} for row, value in zip(X, y, strict=True)
    ]


def audited(real, synthetic, **roles):
    first = Dataset.from_rows(real, "real", roles=RoleOptions(**roles))
    second = Dataset.from_rows(synthetic, "synthetic", roles=RoleOptions(**roles), like=first)
    return syngain.audit(first, second, gain=False)


def noise(result):
    return next((finding for finding in result.findings if finding.id == "label_noise"), None)


@pytest.mark.parametrize("rate", [0.0, 0.3])
def test_planted_wrong_numbers_are_counted_and_named(rate):
    rng = np.random.default_rng(5)
    real, rows = numbers(300, rng), numbers(500, rng)
    wrong = rng.choice(500, round(rate * 500), replace=False)
    mixed = [rows[k]["y"] for k in rng.permutation(wrong)]
    for place, value in zip(wrong.tolist(), mixed, strict=True):
        rows[place] = {**rows[place], "y": value}
    found = audited(real, rows, label="y")
    low, high = found.estimates["targets.noise"].interval(0.95)
    assert found.estimates["targets.noise"].value == pytest.approx(rate, abs=0.08)
    assert high - low < 0.3
    finding = noise(found)
    if not rate:
        assert finding is None
        return
    assert finding.severity == "high"
    assert "median error" in finding.message
    assert len(set(finding.flagged) & set(wrong.tolist())) >= 0.9 * len(finding.flagged) > 10


def test_rows_of_another_rule_are_not_called_noise():
    rng = np.random.default_rng(6)
    found = audited(numbers(300, rng), numbers(400, rng, slopes=(-3.0, 2.0, 1.0)), label="y")
    finding = noise(found)
    assert finding.severity == "medium"
    assert "follow another rule" in finding.message
    assert not finding.flagged
    assert not found.dropped


def test_nothing_is_measured_where_targets_cannot_be_learned():
    rng = np.random.default_rng(7)
    real, rows = numbers(100, rng, (0, 0, 0)), numbers(100, rng, (0, 0, 0))
    found = audited(real, rows, label="y")
    assert "targets.noise" not in found.estimates
    assert noise(found) is None


@cases
def test_the_case_of_label_sets():
    found = syngain.audit(CASES / "multi_label/real.jsonl", CASES / "multi_label/syn.jsonl", gain=False)
    finding = noise(found)
    assert finding.severity == "high"
    assert found.estimates["targets.noise"].value == pytest.approx(1 / 3, abs=0.06)
    assert len(finding.flagged) >= 40
    assert "targets.noise@label=calm" in found.estimates


@cases
def test_the_case_of_missing_tags():
    path = CASES / "token_labels/syn.jsonl"
    found = syngain.audit(CASES / "token_labels/real.jsonl", path, gain=False)
    missing = {row for row, value in enumerate(read(path).targets.values) if set(value[1]) == {"O"}}
    assert set(noise(found).flagged) == missing
    assert "all tags missing" in noise(found).message


@cases
@pytest.mark.parametrize(("name", "wrong"), [("syn_good", False), ("syn_shuffled", True)])
def test_the_case_of_numbers(name, wrong):
    roles = RoleOptions(label="amount")
    real = read(CASES / "regression/real.csv", roles=roles)
    found = syngain.audit(real, read(CASES / f"regression/{name}.csv", roles=roles, like=real), gain=False)
    assert (noise(found) is not None) == wrong


@cases
def test_triplets_with_other_negatives_are_no_repeats():
    found = syngain.audit(CASES / "triplets/real.jsonl", CASES / "triplets/syn.jsonl", gain=False)
    assert [finding for finding in found.findings if finding.severity == "high"] == []
    assert found.estimates["duplicates.near_fraction"].value < 0.05


def test_swapped_triplets_are_named():
    rng = np.random.default_rng(8)
    words = "river stone paper window garden metal silver winter market coffee".split()

    def row(swapped):
        first, second = rng.choice(10, 2, replace=False)
        better, worse = (
            f"about {words[one]} and {words[rng.integers(10)]} s{rng.integers(99)}" for one in (first, second)
        )
        pair = (worse, better) if swapped else (better, worse)
        return {"query": f"{words[first]} q{rng.integers(9999)}", "positive": pair[0], "negative": pair[1]}

    real = [row(swapped=False) for _ in range(200)]
    rows = [row(swapped=place < 60) for place in range(200)]
    found = audited(real, rows)
    assert found.estimates["targets.swapped"].value == pytest.approx(0.3, abs=0.12)
    finding = noise(found)
    assert finding.severity == "high"
    assert np.mean([row < 60 for row in finding.flagged]) >= 0.85


@pytest.mark.parametrize("factor", [1e-3, 0.45, 100.0])
def test_numbers_in_another_unit_are_another_rule_and_no_row_is_dropped(factor):
    rng = np.random.default_rng(0)

    def prices(n, unit=1.0):
        X = rng.normal(size=(n, 4))
        y = (200_000 + 50_000 * X[:, 0] - 30_000 * X[:, 1] + 10_000 * rng.normal(size=n)) * unit
        return [{"a": a, "b": b, "c": c, "d": d, "price": v} for (a, b, c, d), v in zip(X, y, strict=True)]

    roles = RoleOptions(label="price")
    real = Dataset.from_rows(prices(150), "real", roles=roles)
    found = syngain.audit(real, Dataset.from_rows(prices(150, factor), "syn", roles=roles, like=real), gain=False)
    noise = next(one for one in found.findings if one.id == "label_noise")
    assert noise.severity == "medium"
    assert not found.dropped
