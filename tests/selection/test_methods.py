"""Ways to choose rows, against slow twins, closed forms and planted truths."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syngain.core.errors import InputError, UsageError
from syngain.selection.candidates import Candidates, Random, RepeatsLast, Then, part
from syngain.selection.conditional import ConditionalRatio
from syngain.selection.density_ratio import Coverage, DensityRatio, kin
from syngain.selection.determinant import LogDeterminant
from syngain.selection.facility import FacilityLocation, _lazy, _Stored
from syngain.selection.label_confidence import Confidence, Profile
from syngain.selection.methods import METHODS, method_named
from syngain.selection.surprisal import LogProbability, SurprisalBand


def unit(X):
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def candidates(X, anchors=None, **more):
    m = len(X)
    anchors = X[:1] if anchors is None else anchors
    n = len(anchors)
    values = {
        "X": X,
        "anchors": anchors,
        "unit": np.arange(n, n + m),
        "anchor_unit": np.arange(n),
        "repeats": np.arange(m),
        "texts": ["a row"] * m,
        "anchor_texts": ["an anchor"] * n,
    }
    return Candidates(**{**values, **more})


def labeled(seed, m=300, n=60, classes=3, wrong=0.0):
    rng = np.random.default_rng(seed)
    means = 3 * rng.standard_normal((classes, 8))
    truth, anchor = rng.integers(classes, size=m), rng.integers(classes, size=n)
    flipped = rng.random(m) < wrong
    own = np.where(flipped, (truth + rng.integers(1, classes, size=m)) % classes, truth)
    X, A = (means[y] + rng.standard_normal((y.size, 8)) for y in (truth, anchor))
    return candidates(unit(X), unit(A), label=own, anchor_label=anchor, classes=classes), flipped


def twin(X, rows):
    """Facility location by the definition."""
    S = np.maximum(X @ X.T, 0)
    chosen, best = [], np.zeros(len(X))
    for _ in range(rows):
        gains = np.maximum(S - best[:, None], 0).sum(axis=0)
        gains[chosen] = -1
        chosen.append(int(np.argmax(gains)))
        best = np.maximum(best, S[:, chosen[-1]])
    return chosen, best.sum()


@pytest.mark.parametrize("seed", range(4))
def test_facility_location_is_the_greedy_of_the_definition(seed):
    X = unit(np.random.default_rng(seed).standard_normal((120, 6)))
    order, gains = FacilityLocation().greedy(X, 30, np.random.default_rng(0))
    chosen, value = twin(X, 30)
    assert order[:10].tolist() == chosen[:10]  # later gains may differ by less than single precision tells
    assert FacilityLocation().value(X, order[:30]) == pytest.approx(value, rel=1e-5)
    assert np.all(np.diff(gains[order[30:]]) <= 1e-9)
    assert sorted(order.tolist()) == list(range(120))


@pytest.mark.parametrize("rows", [60, 200])
def test_stored_similarities_lose_less_than_half_a_percent(rows):
    rng = np.random.default_rng(rows)
    X = unit(rng.standard_normal((40, 16))[rng.integers(40, size=2000)] + 0.5 * rng.standard_normal((2000, 16)))
    method = FacilityLocation()
    exact, _ = method.greedy(X, rows, np.random.default_rng(0))
    stored, _ = FacilityLocation(exact=0).greedy(X, rows, np.random.default_rng(0))
    assert method.value(X, stored[:rows]) >= 0.995 * method.value(X, exact[:rows])


def test_with_every_similarity_stored_the_order_is_the_exact_one():
    X = unit(np.abs(np.random.default_rng(3).standard_normal((150, 5)))).astype(np.float32)
    stored = _Stored.of(X, 10_000, np.random.default_rng(0))
    assert _lazy(stored, 40)[0][:40].tolist() == twin(X, 40)[0]


def test_log_determinant_adds_what_the_determinant_grows_by():
    X = unit(np.random.default_rng(5).standard_normal((60, 7)))
    order, gains = LogDeterminant(ridge=0.3).greedy(X, 20)
    volume = [np.linalg.slogdet(np.eye(k) + X[order[:k]] @ X[order[:k]].T / 0.3)[1] for k in range(1, 21)]
    assert np.cumsum(gains[order[:20]]) == pytest.approx(volume)
    for k in (3, 11, 19):  # each step is the best of all steps
        rest = [r for r in range(60) if r not in order[:k]]
        grown = [np.linalg.slogdet(np.eye(k + 1) + X[[*order[:k], r]] @ X[[*order[:k], r]].T / 0.3)[1] for r in rest]
        assert max(grown) == pytest.approx(volume[k])


def test_repeats_have_no_volume_left():
    X = np.repeat(np.eye(4), 5, axis=0)
    order, _ = LogDeterminant(ridge=0.01).greedy(X, 4)
    assert sorted((order[:4] // 5).tolist()) == [0, 1, 2, 3]


def test_the_density_ratio_is_that_of_two_gaussians():
    rng = np.random.default_rng(1)
    A, X = (rng.standard_normal((1500, 2)) + shift for shift in (np.array([0.5, 0]), np.array([-0.5, 0])))
    found = DensityRatio(penalty=1e-3).log_ratios(candidates(X, A), rng)
    truth = X[:, 0]  # log N(x; .5) - log N(x; -.5) = x
    assert np.abs(found - truth).mean() < 0.1


def test_a_row_is_never_judged_by_a_model_of_its_kin():
    """Candidates equal to an anchor: only with the kin left out do they look like everything else."""
    rng = np.random.default_rng(2)
    A = unit(rng.standard_normal((40, 60)))
    X = np.vstack([A, unit(rng.standard_normal((40, 60)))])
    unit_codes = np.concatenate([np.arange(40), np.arange(100, 140)])
    held = DensityRatio(penalty=0.01).log_ratios(candidates(X, A, unit=unit_codes), rng)
    seen = DensityRatio(penalty=0.01).log_ratios(candidates(X, A), rng)
    assert held[:40].mean() < 0.5 < seen[:40].mean()


@pytest.mark.parametrize(("drawn", "share"), [(True, 0.65), (False, 0.85)])
def test_rows_like_the_anchors_come_first(drawn, share):
    rng = np.random.default_rng(3)
    A = unit(rng.standard_normal((80, 6)) + 3 * np.eye(6)[0])
    near, far = unit(rng.standard_normal((100, 6)) + 3 * np.eye(6)[0]), unit(rng.standard_normal((100, 6)))
    found = DensityRatio(drawn=drawn).rank(candidates(np.vstack([far, near]), A), 100, rng)
    assert np.mean(found.order[:100] >= 100) > share


def test_coverage_takes_the_shares_of_the_anchors_and_rare_regions_first():
    rng = np.random.default_rng(4)
    places = 4 * np.eye(4)
    A = unit(places[np.repeat([0, 1, 2], [60, 30, 10])] + 0.1 * rng.standard_normal((100, 4)))
    where = np.repeat([0, 1, 2], [500, 100, 2])
    X = unit(places[where] + 0.1 * rng.standard_normal((602, 4)))
    found = Coverage(rows=33).rank(candidates(X, A), 90, rng)
    counts = np.bincount(where[found.order[:90]], minlength=3)
    assert counts[2] == 2  # all there are
    assert abs(counts[0] / (counts[0] + counts[1]) - 60 / 90) < 0.05


TEXTS = [
    f"please send the {a} to {b} before {c}" for a in ("bill", "card", "form") for b in ("me", "her") for c in "abcdef"
]


def test_the_surprisal_band_puts_rote_and_noise_behind():
    rng = np.random.default_rng(6)
    noise = ["".join(map(chr, rng.integers(33, 126, 60))) for _ in range(10)]
    good = [f"please send the {a} to {b} before {c}" for a in ("bill", "note") for b in ("me", "him") for c in "gh"]
    texts = [*noise, *good, *(["a" * 80] * 5)]
    X = unit(rng.standard_normal((len(texts), 3)))
    anchors = unit(rng.standard_normal((len(TEXTS), 3)))
    found = SurprisalBand().rank(candidates(X, anchors, texts=texts, anchor_texts=TEXTS), 8, rng)
    assert set(found.order[:8].tolist()) == set(range(10, 18))
    assert "nats per byte, above the" in found.reasons[0]


def test_log_probabilities_order_rows_and_missing_ones_are_last():
    X = unit(np.random.default_rng(0).standard_normal((4, 3)))
    found = LogProbability().rank(candidates(X, logprob=np.array([-2.0, np.nan, -0.5, -3.0])), 2, None)
    assert found.order.tolist() == [2, 0, 3, 1]
    assert found.reasons[1] == "no log-probability"
    with pytest.raises(InputError, match="no log-prob"):
        LogProbability().rank(candidates(X), 2, None)


def test_responses_that_follow_from_the_prompt_are_the_easy_ones():
    words = "alpha beta gamma delta epsilon zeta eta theta iota kappa".split()
    rng = np.random.default_rng(1)

    def draw():
        return " ".join(rng.choice(words, 6))

    prompts, texts = [draw() for _ in range(40)], [draw() for _ in range(40)]
    texts[:20] = prompts[:20]
    X = unit(rng.standard_normal((40, 3)))
    A = unit(rng.standard_normal((30, 3)))
    asked = [draw() for _ in range(30)]
    more = {"prompts": prompts, "texts": texts, "anchor_prompts": asked, "anchor_texts": [f"{p} alpha" for p in asked]}
    found = ConditionalRatio().rank(candidates(X, A, **more), 20, rng)
    assert np.mean(found.score[:20, None] < found.score[None, 20:]) > 0.97
    with pytest.raises(InputError, match="no prompts"):
        ConditionalRatio().rank(candidates(X, A), 20, rng)


@pytest.mark.parametrize("seed", range(3))
def test_confidence_puts_wrong_labels_last(seed):
    rows, flipped = labeled(seed, wrong=0.3)
    found = Confidence().rank(rows, 150, np.random.default_rng(seed))
    assert np.mean(flipped[found.order[:150]]) < 0.02
    assert np.mean(flipped[found.order[-60:]]) > 0.9


def test_profiles_find_easy_and_hard_rows():
    rows, flipped = labeled(5, wrong=0.2)
    rng = np.random.default_rng(0)
    assert np.mean(flipped[Profile("easy").rank(rows, 100, rng).order[:100]]) < 0.02
    hard = Profile("hard").rank(rows, 40, rng)
    assert np.mean(flipped[hard.order[:40]]) > 0.9
    assert hard.reasons[int(hard.order[0])].startswith("hard: ")
    spread = Profile("ambiguous").rank(rows, 40, rng)
    assert np.all(np.diff(spread.score[spread.order]) <= 0)


def test_labels_are_needed_where_they_are_judged():
    X = unit(np.random.default_rng(0).standard_normal((5, 3)))
    for name in ("confidence", "easy"):
        with pytest.raises(InputError, match="no labels"):
            METHODS[name].rank(candidates(X), 2, np.random.default_rng(0))


def test_wrong_settings_are_refused():
    for make in (lambda: LogDeterminant(ridge=0), lambda: Profile("odd"), lambda: Profile(fits=1)):
        with pytest.raises(UsageError):
            make()
    with pytest.raises(UsageError, match="one of random"):
        method_named("best")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=2, max_size=25), st.integers(0, 100))
def test_repeats_go_behind_the_best_of_each_cluster(codes, seed):
    X = unit(np.random.default_rng(seed).standard_normal((len(codes), 4)) + 1e-9)
    rows = candidates(X, repeats=np.array(codes))
    plain = Random().rank(rows, 1, np.random.default_rng(seed))
    found = RepeatsLast(Random()).rank(rows, 1, np.random.default_rng(seed))
    kinds = len(set(codes))
    assert sorted(found.order.tolist()) == list(range(len(codes)))
    assert len({codes[row] for row in found.order[:kinds]}) == kinds
    first = [next(row for row in plain.order.tolist() if codes[row] == code) for code in set(codes)]
    assert set(found.order[:kinds].tolist()) == set(first)


@pytest.mark.parametrize("name", [name for name in METHODS if name not in {"log_probability", "conditional_ratio"}])
def test_every_method_ranks_all_rows_with_reasons_and_the_same_seed_gives_the_same_order(name):
    rows, _ = labeled(7, m=40)
    one, two = (method_named(name).rank(rows, 15, np.random.default_rng(9)) for _ in range(2))
    assert sorted(one.order.tolist()) == list(range(40))
    assert one.order.tolist() == two.order.tolist()
    assert len(one.reasons) == one.score.size == 40
    assert all(one.reasons)


def test_then_orders_the_front_of_the_first_by_the_second():
    rows, flipped = labeled(8, wrong=0.3)
    method = Then(Confidence(), FacilityLocation(), room=1.2)
    found = method.rank(rows, 100, np.random.default_rng(0))
    front = np.sort(Confidence().rank(rows, 100, np.random.default_rng(0)).order[:120])
    inner = FacilityLocation().rank(part(rows, front), 100, np.random.default_rng(1))
    assert found.order[:100].tolist() == front[inner.order[:100]].tolist()
    assert np.mean(flipped[found.order[:100]]) < 0.03


def test_kin_links_anchors_rows_made_from_them_and_repeats():
    X = unit(np.random.default_rng(0).standard_normal((4, 3)))
    rows = candidates(X, X[:2], unit=np.array([0, 5, 1, 6]), repeats=np.array([0, 0, 1, 2]))
    group = kin(rows)
    assert group[0] == group[2] == group[3]
    assert group[1] == group[4]
    assert len(set(group.tolist())) == 3
