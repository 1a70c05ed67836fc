"""Planted defects are found under the right id and nothing else is. The full table: benchmarks/planted.py."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from syngain.audit.audit import audit_study
from syngain.core import InputError
from syngain.core.rng import Streams
from syngain.data import Dataset, read
from syngain.data.study import Study

SCRIPT = Path(__file__).resolve().parents[1] / "benchmarks" / "planted.py"


@pytest.fixture(scope="module")
def planted(shared_data):
    spec = importlib.util.spec_from_file_location("planted", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.SHARED = shared_data
    return module


@pytest.fixture(scope="module")
def material(planted):
    return planted.Material(np.random.default_rng([11, 77]))


NAMES = [
    "30 % labels shuffled",
    "labels independent of text",
    "one intent in five missing",
    "same five words",
    "20 % verbatim test rows",
    "40 % copies of anchors",
    "rows of another domain",
    "nothing",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_planted_defect_is_high_under_its_id_and_nothing_else_is(planted, material, name):
    expected, plant = planted.PLANTS[name]
    rows = plant([dict(row) for row in material.fresh], material, np.random.default_rng(11))
    real, test = (Dataset.from_rows(part, name="part") for part in (material.anchors, material.test))
    audited = audit_study(Study.of(real, Dataset.from_rows(rows, name=name), test=test), streams=Streams(11))
    high = {finding.id for finding in audited.findings if finding.severity == "high"}
    assert high <= {expected} | planted.ALLOWED.get(expected, set())
    assert expected in high or not expected


def test_rows_to_drop_are_the_planted_ones(planted, material):
    _, plant = planted.PLANTS["20 % verbatim test rows"]
    rows = plant([dict(row) for row in material.fresh], material, np.random.default_rng(11))
    real, test = (Dataset.from_rows(part, name="part") for part in (material.anchors, material.test))
    audited = audit_study(Study.of(real, Dataset.from_rows(rows, name="rows"), test=test), streams=Streams(11))
    hits = {row.row for row in audited.dropped if "contamination" in row.reasons}
    count = round(0.2 * len(material.fresh))
    verbatim = set(range(len(rows) - count, len(rows)))
    assert verbatim <= hits
    assert len(hits - verbatim) < 0.03 * len(rows)  # fresh rows that happen to be near a test row
    assert audited.is_dropped.sum() == len(audited.dropped)


def test_hostile_and_degenerate_rows_do_not_crash():
    strange = [
        "",
        " ",
        "\x00",
        "a",
        "🙂" * 50,
        "\ud800",
        "x" * 100_000,
        "<script>alert(1)</script>",
        "…",
        "日本語のテキスト",
    ]
    rows = [{"text": text + " " * (i % 3), "label": str(i % 2)} for i, text in enumerate(strange * 6)]
    real, synthetic = Dataset.from_rows(rows, name="real"), Dataset.from_rows(rows[::-1], name="synthetic")
    audited = audit_study(Study.of(real, synthetic, test=real), streams=Streams(0))
    assert audited.is_dropped.mean() > 0.5  # repeats are listed even where the real rows repeat as much


def test_identical_rows_do_not_crash():
    rows = [{"text": "the same row"}] * 40
    audited = audit_study(
        Study.of(Dataset.from_rows(rows, name="r"), Dataset.from_rows(rows, name="s")), streams=Streams(0)
    )
    assert audited.found.estimates["duplicates.exact_fraction"].value == pytest.approx(39 / 40)


def topical(count, seed, topics=("cooking", "travel", "money")):
    words = {
        "cooking": "stir onion pan butter salt pepper garlic soup oven bread slowly brown".split(),
        "travel": "book train flight hotel island beach ticket passport early week airport map".split(),
        "money": "send bank transfer card fee account balance refund charge invoice credit tax".split(),
    }
    rng = np.random.default_rng([seed, 9])
    names = [topics[i % len(topics)] for i in range(count)]
    return [{"text": " ".join(rng.choice(words[name], 8)), "label": name} for name in names]


def audited(real, synthetic, **others):
    sets = {
        name: Dataset.from_rows(rows, name=name)
        for name, rows in {"real": real, "synthetic": synthetic, **others}.items()
    }
    return audit_study(Study.of(sets.pop("real"), sets.pop("synthetic"), **sets), streams=Streams(0))


def severities(found):
    return {finding.id: finding.severity for finding in found.findings}


def test_labels_that_no_real_row_has_are_named_and_not_called_noise():
    synthetic = topical(240, 2)
    synthetic = [{**row, "label": "sport"} if i % 4 == 0 else row for i, row in enumerate(synthetic)]
    found = audited(topical(240, 1), synthetic)
    assert severities(found).get("unknown_labels") == "medium"
    assert "label_noise" not in severities(found)
    assert "'sport'" in next(f.message for f in found.findings if f.id == "unknown_labels")


def test_sets_without_a_label_in_common_are_refused():
    shouted = [{**row, "label": row["label"].upper()} for row in topical(60, 2)]
    with pytest.raises(InputError, match="no label in common"):
        audited(topical(60, 1), shouted)


def test_labels_that_contradict_the_teacher_are_not_called_noise():
    swap = {"cooking": "money", "money": "cooking"}
    real, synthetic = topical(300, 1, ("cooking", "money")), topical(300, 2, ("cooking", "money"))
    found = audited(real, [{**row, "label": swap[row["label"]]} for row in synthetic])
    finding = next(f for f in found.findings if f.id == "label_noise")
    assert finding.severity == "medium"
    assert "contradict" in finding.message
    assert not [row for row in found.dropped if "label_noise" in row.reasons]


def test_a_quarter_of_two_labels_wrong_reads_as_a_quarter():
    swap = {"cooking": "money", "money": "cooking"}
    synthetic = topical(400, 2, ("cooking", "money"))
    wrong = [{**row, "label": swap[row["label"]]} if i % 8 in {0, 3} else row for i, row in enumerate(synthetic)]
    found = audited(topical(400, 1, ("cooking", "money")), wrong)
    assert found.found.labels.noise[0] == pytest.approx(0.25, abs=0.03)
    assert severities(found)["label_noise"] == "high"


@pytest.mark.parametrize("synthetic", [topical(200, 2, ("cooking",)), topical(1, 2) * 500])
def test_one_class_or_one_row_again_and_again_does_not_crash(synthetic):
    assert "missing_regions" in severities(audited(topical(120, 1), synthetic))


def test_several_answers_per_prompt_are_no_shift_of_prompts():
    def pairs(seed, copies):
        prompts = [row["text"] for row in topical(200, seed)]
        return [
            {"prompt": prompt, "completion": f"{row['text']} {copy}"}
            for copy in range(copies)
            for prompt, row in zip(prompts, topical(200, seed + 10 * copy + 5), strict=True)
        ]

    found = audited(pairs(1, 1), pairs(2, 4)).found.estimates
    assert found["divergence.tv_lower@prompt"].p > 0.01
    assert found["fidelity.off_support@prompt"].p > 0.01


@pytest.mark.parametrize("sizes", [(600, 80), (80, 600)])
def test_unequal_sizes_invent_no_regions_and_no_displaced_rows(shared_data, sizes):
    rows = read(shared_data / "cad_imdb.jsonl.gz", where={"split": "anchor_or_real_train"})
    order = np.random.default_rng(3).permutation(len(rows)).tolist()
    real, synthetic = rows.take(order[: sizes[0]]), rows.take(order[sizes[0] : sum(sizes)])
    found = audit_study(Study.of(real, synthetic), streams=Streams(0))
    assert not [finding for finding in found.findings if finding.severity == "high"]
    assert found.found.estimates["fidelity.off_support"].p > 0.01
    assert found.found.estimates["fidelity.missing_mass"].p > 0.01


def test_rows_from_elsewhere_are_named_when_they_are_a_fifth(planted, material):
    rows = [dict(row) for row in material.fresh[:600]]
    rows[:120] = planted.elsewhere(rows[:120], material, np.random.default_rng(0))
    found = audited([{"text": r["text"]} for r in material.anchors[:500]], [{"text": r["text"]} for r in rows])
    assert severities(found)["distribution_shift"] in {"medium", "high"}
    named = {row.row for row in found.dropped if "distribution_shift" in row.reasons}
    assert len(named & set(range(120))) > 0.8 * len(named) > 0


def test_copies_of_table_rows_with_a_little_noise_are_found():
    rng = np.random.default_rng(4)
    real = [{f"x{j}": float(v) for j, v in enumerate(row)} for row in rng.normal(size=(200, 5))]
    noisy = [{name: value * 1.0001 for name, value in row.items()} for row in real]
    assert severities(audited(real, noisy))["memorized_anchors"] == "high"
    fresh = [{f"x{j}": float(v) for j, v in enumerate(row)} for row in rng.normal(size=(200, 5))]
    assert "memorized_anchors" not in severities(audited(real, fresh))
