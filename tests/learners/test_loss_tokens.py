"""Which tokens are trained on: the same setting for every trainer, and scores that do not depend on it."""

from __future__ import annotations

import numpy as np
import pytest

import tiny_causal
from syngain.core import UsageError
from syngain.data import Dataset
from syngain.learners.adapting import OptimizerSteps, plain
from syngain.learners.causal import CausalProxy
from syngain.learners.completions import LOSSES, assistant_turns, tokens_of

CHAT = [
    {"role": "user", "content": "hi"},
    {"role": "assistant", "content": "yo man"},
    {"role": "user", "content": "more"},
    {"role": "assistant", "content": "fine"},
]
PROMPT = "user: hi\nassistant: yo man\nuser: more"


def test_assistant_turns_of_a_conversation_are_found_and_other_prompts_have_none():
    assert [PROMPT[first:end] for first, end in assistant_turns(PROMPT)] == ["yo man"]
    two = "system: s\nuser: a\nassistant: b\nb\nuser: c\nassistant: d"
    assert [two[first:end] for first, end in assistant_turns(two)] == ["b\nb", "d"]
    for text in ("", "say: user: hi", "write a poem\nassistant: never", "user: only one turn"):
        assert assistant_turns(text) == []


def test_a_token_belongs_to_the_turn_that_holds_its_last_character():
    assert tokens_of([(4, 9), (12, 13)], [2, 4, 6, 9, 11, 14], 1) == ((3, 5),)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    for name in ("torch", "transformers", "peft"):
        pytest.importorskip(name, reason=f"{name} is absent: pip install 'syngain[train]'")
    return tiny_causal.make(tmp_path_factory.mktemp("loss"), template=tiny_causal.CHAT)


def opened(folder, loss):
    model = CausalProxy(
        model=str(folder), rank=2, rates=(0.01,), max_tokens=64, device="cpu", dtype="float32", loss=loss
    ).open()
    model.reset(0)
    return model


def read(model, rows):
    reader = model.reader(rows.kind)
    return [reader.read(*pair) for pair in zip(*rows.sides.values(), strict=True)]


@pytest.fixture(scope="module")
def rows():
    return Dataset.from_rows([{"messages": CHAT}, {"messages": [CHAT[2], CHAT[1]]}], "chats")


def by_hand(model, row, positions):
    """The slow twin: mean surprisal of these positions."""
    import torch

    with torch.no_grad():
        law = model.network(input_ids=torch.tensor([row.ids])).logits[0].double().log_softmax(dim=-1)
    return [-float(law[at - 1, row.ids[at]]) for at in positions]


@pytest.mark.parametrize("loss", list(LOSSES))
def test_what_is_trained_on_is_the_setting_and_scores_are_of_the_response_alone(folder, rows, loss):
    model = opened(folder, loss)
    chats = read(model, rows)
    decoded = [model.tokenizer.decode([token]) for token in chats[0].ids]
    taught = [[at for first, end in row.taught for at in range(first, end)] for row in chats]
    if loss == "completion":
        assert taught == [[], []]
    elif loss == "assistant":
        assert "".join(decoded[at] for at in taught[0]) == "yo man"
        assert taught[1] == []  # no assistant turn but the response
    else:
        assert taught == [list(range(1, row.start)) for row in chats]
    every = [
        nats
        for row, more in zip(chats, taught, strict=True)
        for nats in by_hand(model, row, [*more, *range(row.start, len(row.ids))])
    ]
    assert model.slopes(chats)[0] == pytest.approx(np.mean(every), rel=1e-5)
    scored = [sum(by_hand(model, row, range(row.start, len(row.ids)))) for row in chats]
    np.testing.assert_allclose(model.score(chats), scored, rtol=1e-5)


@pytest.mark.parametrize("loss", list(LOSSES))
def test_trl_and_the_plain_loop_take_the_same_steps_under_every_setting(folder, rows, loss):
    for name in ("trl", "datasets"):
        pytest.importorskip(name, reason=f"{name} is absent: pip install 'syngain[train]'")
    from syngain.training.trl_sft import supervised

    found = []
    for stepper in (plain, supervised):
        model = opened(folder, loss)
        chats = read(model, rows)
        stepper(model, OptimizerSteps(lambda _, rows=chats: rows, model.optimizer(), 0.01, range(3), lambda: None))
        found.append(model.score(chats))
    np.testing.assert_allclose(*found, rtol=1e-5)


def test_a_text_has_no_prompt_and_an_unknown_setting_is_an_error(folder):
    model = opened(folder, "all")
    text = model.reader(Dataset.from_rows([{"text": "a b"}], "texts").kind).read("", "a b")
    assert text.taught == ()
    assert text.trained == text.scored
    with pytest.raises(UsageError, match="loss = 'prompt'") as error:
        CausalProxy(loss="prompt")
    assert "completion, assistant, all" in str(error.value)
