"""``syngain generate --batch``: write requests to a file, or read their answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from syngain.cli import settings
from syngain.cli.generate.preview import real_rows
from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from syngain.cli.job import Job

WAYS = ("write", "read", "forget")


def run_batch(job: Job) -> None:
    """Do what ``--batch`` says, and print what to do next."""
    from syngain.workflows.generate.batch import forget_batch, read_batch, write_batch

    way, recipe, real = job["batch"], job.arguments["recipe"], real_rows(job.options)
    limits, files = settings.limits(job.options), [Path(file) for file in job["batch_file"] or ()]
    if way not in WAYS:
        raise UsageError(f"--batch {way}", expected=f"one of {', '.join(WAYS)}", todo="use --batch write")
    if way == "write":
        path, written = write_batch(recipe, real, work=job.work, limits=limits, resume=bool(job["resume"]))
        left = f"; {written.left:,} are left ({written.why})" if written.left else ""
        print(f"{written.requests:,} requests are in {path}{left}")
        print("Next   submit the file as a batch, then: --batch read --batch-file OUTPUT")
    elif way == "read":
        if not files:
            raise UsageError(
                "--batch read without a file",
                expected="the output file of the batch, and its error file",
                todo="pass them with --batch-file FILE",
            )
        found = read_batch(recipe, real, files, work=job.work, limits=limits)
        print(
            f"{found.answered:,} answers, {found.declined:,} without a row, {found.failed:,} failed and planned "
            f"again, {found.out:,} still out"
        )
        again = "--batch write --resume, or " if found.failed else ""
        print("Next   read the other output files" if found.out else f"Next   {again}--resume to finish the run")
    else:
        count = forget_batch(recipe, real, work=job.work)
        print(f"{count:,} requests are planned again; what they may have cost stays counted")
