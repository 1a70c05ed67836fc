"""``tools/same_numbers.py``: two checkouts are the same only if every byte is, apart from what the list allows."""

import json
import sys
from dataclasses import replace

import pytest

from docs_blocks import ROOT

sys.path.insert(0, str(ROOT / "tools"))

import same_numbers
import same_numbers_compare
from same_numbers_cases import CASES, case
from same_numbers_compare import Allowed, Malformed, allowed_differences, compared
from same_numbers_inputs import make
from same_numbers_values import compared_values

PROGRAM = """\
import json, pathlib, sys, time
folder = pathlib.Path(sys.argv[sys.argv.index("-o") + 1])
folder.mkdir()
report = {"value": VALUE, "verdict": "SENTENCE"}
(folder / "report.json").write_text(json.dumps(report, indent=2))
(folder / "run.json").write_text(str(time.time()))
print("[ 50%] busy", time.time(), file=sys.stderr)
print("SENTENCE")
sys.exit(CODE)
"""


def checkout(folder, value=1, sentence="It helps.", code=0):
    package = folder / "src" / "syngain"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    text = PROGRAM.replace("VALUE", repr(value)).replace("SENTENCE", sentence).replace("CODE", str(code))
    (package / "__main__.py").write_text(text)
    return folder


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Compare two made-up checkouts on two made-up cases; returns exit code, table, and stderr."""
    monkeypatch.setattr(same_numbers, "CASES", (case("one", "audit -o out"), case("two", "gain -o out", "gain -o b")))
    monkeypatch.setattr(same_numbers, "make", lambda _folder, _data: None)
    monkeypatch.setattr(same_numbers, "allowed_differences", lambda _path: run.allowed)

    def run(old, new, *options):
        command = ["same_numbers.py", str(old), str(new), "-o", str(tmp_path / "work"), *options]
        monkeypatch.setattr(sys, "argv", command)
        code = same_numbers.main()
        out, err = capsys.readouterr()
        return code, out, err

    run.allowed = []
    return run


def test_equal_checkouts_are_the_same_whatever_the_clock_says(run, tmp_path):
    code, out, _ = run(checkout(tmp_path / "a"), checkout(tmp_path / "b"))
    assert code == 0
    assert [line.split()[:4] for line in out.splitlines()[1:3]] == [
        ["one", "1", "3", "same"],
        ["two", "2", "6", "same"],
    ]


def test_another_number_is_a_difference_and_is_shown(run, tmp_path):
    code, out, err = run(checkout(tmp_path / "a"), checkout(tmp_path / "b", value=2))
    assert code == 1
    assert "different bytes: one, two" in out
    assert '-  "value": 1,' in err
    assert '+  "value": 2,' in err


def test_a_command_that_does_not_end_as_it_should_is_broken_even_where_both_sides_agree(run, tmp_path):
    code, out, _ = run(checkout(tmp_path / "a", code=3), checkout(tmp_path / "b", code=3))
    assert code == 2
    assert "`audit -o out` ended with 3 on the old side, expected 0" in out


def test_a_sentence_that_was_changed_on_purpose_is_allowed_and_counted(run, tmp_path):
    run.allowed = [Allowed(reason="voice", old="It helps.", new="Use it.")]
    code, out, _ = run(checkout(tmp_path / "a"), checkout(tmp_path / "b", sentence="Use it."))
    assert code == 0
    assert "allowed, 6 places: voice" in out


def test_resume_keeps_what_was_compared_of_the_same_sources(run, tmp_path, monkeypatch):
    sides = checkout(tmp_path / "a"), checkout(tmp_path / "b")
    assert run(*sides)[0] == 0
    monkeypatch.setattr(same_numbers, "_run", lambda *_: pytest.fail("it ran again"))
    assert run(*sides, "--resume")[0] == 0


def test_resume_runs_again_where_a_source_changed(run, tmp_path):
    old, new = checkout(tmp_path / "a"), checkout(tmp_path / "b")
    assert run(old, new)[0] == 0
    program = new / "src" / "syngain" / "__main__.py"
    program.write_text(program.read_text().replace('"value": 1', '"value": 5'))
    assert run(old, new, "--resume")[0] == 1


def test_bytes_alone_run_only_the_new_side(run, tmp_path, monkeypatch):
    old, new = checkout(tmp_path / "a"), checkout(tmp_path / "b")
    assert run(old, new)[0] == 0
    sides = []
    before = same_numbers._run
    monkeypatch.setattr(same_numbers, "_run", lambda *them: sides.append(them[2]) or before(*them))
    code, out, _ = run(old, new, "--bytes", "--only", "t*")
    assert (code, sides) == (0, ["new"])
    assert "one" not in out


def sides(folder, old, new, name="report.json"):
    for side, text in (("old", old), ("new", new)):
        (folder / side).mkdir()
        (folder / side / name).write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
    return folder / "old", folder / "new"


def test_an_added_key_is_allowed_by_its_path_and_a_changed_number_is_not(tmp_path):
    old = {"inputs": {"real": {"rows": 1}}, "estimates": [{"n": 1}]}
    new = {"inputs": {"real": {"rows": 1, "digest": "x"}}, "estimates": [{"n": 1, "kind": "a"}]}
    places = sides(tmp_path, old, new)
    rules = [Allowed(reason="digest", added="inputs.*.digest"), Allowed(reason="kind", added="estimates.*.kind")]
    assert compared("audit", *places, rules).allowed == {"digest": 1, "kind": 1}
    assert compared("audit", *places, rules).differences == []
    assert len(compared("audit", *places, rules[:1]).differences) == 1
    changed = {**new, "inputs": {"real": {"rows": 2, "digest": "x"}}}
    (places[1] / "report.json").write_text(json.dumps(changed))
    assert len(compared("audit", *places, rules).differences) == 1


def test_an_added_key_of_rows_is_allowed_in_every_line(tmp_path):
    places = sides(tmp_path, '{"a": 1}\n{"a": 2}\n', '{"a": 1, "b": 0}\n{"a": 2, "b": 0}\n', "kept.jsonl")
    assert compared("audit", *places, [Allowed(reason="b", added="b")]).allowed == {"b": 2}


def test_a_removed_key_is_never_allowed(tmp_path):
    places = sides(tmp_path, {"a": 1, "b": 2}, {"a": 1})
    assert len(compared("audit", *places, [Allowed(reason="b", added="b")]).differences) == 1


def test_a_sentence_is_found_as_json_and_html_write_it(tmp_path):
    rule = Allowed(reason="voice", old='say "a" & b', new='write "a" & b')
    places = sides(
        tmp_path, 'say \\"a\\" & b, say &quot;a&quot; &amp; b', 'write \\"a\\" & b, write &quot;a&quot; &amp; b'
    )
    found = compared("audit", *places, [rule])
    assert (found.differences, found.allowed) == ([], {"voice": 2})
    assert compared("audit", *places, [replace(rule, cases="gain*")]).differences != []
    assert compared("audit", *places, [replace(rule, files="*.html")]).differences != []


def test_a_file_of_one_side_is_a_difference_unless_it_is_named(tmp_path):
    places = sides(tmp_path, "1", "1")
    (places[1] / "more.json").write_text("1")
    assert [item.file for item in compared("audit", *places, []).differences] == ["more.json"]
    assert compared("audit", *places, [Allowed(reason="more", file="more.*")]).differences == []


@pytest.mark.parametrize("entry", ["- {old: a, new: b}", "- {reason: x}", "- {reason: x, removed: y}"])
def test_an_allowed_difference_needs_a_reason_and_a_place(tmp_path, entry):
    path = tmp_path / "allowed.yaml"
    path.write_text(entry)
    with pytest.raises(Malformed):
        allowed_differences(path)


def test_the_list_of_the_project_can_be_read():
    assert allowed_differences(ROOT / "tools" / "same_numbers_allowed.yaml") is not None


def test_the_cases_cover_every_verb_and_every_kind_of_rows():
    lines = [step.line for item in CASES for step in item.steps]
    verbs = "audit gain compare select mix information generate ggmi loop lab convert gate check demo train".split()
    assert {line.split()[0] for line in lines} == set(verbs)
    assert len([item for item in CASES if not item.needs]) >= 24
    assert len({item.name for item in CASES}) == len(CASES)
    for words in ("--resume", "--json", "--seed 1", "--again", "--preview", "--runs", ".csv", "pairs.jsonl", "toy"):
        assert any(words in line for line in lines), words


def test_inputs_are_the_same_bytes_every_time(tmp_path):
    for name in ("a", "b"):
        make(tmp_path / name, None)
    first, second = (same_numbers_compare.files(tmp_path / name) for name in ("a", "b"))
    assert first.keys() == second.keys()
    assert all(first[name].read_bytes() == second[name].read_bytes() for name in first)


def test_values_see_numbers_and_rows_and_not_sentences(tmp_path):
    def side(name, value, sentence, text="a"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "report.json").write_text(json.dumps({"x": {"value": value}, "sentence": sentence}))
        (folder / "kept.jsonl").write_text(json.dumps({"text": text, "reason": sentence}) + "\n")
        return folder

    old = side("old", 0.25, "before")
    assert compared_values(old, side("words", 0.25, "after")).differences == []
    (number,) = compared_values(old, side("number", 0.250000001, "after")).differences
    assert ".x.value" in number.text
    (row,) = compared_values(old, side("row", 0.25, "after", text="b")).differences
    assert row.file == "kept.jsonl"
    added = side("added", 0.25, "after")
    (added / "report.json").write_text(json.dumps({"x": {"value": 0.25, "more": 1}, "sentence": "s", "new": 2}))
    assert compared_values(old, added).differences == []
    (added / "report.json").write_text(json.dumps({"x": {}, "sentence": "s"}))
    assert "only the old side" in compared_values(old, added).differences[0].text
