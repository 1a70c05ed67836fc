"""The parts of generation: the store forgets nothing, the budget is never passed, curation is kept plus dropped."""

import asyncio
import json
import math
import sqlite3
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import syngain
from fake_server import FakeServer
from generating import anchors, lines, toy_recipe
from syngain.cli import main
from syngain.core.errors import InputError
from syngain.data import Dataset
from syngain.generators import MarkovText, ToyGenerator
from syngain.generators.pace import Pace, Patience
from syngain.generators.protocol import Call, Reply, RetryableError, Sampling, TopLogprobs, request_key
from syngain.generators.wire import reply as parsed_reply
from syngain.pipeline.prompts.anchors import Anchors
from syngain.pipeline.recipe import read_recipe
from syngain.pipeline.store.acceptance import divergences
from syngain.pipeline.store.budget import Ledger, Prices, prompt_bound
from syngain.pipeline.store.codec import packed_reply, unpacked_reply
from syngain.pipeline.store.request import Pending, Request, RowSpec
from syngain.pipeline.store.spending import Charge
from syngain.pipeline.store.store import Store
from syngain.pipeline.strategies import requests
from syngain.workflows.generate.generate import generate

floats = st.floats(-50, 0, width=32)


@st.composite
def replies(draw):
    steps = draw(st.integers(0, 6))
    tokens = tuple(draw(st.lists(st.text(max_size=5), min_size=steps, max_size=steps)))
    logs = np.array(draw(st.lists(floats, min_size=steps, max_size=steps)), dtype=np.float32)
    counts = tuple(draw(st.lists(st.integers(0, 3), min_size=steps, max_size=steps)))
    total = sum(counts)
    top = TopLogprobs(
        counts=counts,
        tokens=tuple(draw(st.lists(st.text(max_size=3), min_size=total, max_size=total))),
        logprobs=np.array(draw(st.lists(floats, min_size=total, max_size=total)), dtype=np.float32),
    )
    kind = draw(st.sampled_from(["none", "chosen", "top", "exact"]))
    return Reply(
        text=draw(st.text(max_size=20)),
        finish=draw(st.sampled_from(["stop", "length"])),
        tokens=None if kind == "none" else tokens,
        logprobs=None if kind == "none" else logs,
        top=top if kind in {"top", "exact"} else None,
        entropies=-logs if kind == "exact" else None,
        end_included=draw(st.booleans()),
        mode=None if kind == "none" else "raw",
        prompt_tokens=draw(st.none() | st.integers(0, 99)),
        completion_tokens=draw(st.none() | st.integers(0, 99)),
        id=draw(st.text(max_size=5)),
    )


def same(one, two):
    arrays = [(one.logprobs, two.logprobs), (one.entropies, two.entropies)]
    if one.top is not None:
        assert (one.top.counts, one.top.tokens) == (two.top.counts, two.top.tokens)
        arrays.append((one.top.logprobs, two.top.logprobs))
    assert all((a is None) == (b is None) and (a is None or np.array_equal(a, b)) for a, b in arrays)
    names = ("text", "finish", "tokens", "end_included", "mode", "prompt_tokens", "completion_tokens", "id")
    assert [getattr(one, name) for name in names] == [getattr(two, name) for name in names]


@given(replies())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_stored_is_what_was_said(reply):
    same(reply, unpacked_reply(*packed_reply(reply)))


def a_row(strategy="s"):
    return RowSpec(strategy=strategy, anchors=("a",), label=None, output="text", into="text", fixed={})


def a_request(text="say", sample=0, **changes):
    values = {"messages": (("user", text),), "sampling": Sampling(), "sample": sample, "run_seed": 0}
    values["purpose"] = a_row()
    return Request(**values | changes)


def test_keys_depend_on_model_prompt_parameters_and_sample_and_on_nothing_else():
    one = a_request().key({"model": "m"})
    assert one == a_request(purpose=a_row("other")).key({"model": "m"})
    others = [
        a_request().key({"model": "n"}),
        a_request("tell").key({"model": "m"}),
        a_request(sampling=Sampling(temperature=0.5)).key({"model": "m"}),
        a_request(sample=1).key({"model": "m"}),
        a_request(run_seed=1).key({"model": "m"}),
    ]
    assert len({one, *others}) == 6
    content = {"a": 1, "b": [2.5, "ä"]}
    assert request_key(content, (("user", "x"),), {}, 0) == request_key(
        dict(reversed(content.items())), (("user", "x"),), {}, 0
    )


