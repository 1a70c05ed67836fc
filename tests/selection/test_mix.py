"""``mix``: response surfaces and regressions against known optima, refusals, and recipes that trainers read."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from selection_rows import jsonl, rows
from syngain.cli import main
from syngain.core.errors import InputError, UsageError
from syngain.core.rng import Streams
from syngain.data.dataset import Dataset
from syngain.selection.mixtures import REGRESSIONS, fit_mixtures, optimum, rank_correlation
from syngain.selection.recipes import recipes
from syngain.selection.response_surface import ResponseSurface, SurfaceDesign, _training, design, grid
from syngain.workflows.evaluate.mix import MixSettings, mix, mix_runs, read_runs

BEST = np.array([0.5, 0.3, 0.2, 0.0])


def runs(count, seed, noise=0.01):
    """Losses with a known optimum."""
    rng = np.random.default_rng(seed)
    X = rng.dirichlet(np.full(4, 0.7), count)
    return X, 2 + ((X - BEST) ** 2).sum(axis=1) + noise * rng.standard_normal(count)


@pytest.mark.parametrize("name", REGRESSIONS)
def test_every_regression_learns_the_order_of_mixtures(name):
    X, y = runs(150, 0)
    fresh, truth = runs(100, 1, noise=0.0)
    predicted = REGRESSIONS[name].fit(X, y)(fresh)
    assert np.corrcoef(predicted, truth)[0, 1] > 0.93


def test_the_optimum_is_found_and_its_interval_holds_the_truth():
    X, y = runs(150, 2)
    fitted = fit_mixtures(X, y, np.random.default_rng(0))
    best = optimum(fitted, np.random.default_rng(1))
    assert np.abs(best.mixture - BEST).max() < 0.1
    assert np.all(best.low - 0.05 <= BEST)
    assert np.all(best.high + 0.05 >= BEST)
    assert best.mixture.sum() == pytest.approx(1)
    assert best.loss.interval(0.95)[0] < 2.0 < best.loss.interval(0.95)[1]


def test_the_error_out_of_fold_is_that_of_fresh_runs():
    X, y = runs(200, 3, noise=0.05)
    fitted = fit_mixtures(X, y, np.random.default_rng(0))
    fresh, seen = runs(2000, 4, noise=0.05)
    error = np.sqrt(np.mean((fitted.predict(fresh) - seen) ** 2))
    assert fitted.error().interval(0.95)[0] - 0.01 < error < fitted.error().interval(0.95)[1] + 0.01
    assert fitted.errors[fitted.name] == min(fitted.errors.values())


def test_the_interval_of_a_rank_correlation_covers():
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(40):
        a = rng.standard_normal(80)
        b = a + rng.standard_normal(80)
        low, high = rank_correlation(a, b, rng, where="test").interval(0.95)
        held += low <= 6 / np.pi * np.arcsin(np.sqrt(0.5) / 2) <= high  # of a normal pair with correlation sqrt(1/2)
    assert held >= 34


def table(path, names, values):
    text = ",".join(names) + "\n" + "".join(",".join(map(str, row)) + "\n" for row in values)
    path.write_text(text, encoding="utf-8")
    return path


def tables(folder, count, seed=0, parts=4):
    X, y = runs(count, seed)
    X = np.hstack([X * (4 / parts), np.full((count, parts - 4), 1 / parts)]) if parts > 4 else X
    index = np.arange(count)[:, None]
    mixtures = table(folder / "mixtures.csv", ["index", *(f"part{i}" for i in range(parts))], np.hstack([index, X]))
    return mixtures, table(folder / "losses.csv", ["index", "loss"], np.column_stack([index, y]))


def test_a_table_of_runs_names_its_optimum_and_writes_recipes(tmp_path):
    found = mix_runs(*tables(tmp_path, 120), "loss")
    assert found.estimates["mix.share@part0"].value == pytest.approx(0.5, abs=0.12)
    assert found.result.estimates["mix.rank_correlation"].value > 0.9
    assert "mix.share@part3" in found.result.estimates


def test_too_few_runs_for_the_parts_are_refused_with_their_error(tmp_path):
    found = mix_runs(*tables(tmp_path, 60, parts=15), "loss")
    assert not found.files
    assert found.result.verdict.decision == "cannot_tell"
    assert found.result.verdict.sentence.startswith("Inconclusive: 60 runs are too few for 15 parts")
    assert "mix.error" in found.result.estimates


def test_losses_that_mixtures_do_not_explain_name_no_optimum(tmp_path):
    mixtures, losses = tables(tmp_path, 60)
    noise = np.random.default_rng(0).standard_normal(60)
    table(losses, ["index", "loss"], np.column_stack([np.arange(60), noise]))
    found = mix_runs(mixtures, losses, "loss")
    assert not found.files
    assert "does not reliably rank" in found.result.verdict.sentence


def test_tables_that_do_not_fit_are_refused(tmp_path):
    mixtures, losses = tables(tmp_path, 30)
    with pytest.raises(InputError, match="no column lost"):
        read_runs(mixtures, losses, "lost")
    few, fewer = (tmp_path / name for name in ("few", "fewer"))
    few.mkdir()
    fewer.mkdir()
    with pytest.raises(InputError, match="12 runs"):
        mix_runs(*tables(few, 12), "loss")
    _, short = tables(fewer, 29)
    with pytest.raises(InputError, match=r"differ in the column index|30 mixtures in .* and 29 losses"):
        read_runs(mixtures, short, "loss")
    with pytest.raises(UsageError, match="only one table of test runs"):
        mix_runs(mixtures, losses, "loss", test_mixtures=mixtures)
    table(mixtures, ["index", "a", "b"], np.column_stack([np.arange(30), np.full(30, 0.5), np.full(30, 0.9)]))
    with pytest.raises(InputError, match=r"sums to 1\.4"):
        mix_runs(mixtures, losses, "loss")
    table(mixtures, ["index", "a"], [[i, "x"] for i in range(30)])
    with pytest.raises(InputError, match="holds text"):
        read_runs(mixtures, losses, "loss")


@pytest.mark.slow
def test_regmix_order_of_larger_models(shared_data):
    folder = shared_data / "regmix"
    found = mix_runs(
        folder / "train_mixture_1m.csv",
        folder / "train_pile_loss_1m.csv",
        "metric/the_pile_pile_cc_val_loss",
        test_mixtures=folder / "test_mixture_60m.csv",
        test_losses=folder / "test_pile_loss_60m.csv",
    )
    rank = found.result.estimates["mix.rank_correlation@test"]
    assert rank.value > 0.98
    assert rank.interval(0.95)[0] > 0.975


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 6))
def test_grids_and_designs_are_mixtures(parts):
    for points in (grid(parts), design(parts)):
        assert np.allclose(points.sum(axis=1), 1)
        assert points.min() >= 0
        assert len(np.unique(points.round(9), axis=0)) == len(points)
    assert len(design(parts)) == parts + parts * (parts - 1) // 2 + (parts > 2)


def made_surface(noise, seed=0, anchors=200):
    """Losses of a known quadratic with anchors' own noise."""
    rng = np.random.default_rng(seed)
    points = design(3)
    truth = ((points - np.array([0.4, 0.6, 0.0])) ** 2).sum(axis=1)
    losses = truth[:, None] + noise * rng.standard_normal((len(points), anchors))
    return ResponseSurface(
        ("anchors", "a", "b"), points, losses, np.arange(anchors) % 5, np.arange(anchors), 100, "nats"
    )


