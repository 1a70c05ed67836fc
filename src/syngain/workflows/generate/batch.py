"""Batch files: write the planned requests of a run to a file, and read its answers, within the same budget."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

from syngain.core.errors import InputError, UsageError
from syngain.pipeline import batches
from syngain.pipeline.export import STORE
from syngain.pipeline.recipe import EndpointSpec
from syngain.pipeline.store.connect import endpoint, remembered, with_known_capabilities
from syngain.pipeline.store.store import Store
from syngain.workflows.generate.generate import CAPABILITIES, Limits, job_of, ledger_of, run_of, working_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from syngain.generators.openai import OpenAIGenerator
    from syngain.pipeline.recipe import Recipe
    from syngain.workflows.generate.generate import RecipeSource
    from syngain.workflows.inputs import Source

LONGEST_LINE = 64 << 20  # bytes


def write_batch(
    recipe: RecipeSource, real: Source, *, work: Path, limits: Limits | None = None, resume: bool = False
) -> tuple[Path, batches.Written]:
    """Write the next batch file of a run: planned requests, each reserved at its maximal cost.

    Raises:
        UsageError: the generator is no OpenAI-compatible server, or a batch is out already.
    """
    job = job_of(recipe, real, limits or Limits())
    generator = _batched(job.recipe)
    with working_in(work), Store.opened(work / STORE) as store:
        ledger = ledger_of(job, store)
        ready = _noted(generator, store)
        run_of(job, ready, store, ledger, work).prepare(resume=resume)
        number = 1 + sum(1 for _ in work.glob("batch-*.jsonl"))
        path = work / f"batch-{number}.jsonl"
        written = batches.write(store, ready, ledger, path)
        if not written.requests:
            path.unlink()
            raise UsageError(
                f"no request to write ({written.why or 'all are answered'})",
                expected="planned requests that the budget covers",
                todo="continue with --resume without --batch, or raise the budget",
            )
        return path, written


def read_batch(
    recipe: RecipeSource, real: Source, files: Sequence[Path], *, work: Path, limits: Limits | None = None
) -> batches.BatchRead:
    """Read the output files of a batch into the store of its run; answers that were read before change nothing.

    Raises:
        UsageError: there is no run with a batch. InputError: a file is not the output of its batch.
    """
    job = job_of(recipe, real, limits or Limits())
    generator = _batched(job.recipe)
    with _begun(work) as store:
        ledger = ledger_of(job, store)
        ready = _noted(generator, store)
        run_of(job, ready, store, ledger, work).check_same(resume=True)
        return batches.read(store, ready, ledger, (line for file in files for line in _lines(file)))


def forget_batch(recipe: RecipeSource, real: Source, *, work: Path) -> int:
    """Plan the requests of lost batch files again; what they may have cost stays in the ledger. Their number.

    Raises:
        UsageError: there is no run with a batch.
    """
    job_of(recipe, real, Limits())
    with _begun(work) as store:
        store.set_meta(batches.OUT, "0")
        return store.recover()


@contextmanager
def _begun(work: Path) -> Iterator[Store]:
    """The store of a run that has begun."""
    if not (work / STORE).exists():
        raise UsageError(f"there is no {work / STORE}", expected="a run with a batch", todo="begin with --batch write")
    with Store.opened(work / STORE) as store:
        yield store


def _batched(recipe: Recipe) -> OpenAIGenerator:
    spec = recipe.generator
    if not isinstance(spec, EndpointSpec) or spec.kind != "openai":
        raise UsageError(
            f"--batch with the generator {spec.kind}",
            expected="`kind: openai`, whose batch format is written",
            todo="leave out --batch",
        )
    if not spec.base_url:
        spec = spec.model_copy(update={"base_url": "https://api.openai.com/v1"})
    return endpoint(spec)


def _noted(generator: OpenAIGenerator, store: Store) -> OpenAIGenerator:
    """The server as far as it is known: a probe of an earlier call, and the recipe."""
    noted = store.meta(CAPABILITIES)
    if noted is None:
        store.set_meta(CAPABILITIES, json.dumps(generator.notes))
        noted = store.meta(CAPABILITIES) or "{}"
    found = remembered(with_known_capabilities(generator, json.loads(noted)), store, CAPABILITIES)
    assert type(found) is type(generator)  # noqa: S101  (a server stays one)
    return found


def _lines(path: Path) -> Iterator[tuple[str, bytes]]:
    """The lines of a file with their places."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE), b""), 1):
                if line.strip():
                    yield f"{path}, line {number}", line
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror})",
            expected="the output file of a batch",
            todo="check the path of --batch-file",
        ) from error
