"""Inputs of a command: files as datasets and studies, settings as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from syngain.core.errors import InputError, UsageError
from syngain.core.fingerprint import json_form
from syngain.core.result import InputSummary
from syngain.data import match_sources, read
from syngain.data.dataset import Dataset, Kind
from syngain.data.study import Study
from syngain.data.text.normal_forms import joined_sides

if TYPE_CHECKING:
    from collections.abc import Iterator

Source = Dataset | str | Path
Chosen = TypeVar("Chosen")
PUBLIC = {"Settings": "AuditSettings"}  # classes that `syngain.settings` calls otherwise


def study_of(real: Source, synthetic: Source, *, test: Source | None = None, held_out: Source | None = None) -> Study:
    """The datasets, read from paths; columns are detected on the real rows first.

    Raises:
        InputError: a file cannot be read, or offers another kind of rows.
    """
    anchors = dataset_of(real)
    return Study.of(
        anchors,
        dataset_of(synthetic, like=anchors),
        test=optional_dataset(test, anchors),
        held_out=optional_dataset(held_out, anchors),
    )


def dataset_of(source: Source, like: Dataset | None = None) -> Dataset:
    """The dataset, read when it is a path."""
    return source if isinstance(source, Dataset) else read(source, like=like)


def optional_dataset(source: Source | None, like: Dataset) -> Dataset | None:
    """The dataset, or None where there is none."""
    return None if source is None else dataset_of(source, like)


def either(value: Source | None, alias: Source | None, name: str, former: str) -> Source | None:
    """The value of a parameter that may be given by its former name.

    Raises:
        UsageError: both are given.
    """
    if value is not None and alias is not None:
        raise UsageError(f"`{name}` and `{former}`", expected="one of them", todo=f"omit `{former}`, the former name")
    return alias if value is None else value


def of_kind(settings: Chosen | None, kind: type[Chosen]) -> Chosen:
    """The settings that were given, or those of the kind by default.

    Raises:
        UsageError: they are of another kind.
    """
    if settings is None:
        return kind()
    if isinstance(settings, kind):
        return settings
    public = PUBLIC.get(kind.__name__, kind.__name__)
    raise UsageError(
        f"settings of type {type(settings).__name__}",
        expected=f"syngain.settings.{public}",
        todo=f"for example settings=syngain.settings.{public}()",
    )


def settings_json(settings: object, **more: object) -> dict[str, object]:
    """Settings as a result keeps them, each model in them with its identity."""
    out = {name: json_form(value) for name, value in _named(settings)} | {
        name: json_form(value) for name, value in more.items()
    }
    models = sorted(set(_models(out)))
    if models:
        from syngain.models.identity import model_identity

        out["models"] = {name: model_identity(name) for name in models}
    return out


def _named(settings: object) -> Iterator[tuple[str, object]]:
    form = json_form(settings)
    if isinstance(form, Mapping):
        yield from ((str(name), value) for name, value in form.items() if name != "class")


def _models(form: object) -> Iterator[str]:
    """Names of models anywhere in settings."""
    if isinstance(form, Mapping):
        for name, value in form.items():
            if name == "model" and isinstance(value, str):
                yield value
            else:
                yield from _models(value)
    elif isinstance(form, list):
        for item in form:
            yield from _models(item)


def matched_sentence(synthetic: Dataset, real: Dataset) -> str:
    """Fraction of synthetic rows whose source is a real row; empty without a column."""
    source, share = match_sources(synthetic, real)
    return "" if source is None else f"source matched to a real row in {share:.1%} of the rows"


def study_summaries(study: Study) -> dict[str, InputSummary]:
    """What each file of a study gave, by role."""
    pool = study.held_out
    return summaries({"real": study.real, "synthetic": study.synthetic, "test": study.test, "pool": pool})


def summaries(datasets: Mapping[str, Dataset | None]) -> dict[str, InputSummary]:
    """What each file gave, by role."""
    real = datasets["real"]
    out: dict[str, InputSummary] = {}
    for role, dataset in datasets.items():
        if dataset is None or real is None:
            continue
        sentence = dataset.roles.sentence()
        matched = matched_sentence(dataset, real) if role == "synthetic" else ""
        out[role] = InputSummary(
            name=dataset.name,
            rows=len(dataset),
            fingerprint=dataset.fingerprint,
            roles="; ".join(part for part in (sentence, matched) if part),
            columns=dataset.roles.chosen(),
            hint=_hint(dataset, role),
        )
    return out


def _hint(dataset: Dataset, role: str) -> str:
    """What the user should know about how the rows were read; the label of the real rows counts for all."""
    if role == "real":
        return "; ".join(filter(None, (dataset.roles.hint, *dataset.notes)))
    return f"{dataset.name}: {'; '.join(dataset.notes)}" if dataset.notes else ""


def as_responses(data: Dataset) -> Dataset:
    """Labeled rows as pairs of text and label; other rows unchanged.

    Raises:
        InputError: for a table, which no language model reads.
    """
    if not data.sides:
        raise InputError(
            f"{data.name} is a table of columns",
            expected="texts, or pairs of prompt and response, for a language model",
            todo="name the text columns with --text, or run `syngain gain` for tables",
        )
    if data.labels is None:
        return data
    return replace(
        data,
        kind=Kind.PAIR,
        sides={"prompt": joined_sides(list(data.sides.values())), "response": list(data.labels)},
        labels=None,
    )
