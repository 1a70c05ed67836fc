"""Which proxy reads rows, and how many rows a frozen model can read in its time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from syngain.core.errors import InputError, UsageError
from syngain.data.dataset import Kind
from syngain.gain.design.cross_validation import Design
from syngain.gain.proxies.frozen import FrozenReader
from syngain.learners.causal_scoring import is_half
from syngain.learners.completions import TokenizedRows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.progress import Progress
    from syngain.core.rng import Streams
    from syngain.data.dataset import Dataset
    from syngain.data.study import Role, Study
    from syngain.learners.frozen.model import FrozenModel

Proxy = Literal["auto", "frozen"]
LANGUAGE = Design(folds=5, shares=(0.6, 1.0), repeats=2, amounts=3, balanced=False, pairs=False)
"""The variants of a frozen proxy: fewer than those of a classifier, since each takes seconds."""
SHORT = 8.0  # minutes below which folds are drawn once
CORES = 2  # of the machine that the minutes are for; a fixed number, so that a report depends on no machine
READING = 0.4  # of the time; the rest is for fits
TOKENS_PER_SECOND = {"float32": 220.0, "bf16": 600.0, "cuda": 40_000.0}  # per core, of a model of 135 M weights
WEIGHTS, LEAST_WEIGHTS = 135e6, 20e6  # smaller models are not faster: tokens cost time of their own
PARTS: dict[Role, float] = {"real": 0.35, "test": 0.25, "held_out": 0.15}  # of the tokens at most; the rest: synthetic
TOKENIZED = 4_000  # rows per role whose lengths are looked at
FEWEST = 20
MINUTES = 10.0  # where none are asked for


@dataclass(frozen=True)
class Sample:
    """The rows a frozen model reads.

    Attributes:
        study: those rows. said: what was sampled, for example ``800 of 5,000 synthetic rows``. rows: synthetic rows
            in all. taken: of them, ascending. design: the variants.
    """

    study: Study
    said: tuple[str, ...]
    rows: int
    taken: Sequence[int]
    design: Design


def reader_for(rows: Dataset, proxy: Proxy, reader: FrozenReader | None = None) -> FrozenReader | None:
    """The frozen model for rows where the proxy is ``frozen``; None where another proxy is to be used.

    Raises:
        InputError: ``frozen`` and rows that no language model reads.
        UsageError: ``frozen`` and preferences or other targets, or an unknown proxy.
    """
    if proxy not in {"auto", "frozen"}:
        raise UsageError(f"unknown proxy {proxy!r}", expected="auto or frozen", todo="use auto")
    if proxy == "auto":
        return None
    if rows.kind is Kind.TABLE:
        raise InputError(
            f"{rows.name} is a table of columns",
            expected="texts, or pairs of prompt and response, for a language model",
            todo="name the text columns with --text, or use --proxy auto",
        )
    if rows.preferences is not None or rows.targets is not None:
        what = "preferences" if rows.preferences is not None else "a target that is no text"
        raise UsageError(
            f"--proxy frozen next to {what} ({rows.name})",
            expected="texts, or pairs of prompt and response",
            todo="use --proxy auto",
        )
    return reader or FrozenReader()


def unlabeled_reader(rows: Dataset, proxy: Proxy, model: str, minutes: float | None) -> FrozenReader | None:
    """As :func:`reader_for`, for commands that measure labels by classifiers only; ``minutes`` None: 10.

    Raises:
        UsageError: ``frozen`` next to labels; or as :func:`reader_for`.
    """
    found = reader_for(rows, proxy, FrozenReader(model=model, minutes=MINUTES if minutes is None else minutes))
    if found is not None and rows.labels is not None:
        raise UsageError(
            f"--proxy frozen next to labels ({rows.name})",
            expected="rows without labels",
            todo="add --label none, or run `syngain gain --proxy frozen`, which reads labels as text",
        )
    return found


def sampled(study: Study, reader: FrozenReader, streams: Streams, progress: Progress) -> Sample:
    """Rows that the model can read in its time, drawn by a seed; all of them where they fit.

    Prices are fixed numbers, and rows in the cache are not cheaper: the same files and seed give the same rows.
    """
    model = reader.open(progress)
    tokens = reader.minutes * 60 * CORES * READING * tokens_per_second(model)
    said: list[str] = []
    taken: dict[Role, Sequence[int]] = {}
    left = tokens
    for role in ("real", "test", "held_out", "synthetic"):
        data = study.dataset(role)
        if data is None:
            continue
        most = left if role == "synthetic" else PARTS[role] * tokens
        drawn, used = _fitting(data, model, most, streams.stream("read", role))
        left -= used
        if drawn.size < len(data):
            said.append(f"{drawn.size:,} of {len(data):,} {role.replace('_', '-')} rows")
            taken[role] = drawn.tolist()
    design = LANGUAGE if reader.minutes >= SHORT else replace(LANGUAGE, repeats=1)
    rows = taken.get("synthetic", range(len(study.synthetic)))
    return Sample(_taken(study, taken), tuple(said), len(study.synthetic), rows, design)


def _taken(study: Study, rows: dict[Role, Sequence[int]]) -> Study:
    """Those rows; the source of synthetic rows stays known where real rows stay."""
    if not rows:
        return study
    return study.take(
        real=rows.get("real"), synthetic=rows.get("synthetic"), test=rows.get("test"), held_out=rows.get("held_out")
    )


def tokens_per_second(model: FrozenModel) -> float:
    """Fixed speed of a model, by its size and kind of device."""
    kind = "cuda" if model.device == "cuda" else "bf16" if is_half(model.network) else "float32"
    return TOKENS_PER_SECOND[kind] * WEIGHTS / max(model.parameters, LEAST_WEIGHTS)


def _fitting(
    data: Dataset, model: FrozenModel, tokens: float, rng: np.random.Generator
) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], float]:
    """Random rows of at most so many tokens, at least 20, ascending; and their tokens."""
    order = rng.permutation(len(data))[:TOKENIZED]
    some = TokenizedRows(model.reader(data.kind), data).take(order)
    held = np.cumsum([len(row.ids) for row in some])
    count = max(int(np.searchsorted(held, tokens, side="right")), min(FEWEST, order.size))
    return np.sort(order[:count]), float(held[count - 1]) if count else 0.0
