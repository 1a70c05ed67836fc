"""One job of the command line: where it writes, whether it resumes, how it shows progress, and how it ends."""

from __future__ import annotations

import os
import shlex
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syngain.cli.aliases import current_option
from syngain.cli.common import configured, progress_shown
from syngain.cli.exit_codes import INTERRUPTED
from syngain.core.documents.json_documents import json_file
from syngain.core.documents.warned import collected, with_warnings
from syngain.core.errors import InputError, UsageError
from syngain.core.folders import work as work_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import typer

    from syngain.core.progress import Progress
    from syngain.core.result import Result
    from syngain.data.dataset import Dataset

    Options = Mapping[str, Any]
    Inputs = Mapping[str, Dataset]


@dataclass(frozen=True)
class Job:
    """A call of a command that writes a run folder.

    Attributes:
        command: its name. options: its flags, those of a configuration file included.
        settings: from options to the arguments of the verb that change its numbers.
        arguments: those of this call.
    """

    command: str
    options: Options
    settings: Callable[[Options], Mapping[str, Any]] | None = None

    @classmethod
    def of(
        cls,
        context: typer.Context,
        config: Path | None,
        settings: Callable[[Options], Mapping[str, Any]] | None = None,
    ) -> Job:
        """The job of a call, its place checked before any work is done.

        Raises:
            UsageError: a wrong flag, or a place that cannot be written. InputError: the configuration file.
        """
        from syngain.core.folders.lock import locked

        job = cls(str(context.info_name), configured(context, config), settings)
        context.with_resource(locked(job.folder))
        job.check_place()
        _ = job.arguments  # wrong ones are an error before anything is read
        return job

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401  (flags of every type)
        return self.options[name]

    @cached_property
    def arguments(self) -> Mapping[str, Any]:
        """The arguments of the verb that change its numbers."""
        return {} if self.settings is None else self.settings(self.options)

    @property
    def folder(self) -> Path:
        """The run folder."""
        return Path(self.options["output"])

    @property
    def work(self) -> Path:
        """Where an unfinished run lies: next to the run folder."""
        return self.folder.with_name(f"{self.folder.name}.work")

    @property
    def finished(self) -> bool:
        """Whether a finished run is to be kept."""
        return bool(self.options.get("resume")) and (self.folder / "report.json").exists()

    @property
    def silent(self) -> bool:
        """Whether stderr stays empty."""
        return bool(self.options.get("quiet") or self.options.get("json"))

    def check_place(self) -> None:
        """Refuse a place that cannot be written, before the work; ``--force`` throws an unfinished run away."""
        from syngain.report import check_folder

        if self.finished:
            return
        check_folder(self.folder, force=bool(self.options.get("force")))
        if self.options.get("force") and not self.options.get("resume"):
            work_folder.check_ours(self.work)
            work_folder.clear(self.work)

    def run(
        self,
        measure: Callable[[Inputs, Progress], Result],
        *,
        inputs: Callable[[], Inputs] = dict,
        introduce: Callable[[], str] | None = None,
    ) -> None:
        """Read the inputs, do the work, write the run folder, show the summary.

        Args:
            measure: the verb, given the inputs.
            inputs: reads the datasets by role.
            introduce: what is printed above the summary, if anything.
        """
        with self.interruptible(), collected() as said, progress_shown(quiet=self.silent) as progress:
            progress("reading", 0.0)
            data = inputs()
            if self.finished:
                self.check_same(data)
                self.tell_missing()
                self.tell()
                return
            result = measure(data, progress)
        if introduce is not None and not self.silent:
            print(introduce())
        self.deliver(with_warnings(result, said))
        work_folder.clear(self.work)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Say where the finished part of an interrupted run is."""
        try:
            yield
        except KeyboardInterrupt:
            if self.work.exists():
                print(f"interrupted; what is finished is kept in {self.work}: continue with --resume", file=sys.stderr)
                sys.exit(INTERRUPTED)
            raise

    def deliver(self, result: Result) -> None:
        """Write the run folder, then the summary (or the JSON) to stdout, then the report's path."""
        from syngain.report import terminal, write
        from syngain.report.safe import visible

        for note in () if self.options["quiet"] else result.notes:
            print(note, file=sys.stderr)
        for warning in result.warnings:
            print(f"warning: {visible(warning)}", file=sys.stderr)
        said: list[str] = []
        log = f"syngain {shlex.join(sys.argv[1:])}\n{result.verdict.decision}: {result.verdict.sentence}\n"
        run = {"arguments": _plain(self.options)}
        write(result, self.folder, run=run, log=log, force=bool(self.options.get("force")), tell=said.append)
        with _reader_may_leave():
            if not self.silent:
                from rich.console import Console

                console = Console()
                everything = bool(self.options.get("everything"))
                shown = terminal(result, everything=everything, fill=self.filled)
                Console(width=max(console.width, 60)).print(shown)
                for sentence in filter(None, said):
                    print(sentence)
            self.tell()

    def filled(self, command: str) -> str:
        """The next command with the files and column flags of this call, ready to be pasted."""
        words = {"REAL": "real", "SYNTHETIC": "synthetic", "TEST": "test"}
        places = {word: str(self.options[name]) for word, name in words.items() if self.options.get(name)}
        places |= {"RUN": str(self.folder), "kept.jsonl": str(self.folder / "kept.jsonl")}
        places |= {name: str(self.folder / name) for name in ("rows.csv", "members.csv")}
        if self.command == "demo":
            places |= {word: str(self.folder / f"{name}.jsonl") for word, name in words.items()}
        parts = [shlex.quote(places[word]) if word in places else word for word in command.split()]
        flags = [(flag, self.options.get(flag)) for flag in ("text", "label", "target", "source_id")]
        if " REAL " in command:
            parts += [f"--{name.replace('_', '-')} {shlex.quote(str(value))}" for name, value in flags if value]
        return " ".join(parts)

    def tell(self) -> None:
        """The JSON of the written run to stdout where it is asked for, else the report's path."""
        with _reader_may_leave():
            if self.options["json"]:
                sys.stdout.write((self.folder / "report.json").read_text(encoding="utf-8"))
            else:
                print(f"report: {self.folder / 'report.html'}")

    def tell_missing(self) -> None:
        """Say on stderr which files of the finished run are gone."""
        from syngain.report.folder import missing_files

        missing = missing_files(self.folder)
        if missing:
            names, are = work_folder.listed(missing), "are" if len(missing) > 1 else "is"
            print(
                f"warning: this run is finished, and {names} {are} missing in {self.folder}; nothing is done again "
                "(another folder with -o DIR makes it anew)",
                file=sys.stderr,
            )

    def check_same(self, data: Inputs) -> None:
        """Whether the finished run is this one: the same inputs, settings, seed, models and version of the numbers.

        Raises:
            UsageError: it is of others; the error names what differs.
        """
        from syngain.core.fingerprint import differences
        from syngain.core.result import identity

        inputs = {role: item.fingerprint for role, item in data.items()}
        now = identity(self.command, self.seed, inputs, _numbers(self.arguments))
        before = self._before()
        if "columns" in before:  # earlier runs kept neither
            now |= {"columns": {role: data[role].roles.chosen() for role in before["columns"] if role in data}}
        if "written" in before:
            now |= {"written": data.get("synthetic", data["real"]).records_fingerprint}
        found = differences(before, now)
        if found:
            raise UsageError(
                f"{self.folder} is a finished run of other inputs or settings ({'; '.join(found)})",
                expected="the same inputs, settings and seed for --resume",
                todo="name another folder with -o DIR, or replace this run with --force",
            )

    def _before(self) -> Mapping[str, Any]:
        """The identity of the finished run; of version 0.1, which kept none, from its arguments."""
        from syngain.core.result import identity
        from syngain.report import load

        report = load(self.folder)
        try:
            read = json_file(self.folder / "run.json", expected="", todo="")
        except (OSError, InputError):
            read = {}
        run = read if isinstance(read, dict) else {}
        inputs = {role: item["fingerprint"] for role, item in report["inputs"].items() if role not in self.made}
        if isinstance(run.get("identity"), dict):
            return {**run["identity"], "inputs": inputs}
        arguments = run.get("arguments")
        if self.settings is None or not isinstance(arguments, dict):
            raise UsageError(
                f"{self.folder} does not say with which settings it was made",
                expected="a run folder written by the command line or by syngain.report.write",
                todo="name another folder with -o DIR, or replace this run with --force",
            )
        former = dict(current_option(self.command, *item) for item in arguments.items())
        recipe = {"recipe": self.folder / "recipe.yaml", "seed": None} if self.made else {}
        settings = self.settings({**self.options, **former, **recipe})
        return identity(report["command"], report["seed"], inputs, _numbers(settings))

    @property
    def made(self) -> tuple[str, ...]:
        """Inputs of the report that the run makes itself."""
        return ("recipe", "synthetic") if self.command == "generate" else ()

    @property
    def seed(self) -> int:
        """The seed: the flag's, or the recipe's."""
        given = self.options["seed"]
        return int(self.arguments["recipe"]["seed"] if given is None else given)


def _numbers(arguments: Mapping[str, Any]) -> Mapping[str, object]:
    """Arguments of a verb as the JSON that its result keeps."""
    from syngain.workflows.inputs import settings_json

    more = {name: value for name, value in arguments.items() if name != "settings"}
    return settings_json(arguments.get("settings"), **more)


@contextmanager
def _reader_may_leave() -> Iterator[None]:
    """The reader of stdout may stop reading (``| head``): that is its right, and the run is written."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _plain(arguments: Mapping[str, object]) -> dict[str, object]:
    """Arguments as JSON holds them."""
    return {
        key: value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
        for key, value in arguments.items()
    }
