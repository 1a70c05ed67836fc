"""One decision, one sentence."""

import pytest

from syngain.audit.findings.verdict import PHRASE, RowCounts, verdict
from syngain.core.result import Finding, Verdict


def finding(name, severity="high", rows=0, explained_by=()):
    return Finding(id=name, severity=severity, message="m", rows=rows, explained_by=explained_by)


@pytest.mark.parametrize("name", PHRASE)
def test_a_high_finding_on_most_rows_condemns(name):
    decided = verdict([finding(name, rows=600)], RowCounts(1_000, 600, {}))
    assert decided.decision == "do_not_use"
    assert PHRASE[name] in decided.sentence


@pytest.mark.parametrize("case", [{"severity": "medium"}, {"explained_by": ("distribution_shift",)}])
def test_medium_or_explained_findings_do_not_condemn(case):
    assert verdict([finding("label_noise", rows=900, **case)], RowCounts(1_000, 0, {})).decision == "cannot_tell"


def test_rows_to_drop_make_a_subset():
    decided = verdict(
        [finding("contamination", rows=200)], RowCounts(1_000, 230, {"contamination": 200, "duplicates": 30})
    )
    assert decided.decision == "use_subset"
    assert decided.rows_to_use == 770
    assert "test rows, repeats" in decided.sentence
    assert "not measured" in decided.sentence


def test_labels_that_cannot_be_named_are_counted():
    decided = verdict([finding("label_noise", rows=300)], RowCounts(1_000, 100, {"label_noise": 100}))
    assert "About 200 more labels look wrong" in decided.sentence


def test_missing_regions_are_said_and_do_not_condemn():
    decided = verdict([finding("missing_regions")], RowCounts(1_000, 0, {}))
    assert decided.decision == "cannot_tell"
    assert "without any row" in decided.sentence


def test_a_test_that_was_not_used_for_the_gain_is_said():
    gained = Verdict(decision="use", sentence="Use all.", rows_to_use=900)
    decided = verdict(
        [finding("contamination", rows=100)], RowCounts(1_000, 100, {"contamination": 100}), gain=gained, tested=True
    )
    assert decided.sentence.startswith("Drop 100 of 1,000 rows (test rows) before training. The other 900: use all.")
    assert "syngain gain REAL SYNTHETIC --test TEST" in decided.sentence
    assert "--test TEST" not in verdict([], RowCounts(1_000, 0, {}), gain=gained).sentence


def test_nothing_wrong_is_still_not_use():
    decided = verdict([], RowCounts(1_000, 0, {}))
    assert decided.decision == "cannot_tell"
    assert "benefit not measured" in decided.sentence
    assert verdict([], RowCounts(15, 0, {}), enough=False).decision == "cannot_tell"