def test_equal_prompts_get_sample_indices_of_their_own(tmp_path):
    with Store.opened(tmp_path / "store.sqlite") as store:
        assert store.plan([a_request(), a_request(), a_request("tell"), a_request()], {}) == 4
        assert [(p.request.messages[0][1], p.request.sample) for p in store.pending(0, 9)] == [
            ("say", 0),
            ("say", 1),
            ("tell", 0),
            ("say", 2),
        ]


def test_what_was_in_flight_is_counted_as_spent_and_asked_again(tmp_path):
    path = tmp_path / "store.sqlite"
    with Store.opened(path) as store:
        store.plan([a_request(str(i)) for i in range(4)], {})
        items = store.pending(0, 9)
        entries = store.sent([(item.key, (100, 0.5)) for item in items[:3]])
        charge = Charge(least=(40, 0.1), most=(50, 0.2))
        store.answered(items[0], Reply(text="x", finish="stop"), (entries[0], charge), None, {})
        store.lost(items[1].key, entries[1], Charge(most=(100, 0.5)))
    with Store.opened(path) as store:
        assert store.recover() == 1
        assert [item.key for item in store.pending(0, 9)] == [item.key for item in items[1:]]
        spent = store.spent()
    assert spent.least == (40, 0.1)
    assert spent.most == (250, 1.2)


def test_a_store_of_another_schema_and_a_file_that_is_none_are_refused(tmp_path):
    path = tmp_path / "store.sqlite"
    with Store.opened(path) as store:
        store.set_meta("schema", "99")
    with pytest.raises(InputError, match="schema 99"), Store.opened(path):
        pass
    names = {row[0] for row in sqlite3.connect(path).execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert names == {"meta", "requests", "responses", "decisions", "ledger"}
    (tmp_path / "text").write_text("this is no database, and long enough to be read as one" * 40)
    with pytest.raises(InputError, match="not a run store"), Store.opened(tmp_path / "text"):
        pass


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_order_of_reservations_and_settlements_passes_a_ceiling(data):
    ledger = Ledger(
        Prices(1.0, 3.0), max_tokens=data.draw(st.integers(1, 2000)), max_usd=data.draw(st.floats(1e-5, 1e-2))
    )
    held = []
    for _ in range(60):
        if held and data.draw(st.booleans()):
            cost = held.pop(data.draw(st.integers(0, len(held) - 1)))
            share = data.draw(st.floats(0, 1))
            ledger.settle(cost, Charge(most=(int(cost[0] * share), cost[1] * share)))
        else:
            request = a_request(
                "x" * data.draw(st.integers(0, 300)), sampling=Sampling(max_tokens=data.draw(st.integers(1, 300)))
            )
            cost = ledger.worst(request)
            if ledger.reserve(cost):
                held.append(cost)
        assert ledger.most[0] + sum(tokens for tokens, _ in held) <= ledger.max_tokens
        assert ledger.most[1] + sum(usd for _, usd in held) <= ledger.max_usd + 1e-9


@given(st.text(max_size=60))
def test_the_bound_of_a_prompt_is_at_least_its_bytes(text):
    assert prompt_bound((("user", text),)) >= len(text.encode("utf-8", "replace"))


def test_the_pace_halves_when_throttled_grows_when_not_and_waits_as_told():
    pace = Pace(Patience(concurrency=16, backoff=0.1), np.random.default_rng(0))
    for _ in range(40):
        pace.good()
    assert pace.room == 16
    pace.bad(RetryableError("429", throttled=True, after=0.2))
    pace.bad(RetryableError("429", throttled=True))  # the same burst
    assert pace.room == 8
    assert pace.delay(0, RetryableError("429", after=3.0)) >= 3.0
    assert 0.05 <= pace.delay(0, RetryableError("500")) <= 0.1
    assert pace.delay(30, RetryableError("500")) <= 60.0
    pace.good()
    assert 8 < pace.limit < 9

    async def waited():
        begin = asyncio.get_running_loop().time()
        await pace.turn()
        return asyncio.get_running_loop().time() - begin

    assert asyncio.run(waited()) > 0.1


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {"object": "list"},
        {"choices": []},
        {"choices": [{"message": {}}]},
        {"choices": [{"message": {"content": None}}]},
        {"choices": [{"message": {"content": "ab"}, "logprobs": {"content": [{"token": "ab", "logprob": "x"}]}}]},
        {"choices": [{"message": {"content": "ab"}, "logprobs": {"content": [{"token": "ab", "logprob": 2.0}]}}]},
        {"choices": [{"message": {"content": "ab"}, "logprobs": {"content": [{"token": "b", "logprob": -1}]}}]},
        {"choices": [{"message": {"content": "ab"}, "logprobs": [1]}]},
    ],
)
def test_answers_that_break_the_protocol_are_tried_again(answer):
    with pytest.raises(RetryableError):
        parsed_reply(answer, api="chat", mode="raw")


