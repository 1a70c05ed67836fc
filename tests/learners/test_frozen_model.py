"""Hidden states of a frozen model against its own scores, and their cache."""

from __future__ import annotations

import multiprocessing
import os

import numpy as np
import pytest

from syngain.core.errors import InputError, UsageError
from syngain.learners.causal import CausalProxy
from syngain.learners.completions import Completion
from syngain.learners.frozen.model import FrozenModel
from syngain.learners.frozen.state_cache import RowStates, StateCache, cache_size, empty_cache, limit_bytes

tiny_causal = pytest.importorskip("tiny_causal")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    return tiny_causal.make(tmp_path_factory.mktemp("tiny"))


def rows(count=12, seed=0):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(3, 20, count)
    return [
        Completion(tuple(rng.integers(4, 30, n).tolist()), int(rng.integers(1, n)), int(n), cut=False) for n in lengths
    ]


def proxy(folder):
    return CausalProxy(model=str(folder), dtype="float32", device="cpu", max_tokens=64)


def states(count, seed=0):
    rng = np.random.default_rng(seed)
    part = rng.standard_normal((count, 4)).astype(np.float16)
    return RowStates(part, np.ones(count, np.float32), -np.ones(count, np.float32))


def test_frozen_losses_are_the_scores_of_the_model(folder, tmp_path):
    pytest.importorskip("peft")
    some = rows()
    model = FrozenModel.open(proxy(folder), cache=StateCache("m", tmp_path))
    ours = [-float(one.own.sum()) for one in model.states(some)]
    theirs = proxy(folder).open().score(some)
    assert ours == pytest.approx(theirs.tolist(), abs=0.02)
    assert np.mean(ours) == pytest.approx(theirs.mean(), abs=0.004)


def test_states_come_back_from_the_cache_bit_by_bit(folder, tmp_path):
    cache = StateCache("m", tmp_path)
    first = FrozenModel.open(proxy(folder), cache=cache)
    made = first.states(rows())
    again = FrozenModel.open(proxy(folder), cache=cache)
    kept = again.states(rows())
    assert (again.costs.rows, again.costs.cached) == (0, first.costs.rows)
    assert first.costs.features > 0
    assert all(
        np.array_equal(a.hidden, b.hidden) and np.array_equal(a.own, b.own) for a, b in zip(made, kept, strict=True)
    )


def test_rows_without_a_scored_token_and_no_rows_are_read(folder, tmp_path):
    model = FrozenModel.open(proxy(folder), cache=StateCache("m", tmp_path))
    assert model.states([]) == []
    (only,) = model.states([Completion((4, 5, 6), 3, 0, cut=False)])
    assert only.hidden.shape[0] == only.own.size == 0


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 no archive", None])
def test_damaged_files_are_computed_again(tmp_path, damage):
    cache, row = StateCache("m", tmp_path), Completion((1, 2, 3, 4), 1, 3, cut=False)
    cache.put([(row, states(3))])
    (path,) = tmp_path.rglob("*.npz")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] if damage is None else damage)
    assert cache.get(row) is None
    cache.put([(row, states(3))])
    assert cache.get(row) is not None


def test_one_changed_byte_is_noticed(tmp_path):
    cache, row = StateCache("m", tmp_path), Completion((1, 2, 3, 4), 1, 3, cut=False)
    cache.put([(row, states(3))])
    (path,) = tmp_path.rglob("*.npz")
    content = bytearray(path.read_bytes())
    at = content.index(states(3).hidden.tobytes())
    content[at] ^= 1
    path.write_bytes(bytes(content))
    assert cache.get(row) is None


def test_another_model_and_another_context_have_other_states(tmp_path):
    cache, row = StateCache("m", tmp_path), Completion((1, 2, 3, 4), 1, 3, cut=False)
    cache.put([(row, states(3))])
    assert StateCache("other", tmp_path).get(row) is None
    assert cache.get(Completion((1, 2, 3, 4), 2, 3, cut=False)) is None


def test_the_oldest_files_go_first_and_used_ones_stay(tmp_path):
    cache = StateCache("m", tmp_path)
    many = [Completion((n, 1, 2, 3), 1, 3, cut=False) for n in range(20)]
    cache.put([(row, states(3)) for row in many])
    for age, path in enumerate(sorted(tmp_path.rglob("*.npz"))):
        os.utime(path, (1000 + age, 1000 + age))
    assert cache.get(many[7]) is not None  # it is new again
    held = cache_size(tmp_path)
    cache.limit = held.bytes // 2
    cache.put([])
    assert cache_size(tmp_path).bytes <= held.bytes // 2
    assert cache.get(many[7]) is not None


def test_a_limit_of_zero_keeps_nothing_and_an_emptied_cache_is_empty(tmp_path):
    row = Completion((1, 2, 3, 4), 1, 3, cut=False)
    StateCache("m", tmp_path / "none", limit=0).put([(row, states(3))])
    assert cache_size(tmp_path / "none").files == 0
    cache = StateCache("m", tmp_path / "some")
    cache.put([(row, states(3))])
    assert empty_cache(tmp_path / "some").files == 1
    assert (cache.get(row), cache_size(tmp_path / "some").files) == (None, 0)


def test_a_folder_that_cannot_be_written_costs_time_only(tmp_path):
    (tmp_path / "file").write_text("x")
    cache = StateCache("m", tmp_path / "file" / "below")
    cache.put([(Completion((1, 2, 3, 4), 1, 3, cut=False), states(3))])
    assert "cannot be written" in cache.trouble


def _write(folder, seed):
    cache = StateCache("m", folder)
    for _ in range(5):
        cache.put([(Completion((n, 1, 2, 3), 1, 3, cut=False), states(3)) for n in range(10)])
    return seed


def test_two_processes_never_see_half_of_a_file(tmp_path):
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.starmap(_write, [(tmp_path, 0), (tmp_path, 1)])
    assert all(StateCache("m", tmp_path).get(Completion((n, 1, 2, 3), 1, 3, cut=False)) for n in range(10))
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize(("given", "found"), [("", 2e9), ("0.5", 5e8), ("0", 0)])
def test_the_limit_is_read_from_the_environment(monkeypatch, given, found):
    monkeypatch.setenv("SYNGAIN_CACHE_GB", given)
    assert limit_bytes() == found


@pytest.mark.parametrize("given", ["many", "-1", "nan", "inf"])
def test_a_limit_that_is_no_number_is_an_error(monkeypatch, given):
    monkeypatch.setenv("SYNGAIN_CACHE_GB", given)
    with pytest.raises(UsageError):
        limit_bytes()


def test_a_model_whose_logits_are_not_linear_is_refused(folder, tmp_path, monkeypatch):
    from transformers import LlamaForCausalLM

    whole = LlamaForCausalLM.forward

    def capped(self, *args, **more):
        out = whole(self, *args, **more)
        out.logits = out.logits.tanh()
        return out

    monkeypatch.setattr(LlamaForCausalLM, "forward", capped)
    with pytest.raises(InputError, match="not a linear function"):
        FrozenModel.open(proxy(folder), cache=StateCache("m", tmp_path))
