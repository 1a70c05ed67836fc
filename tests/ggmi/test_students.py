"""GGMI of language models: a student that memorizes gives its rows away, one that takes no step gives nothing away."""

from __future__ import annotations

import numpy as np
import pytest

import tiny_causal

pytest.importorskip("peft")

from syngain.core import UsageError
from syngain.core.rng import Streams
from syngain.data import Dataset
from syngain.gain.generalization import JointTask, Masks
from syngain.gain.proxies.task import Training
from syngain.learners.causal import CausalProxy
from syngain.training.student.supersample_task import StudentTask
from syngain.workflows.research.ggmi import GgmiSettings, ggmi

PLAN = Masks(pairs=10, masks=10, draws=2)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    folder = tiny_causal.make(tmp_path_factory.mktemp("tiny"))
    return CausalProxy(model=str(folder), rank=8, batch=5, max_tokens=48, dtype="float32", rates=(0.05,))


def texts(n, seed, same=False):
    rng = np.random.default_rng(seed)
    rows = ["abc abc" if same else "".join(rng.choice(list("abcdefgh "), size=20)) for _ in range(n)]
    return Dataset.from_rows([{"text": row} for row in rows], f"texts{seed}{same}")


def test_only_the_rows_it_may_learn_are_learned(proxy):
    task = StudentTask.of(proxy.open(), texts(12, 1), texts(8, 2), steps=40)
    assert len(task.rows) == 20
    none = np.empty(0, dtype=np.int64)
    outcome = task.judge(Training(np.arange(6), none), np.arange(20), np.random.default_rng(0))
    assert outcome.loss[:6].mean() < 0.8 * outcome.loss[6:12].mean()
    again = task.judge(Training(np.arange(6), none), np.arange(20), np.random.default_rng(0))
    assert again.loss.tobytes() == outcome.loss.tobytes()


def test_memorizing_gives_the_mask_away_and_constant_rows_give_nothing(proxy):
    model = proxy.open()
    for rows, told in ((texts(20, 1), True), (texts(20, 1, same=True), False)):
        bench = JointTask(StudentTask.of(model, rows, steps=40), np.arange(20), np.arange(20))
        samples = bench.supersamples(bench.anchors, PLAN, Streams(0))
        value = samples.corrected("ld").mean()
        null = samples.null("ld", np.random.default_rng(0))
        assert (value > np.quantile(null, 0.975)) == told


def test_the_panel_says_who_learned(proxy):
    settings = GgmiSettings(masks=PLAN, gain=False, student=proxy, steps=10)
    result = ggmi(texts(24, 1), texts(24, 2, same=True), settings=settings)
    assert "10 steps per fit" in dict(result.views.computed)["Learner"]
    assert "even a constant one" in result.verdict.sentence
    assert result.estimates["ggmi.ld_cmi@anchors"].null is not None


SHORT = Masks(pairs=10, masks=2, draws=2)


def panel(proxy, folder=None, *, resume=False, rows=None, **changed):
    settings = GgmiSettings(**{"masks": SHORT, "gain": False, "student": proxy, "steps": 3} | changed)
    return ggmi(rows or texts(24, 1), texts(24, 2), settings=settings, folder=folder, resume=resume)


def stopped_after(monkeypatch, fits):
    """Let the student fit so many times, then stop; the numbers of the fits are noted."""
    done, usual = [], StudentTask.judge

    def judge(self, training, rows, rng):
        if len(done) == fits:
            raise KeyboardInterrupt
        done.append(tuple(training.real))
        return usual(self, training, rows, rng)

    monkeypatch.setattr(StudentTask, "judge", judge)
    return done


def test_a_killed_run_resumes_to_the_same_bytes_and_fits_nothing_twice(proxy, tmp_path, monkeypatch):
    whole = panel(proxy)
    first = stopped_after(monkeypatch, 5)
    with pytest.raises(KeyboardInterrupt):
        panel(proxy, tmp_path / "work")
    assert len(list((tmp_path / "work").glob("*.npz"))) == 5
    monkeypatch.undo()
    rest = stopped_after(monkeypatch, None)
    again = panel(proxy, tmp_path / "work", resume=True)
    assert again.to_json() == whole.to_json()
    assert len(first) + len(rest) == 2 * SHORT.draws * SHORT.masks
    monkeypatch.undo()
    none = stopped_after(monkeypatch, 0)
    assert panel(proxy, tmp_path / "work", resume=True).to_json() == whole.to_json()
    assert none == []


def test_fits_of_another_run_are_refused_with_all_that_differs(proxy, tmp_path, monkeypatch):
    stopped_after(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt):
        panel(proxy, tmp_path)
    with pytest.raises(UsageError, match=r"settings\.steps: 3 before, 4 now") as caught:
        panel(proxy, tmp_path, resume=True, steps=4, rows=texts(24, 3))
    assert "inputs.real" in str(caught.value)
    assert "seed" not in caught.value.came
    with pytest.raises(UsageError, match="contains an unfinished run"):
        panel(proxy, tmp_path)
