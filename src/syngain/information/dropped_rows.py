"""Rows dropped by curation, read from files, and the divergence of each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import yaml

from syngain.core.documents.yaml_documents import yaml_value
from syngain.core.errors import InputError
from syngain.data import Dataset, generated_row, read
from syngain.data.files import formats
from syngain.information.estimators.generation_divergence import generation_divergence

if TYPE_CHECKING:
    from syngain.core.arrays import Flags
    from syngain.core.estimate import Estimate
    from syngain.data import RoleOptions

Record = Mapping[str, object]
SET_STEPS = ("dedup", "duplicate", "quota", "top_k", "best_of")  # steps on the whole dataset
STEPS = (generated_row.STEP, "step")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class UncuratedRows:
    """All generated rows, as far as known.

    Attributes:
        data: the rows with content. gone: which of these were dropped (n,), None when unknown.
        prompts, steps: of every generated row, its prompt and the step that dropped it, None for kept ones.
        order: names of the steps in their order, empty when it is not known.
        complete: whether ``data`` includes the dropped rows.
    """

    data: Dataset
    gone: Flags | None = None
    prompts: Sequence[str] = ()
    steps: Sequence[str | None] = ()
    order: Sequence[str] = ()
    complete: bool = True


def read_uncurated(
    rows: Dataset | str | Path, dropped: str | Path | None = None, *, roles: RoleOptions | None = None
) -> UncuratedRows:
    """Read kept and dropped rows of a ``syngain generate`` run folder, or of files.

    ``rows`` contains all generated rows (dropped ones are found by ``request``), or the kept rows only. In the second
    case dropped rows with log-probabilities are added.

    Raises:
        InputError: a file cannot be used as it is.
    """
    order: Sequence[str] = ()
    if not isinstance(rows, Dataset) and Path(rows).is_dir():
        folder = Path(rows)
        if not (folder / "rows.jsonl").exists():
            raise InputError(
                f"{folder} has no rows.jsonl",
                expected="a run folder of `syngain generate`, or a file",
                todo="name such a folder, or a file of rows",
            )
        if dropped is None and (folder / "dropped.jsonl").exists() and (folder / "dropped.jsonl").stat().st_size:
            dropped = folder / "dropped.jsonl"
        rows, order = folder / "rows.jsonl", _order(folder / "recipe.yaml")
    data = rows if isinstance(rows, Dataset) else read(rows, roles=roles)
    if dropped is None:
        return UncuratedRows(data=data)
    path = Path(dropped)
    gone = list(formats.load(path, path.name, {}).rows)
    return _joined(data, gone, order, roles)


def divergences(said: UncuratedRows) -> dict[str, Estimate]:
    """``generation.divergence`` over all filters and by step.

    Empty when no dropped rows are known. Steps on the whole dataset have a kept fraction of their own, and their
    dropped rows are left out of the total.
    """
    if said.gone is None:
        return {}
    clusters = np.unique(list(said.prompts), return_inverse=True)[1]
    steps = np.array([step or "" for step in said.steps], dtype=object)
    names = [name for name in said.order if name in set(said.steps)]
    names += sorted({step for step in said.steps if step is not None} - set(names))
    found: dict[str, Estimate] = {}
    reached = np.ones(len(steps), dtype=bool)
    for name in names:
        hit = steps == name
        if not np.all(hit[reached]):
            found[f"generation.divergence@{name}"] = generation_divergence(
                hit[reached], clusters[reached], of_rows=not on_sets(name)
            )
        if said.order:
            reached = reached & ~hit
    filtered = np.array([not on_sets(str(step)) for step in steps])
    if not np.all((steps != "")[filtered]):
        found["generation.divergence"] = generation_divergence((steps != "")[filtered], clusters[filtered])
    return found


def on_sets(step: str) -> bool:
    """Whether a step uses the whole dataset, by its name."""
    return any(word in step for word in SET_STEPS)


def _joined(data: Dataset, gone: Sequence[Record], order: Sequence[str], roles: RoleOptions | None) -> UncuratedRows:
    """The kept and the dropped rows as one dataset."""
    known = {_request(record) for record in data.records if record.get(generated_row.REQUEST)}
    inside = {_request(record): step_of(record) for record in gone if _request(record) in known}
    outside = [record for record in gone if _request(record) not in known]
    scored = [record for record in outside if record.get(generated_row.TOKEN_LOGPROBS) and _content(record, data)]
    usable = [_filled(record, data) for record in scored]
    joined = bool(usable) and len(usable) == len(outside)
    whole = Dataset.from_rows([*data.records, *usable], data.name, roles=roles) if joined else data
    steps: list[str | None] = [inside.get(_request(record)) for record in data.records]
    steps += [step_of(record) for record in outside]
    prompts = [_prompt(record) for record in (*data.records, *outside)]
    flags = np.array([step is not None for step in steps[: len(whole)]])
    return UncuratedRows(
        data=whole,
        gone=flags,
        prompts=prompts,
        steps=steps,
        order=order,
        complete=joined or not outside,
    )


def _request(record: Record) -> str:
    return str(record.get(generated_row.REQUEST))


def _content(record: Record, data: Dataset) -> bool:
    return bool(record.get(generated_row.RAW_TEXT)) or all(record.get(name) for name in data.roles.text)


def _filled(record: Record, data: Dataset) -> Record:
    """A row without content gets its raw output instead."""
    raw = record.get(generated_row.RAW_TEXT)
    return record if raw is None else {**dict.fromkeys(data.roles.text, raw), **record}


def step_of(record: Record) -> str:
    """The step that dropped a row, else its first reason."""
    named = next((record[name] for name in STEPS if record.get(name)), None)
    reasons = record.get(generated_row.REASONS) or record.get("reason")
    first = reasons[0] if isinstance(reasons, list) and reasons else reasons
    return str(named or first or "curation")


def _prompt(record: Record) -> str:
    return str(record.get(generated_row.PROMPT_HASH) or record.get("prompt_id") or record.get("prompt") or "")


def _recipe(path: Path) -> object:
    try:
        return yaml_value(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(
            f"{path} cannot be read ({' '.join(str(error).split())})",
            expected="the recipe that the run wrote",
            todo="restore it, or run the recipe again",
        ) from error


def _order(recipe: Path) -> Sequence[str]:
    """The steps of a resolved recipe in order; parsing answers is first."""
    if not recipe.exists():
        return ()
    content = _recipe(recipe)
    listed = content.get("curate") if isinstance(content, dict) else None
    steps = [item for item in listed or () if isinstance(item, dict)]
    return ["parse", *(str(item.get("name") or item.get("step")) for item in steps)]
