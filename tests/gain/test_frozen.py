"""The proxy on a frozen model: held-out units, memory of questions, samples that fit the time, and words."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import syngain
from frozen_world import head_of, rows_of, table_of
from syngain.core.errors import InputError, UsageError
from syngain.core.rng import Streams
from syngain.data import read
from syngain.data.dataset import Dataset
from syngain.data.study import Study
from syngain.gain.design.cross_validation import Design
from syngain.gain.design.reading import LANGUAGE, reader_for, sampled
from syngain.gain.proxies.frozen import FrozenReader, FrozenTask
from syngain.gain.proxies.task import Training
from syngain.learners.frozen.head import FrozenHead
from syngain.models.catalog import installed
from syngain.settings import GainSettings

QUICK = FrozenHead(rank=4, checkpoints=(20, 40, 80, 160, 320, 640), rates=(1e-2,))
NONE = np.empty(0, dtype=np.int64)


def task_of(moved, real=60, made=60, other=None, unit=None):
    """Real rows of a corrected head; synthetic rows of the same one, or of another."""
    head = head_of()
    ours, tokens = rows_of(head, real, 20, moved=moved)
    theirs, more = rows_of(head, made, 20, moved=moved if other is None else other, seed=2)
    table = table_of(head, [*ours, *theirs], [*tokens, *more])
    return FrozenTask(table, real, np.arange(real + made) if unit is None else unit, QUICK)


def moved(seed=3, size=0.4):
    rng = np.random.default_rng(seed)
    return size * rng.standard_normal((12, 2)) @ rng.standard_normal((2, 12))


def loss(task, training, rows, seed=0):
    found = task.judge(training, rows, np.random.default_rng(seed))
    return float(found.loss.sum() / found.size.sum())


def test_more_rows_of_the_same_law_help_and_rows_of_the_opposite_law_do_not():
    law, test, real = moved(), np.arange(30, 60), np.arange(30)
    same, opposite = task_of(law), task_of(law, other=-law)
    alone = loss(same, Training(real, NONE), test)
    assert loss(same, Training(real, np.arange(60)), test) < alone - 0.02
    assert loss(opposite, Training(real, np.arange(60)), test) > alone + 0.02


def test_repeated_real_rows_are_no_more_than_the_real_rows():
    task, real, test = task_of(moved()), np.arange(30), np.arange(30, 60)
    alone = loss(task, Training(real, NONE), test)
    again = loss(task, Training(np.concatenate([real, real, real]), NONE), test)
    more = loss(task, Training(real, np.arange(60)), test)
    assert again > more
    assert again == pytest.approx(alone, abs=0.06)


def test_rows_of_a_held_out_unit_do_not_train_the_choice_of_steps():
    unit = np.concatenate([np.arange(60), np.arange(60)])  # every synthetic row belongs to a real row
    task = task_of(moved(), unit=unit)
    kept, held = task._held(Training(np.arange(60), np.arange(60)), np.random.default_rng(0))
    assert held.size
    assert held.max() < 60
    assert not set(unit[kept].tolist()) & set(unit[held].tolist())


def test_the_same_question_is_answered_once():
    task = task_of(moved())
    training = Training(np.arange(30), NONE)
    first = task.judge(training, np.arange(30, 60), np.random.default_rng(0))
    assert task.judge(training, np.arange(30, 60), np.random.default_rng(0)) is first
    assert task.costs.fits == 1
    assert task.costs.fit > 0


def rows(texts, name="rows"):
    return Dataset.from_rows([{"prompt": "say", "response": text} for text in texts], name)


def test_auto_is_never_a_frozen_model_and_frozen_says_how_to_install_it():
    data = rows(["a", "b"])
    assert reader_for(data, "auto") is None
    assert reader_for(data, "auto", FrozenReader(model="somewhere/model")) is None
    with pytest.raises(syngain.SyngainError, match="not installed"):
        reader_for(data, "frozen").open()
    with pytest.raises(UsageError, match="unknown proxy"):
        reader_for(data, "magic")


def test_a_table_is_nothing_for_a_frozen_model():
    table = Dataset.from_rows([{"a": float(i), "b": float(-i), "label": str(i % 2)} for i in range(30)], "table")
    with pytest.raises(InputError, match="table of columns"):
        reader_for(table, "frozen")


# With a model: a random one of letters, made on the spot.

tiny_causal = pytest.importorskip("tiny_causal")
SHORT = GainSettings(
    proxy="frozen", minutes=1.0, design=Design(folds=4, shares=(1.0,), amounts=1, balanced=False, pairs=False)
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    pytest.importorskip("torch")
    return str(tiny_causal.make(tmp_path_factory.mktemp("tiny")))


def letters(rng, count, among="abc"):
    return ["".join(rng.choice(list(among), 12)) for _ in range(count)]


def test_gain_on_a_frozen_model_from_python(tiny):
    rng = np.random.default_rng(0)
    real, made, test = (rows(letters(rng, n), name) for n, name in ((40, "real"), (60, "made"), (30, "test")))
    found = syngain.gain(real, made, test=test, settings=replace(SHORT, model=tiny))
    gain = found.estimates["gain.nats_per_token"]
    assert gain.unit == "nats per token"
    assert "gain.nats_per_token.test" in found.estimates
    assert "gain.rows_worth" in found.estimates
    assert found.estimates["gain.budget@seeds"].value >= 0
    said = dict(found.views.computed)
    assert "not calibrated on fine-tuned models yet" in said["Frozen model"]
    again = syngain.gain(real, made, test=test, settings=replace(SHORT, model=tiny))
    assert json.dumps(found.as_json()) == json.dumps(again.as_json())  # from the cache, bit by bit


def test_random_letters_do_harm_or_nothing(tiny):
    rng = np.random.default_rng(0)
    real, noise = rows(letters(rng, 60), "real"), rows(letters(rng, 60, "xyzuvw"), "noise")
    found = syngain.gain(real, noise, settings=replace(SHORT, model=tiny))
    assert found.verdict.decision != "use"
    assert found.estimates["gain.nats_per_token@expected"].interval(0.9)[0] < 0


def test_labels_are_read_as_text_when_asked(tiny):
    rng = np.random.default_rng(0)
    data = [
        Dataset.from_rows([{"text": text, "label": "a" if "b" in text[:3] else "c"} for text in letters(rng, n)], name)
        for n, name in ((40, "real"), (40, "made"))
    ]
    found = syngain.gain(*data, settings=replace(SHORT, model=tiny))
    assert "gain.nats_per_token" in found.estimates
    assert "gain.log_loss" not in found.estimates


def test_rows_are_sampled_to_fit_the_time_by_seed_alone(tiny):
    rng = np.random.default_rng(0)
    study = Study.of(rows(letters(rng, 300), "real"), rows(letters(rng, 3000), "made"))
    reader = FrozenReader(model=tiny, minutes=0.02)
    one, two = (sampled(study, reader, Streams(0), lambda *_: None) for _ in range(2))
    assert list(one.study.real.ids) == list(two.study.real.ids)
    assert len(one.study.real) < 300
    assert one.rows == 3000
    assert one.design.repeats < LANGUAGE.repeats
    assert any("synthetic rows" in said for said in one.said)


# With smollm2, where the person who runs the tests has it.

SMOLLM2 = installed().get("smollm2")  # asked at collection: during the tests the home is an empty one


@pytest.mark.slow
def test_smollm2_reads_instructions_and_half_empty_answers_are_never_used(shared_data):
    if SMOLLM2 is None:
        pytest.skip("smollm2 is absent: syngain models add smollm2")
    pytest.importorskip("torch")
    (weights,) = SMOLLM2.glob("*.gguf")
    real = read(shared_data / "self_instruct_seed_tasks.jsonl.gz").take(range(24))
    made = read(shared_data / "alpaca_random_9k.jsonl.gz").take(range(20))
    answers = [answer if row % 2 else "" for row, answer in enumerate(made.sides["response"])]
    empty = replace(made, sides={"prompt": list(made.sides["prompt"]), "response": answers})
    found = syngain.gain(real, empty, settings=replace(SHORT, model=str(weights)))
    assert found.verdict.decision not in {"use", "use_subset"}
    assert found.estimates["gain.nats_per_token@expected"].interval(0.9)[0] < 0.01
    assert 1 < found.series["learning.real"].value[-1] < 5  # nats per token of a pre-trained model
