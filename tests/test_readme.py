"""The README does what it says, and stays short."""

import importlib.util
import re
from pathlib import Path

import pytest

from syngain.lab.planted.sets import demo_sets

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINES = README.splitlines()


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
def test_the_python_of_the_readme_runs(block, tmp_path, monkeypatch, capsys):
    from syngain.data import write_records

    sets = demo_sets(5)
    monkeypatch.chdir(tmp_path)
    write_records(tmp_path / "real.jsonl", sets.real[:200])
    write_records(tmp_path / "synthetic.jsonl", sets.synthetic[:300])
    exec(compile(block, "README.md", "exec"), {})  # noqa: S102  (the point of the test)
    assert (tmp_path / "my-run" / "report.html").exists() or "audit(" not in block
    assert capsys.readouterr().out


def test_every_estimate_of_the_demonstration_is_explained():
    from syngain.workflows.research.demo import demo

    measures = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "measures").glob("*.md"))
    named = {*re.findall(r"`([^`\n]+)`", measures), *re.findall(r"\{\{ measure: ([\w.]+) \}\}", measures)}
    names = {re.sub("^gain.(log_loss|accuracy|macro_f1)", "gain.<metric>", name) for name in demo(seed=5).estimates}
    assert sorted(names - named) == []


def test_files_that_the_readme_links_exist():
    links = re.findall(r"\]\(((?!http)[^)#]+)\)", README)
    assert links
    assert not [link for link in links if not (ROOT / link).exists()]


def test_the_readme_is_short_and_installs_early():
    assert len(LINES) <= 120
    assert "## Install" in LINES[:25]
    assert any("pip install" in line for line in LINES[:25])


def test_the_output_in_the_readme_is_that_of_the_demonstration():
    path = ROOT / "docs" / "readme_demo.py"
    spec = importlib.util.spec_from_file_location("readme_demo", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    block = README.partition(module.BEGIN)[2].partition(module.END)[0]
    assert block.strip() == f"```text\n{module.demo_output()}\n```", f"run {path.relative_to(ROOT)}"
