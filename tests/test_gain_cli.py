"""`syngain gain` as a person uses it, and its answers on sets whose effect is known."""

import json
import sys

import numpy as np
import pytest

import syngain
from syngain.cli import main
from syngain.data import Dataset, read
from syngain.gain.design.cross_validation import Design
from syngain.workflows.evaluate.gain import GainSettings, gain

SMALL = GainSettings(design=Design(repeats=1, amounts=3, pairs=False), quick=True)
TOPICS = {
    "cooking": "stir the onion pan with butter salt pepper garlic soup oven bread slowly until brown",
    "travel": "book a train flight hotel to Lisbon Rome island beach ticket passport early next week",
    "money": "send the bank transfer card fee account balance refund today because of a wrong charge",
}
COMMON = "please could you tell me how we can do this again tomorrow or maybe not at all".split()


def rows(count, seed, *, words=3, shuffled=False):
    """Short texts, a few of whose words belong to their topic."""
    rng, out = np.random.default_rng([seed, 7]), []
    for i in range(count):
        label = list(TOPICS)[i % 3]
        text = [*rng.choice(TOPICS[label].split(), size=words), *rng.choice(COMMON, size=5)]
        out.append({"text": " ".join(rng.permutation(text)), "label": label})
    labels = rng.permutation([row["label"] for row in out]) if shuffled else [row["label"] for row in out]
    return [{**row, "label": str(label)} for row, label in zip(out, labels, strict=True)]


def dataset(items, name="rows"):
    return Dataset.from_rows(items, name=name)


def jsonl(path, items):
    path.write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")
    return path


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["syngain", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    out, err = capsys.readouterr()
    return stop.value.code, out, err


def test_more_rows_of_the_same_kind_are_used_and_shuffled_labels_are_not():
    anchors, test = dataset(rows(60, 1)), dataset(rows(300, 9))
    more = gain(anchors, dataset(rows(300, 2)), test=test, settings=SMALL)
    assert more.verdict.decision in {"use", "use_subset"}
    assert more.verdict.rows_to_use > 0
    assert more.estimates["gain.log_loss.test"].interval(0.9)[0] > 0
    noise = gain(anchors, dataset(rows(300, 3, shuffled=True)), test=test, settings=SMALL)
    assert noise.verdict.decision == "do_not_use"
    assert [finding.id for finding in noise.findings] == ["harm"]


def test_repeated_anchors_gain_exactly_nothing_over_repeating_anchors():
    anchors = rows(60, 1)
    copies = [{**anchors[i % 60], "source": anchors[i % 60]["text"]} for i in range(180)]
    found = gain(dataset(anchors), dataset(copies), test=dataset(rows(150, 9)), settings=SMALL)
    for metric in ("log_loss", "accuracy", "macro_f1"):
        assert found.estimates[f"gain.{metric}@over_duplication"].value == 0
        assert found.estimates[f"gain.{metric}@over_duplication_test"].value == 0
    assert found.verdict.decision == "do_not_use"
    assert "oversampling your real rows gives the same gain" in found.verdict.sentence


def test_the_measured_gain_needs_no_forecast_and_lies_inside_the_prediction_interval():
    """The forecast speaks of a test of as many rows as the given one."""
    held = 0
    for seed in range(6):
        found = gain(
            dataset(rows(60, seed)), dataset(rows(150, seed + 20)), test=dataset(rows(200, seed + 40)), settings=SMALL
        )
        low, high = found.estimates["gain.log_loss"].interval(0.9)
        held += low <= found.estimates["gain.log_loss.test"].value <= high
    assert held >= 3  # 5.4 expected; 2 or fewer have a chance below 1 in 1,000


def test_unknown_sources_are_said_to_be_optimistic_and_named_ones_are_not():
    anchors = rows(60, 1)
    made = [{**row, "source": anchors[i % 60]["text"]} for i, row in enumerate(rows(120, 2))]
    unknown = gain(dataset(anchors), dataset(rows(120, 2)), settings=SMALL)
    known = gain(dataset(anchors), dataset(made), settings=SMALL)
    assert "optimistic" in unknown.estimates["gain.log_loss"].marks
    assert "optimistic" not in known.estimates["gain.log_loss"].marks


def test_labels_on_one_side_only_are_said():
    extra = [{"text": f"a new matter number {i}", "label": "novel"} for i in range(12)]
    found = gain(dataset(rows(60, 1)), dataset([*rows(100, 2), *extra]), settings=SMALL)
    words = dict(found.views.computed)["Labels"]
    assert "12 synthetic rows have labels that no real row has (novel)" in words


def test_classes_of_one_to_three_anchors_are_named_and_kept_out_of_a_second_macro_f1():
    few = [{"text": f"rare thing {i} of its own", "label": "rare"} for i in range(3)]
    found = gain(dataset([*rows(60, 1), *few]), dataset(rows(150, 2)), settings=SMALL)
    assert "rare" in found.verdict.sentence
    assert "gain.macro_f1@frequent" in found.estimates


def test_the_command_writes_a_report_with_curves_and_the_budget_of_doubt(monkeypatch, capsys, tmp_path):
    real, made = jsonl(tmp_path / "real.jsonl", rows(60, 1)), jsonl(tmp_path / "made.jsonl", rows(150, 2))
    test = jsonl(tmp_path / "test.jsonl", rows(100, 9))
    folder = tmp_path / "run"
    code, out, err = run(monkeypatch, capsys, "gain", real, made, "--test", test, "-o", folder)
    assert code == 0, err
    assert out.rstrip().endswith(str(folder / "report.html"))
    report = json.loads((folder / "report.json").read_text())
    assert report["command"] == "gain"
    assert report["verdict"]["action"] in " ".join(out.split())
    assert report["series"]["gain.log_loss"]["x"][0] == 0
    assert {"gain.rows_worth", "gain.rank_agreement", "utility.label_error", "gain.budget@test"} <= set(
        report["estimates"]
    )
    again, _, err = run(monkeypatch, capsys, "gain", real, made, "-o", folder)
    assert again == 2
    assert "--force" in err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--metric", "speed"], "unknown metric 'speed'"),
        (["--min-gain", "0"], "a gain above 0"),
        (["--prior", "cooking=.9,travel=.9"], "sum to 1"),
        (["--proxy", "oracle"], "--proxy oracle"),
        (["--slice", "nothing"], "no column nothing"),
    ],
)
def test_wrong_flags_are_named_and_nothing_is_written(monkeypatch, capsys, tmp_path, flags, words):
    real, made = jsonl(tmp_path / "real.jsonl", rows(60, 1)), jsonl(tmp_path / "made.jsonl", rows(60, 2))
    code, _, err = run(monkeypatch, capsys, "gain", real, made, "-o", tmp_path / "run", *flags)
    assert code == 2
    assert words in " ".join(err.replace("│", " ").split())
    assert not (tmp_path / "run").exists()


