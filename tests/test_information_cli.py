"""``syngain information`` as a person uses it: rows with log-probabilities in, accounting with its limits out."""

import gzip
import json
import math
import re
import sys

import numpy as np
import pytest

import syngain
from fake_server import FakeServer
from spoken_rows import jsonl, spoken
from syngain.cli import main
from syngain.core.errors import InputError, UnfinishedError, UsageError
from syngain.data import Dataset
from syngain.generators.toy import MarkovText
from syngain.generators.toy_speaker import ToyGenerator
from syngain.information.cross_scoring import ByGenerator
from syngain.information.outputs import outputs
from syngain.lab.worlds.language import TOPICS, account, language_world

WORLD = language_world(np.random.default_rng(11))
EXACT = account(WORLD, WORLD.said(1.0), (1 / 3,) * 3, np.ones(340))


@pytest.fixture(scope="module")
def rows():
    return spoken(WORLD.generator, TOPICS, samples=300, rng=np.random.default_rng(1), top=5)


def toy(temperature=1.0):
    return ByGenerator(ToyGenerator(WORLD.generator), temperature)


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["syngain", "information", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    out, err = capsys.readouterr()
    return stop.value.code, out, err


def information(rows, **options):
    return syngain.information(Dataset.from_rows(rows, "rows"), **options).as_json()


def value(report, name):
    return report["estimates"][name]["value"]


def test_the_toy_world_is_accounted_for_as_its_enumeration_says(rows):
    report = information(rows, scorer=toy())
    assert value(report, "information.gain") == pytest.approx(EXACT.information_gain, abs=0.1)
    assert value(report, "information.prompt_lower") == pytest.approx(EXACT.prompt_information, abs=0.1)
    assert value(report, "information.entropy") == pytest.approx(EXACT.generated_entropy, abs=0.15)
    assert value(report, "information.prompt_upper") > value(report, "information.prompt_lower")
    assert value(report, "information.gain@total") == pytest.approx(900 * value(report, "information.gain"))
    assert value(report, "information.prompt_lower@whole_prompts") == pytest.approx(math.log(3), abs=1e-3)
    assert report["verdict"]["decision"] == "cannot_tell"
    assert "Random text has the highest information" in report["verdict"]["sentence"]
    computed = dict(syngain.information(Dataset.from_rows(rows, "rows"), scorer=toy()).views.computed)
    assert re.fullmatch(
        r"gain [\d.]+, prompt information [\d.]+ to [\d.]+, entropy [\d.]+ bits per byte\.", computed["Per byte"]
    )


def test_step_laws_narrow_the_gain_and_their_ends_hold_it(rows):
    """Over 40 parts of the rows, the spread of the gain with lists of the whole law is below that without."""
    with_lists, without = [], []
    for part in range(40):
        some = [row for row in rows if int(row["request"].split("-")[-1]) % 40 == part]
        with_lists.append(value(information(some), "information.gain"))
        bare = [{k: v for k, v in row.items() if k != "top_logprobs"} for row in some]
        without.append(value(information(bare), "information.gain"))
    assert np.std(with_lists) < 0.9 * np.std(without)
    found = information(rows)["estimates"]["information.gain"]
    assert found["references"]["entropies, low"] <= found["references"]["entropies, high"] + 1e-9
    short = [dict(row, top_logprobs=[dict(list(step.items())[:2]) for step in row["top_logprobs"]]) for row in rows]
    bounds = syngain.information(Dataset.from_rows(short, "rows"), settings=sized(vocabulary=5)).as_json()
    ends = bounds["estimates"]["information.gain"]["references"]
    assert ends["entropies, low"] - 0.1 <= EXACT.information_gain <= ends["entropies, high"] + 0.1


def sized(**settings):
    from syngain.workflows.generate.information import InformationSettings

    return InformationSettings(**settings)


def test_raw_log_probabilities_are_an_upper_bound_unless_the_whole_law_is_there():
    rng = np.random.default_rng(2)
    cold = account(WORLD, WORLD.said(0.5), (1 / 3,) * 3, np.ones(340))
    raw = spoken(WORLD.generator, TOPICS, samples=150, rng=rng, temperature=0.5, mode="raw")
    report = information(raw, scorer=toy())
    assert report["estimates"]["information.gain"]["direction"] == "upper"
    assert value(report, "information.gain") > cold.information_gain + 0.1
    assert "information.prompt_upper" not in report["estimates"]
    assert "raw_log_probabilities" in [finding["id"] for finding in report["findings"]]
    whole = spoken(WORLD.generator, TOPICS, samples=150, rng=rng, temperature=0.5, mode="raw", top=5)
    report = information(whole, scorer=toy(0.5))
    assert report["estimates"]["information.gain"]["direction"] == "estimate"
    assert value(report, "information.gain") == pytest.approx(cold.information_gain, abs=0.15)
    assert "information.prompt_upper" in report["estimates"]


def test_a_scorer_of_another_law_gives_a_lower_end_only_and_says_so(rows):
    report = information(rows, scorer=toy(1.7))
    assert "information.prompt_upper" not in report["estimates"]
    assert 0 < value(report, "information.prompt_lower") < EXACT.prompt_information + 0.1
    result = syngain.information(Dataset.from_rows(rows, "rows"), scorer=toy(1.7))
    assert "nats per token" in dict(result.views.computed)["Notes"]


def test_rows_without_log_probabilities_are_scored_when_somebody_can(rows):
    bare = [{k: row[k] for k in ("text", "label", "prompt_hash", "prompt_messages")} for row in rows]
    with pytest.raises(InputError, match="none of the 900 rows has `token_logprobs`"):
        information(bare)
    report = information(bare, scorer=toy())
    assert report["estimates"]["information.gain"]["direction"] == "upper"
    assert value(report, "information.gain") == pytest.approx(EXACT.information_gain, abs=0.1)


def test_generators_that_score_asynchronously_serve_as_scorers(rows):
    class Scored:
        end_included = True

        def __init__(self, logprobs):
            self.logprobs = np.asarray(logprobs, dtype=np.float32)

    class Generator:
        name = "toy"

        async def score(self, messages, texts, *, temperature):
            label = ToyGenerator(WORLD.generator).label_of(messages)
            return [Scored(WORLD.generator.steps(text, label, temperature=temperature)[0]) for text in texts]

    mine, theirs = (information(rows, scorer=scorer) for scorer in (toy(), ByGenerator(Generator())))
    for name in ("information.prompt_lower", "information.prompt_upper", "information.entropy"):
        assert value(mine, name) == pytest.approx(value(theirs, name), abs=1e-4)


def test_a_causal_language_model_scores_rows_under_other_prompts(tmp_path):
    for name in ("torch", "transformers", "peft"):
        pytest.importorskip(name, reason=f"{name} is absent: pip install 'syngain[local]'")
    import tiny_causal
    from syngain.workflows.generate.scorers import scorer_of

    make = scorer_of(str(tiny_causal.make(tmp_path / "tiny")))
    scorer = make(outputs(Dataset.from_rows([{"text": "ab", "prompt_hash": "1"}], "rows")))
    assert scorer.temperature == 1.0
    prompts = [(("system", "be brief"), ("user", f"say {word}")) for word in ("a cat", "no dog", "the end")]
    texts = ["ab", "cd e", "fgh"]
    warm = ByGenerator(scorer.generator, 2.0)
    ended = [True, True, False]
    assert np.all(warm.score(prompts[0], texts, ended) != scorer.score(prompts[0], texts, ended))
    assert scorer.score(prompts[0], texts, ended)[2] > scorer.score(prompts[0], texts, [True] * 3)[2]
    made = []
    for prompt in prompts:
        asked = [{"role": role, "content": said} for role, said in prompt]
        for text, log in zip(texts, warm.score(prompt, texts, [True] * 3), strict=True):
            law = {"temperature": 2.0, "logprob_mode": "processed", "token_logprobs": [float(log)]}
            made.append({"text": text, "prompt_messages": asked, **law})
    assert make(outputs(Dataset.from_rows(made, "rows"))).temperature == 2.0
    report = information(made, scorer=make)
    assert report["estimates"]["information.prompt_upper"]["value"] >= value(report, "information.prompt_lower")
    assert "information.prompt_upper" not in information(made, scorer=scorer)["estimates"]


def served(server, rows, **settings):
    """Rows of three prompts, and who scores them at this server."""
    from syngain.workflows.generate.scorers import scorer_of

    asked = [[{"role": "user", "content": f"Say {word}."}] for word in ("one", "two", "three")]
    made = [
        {
            "text": "yes",
            "prompt_messages": prompt,
            "token_logprobs": [-1.5] * 3,
            "temperature": 1.0,
            "end_included": False,
        }
        for prompt in asked
        for _ in range(rows)
    ]
    return made, scorer_of(server.url, api="completions", **settings)


@pytest.mark.parametrize(("says", "each"), [("prompt", -1.5), ("echo", -1.25)])
def test_a_server_that_repeats_the_prompt_scores_rows(says, each):
    with FakeServer(says=says, faults={"500": 0.1}, seed=2) as server:
        made, scorer = served(server, 4)
        report = information(made, scorer=scorer)
        assert value(report, "information.prompt_lower") == pytest.approx(0.0, abs=1e-9)
        assert ("information.prompt_upper" in report["estimates"]) == (each == -1.5)
        bare = [{k: row[k] for k in ("text", "prompt_messages")} for row in made]
        assert value(information(bare, scorer=scorer), "information.gain") == pytest.approx(-3 * each)


def test_the_command_scores_by_a_server(tmp_path, monkeypatch, capsys):
    with FakeServer(says="prompt", key="secret-5") as server:
        monkeypatch.setenv("MY_KEY", "secret-5")
        made, _ = served(server, 3, key_env="MY_KEY")
        jsonl(tmp_path / "rows.jsonl", made)
        flags = [
            "--generator",
            server.url,
            "--api",
            "completions",
            "--key-env",
            "MY_KEY",
            "-o",
            tmp_path / "out",
            "--json",
        ]
        code, out, err = run(monkeypatch, capsys, tmp_path / "rows.jsonl", "-o", tmp_path / "out", *flags)
    assert code == 0, err
    assert "information.prompt_upper" in json.loads(out)["estimates"]
    assert all("secret-5" not in path.read_text() for path in (tmp_path / "out").iterdir())
    code, _, err = run(
        monkeypatch, capsys, tmp_path / "rows.jsonl", "--generator", "toy", "--api", "x", "-o", tmp_path / "n"
    )
    assert code == 2
    assert "--api x" in err


def test_what_a_server_does_not_score_leaves_the_lower_end_only():
    with FakeServer(says="prompt") as server:
        made, scorer = served(server, 4)
        for change, words in (({"end_included": True}, "the end of a text"), ({"temperature": 0.5}, "sampled at 0.5")):
            changed = [{**row, **change, "logprob_mode": "processed"} for row in made]
            result = syngain.information(Dataset.from_rows(changed, "rows"), scorer=scorer)
            assert "information.prompt_upper" not in result.estimates
            assert words in dict(result.views.computed)["Notes"]


def test_servers_that_cannot_score_are_refused_before_anything_else():
    from syngain.workflows.generate.scorers import scorer_of

    with (
        FakeServer(says="top") as server,
        pytest.raises(UsageError, match="does not return log-probabilities"),
    ):
        scorer_of(server.url)
    with FakeServer(says="prompt", models=("a", "b")) as server, pytest.raises(UsageError, match="lists a, b"):
        scorer_of(server.url)
    with pytest.raises(UsageError, match="--model x together with toy"):
        scorer_of("toy", model="x")
    with pytest.raises(UsageError, match="without real rows"):
        scorer_of("toy")
    with pytest.raises(UnfinishedError, match=r"returned no usable answer|did not score"):
        scorer_of("http://127.0.0.1:9/v1", model="x")


def test_a_recipe_names_the_generator_that_scores(tmp_path, rows):
    import yaml

    from syngain.workflows.generate.scorers import scorer_of

    (tmp_path / "learned.jsonl").write_text("".join(json.dumps({"text": row["text"]}) + "\n" for row in rows))
    generator = {"kind": "toy", "learned": str(tmp_path / "learned.jsonl"), "backoff": 1.0}
    recipe = {"generator": generator, "strategies": [{"kind": "few_shot", "rows": 5}]}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    anchors = Dataset.from_rows([{"text": row["text"]} for row in rows[:5]], "real")
    scorer = scorer_of(str(tmp_path / "recipe.yaml"), anchors)(outputs(Dataset.from_rows(rows, "rows")))
    mine = MarkovText.fit([row["text"] for row in rows], backoff=1.0, max_words=256)
    found = scorer.score((("user", "anything"),), [rows[0]["text"]], [True])
    assert found == pytest.approx(mine.log_probability(rows[0]["text"]), rel=1e-5)


def test_cut_outputs_are_scored_without_their_end(rows):
    """Both scorers agree with rows that were cut after their first word, so there is an upper end."""
    cut = []
    for row in rows:
        first = {"text": row["text"].split()[0], "token_logprobs": row["token_logprobs"][:1], "finish_reason": "length"}
        cut.append({**row, **first, "end_included": False, "top_logprobs": None})
    report = information(cut, scorer=toy())
    assert "information.prompt_upper" in report["estimates"]
    law = [WORLD.generator.next_word((), topic) for topic in TOPICS]
    exact = float(np.mean([-np.sum(p[p > 0] * np.log(p[p > 0])) for p in law]))
    assert value(report, "information.gain") == pytest.approx(exact, abs=0.05)
    assert "no_end_token" not in [finding["id"] for finding in report["findings"]]


def test_strategies_stand_side_by_side():
    rng = np.random.default_rng(3)
    made = [
        *spoken(WORLD.generator, TOPICS, samples=20, prompts=4, rng=rng, strategy="cold", temperature=0.4),
        *spoken(WORLD.generator, TOPICS, samples=20, prompts=4, rng=rng, strategy="hot", temperature=2.0),
    ]
    report = information(made)
    cold, hot = (report["estimates"][f"information.gain@{name}"] for name in ("cold", "hot"))
    assert cold["intervals"]["0.95"][1] < hot["intervals"]["0.95"][0]
    assert cold["clusters"] == 12
    assert set(report["sets"]) == {"cold", "hot"}
    whole = syngain.information(Dataset.from_rows(made, "rows"), scorer=lambda said: toy(said.temperature))
    assert {"information.prompt_upper@cold", "information.prompt_upper@hot"} <= set(whole.estimates)
    assert value(report, "information.gain") == pytest.approx((cold["value"] + hot["value"]) / 2)


def test_the_whole_run_has_a_bracket_over_the_prompts_of_all_strategies():
    """Two strategies at two temperatures: a prompt is a topic at a temperature, and the mixture can be enumerated."""
    rng, made = np.random.default_rng(12), []
    for name, temperature in (("cold", 0.4), ("hot", 2.0)):
        made += spoken(WORLD.generator, TOPICS, samples=150, rng=rng, strategy=name, temperature=temperature)
    laws = [WORLD.generator.enumerate(topic, temperature=t) for t in (0.4, 2.0) for topic in TOPICS]
    texts = sorted(set().union(*laws))
    table = np.array([[law.get(text, 0.0) for text in texts] for law in laws])

    def entropy(p):
        return float(-np.sum(p[p > 0] * np.log(p[p > 0])))

    exact = entropy(table.mean(axis=0)) - np.mean([entropy(row) for row in table])
    result = syngain.information(Dataset.from_rows(made, "rows"), scorer=lambda said: toy(said.temperature))
    found = result.estimates["information.prompt_lower"]
    assert abs(found.value - exact) < 4 * (found.references["these prompts, high"] - found.value) / 1.96
    assert result.estimates["information.prompt_upper"].value >= found.value
    assert "Mutual information of prompt and output" in result.verdict.sentence
    assert [chain.title for chain in result.views.chains] == ["The whole run", "cold", "hot"]
    assert "prompts of all strategies" in dict(result.views.computed)["Prompt information"]


KINDS = {"cats": "the cat sleeps on a warm mat near the door", "money": "send ten dollars to my bank account today"}


def kind_rows(rng, kinds, prompts=3, samples=8):
    """Rows whose prompts speak of these kinds in turn."""
    out = []
    for prompt in range(prompts):
        for sample in range(samples):
            words = KINDS[kinds[sample % len(kinds)]].split()
            text = " ".join(rng.permutation(words)[:6])
            out.append({"text": text, "prompt_hash": str(prompt), "token_logprobs": [-1.0], "temperature": 1.0})
    return out


def test_meanings_by_an_encoder_are_regions_of_the_real_rows():
    from syngain.data.encoders.vectors import HashedNgrams

    rng = np.random.default_rng(13)
    real = Dataset.from_rows(
        [{"text": " ".join(rng.permutation(text.split())[:7])} for text in KINDS.values() for _ in range(10)]
    )
    one, two = (kind_rows(rng, kinds) for kinds in (["cats"], ["cats", "money"]))
    settings = sized(encoder=HashedNgrams())
    found = [information(rows, real=real, settings=settings) for rows in (one, two)]
    assert value(found[0], "information.semantic") == 0
    assert value(found[1], "information.semantic") == pytest.approx(math.log(2))
    assert "information.semantic" not in information(two, real=real, settings=sized())["estimates"]
    told = dict(syngain.information(Dataset.from_rows(two), real=real, settings=settings).views.computed)["Meaning"]
    assert "nearest of 2 clusters" in told
    with pytest.raises(UsageError, match="without real rows"):
        information(two, settings=settings)
    with pytest.raises(InputError, match="different texts"):
        information(two, real=Dataset.from_rows([{"text": "a"}] * 30), settings=settings)


def test_prompts_of_one_anchor_are_one_cluster():
    rng = np.random.default_rng(4)
    made = spoken(WORLD.generator, TOPICS, samples=5, prompts=4, rng=rng)
    for row in made:
        row["anchor_ids"] = [row["label"]]
    assert information(made)["estimates"]["information.gain"]["clusters"] == 3
    for number, row in enumerate(made):  # a chain through all prompts is no cluster
        row["anchor_ids"] = [f"a{number // 5}", f"a{number // 5 + 1}"]
    result = syngain.information(Dataset.from_rows(made, "rows"))
    assert result.estimates["information.gain"].clusters == 12
    assert "given the real rows" in dict(result.views.computed)["Notes"]


def test_labels_that_the_prompt_sets_are_no_meaning(rows):
    result = syngain.information(Dataset.from_rows(rows, "rows"))
    assert "information.semantic" not in result.estimates
    assert "prompts determine the labels" in dict(result.views.computed)["Notes"]


def test_meaning_needs_eight_samples_and_says_its_ceiling():
    rng = np.random.default_rng(5)
    made = spoken(WORLD.generator, TOPICS, samples=12, prompts=3, rng=rng)
    for row in made:
        row["first"] = row["text"].split()[0]
    found = information(made, settings=sized(meaning="first"))["estimates"]["information.semantic"]
    assert 0 < found["value"] < math.log(4)
    assert found["references"]["ceiling"] == pytest.approx(math.log(12))
    assert found["direction"] == "lower"
    few = syngain.information(Dataset.from_rows(made[:7] + made[12:19], "rows"), settings=sized(meaning="first"))
    assert "No semantic split" in dict(few.views.computed)["Notes"]
    with pytest.raises(InputError, match="no column `last`"):
        information(made, settings=sized(meaning="last"))


def run_folder(folder, made):
    """A run of ``generate``: all rows, those that a filter and a search for repeats dropped, and the recipe."""
    folder.mkdir()
    dropped, seen = [], set()
    for row in made:
        long = len(row["text"].split()) > 2
        repeated = not long and row["text"] in seen
        seen.add(row["text"])
        if long or repeated:
            dropped.append({**row, "syngain_step": "length" if long else "dedup", "syngain_reasons": ["dropped"]})
    jsonl(folder / "rows.jsonl", made)
    jsonl(folder / "dropped.jsonl", dropped)
    (folder / "recipe.yaml").write_text("curate:\n- step: length\n- step: dedup\n", encoding="utf-8")
    return dropped


def test_a_run_folder_gives_the_divergence_of_every_step_of_curation(tmp_path, monkeypatch, capsys, rows):
    dropped = run_folder(tmp_path / "run", rows)
    code, out, err = run(monkeypatch, capsys, tmp_path / "run", "-o", tmp_path / "out", "--json")
    assert code == 0, err
    report = json.loads(out)
    long = sum(row["syngain_step"] == "length" for row in dropped)
    assert value(report, "generation.divergence@length") == pytest.approx(long / 900)
    said = WORLD.said(1.0).mean(axis=0)
    truth = float(said[[len(text.split()) > 2 for text in WORLD.texts]].sum())
    low, high = report["estimates"]["generation.divergence@length"]["intervals"]["0.95"]
    assert low < truth < high
    assert value(report, "generation.divergence@dedup") == pytest.approx((len(dropped) - long) / (900 - long))
    assert report["estimates"]["generation.divergence@dedup"]["marks"] == ["not a divergence"]
    whole = report["estimates"]["generation.divergence"]
    assert whole["n"] == 900 - (len(dropped) - long)
    assert value(report, "information.gain") == value(information(rows), "information.gain")


def test_dropped_rows_beside_kept_ones_join_them(tmp_path, rows):
    dropped = run_folder(tmp_path / "run", rows)
    gone = {row["request"] for row in dropped}
    kept = jsonl(tmp_path / "kept.jsonl", [row for row in rows if row["request"] not in gone])
    both = syngain.information(kept, dropped=tmp_path / "run" / "dropped.jsonl")
    assert both.inputs["rows"].rows == 900
    assert both.estimates["information.gain"].value == pytest.approx(
        value(information(rows), "information.gain"), abs=0.02
    )
    for row in dropped:
        del row["token_logprobs"]
    jsonl(tmp_path / "bare.jsonl", dropped)
    alone = syngain.information(kept, dropped=tmp_path / "bare.jsonl")
    assert "kept_only" in [finding.id for finding in alone.findings]
    assert alone.estimates["information.gain"].value < both.estimates["information.gain"].value - 0.2


def test_rows_that_were_selected_betray_themselves_by_their_laws(rows):
    """Surprisal minus entropy has mean zero for all that was said, not for what a filter kept."""
    assert "selected_outputs" not in [finding["id"] for finding in information(rows)["findings"]]
    likely = sorted(rows, key=lambda row: -sum(row["token_logprobs"]))[:600]
    found = {finding["id"]: finding for finding in information(likely)["findings"]}
    assert "less surprising" in found["selected_outputs"]["message"]
    rng = np.random.default_rng(8)
    raw = spoken(WORLD.generator, TOPICS, samples=200, rng=rng, temperature=0.5, mode="raw", top=5)
    mistaken = [dict(row, logprob_mode="processed") for row in raw]
    assert "selected_outputs" in [finding["id"] for finding in information(mistaken)["findings"]]
    assert "selected_outputs" not in [finding["id"] for finding in information(raw)["findings"]]


def test_the_page_draws_the_chain_and_runs_nothing_from_the_rows(tmp_path, monkeypatch, capsys, rows):
    run_folder(tmp_path / "run", [dict(row, strategy="<script>alert(1)</script>") for row in rows])
    code, out, err = run(monkeypatch, capsys, tmp_path / "run", "-o", tmp_path / "out")
    assert code == 0, err
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert 'class="chain"' in page
    assert "information gain" in page
    assert "<script>alert" not in page
    assert "nats per row" in out


def test_cut_outputs_and_missing_ends_are_findings(rows):
    cut = [
        dict(row, finish_reason="length" if k % 3 == 0 else "stop", end_included=k % 3 == 1)
        for k, row in enumerate(rows)
    ]
    found = {finding["id"]: finding for finding in information(cut)["findings"]}
    assert found["cut_outputs"]["severity"] == "medium"
    assert "33.3%" in found["cut_outputs"]["message"]
    assert "no_end_token" in found


def test_templates_without_log_probabilities_are_left_out_and_said_to_be(rows):
    template = [{**row, "strategy": "template", "token_logprobs": None, "request": "t"} for row in rows[:5]]
    result = syngain.information(Dataset.from_rows([*rows, *template], "rows"))
    assert result.estimates["information.gain"].n == 900
    assert "5 rows of template" in dict(result.views.computed)["Left out"]


@pytest.mark.parametrize(("change", "words"), [
    (lambda row: row.pop("token_logprobs"), "no `token_logprobs`, as 1 of 900 rows"),
    (lambda row: row.update(token_logprobs=[0.5]), "natural logarithms"),
    (lambda row: row.update(token_logprobs=[-1.0, None]), "a number for every token"),
    (lambda row: row.update(token_logprobs=[]), "a list with a number"),
    (lambda row: row.update(top_logprobs=[{"a": -0.1}]), "one per token"),
    (lambda row: row.update(top_logprobs=[{"a": -0.01, "b": -0.01}] * len(row["tokens"])), "sum to a prob"),
    (lambda row: row.update(top_logprobs=[{"a": "low"}] * len(row["tokens"])), "`top_logprobs` contains low"),
    (lambda row: row.update(logprob_mode="bits"), "raw, processed or exact"),
    (lambda row: row.update(temperature="warm"), "a number"),
    (lambda row: [row.pop(name) for name in ("prompt_hash", "prompt_messages")], "does not name its prompt"),
])  # fmt: skip
def test_wrong_rows_get_one_clear_error_with_their_place(rows, change, words):
    bad = [dict(row) for row in rows]
    change(bad[7])
    with pytest.raises(InputError, match=words) as error:
        information(bad)
    assert "rows:8" in str(error.value)


def test_wrong_calls_end_with_two_and_write_nothing(tmp_path, monkeypatch, capsys, rows):
    bare = jsonl(tmp_path / "bare.jsonl", [{"text": row["text"], "label": row["label"]} for row in rows])
    code, _, err = run(monkeypatch, capsys, bare, "-o", tmp_path / "out")
    assert code == 2
    assert "does not name its prompt" in err
    (tmp_path / "empty").mkdir()
    assert run(monkeypatch, capsys, tmp_path / "empty", "-o", tmp_path / "out")[0] == 2
    assert run(monkeypatch, capsys, bare, "--generator", "toy", "-o", tmp_path / "out")[0] == 2
    assert not (tmp_path / "out").exists()


def test_named_prompts_without_their_text_cannot_be_cross_scored(rows):
    named = [{k: v for k, v in row.items() if k != "prompt_messages"} for row in rows]
    assert value(information(named), "information.gain") > 0
    with pytest.raises(InputError, match="no prompt"):
        information(named, scorer=toy())


def test_pairs_take_their_prompt_from_the_row():
    made = [
        {"prompt": f"question {k}", "completion": f"answer {s}", "token_logprobs": [-1.0, -0.5], "temperature": 1.0}
        for k in range(3) for s in range(2)
    ]  # fmt: skip
    said = outputs(Dataset.from_rows(made, "pairs"))
    assert len(set(said.prompts)) == 3
    assert said.asked[0] == (("user", "question 0"),)
    assert not said.raw.any()


def test_a_chosen_token_added_to_a_list_does_not_change_the_outcomes():
    """Servers list the k most probable tokens, and the chosen one behind them when it is not among these."""
    lists = [{"a": math.log(0.6), "b": math.log(0.3)}] * 3
    made = [
        {"text": "x", "prompt": f"p{k}", "temperature": 1.0, "token_logprobs": [math.log(0.6)] * 2 + [math.log(0.1)],
         "top_logprobs": [*lists[:2], {**lists[2], "c": math.log(0.1)}]}
        for k in range(4)
    ]  # fmt: skip
    said = outputs(Dataset.from_rows(made, "rows"))
    entropy = -(0.6 * math.log(0.6) + 0.3 * math.log(0.3) + 0.1 * math.log(0.1))
    assert said.excess == pytest.approx(np.full(4, -2 * math.log(0.6) - math.log(0.1) - 3 * entropy))


def test_the_same_rows_and_seed_give_the_same_bytes_and_flags_may_stand_in_a_file(tmp_path, monkeypatch, capsys, rows):
    file = jsonl(tmp_path / "rows.jsonl", [dict(row, top_logprobs=None) for row in rows[::5]])
    (tmp_path / "flags.yaml").write_text("vocabulary: 5\nsamples: 4\nmeaning: label\n", encoding="utf-8")
    for name in ("one", "two"):
        code, _, err = run(monkeypatch, capsys, file, "-c", tmp_path / "flags.yaml", "-o", tmp_path / name)
        assert code == 0, err
    one, two = ((tmp_path / name / "report.json").read_bytes() for name in ("one", "two"))
    assert one == two
    assert json.loads(one)["estimates"]["information.semantic"]["value"] == 0  # a prompt asks for one label
    (tmp_path / "flags.yaml").write_text("vocabulary: many\n", encoding="utf-8")
    code, _, err = run(monkeypatch, capsys, file, "-c", tmp_path / "flags.yaml", "-o", tmp_path / "three")
    assert code == 2
    assert "a whole number" in err


def test_lists_of_every_shape_say_the_same(rows):
    def listed(shape):
        return information(
            [dict(row, top_logprobs=[shape(step) for step in row["top_logprobs"]]) for row in rows[:300]]
        )

    shapes = [
        lambda step: step,
        lambda step: list(step.values()),
        lambda step: [[token, log] for token, log in step.items()],
        lambda step: [{"token": token, "logprob": log} for token, log in step.items()],
    ]
    found = [value(listed(shape), "information.gain") for shape in shapes]
    assert found == [found[0]] * 4
    with_null = information(
        [dict(row, top_logprobs=[{**step, "x": None} for step in row["top_logprobs"]]) for row in rows[:300]]
    )
    assert value(with_null, "information.gain") == pytest.approx(found[0])


@pytest.mark.slow
def test_real_anchors_and_the_toy_generator_from_end_to_end(shared_data, tmp_path, monkeypatch, capsys):
    path = shared_data / "parrot_questionintimacy.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        real = [row for row in map(json.loads, lines) if row["split"] == "anchor"]
    chain = MarkovText.fit([row["text"] for row in real], [row["label"] for row in real], max_words=256)
    labels = sorted({row["label"] for row in real})
    made = spoken(chain, labels, samples=8, prompts=2, rng=np.random.default_rng(6), strategy="few_shot")
    made += spoken(chain, labels, samples=8, prompts=2, rng=np.random.default_rng(7), strategy="hot", temperature=1.3)
    file = jsonl(tmp_path / "rows.jsonl", made)
    arguments = (file, "--real", f"{path}::split=anchor", "-o", tmp_path / "out", "--json", "--prompts", 6)
    code, out, err = run(monkeypatch, capsys, *arguments, "--no-gain")
    assert code == 0, err
    report = json.loads(out)
    few, hot = (report["estimates"][f"information.gain@{name}"] for name in ("few_shot", "hot"))
    assert few["intervals"]["0.95"][1] < hot["intervals"]["0.95"][0]
    novel = report["estimates"]["novelty.surprisal@few_shot"]
    assert 0 < novel["value"] < novel["references"]["held-out real rows"]  # the chain knows only the anchors' words
    code, out, err = run(
        monkeypatch, capsys, f"{file}::strategy=few_shot", *arguments[1:], "--generator", "toy", "--force"
    )
    assert code == 0, err
    report = json.loads(out)
    assert 0 < value(report, "information.prompt_lower") <= math.log(6)
    assert "divergence.tv_lower" in report["estimates"]
    assert "gain.log_loss" in report["estimates"]
