"""The files of a command as datasets, and what the report says of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from syngain.core.errors import InputError
from syngain.core.result import InputSummary
from syngain.data import match_sources, read
from syngain.data.dataset import Dataset, Kind
from syngain.data.text.normal_forms import joined_sides

Source = Dataset | str | Path


def matched_sentence(synthetic: Dataset, real: Dataset) -> str:
    """Which share of the synthetic rows names an anchor that exists; empty without a source column."""
    source, share = match_sources(synthetic, real)
    return "" if source is None else f"source matched to an anchor in {share:.1%} of the rows"


def dataset_of(source: Source, like: Dataset | None = None) -> Dataset:
    """The dataset, read when it is a path."""
    return source if isinstance(source, Dataset) else read(source, like=like)


def optional_dataset(source: Source | None, like: Dataset) -> Dataset | None:
    """The dataset, or None where there is none."""
    return None if source is None else dataset_of(source, like)


def summaries(datasets: dict[str, Dataset | None]) -> dict[str, InputSummary]:
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
        )
    return out


def as_responses(data: Dataset) -> Dataset:
    """Labeled rows as pairs of text and label, for a language model; other rows as they are.

    Raises:
        InputError: for a table, which no language model reads.
    """
    if not data.sides:
        raise InputError(
            f"{data.name} is a table of columns",
            expected="texts, or pairs of prompt and response, for a language model",
            todo="name the text columns with --text, or measure tables with `syngain gain`",
        )
    if data.labels is None:
        return data
    return replace(
        data,
        kind=Kind.PAIR,
        sides={"prompt": joined_sides(list(data.sides.values())), "response": list(data.labels)},
        labels=None,
    )
