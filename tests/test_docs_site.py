"""The built documentation: no warnings, nothing loaded from outside, complete next to the program."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs_blocks import ROOT

sys.path.insert(0, str(ROOT / "docs" / "hooks"))

import cli_page
import measure_entries
import python_page

TOOLS = ("mkdocs", "material", "mkdocstrings_handlers.python")


def has(module):
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    if not all(map(has, TOOLS)):
        pytest.skip("the tools of the documentation are not installed (make docs brings them)")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def texts(folder: Path, *endings: str):
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.suffix in endings
    }


def test_no_page_loads_anything_from_outside(site):
    loads = re.compile(
        r"<(?:script|img|iframe|source|video|audio|embed|object)\b[^>]*?\b(?:src|srcset|data)\s*=\s*[\"']?(?:https?:)?//[^\s>]*"
        r"|<link\b(?![^>]*rel=[\"']?canonical)[^>]*?\bhref\s*=\s*[\"']?(?:https?:)?//[^\s>]*",
        re.IGNORECASE,
    )
    pages = texts(site, ".html")
    assert len(pages) > 30
    assert {name: loads.findall(text) for name, text in pages.items() if loads.search(text)} == {}
    assert loads.search('<script defer src="https://cdn.example/x.js">')
    assert loads.search("<link rel=stylesheet href=//fonts.example/css>")


def test_no_style_loads_anything_from_outside(site):
    outside = re.compile(r"(?:url\(|@import\s)\s*[\"']?(?:https?:)?//[^)\s]*")
    sheets = {**texts(site, ".css"), **texts(site, ".html")}
    assert {name: outside.findall(text) for name, text in sheets.items() if outside.search(text)} == {}
    assert outside.search("@font-face{src:url(https://fonts.example/a.woff2)}")


def test_nothing_wakes_the_parts_of_the_theme_that_would_load_something(site):
    """The theme's script knows addresses of its own: for diagrams, for a repository's stars."""
    for name, text in texts(site, ".html").items():
        assert 'class="mermaid"' not in text, name
        assert "data-md-component=source" not in text.replace('"', ""), name
        assert "fonts.g" not in text, name


def test_links_to_other_sites_are_few_and_known(site):
    found = {link for text in texts(site, ".html").values() for link in re.findall(r'href="(https?://[^"]+)"', text)}
    assert found <= {"https://arxiv.org/abs/2410.01720"}


@pytest.mark.browser
def test_a_page_asks_for_local_files_only(site):
    sync = pytest.importorskip("playwright.sync_api")
    from shutil import which

    chromium = which("chromium") or which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium")
    arguments = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    asked, wide = [], {}
    with sync.sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=chromium, args=arguments)
        tab = browser.new_page(viewport={"width": 390, "height": 900})
        tab.set_default_timeout(300_000)  # a busy machine is slow, and that is no failure
        tab.on("request", lambda request: asked.append(request.url))
        pages = ("index", "tutorial", "measures/information", "reference/cli", "reference/python", "reference/recipe")
        for page in (*pages, "value"):
            tab.goto((site / f"{page}.html").as_uri())
            wide[page] = tab.evaluate("document.documentElement.scrollWidth")
        browser.close()
    assert asked
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert {page: width for page, width in wide.items() if width > 390} == {}


def test_every_decision_is_in_the_navigation(site):
    page = (site / "index.html").read_text(encoding="utf-8")
    for path in (ROOT / "docs" / "decisions").glob("*.md"):
        assert f"decisions/{path.stem}.html" in page


def test_the_log_is_not_in_the_site(site):
    assert not (site / "LOG.html").exists()
    assert "LOG.html" not in (site / "index.html").read_text(encoding="utf-8")
    assert "LOG.md" not in (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    for page in ("value", "speed"):
        assert "docs/LOG.md" in (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8"), page


def test_the_first_page_is_as_short_as_the_readme():
    lines = (ROOT / "docs" / "index.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 120
    assert "## Install" in lines[:25]


def test_the_outputs_of_the_tutorial_are_filled_in_where_they_belong():
    import tutorial_output

    shown = dict.fromkeys((*tutorial_output.NAMES, *tutorial_output.MORE), "x")
    pages = {page.name: page.read_text(encoding="utf-8") for page in tutorial_output.PAGES}
    for name, text in pages.items():
        assert "```text\n```" not in text, f"{name}: run docs/hooks/tutorial_output.py"
        assert tutorial_output.filled(text, shown) != text, name
    marks = set(re.findall(r"<!-- tutorial:(?!end)([\w-]+) -->", "".join(pages.values())))
    assert marks == set(shown)


def test_the_page_of_the_command_line_names_every_command_and_option():
    page = cli_page.page()
    commands = cli_page.commands()
    assert {name for name, _ in commands} >= {"syngain audit", "syngain models add", "syngain gate"}
    sections = dict(re.findall(r"^## (syngain [^\n]+)\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE))
    assert set(sections) == {name for name, _ in commands}
    for name, command in commands:
        for parameter in command.params:
            if parameter.param_type_name == "argument":
                assert f"`{parameter.metavar or parameter.name.upper()}`" in sections[name], (name, parameter.name)
                continue
            for flag in (*parameter.opts, *parameter.secondary_opts):
                assert f"`{flag}`" in sections[name], (name, flag)
            assert not parameter.help or parameter.help.split(",")[0].split("<")[0].split("|")[0] in sections[name]


def test_the_page_of_python_names_every_public_name():
    import syngain

    page = python_page.page()
    missing = [name for name in syngain.__all__ if f"syngain.{name}" not in page]
    assert missing == ["SyngainError", "__version__", "check"]  # with the errors; nowhere; the former name of probe
    assert "SyngainError" in page


def test_every_measure_has_its_place_on_one_page():
    found = [
        match["id"]
        for path in sorted((ROOT / "docs" / "measures").glob("*.md"))
        for match in measure_entries.MARK.finditer(path.read_text(encoding="utf-8"))
    ]
    assert sorted(found) == sorted(measure_entries.expected())


def test_pictures_belong_to_us_and_load_nothing():
    used = {
        match["name"]
        for path in (ROOT / "docs" / "measures").glob("*.md")
        for match in measure_entries.PICTURE.finditer(path.read_text(encoding="utf-8"))
    }
    drawn = {path.stem: path.read_text(encoding="utf-8") for path in measure_entries.PICTURES.glob("*.svg")}
    assert used == set(drawn)
    for name, text in drawn.items():
        assert "aria-label" in text, name
        assert "href" not in text, name


def test_the_documentation_names_no_path_of_a_machine():
    for path in (ROOT / "docs").rglob("*.md"):
        if path.name != "LOG.md":
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"/home/|/work/|/tmp/|\.\./shared", text), path
