"""Bad preferences: every kind, what is no defect, swapped pairs next to another rule, and the way to the verdict."""

import numpy as np
import pytest

import syngain
from syngain.audit.audit import audit_study
from syngain.audit.findings.preferences import kinds_found, preference_reasons
from syngain.audit.findings.verdict import RowCounts, verdict
from syngain.audit.frame import Frame, near_clusters
from syngain.audit.measure import Settings, measured
from syngain.audit.preference.health import preference_health
from syngain.audit.preference.swaps import Calibration, SwapSearch
from syngain.core.result import Finding, Verdict
from syngain.core.rng import Streams
from syngain.data.dataset import Dataset
from syngain.data.study import Study

TOPICS = "tides bread bridges bees maps chess brakes rivers steel glass cotton rubber copper wool paper".split()
GOOD = "check measure source example because table careful steps".split()
BAD = "maybe whatever guess unsure dunno probably stuff things".split()


def items(number, seed=0, noise=0.05):
    """Pairs whose better response has words of its own, some in the wrong order."""
    rng = np.random.default_rng(seed)
    out = []
    for i in range(number):
        topic = " and ".join(rng.choice(TOPICS, 2, replace=False))
        sides = []
        for words in (GOOD, BAD):
            said = rng.choice(words, int(rng.integers(2, 6)), replace=False)
            sides.append(f"On {topic}: {' '.join(said)} after {int(rng.integers(2, 99))} days in {rng.choice(TOPICS)}.")
        sides = sides[::-1] if rng.random() < noise else sides
        out.append({"prompt": f"Explain {topic}, case {seed}-{i}.", "chosen": sides[0], "rejected": sides[1]})
    return out


def swapped(item):
    return {**item, "chosen": item["rejected"], "rejected": item["chosen"]}


REAL = items(150, 1)


def of(rows, name="synthetic"):
    return Dataset.from_rows(rows, name)


def health(rows, real=REAL):
    frame = Frame.of(Study.of(of(real, "real"), of(rows)))
    return preference_health(frame, SwapSearch(frame, near_clusters(frame), np.full(len(rows), -1), 2_000, Streams(0)))


def fraction(found, name):
    return found.estimates[f"preference.{name}"].value


def every_fourth(change, number=240, seed=2):
    return [change(item) if i % 4 == 0 else item for i, item in enumerate(items(number, seed))]


def test_clean_pairs_have_no_kind():
    assert kinds_found(health(items(240, 2))) == {}


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("equal", lambda item: {**item, "rejected": item["chosen"]}),
        ("equal", lambda item: {**item, "rejected": f"  {item['chosen'].upper()}\n"}),
        ("empty", lambda item: {**item, "rejected": " \n"}),
        ("near_equal", lambda item: {**item, "rejected": item["chosen"].replace("days", "day")}),
        ("swapped", swapped),
    ],
)  # fmt: skip
def test_a_quarter_of_the_pairs_is_found_and_named(kind, change):
    found = health(every_fourth(change))
    assert fraction(found, kind) == pytest.approx(0.25, abs=0.08)
    assert kinds_found(found)[kind] == "high"
    named = preference_reasons(found)[f"bad_preferences: {kind}"]
    planted = np.arange(240) % 4 == 0
    assert named[planted].mean() > 0.85
    assert planted[named].mean() > 0.85


def test_prompts_that_differ_between_the_sides_are_found():
    def laid(item, other):
        sides = (("chosen", item["prompt"]), ("rejected", other))
        return {
            side: [{"role": "user", "content": asked}, {"role": "assistant", "content": item[side]}]
            for side, asked in sides
        }

    real = [laid(item, item["prompt"]) for item in REAL]
    rows = [laid(item, "Another question" if i % 4 == 0 else item["prompt"]) for i, item in enumerate(items(240, 2))]
    found = health(rows, real)
    assert fraction(found, "prompt") == 0.25
    assert kinds_found(found) == {"prompt": "high"}


def test_scores_against_the_order_are_found():
    def scored(item, wrong):
        return {**item, "score_chosen": 2 if wrong else 8, "score_rejected": 5}

    rows = [scored(item, i % 4 == 0) for i, item in enumerate(items(240, 2))]
    assert kinds_found(health(rows, [scored(item, wrong=False) for item in REAL])) == {"score": "high"}
    assert kinds_found(health(rows))["score"] == "high"  # real rows without scores


def test_kinds_that_the_real_pairs_have_as_well_are_none():
    same = [{**item, "rejected": item["chosen"]} if i % 4 == 0 else item for i, item in enumerate(REAL)]
    assert "equal" not in kinds_found(health(every_fourth(lambda item: {**item, "rejected": item["chosen"]}), same))


def test_exchanged_columns_are_said_to_be():
    found = health([swapped(item) for item in items(240, 2)])
    assert kinds_found(found)["swapped"] == "high"
    assert fraction(found, "swapped") > 0.9


