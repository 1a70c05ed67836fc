"""``syngain generate`` without a run: ``--dry-run``, ``--preview`` and ``--recover``."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from syngain.cli import settings
from syngain.cli.common import encoding_of, progress_shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from syngain.cli.job import Job
    from syngain.data.dataset import Dataset


def real_rows(options: Mapping[str, Any]) -> Dataset:
    """The real rows of a recipe."""
    from syngain.data import RoleOptions, read

    roles = RoleOptions(text=options["text"], label=options["label"], id=options["id"])
    return read(options["real"], roles=roles, encoding=encoding_of(options, "real"))


def print_forecast(options: Mapping[str, Any]) -> None:
    """Print requests and cost; nothing is sent and nothing is written."""
    from syngain.workflows.generate.generate import forecast

    recipe = settings.generate(options)["recipe"]
    found = forecast(recipe, real_rows(options), limits=settings.limits(options))
    print(json.dumps(found.as_json(), indent=2, ensure_ascii=False))


def print_preview(job: Job) -> None:
    """Print the first rows; their responses stay in the work folder."""
    from syngain.workflows.generate.generate import preview

    with job.interruptible(), progress_shown(quiet=job.silent):
        rows = preview(
            job.arguments["recipe"],
            real_rows(job.options),
            work=job.work,
            count=int(job["preview"]),
            limits=settings.limits(job.options),
            resume=job["resume"],
        )
    for row in rows:
        print(json.dumps(row, ensure_ascii=False))
    print(f"the answers are kept in {job.work}; continue with --resume", file=sys.stderr)


def print_recovered(options: Mapping[str, Any], folder: Path | None) -> None:
    """Save what is readable of a run, and print what that is."""
    from syngain.workflows.generate.recover import recover

    found = recover(options["recover"], folder)
    for sentence in found.sentences():
        print(sentence)
