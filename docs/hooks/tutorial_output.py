"""Put the real output of the tutorial's commands into the tutorial.

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

PAGE = Path(__file__).resolve().parents[1] / "tutorial.md"
MEASURES = (
    "Duplicates and size",
    "  Near duplicates",
    "Divergence",
    "  Total variation",
    "Diversity",
    "  Vendi",
    "Novelty and contamination",
    "  Test contamination",
    "Labels",
    "  Signal inside the synthetic",
    "* differs",
)
GAINS = (
    "  Gain, forecast (log-loss) (",
    "  Control: anchors repeated (log-loss) · on",
    "  Synthetic rows alone (log-loss) · on",
    "  Gain on your test set (log-loss)  ",
)


def main() -> None:
    """Run every block of the page, in an empty folder, and keep what is printed."""
    text = PAGE.read_text(encoding="utf-8")
    python = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    commands = [line for line in text.splitlines() if line.startswith("syngain ")]
    with tempfile.TemporaryDirectory() as folder:
        run([sys.executable, "-c", python[0]], folder)
        outputs = [run([sys.executable, "-m", "syngain", *shlex.split(line)[1:]], folder) for line in commands]
    audit, gain, gate = outputs
    shown = {
        "audit": until_measures(audit),
        "measures": chosen(audit, MEASURES),
        "gain": until_measures(gain),
        "gains": chosen(gain, GAINS),
        "gate": gate,
    }
    for name, output in shown.items():
        clean = "\n".join(line.rstrip() for line in output.strip("\n").splitlines())
        block = f"<!-- tutorial:{name} -->\n```text\n{clean}\n```\n<!-- tutorial:end -->"
        text = re.sub(rf"<!-- tutorial:{name} -->.*?<!-- tutorial:end -->", lambda _, b=block: b, text, flags=re.DOTALL)
    PAGE.write_text(text, encoding="utf-8")


def run(command: list[str], folder: str) -> str:
    environment = {**os.environ, "COLUMNS": "92", "LANG": "C.UTF-8", "SYNGAIN_HOME": f"{folder}/home"}
    return subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=False).stdout


def until_measures(output: str) -> str:
    return output.split("\nMeasures\n", maxsplit=1)[0]


def chosen(output: str, starts: tuple[str, ...]) -> str:
    """Lines of the table that begin so, each with the lines its name runs over."""
    kept: list[str] = []
    follows = False
    for line in output.split("\nMeasures\n")[1].splitlines():
        wrapped = bool(re.match(r"  \S.{0,40}$", line.rstrip())) and not re.search(r"\d|\u2013", line)
        follows = follows if wrapped else line.startswith(starts)
        kept += [line] * follows
    return "\n".join(kept)


if __name__ == "__main__":
    main()
