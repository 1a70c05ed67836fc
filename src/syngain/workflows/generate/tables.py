"""``syngain generate --generator cells``: rows of a table, with the probability of every cell."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain._version import __version__
from syngain.core.estimate import Estimate
from syngain.core.fingerprint import fingerprint_lines
from syngain.core.progress import Progress, silent
from syngain.core.result import InputSummary, Result, Verdict, Views
from syngain.data.files.write import RecordFile, TextFile
from syngain.data.rows import Lazy, show, show_names
from syngain.inference.intervals import normal_intervals, share_intervals
from syngain.tables.cells.by_class import lacking_rows, sample_classes
from syngain.tables.cells.check import TableCheck, check_table
from syngain.tables.cells.kinds import written_form
from syngain.tables.cells.model import CellSettings
from syngain.tables.cells.source import BETWEEN, TableSource
from syngain.tables.cells.table import GeneratedTable, TableModel
from syngain.tables.members import fitted_members, sample_members
from syngain.workflows.inputs import settings_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from syngain.core.arrays import Floats
    from syngain.pipeline.table_recipe import TableRecipe
    from syngain.tables.cells.source import TableInput

MOST = 2_000  # rows whose entropy at temperature 1 is the reference
MEMORIZED = 0.55  # fraction of rows nearer to a row of the model from which a warning is given
LISTED = 8  # classes in a note
GENERATOR = "generator"  # column of members.csv, a role that `gain` knows
EXCESS = 0.01  # fraction of copies beyond held-out rows from which a warning is given


def cell_settings(recipe: TableRecipe) -> CellSettings:
    """What the model of a recipe consists of."""
    return CellSettings(orders=recipe.generator.orders, trees=recipe.generator.trees)


def fitted_model(recipe: TableRecipe, source: TableSource) -> TableModel:
    """The model of a recipe, fitted to real rows.

    Raises:
        InputError: the real rows cannot be modeled. UsageError: a column that there is not.
    """
    given, settings = tuple(recipe.generator.given), cell_settings(recipe)
    return TableModel.fit(source.cells, label=_label(recipe), first=given, settings=settings, seed=recipe.seed)


def _label(recipe: TableRecipe) -> str | None:
    return None if recipe.generator.label in {None, "none"} else recipe.generator.label


def generate_table(recipe: TableRecipe, real: TableInput, *, progress: Progress = silent) -> Result:
    """Fit a cell model to real rows, draw rows, and check the model on halves of the real rows.

    Raises:
        InputError: the real rows cannot be modeled. UsageError: a column or a value that there is not.
    """
    source, wanted = TableSource.of(real), recipe.generator
    given = {name: written_form(value) for name, value in wanted.given.items()}
    settings, label = cell_settings(recipe), _label(recipe)
    progress("fitting the model", 0.05)
    model = fitted_model(recipe, source)
    members = None
    if wanted.members > 1:
        progress("fitting the members", 0.2)
        first = len({*given, *([] if label is None else [label])})
        members = fitted_members(model, source.cells, wanted.members, first=first, settings=settings, seed=recipe.seed)
    progress("drawing rows", 0.4)

    def draw(temperature: float, most: int | None = None) -> GeneratedTable:
        if not wanted.balance:
            rows = min(wanted.rows or 0, most or wanted.rows or 0)
            if members is not None:
                return sample_members(members, rows, recipe.seed, temperature=temperature, given=given)
            return model.sample(rows, recipe.seed, temperature=temperature, given=given)
        need = lacking_rows(source.cells, str(label))
        return sample_classes(model, str(label), need, recipe.seed, temperature=temperature)

    drawn = draw(wanted.temperature)
    usual = None
    if wanted.temperature != 1.0:
        usual = float(-draw(1.0, MOST).row_logprob.mean())
    checks: dict[float, TableCheck] = {}
    for at, temperature in enumerate(dict.fromkeys((wanted.temperature, 1.0)) if wanted.check else ()):
        progress("checking the model on halves of the real rows", 0.6 + 0.15 * at)
        found = check_table(source.cells, label=label, settings=settings, temperature=temperature, seed=recipe.seed)
        if found is not None:
            checks[temperature] = found
    progress("writing", 0.95)
    return _TableRun(recipe, source, model, drawn, checks, usual).result()


@dataclass(frozen=True)
class _TableRun:
    """A finished run, as a result; ``usual``: entropy of a row at temperature 1, where the rows have another one."""

    recipe: TableRecipe
    source: TableSource
    model: TableModel
    drawn: GeneratedTable
    checks: Mapping[float, TableCheck]
    usual: float | None

    def result(self) -> Result:
        """The result, with its files."""
        written = (BETWEEN.join(map(written_form, row)) for row in zip(*self.drawn.columns.values(), strict=True))
        synthetic = InputSummary(name="rows.csv", rows=self.drawn.rows, fingerprint=fingerprint_lines(written))
        return Result(
            command="generate",
            version=__version__,
            seed=self.recipe.seed,
            inputs={
                "real": InputSummary(
                    name=self.source.name,
                    rows=self.source.rows,
                    fingerprint=self.source.fingerprint,
                    roles=self._roles(),
                ),
                "recipe": InputSummary(
                    name="recipe.yaml",
                    rows=self.drawn.rows,
                    fingerprint=fingerprint_lines([json.dumps(self.recipe.model_dump(mode="json"), sort_keys=True)]),
                ),
                "synthetic": synthetic,
            },
            estimates=self._estimates(),
            findings=(),
            verdict=self._verdict(),
            views=Views(computed=tuple(self._computed())),
            files=self._files(),
            settings=settings_json(None, recipe=self.recipe.model_dump(mode="json"), stop_when=None),
            notes=tuple(self._notes()),
            warnings=tuple(self._warnings()),
        )

    def _notes(self) -> Iterator[str]:
        """What is given, and what the temperature changes."""
        wanted = self.recipe.generator
        if wanted.balance:
            counts = lacking_rows(self.source.cells, str(wanted.label))
            listed = ", ".join(f"{show(name)} {count:,}" for name, count in list(counts.items())[:LISTED])
            yield f"rows of each class, to the size of the largest: {listed}"
        if wanted.given:
            yield f"given, not drawn: {', '.join(f'{name}={value}' for name, value in wanted.given.items())}"
        if self.usual is None:
            return
        found = f"entropy {-self.drawn.row_logprob.mean():.1f} nats per row ({self.usual:.1f})"
        check, plain = self._check, self.checks.get(1.0)
        if check is not None and plain is not None:
            copies = (float(np.mean(one.copies[0])) for one in (check, plain))
            found += f", separability {check.auc:.0%} ({plain.auc:.0%}), copies {next(copies):.1%} ({next(copies):.1%})"
        yield f"temperature {wanted.temperature:g} (in brackets: 1): {found}"

    def _roles(self) -> str:
        label = self.recipe.generator.label
        return f"{len(self.model.codecs)} columns" + (f", label {label}" if label else "")

    def _verdict(self) -> Verdict:
        """Rows and the check, without a judgment of benefit."""
        rows = f"{self.drawn.rows:,} rows generated from {self.source.rows:,} real rows."
        check = self._check
        if check is None:
            found = " The model was not checked."
        else:
            found = (
                f" Boosted trees separate them from unseen real rows with an area of {check.auc:.2f} (0.5: not at "
                f"all); {np.mean(check.nearer):.0%} are nearer to a row of the model than to an unseen one (50%: "
                "nothing memorized)."
            )
        label = self.recipe.generator.label
        compared = " Run `syngain compare REAL --balance` to compare them with other ways to balance classes."
        more = compared if self.recipe.generator.balance else " Run `syngain gain` to measure what they add."
        return Verdict(
            decision="cannot_tell",
            sentence=rows + found + more,
            action=rows,
            next_command="syngain compare REAL --balance"
            if self.recipe.generator.balance
            else f"syngain gain REAL {'rows' if self.drawn.member is None else 'members'}.csv"
            + ("" if label else " --label COLUMN"),
        )

    @property
    def _check(self) -> TableCheck | None:
        return self.checks.get(self.recipe.generator.temperature)

    def _estimates(self) -> dict[str, Estimate]:
        entropy, member = -self.drawn.row_logprob, self.drawn.member
        error = float(entropy.std() / np.sqrt(max(len(entropy), 1)))
        references = {} if self.usual is None else {"temperature 1": self.usual}
        if member is not None:
            means = np.bincount(member, entropy) / np.bincount(member)
            error = max(error, float(means.std(ddof=1) / np.sqrt(means.size)))  # rows of a member share its model
            references["standard deviation between members"] = float(means.std(ddof=1))
        out = {
            "table.entropy": Estimate(
                value=float(entropy.mean()),
                unit="nats",
                method="mean of minus the log-probability of the generated rows",
                estimand="entropy of a generated row over values of the decimal grid",
                intervals=normal_intervals(
                    float(entropy.mean()), error, math.inf if member is None else int(member.max())
                ),
                n=len(entropy),
                clusters=len(entropy) if member is None else int(member.max()) + 1,
                references=references,
            )
        }
        check, plain = self._check, self.checks.get(1.0)
        if check is None:
            return out
        return out | _check_estimates(check, plain if plain is not check else None)

    def _warnings(self) -> Iterator[str]:
        """What a reader of the rows must know."""
        if self.model.left_out:
            yield f"{show_names(list(self.model.left_out))} left out: free text is not modeled; generate it by a recipe"
        if self.model.new_keys:
            yield f"{show_names(list(self.model.new_keys))} holds new ids: keys are made, not drawn"
        check = self._check
        if check is None:
            return
        low = share_intervals(check.nearer > 0.5)[0.95][0]
        if low > 0.5 and np.mean(check.nearer) > MEMORIZED:
            yield (
                f"{np.mean(check.nearer):.0%} of the rows are nearer to a row of the model than to an unseen real row "
                "(50%: nothing memorized); raise `temperature`, or set `trees: 0` in a recipe"
            )
        own, other = (float(np.mean(part)) for part in check.copies)
        if own > other + EXCESS:
            yield f"{own:.1%} of the rows equal a row of the model, {other:.1%} an unseen real row: drop these copies"

    def _computed(self) -> Iterator[tuple[str, str]]:
        """How the rows were generated, as headed paragraphs."""
        kinds = "; ".join(f"{name}: {codec.kind}" for name, codec in self.model.codecs.items())
        yield "Columns", f"{kinds}."
        wanted = self.recipe.generator
        yield (
            "Model",
            (
                "Each cell is drawn given the cells before it, from a mixture of back-off tables of orders 0 to "
                f"{wanted.orders}, {wanted.trees} bagged extra-trees and a ridge regression "
                "on normal scores. Weights maximize the likelihood of values that no part has seen. "
                f"Order: {', '.join(dict.fromkeys(name for name, _ in self.model.order))}."
            ),
        )
        if wanted.members > 1:
            yield (
                "Members",
                (
                    f"{wanted.members} models with other seeds, other orders of the columns, and the real rows of a "
                    "bootstrap sample, each once. `members.csv` names the model of each row: `syngain gain REAL "
                    "members.csv` measures how much of the gain is due to the model."
                ),
            )
        if self.model.formulas:
            yield "Computed", f"{'; '.join(self.model.formulas)}. Where a formula is broken, the cell is drawn."
        if self.checks:
            yield (
                "Check",
                "A model of one half of the real rows is compared with the other half, which it has not seen.",
            )

    def _files(self) -> dict[str, RecordFile | TextFile]:
        modeled = [*self.drawn.modeled, "row"]
        sums = np.column_stack([self.drawn.logprob, self.drawn.row_logprob])
        names, columns = list(self.drawn.columns), list(self.drawn.columns.values())
        out = {"rows.csv": RecordFile(_records(names, columns))}
        if self.drawn.member is not None:
            title = next(name for name in (GENERATOR, "model", "syngain_member") if name not in names)
            said = [f"member {at + 1}" for at in self.drawn.member.tolist()]
            out["members.csv"] = RecordFile(_records([*names, title], [*columns, said]))
        return {
            **out,
            "logprobs.csv": RecordFile(_records(modeled, [_numbers(column) for column in sums.T])),
            "provenance.json": TextFile(json.dumps(self._provenance(), indent=2, ensure_ascii=False) + "\n"),
            "recipe.yaml": TextFile(self.recipe.yaml()),
        }

    def _provenance(self) -> dict[str, object]:
        """How each column came about."""
        mixtures = {}
        for name, mixture in zip(self.model.model.names, self.model.model.mixtures, strict=True):
            formula = mixture.parts.formula
            mixtures[name] = {
                "symbols": mixture.alphabet.size,
                "orders": [round(float(weight), 4) for weight in mixture.orders],
                "trees": round(float(mixture.trees), 4),
                "normal_scores": [round(float(weight), 4) for weight in mixture.scales],
                "computed": None if formula is None else formula.sentence(name, self.model.model.names),
            }
        return {
            "syngain": __version__,
            "generator": "cells",
            "seed": self.recipe.seed,
            "real": {"name": self.source.name, "rows": self.source.rows, "fingerprint": self.source.fingerprint},
            "given": dict(self.recipe.generator.given),
            "temperature": self.recipe.generator.temperature,
            "logprob": "natural logarithm of the probability of the written value given the cells before it",
            "order": list(dict.fromkeys(name for name, _ in self.model.order)),
            "columns": {name: codec.kind for name, codec in self.model.codecs.items()},
            "mixtures": mixtures,
        }


def _records(names: Sequence[str], columns: Sequence[Sequence[object]]) -> Lazy[dict[str, object]]:
    def record(row: int) -> dict[str, object]:
        return {name: column[row] for name, column in zip(names, columns, strict=True)}

    return Lazy(len(columns[0]), record)


def _numbers(column: Floats) -> list[object]:
    """Shortest decimals; nothing where a cell was given."""
    return [None if math.isnan(number) else number for number in column.tolist()]


def _check_estimates(check: TableCheck, plain: TableCheck | None) -> dict[str, Estimate]:
    """The measures of the check; at another temperature with those at temperature 1 as references."""
    n = len(check.nearer)
    spread = float(np.sqrt((2 * n + 1) / (12 * n * n)))
    own, other = check.copies
    nearer, error = float(np.mean(check.nearer)), float(np.std(check.nearer) / np.sqrt(n))

    def against(measure: str) -> dict[str, float]:
        if plain is None:
            return {}
        values = {"auc": plain.auc, "nearer": float(np.mean(plain.nearer)), "copies": float(np.mean(plain.copies[0]))}
        return {"temperature 1": values[measure]}

    return {
        "table.separability": Estimate(
            value=check.auc,
            unit="share",
            method="area under the curve of boosted trees, 3 folds; a model of half the real rows, against the others",
            estimand="probability that the classifier ranks a synthetic row above an unseen real one",
            intervals=normal_intervals(check.auc, check.auc_error),
            null=(0.5 - 1.96 * spread, 0.5 + 1.96 * spread),
            n=2 * n,
            clusters=2 * n,
            references=against("auc"),
        ).within(0, 1),
        "table.nearer": Estimate(
            value=nearer,
            unit="share",
            method="nearest real row by mixed-type distance, ties half; a model of one half against the other",
            estimand="fraction of rows nearer to a row the model has seen than to an unseen one",
            intervals=normal_intervals(nearer, error),
            null=(0.5 - 0.98 / np.sqrt(n), 0.5 + 0.98 / np.sqrt(n)),
            n=n,
            clusters=n,
            references=against("nearer"),
        ).within(0, 1),
        "table.copies": Estimate(
            value=float(np.mean(own)),
            unit="share",
            method="rows equal to a row of the model's half; reference: of the other half",
            estimand="fraction of rows that equal a row the model has seen",
            intervals=share_intervals(own),
            n=n,
            clusters=n,
            references={"unseen real rows": float(np.mean(other)), **against("copies")},
        ),
    }
