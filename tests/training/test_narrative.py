"""What a training run says of itself: which rows a forecast is about, one seed, and arms that learned nothing."""

from types import SimpleNamespace

from syngain.core.estimate import Estimate
from syngain.training.narrative import TrainingNarrative


def estimate(value, half=0.01, unit="nats per token"):
    return Estimate(
        value=value, unit=unit, method="m", estimand="e", intervals={0.9: (value - half, value + half)}, n=20
    )


def told(whole, some=None, forecast=None, seeds=3, steps=(8, 8, 8), notes=()):
    estimates = {"gain.kl_gap.test": estimate(whole), "gain.nats_per_byte.test": estimate(whole / 4, 0.002)}
    if some is not None:
        estimates["gain.kl_gap.selected"] = estimate(some)
    measured = SimpleNamespace(
        estimates=estimates,
        plan=SimpleNamespace(seeds=seeds, steps=8),
        steps={"base": (0,), "anchors": (8, 8, 8), "both": steps},
        notes=notes,
    )
    known = {} if forecast is None else {"gain.nats_per_byte@proxy": estimate(forecast, 0.02, "nats per byte")}
    return TrainingNarrative(
        measured=measured,
        forecast=known,
        metric="kl_gap",
        compared="nats_per_byte",
        part=".test",
        min_gain=0.01,
        rows=60,
        selected=30,
    )


def test_a_forecast_is_compared_with_the_gain_of_the_rows_it_is_about():
    said = told(-0.04, some=0.06, forecast=0.2).verdict()
    assert said.decision == "use_subset"
    assert (
        "For all 60 rows, the fast proxy forecast +0.20 nats per byte, 90% CI [+0.18, +0.22]: the opposite sign of the "
        "measured -0.010 nats per token, 90% CI [-0.012, -0.008]." in said.sentence
    )
    assert "the same sign as the measured +0.010" in told(0.04, forecast=0.2).verdict().sentence


def test_one_seed_says_so_in_the_verdict_and_as_a_finding():
    once, thrice = told(0.04, seeds=1, steps=(8,)), told(0.04)
    assert once.verdict().sentence.endswith("Only one seed was run: another may differ.")
    assert "one seed" not in thrice.verdict().sentence
    assert thrice.findings() == ()
    (finding,) = once.findings()
    assert (finding.id, finding.severity) == ("limited_run", "medium")


def test_an_arm_that_never_left_the_start_is_no_gain_no_harm_and_no_reason_for_more_seeds():
    still = told(-0.04, steps=(0, 0, 0))
    said = still.verdict()
    assert said.decision == "cannot_tell"
    assert "Train for more steps, or try other learning rates" in said.sentence
    (finding,) = still.findings()
    assert "No step of real + synthetic lowered the loss" in finding.message


def test_what_was_not_seen_or_was_cut_is_a_low_finding():
    (finding,) = told(0.04, notes=("real + synthetic saw at most 12 of its 95 rows in each seed",)).findings()
    assert finding.severity == "low"
    assert finding.message == "Real + synthetic saw at most 12 of its 95 rows in each seed."
