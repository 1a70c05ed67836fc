"""The commands and how the program ends.

0 done, 1 gate failed, 2 wrong use or input, 3 unfinished, 130 interrupted, 143 terminated.
"""

from __future__ import annotations

import io
import sys

import typer

from syngain._version import __version__
from syngain.cli.aliases import current
from syngain.cli.command_list import GroupedCommands
from syngain.cli.evaluate.audit import audit
from syngain.cli.evaluate.clean import clean
from syngain.cli.evaluate.compare import compare
from syngain.cli.evaluate.explain import explain
from syngain.cli.evaluate.gain import gain
from syngain.cli.evaluate.gate import gate
from syngain.cli.evaluate.mix import mix
from syngain.cli.evaluate.review import review
from syngain.cli.evaluate.select import select
from syngain.cli.evaluate.stress import stress
from syngain.cli.exit_codes import INTERRUPTED, TERMINATED, settled, termination
from syngain.cli.generate.convert import convert
from syngain.cli.generate.generate import generate
from syngain.cli.generate.information import information
from syngain.cli.generate.probe import probe
from syngain.cli.parser_errors import ClickException, parsed_error
from syngain.cli.research.ggmi import ggmi
from syngain.cli.research.lab import lab
from syngain.cli.research.loop import loop
from syngain.cli.research.strategies import strategies
from syngain.cli.setup.demo import demo
from syngain.cli.setup.models import models
from syngain.cli.train.train import train
from syngain.core.errors import SyngainError
from syngain.core.optional import PARTS, found
from syngain.core.phrases import isolated

app = typer.Typer(
    name="syngain",
    cls=GroupedCommands,
    help="Evaluate synthetic data before you train on it.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("audit")(audit)
app.command("gain")(gain)
app.command("ggmi")(ggmi)
app.command("information")(information)
app.command("generate")(generate)
app.command("probe")(probe)
app.command("demo")(demo)
app.command("loop")(loop)
app.command("strategies")(strategies)
app.command("lab")(lab)
app.command("gate")(gate)
app.command("select")(select)
app.command("clean")(clean)
app.command("explain")(explain)
app.command("review")(review)
app.command("stress")(stress)
app.command("compare")(compare)
app.command("mix")(mix)
app.command("train")(train)
app.command("convert")(convert)
app.add_typer(models, name="models")


def _version(value: bool) -> None:
    if value:
        print(f"syngain {__version__}")
        for part in PARTS:
            print(f"{part:<9} {_state(part)}")
        raise typer.Exit


def _state(part: str) -> str:
    """One line: what is there of an optional part, or how to get it."""
    versions = found(part)
    here = [f"{name} {text}" for name, text in versions.items() if text]
    missing = [name for name, text in versions.items() if not text]
    if not missing:
        return ", ".join(here)
    what = f"needs {', '.join(missing)}" if here else "not installed"
    return f"{what}: pip install 'syngain[{part}]'"


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and the optional parts."
    ),
) -> None:
    """Evaluate synthetic data before you train on it."""


def main() -> None:
    """Run the program; errors become three lines on stderr and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal without UTF-8 gets replacement characters, not a crash
            stream.reconfigure(errors="replace")
    with termination() as terminated:
        code = _run()
    if code == INTERRUPTED:
        settled()
        code = TERMINATED if terminated else code
    sys.exit(code)


def _run() -> int:
    """Run the command; its exit code."""
    try:
        code = app(current(sys.argv[1:]), standalone_mode=False)
    except typer.Exit as stop:
        code = stop.exit_code
    except SyngainError as error:
        complain(error)
        code = error.exit_code
    except SystemExit as stop:  # an interruption that the job has explained
        return stop.code if isinstance(stop.code, int) else 0
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except ClickException as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            error.show()  # type: ignore[attr-defined]
        else:
            complain(parsed_error(error))
        code = 2
    except OSError as error:  # stdout is full or gone; files are written by modules that translate their own errors
        print(f"error: the output could not be written ({error.strerror})", file=sys.stderr)
        code = 3
    except MemoryError:
        complain(SyngainError("out of memory", expected="rows that fit into memory", todo="pass a part of the rows"))
        code = 3
    if code == INTERRUPTED:  # newer versions of typer make this code of an interruption themselves
        print("interrupted; no unfinished result was written", file=sys.stderr)
    return code if isinstance(code, int) else 0


def complain(error: SyngainError) -> None:
    """The three parts of an error, a line each, without control characters."""
    for name, text in (("error", error.came), ("expected", error.expected), ("fix", error.todo)):
        if text:
            clean = "".join(c if c.isprintable() else "�" for c in text.replace("\n", " "))
            line = clean if name == "fix" else isolated(clean)  # a command is copied
            print(f"{name}: {line}".encode(errors="replace").decode(), file=sys.stderr)
