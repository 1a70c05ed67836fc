"""Repair with rows of other kinds on a tiny model that knows two tasks: what each variant forgets, and the verdict."""

from __future__ import annotations

import json

import pytest

import tiny_repair
from syngain import report
from syngain.core import InputError, UsageError
from syngain.data import Dataset
from syngain.training.repair.treatment import NAMES, Treatment, variants
from syngain.workflows.train.repair import RepairSettings, repair, repair_table

ARMS = variants(retaining=True)
PLAN = Treatment(rows=30, prompts=20, tokens=12, checks=4)


def run(folder, model, retain, **sizes):
    settings = RepairSettings(model=model, **{"steps": 24, "repair_steps": 16, "seeds": 2, "treatment": PLAN} | sizes)
    return repair(
        tiny_repair.rows(60, 1),
        tiny_repair.rows(60, 2, tiny_repair.TEMPLATE),
        test=tiny_repair.rows(40, 3),
        retain=retain,
        folder=folder,
        settings=settings,
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    for name in ("torch", "transformers", "peft", "trl", "datasets"):
        pytest.importorskip(name, reason=f"{name} is absent: pip install 'syngain[train]'")
    folder = tiny_repair.taught(tmp_path_factory.mktemp("both"), both=True)
    return tiny_repair.proxy(folder, rates=(0.01,), batch=16)


@pytest.fixture(scope="module")
def found(model, tmp_path_factory):
    return run(tmp_path_factory.mktemp("retain"), model, tiny_repair.others(90, 5))


def change(result, arm):
    return result.estimates[f"retain.change@arm={arm}"]


def test_a_dataset_of_one_kind_makes_the_model_forget_the_other_and_a_finding_says_so(found):
    assert change(found, "overfitted").interval(0.9)[0] > 0
    assert [finding.id for finding in found.findings] == ["pattern_overfitting", "forgetting"]
    assert "forgetting" in found.as_json()["looked_for"]
    assert found.inputs["retain"].rows == 90


def test_every_variant_has_gain_and_retention_and_the_mechanisms_do_what_they_say(found):
    for arm in ARMS[1:]:
        for name in ("retain.change", "retain.gain"):
            low, high = found.estimates[f"{name}@arm={arm}"].interval(0.9)
            assert low < high or arm == "early"  # it keeps step 0 where the loss only rises
    for arm in ("rehearse", "average", "slow", "early"):
        assert change(found, arm).value < change(found, "overfitted").value
    assert change(found, "rehearse").value < change(found, "replay").value  # it saw rows of the other kind
    assert [line[0] for line in repair_table(found)[1:]] == [NAMES[arm] for arm in ARMS]
    assert all(len(line) == 8 for line in repair_table(found))


def test_the_verdict_weighs_both_and_the_report_has_the_frontier(found, tmp_path):
    """The template teaches nothing here, so no repair gains more than it costs."""
    assert [name for name, content in found.sets.items() if content.get("recommended")] == [NAMES["untrained"]]
    assert "No variant gains more on real rows than it costs on other rows" in found.verdict.sentence
    assert found.verdict.action == "Do not train on these rows."
    report.write(found, tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Gain on real rows versus loss increase on other rows" in page
    assert "Trained on the tokens of the response" in page
    names = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))["sets"]
    assert set(names) == {NAMES[arm] for arm in ARMS}


def test_averaging_keeps_half_of_the_change_of_the_weights(model):
    import torch

    opened = model.open()
    opened.reset(0)
    for weight in opened.weights():
        weight.data.add_(0.1)
    rows = [opened.reader(tiny_repair.rows(1, 0).kind).read("red tea sun", "red and tea")]
    base = opened.network.get_base_model()
    name, layer = next((name, part) for name, part in base.named_modules() if hasattr(part, "lora_B"))
    before = layer.get_delta_weight("default").clone()
    opened.shrink(0.5)
    torch.testing.assert_close(layer.get_delta_weight("default"), before / 2, msg=name)
    opened.shrink(0.0)
    whole = float(opened.score(rows)[0])
    opened.reset(3)
    assert whole == pytest.approx(float(opened.score(rows)[0]), rel=1e-6)


def test_the_four_variants_need_rows_of_other_kinds_and_such_rows_are_checked(model, tmp_path):
    few = tiny_repair.others(8, 5)
    with pytest.raises(InputError, match="at least 12 real rows of other kinds"):
        run(tmp_path, model, few)
    with pytest.raises(InputError, match="at least 12 real rows of other kinds"):
        run(tmp_path, model, tiny_repair.rows(60, 1))  # the real rows themselves
    with pytest.raises(InputError, match="pairs of prompt and response to retain"):
        run(tmp_path, model, Dataset.from_rows([{"text": f"row {i}"} for i in range(20)], "texts"))
    assert set(variants(retaining=False)) == set(ARMS) - {"rehearse", "average", "early", "slow"}
    for wrong in ({"rehearsed": 1.0}, {"kept": 0.0}, {"slower": 1.0}, {"price": -1.0}, {"checks": 0}):
        with pytest.raises(UsageError):
            Treatment(**wrong)