def test_another_coherent_preference_is_no_swap():
    def other(item, i):
        """Pairs of good words only: the real ones prefer nothing there; these prefer one word."""
        rng = np.random.default_rng(i)
        texts = [
            f"On {item['prompt']} {word} {rng.choice(TOPICS)} {rng.choice(TOPICS)}."
            for word in ("guess dunno", "check")
        ]
        return {**item, "chosen": texts[0], "rejected": texts[1]} if i % 3 == 0 else item

    found = health([other(item, i) for i, item in enumerate(items(240, 2))])
    assert kinds_found(found)["swapped"] == "medium"
    assert "bad_preferences: swapped" not in preference_reasons(found)


def test_a_preference_for_length_is_named_and_drops_nothing():
    rng = np.random.default_rng(0)
    long = [
        {**i, "chosen": i["chosen"] + " and" * 3 * int(rng.integers(0, 2)), "rejected": i["rejected"]} for i in REAL
    ]
    rows = [{**i, "chosen": i["chosen"] + " in every case that we know of" * 2} for i in items(240, 2)]
    found = health(rows, long)
    assert kinds_found(found)["longer"] == "medium"
    assert preference_reasons(found) == {}


def test_without_a_rule_to_learn_nothing_is_said_of_swaps():
    rng = np.random.default_rng(0)

    def blind(rows):
        return [swapped(item) if rng.random() < 0.5 else item for item in rows]

    found = health(blind(items(240, 2)), blind(REAL))
    assert "preference.swapped" not in found.estimates
    assert found.estimates["preference.accuracy"].value < 0.65


def test_few_pairs_are_not_judged_by_a_classifier():
    found = health(items(100, 2), REAL[:30])
    assert "preference.accuracy" not in found.estimates
    assert "preference.equal" in found.estimates


def test_other_rows_have_no_preferences():
    pairs = [{"prompt": item["prompt"], "completion": item["chosen"]} for item in REAL]
    frame = Frame.of(Study.of(of(pairs), of(pairs)))
    assert measured(frame, Streams(0), Settings()).preferences is None


def test_the_calibration_of_an_oracle():
    """Margins of a known law: the fraction of swapped pairs is unbiased, whatever the classifier's accuracy."""
    rng = np.random.default_rng(0)
    margin = rng.normal(0, 2, 4_000)
    margin = np.where(rng.random(4_000) < 1 / (1 + np.exp(-np.abs(margin))), np.abs(margin), -np.abs(margin))
    calibrated = Calibration.of(margin)
    at = np.array([0.2, 1.0, 3.0])
    np.testing.assert_allclose(calibrated.right(at), 1 / (1 + np.exp(-at)), atol=0.03)
    np.testing.assert_allclose(calibrated.posterior(at, 0.0), 0)
    np.testing.assert_allclose(calibrated.posterior(at, 0.5), 1 - calibrated.right(at))


def test_a_high_finding_is_never_use():
    gain = Verdict(decision="use", sentence="Use all rows.", rows_to_use=200, action="Use all rows.")
    finding = Finding(id="bad_preferences", severity="high", message="", rows=8)
    found = verdict([finding], RowCounts(200), gain=gain)
    assert found.decision == "cannot_tell"
    assert "Fix first: bad preferences." in found.sentence


def test_swapped_pairs_that_cannot_be_named_are_counted():
    gain = Verdict(decision="use", sentence="Use all rows.", rows_to_use=200, action="Use all rows.")
    finding = Finding(id="bad_preferences", severity="high", message="", rows=60)
    found = verdict([finding], RowCounts(200, 12, {"bad_preferences: swapped": 12}), gain=gain)
    assert found.decision == "use_subset"
    assert "About 48 more pairs look swapped; their rows are not known." in found.sentence


@pytest.mark.parametrize("layout", ["flat", "sharegpt"])
def test_the_cases_of_the_shared_folder(layout, shared_data):
    folder = shared_data.parent / "cases" / "preference"
    if not folder.exists():
        pytest.skip(f"no cases in {folder.parent}")
    real = syngain.read(folder / f"real_{layout}.jsonl")
    audited = audit_study(Study.of(real, syngain.read(folder / f"syn_{layout}.jsonl", like=real)), streams=Streams(0))
    if layout == "sharegpt":
        assert not [one for one in audited.findings if one.severity == "high"]
        return
    (finding,) = [one for one in audited.findings if one.id == "bad_preferences"]
    assert finding.severity == "high"
    assert "of pairs look swapped, 40 rows named" in finding.message
    assert "20% have equal responses, expected 0%" in finding.message
    place = np.arange(200) % 5
    assert (audited.why["bad_preferences: swapped"] == (place == 0)).all()
    assert (audited.why["bad_preferences: equal"] == (place == 1)).all()


def test_pairs_that_say_nothing_are_no_preference_for_length():
    """Empty rejected responses make every chosen one the longer: they are one finding, and only they are named."""
    rows = items(240, 2)
    bad = np.arange(240) % 2 == 0
    found = health([{**item, "rejected": ""} if bad[i] else item for i, item in enumerate(rows)])
    assert "longer" not in kinds_found(found)
    assert np.flatnonzero(found.flags["empty"]).tolist() == np.flatnonzero(bad).tolist()
    assert not (found.flags["longer"] & bad).any()


def test_without_real_pairs_that_differ_length_is_not_judged():
    found = health(items(240, 2), [{**item, "rejected": item["chosen"]} for item in REAL])
    assert "preference.longer" not in found.estimates
