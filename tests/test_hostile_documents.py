"""YAML and JSON made to harm, and cells that a spreadsheet would run."""

import contextlib
import csv
import json
import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cpu_time import plain_steps
from syngain.cli.config_file import read_options
from syngain.core.documents.yaml_documents import yaml_content, yaml_value
from syngain.core.errors import InputError, SyngainError, UsageError
from syngain.data.files.spreadsheet import covered, uncovered
from syngain.gain.calibration import record
from syngain.pipeline.recipe import read_recipe
from syngain.pipeline.store.budget import prices_of
from syngain.report import load
from syngain.workflows.evaluate.explain import explain
from syngain.workflows.evaluate.gate import gate
from syngain.workflows.evaluate.review import review
from syngain.workflows.generate.convert import convert

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [*{old}, *{old}, *{old}, *{old}, *{old}, *{old}, *{old}, *{old}, *{old}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGES = "a: &a {k: v}\n" + "".join(
    f"b{n}: &b{n} {{x{n}: *{'a' if not n else f'b{n - 1}'}, y{n}: *{'a' if not n else f'b{n - 1}'}}}\n"
    for n in range(40)
)
HOSTILE_YAML = {
    "laughs": LAUGHS,
    "merges": MERGES,
    "itself": "a: &a [*a]\n",
    "itself below": "a: &a {b: {c: *a}}\n",
    "deep list": "[" * 50_000 + "]" * 50_000,
    "deep map": "{a: " * 50_000 + "1" + "}" * 50_000,
    "deep blocks": "".join(" " * n + "a:\n" for n in range(300)) + " " * 300 + "b\n",
    "many": "a: [" + "1, " * 250_000 + "1]",
    "date": "a: 2026-99-99",
    "no key": "? [a]\n: 1\n? {b: 1}\n: 2",
    "long": "a: " + "x" * 9_000_000,
    "tag": "a: !!python/object/apply:os.system ['true']",
    "null": "a: \0",
}


@pytest.mark.parametrize("kind", HOSTILE_YAML)
def test_hostile_yaml_is_one_clear_error_wherever_yaml_is_read(kind, tmp_path):
    path = tmp_path / "file.yaml"
    path.write_text(HOSTILE_YAML[kind], encoding="utf-8")
    plain = plain_steps()
    begin = time.process_time()
    for reader in (read_recipe, lambda file: prices_of(file, "model"), lambda file: read_options(file, "audit")):
        with pytest.raises((InputError, UsageError)) as error:
            reader(path)
        assert error.value.expected
        assert error.value.todo
        assert len(str(error.value)) < 2_000
    assert time.process_time() - begin < 300 * plain  # 30 s where plain steps take .1 s


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    )
)
def test_yaml_reads_as_before(value):
    text = yaml.safe_dump(value)
    assert yaml_value(text) == yaml.safe_load(text)


def test_aliases_that_do_not_expand_are_read():
    text = "base: &base {rows: 3}\none: *base\ntwo: {<<: *base, kind: x}\n"
    assert yaml_content(text) == (yaml.safe_load(text), ["base", "one", "two"])


REPORT = {
    "schema": 1,
    "syngain": "0.1.0",
    "command": "audit",
    "seed": 0,
    "inputs": {"real": {"name": "r", "rows": 3, "fingerprint": "f"}},
    "estimates": {"size.x": {"value": 0.5, "intervals": {"0.90": [0.1, 0.9]}, "p": None, "marks": []}},
    "series": {},
    "sets": {},
    "findings": [{"id": "duplicates", "severity": "high", "message": "m", "estimates": ["size.x"], "rows": 3}],
    "verdict": {"decision": "use", "sentence": "Use it."},
}
WRONG = [None, True, "x", 3, -1e308, [], [[]], {}, {"a": {}}, [1, 2, 3], ["x"], {"value": []}, {"0.90": 1}]


def places(part, path=()):
    yield path
    items = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def changed(path, value):
    report = json.loads(json.dumps(REPORT))
    target = report
    for key in path[:-1]:
        target = target[key]
    if not path:
        return value
    target[path[-1]] = value
    return report