def test_too_few_anchors_are_an_error_that_says_how_many_are_needed(monkeypatch, capsys, tmp_path):
    real, made = jsonl(tmp_path / "real.jsonl", rows(12, 1)), jsonl(tmp_path / "made.jsonl", rows(60, 2))
    code, _, err = run(monkeypatch, capsys, "gain", real, made, "-o", tmp_path / "run")
    assert code == 2
    assert "at least 20 real rows" in " ".join(err.replace("│", " ").split())


def test_text_without_labels_is_measured_in_nats_per_byte():
    plain = [{"text": row["text"]} for row in rows(60, 1)]
    found = syngain.gain(
        dataset(plain),
        dataset([{"text": row["text"]} for row in rows(200, 2)]),
        test=dataset([{"text": row["text"]} for row in rows(100, 9)]),
        settings=SMALL,
    )
    assert found.estimates["gain.nats_per_byte.test"].interval(0.9)[0] > 0
    assert not any("log_loss" in name for name in found.estimates)
    assert found.verdict.decision == "cannot_tell"  # an n-gram model's gain decides nothing
    assert "gain for a language model: not measured; `syngain models add smollm2`" in found.verdict.sentence


def test_real_rows_of_banking_help_and_shuffled_labels_harm(shared_data):
    """Real data: 12 intents, 200 anchors, 300 other real rows."""
    everything = read(f"{shared_data}/banking77_real.jsonl.gz")
    names = sorted(set(everything.labels))[:12]
    chosen = [i for i, label in enumerate(everything.labels) if label in names]
    order = np.random.default_rng(0).permutation(chosen)
    anchors, more, test = (everything.take(order[a:b].tolist()) for a, b in ((0, 200), (200, 500), (500, 900)))
    helps = gain(anchors, more, test=test, settings=SMALL)
    assert helps.verdict.decision in {"use", "use_subset"}
    labels = np.random.default_rng(1).permutation(more.labels)
    mixed = [{"text": text, "label": str(label)} for text, label in zip(more.sides["text"], labels, strict=True)]
    plain = [{"text": text, "label": label} for text, label in zip(anchors.sides["text"], anchors.labels, strict=True)]
    harms = gain(dataset(plain), dataset(mixed), settings=SMALL)
    assert harms.verdict.decision == "do_not_use"
