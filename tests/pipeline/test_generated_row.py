"""Generated rows: write then read is identity, results carry their rows, and stores of version 0.1 resume."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import syngain
from generating import anchors, exported, lines, toy_recipe
from strategies import any_text, names, thorough, values
from syngain.core.errors import InputError, UsageError
from syngain.data.generated_row import (
    GeneratedRow,
    GeneratorOutput,
    Prompt,
    Rejection,
    TokenLogprobs,
    from_record,
    to_record,
)
from syngain.generators.protocol import Sampling
from syngain.pipeline.store.codec import packed, unpacked
from syngain.pipeline.store.request import JudgmentSpec, Request, RowSpec
from syngain.workflows.generate.generate import forget, generate

FILES = ("rows.jsonl", "kept.jsonl", "dropped.jsonl", "recipe.yaml", "report.json")
decimals = st.lists(st.none() | st.floats(-50, 0, width=32), max_size=4).map(tuple)
logprobs = st.builds(
    TokenLogprobs,
    mode=st.none() | st.sampled_from(["exact", "processed", "raw"]),
    tokens=st.lists(any_text, max_size=4).map(tuple),
    logprobs=decimals,
    end_included=st.booleans(),
    entropies=st.none() | decimals,
    top=st.none()
    | st.lists(st.dictionaries(any_text, st.none() | st.floats(-50, 0, width=32), max_size=3), max_size=3).map(tuple),
)
outputs = st.builds(
    GeneratorOutput,
    finish_reason=st.sampled_from(["stop", "length"]),
    temperature=st.floats(0, 10),
    top_p=st.floats(0, 1),
    max_tokens=st.integers(1, 4096),
    raw_text=st.none() | any_text,
    logprobs=st.none() | logprobs,
)
prompts = st.builds(Prompt, digest=names, messages=st.lists(st.tuples(any_text, any_text), max_size=3).map(tuple))
rows = st.builds(
    GeneratedRow,
    content=st.dictionaries(any_text.map(lambda name: f"column {name}"), values, max_size=4),
    anchors=st.lists(any_text, max_size=3).map(tuple),
    strategy=any_text,
    generator=any_text,
    request=names,
    sample=st.integers(0, 99),
    prompt=prompts,
    output=st.none() | outputs,
    rejection=st.none() | st.builds(Rejection, step=any_text, reasons=st.lists(any_text, max_size=3).map(tuple)),
)
row_specs = st.builds(
    RowSpec,
    strategy=any_text,
    anchors=st.lists(any_text, max_size=3).map(tuple),
    label=st.none() | any_text,
    output=st.sampled_from(["text", "pair", "json"]),
    into=names,
    fixed=st.dictionaries(names, values, max_size=2),
    repair=st.booleans(),
)


@given(rows)
@thorough(200)
def test_a_row_that_is_written_and_read_is_the_same(row):
    record = to_record(row)
    assert from_record(record) == row
    assert from_record(json.loads(json.dumps(record))) == row


@given(row_specs, st.sampled_from(["generate", "repair", "template"]))
@thorough(100)
def test_a_request_that_is_stored_and_read_is_the_same(purpose, stage):
    how = {"messages": (("user", "say"),), "sampling": Sampling(stop=("a",)), "sample": 3, "run_seed": 1}
    request = Request(**how, purpose=purpose, stage=stage, schema={"type": "object"}, parent=b"p")
    assert Request.from_json(unpacked(packed(request.as_json())), stage=stage, parent=b"p") == request
    judgment = Request(**how, purpose=JudgmentSpec(step=2), stage="verify")
    assert Request.from_json(unpacked(packed(judgment.as_json())), stage="verify", parent=None) == judgment
    with pytest.raises(TypeError, match="has no row"):
        _ = judgment.row


@pytest.mark.parametrize("record", [{}, {"text": "a"}, {"anchor_ids": "a"}])
def test_a_record_that_nobody_generated_is_no_generated_row(record):
    with pytest.raises(InputError, match="without the provenance"):
        from_record(record)


def test_every_record_of_a_run_is_read_and_written_again_key_by_key(real, tmp_path):
    recipe = toy_recipe(
        strategies=[
            {"kind": "few_shot", "rows": 30, "sampling": {"max_tokens": 4, "top_logprobs": 2, "samples": 5}},
            {"kind": "template", "rows": 4, "template": "as is: {{ anchor.text }}"},
        ]
    )
    syngain.generate(recipe, real, folder=tmp_path / "run")
    for name in FILES[:3]:
        records = lines(tmp_path / "run" / name)
        assert records
        assert [json.dumps(to_record(from_record(record))) for record in records] == list(map(json.dumps, records))


def test_a_result_is_whole_before_and_after_it_is_written(real, tmp_path):
    recipe = toy_recipe()
    syngain.generate(recipe, real, folder=tmp_path / "one")
    result = generate(recipe, anchors=real, work=tmp_path / "work")
    assert list(result.files) == ["rows.jsonl", "kept.jsonl", "dropped.jsonl", "recipe.yaml", "store.sqlite"]
    assert list(result.kept_rows) == lines(tmp_path / "one" / "kept.jsonl")
    assert list(result.dropped_rows) == lines(tmp_path / "one" / "dropped.jsonl")
    assert len(result.kept_rows) == result.inputs["synthetic"].rows
    assert result.notes[0].startswith("answers of this call: 60")
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == ["store.sqlite"]
    syngain.report.write(result, tmp_path / "two")
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    forget(tmp_path / "work")
    with pytest.raises(UsageError, match="read the rows from the run folder"):
        list(result.kept_rows)
    with pytest.raises(UsageError, match="there is no"):
        syngain.report.write(result, tmp_path / "three")


def test_a_result_with_a_folder_reads_its_rows_from_there(real, tmp_path):
    result = syngain.generate(toy_recipe(), real, folder=tmp_path / "run")
    assert not (tmp_path / "run.work").exists()
    assert list(result.kept_rows) == lines(tmp_path / "run" / "kept.jsonl")
    with result.files["store.sqlite"].opened() as store:
        assert sum(store.counts().values()) == 60
    assert {path.name for path in (tmp_path / "run").iterdir()} == {*FILES, "report.html", "run.json", "log.txt"} | {
        "store.sqlite"
    }


def test_without_a_folder_the_answers_stay_in_the_current_one(real, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = syngain.generate(toy_recipe(), real)
    assert (tmp_path / "syngain-generate.work" / "store.sqlite").exists()
    assert len(result.files["rows.jsonl"].records) == 60
    with pytest.raises(UsageError, match="`real` and `anchors`"):
        syngain.generate(toy_recipe(), real, anchors=real)
    with pytest.raises(UsageError, match="no real rows"):
        syngain.generate(toy_recipe())


OLD = {
    "generator": {"kind": "toy"},
    "sampling": {"samples": 2, "max_tokens": 20, "top_logprobs": 2},
    "strategies": [
        {"kind": "few_shot", "rows": 8},
        {
            "kind": "paraphrase",
            "rows": 2,
            "name": "as_json",
            "output": "json",
            "json_schema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
        },
        {"kind": "template", "rows": 2, "template": "the words {{ anchor.text }}"},
    ],
    "curate": [
        {"step": "verify", "template": "Is this fine: {{ text }}", "accept": "a", "max_tokens": 3},
        {"step": "dedup"},
    ],
}
DIGESTS = {"rows": "db87ea247f197b6f", "kept": "ec063412d92fb6fd", "dropped": "62c30aadc1e73a66"}


def test_a_store_of_version_0_1_resumes_to_the_bytes_of_version_0_1(tmp_path):
    """The store holds a preview of five answers, two of them with a repair turn that is due."""
    real, work = tmp_path / "real.jsonl", tmp_path / "run.work"
    real.write_text("".join(json.dumps(row) + "\n" for row in anchors(12)), encoding="utf-8")
    work.mkdir()
    stored = Path(__file__).with_name("store_0_1.sqlite.gz").read_bytes()
    (work / "store.sqlite").write_bytes(gzip.decompress(stored))
    result = syngain.generate(OLD, real, folder=tmp_path / "run", resume=True)
    assert result.notes[0].startswith("answers of this call: 7")
    written = exported(tmp_path / "run")
    assert {name: hashlib.sha256(data).hexdigest()[:16] for name, data in written.items()} == DIGESTS
