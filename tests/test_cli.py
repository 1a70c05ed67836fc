"""The command line as a person uses it: right files, wrong files, configuration."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from syngain.cli import main

TOPICS = {
    "cooking": "stir the onion pan with butter salt pepper garlic soup oven bread slowly until brown",
    "travel": "book a train flight hotel to Lisbon Rome island beach ticket passport early next week",
    "money": "send the bank transfer card fee account balance refund today because of a wrong charge",
}


@pytest.fixture
def rows():
    topics = {label: words.split() for label, words in TOPICS.items()}

    def draw(count, seed):
        local = np.random.default_rng([seed, 1])
        out = []
        for i in range(count):
            label = list(topics)[i % 3]
            words = local.choice(topics[label], size=local.integers(6, 11))
            out.append({"text": " ".join(words), "label": label})
        return out

    return draw


def jsonl(path: Path, rows) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["syngain", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    out, err = capsys.readouterr()
    return stop.value.code, out, err


@pytest.fixture
def files(tmp_path, rows):
    return jsonl(tmp_path / "real.jsonl", rows(90, 1)), jsonl(tmp_path / "synthetic.jsonl", rows(150, 2))


def test_an_audit_writes_the_run_folder_and_ends_with_its_path(monkeypatch, capsys, tmp_path, files):
    code, out, err = run(monkeypatch, capsys, "audit", *files, "-o", tmp_path / "run")
    assert code == 0, err
    assert out.rstrip().endswith(str(tmp_path / "run" / "report.html"))
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names >= {"report.html", "report.json", "run.json", "log.txt", "kept.jsonl", "dropped.jsonl"}
    kept, dropped = ((tmp_path / "run" / name).read_text().splitlines() for name in ("kept.jsonl", "dropped.jsonl"))
    assert len(kept) + len(dropped) == 150


def test_the_same_inputs_and_seed_give_the_same_bytes(monkeypatch, capsys, tmp_path, files):
    for name in ("one", "two"):
        assert run(monkeypatch, capsys, "audit", *files, "-o", tmp_path / name, "--seed", 3)[0] == 0
    run(monkeypatch, capsys, "audit", *files, "-o", tmp_path / "three", "--seed", 4)
    texts = [(tmp_path / name / "report.json").read_bytes() for name in ("one", "two", "three")]
    assert texts[0] == texts[1] != texts[2]


def test_json_goes_to_stdout_and_talk_does_not(monkeypatch, capsys, tmp_path, files):
    code, out, err = run(monkeypatch, capsys, "audit", *files, "-o", tmp_path / "run", "--json")
    report = json.loads(out)
    assert code == 0
    assert report["schema"] == 1
    assert report["verdict"]["decision"] in {"cannot_tell", "use_subset", "do_not_use"}
    assert err == ""


def test_a_finished_run_is_refused_without_force(monkeypatch, capsys, tmp_path, files):
    assert run(monkeypatch, capsys, "audit", *files, "-o", tmp_path / "run", "-q")[0] == 0
    before = (tmp_path / "run" / "report.json").read_bytes()
    code, _, err = run(monkeypatch, capsys, "audit", *files, "-o", tmp_path / "run", "-q")
    assert code == 2
    assert "--force" in err
    assert (tmp_path / "run" / "report.json").read_bytes() == before
    assert run(monkeypatch, capsys, "audit", *files, "-o", tmp_path / "run", "-q", "--force")[0] == 0


def test_resume_keeps_a_finished_run_of_the_same_rows_and_refuses_others(monkeypatch, capsys, tmp_path, files):
    assert run(monkeypatch, capsys, "audit", *files, "-o", tmp_path / "run", "-q")[0] == 0
    before = (tmp_path / "run" / "run.json").read_bytes()
    code, out, _ = run(monkeypatch, capsys, "audit", *files, "-o", tmp_path / "run", "-q", "--resume")
    assert (code, (tmp_path / "run" / "run.json").read_bytes()) == (0, before)
    assert "report.html" in out
    code, _, err = run(monkeypatch, capsys, "audit", *files, "-o", tmp_path / "run", "--resume", "--seed", 9)
    assert code == 2
    assert "--force" in err
    assert run(monkeypatch, capsys, "audit", *files, "-o", tmp_path / "fresh", "-q", "--resume")[0] == 0


def test_configuration_files_give_flags_and_flags_beat_them(monkeypatch, capsys, tmp_path, files):
    config = tmp_path / "config.yaml"
    config.write_text(f"seed: 5\noutput: {tmp_path / 'from_file'}\nquiet: true\n")
    code, _, err = run(monkeypatch, capsys, "audit", *files, "-c", config, "--seed", 6)
    assert (code, err) == (0, "")
    assert json.loads((tmp_path / "from_file" / "report.json").read_text())["seed"] == 6
    config.write_text("sead: 5\n")
    code, _, err = run(monkeypatch, capsys, "audit", *files, "-c", config)
    assert code == 2
    assert "sead" in err
    assert "seed" in err


def test_fewer_than_twenty_rows_cannot_tell(monkeypatch, capsys, tmp_path, rows):
    real, synthetic = jsonl(tmp_path / "r.jsonl", rows(12, 1)), jsonl(tmp_path / "s.jsonl", rows(100, 2))
    code, out, _ = run(monkeypatch, capsys, "audit", real, synthetic, "-o", tmp_path / "run", "--json")
    assert code == 0
    assert json.loads(out)["verdict"]["decision"] == "cannot_tell"


WRONG = {
    "missing file": (lambda p: p / "absent.jsonl", "absent.jsonl"),
    "empty file": (lambda p: _bytes(p / "empty.jsonl", b""), "empty.jsonl"),
    "not JSON": (lambda p: _bytes(p / "bad.jsonl", b'{"text": "a"}\n{"text": \n'), "line 2"),
    "mixed schemas": (
        lambda p: _bytes(p / "mixed.jsonl", b'{"text": "a"}\n{"prompt": "x", "completion": "y"}\n'),
        "mixed",
    ),
    "no text field": (
        lambda p: _bytes(p / "fields.jsonl", b'{"prose": "It was a dark and stormy night, said no one."}\n' * 30),
        "prose",
    ),
    "binary": (lambda p: _bytes(p / "noise.jsonl", bytes(range(256)) * 40), "noise.jsonl"),
    "invalid UTF-8": (lambda p: _bytes(p / "latin.jsonl", b'{"text": "caf\xe9"}\n'), "line 1"),
    "truncated gzip": (lambda p: _truncated(p / "cut.jsonl.gz"), "cut.jsonl.gz"),
    "deep nesting": (
        lambda p: _bytes(p / "deep.jsonl", b'{"text": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"),
        "deep.jsonl",
    ),
    "a 200 MB line": (lambda p: _long(p / "long.jsonl"), "long.jsonl"),
    "one class only": (lambda p: _bytes(p / "one.jsonl", b'{"text": "a b c", "label": "x"}\n' * 40), "one.jsonl"),
    "unlabeled": (lambda p: _bytes(p / "bare.jsonl", b'{"text": "a b c"}\n' * 40), "bare.jsonl"),
    "NaN column": (lambda p: _bytes(p / "nan.csv", b"x,y,label\n" + b"1,NaN,a\n2,NaN,b\n" * 20), "nan.csv"),
}


def _bytes(path, data):
    path.write_bytes(data)
    return path


def _truncated(path):
    import gzip

    return _bytes(path, gzip.compress(b'{"text": "a b c d"}\n' * 5_000)[:-20])


def _long(path):
    with path.open("wb") as file:
        file.write(b'{"text": "')
        for _ in range(200):
            file.write(b"x" * 1_000_000)
        file.write(b'"}\n')
    return path


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("side", ["real", "synthetic"])
def test_wrong_input_names_the_file_exits_2_and_leaves_no_report(monkeypatch, capsys, tmp_path, files, name, side):
    make, said = WRONG[name]
    if (name, side) == ("one class only", "synthetic"):
        pytest.skip("one class among synthetic rows is a finding, not an error")
    wrong = make(tmp_path)
    pair = (wrong, files[1]) if side == "real" else (files[0], wrong)
    code, out, err = run(monkeypatch, capsys, "audit", *pair, "-o", tmp_path / "run")
    assert code == 2, err
    assert wrong.name in err
    assert said.removesuffix(".jsonl") in err
    assert "Traceback" not in err
    assert out == ""
    assert not (tmp_path / "run").exists()
    assert not [path for path in tmp_path.iterdir() if "run" in path.name]


def test_an_unwritable_output_folder_is_refused_before_the_work(monkeypatch, capsys, tmp_path, files):
    (tmp_path / "file").write_text("in the way")
    code, _, err = run(monkeypatch, capsys, "audit", *files, "-o", tmp_path / "file")
    assert code == 2
    assert "file" in err
    code, _, err = run(monkeypatch, capsys, "audit", *files, "-o", tmp_path / "file" / "below")
    assert code == 2
    assert "Traceback" not in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full to play a full disk")
def test_a_full_disk_leaves_nothing(monkeypatch, capsys, tmp_path, files):
    real_write = Path.write_bytes

    def full(path, data):
        if path.name == "report.json":
            with Path("/dev/full").open("wb") as device:
                device.write(data)
        return real_write(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    code, _, err = run(monkeypatch, capsys, "audit", *files, "-o", tmp_path / "run")
    assert code == 3, err
    assert "space" in err
    assert not [path for path in tmp_path.iterdir() if "run" in path.name]


def test_control_characters_of_rows_never_reach_the_terminal(monkeypatch, capsys, tmp_path, rows):
    hostile = [{**row, "text": "\x1b[31m<script>alert(1)</script>\x07 " + row["text"]} for row in rows(120, 3)]
    synthetic = jsonl(tmp_path / "hostile.jsonl", hostile)
    code, out, err = run(
        monkeypatch, capsys, "audit", jsonl(tmp_path / "r.jsonl", rows(90, 1)), synthetic, "-o", tmp_path / "run"
    )
    assert code == 0, err
    assert "\x1b[31m" not in out
    assert "\x07" not in out


def test_labels_on_one_side_can_be_left_out(monkeypatch, capsys, tmp_path, rows):
    real = jsonl(tmp_path / "r.jsonl", rows(60, 1))
    synthetic = jsonl(tmp_path / "s.jsonl", [{"text": row["text"]} for row in rows(60, 2)])
    code, _, err = run(monkeypatch, capsys, "audit", real, synthetic, "-o", tmp_path / "run")
    assert code == 2
    assert "--label none" in err
    code, out, err = run(
        monkeypatch, capsys, "audit", real, synthetic, "-o", tmp_path / "run", "--label", "none", "--json"
    )
    assert code == 0, err
    assert not [name for name in json.loads(out)["estimates"] if name.startswith("labels.")]


def test_a_broken_pipe_is_no_error(tmp_path, files):
    import subprocess

    command = [sys.executable, "-m", "syngain", "audit", *map(str, files), "-o", str(tmp_path / "run"), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ)) as process:
        process.stdout.close()
        err = process.stderr.read()
        assert process.wait() == 0, err
    assert b"Traceback" not in err
