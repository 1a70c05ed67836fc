"""The notebooks of the documentation run as they stand, and print what is saved in them."""

import contextlib
import io
import json

import pytest

from docs_blocks import ROOT

NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def cells(path):
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


def printed(cell):
    """What a saved cell said on stdout."""
    said = [one for one in cell["outputs"] if one["output_type"] == "stream" and one["name"] == "stdout"]
    return "".join("".join(one["text"]) for one in said)


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_says_what_it_shows(path, tmp_path, monkeypatch):
    pytest.importorskip("IPython", reason="needs the tools of the documentation (make docs brings them)")
    matplotlib = pytest.importorskip("matplotlib", reason="needs the tools of the documentation")
    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    names = {}
    for cell in cells(path):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec("".join(cell["source"]), names)  # noqa: S102  (our own notebooks)
        assert out.getvalue() == printed(cell), "run `make notebooks` if the new output is right"
    assert matplotlib.pyplot.get_fignums()
    matplotlib.pyplot.close("all")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_saved_with_its_pictures_and_without_clocks(path):
    saved = cells(path)
    pictures = [kind for cell in saved for one in cell["outputs"] for kind in one.get("data", {}) if "image" in kind]
    assert len(pictures) >= 4
    assert all(cell["execution_count"] for cell in saved)
    assert not any(
        one["output_type"] == "error" or one.get("name") == "stderr" for cell in saved for one in cell["outputs"]
    )
    assert "iopub" not in path.read_text(encoding="utf-8")


def test_there_are_two():
    assert [path.stem for path in NOTEBOOKS] == ["chain", "verdict"]
