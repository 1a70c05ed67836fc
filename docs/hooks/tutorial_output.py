"""Put the real output of the tutorial's commands into the pages that show it.

.venv/bin/python docs/hooks/tutorial_output.py
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1]
TUTORIAL = DOCS / "tutorial.md"
PAGES = (TUTORIAL, DOCS / "how-to" / "explain.md", DOCS / "reference" / "report.md")
AUDIT = "syngain audit real.jsonl synthetic.jsonl --test test.jsonl --no-gain"
MORE = {"explain-finding": "syngain explain syngain-audit contamination", "all": f"{AUDIT} --all -o all-measures"}
"""Blocks of other pages, and the commands that print them after those of the tutorial."""
NAMES = ("audit", "explain-number", "gain", "explain-forecast", "gate")
"""Blocks of the tutorial, in the order of its commands."""
ALL_LINES = 12  # of the table of all measures


def main() -> None:
    """Run every block of the tutorial, in an empty folder, and keep what is printed."""
    shown = outputs(TUTORIAL.read_text(encoding="utf-8"))
    for page in PAGES:
        page.write_text(filled(page.read_text(encoding="utf-8"), shown), encoding="utf-8")


def outputs(tutorial: str) -> dict[str, str]:
    """What the commands of the tutorial print, and those of ``MORE``, by the name of their block."""
    python = re.findall(r"```python\n(.*?)```", tutorial, re.DOTALL)
    commands = [line for line in tutorial.splitlines() if line.startswith("syngain ")]
    named = {**dict(zip(NAMES, commands, strict=True)), **MORE}
    with tempfile.TemporaryDirectory() as folder:
        run([sys.executable, "-c", python[0]], folder)
        found = {
            name: run([sys.executable, "-m", "syngain", *shlex.split(line)[1:]], folder) for name, line in named.items()
        }
    return {**found, "all": table(found["all"])}


def filled(text: str, shown: dict[str, str]) -> str:
    """A page with its blocks replaced by these outputs."""
    for name, output in shown.items():
        clean = "\n".join(line.rstrip() for line in output.strip("\n").splitlines())
        block = f"<!-- tutorial:{name} -->\n```text\n{clean}\n```\n<!-- tutorial:end -->"
        text = re.sub(rf"<!-- tutorial:{name} -->.*?<!-- tutorial:end -->", lambda _, b=block: b, text, flags=re.DOTALL)
    return text


def run(command: list[str], folder: str) -> str:
    """The standard output of a command at 92 columns."""
    ours = {"PYTHONPATH": str(DOCS.parent / "src"), "SYNGAIN_HOME": f"{folder}/home"}
    environment = {**os.environ, "COLUMNS": "92", "LANG": "C.UTF-8", **ours}
    return subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=False).stdout


def table(output: str) -> str:
    """The beginning of the table of all measures."""
    lines = output.partition("\nAll measures\n")[2].splitlines()
    return "\n".join(["All measures", *lines[:ALL_LINES], "  ..."])


if __name__ == "__main__":
    main()
