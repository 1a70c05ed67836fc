"""``syngain loop``: a generator that learns its own output, against the law of what survives resampling."""

import json
import sys

import numpy as np
import pytest

import syngain
from syngain.cli import main
from syngain.core.errors import InputError, UsageError
from syngain.core.rng import Streams
from syngain.data.dataset import Dataset
from syngain.lab.text_loop import Loop, WordChain, cut, grams, rare_words
from syngain.workflows.research.loop import LoopSettings


class Memory:
    """Says the rows it learned, drawn with replacement."""

    def __init__(self, texts):
        self.texts = list(texts)

    def say(self, words, rng):
        return [self.texts[i] for i in rng.integers(len(self.texts), size=words // 4)]


def unique(count):
    return [" ".join(f"w{4 * i + j}" for j in range(4)) for i in range(count)]


def test_rows_survive_resampling_as_families_do():
    """Every row has a Poisson number of copies in the next generation: s' = 1 - exp(-s), as for family names."""
    texts = unique(600)
    loop = Loop(generations=5, shares=(0.0, 0.5), rows=600, fit=Memory)
    found = np.array([loop.run(texts, texts, Streams(seed)) for seed in range(8)])
    law, alive = [], 1.0
    for _ in range(5):
        alive = 1 - np.exp(-alive)
        law.append(alive)
    distinct = found[:, 0, 0]
    error = distinct.std(axis=0, ddof=1) / np.sqrt(8)
    assert (np.abs(distinct.mean(axis=0) - 600 * np.array(law)) < 4 * error + 2).all()
    assert np.allclose(found[:, 0] / 600, found[:, 1])  # the holdout is the real rows: what is said is covered
    assert (np.diff(distinct.mean(axis=0)) < 0).all()
    half = found[:, 0, 1]
    assert (half[:, -1] > distinct[:, -1] + 100).all()
    assert (half[:, 0] == distinct[:, 0]).all()  # the first generation is the same for all shares


def test_words_are_counted_and_cut_to_the_word():
    assert grams(["a b c d e", "a b c", "a b c d"]) == {("a", "b", "c", "d"), ("b", "c", "d", "e")}
    assert rare_words(["a a a b b c"]) == {"b", "c"}
    assert cut(["a b", "c d e", "f"], 4) == ["a b", "c d"]
    assert cut(["a b"], 0) == []


def test_a_chain_says_as_many_words_as_asked_and_no_text_longer_than_the_longest():
    rng = np.random.default_rng(0)
    said = WordChain.fit(["a b c d", "b c", "d a b"]).say(50, rng)
    assert sum(len(text.split()) for text in said) >= 50
    assert max(len(text.split()) for text in said) <= 4


def test_the_verdict_names_the_share_that_prevents_the_loss():
    rows = Dataset.from_rows([{"text": text} for text in unique(200)], "rows")
    settings = LoopSettings(loop=Loop(generations=4, shares=(0.0, 0.9), rows=200, fit=Memory), seeds=4)
    result = syngain.loop(rows, holdout=rows, settings=settings)
    ratio = result.estimates["loop.loss_ratio_distinct_fraction@real=0.9"]
    assert ratio.interval(0.9)[1] < 0.5
    assert "Use 90% real rows in every generation: they prevent most of the loss" in result.verdict.sentence
    assert "significantly less than 90% of the 4-grams from generation 2 on" in result.verdict.sentence
    curve = result.series["loop.distinct_fraction@real=0"]
    assert curve.value[0] == 1
    assert result.estimates["loop.distinct_fraction@real=0"].value == curve.value[-1]
    again = syngain.loop(rows, holdout=rows, settings=settings)
    assert again.estimates == result.estimates


def test_gsm8k_problems_are_lost_and_half_real_rows_keep_most(shared_data):
    real = syngain.read(shared_data / "gsm8k_train.jsonl.gz").sides["prompt"][:600]
    rows = Dataset.from_rows([{"text": text} for text in real], "problems")
    settings = LoopSettings(loop=Loop(generations=3, shares=(0.0, 0.5), rows=120), seeds=2)
    result = syngain.loop(rows, settings=settings)
    for name in ("distinct_fraction", "coverage"):
        curve = result.series[f"loop.{name}@real=0"].value
        assert curve[2] < curve[1] < curve[0] == 1
        assert result.estimates[f"loop.{name}@real=0.5"].value > curve[2]
    assert result.estimates["loop.divergence@real=0"].value > result.estimates["loop.divergence@real=0.5"].value


def test_what_generation_1_does_not_say_is_not_said_to_be_kept():
    rows = Dataset.from_rows([{"text": text} for text in unique(120)], "rows")
    away = Dataset.from_rows([{"text": f"x{i} y{i} z{i} u{i}"} for i in range(50)], "away")
    settings = LoopSettings(loop=Loop(generations=3, rows=60, fit=Memory), seeds=2)
    result = syngain.loop(rows, holdout=away, settings=settings)
    assert not [name for name in (*result.estimates, *result.series) if name.startswith("loop.coverage")]
    assert "their loss is not measured" in result.verdict.sentence
    assert "loop.distinct_fraction@real=0" in result.estimates


@pytest.mark.parametrize("shares", [(), (0.5, 0.2), (0.0, 1.0), (-0.1,), (0.2, 0.2)])
def test_shares_that_make_no_loop(shares):
    with pytest.raises(UsageError, match="real fractions"):
        LoopSettings(loop=Loop(shares=shares))


def test_too_little_to_loop_is_said():
    few = Dataset.from_rows([{"text": f"one two three four {i}"} for i in range(10)], "few")
    with pytest.raises(InputError, match="few has 10 texts"):
        syngain.loop(few)
    short = Dataset.from_rows([{"text": f"one {i}"} for i in range(100)], "short")
    with pytest.raises(InputError, match="no held-out row has 4 words"):
        syngain.loop(short)


def test_the_command(monkeypatch, capsys, tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps({"q": text}) + "\n" for text in unique(60)), encoding="utf-8")

    def run(*more):
        monkeypatch.setattr(sys, "argv", ["syngain", "loop", str(file), "--text", "q", *map(str, more)])
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code, capsys.readouterr()

    code, said = run("-o", tmp_path / "out", "--generations", 2, "--seeds", 2, "--real-share", "0,0.4", "--json")
    assert code == 0
    report = json.loads(said.out)
    assert report["verdict"]["sentence"].startswith("Inconclusive: after 2 generations")
    assert set(report["series"]) >= {"loop.distinct_fraction@real=0", "loop.distinct_fraction@real=0.4"}
    assert (tmp_path / "out" / "report.html").exists()
    code, said = run("-o", tmp_path / "no", "--real-share", "half")
    assert code == 2
    assert "--real-share half" in said.err
    assert not (tmp_path / "no").exists()