def test_a_quadratic_surface_is_recovered_exactly():
    found = made_surface(0.0)
    assert found.best() == pytest.approx([0.4, 0.6, 0.0])
    gain = found.gain(np.array([0.4, 0.6, 0.0]), np.eye(3)[0], "e")
    assert gain.value == pytest.approx(0.72)
    assert found.over(np.eye(3)[0], "e").value == pytest.approx(0.72)


def test_gains_of_the_best_mixture_are_not_optimistic():
    """Where all mixtures are equal, the best one gains nothing on average when others judge it."""
    flat = np.zeros((7, 200))
    values, held = [], 0
    for seed in range(60):
        noise = np.random.default_rng(seed).standard_normal(flat.shape)
        found = ResponseSurface(
            ("anchors", "a", "b"), design(3), flat + noise, np.arange(200) % 5, np.arange(200), 9, "nats"
        )
        over = found.over(np.full(3, 1 / 3), "e")
        values.append(over.value)
        held += over.interval(0.9)[0] <= 0
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(60)
    assert held >= 52


def test_mixtures_are_filled_with_rows_in_their_proportions():
    training = _training(np.array([0.5, 0.25, 0.25]), 40, np.arange(8), [np.arange(100, 150), np.arange(200, 250)])
    assert np.bincount(training.real, minlength=8).tolist() == [3, 3, 3, 3, 2, 2, 2, 2]
    assert (training.synthetic < 200).sum() == (training.synthetic >= 200).sum() == 10


@pytest.fixture(scope="module")
def sets():
    anchors = Dataset.from_rows(rows(45, 1), "real.jsonl")
    good = Dataset.from_rows(rows(150, 2), "good.jsonl", like=anchors)
    wrong = Dataset.from_rows(rows(150, 3, wrong=1.0), "wrong.jsonl", like=anchors)
    return anchors, good, wrong


