"""The demo's rows: real text of every Python, synthetic rows with exactly the planted defects."""

from collections import Counter

import numpy as np
import pytest

from syngain.core import InputError
from syngain.core.rng import Streams
from syngain.lab.planted import rows
from syngain.lab.planted.defects import CONTRADICTIONS, DEFECTS, OPENING, Scene, choose, plant
from syngain.lab.planted.rows import TOPICS, real_rows
from syngain.lab.planted.sets import demo_sets


@pytest.fixture(scope="module")
def clean():
    return demo_sets(0, defects=())


@pytest.fixture(scope="module")
def seeds():
    return {seed: demo_sets(seed) for seed in (3, 4)}


def test_real_rows_are_many_distinct_and_labeled_by_topic():
    rows = real_rows()
    assert len(rows) >= 1_000
    assert len({row["id"] for row in rows}) == len(rows)
    assert len({row["text"] for row in rows}) == len(rows)
    assert {row["label"] for row in rows} == set(TOPICS)
    assert all(4 <= len(row["text"].split()) <= 40 for row in rows)
    assert rows == real_rows()


def test_a_library_without_sources_is_a_clear_error(monkeypatch, tmp_path):
    monkeypatch.setattr(rows.sysconfig, "get_paths", lambda: {"stdlib": str(tmp_path)})
    with pytest.raises(InputError, match="standard library"):
        real_rows()


def test_the_base_set_has_none_of_the_defects(clean):
    texts = [row["text"] for row in clean.synthetic]
    real = {row["text"] for row in [*clean.real, *clean.test]}
    assert clean.planted == {}
    assert len(set(texts)) == len(texts)
    assert not real.intersection(texts)
    assert {row["label"] for row in clean.synthetic} == {row["label"] for row in clean.real}
    anchors = {row["id"]: row["label"] for row in clean.real}
    assert all(anchors[row["source"]] == row["label"] for row in clean.synthetic)


def test_anchors_and_test_rows_do_not_overlap(clean):
    assert not {row["text"] for row in clean.real} & {row["text"] for row in clean.test}
    assert not {row["id"] for row in clean.real} & {row["id"] for row in clean.test}


@pytest.mark.parametrize("name", sorted(DEFECTS))
def test_each_defect_is_there_when_it_is_said_to_be(name, clean):
    sets, anchors = clean, {row["id"]: row for row in clean.real}
    rows = plant((name,), clean.synthetic, Scene(clean.real, clean.test), np.random.default_rng(1))
    n = len(rows)
    texts = Counter(row["text"] for row in rows)
    wrong_label = sum(anchors[row["source"]]["label"] != row["label"] for row in rows)
    real, test = ({row["text"] for row in side} for side in (sets.real, sets.test))
    checks = {
        "missing_regions": len({row["label"] for row in rows}) in {len(TOPICS) - 1, len(TOPICS) - 2},
        "label_noise": 0.2 < wrong_label / n < 0.4,
        "label_independent": wrong_label / n > 0.8,
        "label_leak": sum(row["label"] in row["text"] for row in rows) > 0.8 * n,
        "template_collapse": all(row["text"].startswith(OPENING) for row in rows),
        "contamination": sum(row["text"] in test for row in rows) == round(0.2 * n),
        "memorized_anchors": sum(row["text"] in real for row in rows) == round(0.4 * n),
        "duplicates": 0.25 <= 1 - len(texts) / n <= 0.4,
    }
    assert checks[name]
    assert n == len(clean.synthetic)
    assert len({row["id"] for row in rows}) == n


def test_seeds_one_to_twenty_cover_every_defect_without_contradictions():
    seen: Counter[str] = Counter()
    for seed in range(1, 21):
        names = choose(Streams(seed, ("demo",)).stream("choose"), first=list(DEFECTS)[seed % len(DEFECTS)])
        assert 2 <= len(names) <= 3
        pairs = {frozenset((a, b)) for a in names for b in names if a != b}
        assert not pairs & CONTRADICTIONS
        seen.update(names)
    assert set(seen) == set(DEFECTS)


def test_same_seed_same_rows_with_what_was_planted(seeds):
    again = demo_sets(3)
    assert again == seeds[3]
    assert again != seeds[4]
    assert len(again.synthetic) == len(seeds[4].synthetic)
    assert all(2 <= len(sets.planted) <= 3 for sets in seeds.values())