@pytest.mark.parametrize("path", list(places(REPORT)), ids=str)
def test_a_report_with_other_types_is_one_clear_error(path, tmp_path):
    file = tmp_path / "report.json"
    for value in WRONG:
        file.write_text(json.dumps(changed(path, value)))
        for reader in (
            lambda: gate(tmp_path, ["findings.high > 0", "size.x > 1", "verdict == 'use'"]),
            lambda: explain(tmp_path, "size.x"),
            lambda: explain(tmp_path, "verdict"),
            lambda: explain(tmp_path, "duplicates"),
            lambda: review(tmp_path),
        ):
            with contextlib.suppress(SyngainError):  # any other error is a traceback
                reader()


BIG = {
    "deep": lambda file: file.write_text("[" * 100_000 + "]" * 100_000),
    "deep inside": lambda file: file.write_text('{"schema": 1, "a": ' + '{"a": ' * 100_000 + "1" + "}" * 100_001),
    "nan": lambda file: file.write_text(json.dumps({**REPORT, "seed": float("nan")})),
    "infinity": lambda file: file.write_text(json.dumps({**REPORT, "seed": float("inf")})),
    "digits": lambda file: file.write_text('{"schema": ' + "9" * 10_000 + "}"),
    "bytes": lambda file: file.write_bytes(bytes(range(256)) * 9),
    "empty": lambda file: file.write_bytes(b""),
    "large": lambda file: file.write_bytes(b" " * 100_000_000),
    "folder": lambda file: file.mkdir(),
}


@pytest.mark.parametrize("kind", BIG)
def test_a_hostile_report_is_one_clear_error(kind, tmp_path):
    BIG[kind](tmp_path / "report.json")
    for reader in (load, lambda run: gate(run, "findings.high > 0"), review, lambda run: explain(run, "verdict")):
        with pytest.raises(InputError) as error:
            reader(tmp_path)
        assert error.value.expected
        assert error.value.todo
        assert len(str(error.value)) < 1_000


def test_lines_of_a_calibration_record_that_are_none_are_left_out(tmp_path):
    good = {"key": '["gain", "m", {}]', "low": 0, "high": 1, "forecast": 0.5, "measured": 0.4, "unit": "nats"}
    bad = [
        "[" * 100_000,
        json.dumps({**good, "key": "[" * 50_000}),
        json.dumps({**good, "low": float("nan")}),
        "3",
        "[]",
    ]
    bad += [json.dumps({**good, "low": []}), json.dumps({**good, "key": "{}"}), json.dumps({**good, "low": 10**400})]
    (tmp_path / "calibration.jsonl").write_text("\n".join([*bad, json.dumps(good)]) + "\n")
    found = record(tmp_path)
    assert (len(found.comparisons), found.unread) == (1, len(bad))


CELLS = st.text(st.sampled_from("=+-@\t\r' ab1\n"), max_size=6) | st.integers() | st.none()


@given(st.dictionaries(st.text("=+a'", min_size=1, max_size=3), CELLS, max_size=4))
def test_cells_are_inert_and_read_back_as_they_were(row):
    safe = covered(row)
    assert not any(isinstance(text, str) and text[:1] in set("=+-@\t\r") for text in (*safe, *safe.values()) if text)
    assert uncovered(safe) == row


def test_a_sheet_for_a_spreadsheet_is_inert_and_round_trips(tmp_path):
    rows = [{"text": "=1+2", "label": "'-x"}, {"text": "@sum(a)", "label": "+"}, {"text": "plain", "label": "'"}]
    source, sheet, back = (tmp_path / name for name in ("in.jsonl", "sheet.csv", "back.jsonl"))
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    convert(source, sheet, spreadsheet_safe=True)
    with sheet.open(newline="") as file:
        assert [cell for line in csv.reader(file) for cell in line if cell[:1] in {"=", "+", "-", "@"}] == []
    convert(sheet, back, spreadsheet_safe=True)
    assert [json.loads(line) for line in back.read_text().splitlines()] == rows
    with pytest.raises(UsageError, match="spreadsheet"):
        convert(source, tmp_path / "other.jsonl", spreadsheet_safe=True)
