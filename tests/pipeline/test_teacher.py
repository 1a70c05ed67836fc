"""The teacher of the label step: it finds exchanged labels and leaves real ones alone, by a share that is asked for."""

import json

import numpy as np
import pytest

import syngain
from generating import TOPICS, lines, toy_recipe
from syngain.core.errors import InputError
from syngain.pipeline.teacher import Teacher


def labeled(count, rng):
    """Texts of eight words of their topic."""
    names = list(TOPICS)
    rows = [(" ".join(rng.choice(TOPICS[names[i % 3]].split(), size=8)), names[i % 3]) for i in range(count)]
    return [text for text, _ in rows], [label for _, label in rows]


def test_exchanged_labels_are_doubted_and_real_ones_are_not():
    rng = np.random.default_rng(0)
    teacher = Teacher(*labeled(90, rng), doubt=0.02, seed=0)
    texts, labels = labeled(150, rng)
    wrong = [list(TOPICS)[(list(TOPICS).index(label) + 1) % 3] for label in labels]
    assert np.mean([teacher.doubts(*row) for row in zip(texts, wrong, strict=True)]) > 0.9
    assert np.mean([teacher.doubts(*row) for row in zip(texts, labels, strict=True)]) <= 0.06
    assert teacher.doubts(texts[0], "unheard of")


def test_the_share_of_good_rows_that_are_doubted_is_at_most_the_one_asked_for():
    """Labels that are drawn, not read: nothing can be learned, and still not more than the share is doubted."""
    rng = np.random.default_rng(1)
    texts, _ = labeled(300, rng)
    labels = rng.choice(["a", "b"], size=300, p=[0.7, 0.3]).tolist()
    teacher = Teacher(texts[:200], labels[:200], doubt=0.2, seed=0)
    fresh = [teacher.doubts(*row) for row in zip(texts[200:], labels[200:], strict=True)]
    assert np.mean(fresh) < 0.2 + 3 * np.sqrt(0.2 * 0.8 / 100)


def test_the_step_drops_rows_with_its_reason_and_has_a_divergence(tmp_path):
    rng = np.random.default_rng(2)
    texts, labels = labeled(90, rng)
    real = [{"text": text, "label": label} for text, label in zip(texts, labels, strict=True)]
    (tmp_path / "real.jsonl").write_text("".join(json.dumps(row) + "\n" for row in real))
    recipe = toy_recipe(
        generator={"kind": "toy"},
        strategies=[{"kind": "few_shot", "rows": 60, "template": "no label is named"}],  # every row of any topic
        curate=[{"step": "label", "teacher": "drop"}],
    )
    result = syngain.generate(recipe, tmp_path / "real.jsonl", folder=tmp_path / "run")
    dropped = lines(tmp_path / "run" / "dropped.jsonl")
    assert {tuple(row["syngain_reasons"]) for row in dropped} == {
        ("the classifier trained on real rows rejects the label",)
    }
    assert 20 < len(dropped) < 60
    assert result.estimates["generation.divergence@label"].value == pytest.approx(len(dropped) / 60)
    teacher = Teacher(texts, labels, doubt=0.02, seed=0)
    assert not [row for row in lines(tmp_path / "run" / "kept.jsonl") if teacher.doubts(row["text"], row["label"])]


@pytest.mark.parametrize("count", [10, 0])
def test_too_few_anchors_are_no_teacher(count):
    with pytest.raises(InputError, match="labeled real rows"):
        Teacher(["text"] * count, ["label"] * count, doubt=0.02, seed=0)
