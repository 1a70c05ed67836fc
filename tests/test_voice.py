"""The words of the product: no retired word is shown, and findings, errors and verdicts have their three parts."""

from __future__ import annotations

import importlib.util
import io
import json
import random
import re
import sys

import pytest
from typer.testing import CliRunner

import report_samples as samples
import syngain
from docs_blocks import ROOT
from syngain.audit.findings.verdict import PHRASE
from syngain.audit.findings.words import NAMES
from syngain.cli.command_list import GROUPS
from syngain.core.errors import UsageError
from syngain.core.finding_words import FINDING_WORDS
from syngain.core.phrases import interval_words, signed
from syngain.gain.outcome import narrative
from syngain.lab.planted.sets import demo_sets
from syngain.report import catalog, write
from syngain.report.catalog import describe, finding_title
from syngain.report.entries import measures as entries
from syngain.report.explain import CHANGES, LINES, explained


def tool():
    spec = importlib.util.spec_from_file_location("voice", ROOT / "tools" / "voice.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["voice"] = module
    spec.loader.exec_module(module)
    return module


voice = tool()


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """Rows of the demonstration with wrong labels and test rows planted."""
    folder = tmp_path_factory.mktemp("voice")
    sets = demo_sets(5)
    for name, records in (("real", sets.real[:300]), ("test", sets.test), ("synthetic", sets.synthetic[:600])):
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, records)))
    return folder


@pytest.fixture(scope="module")
def audited(rows):
    names = ("real.jsonl", "synthetic.jsonl")
    return syngain.audit(*(rows / name for name in names), test=rows / "test.jsonl", seed=0)