def test_wrong_labels_get_no_share(sets):
    anchors, good, wrong = sets
    found = mix(anchors, {"good": good, "wrong": wrong}, plan=SurfaceDesign(folds=3, most=120))
    share = found.result.estimates
    assert share["mix.share@wrong"].value <= 0.1
    assert share["mix.share@good"].value > 0.2
    assert share["mix.gain@equal_shares"].interval(0.9)[0] > 0
    assert sum(item.value for name, item in share.items() if name.startswith("mix.share@")) == pytest.approx(1)
    told = share["mix.gain@best_part"].interval(0.9)[0] > 0
    assert bool(found.files) is told
    assert found.result.verdict.decision == ("use" if told else "cannot_tell")


@pytest.fixture(scope="module")
def pairs():
    def made(number, seed, refused=0.0):
        rng = np.random.default_rng(seed)
        clauses = (
            "small errors add up",
            "records of ten years help",
            "results differ by region",
            "a check takes time",
        )
        return [
            {
                "prompt": f"Explain item {seed}-{i} of {rng.choice(['bread', 'tides', 'bees', 'roofs'])}",
                "completion": "I'm sorry, but I cannot help with that."
                if rng.random() < refused
                else f"First, {', and '.join(rng.permutation(clauses)[:2])}; that is number {rng.integers(90)}.",
            }
            for i in range(number)
        ]

    real = Dataset.from_rows(made(60, 1), "real")
    refusals = Dataset.from_rows(made(150, 2, refused=0.5), "refusals", like=real)
    return real, refusals, Dataset.from_rows(made(150, 3), "good", like=real)


class TestAdvice:
    """A dataset with a high finding gets weight only if asked; no mixture is recommended that its best part equals."""

    def test_a_set_of_refusals_gets_no_weight(self, pairs):
        real, refusals, good = pairs
        found = mix(real, {"refusals": refusals, "good": good}, plan=SurfaceDesign(folds=3, most=120))
        assert found.estimates["mix.share@refusals"].value == 0
        assert found.estimates["mix.share@refusals"].interval(0.9) == (0, 0)
        assert "refusals (bad responses); --with-defects" in found.verdict.sentence
        assert any(one.id == "bad_responses" and one.message.startswith("refusals: ") for one in found.findings)
        assert list(found.sets) == ["real rows", "refusals", "good"]
        assert found.estimates["mix.alone@refusals"].value < found.estimates["mix.alone@good"].value

    def test_only_defective_sets_give_no_mixture(self, pairs):
        real, refusals, _ = pairs
        found = mix(real, {"refusals": refusals}, plan=SurfaceDesign(folds=3, most=120))
        assert found.verdict.decision == "cannot_tell"
        assert "every dataset has a finding of high severity" in found.verdict.action
        assert not found.files

    def test_with_defects_they_may_get_weight(self, pairs):
        real, refusals, _ = pairs
        chosen = MixSettings(design=SurfaceDesign(folds=3, most=120), with_defects=True)
        found = mix(real, {"refusals": refusals}, settings=chosen)
        assert "--with-defects" not in found.verdict.sentence
        assert "finding of high severity" not in found.verdict.action
        assert any(one.id == "bad_responses" and one.severity == "high" for one in found.findings)

    def test_a_mixture_as_good_as_its_best_part_is_not_recommended(self):
        """Losses are linear in the proportions, so that one part alone is best: a mixture cannot be better."""
        better = 0
        for seed in range(40):
            noise = np.random.default_rng(seed).normal(0, 0.3, (7, 80))
            losses = (design(3) @ np.array([1.0, 0.2, 0.9]))[:, None] + noise
            found = ResponseSurface(
                ("anchors", "a", "b"), design(3), losses, np.arange(80) % 4, np.arange(80), 100, "nats"
            )
            assert found.best_part()[1] == 1
            assert found.over(np.eye(3)[0], "").interval(0.9)[0] > 0
            better += found.over_best_part("").interval(0.9)[0] > 0
        assert better <= 6

    def test_a_mixture_that_is_better_than_each_part_is_found(self):
        found = made_surface(0.05)
        assert found.over_best_part("").interval(0.9)[0] > 0

    def test_parts_without_weight_stay_without(self):
        found = replace(made_surface(0.05), allowed=np.array([True, False, True]))
        assert found.best()[1] == 0
        assert found.best_part()[1] == 0
        low, high = found.moved(np.random.default_rng(0), draws=20)
        assert low[1] == high[1] == 0


