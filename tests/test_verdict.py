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
    assert "test rows 200, repeats 30" in decided.sentence
    assert "not measured" in decided.sentence


def test_labels_that_cannot_be_named_are_counted():
    decided = verdict([finding("label_noise", rows=300)], RowCounts(1_000, 100, {"label_noise": 100}))
    assert "About 200 more labels look wrong" in decided.sentence


def test_missing_regions_are_said_and_do_not_condemn():
    decided = verdict([finding("missing_regions")], RowCounts(1_000, 0, {}))
    assert decided.decision == "cannot_tell"
    assert "under-represented" in decided.sentence


GAINED = Verdict(
    decision="use", sentence="Use all.", rows_to_use=900, next_command="syngain gain REAL SYNTHETIC --test TEST"
)


def test_rows_to_drop_come_before_the_gain_of_the_rest():
    decided = verdict([finding("contamination", rows=100)], RowCounts(1_000, 100, {"contamination": 100}), gain=GAINED)
    assert decided.sentence.startswith("Drop 100 of 1,000 rows (test rows 100). After that, use all.")
    assert decided.action == "Drop 100 of 1,000 rows and use the other 900."
    assert decided.next_command == "syngain gain REAL kept.jsonl --test TEST"


@pytest.mark.parametrize("decision", ["use", "use_subset", "do_not_use", "cannot_tell"])
def test_an_inconclusive_gain_still_shows_the_rows_to_drop(decision):
    """Defect 11 of the names: the badge hid the action."""
    gained = Verdict(decision=decision, sentence="S.", rows_to_use=500, next_command="syngain gain REAL SYNTHETIC")
    decided = verdict([finding("contamination", rows=100)], RowCounts(1_000, 100, {"contamination": 100}), gain=gained)
    assert "100" in decided.action
    assert len(decided.action.split()) <= 20
    assert decided.next_command


def test_a_condemned_dataset_still_shows_its_gain():
    """Defect 3 of the names: the verdict gave no gain."""
    gained = Verdict(decision="cannot_tell", sentence="Inconclusive: +0.01 nats.", estimate="gain.log_loss@kept")
    decided = verdict([finding("label_noise", rows=900)], RowCounts(1_000, 10, {"label_noise": 10}), gain=gained)
    assert "+0.01 nats" in decided.sentence
    assert decided.estimate == "gain.log_loss@kept"


def test_nothing_wrong_is_still_not_use():
    decided = verdict([], RowCounts(1_000, 0, {}))
    assert decided.decision == "cannot_tell"
    assert "the gain was not measured" in decided.sentence
    assert verdict([], RowCounts(15, 0, {}), enough=False).decision == "cannot_tell"
