"""Asking stops when fresh prompts say little new: near the right amount, rarely too early in spite of many looks."""

import json
import math

import numpy as np
import pytest

import syngain
from generating import exported, lines, toy_recipe
from syngain.core.errors import UsageError
from syngain.generators import MarkovText
from syngain.process.stopping import NewShareBelow, Watch, stop_rule
from syngain.workflows.generate import generate_run

PLANNED = 20_000


def law(kind, rng):
    if kind == "uniform":
        return np.full(2000, 1 / 2000)
    weights = 1.0 / (1 + np.arange(20_000)) if kind == "zipf" else rng.gamma(0.5, size=2500)
    return weights / weights.sum()


def new_share(p, rows):
    """The exact chance that a fresh row repeats none of ``rows`` independent ones."""
    return float(np.sum(p * (1 - p) ** rows))


def right_amount(p, threshold):
    low, high = 1, 10**6
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if new_share(p, middle) < threshold else (middle + 1, high)
    return low


def stopped_at(p, rule, rng, samples):
    """Rows when the rule stops, for prompts of ``samples`` rows each."""
    watch, seen = Watch(rule, PLANNED), 0
    for position in rule.looks(PLANNED):
        texts = rng.choice(p.size, size=position - seen, p=p)
        watch.see((str((seen + i) // samples), int(text).to_bytes(4, "little")) for i, text in enumerate(texts))
        seen = position
        if watch.look():
            return seen, watch
    return seen, watch


@pytest.mark.parametrize(
    ("kind", "threshold", "most"), [("uniform", 0.1, 1.2), ("gamma", 0.1, 1.2), ("zipf", 0.3, 1.3)]
)
def test_a_known_law_is_left_within_a_fifth_of_the_right_amount(kind, threshold, most):
    """A heavy tail costs more: its new share falls so slowly that the same doubt lasts longer."""
    rng = np.random.default_rng(1)
    p = law(kind, rng)
    right = right_amount(p, threshold)
    amounts = [stopped_at(p, NewShareBelow(threshold=threshold), rng, 1)[0] for _ in range(5)]
    assert 0.95 * right < np.median(amounts) < most * right


def test_many_looks_stop_too_early_no_more_often_than_they_may():
    rng, early, runs = np.random.default_rng(2), 0, 100
    p = law("gamma", np.random.default_rng(1))
    for _ in range(runs):
        rule = NewShareBelow(threshold=0.6, first=100)
        amount, watch = stopped_at(p, rule, rng, 4)
        assert len(watch.looks) > 3
        early += new_share(p, amount) >= 0.6
    assert early / runs < 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


def test_a_share_that_stays_at_the_threshold_stops_no_more_runs_than_it_may():
    """Half of the rows are always new, the rest never: the worst that can happen to repeated looks."""
    rng, stops, runs = np.random.default_rng(4), 0, 100
    rule = NewShareBelow(threshold=0.5, first=100)
    for _ in range(runs):
        watch, seen = Watch(rule, 2000), 0
        for position in rule.looks(2000):
            fresh = rng.random(position - seen) < 0.5
            watch.see(
                (str(seen + i), (seen + i if new else -1).to_bytes(4, "little", signed=True))
                for i, new in enumerate(fresh)
            )
            seen = position
            if watch.look():
                stops += 1
                break
    assert stops / runs < 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


def test_the_new_share_covers_its_truth_also_when_samples_of_a_prompt_are_alike():
    """Each prompt speaks of one of 300 topics; texts are topic and one of 4 wordings, a prompt gives 3."""
    rng, hits, runs = np.random.default_rng(3), 0, 200
    topics = rng.gamma(0.7, size=300)
    topics /= topics.sum()
    count = 150
    for _ in range(runs):
        watch = Watch(NewShareBelow(threshold=0.1), 450)
        drawn = rng.choice(300, size=count, p=topics)
        rows = [
            (str(i), bytes([t % 256, t // 256, int(rng.integers(4))])) for i, t in enumerate(drawn) for _ in range(3)
        ]
        watch.see(rows)
        watch.look()
        seen = {text for _, text in rows}
        truth = sum(
            topics[t] * np.mean([bytes([t % 256, t // 256, w]) not in seen for w in range(4)]) for t in range(300)
        )
        low, high = watch.estimate().interval(0.95)
        hits += low <= truth <= high
    assert abs(hits / runs - 0.95) < 4 * math.sqrt(0.95 * 0.05 / runs)


WORDS = np.random.default_rng(5).choice(list("abcdefghijklmn"), size=(80, 3))
TEXTS = [" ".join(words) for words in WORDS]


def toy_world(path, rows):
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    return toy_recipe(
        generator={"kind": "toy", "max_words": 3, "backoff": 3.0},
        strategies=[{"kind": "few_shot", "rows": rows, "shots": 5}],
        sampling={"samples": 1, "max_tokens": 12},
        curate=[{"step": "dedup"}],
    )


@pytest.mark.slow
def test_the_toy_stops_near_the_right_amount(tmp_path):
    chain = MarkovText.fit(TEXTS, backoff=3.0, max_words=3)
    right = right_amount(np.array(list(chain.enumerate().values())), 0.1)
    assert 2000 < right < 8000
    recipe = toy_world(tmp_path / "real.jsonl", 12_000)
    run = generate_run(recipe, tmp_path / "real.jsonl", work=tmp_path / "w", stop_when="diversity.new_fraction < 0.1")
    asked = run.result.series["diversity.new_fraction"].x[-1]
    assert 0.95 * right < asked < 1.2 * right
    assert run.result.estimates["diversity.new_fraction"].value < 0.1
    assert "Asking stopped at row" in run.result.views.computed[1][1]


def test_a_stopped_run_resumes_to_the_same_rows_and_under_the_same_rule_only(tmp_path):
    recipe, real, rule = (
        toy_world(tmp_path / "real.jsonl", 2000),
        tmp_path / "real.jsonl",
        "diversity.new_fraction < 0.6",
    )
    syngain.generate(recipe, real, folder=tmp_path / "run", stop_when=rule)
    assert 200 <= len(lines(tmp_path / "run" / "rows.jsonl")) < 1500
    generate_run(recipe, real, work=tmp_path / "again.work", stop_when=rule)
    with pytest.raises(UsageError, match="another --stop-when"):
        generate_run(recipe, real, work=tmp_path / "again.work", stop_when="diversity.new_fraction < 0.5", resume=True)
    syngain.generate(recipe, real, folder=tmp_path / "again", stop_when=rule, resume=True)
    assert exported(tmp_path / "again") == exported(tmp_path / "run")


def test_strategies_take_turns_by_their_share_of_rows(real):
    from syngain.process.anchors import Anchors
    from syngain.process.recipe import read_recipe
    from syngain.process.strategies import requests

    recipe = read_recipe(toy_recipe())
    names = [request.slot["strategy"] for request in requests(recipe, Anchors.of(syngain.read(real)))]
    assert names.count("few_shot") == 40
    assert names[:12].count("few_shot") == 8
    assert names[:30].count("paraphrase") in {8, 10, 12}


@pytest.mark.parametrize(
    "wrong", ["diversity.new_fraction < 0", "diversity.new_fraction > 0.1", "gain.accuracy < 0.1", "", "x" * 50]
)
def test_rules_that_are_none_are_refused(wrong):
    with pytest.raises(UsageError, match="stop-when"):
        stop_rule(wrong)
    assert stop_rule("diversity.new_fraction:value < .25").threshold == 0.25
