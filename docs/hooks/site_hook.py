"""What mkdocs calls: pages made from the program, the list of decisions, the marks on the pages of measures."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
for folder in (HERE, ROOT / "src"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

import cli_page  # noqa: E402
import measure_entries  # noqa: E402
import notebook_pages  # noqa: E402
import python_page  # noqa: E402
from mkdocs.structure.files import File, Files  # noqa: E402

SHOWN = re.compile(r"^\{\{ file: (?P<path>docs/ci/[\w.-]+) \}\}$", re.MULTILINE)


def on_config(config: Any) -> Any:
    """Every decision is in the navigation the day it is written."""
    entries = [
        {_heading(path): f"decisions/{path.name}"} for path in sorted((ROOT / "docs" / "decisions").glob("*.md"))
    ]
    for item in config["nav"]:
        if "Decisions" in item:
            item["Decisions"] = entries
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are made from the program, and those of the notebooks with their pictures."""
    for name, content in (("cli", cli_page.page()), ("python", python_page.page())):
        files.append(File.generated(config, f"reference/{name}.md", content=content))
    for path in sorted((ROOT / "docs" / "notebooks").glob("*.ipynb")):
        for name, content in notebook_pages.page(path).items():
            files.append(File.generated(config, f"notebooks/{name}", content=content))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Fill in what the words of the reports say of each measure, and files of the project that a page shows."""
    if page.file.src_uri.startswith("measures/"):
        return measure_entries.filled(markdown)
    return SHOWN.sub(_file, markdown) if page.file.src_uri.startswith("how-to/") else markdown


def _file(match: re.Match[str]) -> str:
    return f"```yaml\n{(ROOT / match['path']).read_text(encoding='utf-8').rstrip()}\n```"


def _heading(path: Path) -> str:
    """The number and the title of a decision."""
    first = path.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
    title = re.sub(r"^\d+[.:]\s*", "", first).replace("`", "")
    return f"{int(path.name[:4])}. {title}"