def test_sets_that_are_too_small_or_too_many_are_refused(sets):
    anchors, good, _ = sets
    with pytest.raises(InputError, match="has 9 rows"):
        mix(anchors, {"few": good.take(range(9))})
    with pytest.raises(UsageError, match="6 datasets"):
        mix(anchors, {f"s{i}": good for i in range(6)})
    with pytest.raises(UsageError, match="a dataset is named anchors"):
        mix(anchors, {"anchors": good})


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=6).filter(lambda shares: sum(shares) > 0.01))
def test_recipes_hold_the_same_proportions_with_sum_one(shares):
    total = sum(shares)
    given_ = {f"set {i}": share / total for i, share in enumerate(shares)}
    texts = recipes(given_, {name: f"{name}.jsonl" for name in given_})
    plain = yaml.safe_load(texts["mixture.yaml"])["mixture"]
    assert sum(part["proportion"] for part in plain.values()) == pytest.approx(1, abs=1e-9)
    used = {name: part["proportion"] for name, part in plain.items() if part["proportion"] > 0}
    trl = json.loads(texts["trl.json"])
    factory, oumi = yaml.safe_load(texts["llamafactory.yaml"]), yaml.safe_load(texts["oumi.yaml"])
    assert trl["probabilities"] == list(used.values())
    assert [float(one) for one in str(factory["interleave_probs"]).split(",")] == pytest.approx(list(used.values()))
    assert set(factory["dataset"].split(",")) == set(json.loads(texts["dataset_info.json"]))
    assert [d["mixture_proportion"] for d in oumi["data"]["train"]["datasets"]] == list(used.values())


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["syngain", "mix", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    out, err = capsys.readouterr()
    return stop.value.code, out, err


def test_the_command_writes_recipes_into_the_run_folder(monkeypatch, capsys, tmp_path):
    mixtures, losses = tables(tmp_path, 120)
    arguments = ("--runs", mixtures, "--losses", losses, "--loss", "loss", "-o", tmp_path / "run")
    code, _, err = run(monkeypatch, capsys, *arguments)
    assert code == 0, err
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names >= {"report.html", "mixture.yaml", "trl.json", "llamafactory.yaml", "dataset_info.json", "oumi.yaml"}
    assert run(monkeypatch, capsys, *arguments, "--force")[0] == 0


def test_the_command_mixes_sets(monkeypatch, capsys, tmp_path):
    real, good = jsonl(tmp_path / "real.jsonl", rows(40, 1)), jsonl(tmp_path / "good.jsonl", rows(90, 2))
    code, _, err = run(monkeypatch, capsys, real, f"good={good}", "--rows", 40, "-o", tmp_path / "run")
    assert code == 0, err
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert {"mix.share@anchors", "mix.share@good", "mix.gain@half_good"} <= set(report["estimates"])


@pytest.mark.parametrize(
    "arguments", [(), ("real.jsonl", "a.jsonl", "--runs", "x.csv"), ("--runs", "x.csv"), ("real.jsonl",)]
)
def test_wrong_use_is_exit_2(monkeypatch, capsys, tmp_path, arguments):
    code, _, err = run(monkeypatch, capsys, *arguments, "-o", tmp_path / "run")
    assert code == 2
    assert err.startswith("error: ")


def test_the_draws_of_a_surface_do_not_depend_on_other_streams(sets):
    anchors, good, _ = sets
    one, two = (mix(anchors, {"good": good}, seed=3, plan=SurfaceDesign(folds=2, most=40)) for _ in range(2))
    assert one.result.to_json() == two.result.to_json()
    assert Streams(3).stream("mix rows").random() == Streams(3).stream("mix rows").random()


def test_every_recipe_finds_its_files_from_its_folder(monkeypatch, capsys, tmp_path):
    """Case 16: sets named from the folder where the command runs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    jsonl(tmp_path / "in" / "real.jsonl", rows(90, 0, wrong=0.3))
    jsonl(tmp_path / "in" / "synA.jsonl", rows(400, 1))
    jsonl(tmp_path / "in" / "synBad.jsonl", rows(400, 2, wrong=1.0))
    sets = ("in/real.jsonl", "A=in/synA.jsonl", "bad=in/synBad.jsonl")
    code, _, err = run(monkeypatch, capsys, *sets, "--rows", 300, "--with-defects", "-o", "r")
    assert code == 0, err
    folder = tmp_path / "r"
    named = [one["file_name"] for one in json.loads((folder / "dataset_info.json").read_text()).values()]
    named += json.loads((folder / "trl.json").read_text())["datasets"]
    oumi = yaml.safe_load((folder / "oumi.yaml").read_text())["data"]["train"]["datasets"]
    named += [one["dataset_path"] for one in oumi]
    named += [one["file"] for one in yaml.safe_load((folder / "mixture.yaml").read_text())["mixture"].values()]
    assert len(named) >= 4
    assert {name: (folder / name).is_file() for name in named} == dict.fromkeys(named, True)
