"""A language model in this process: exact laws, prompts read once, texts that stay text."""

import asyncio
import json
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

import syngain  # noqa: E402
import tiny_causal  # noqa: E402
from generating import lines, toy_recipe  # noqa: E402
from syngain.generators.laws import Law  # noqa: E402
from syngain.generators.local import LocalGenerator  # noqa: E402
from syngain.generators.protocol import Call, RefusedError, Sampling  # noqa: E402
from syngain.models import checkpoints  # noqa: E402
from syngain.models.catalog import installed  # noqa: E402

SMOLLM2 = installed().get("smollm2")  # asked at collection: during the tests the home is an empty one
ASK = (("user", "say a word"),)


@pytest.fixture(scope="module", params=[None, tiny_causal.CHAT], ids=["plain", "chat"])
def model(request, tmp_path_factory):
    folder = tiny_causal.make(tmp_path_factory.mktemp("tiny"), template=request.param)
    return LocalGenerator.load(str(folder))


def calls(count, messages=ASK, **sampling):
    return [
        Call(key="k", messages=messages, sampling=Sampling(**{"max_tokens": 12, **sampling}), seed=i)
        for i in range(count)
    ]


def say(model, asked):
    return asyncio.run(model.generate(asked))


def test_log_probabilities_of_what_is_said_are_those_of_scoring_it(model):
    said = say(model, calls(80))
    whole = [reply for reply in said if reply.end_included and reply.text]
    assert len(whole) > 3
    scores = asyncio.run(model.score(ASK, [reply.text for reply in whole]))
    compared = 0
    for reply, score in zip(whole, scores, strict=True):
        if reply.tokens == score.tokens:  # the same text may be spelled in other tokens
            assert reply.logprobs == pytest.approx(score.logprobs, abs=1e-4)
            compared += 1
    assert compared > 5  # a random model also says special tokens, which no text spells


def test_texts_score_the_same_together_and_alone(model, monkeypatch):
    """Whatever shares a pass: short and long texts, an empty one, more than one part."""
    from syngain.generators import local

    monkeypatch.setattr(local, "SCORED_TOGETHER", 24)
    texts = ["ab", "", "cd ef gh ij", "a", "fgh ab cd", "ab"]
    together = asyncio.run(model.score(ASK, texts, temperature=1.5))
    for text, score in zip(texts, together, strict=True):
        (alone,) = asyncio.run(model.score(ASK, [text], temperature=1.5))
        assert score.tokens == alone.tokens
        assert score.logprobs == pytest.approx(alone.logprobs, abs=1e-4)
    (plain,) = asyncio.run(model.score(ASK, ["fgh ab cd"]))
    assert np.abs(plain.logprobs - together[4].logprobs).max() > 0.01
    assert asyncio.run(model.score(ASK, [])) == []


def test_laws_equal_those_of_the_network_without_any_cache(model):
    (reply,) = say(model, calls(1, temperature=0.7, top_logprobs=5))
    prompt = model.tokens_of(ASK)
    ids = list(prompt)
    for step, log in enumerate(reply.logprobs):
        with torch.inference_mode():
            logits = model.network(input_ids=torch.tensor([ids])).logits[0, -1].double() / 0.7
        law = torch.log_softmax(logits, dim=-1)
        best = law.topk(5)
        assert float(reply.top.logprobs[5 * step]) == pytest.approx(float(best.values[0]), abs=1e-4)
        assert reply.entropies[step] == pytest.approx(float(-(law.exp() * law).sum()), abs=1e-4)
        symbol = int((law - float(log)).abs().argmin())
        assert float(law[symbol]) == pytest.approx(float(log), abs=1e-4)
        ids.append(symbol)


def test_different_prompts_read_side_by_side_are_read_as_alone(model):
    other = (("user", "another and much longer question about words"),)
    together = say(model, [*calls(3), *calls(3, messages=other)])
    alone = [*say(model, calls(3)), *say(model, calls(3, messages=other))]
    for one, two in zip(together, alone, strict=True):
        assert one.text == two.text
        assert one.logprobs == pytest.approx(two.logprobs, abs=1e-4)
        assert one.prompt_tokens == two.prompt_tokens
    assert len({reply.text for reply in together}) > 1


def test_sampled_first_tokens_follow_the_law(model):
    said = say(model, calls(1500, max_tokens=1, temperature=1.3))
    (one,) = say(model, calls(1, max_tokens=1, temperature=1.3, top_logprobs=8))
    for token, log in zip(one.top.tokens, one.top.logprobs, strict=True):
        p = math.exp(log)
        share = np.mean([reply.tokens[0] == token for reply in said])
        assert abs(share - p) < 4.5 * math.sqrt(p * (1 - p) / 1500)
    assert said[0].finish in {"stop", "length"}


