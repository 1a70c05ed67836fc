"""Put the demonstration's own output and picture into the README.

.venv/bin/python docs/readme_demo.py
"""

from __future__ import annotations

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
        command = [sys.executable, "-m", "syngain", "demo", "--seed", "5", "-o", str(folder)]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, env={"COLUMNS": "100", "LANG": "C.UTF-8"}
        )
        readme = ROOT / "README.md"
        text = readme.read_text(encoding="utf-8")
        head, rest = text.split(BEGIN)
        tail = rest.split(END)[1]
        readme.write_text(f"{head}{BEGIN}\n```text\n{shortened(done.stdout)}\n```\n{END}{tail}", encoding="utf-8")
        picture(folder / "report.html", ROOT / "docs" / "images" / "report.png")


def shortened(output: str) -> str:
    """The output up to the first two groups of measures."""
    lines = [line.rstrip() for line in output.splitlines()]
    starts = ("Measured gain", "  Control", "Duplicates and size", "Faithfulness")
    gain, control, rest, cut = (next(i for i, line in enumerate(lines) if line.startswith(start)) for start in starts)
    lines[control:rest] = ["  ..."] * (control > gain)
    cut -= rest - control - 1
    tail = [
        line for line in lines if line.startswith(("* differs", "500 rows", "report:")) or "advised to drop" in line
    ]
    return "\n".join([*lines[:cut], "  ...", *(line for line in tail if not line.startswith("report:"))])


def picture(page: Path, target: Path) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
        tab = browser.new_page(viewport={"width": 1180, "height": 900})
        tab.goto(page.as_uri())
        tab.wait_for_timeout(1_500)
        tab.screenshot(path=target)
        browser.close()


if __name__ == "__main__":
    main()