@pytest.mark.parametrize(
    ("text", "tokens", "billed", "fits"),
    [
        ("a b", ["a", " b"], 2, True),
        ("a b", ["a", " b", "</s>"], 3, True),
        ("a b", ["<think>", " hm ", "a", " b"], 4, True),
        ("a b", ["\u2581a", "\u2581b"], 3, True),
        ("\U0001f600", ["\ufffd", "\ufffd"], 3, True),
        ("a b", ["a", " c"], 2, True),
        ("a b", ["a"], 2, False),
        ("a b", ["a", " c", "d"], 2, False),
        ("a b c", ["?!"], 2, False),
        ("a b", ["a", " c"], None, False),
    ],
)
def test_log_probabilities_fit_the_text_or_are_refused(text, tokens, billed, fits):
    steps = [{"token": token, "logprob": -1.0} for token in tokens]
    usage = {"prompt_tokens": 1, "completion_tokens": billed}
    answer = {"choices": [{"message": {"content": text}, "logprobs": {"content": steps}}], "usage": usage}
    if fits:
        assert parsed_reply(answer, api="chat", mode="raw").tokens == tuple(tokens)
    else:
        with pytest.raises(RetryableError, match="do not fit"):
            parsed_reply(answer, api="chat", mode="raw")


def world():
    rows = anchors(30)
    return ToyGenerator(MarkovText.fit([row["text"] for row in rows], [row["label"] for row in rows]))


def test_the_toy_says_exactly_how_probable_its_words_were():
    toy = world()
    messages = (("user", "a text of the class travel please"),)
    calls = [
        Call(key="k", messages=messages, sampling=Sampling(max_tokens=40, top_logprobs=4), seed=seed)
        for seed in range(30)
    ]
    said = asyncio.run(toy.generate(calls))
    assert said[0].text != said[1].text
    scored = asyncio.run(toy.score(messages, [reply.text for reply in said]))
    for reply, score in zip(said, scored, strict=True):
        assert reply.tokens == score.tokens
        assert reply.logprobs == pytest.approx(score.logprobs, abs=1e-5)
        assert reply.entropies == pytest.approx(toy.chain.steps(reply.text, "travel")[1], abs=1e-5)
        assert "".join(reply.tokens[:-1]) == reply.text
        assert reply.top.counts == tuple(min(4, count) for count in reply.top.counts)
    assert asyncio.run(toy.generate(calls))[7].text == said[7].text
    (cut,) = asyncio.run(toy.generate([Call(key="k", messages=messages, sampling=Sampling(max_tokens=2), seed=1)]))
    assert (cut.finish, cut.end_included, len(cut.tokens)) == ("length", False, 2)


def test_the_toy_speaks_in_the_chain_of_the_label_that_is_named_last():
    toy = world()
    assert toy.label_of((("user", "cooking or travel"),)) == "travel"
    assert toy.label_of((("user", "travels"),)) is None
    nested = ToyGenerator(MarkovText.fit(["a b", "c d"], ["Not-intimate", "Not-intimate-at-all"]))
    assert nested.label_of((("user", "one that is Not-intimate-at-all"),)) == "Not-intimate-at-all"
    assert nested.label_of((("user", "one that is Not-intimate"),)) == "Not-intimate"
    other = ToyGenerator(MarkovText.fit(["a b"]))
    assert other.identity != toy.identity
    assert world().identity == toy.identity


def real_set(count=30):
    return Anchors.of(Dataset.from_rows(anchors(count), "real"))


def test_a_plan_has_the_rows_it_was_asked_for_and_examples_of_one_label():
    recipe = read_recipe(toy_recipe(strategies=[{"kind": "few_shot", "rows": 37, "shots": 4}]))
    planned = list(requests(recipe, real_set()))
    assert len(planned) == 37
    by_id = {row.id: row for row in real_set().rows}
    for request in planned:
        shots = request.row.anchors
        assert len(set(shots)) == 4
        assert {by_id[shot].label for shot in shots} == {request.row.label}
        assert all(by_id[shot].columns["text"] in request.messages[0][1] for shot in shots)
    assert planned == list(requests(recipe, real_set()))
    other = read_recipe(toy_recipe(strategies=[{"kind": "few_shot", "rows": 37, "shots": 4}], seed=1))
    assert planned != list(requests(other, real_set()))


