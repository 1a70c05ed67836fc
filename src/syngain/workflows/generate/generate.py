"""``syngain generate``: run a recipe, resumable and within a budget."""

from __future__ import annotations

import json
import sqlite3
from contextlib import AsyncExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syngain._version import __version__
from syngain.core.documents.warned import carried
from syngain.core.errors import SyngainError, UnfinishedError, UsageError
from syngain.core.folders.work import clear
from syngain.core.progress import Progress, silent
from syngain.core.result import InputSummary, Result, Views
from syngain.core.threads import wait_for
from syngain.pipeline import narrative
from syngain.pipeline.cost_forecast import Forecast
from syngain.pipeline.cost_forecast import forecast as forecast_of
from syngain.pipeline.curate import set_steps, stages
from syngain.pipeline.export import KEEP_REASONING, STORE, content_fingerprint, export, moved, run_files, stored_rows
from syngain.pipeline.prompts.anchors import Anchors
from syngain.pipeline.recipe import EndpointSpec, Recipe, read_recipe
from syngain.pipeline.run import Run
from syngain.pipeline.store.acceptance import divergences
from syngain.pipeline.store.budget import Ledger, Prices, check_ceilings, check_output_limit, prices_of
from syngain.pipeline.store.connect import accounting, billed, checked, connected, remembered, with_known_capabilities
from syngain.pipeline.store.spending import spent
from syngain.pipeline.store.store import Store
from syngain.pipeline.table_recipe import table_recipe
from syngain.tables.cells.source import TableSource
from syngain.workflows.generate.generate_stop import rule_and_quantities
from syngain.workflows.generate.tables import generate_table
from syngain.workflows.inputs import Source, dataset_of, either, settings_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from syngain.data.dataset import Dataset
    from syngain.generators.protocol import Generator
    from syngain.pipeline.recipe import GeneratorSpec
    from syngain.pipeline.stopping import Quantity, Rule
    from syngain.pipeline.table_recipe import TableRecipe
    from syngain.tables.cells.source import TableInput