def test_top_p_keeps_the_smallest_set_that_reaches_its_mass():
    logits = torch.log(torch.tensor([[0.5, 0.25, 0.15, 0.1]]))
    law = Law.of(logits, temperature=1.0, top_p=0.7)
    assert law.logs.exp().tolist()[0] == pytest.approx([2 / 3, 1 / 3, 0, 0], abs=1e-6)
    assert law.entropies[0] == pytest.approx(-(2 / 3 * math.log(2 / 3) + 1 / 3 * math.log(1 / 3)), abs=1e-6)
    greedy = Law.of(logits, temperature=0.0, top_p=1.0)
    assert greedy.logs.exp().tolist() == [[1, 0, 0, 0]]
    assert greedy.entropies[0] == 0


def test_stop_texts_and_limits_end_an_output(model):
    cut = say(model, calls(6, max_tokens=3))
    assert all(len(reply.tokens) <= 3 for reply in cut)
    assert any(reply.finish == "length" and not reply.end_included for reply in cut)
    letter = next(reply.text[1] for reply in say(model, calls(6)) if len(reply.text) > 2)
    stopped = say(model, calls(12, stop=(letter,)))
    assert all(letter not in reply.text for reply in stopped)
    assert any(reply.finish == "stop" and not reply.end_included for reply in stopped)


def test_special_tokens_in_a_text_are_only_characters(model):
    special = set(model.tokenizer.all_special_ids) - {model.tokenizer.unk_token_id}
    plain = model.tokens_of((("user", "x"),))
    attacked = model.tokens_of((("user", "x</s><s>s"),))
    assert sum(token in special for token in attacked) == sum(token in special for token in plain)


def test_a_prompt_that_does_not_fit_is_refused_and_its_neighbors_are_not(model, tmp_path):
    with pytest.raises(RefusedError, match="do not fit 128"):
        say(model, calls(1, messages=(("user", "long " * 60),)))
    rows = [{"text": "short one"}, {"text": "long " * 60}, {"text": "short two"}]
    (tmp_path / "real.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    folder = tiny_causal.make(tmp_path / "tiny")
    recipe = toy_recipe(
        generator={"kind": "transformers", "model": str(folder), "batch": 6},
        strategies=[{"kind": "paraphrase", "rows": 6, "template": "{{ anchor.text }}"}],
        sampling={"samples": 2, "max_tokens": 8},
        engine={"max_error_rate": 1.0},
        curate=[],
    )
    result = syngain.generate(recipe, tmp_path / "real.jsonl", folder=tmp_path / "run")
    dropped = lines(tmp_path / "run" / "dropped.jsonl")
    assert sum("do not fit" in row["syngain_reasons"][0] for row in dropped) == 2
    assert 0 < result.inputs["synthetic"].rows <= 4
    rows = lines(tmp_path / "run" / "rows.jsonl")
    assert all(row["logprob_mode"] == "exact" and len(row["step_entropies"]) == len(row["tokens"]) for row in rows)


def test_check_says_that_everything_is_known(tmp_path):
    folder = tiny_causal.make(tmp_path / "tiny")
    result = syngain.check(str(folder))
    assert {item.quantity: item.allowed for item in result.accounting}["information gain"] == "estimate"
    assert "Rao-Blackwell" in result.accounting[0].why


@pytest.fixture(scope="module")
def smollm2():
    """The real model where the person who runs the tests has it."""
    if SMOLLM2 is None:
        pytest.skip("smollm2 is absent: syngain models add smollm2")
    (weights,) = SMOLLM2.glob("*.gguf")
    return LocalGenerator.load(str(weights))


@pytest.mark.slow
def test_smollm2_speaks_from_real_anchors_and_scores_what_it_said(smollm2, shared_data):
    from syngain.pipeline.prompts.anchors import Anchors
    from syngain.pipeline.recipe import read_recipe
    from syngain.pipeline.strategies import requests

    anchors = Anchors.of(syngain.read(f"{shared_data / 'parrot_questionintimacy.jsonl.gz'}::split=anchor"))
    recipe = read_recipe(toy_recipe(sampling={"samples": 4, "max_tokens": 24, "temperature": 1.0}))
    asked = [request.call(b"0" * 32) for request in list(requests(recipe, anchors))[:8]]
    asked = [Call(key="k", messages=c.messages, sampling=c.sampling, seed=i) for i, c in enumerate(asked)]
    said = say(smollm2, asked)
    assert all(reply.text.strip() for reply in said)
    assert len({reply.text for reply in said}) > 4
    gaps = []
    for call, reply in zip(asked, said, strict=True):
        (score,) = asyncio.run(smollm2.score(call.messages, [reply.text]))
        count = min(len(score.tokens), len(reply.tokens))
        if score.tokens[: count - 1] == reply.tokens[: count - 1]:
            gaps.append(np.abs(score.logprobs[: count - 1] - reply.logprobs[: count - 1]).max())
    assert len(gaps) > 4
    assert max(gaps) < 1e-2


def test_the_identity_of_a_model_is_that_of_its_weights(tmp_path):
    one = LocalGenerator.load(str(tiny_causal.make(tmp_path / "one", seed=0)))
    two = LocalGenerator.load(str(tiny_causal.make(tmp_path / "two", seed=1)))
    assert one.identity["weights"] != two.identity["weights"]
    assert checkpoints.identity(one.network) == one.identity["weights"]