def test_every_anchor_is_used_before_one_is_used_twice():
    recipe = read_recipe(toy_recipe(strategies=[{"kind": "paraphrase", "rows": 60}], sampling={"samples": 1}))
    used = Counter(request.row.anchors[0] for request in requests(recipe, real_set()))
    assert set(used.values()) == {2}


PAIRS = [{"prompt": f"What is {i} plus {i}?", "completion": f"It is {2 * i}."} for i in range(12)]


@pytest.mark.parametrize("kind", ["few_shot", "paraphrase", "self_instruct", "persona", "attributes", "answer"])
def test_every_strategy_makes_prompts_for_pairs_and_for_texts(kind):
    extra = {"attributes": {"topic": ["food", "art"]}} if kind == "attributes" else {}
    recipe = read_recipe(toy_recipe(strategies=[{"kind": kind, "rows": 8, **extra}]))
    pairs = Anchors.of(Dataset.from_rows(PAIRS, "real"))
    for found in [pairs] if kind == "answer" else [pairs, real_set()]:
        planned = list(requests(recipe, found))
        assert len({request.messages for request in planned}) == 2  # 4 samples each
        assert all(request.messages[0][1].strip() for request in planned)


def test_pairs_are_parsed_answers_keep_their_prompt_and_rows_read_back_as_pairs(tmp_path):
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in PAIRS))

    def say(asked):
        text = asked["messages"][0]["content"]
        if text.startswith("What"):
            return f"An answer {asked['seed']}"
        if "other words" in text:
            return f"How much is {asked['seed']}?"
        return (
            f"Sure!\nInstruction: Do {asked['seed']}\nAnswer: Done.\n\nInstruction: more" if asked["seed"] % 3 else "hm"
        )

    with FakeServer() as server:
        server.say = say
        recipe = {
            "generator": {"kind": "openai", "model": "fake", "base_url": server.url},
            "strategies": [{"kind": kind, "rows": 12} for kind in ("answer", "paraphrase", "few_shot")],
            "curate": [],
        }
        syngain.generate(recipe, path, folder=tmp_path / "run")
    kept = lines(tmp_path / "run" / "kept.jsonl")
    by_prompt = {row["prompt"]: row["completion"] for row in PAIRS}
    by_strategy = {
        name: [row for row in kept if row["strategy"] == name] for name in ("answer", "paraphrase", "few_shot")
    }
    assert all(
        row["prompt"] in by_prompt and row["completion"].startswith("An answer") for row in by_strategy["answer"]
    )
    assert all(row["completion"] in by_prompt.values() for row in by_strategy["paraphrase"])
    assert all(row["completion"] == "Done." and row["raw_text"].startswith("Sure") for row in by_strategy["few_shot"])
    assert 0 < len(by_strategy["few_shot"]) < 12
    data = syngain.read(tmp_path / "run" / "kept.jsonl", like=syngain.read(path))
    assert data.kind.value == "pair"


def test_every_step_drops_with_its_reason_and_nothing_is_lost(real, tmp_path):
    (tmp_path / "mine.py").write_text(
        "def judge(row):\n    return 'mine says no' if 'bread' in row['text'] else True\n"
    )
    sys.path.insert(0, str(tmp_path))
    try:
        recipe = toy_recipe(
            curate=[
                {"step": "finished"},
                {"step": "length", "max_words": 14},
                {"step": "format", "must_not": "fee"},
                {"step": "label", "leaks": "drop"},
                {"step": "rule", "keep": "'hotel' not in text", "name": "no hotels"},
                {"step": "dedup"},
                {"step": "dedup", "near": 0.9},
                {"step": "function", "call": "mine:judge"},
            ],
            strategies=[{"kind": "few_shot", "rows": 150}],
        )
        result = syngain.generate(recipe, real, folder=tmp_path / "run")
    finally:
        sys.path.remove(str(tmp_path))
    kept, dropped = lines(tmp_path / "run" / "kept.jsonl"), lines(tmp_path / "run" / "dropped.jsonl")
    assert len(kept) + len(dropped) == len(lines(tmp_path / "run" / "rows.jsonl")) == 150
    texts = [row["text"] for row in kept]
    assert len(set(texts)) == len(texts)
    assert not set(texts) & {row["text"] for row in anchors()}
    assert not [text for text in texts if "fee" in text or "hotel" in text or "bread" in text or len(text.split()) > 14]
    steps = Counter(row["syngain_step"] for row in dropped)
    assert set(steps) >= {"length", "dedup", "no hotels", "function"}
    assert result.estimates["generation.divergence@length"].value == pytest.approx(steps["length"] / 150)
    assert all(row["syngain_reasons"][0] for row in dropped)
    assert [row["request"] for row in kept] == sorted(row["request"] for row in kept)