RecipeSource = str | Path | dict[str, Any]
FOLDER = Path("syngain-generate")
CAPABILITIES = "capabilities"  # in the store


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Hard limits of a run: tokens and US dollars, failed attempts included.

    ``prices``: a file; without it the prices of the recipe. ``distrust_usage``: ignore a reported usage beyond what a
    request can cost, in place of ending the run.
    """

    max_tokens: int | None = None
    max_usd: float | None = None
    prices: Path | None = None
    distrust_usage: bool = False


@carried
def generate(  # noqa: PLR0913  (the inputs and switches of the command)
    recipe: RecipeSource,
    real: Source | TableSource | None = None,
    *,
    anchors: Source | None = None,
    folder: str | Path | None = None,
    work: str | Path | None = None,
    limits: Limits | None = None,
    stop_when: str | None = None,
    resume: bool = False,
    progress: Progress = silent,
) -> Result:
    """Run a recipe over real rows; with ``folder``, write the run folder.

    Without it the responses stay in ``work``; write the folder by ``syngain.report.write(result, folder)``, then
    :func:`forget` the work.

    Args:
        recipe: a YAML file, or the mapping it would hold; ``kind: cells`` generates rows of a table.
        real: the real rows, as a dataset or a path.
        anchors: the former name of ``real``.
        folder: where ``rows.jsonl``, ``kept.jsonl``, ``dropped.jsonl``, ``recipe.yaml`` and the report go.
        work: where the store lies until the run is finished; None: next to the folder.
        limits: hard limits of tokens and dollars.
        stop_when: a condition that ``diversity.new_fraction``, ``information.marginal`` or
            ``gain.<metric>@doubling`` is below a number: stop requests once it is proven; see
            :mod:`syngain.pipeline.stopping`.
        resume: continue from a run that was stopped.
        progress: called with the stage and the fraction done.

    Raises:
        InputError: the recipe or the real rows cannot be used. UsageError: the generator lacks a requested capability.
        UnfinishedError: the budget is reached, the server fails, or no row was kept. Finished parts are kept in
            ``work``; continue with ``resume=True``.
    """
    from syngain.report import check_folder, write

    target = None if folder is None else Path(folder)
    if target is not None:
        check_folder(target)
    table = table_recipe(recipe)
    if table is not None:
        return _table(table, real if real is not None else anchors, target, progress)
    at = work_folder(target or FOLDER) if work is None else Path(work)
    if isinstance(real, TableSource):
        raise UsageError(
            "a table with a recipe for texts", expected="a dataset or a path", todo="pass the path of the rows"
        )
    job = job_of(recipe, either(real, anchors, "real", "anchors"), limits or Limits(), stop_when)
    with working_in(at):
        result = wait_for(_whole(job, at, resume=resume, progress=progress))
    if target is None:
        return result
    write(result, target)
    forget(at)
    return replace(result, files=moved(result.files, target / STORE))


def _table(recipe: TableRecipe, real: TableInput | None, target: Path | None, progress: Progress) -> Result:
    """Rows of a table."""
    from syngain.report import write

    if real is None:
        raise UsageError(
            "no real rows", expected="the rows that the model is fitted to", todo="pass them as --real FILE"
        )
    result = generate_table(recipe, real, progress=progress)
    if target is not None:
        write(result, target)
    return result


def preview(  # noqa: PLR0913  (the inputs and switches of the command)
    recipe: RecipeSource,
    real: Source,
    *,
    work: Path,
    count: int,
    limits: Limits | None = None,
    resume: bool = False,
    progress: Progress = silent,
) -> list[dict[str, object]]:
    """The first rows of a run, curated; the run resumes from their answers."""
    job = job_of(recipe, real, limits or Limits())
    with working_in(work):
        return wait_for(_preview(job, work, count, resume=resume, progress=progress))


def forecast(recipe: RecipeSource, real: Source, *, limits: Limits | None = None) -> Forecast:
    """Forecast requests and cost of a recipe. Nothing is sent or written."""
    job = job_of(recipe, real, limits or Limits())
    return forecast_of(job.recipe, job.anchors, job.prices)


def work_folder(folder: Path) -> Path:
    """Where the store of a run lies until the run is finished: next to its folder."""
    return folder.with_name(f"{folder.name}.work")


@contextmanager
def working_in(work: Path) -> Iterator[None]:
    """The working folder; removed if no request was planned and nothing may have been billed."""
    fresh = not work.exists()
    work.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except SyngainError:
        if fresh and not _in_use(work / STORE):
            forget(work)
        raise


def _in_use(path: Path) -> bool:
    """Whether a store has requests or costs; true where it cannot be read: nobody knows."""
    if not path.exists():
        return False
    try:
        with closing(sqlite3.connect(path)) as store:
            return bool(store.execute("SELECT COUNT(*) FROM requests").fetchone()[0] or spent(store).most[0])
    except sqlite3.OperationalError:  # no such table yet
        return False
    except sqlite3.DatabaseError:
        return True


def forget(work: Path) -> None:
    """Remove the working folder of a finished run; its store is in the run folder."""
    clear(work)


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationJob:
    """A checked run: recipe, real rows, forecast, before a generator is used."""

    recipe: Recipe
    dataset: Dataset
    anchors: Anchors
    limits: Limits
    prices: Prices | None
    stop: Rule | None
    quantities: Mapping[str, Callable[[], Quantity]]


def job_of(recipe: RecipeSource, real: Source | None, limits: Limits, stop_when: str | None = None) -> GenerationJob:
    """Read and check recipe, real rows, curation, prices and templates, at no cost."""
    if real is None:
        raise UsageError(
            "no real rows", expected="the rows that the prompts are made from", todo="pass them as --real FILE"
        )
    read = read_recipe(recipe)
    dataset = dataset_of(real)
    anchors = Anchors.of(dataset)
    stages(read, anchors)
    prices = _prices(read.generator, limits.prices)
    check_ceilings(limits.max_tokens, limits.max_usd, prices)
    if limits.max_tokens is not None or limits.max_usd is not None:
        check_output_limit(read.generator)
    forecast_of(read, anchors, prices)  # renders every prompt: a missing column is found here
    rule, makers = (None, {}) if stop_when is None else rule_and_quantities(stop_when, dataset, seed=read.seed)
    return GenerationJob(
        recipe=read, dataset=dataset, anchors=anchors, limits=limits, prices=prices, stop=rule, quantities=makers
    )


def _prices(generator: GeneratorSpec, path: Path | None) -> Prices | None:
    """The prices of a file, else those of the recipe."""
    if path is not None:
        return prices_of(path, generator.model if isinstance(generator, EndpointSpec) else generator.kind)
    found = generator.prices if isinstance(generator, EndpointSpec) else None
    return None if found is None else Prices(found.prompt, found.completion, str(found.date))


async def _whole(job: GenerationJob, work: Path, *, resume: bool, progress: Progress) -> Result:
    with Store.opened(work / STORE) as store:
        run = await _begun(job, store, work, resume=resume, progress=progress)
        try:
            if run.in_flight:
                progress(f"resumed; {run.in_flight} unanswered requests are sent again", 0.05)
            await run.generate()
            await run.curate()
        except UnfinishedError:
            await run.curate_offline()
            export(store, work, run.generator.name)
            raise
        finally:
            await run.generator.close()
        progress("writing", 0.95)
        return _result(job, run, work / STORE)


async def _preview(
    job: GenerationJob, work: Path, count: int, *, resume: bool, progress: Progress
) -> list[dict[str, object]]:
    with Store.opened(work / STORE) as store:
        run = await _begun(job, store, work, resume=resume, progress=progress)
        try:
            await run.generate(limit=count)
            await run.curate_offline()
        finally:
            await run.generator.close()
        return [row for row in stored_rows(store, "all", run.generator.name) if row]


async def _begun(job: GenerationJob, store: Store, work: Path, *, resume: bool, progress: Progress) -> Run:
    """The generator found out about, the requests planned, the ledger open."""
    progress("probing the generator", 0.0)
    ledger = ledger_of(job, store)
    found = connected(job.recipe.generator, job.dataset, progress=progress)
    async with AsyncExitStack() as failed:
        failed.push_async_callback(found.close)
        with billed(ledger):
            generator = await _known(found, job, store, ledger)
        run = run_of(job, generator, store, ledger, work)
        run.progress = progress
        run.prepare(resume=resume)
        failed.pop_all()  # the run closes its generator
    return run


def ledger_of(job: GenerationJob, store: Store) -> Ledger:
    """The ledger of a run, with what its store has spent."""
    ledger = Ledger(
        prices=job.prices or Prices(),
        max_tokens=job.limits.max_tokens,
        max_usd=job.limits.max_usd,
        metered=isinstance(job.recipe.generator, EndpointSpec),
        distrust=job.limits.distrust_usage,
    )
    ledger.begin(store.spent())
    return ledger


def run_of(job: GenerationJob, generator: Generator, store: Store, ledger: Ledger, work: Path) -> Run:
    """The run of a job with its generator and store."""
    return Run(
        recipe=job.recipe,
        anchors=job.anchors,
        anchors_fingerprint=job.dataset.fingerprint,
        generator=generator,
        store=store,
        ledger=ledger,
        place=str(work),
        stop=job.stop,
        quantities=job.quantities,
    )


async def _known(generator: Generator, job: GenerationJob, store: Store, ledger: Ledger) -> Generator:
    """The generator with its capabilities, probed once per store."""
    store.set_meta(KEEP_REASONING, getattr(job.recipe.generator, "keep_reasoning", "field"))
    noted = store.meta(CAPABILITIES)
    if noted is not None:
        return remembered(with_known_capabilities(generator, json.loads(noted)), store, CAPABILITIES)
    generator, found = await checked(generator, job.recipe, accounting(store, ledger))
    store.set_meta(CAPABILITIES, json.dumps(found))
    return remembered(generator, store, CAPABILITIES)


def _result(job: GenerationJob, run: Run, store: Path) -> Result:
    """The result of a finished run whose store lies at ``store``.

    Raises:
        UnfinishedError: no row was kept.
    """
    kept, name = content_fingerprint(run.store)
    held, _, dropped = run.store.sizes()
    why = run.store.reasons()
    if not kept:
        raise UnfinishedError(
            f"none of {dropped:,} rows was kept ({'; '.join(f'{reason}: {n}' for reason, n in why[:3])})",
            expected="at least one row",
            todo=f"loosen the steps of `curate` and continue with --resume; the answers are kept in {run.place}",
        )
    reasoning = json.loads(run.store.meta(CAPABILITIES) or "{}").get("reasoning", 0)
    said = tuple(narrative.warnings(run, reasoning))
    measured, watch = divergences(run.store.acceptance(), set_steps(job.recipe)), run.watch
    return Result(
        command="generate",
        version=__version__,
        seed=job.recipe.seed,
        inputs=_inputs(job, run, InputSummary(name="kept.jsonl", rows=kept, fingerprint=name)),
        estimates=dict(sorted({**measured, **({} if watch is None else watch.estimates())}.items())),
        series={} if watch is None else watch.series(),
        findings=(),
        verdict=narrative.verdict(held, kept),
        views=Views(computed=tuple(narrative.computed(run, why, said))),
        files=run_files(run.store, store, job.recipe, run.generator.name),
        settings=settings_json(
            None, recipe=job.recipe.model_dump(mode="json"), stop_when=None if job.stop is None else job.stop.expression
        ),
        notes=tuple(narrative.notes(run)),
        warnings=said,
    )


def _inputs(job: GenerationJob, run: Run, kept: InputSummary) -> dict[str, InputSummary]:
    real, rows = job.dataset, sum(strategy.rows for strategy in job.recipe.strategies)
    return {
        "real": InputSummary(
            name=real.name,
            rows=len(real),
            fingerprint=real.fingerprint,
            roles=real.roles.sentence(),
            columns=real.roles.chosen(),
        ),
        "recipe": InputSummary(name="recipe.yaml", rows=rows, fingerprint=run.fingerprint),
        "synthetic": kept,
    }