def strings(value):
    """Every string in a nested constant."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in strings(item)]
    if isinstance(value, entries.MeasureEntry):
        return [value.name, value.question, value.read]
    if isinstance(value, (tuple, list, frozenset, set)):
        return [text for item in value for text in strings(item)]
    return []


CATALOGS = {
    "measures": entries.MEASURES,
    "findings": catalog.FINDINGS,
    "groups": catalog.GROUPS,
    "decisions": catalog.DECISIONS,
    "parts": catalog.PARTS,
    "done": catalog.DONE,
    "consequences and fixes": FINDING_WORDS,
    "names of findings": NAMES,
    "phrases of verdicts": PHRASE,
    "changes": CHANGES,
    "gain": (narrative.VARIANTS, narrative.METRICS),
    "composed": [describe(f"gain.{metric}{tail}") for metric in ("accuracy", "log_loss") for tail in ("", ".test")],
}


@pytest.mark.parametrize("name", CATALOGS)
def test_no_string_of_a_catalog_has_a_retired_word(name):
    found = strings(CATALOGS[name])
    assert found
    assert [text for text in found if voice.WORDS.search(text)] == []


@pytest.mark.parametrize(
    "text", ["told apart from real rows", "Cannot tell: why", "beside it", "of the anchors", "a teacher agrees"]
)
def test_the_rule_sees_retired_words(text):
    assert voice.WORDS.search(text)


@pytest.mark.parametrize("text", ["`anchors` of a row", "`--anchor FILE`", "{anchors}"])
def test_code_is_left_alone(text):
    assert not voice.WORDS.search(voice.QUIET.sub("`", text))


def test_the_sources_have_no_offense():
    """Sentences, docstrings, and errors without what was expected or how to fix it."""
    assert [str(one) for one in voice.offenses([ROOT / "src"])] == []


def test_the_rule_sees_an_error_without_a_fix(tmp_path):
    file = tmp_path / "bad.py"
    file.write_text('raise UsageError("x", expected="y")\n')
    (found,) = voice.offenses([file])
    assert (found.kind, "todo" in found.text) == ("error", True)


def test_what_a_user_sees_of_an_audit_has_no_retired_word(audited):
    shown = [audited.verdict.sentence, audited.verdict.action, audited.verdict.needs, audited.verdict.next_command]
    shown += [text for finding in audited.findings for text in (finding.message, finding.consequence, finding.fix)]
    shown += [text for item in audited.estimates.values() for text in (item.method, item.estimand)]
    shown += [text for pair in audited.views.computed for text in pair]
    quiet = [voice.QUIET.sub("`", text) for text in shown]
    assert [text for text in quiet if voice.WORDS.search(text)] == []


def test_findings_and_verdict_have_their_three_parts(audited):
    assert {finding.id for finding in audited.findings} >= {"contamination"}
    for finding in audited.findings:
        assert re.search(r"\d", finding.message), finding.id
        assert finding.consequence.endswith(".")
        assert finding.fix
    assert audited.verdict.action
    assert len(audited.verdict.action.split()) <= 20
    assert audited.verdict.estimate in audited.estimates
    assert audited.verdict.next_command.startswith("syngain ")


def test_every_finding_of_the_audit_has_a_consequence_a_fix_and_a_name():
    assert FINDING_WORDS.keys() >= NAMES.keys() >= PHRASE.keys()
    assert FINDING_WORDS.keys() == catalog.FINDINGS.keys()
    for name, words in FINDING_WORDS.items():
        assert finding_title(name) != name
        assert all(words)


@pytest.mark.parametrize(
    "arguments",
    [
        ("audit",),
        ("audit", "a.jsonl", "b.jsonl", "--sed", "1"),
        ("audit", "a.jsonl", "b.jsonl", "--seed", "x"),
        ("audt",),
        ("audit", "missing.jsonl", "b.jsonl"),
        ("gate", "missing", "--fail-if", "findings.high > 0"),
        ("compare", "missing.jsonl", "a.jsonl"),
        ("explain", "missing"),
    ],
)
def test_errors_of_the_command_line_have_three_parts(arguments, monkeypatch, capsys, tmp_path):
    """Those of the parser as well."""
    from syngain.cli.app import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["syngain", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("[")]
    assert stop.value.code == 2
    assert [line.partition(": ")[0] for line in lines] == ["error", "expected", "fix"]
    assert all(line.partition(": ")[2] for line in lines)


def test_every_command_has_a_whole_line_in_the_help():
    from syngain.cli.app import app

    text = CliRunner().invoke(app, ["--help"], terminal_width=80).output
    assert "..." not in text.partition("Evaluate:")[2]
    for title, names in GROUPS.items():
        assert f"{title}:" in text
        for name in names:
            (line,) = [line for line in text.splitlines() if line.strip().startswith(f"{name} ")]
            words = line.strip().partition(" ")[2].strip()
            assert 0 < len(words) <= 55
            assert words.endswith(".")


def test_gains_have_one_format():
    assert signed(0.0114, "nats") == "+0.011 nats"
    assert signed(-0.143, "pp") == "-14.3 pp"
    assert interval_words((-0.038, 0.061)) == "90% CI [-0.038, +0.061]"


# the eleven defects of meaning


def test_defect_1_contamination_asks_about_test_rows():
    assert "test rows" in describe("contamination.test_fraction").question
    assert "synthetic rows repeat" not in describe("contamination.test_fraction").question


def test_defect_2_missing_regions_of_labels_are_classes():
    classes = finding_title("missing_regions", ("labels.missing_mass",))
    clusters = finding_title("missing_regions", ("fidelity.missing_mass",))
    assert (classes, clusters) == ("Under-represented classes", "Uncovered clusters")
    assert describe("labels.missing_mass").name == classes
    assert describe("fidelity.missing_mass").name == clusters


def test_defect_3_kept_rows_of_a_condemned_dataset_are_not_recommended(tmp_path):
    from dataclasses import replace

    from rich.console import Console

    from syngain.core.result import Verdict
    from syngain.data.files.write import RecordFile
    from syngain.report import terminal

    verdict = Verdict(decision="do_not_use", sentence="Do not train.", rows_to_use=0)
    files = {"kept.jsonl": RecordFile([{"text": "a"}])}
    result = replace(samples.audit_result(points=30, drops=5), verdict=verdict, files=files)
    page = (write(result, tmp_path / "run") / "report.html").read_text(encoding="utf-8")
    assert "do not train on them either" in page
    file = io.StringIO()
    Console(file=file, width=80).print(terminal(result))
    assert "do not train on them" in file.getvalue()
    assert "Rows to use: 0" not in file.getvalue() + page


def test_defects_4_and_5_one_level_and_one_unit(audited, tmp_path):
    """Verdict, table and picture show the 90% interval, and differences of accuracies are in pp."""
    estimate = audited.estimates[audited.verdict.estimate]
    low, high = estimate.interval(0.9)
    assert interval_words((low, high), "nats").removesuffix("]") in audited.verdict.sentence
    page = (write(audited, tmp_path / "run") / "report.html").read_text(encoding="utf-8")
    body = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert "95% interval" not in body
    assert "95 %" not in body
    assert "\u202fpp" in body
    assert not re.search(r"[+\u2212][\d.]+.points", body)


def test_defect_6_bound_of_the_finding_is_the_number_of_the_table(rows, tmp_path):
    from syngain.core.phrases import percent

    other = tmp_path / "other.jsonl"
    rng = random.Random(3)
    words = [f"zz{i}" for i in range(400)]
    label = sorted({row["label"] for row in demo_sets(5).real})
    lines = [{"text": " ".join(rng.choices(words, k=12)), "label": rng.choice(label)} for _ in range(300)]
    other.write_text("\n".join(map(json.dumps, lines)))
    found = syngain.audit(rows / "real.jsonl", other, seed=0, gain=False)
    (shift,) = [finding for finding in found.findings if finding.id == "distribution_shift"]
    value = found.estimates[shift.estimates[0]].value
    assert f"total variation at least {percent(max(value, 0.0))}" in shift.message


def test_defect_7_the_gain_of_kept_rows_says_so(audited):
    kept = [item for name, item in audited.estimates.items() if name.endswith("@kept")]
    assert kept
    assert all("kept rows" in item.estimand and "adding all rows" not in item.estimand for item in kept)
    assert audited.verdict.estimate.endswith(("@kept", "@kept_chosen"))


def test_defect_8_no_two_measures_share_a_name():
    names = [entry.name for entry in entries.MEASURES.values()]
    bounds = {name for name in names if names.count(name) > 1}
    assert bounds == set()
    assert "ffective" not in describe("size.effective").name + describe("diversity.vendi").name


def test_defect_9_the_first_cause_is_named_first(rows, tmp_path):
    from syngain.core.errors import InputError, UnfinishedError
    from syngain.data.encoders.sentences import SentenceEncoder

    notext = tmp_path / "notext.jsonl"
    notext.write_text("\n".join(json.dumps({"a": i, "b": i % 2}) for i in range(40)))
    with pytest.raises(InputError) as caught:
        syngain.audit(notext, rows / "synthetic.jsonl")
    assert caught.value.came.startswith("notext.jsonl: no text field")
    with pytest.raises(InputError, match=r"nope\.yaml cannot be read"):
        syngain.generate(tmp_path / "nope.yaml", tmp_path / "no-real.jsonl")
    with pytest.raises(UsageError, match="unknown method 'best'") as method:
        syngain.select(rows / "real.jsonl", rows / "synthetic.jsonl", method="best")
    assert method.value.todo
    if importlib.util.find_spec("transformers"):
        (tmp_path / "empty").mkdir()
        with pytest.raises((InputError, UnfinishedError)):
            SentenceEncoder(str(tmp_path / "empty")).check()


def test_defect_10_the_demo_promises_no_time_and_the_report_is_small(audited, tmp_path):
    from syngain.cli.setup.demo import demo

    assert "minute" not in (demo.__doc__ or "")
    assert (write(audited, tmp_path / "run") / "report.html").stat().st_size <= 1_600_000


def test_defect_11_the_action_is_shown_next_to_an_inconclusive_badge(tmp_path):
    page = (write(samples.decided_result(), tmp_path / "run") / "report.html").read_text(encoding="utf-8")
    assert re.search(r'badge">Inconclusive</p>\s*<h1>Drop 513 of 1,800 rows', page)


# explain


def test_every_number_finding_and_the_verdict_are_explained_in_15_lines(audited):
    report = audited.as_json()
    for name in ["verdict", *report["estimates"], *(finding["id"] for finding in report["findings"])]:
        text = explained(report, name).text()
        lines = text.splitlines()
        assert len(lines) <= LINES
        assert max(map(len, lines)) <= 80
        own = text.partition("Example")[0].partition("\n\n")[2]
        assert not voice.WORDS.search(voice.QUIET.sub("`", own))


def test_an_explanation_says_what_how_and_what_would_change_it(audited):
    parts = dict(syngain.explain(audited, "contamination.test_fraction").parts)
    assert parts["What"].endswith("?")
    assert all(parts[name] for name in ("Here", "Computed", "Changes"))
    finding = dict(syngain.explain(audited, "contamination").parts)
    assert all(finding[name] for name in ("What", "Effect", "Fix"))


def test_an_unknown_id_names_the_nearest(audited):
    with pytest.raises(UsageError) as caught:
        syngain.explain(audited, "contamination.test_fractoin")
    assert "contamination.test_fraction" in caught.value.todo


def test_the_command_explains_a_run(audited, tmp_path):
    from syngain.cli.app import app

    run = write(audited, tmp_path / "run")
    shown = CliRunner().invoke(app, ["explain", str(run), "contamination"]).output
    assert shown == syngain.explain(run, "contamination").text()


def test_every_finding_id_is_in_the_contract():
    """Ids of reports are only added to; their numbers are compared by ``tools/same_numbers.py --values``."""
    text = (ROOT / "docs" / "contract.md").read_text(encoding="utf-8")
    for name in FINDING_WORDS:
        assert f"`{name}`" in text