def test_the_divergence_of_a_filter_covers_the_truth_over_prompts():
    """Prompts with acceptance from a beta law of mean .7; the interval covers 1 - .7 at its level."""
    rng, hits, worlds = np.random.default_rng(0), 0, 400
    for _ in range(worlds):
        chances = rng.beta(7, 3, size=40)
        rows = [(str(i), 1, "f", int(rng.binomial(8, chance)), 8) for i, chance in enumerate(chances)]
        low, high = divergences(rows, set())["generation.divergence@f"].interval(0.95)
        hits += low <= 0.3 <= high
    assert abs(hits / worlds - 0.95) < 4 * math.sqrt(0.95 * 0.05 / worlds)


def test_a_filter_that_drops_nothing_still_has_an_interval():
    found = divergences([(str(i), 0, "parse", 4, 4) for i in range(20)], set())["generation.divergence"]
    assert found.value == 0
    assert found.interval(0.95) == (0.0, pytest.approx(1 - 0.025 ** (1 / 20)))


def test_templates_need_no_model_and_carry_no_log_probabilities(real, tmp_path):
    recipe = toy_recipe(
        strategies=[
            {"kind": "template", "rows": 9, "template": "Again: {{ anchor.text }}"},
            {"kind": "few_shot", "rows": 4},
        ],
        curate=[],
    )
    syngain.generate(recipe, real, folder=tmp_path / "run")
    rows = lines(tmp_path / "run" / "rows.jsonl")
    made = [row for row in rows if row["strategy"] == "template"]
    assert len(made) == 9
    assert all(row["text"].startswith("Again: ") and "token_logprobs" not in row for row in made)


def test_the_same_recipe_and_seed_give_the_same_bytes_and_the_command_line_agrees(real, tmp_path, monkeypatch, capsys):
    (tmp_path / "recipe.yaml").write_text(json.dumps(toy_recipe()))
    syngain.generate(tmp_path / "recipe.yaml", real, folder=tmp_path / "one")
    for folder, flags, expected in (
        ("two", (), 0),
        ("two", (), 2),
        ("two", ("--resume",), 0),
        ("two", ("--resume", "--seed", 5), 2),
    ):
        arguments = ["generate", tmp_path / "recipe.yaml", "--anchor", real, "-o", tmp_path / folder, "-q", *flags]
        monkeypatch.setattr(sys, "argv", ["syngain", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        assert stop.value.code == expected
        _, err = capsys.readouterr()
        assert err == "" if expected == 0 else "error:" in err
    names = ("rows.jsonl", "kept.jsonl", "dropped.jsonl", "report.json", "recipe.yaml")
    assert [(tmp_path / "one" / name).read_bytes() for name in names] == [
        (tmp_path / "two" / name).read_bytes() for name in names
    ]
    arguments[-3:] = ["--dry-run"]
    monkeypatch.setattr(sys, "argv", ["syngain", *map(str, arguments)])
    with pytest.raises(SystemExit):
        main()
    assert json.loads(capsys.readouterr().out)["requests"] == 60


def test_real_anchors_give_rows_that_the_audit_takes(shared_data, tmp_path):
    anchors_file = f"{shared_data / 'parrot_questionintimacy.jsonl.gz'}::split=anchor"
    recipe = toy_recipe(
        strategies=[{"kind": "few_shot", "rows": 160}, {"kind": "paraphrase", "rows": 40}], sampling={"samples": 8}
    )
    run = generate(recipe, anchors_file, work=tmp_path / "w.work")
    syngain.generate(recipe, anchors_file, folder=tmp_path / "run")
    result = syngain.audit(anchors_file, str(tmp_path / "run" / "kept.jsonl"), gain=False)
    assert "matched to a real row in 100.0%" in result.inputs["synthetic"].roles
    assert result.inputs["synthetic"].rows == run.inputs["synthetic"].rows


def test_pending_items_carry_the_whole_request(tmp_path):
    with Store.opened(tmp_path / "s.sqlite") as store:
        request = a_request(sampling=Sampling(stop=("a", "b"), top_p=0.5), schema={"type": "object"})
        store.plan([request], {})
        (item,) = store.pending(0, 5)
    assert isinstance(item, Pending)
    assert item.request == request
