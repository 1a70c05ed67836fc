"""Run the configurations of the pages in ``docs/how-to/trainers`` as they stand there, and write what they gave.

    python benchmarks/trainer_configurations.py --trainers FOLDER --model FOLDER [--only trl ...] [--write]

FOLDER of the trainers holds their packages (see ``benchmarks/conversions.py``) and, in ``run/NAME``, the versions of
the packages that a trainer asks for (``pip install --no-deps --target FOLDER/run/oumi trl==1.6.0``); the rest is of
this environment. The model is SmolLM2-135M-Instruct. What a run needs on a machine without a GPU or for a short
time is added to the command (``PROGRAMS``) and named on the page. ``--write`` keeps the results in the pages and in
``benchmarks/trainer_configurations.json``, with which a test compares the pages.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from docs_blocks import ROOT, TRAINER_ROWS

PAGES, RECORD = ROOT / "docs" / "how-to" / "trainers", Path(__file__).with_suffix(".json")
MODEL = "HuggingFaceTB/SmolLM2-135M-Instruct"
PIECE = re.compile(
    r"(?:^`(?P<file>[\w.-]+)`:\n\n)?(?:<!-- not run: [^\n]+ -->\n)?^```(?P<kind>\w+)\n(?P<code>.*?)^```"
    r"|^(?P<result>RESULT|Run with [^\n]+)$",
    re.DOTALL | re.MULTILINE,
)
LOSS = re.compile(r"'?train_loss'?\s*[:=]\s*'?([\d.]+(?:e-?\d+)?)")
SERVER = Path(__file__).parent / "trainer_judges" / "openai_server.py"


@dataclass(frozen=True)
class Program:
    """How a trainer's command is started here.

    Attributes:
        start: in place of its name. added: after the line of the page. packages: whose versions are written.
        folders: of ``--trainers``, before this environment. what: what a run without a loss has shown.
    """

    start: tuple[str, ...]
    packages: tuple[str, ...]
    folders: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    what: str = ""


def calling(code: str) -> tuple[str, ...]:
    """A start by Python code."""
    return (sys.executable, "-c", code)


TRL = Program(
    calling("from trl.cli import main; main()"),
    ("trl", "transformers"),
    added=("--max_steps", "1", "--use_cpu", "true", "--bf16", "false", "--report_to", "none"),
)
PROGRAMS = {
    "trl": TRL,
    "messages": TRL,
    "llama-factory": Program(
        calling("from llamafactory.cli import main; main()"),
        ("llamafactory", "transformers", "trl"),
        ("run/lf", "llamafactory", "stubs"),
        ("max_steps=1", "use_cpu=true", "report_to=none"),
    ),
    "axolotl": Program(
        calling("import runpy, sys; sys.argv.pop(1); runpy.run_module('axolotl.cli.train', run_name='__main__')"),
        ("axolotl", "transformers", "trl"),
        ("run/axolotl", "axolotl", "stubs"),
        ("--max-steps=1", "--bf16=false", "--fp16=false"),
    ),
    "oumi": Program(
        calling("from oumi.cli.main import run; run()"),
        ("oumi", "transformers", "trl"),
        ("run/oumi", "oumi", "run/stubs"),
        ("--training.max_steps=1", "--training.enable_wandb=false"),
    ),
    "unsloth": Program(
        (sys.executable,), ("unsloth", "transformers", "trl"), ("run/unsloth", "unsloth_zoo", "run/oumi")
    ),
    "nemo": Program(
        (sys.executable, str(Path(__file__).parent / "trainer_judges" / "nemo_configuration.py")),
        ("nemo_automodel", "transformers"),
        ("run/nemo", "nemo", "stubs"),
        what="its configuration loader built `ChatDataset`, whose first row trains {}; a step needs a GPU",
    ),
    "openai": Program(
        (sys.executable, str(SERVER)),
        ("openai",),
        ("run/openai",),
        what="its requests reached a local server, which received {}; the service itself was not called",
    ),
    "distilabel": Program((sys.executable,), ("distilabel",), ("distilabel",), what="the pipeline gave {}"),
}
QUIET = {
    "HF_HUB_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
    "AXOLOTL_DO_NOT_TRACK": "1",
    "UNSLOTH_DISABLE_STATISTICS": "1",
    "CUDA_VISIBLE_DEVICES": "",
}


def main() -> int:
    """Run the pages; exit code 1 where one did not end well."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trainers", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=tuple(PROGRAMS))
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    record, failed = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}, False
    for name in options.only:
        page = PAGES / f"{name}.md"
        text = page.read_text(encoding="utf-8")
        try:
            results = run_page(name, text, options)
        except RuntimeError as error:
            print(f"{name}: {error}")
            failed = True
            continue
        print(f"{name}: {results}")
        if options.write:
            page.write_text(filled(text, results), encoding="utf-8")
            record[name] = {"blocks": blocks(text), "results": results}
            RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return int(failed)


def blocks(text: str) -> list[str]:
    """The code of a page."""
    return [found["code"] for found in PIECE.finditer(text) if found["code"]]


def filled(text: str, results: list[str]) -> str:
    """The page with its results."""
    given = iter(results)
    return PIECE.sub(lambda found: next(given) if found["result"] else found[0], text)


def run_page(name: str, text: str, options: argparse.Namespace) -> list[str]:
    """Follow a page in a new folder; one sentence per result that it shows."""
    results, said = [], ""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / MODEL).parent.mkdir()
        (folder / MODEL).symlink_to(options.model.resolve())
        for file, rows in TRAINER_ROWS.items():
            (folder / file).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        for found in PIECE.finditer(text):
            if found["result"]:
                results.append(said)
            elif found["file"]:
                (folder / found["file"]).write_text(found["code"], encoding="utf-8")
            elif found["kind"] == "sh":
                for line in found["code"].splitlines():
                    said = run_line(name, line, folder, options.trainers)
    return results


def run_line(name: str, line: str, folder: Path, trainers: Path) -> str:
    """Run a line of a page, a trainer's with what is added here; what it gave."""
    words, program = shlex.split(line), PROGRAMS[name]
    if words[0] == "syngain":
        started(calling("from syngain.cli import main; main()") + tuple(words[1:]), folder, [ROOT / "src"])
        return ""
    paths = [trainers / one for one in program.folders]
    out = started((*program.start, *words[1:], *program.added), folder, paths)
    numbers = "import importlib.metadata as m, sys; print(', '.join(f'{n} {m.version(n)}' for n in sys.argv[1:]))"
    versions = started((*calling(numbers), *program.packages), folder, paths).strip()
    if program.what:
        given = program.what.format(f"`{out.strip().splitlines()[-1]}`")
        return f"Run with {versions}: {given}."
    loss = LOSS.findall(out)
    if not loss:
        raise RuntimeError(f"{line}: no loss in its output: {out[-500:]}")
    added = f", with `{' '.join(program.added)}` added" if program.added else ""
    return f"Run with {versions} on a CPU{added}: loss {float(loss[-1]):.3f}."


def started(command: tuple[str, ...], folder: Path, paths: list[Path]) -> str:
    """The output of a command."""
    environment = {**os.environ, **QUIET, "PYTHONPATH": os.pathsep.join(str(path.resolve()) for path in paths)}
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout[-1500:]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
