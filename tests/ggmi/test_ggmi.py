"""``syngain ggmi``: the panel on labels and on texts, what it says of a constant set, and the command."""

import json
import re
import sys

import numpy as np
import pytest

import syngain
from selection_rows import jsonl, rows
from syngain.cli import main
from syngain.core import UsageError
from syngain.data.dataset import Dataset
from syngain.gain.generalization import Masks
from syngain.workflows.research.ggmi import GgmiSettings

SMALL = GgmiSettings(masks=Masks(pairs=25, masks=8, draws=3))


class Deaf:
    """A learner that says the first class, whatever it is shown."""

    converged = True

    def fit(self, examples):
        self.classes = examples.classes
        return self

    def log_probabilities(self, X):
        said = np.full((len(X), self.classes), 1e-6)
        said[:, 0] = 1 - 1e-6 * (self.classes - 1)
        return np.log(said)


@pytest.fixture(scope="module")
def anchors():
    return Dataset.from_rows(rows(60, 1), "real")


def test_a_constant_set_has_the_best_ggmi_and_is_said_to_be_harm(anchors):
    made = [{"text": "always the same", "label": anchors.labels[0]} for _ in range(80)]
    result = syngain.ggmi(anchors, Dataset.from_rows(made, "constant", like=anchors), settings=SMALL)
    found = result.estimates
    assert found["ggmi.ld_cmi@synthetic"].value == 0
    assert found["ggmi.difference"].value == pytest.approx(found["ggmi.ld_cmi@anchors"].value)
    assert found["ggmi.bound_ld@synthetic"].value == 0
    assert "GGMI is at its maximum" in result.verdict.sentence
    assert "Training on the synthetic rows alone: -" in result.verdict.sentence
    assert found["gain.log_loss.synthetic_only"].interval(0.9)[1] < 0
    assert result.verdict.decision in {"do_not_use", "cannot_tell"}


def test_a_learner_that_learned_nothing_is_said_to_be_possible(anchors):
    made = Dataset.from_rows(rows(80, 2), "made", like=anchors)
    settings = GgmiSettings(masks=Masks(pairs=25, masks=8, draws=3), gain=False, learner=Deaf())
    sentence = syngain.ggmi(anchors, made, settings=settings).verdict.sentence
    assert "Neither learner leaks more than chance" in sentence
    errors = [int(word) for word in re.findall(r"(\d+)% of the", sentence.partition("Errors on fresh rows")[2])]
    assert len(errors) == 2
    assert min(errors) > 20


@pytest.mark.parametrize("wrong", [{"pairs": 9}, {"masks": 1}, {"draws": 1}, {"draws": 0}, {"pairs": -3}])
def test_masks_without_spread_are_refused(wrong):
    with pytest.raises(UsageError, match=str(next(iter(wrong.values())))):
        Masks(**wrong)


def test_more_of_the_same_rows_has_no_ggmi_and_its_gap_is_below_its_bounds(anchors):
    made = Dataset.from_rows(rows(150, 2), "made", like=anchors)
    settings = GgmiSettings(masks=Masks(pairs=25, masks=12, draws=5), gain=False)
    result = syngain.ggmi(anchors, made, settings=settings)
    low, high = result.estimates["ggmi.difference"].interval(0.95)
    assert low <= 0.1
    assert high >= -0.1
    for side in ("anchors", "synthetic"):
        gap = result.estimates[f"ggmi.gap@{side}"].value
        assert all(gap <= result.estimates[f"ggmi.bound_{kind}@{side}"].value for kind in ("ld", "e", "f"))
        assert result.estimates[f"ggmi.ld_cmi@{side}"].null is not None
    assert result.verdict.decision == "cannot_tell"
    assert "GGMI does not measure the gain on real rows" in result.verdict.sentence


def test_real_instructions_are_judged_by_bytes(shared_data):
    real = syngain.read(shared_data / "self_instruct_seed_tasks.jsonl.gz")
    made = syngain.read(shared_data / "alpaca_random_9k.jsonl.gz", like=real).take(range(300))
    settings = GgmiSettings(masks=Masks(pairs=40, masks=6, draws=2), gain=False)
    result = syngain.ggmi(real, made, settings=settings)
    assert "ggmi.f_cmi@anchors" not in result.estimates
    assert result.estimates["ggmi.error@anchors"].value == pytest.approx(0.5, abs=0.02)
    assert result.estimates["ggmi.gap@anchors"].value > 0.2  # rows learned by an n-gram model are easier
    assert dict(result.views.computed)["Loss"].startswith("0 or 1: more nats per byte")


def test_the_command_writes_a_report(anchors, monkeypatch, capsys, tmp_path):
    files = [jsonl(tmp_path / f"{name}.jsonl", made) for name, made in (("a", rows(60, 1)), ("b", rows(90, 3)))]
    command = ["syngain", "ggmi", *map(str, files), "--pairs", "12", "--masks", "5", "--draws", "2", "--no-gain"]

    def run(*more):
        monkeypatch.setattr(sys, "argv", [*command, *map(str, more)])
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code, capsys.readouterr()

    code, said = run("-o", tmp_path / "out", "--json")
    assert code == 0
    report = json.loads(said.out)
    assert report["command"] == "ggmi"
    assert report["estimates"]["ggmi.difference"]["unit"] == "nats per row"
    assert (tmp_path / "out" / "report.html").exists()
    assert run("-o", tmp_path / "out")[0] == 2
    assert run("-o", tmp_path / "out", "--resume")[0] == 0
    code, said = run("-o", tmp_path / "more", "--masks", "1")
    assert code == 2
    assert not (tmp_path / "more").exists()
