"""Put the output and the picture of the demonstration into the README.

.venv/bin/python docs/readme_demo.py
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- demo:begin -->", "<!-- demo:end -->"
CHROMIUM = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking".split()


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "syngain-demo"
        output = run(folder)
        readme = ROOT / "README.md"
        text = readme.read_text(encoding="utf-8")
        head, rest = text.split(BEGIN)
        tail = rest.split(END)[1]
        readme.write_text(f"{head}{BEGIN}\n```text\n{shortened(output)}\n```\n{END}{tail}", encoding="utf-8")
        picture(folder / "report.html", ROOT / "docs" / "images" / "report.png")


def demo_output() -> str:
    """The first part of the demonstration's summary at 80 columns: verdict, gain, findings."""
    with tempfile.TemporaryDirectory() as name:
        return shortened(run(Path(name) / "syngain-demo"))


def run(folder: Path) -> str:
    """What the demonstration prints."""
    command = [sys.executable, "-m", "syngain", "demo", "--seed", "5", "-o", folder.name]
    environment = {**os.environ, "COLUMNS": "80", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(
        command, capture_output=True, text=True, check=True, env=environment, cwd=folder.parent
    ).stdout


def shortened(output: str) -> str:
    """The summary from its verdict to its findings."""
    lines = [line.rstrip() for line in output.splitlines()]
    start = next(place for place, line in enumerate(lines) if line.startswith(("INCONCLUSIVE", "USE", "DO NOT")))
    end = next(place for place, line in enumerate(lines) if line.startswith(("Outside range", "Next ")))
    return "\n".join(lines[start:end]).rstrip()


def picture(page: Path, target: Path) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
        tab = browser.new_page(viewport={"width": 1180, "height": 860})
        tab.goto(page.as_uri())
        tab.wait_for_timeout(1_500)
        tab.screenshot(path=target)
        browser.close()


if __name__ == "__main__":
    main()
