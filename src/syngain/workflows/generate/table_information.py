"""``syngain information`` of generated tables: entropy by cell, what rows show of the real rows, effect of a filter."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from syngain._version import __version__
from syngain.core.documents.warned import carried
from syngain.core.errors import InputError, UsageError
from syngain.core.fingerprint import fingerprint_lines
from syngain.core.progress import Progress, silent
from syngain.core.result import InputSummary, Result, Views
from syngain.data.files import formats
from syngain.data.rows import show
from syngain.information import narrative
from syngain.information.dropped_rows import step_of
from syngain.information.estimators import information_gain, prompt_information
from syngain.information.estimators.clustered_prompts import LEVELS, ClusteredPrompts, mean
from syngain.information.estimators.generation_divergence import generation_divergence
from syngain.information.measures import GroupMeasures, RealComparison
from syngain.information.outputs import unnamed_outputs
from syngain.pipeline.table_recipe import table_recipe
from syngain.tables.cells.check import row_codes
from syngain.tables.cells.halves import HalvesProtocol, HalvesScores, halves_scores
from syngain.tables.cells.source import TableSource
from syngain.workflows.generate.tables import cell_settings, fitted_model
from syngain.workflows.inputs import settings_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from syngain.core.arrays import Flags, Floats
    from syngain.core.estimate import Estimate
    from syngain.pipeline.table_recipe import TableRecipe
    from syngain.tables.cells.source import TableInput
    from syngain.tables.cells.table import TableModel

ROWS, LOGPROBS, RECIPE = "rows.csv", "logprobs.csv", "recipe.yaml"
CLOSE = 1e-6  # nats of a row between its recorded and its computed log-probability
FEW = 8  # rows below which no control is fitted
FEWEST = 40  # real rows, below which there are no halves


def is_table_run(rows: object) -> bool:
    """Whether this is a run folder of ``syngain generate --generator cells``."""
    if not isinstance(rows, (str, Path)) or not Path(rows).is_dir():
        return False
    folder = Path(rows)
    return all((folder / name).is_file() for name in (ROWS, LOGPROBS, RECIPE))


@carried
def table_information(
    folder: str | Path,
    real: TableInput | None,
    *,
    dropped: str | Path | None = None,
    sizes: HalvesProtocol,
    seed: int = 0,
    progress: Progress = silent,
) -> Result:
    """Information of the rows of a cell model.

    Args:
        folder: the run folder of the rows.
        real: the real rows that the model was fitted to.
        dropped: those of its rows that a filter dropped, with all columns; ``syngain_step`` or ``syngain_reasons``
            name the filter.
        sizes: halves of the real rows, and rows of each.
        seed: of the halves.
        progress: called with the stage and the fraction done.

    Raises:
        InputError: files that do not belong together. UsageError: no real rows.
    """
    if real is None:
        raise UsageError("no real rows", expected="the real rows that the model was fitted to", todo="add --real FILE")
    progress("fitting the model", 0.05)
    run = _TableAccount.read(Path(folder), TableSource.of(real))
    scores = run.halves(sizes, seed, lambda stage, done: progress(stage, 0.2 + 0.7 * done))
    progress("done", 1.0)
    return run.result(scores, {} if dropped is None else run.steps(dropped), sizes, seed)


@dataclass(frozen=True)
class _TableAccount:
    """A run: its recipe, real rows, rows and model; log-probability of each cell, surprisal less entropy of each row.

    ``logprob``: (n, columns) in nats, 0 where a cell was given. ``excess``: (n,), None where it is not known.
    """

    recipe: TableRecipe
    source: TableSource
    rows: TableSource
    model: TableModel
    logprob: Floats
    excess: Floats | None

    @classmethod
    def read(cls, folder: Path, source: TableSource) -> _TableAccount:
        """Read a run folder, fit its model again and compare the log-probabilities."""
        recipe = table_recipe(folder / RECIPE)
        if recipe is None:
            raise InputError(
                f"{folder / RECIPE} is no recipe of a table",
                expected="a run folder of `syngain generate --generator cells`",
                todo="name such a folder",
            )
        if recipe.generator.members > 1:
            raise InputError(
                f"rows of {recipe.generator.members} models",
                expected="rows of one model: the probability of a row under all of them is not recorded",
                todo="generate without --members to account for the rows",
            )
        rows, recorded = TableSource.read(folder / ROWS), TableSource.read(folder / LOGPROBS)
        model = fitted_model(recipe, source)
        wanted = recipe.generator
        given = {*wanted.given, *([str(wanted.label)] if wanted.balance else [])}
        fixed = [at for at, name in enumerate(model.modeled) if name in given]
        logprob = _scored(model, rows, wanted.temperature, fixed)
        _check_recorded(recorded, rows, logprob.sum(axis=1))
        excess = None
        if wanted.temperature == 1.0:
            entropy = model.entropy(rows.cells)
            entropy[:, fixed] = 0.0
            excess = -(logprob + entropy).sum(axis=1)
        return cls(recipe, source, rows, model, logprob, excess)

    @property
    def own(self) -> Floats:
        """The log-probability of each row in nats (n,)."""
        return np.asarray(self.logprob.sum(axis=1))

    def halves(self, sizes: HalvesProtocol, seed: int, progress: Progress) -> HalvesScores | None:
        """Rows of models of halves, scored under each; None where rows are no draws of one distribution, or few."""
        wanted = self.recipe.generator
        if wanted.balance or self.source.rows < FEWEST:
            return None
        protocol = replace(
            sizes,
            temperature=wanted.temperature,
            given={name: str(value) for name, value in wanted.given.items()},
        )
        return halves_scores(
            self.model, self.source.cells, cell_settings(self.recipe), protocol, seed=seed, progress=progress
        )

    def steps(self, dropped: str | Path) -> dict[str, Flags]:
        """Which rows each filter dropped (n,), in the order of the file."""
        path = Path(dropped)
        loaded = formats.load(path, path.name, {})
        names = [name for name in self.model.modeled if name in loaded.fields]
        if len(names) < len(self.model.modeled):
            lacking = next(name for name in self.model.modeled if name not in names)
            raise InputError(
                f"{path.name} has no column {show(lacking)}",
                expected=f"rows of {ROWS} that were dropped, with all columns",
                todo="name the dropped.jsonl of an audit of these rows",
            )
        columns = {
            name: list(column) for name, column in zip(names, zip(*loaded.values(names), strict=True), strict=True)
        }
        waiting: dict[tuple[int, ...], list[int]] = {}
        for row, code in enumerate(row_codes(self.model.coded(self.rows.cells))):
            waiting.setdefault(code, []).append(row)
        out: dict[str, Flags] = {}
        for at, (code, record) in enumerate(zip(row_codes(self.model.coded(columns)), loaded.rows, strict=True)):
            if not waiting.get(code):
                raise InputError(
                    f"{loaded.place(at)} is not a row of {ROWS}",
                    expected=f"rows of {ROWS} that were dropped",
                    todo="name the dropped rows of this run",
                )
            gone = out.setdefault(step_of(record), np.zeros(self.rows.rows, dtype=bool))
            gone[waiting[code].pop(0)] = True
        return out

    def result(
        self, scores: HalvesScores | None, steps: Mapping[str, Flags], sizes: HalvesProtocol, seed: int
    ) -> Result:
        """The result."""
        measures = GroupMeasures(
            estimates=dict(self._estimates(scores)),
            chained=False,
            bracket=None if scores is None else prompt_information.bracket(scores.rows, scores.design),
        )
        lost = {step: float(self.own[gone].sum() / self.own.sum()) for step, gone in steps.items()}
        account = narrative.InformationAccount(
            said=unnamed_outputs(self.own),
            whole=measures,
            strategies={"": measures},
            moved=_moved(steps),
            without={},
            scorer=None,
            complete=True,
            beside={"": RealComparison()},
        )
        return Result(
            command="information",
            version=__version__,
            seed=seed,
            inputs=self._inputs(),
            estimates=dict(sorted({**measures.estimates, **account.moved}.items())),
            findings=narrative.findings(account),
            verdict=narrative.verdict(account),
            views=Views(chains=narrative.chains(account, {"": lost}, lost), computed=tuple(self._computed(scores))),
            settings=settings_json(sizes, scorer=None),
        )

    def _estimates(self, scores: HalvesScores | None) -> Iterator[tuple[str, Estimate]]:
        n = len(self.own)
        design = ClusteredPrompts.balanced(1, n)
        if self.excess is not None and n >= FEW:
            found = information_gain.combined(self.own, self.excess, design, "these")
        else:
            found = information_gain.plain(self.own, design, "these")
        own = replace(found, unit="nats per row", estimand="entropy of a row of the model of these real rows")
        yield "information.gain", own
        for name, column in zip(self.model.modeled, self.logprob.T, strict=True):
            yield (
                f"information.gain@column={name}",
                mean(-column, design, "these").estimate(
                    design,
                    method="minus the log-probability of the cell given the cells before it in the model",
                    estimand="entropy of the cell given the cells before it",
                    unit="nats per row",
                ),
            )
        if scores is None:
            yield "information.entropy", replace(own, marks=("not cross-scored",), direction="lower")
            return
        rows, halves = scores.rows, scores.design
        yield "information.prompt_lower", prompt_information.population_lower(rows, halves)
        yield "information.prompt_lower@whole_prompts", prompt_information.whole_prompts(rows, halves)
        yield "information.prompt_upper", prompt_information.population_upper(rows, halves)
        limits = {level: prompt_information.mixture_entropy(rows, halves, level) for level in LEVELS}
        yield (
            "information.entropy",
            replace(
                limits[LEVELS[0]][0],
                unit="nats per row",
                intervals={level: (bracket.low, bracket.high) for level, (_, bracket) in limits.items()},
                estimand=f"entropy of a row of models of {scores.fitted:,} of the real rows: value for these halves, "
                "interval for all of them",
            ),
        )
        for name, gaps in scores.by_column.items():
            yield (
                f"information.prompt_lower@column={name}",
                mean(gaps, halves, "these").estimate(
                    halves,
                    method="log-probability of the cell under its own half minus that under the mixture of all halves",
                    estimand="mutual information of these halves and the cell, given the cells before it",
                    references={"ln K": float(np.log(halves.prompts))},
                ),
            )

    def _computed(self, scores: HalvesScores | None) -> Iterator[tuple[str, str]]:
        order = ", ".join(dict.fromkeys(name for name, _ in self.model.order))
        rows = (
            f"{len(self.own):,} rows of a cell model of {self.source.rows:,} real rows, scored again: equal to the "
            f"recorded log-probabilities. A row is a sum over {len(self.model.modeled)} columns, each given those "
            f"before it: {order}."
        )
        yield "Rows", rows
        few = f"Not measured: fewer than {FEWEST} real rows."
        prompt = "Not measured: rows of chosen classes are no draws of one distribution."
        if scores is not None:
            count, each = scores.design.prompts, int(scores.design.samples[0])
            prompt = (
                f"The prompt of a table is its real rows. {count} models of random halves ({scores.fitted:,} rows) "
                f"drew {each} rows each, scored under all of them: how much a row shows of its half, at most "
                f"ln {count} = {np.log(count):.2f} nats. The information of cells adds up to that of rows."
            )
        yield "Prompt information", prompt if scores is not None or self.recipe.generator.balance else few
        yield "Limits", "High information is not a benefit. Read it together with separability and measured gain."

    def _inputs(self) -> dict[str, InputSummary]:
        roles = f"{len(self.model.codecs)} columns"
        return {
            role: InputSummary(name=part.name, rows=part.rows, fingerprint=part.fingerprint, roles=roles)
            for role, part in (("rows", self.rows), ("real", self.source))
        } | {
            "recipe": InputSummary(
                name=RECIPE, rows=self.rows.rows, fingerprint=fingerprint_lines([self.recipe.yaml()])
            )
        }


def _scored(model: TableModel, rows: TableSource, temperature: float, fixed: Sequence[int]) -> Floats:
    lacking = [name for name in model.modeled if name not in rows.cells]
    if lacking:
        raise InputError(
            f"{ROWS} has no column {show(lacking[0])}",
            expected="the columns of the real rows",
            todo="give the real rows of this run with --real",
        )
    logprob = model.score(rows.cells, temperature=temperature)
    logprob[:, fixed] = 0.0
    return logprob


def _check_recorded(recorded: TableSource, rows: TableSource, own: Floats) -> None:
    """Refuse rows or real rows that are not those of the run.

    Raises:
        InputError: a recorded log-probability is not that of the model.
    """
    told = np.array([float(str(cell)) for cell in recorded.cells.get("row", ())])
    same = told.size == rows.rows
    wrong = np.flatnonzero(~(np.abs(told - own) <= CLOSE)) if same else np.zeros(1, dtype=np.int64)
    if not same or wrong.size:
        at = int(wrong[0])
        came = (
            f"row {at + 1}: recorded {told[at]:.4f}, computed {own[at]:.4f}" if same else f"{told.size} of {rows.rows}"
        )
        raise InputError(
            f"log-probabilities of {wrong.size if same else 'other'} rows are not those of the model ({came} nats)",
            expected=f"{ROWS}, {LOGPROBS} and the real rows of one run",
            todo="give the real rows of this run with --real, and its rows as they were written",
        )


def _moved(steps: Mapping[str, Flags]) -> dict[str, Estimate]:
    """The divergence of every filter and of all."""
    if not steps:
        return {}
    reached = np.ones(len(next(iter(steps.values()))), dtype=bool)
    found = {}
    for step, gone in steps.items():
        if not gone[reached].all():
            found[f"generation.divergence@{step}"] = generation_divergence(gone[reached], np.flatnonzero(reached))
        reached = reached & ~gone
    if reached.any():
        found["generation.divergence"] = generation_divergence(~reached, np.arange(reached.size))
    return found
