"""Asking stops when fresh prompts say little new: near the right amount, rarely too early in spite of many looks."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import syngain
from generating import exported, lines, toy_recipe
from syngain.core.errors import InputError, UsageError
from syngain.core.rng import Streams
from syngain.gain.last_doubling import FIRST_HALVES, last_doubling
from syngain.generators import MarkovText
from syngain.inference.sequential import level_of_means, positions
from syngain.lab.worlds.stop_worlds import LessonTask, LessonWorld, TextWorld, right_amount
from syngain.pipeline.stopping import Below, Claims, Watch, stop_rule
from syngain.pipeline.store.new_row_value import NEW_NATS, NEW_SHARE, NewRowValue, ObservedRow
from syngain.workflows.generate.generate import generate

AMOUNTS = np.unique(np.round(np.geomspace(20, 200_000, 4000)).astype(int))
GAIN = "gain.log_loss@doubling"


def new_share(p, rows):
    return TextWorld(p).new_share(rows)


def right(world, of, threshold):
    truth = world.new_share if of == NEW_SHARE else world.new_nats
    return right_amount(np.array([truth(int(n)) for n in AMOUNTS]), AMOUNTS, threshold)


def rows_of(world, before, position, rng, samples=1):
    texts, nats = world.draw(position - before, before, rng)
    return [
        ObservedRow(prompt=str((before + i) // samples), text=int(t).to_bytes(4, "little"), nats=float(x))
        for i, (t, x) in enumerate(zip(texts, nats, strict=True))
    ]


def stopped_at(world, expression, rng, total=20_000, samples=1):
    """Rows when the rule stops, for prompts of ``samples`` rows each."""
    watch, before = Watch(stop_rule(expression), total), 0
    for position in watch.positions:
        watch.see(rows_of(world, before, position, rng, samples))
        before = position
        if watch.look(position):
            break
    return before, watch


@pytest.mark.parametrize(
    ("kind", "size", "of", "threshold", "most"),
    [
        ("uniform", 2000, NEW_SHARE, 0.1, 1.2),
        ("gamma", 2500, NEW_SHARE, 0.1, 1.25),
        ("zipf", 20_000, NEW_SHARE, 0.3, 1.3),
        ("uniform", 2000, NEW_NATS, 0.76, 1.2),
        ("gamma", 2500, NEW_NATS, 0.9, 1.25),
    ],
)
def test_a_known_law_is_left_near_the_right_amount(kind, size, of, threshold, most):
    """A heavy tail costs more: what is new falls so slowly that the same doubt lasts longer."""
    rng = np.random.default_rng(1)
    world = TextWorld.of(kind, size, rng)
    amounts = [stopped_at(world, f"{of} < {threshold}", rng)[0] for _ in range(5)]
    assert 0.95 < np.median(amounts) / right(world, of, threshold) < most


def test_many_looks_stop_too_early_no_more_often_than_they_may():
    rng, early, runs = np.random.default_rng(2), 0, 100
    world = TextWorld.of("gamma", 2500, np.random.default_rng(1))
    for _ in range(runs):
        amount, watch = stopped_at(world, f"{NEW_SHARE} < 0.6", rng, samples=4)
        assert len(watch.looks[NEW_SHARE]) > 3
        early += world.new_share(amount) >= 0.6
    assert early / runs < 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


@pytest.mark.parametrize(
    "expression", [f"{NEW_SHARE} < 0.5", f"{NEW_NATS} < 6", f"{NEW_SHARE} < 0.5 or {NEW_NATS} < 6"]
)
def test_a_marginal_that_stays_at_the_threshold_stops_no_more_runs_than_it_may(expression):
    """Half of the rows are always new, the rest never: the worst that can happen to repeated looks."""
    rng, runs = np.random.default_rng(4), 100
    world = TextWorld.of("half", 1, rng)
    stops = sum(stopped_at(world, expression, rng, total=2000)[0] < 2000 for _ in range(runs))
    assert stops / runs < 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


def test_the_new_share_covers_its_truth_also_when_samples_of_a_prompt_are_alike():
    """Each prompt speaks of one of 300 topics; texts are topic and one of 4 wordings, a prompt gives 3."""
    rng, hits, runs = np.random.default_rng(3), 0, 200
    topics = rng.gamma(0.7, size=300)
    topics /= topics.sum()
    count = 150
    for _ in range(runs):
        watch = Watch(stop_rule(f"{NEW_SHARE} < 0.1"), 450)
        drawn = rng.choice(300, size=count, p=topics)
        rows = [
            (str(i), bytes([t % 256, t // 256, int(rng.integers(4))])) for i, t in enumerate(drawn) for _ in range(3)
        ]
        watch.see(ObservedRow(prompt=prompt, text=text) for prompt, text in rows)
        watch.look()
        seen = {text for _, text in rows}
        truth = sum(
            topics[t] * np.mean([bytes([t % 256, t // 256, w]) not in seen for w in range(4)]) for t in range(300)
        )
        low, high = watch.estimates()[NEW_SHARE].interval(0.95)
        hits += low <= truth <= high
    assert abs(hits / runs - 0.95) < 4 * math.sqrt(0.95 * 0.05 / runs)


def test_new_information_covers_its_truth():
    """What is left of the surprisal on texts that did not come, known for the law of a world."""
    rng, hits, runs = np.random.default_rng(6), 0, 200
    world = TextWorld.of("gamma", 400, rng)
    for _ in range(runs):
        quantity = NewRowValue(weighed=True)
        rows = rows_of(world, 0, 600, rng)
        quantity.see(rows)
        unseen = np.ones(400, dtype=bool)
        unseen[[int.from_bytes(row.text, "little") for row in rows]] = False
        truth = float(-np.log(world.law[unseen]) @ world.law[unseen])
        reading = quantity.reading()
        hits += abs(reading.value - truth) <= stats.t.isf(0.025, reading.freedom) * reading.error
    assert abs(hits / runs - 0.95) < 4 * math.sqrt(0.95 * 0.05 / runs)


def test_all_is_new_information_is_the_information_gain():
    quantity = NewRowValue(weighed=True)
    nats = [3.0, 5.0, 7.0, 1.0]
    quantity.see(ObservedRow(prompt=str(i), text=bytes([i]), nats=x) for i, x in enumerate(nats))
    assert quantity.reading().value == pytest.approx(np.mean(nats))


def test_rows_without_log_probabilities_stop_a_rule_about_information_with_an_error():
    with pytest.raises(UsageError, match="no log-probabilities"):
        NewRowValue(weighed=True).see([ObservedRow(prompt="a", text=b"x", nats=None)])


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9), st.floats(0, 20)), min_size=1, max_size=60),
    weighed=st.booleans(),
)
def test_the_counts_that_grow_are_the_counts_from_scratch(rows, weighed):
    quantity = NewRowValue(weighed=weighed)
    quantity.see(ObservedRow(prompt=str(p), text=bytes([t]), nats=x) for p, t, x in rows)
    reading = quantity.reading()
    prompts = sorted({p for p, _, _ in rows})

    def value(kept):
        some = [row for row in rows if row[0] in kept]
        owners = {t: {p for p, u, _ in some if u == t} for _, t, _ in some}
        return sum((x if weighed else 1.0) for _, t, x in some if len(owners[t]) == 1) / len(some)

    if len(prompts) < 2:
        assert math.isinf(reading.error)
        return
    assert reading.value == pytest.approx(value(prompts), abs=1e-9)
    without = np.array([value([p for p in prompts if p != gone]) for gone in prompts])
    spread = np.sum((without - without.mean()) ** 2) * (len(prompts) - 1) / len(prompts)
    assert reading.error == pytest.approx(math.sqrt(spread), abs=1e-6)


def test_looks_are_no_stricter_than_sharing_the_error_and_looser_than_one_look():
    looks = positions(20_000, first=200, growth=1.02)
    level = level_of_means(looks, 0.05)
    assert 0.05 / len(looks) <= level < 0.05
    assert level_of_means([200], 0.05) == pytest.approx(0.05, rel=1e-6)
    assert looks[0] == 200
    assert looks[-1] == 20_000


def test_the_boundary_holds_for_means_looked_at_again_and_again():
    """Standard normal sums: the share of runs that ever exceed the boundary, against its five percent."""
    rng, runs = np.random.default_rng(7), 3000
    looks = positions(4000, first=200, growth=1.02)
    c = stats.norm.isf(level_of_means(looks, 0.05))
    steps = np.diff([0, *looks])
    sums = np.cumsum(rng.normal(size=(runs, len(looks))) * np.sqrt(steps), axis=1)
    crossed = np.mean((sums / np.sqrt(looks)).max(axis=1) > c)
    assert abs(crossed - 0.05) < 4 * math.sqrt(0.05 * 0.95 / runs)


def test_halves_of_different_pairs_share_a_quarter():
    halves = [set(half) for half in FIRST_HALVES]
    assert all(len(half) == 4 for half in halves)
    assert all(len(a & b) == 2 for i, a in enumerate(halves) for b in halves[:i])


def doubling(world, anchors, rows, seed):
    rng = np.random.default_rng(seed)
    task = LessonTask(world.real(anchors, rng), world.draw(rows, rng))
    label = np.zeros(anchors, dtype=np.int64)
    return last_doubling(task, task.lineage, label, metric="log_loss", streams=Streams(seed), folds=20)


@pytest.mark.slow
def test_the_gain_of_a_doubling_is_the_known_one_within_its_error():
    """Over many draws of anchors and rows: no bias, an error that is not too small, with few and with many lessons."""
    for size in (60, 1500):
        world = LessonWorld.of("flat", size, commonest=0.05, octaves=6.0)
        found = [doubling(world, 500, 600, seed) for seed in range(60)]
        truth = world.doubling(600)
        z = np.array([(item.value - truth) / item.error for item in found])
        assert abs(z.mean()) < 4 * z.std() / math.sqrt(60)
        assert z.std() < 1.3


def test_too_few_rows_have_no_doubling():
    world = LessonWorld.of("even", 10)
    with pytest.raises(InputError, match="synthetic rows remain"):
        doubling(world, 40, 5, 0)


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
@pytest.mark.parametrize(("of", "threshold"), [(NEW_SHARE, 0.1), (NEW_NATS, 1.0)])
def test_the_toy_stops_near_the_right_amount(tmp_path, of, threshold):
    """The few-shot prompts name no label: every row is of the chain of all rows, whose texts can be enumerated."""
    chain = MarkovText.fit(TEXTS, backoff=3.0, max_words=3)
    world = TextWorld(np.array(list(chain.enumerate().values())))
    amount = right(world, of, threshold)
    assert 1500 < amount < 8000
    recipe = toy_world(tmp_path / "real.jsonl", 12_000)
    run = generate(recipe, tmp_path / "real.jsonl", work=tmp_path / "w", stop_when=f"{of} < {threshold}")
    asked = run.series[of].x[-1]
    assert 0.95 * amount < asked < 1.2 * amount
    assert run.estimates[of].value < threshold
    assert f"`{of} < {threshold}` was met" in run.views.computed[1][1]


def test_a_run_stops_by_the_gain_of_its_last_doubling(tmp_path):
    """The toy says what the anchors say: soon another doubling adds nothing to an n-gram model of them."""
    (tmp_path / "real.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS * 2))
    recipe = toy_world(tmp_path / "other.jsonl", 700)
    rule = "gain.nats_per_byte@doubling < 0.5 and diversity.new_fraction < 0.9"
    run = generate(recipe, tmp_path / "real.jsonl", work=tmp_path / "w", stop_when=rule)
    found = run.estimates["gain.nats_per_byte@doubling"]
    assert found.clusters == len(set(TEXTS))
    assert found.interval(0.9)[1] < 0.5
    assert run.series["gain.nats_per_byte@doubling"].x[-1] < 700
    assert "`gain.nats_per_byte@doubling < 0.5 and" in run.views.computed[1][1]


def test_a_toy_that_learned_other_rows_speaks_of_them(tmp_path):
    (tmp_path / "learned.jsonl").write_text(json.dumps({"text": "zebra quagga"}) + "\n")
    recipe = toy_world(tmp_path / "real.jsonl", 8)
    recipe["generator"]["learned"] = str(tmp_path / "learned.jsonl")
    syngain.generate(recipe, tmp_path / "real.jsonl", folder=tmp_path / "run")
    assert {word for row in lines(tmp_path / "run" / "rows.jsonl") for word in row["text"].split()} <= {
        "zebra",
        "quagga",
    }


def test_a_stopped_run_resumes_to_the_same_rows_and_under_the_same_rule_only(tmp_path):
    recipe, real, rule = (
        toy_world(tmp_path / "real.jsonl", 2000),
        tmp_path / "real.jsonl",
        "diversity.new_fraction < 0.6",
    )
    syngain.generate(recipe, real, folder=tmp_path / "run", stop_when=rule)
    assert 200 <= len(lines(tmp_path / "run" / "rows.jsonl")) < 1500
    generate(recipe, real, work=tmp_path / "again.work", stop_when=rule)
    with pytest.raises(UsageError, match="another --stop-when"):
        generate(recipe, real, work=tmp_path / "again.work", stop_when="diversity.new_fraction < 0.5", resume=True)
    syngain.generate(recipe, real, folder=tmp_path / "again", stop_when=rule, resume=True)
    assert exported(tmp_path / "again") == exported(tmp_path / "run")


def test_strategies_take_turns_by_their_share_of_rows(real):
    from syngain.pipeline.prompts.anchors import Anchors
    from syngain.pipeline.recipe import read_recipe
    from syngain.pipeline.strategies import requests

    recipe = read_recipe(toy_recipe())
    names = [request.row.strategy for request in requests(recipe, Anchors.of(syngain.read(real)))]
    assert names.count("few_shot") == 40
    assert names[:12].count("few_shot") == 8
    assert names[:30].count("paraphrase") in {8, 10, 12}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("diversity.new_fraction < 0", "above 0 and at most 1"),
        ("diversity.new_fraction < 1.5", "above 0 and at most 1"),
        ("information.marginal < -1", "above 0"),
        ("diversity.new_fraction > 0.1", "ID < NUMBER"),
        ("not diversity.new_fraction < 0.1", "ID < NUMBER"),
        ("diversity.new_fraction", "ID < NUMBER"),
        ("diversity.new_fraction < information.marginal", "ID < NUMBER"),
        ("diversity.new_fraction < 'a'", "above 0"),
        ("findings.high < 1", "is not measured"),
        ("gain.accuracy < 0.1", "is not measured"),
        ("diversity.new_fraction:lower90 < 0.1", "upper90 or upper95"),
        ("", "stop-when"),
        ("x" * 50, "ID < NUMBER"),
    ],
)
def test_rules_that_are_none_are_refused(wrong, words):
    with pytest.raises(UsageError, match="stop-when") as raised:
        stop_rule(wrong, [GAIN])
    assert words in str(raised.value)


def test_rules_are_read_in_the_language_of_gate():
    assert stop_rule("diversity.new_fraction:value < .25").claim == Below(NEW_SHARE, 0.25, 0.05)
    assert stop_rule("0.25 >= diversity.new_fraction.upper95").claim == Below(NEW_SHARE, 0.25, 0.025)
    assert stop_rule(f'"{GAIN}" < -0.01', [GAIN]).claim == Below(GAIN, -0.01, 0.05)
    both = stop_rule(f"(diversity.new_fraction < 0.2 and {GAIN} < 0.01) or information.marginal:upper90 < 1", [GAIN])
    each = 0.05 / 3
    inner = Claims("and", (Below(NEW_SHARE, 0.2, each), Below(GAIN, 0.01, each)))
    assert both.claim == Claims("or", (inner, Below(NEW_NATS, 1.0, each)))
    assert both.ids == (NEW_SHARE, GAIN, NEW_NATS)


def test_and_waits_for_both_and_or_for_one():
    world, rng = TextWorld.of("uniform", 300, np.random.default_rng(8)), np.random.default_rng(9)
    first, _ = stopped_at(world, f"{NEW_SHARE} < 0.5 or {NEW_SHARE} < 0.1", rng, total=4000)
    last, _ = stopped_at(world, f"{NEW_SHARE} < 0.5 and {NEW_SHARE} < 0.1", rng, total=4000)
    assert right(world, NEW_SHARE, 0.5) < first < right(world, NEW_SHARE, 0.1) < last


def test_a_gain_is_not_watched_where_the_anchors_cannot_judge_it(tmp_path):
    (tmp_path / "few.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS[:10]))
    recipe = toy_world(tmp_path / "real.jsonl", 300)
    with pytest.raises(InputError, match="10 rows"):
        generate(recipe, tmp_path / "few.jsonl", work=tmp_path / "w", stop_when="gain.nats_per_byte@doubling < 0.1")
    with pytest.raises(UsageError, match="is not measured"):
        generate(recipe, tmp_path / "few.jsonl", work=tmp_path / "w", stop_when="gain.accuracy@doubling < 0.1")
    assert not (tmp_path / "w").exists()
