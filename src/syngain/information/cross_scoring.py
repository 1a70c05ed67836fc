"""Cross-scores: outputs scored under the prompts of other outputs, by strategy."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from syngain.core.errors import InputError, UnfinishedError
from syngain.core.progress import Progress, silent
from syngain.core.threads import wait_for
from syngain.generators.pace import Pace, Patience
from syngain.generators.protocol import RetryableError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from syngain.core.arrays import Floats, Ints, Singles
    from syngain.information.outputs import Messages, Outputs

    ScorerOf = Callable[["Outputs"], "Scorer"]

PATIENCE = Patience(attempts=6, concurrency=16)
PROMPTS, SAMPLES = 16, 16  # prompts of a strategy and outputs of each that are cross-scored


class Scorer(Protocol):
    """Scores given texts under a given prompt."""

    @property
    def name(self) -> str:
        """The name in the report."""
        ...

    def score(self, prompt: Messages, texts: Sequence[str], ended: Sequence[bool], /) -> Floats:
        """Log-probability of each text after the prompt, in nats, shape (n,).

        The end is included where the text ended.
        """
        ...


class TokenScores(Protocol):
    """A scored text: the log-probability of each of its tokens."""

    @property
    def logprobs(self) -> Singles:
        """Shape (steps,), in nats."""
        ...

    @property
    def end_included(self) -> bool:
        """Whether the last log-probability is that of the end token."""
        ...


class ScoringGenerator(Protocol):
    """A generator with a ``score`` method, as behind ``syngain generate``."""

    @property
    def name(self) -> str:
        """The generator's name in rows."""
        ...

    def score(
        self, messages: Messages, texts: Sequence[str], /, *, temperature: float = 1.0
    ) -> Coroutine[object, object, Sequence[TokenScores]]:
        """Log-probabilities of the tokens of each text."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerLimit:
    """Why a scorer's distribution differs from the sampling distribution.

    Attributes:
        reason: it scores at temperature 1 only, or leaves out the end of a text. temperature: of the outputs.
    """

    scorer: str
    reason: Literal["temperature", "end"]
    temperature: float = 1.0


@dataclass(frozen=True, slots=True)
class ByGenerator:
    """The scorer of any generator that scores.

    Attributes:
        temperature: of the scored distribution. served: whether it is a server. Servers get parallel requests and
            retries, and score the raw distribution without the end only.
    """

    generator: ScoringGenerator
    temperature: float = 1.0
    served: bool = False
    patience: Patience = PATIENCE

    @property
    def name(self) -> str:
        """Its name."""
        return self.generator.name

    def limit(self, said: Outputs) -> ScorerLimit | None:
        """Why its scores differ from the sampling distribution; None if they do not."""
        if not self.served:
            return None
        if self.temperature != 1:
            return ScorerLimit(scorer=self.name, reason="temperature", temperature=self.temperature)
        return ScorerLimit(scorer=self.name, reason="end") if said.ended else None

    def score(self, prompt: Messages, texts: Sequence[str], ended: Sequence[bool]) -> Floats:
        """Log-probabilities summed over the tokens.

        Raises:
            UnfinishedError: a server fails on all tries. UsageError: it does not support scoring.
        """
        found = wait_for(self.scored(prompt, texts))
        spans = [len(item.logprobs) - (item.end_included and not end) for item, end in zip(found, ended, strict=True)]
        return np.array(
            [float(np.sum(item.logprobs[:n], dtype=np.float64)) for item, n in zip(found, spans, strict=True)]
        )

    async def scored(self, prompt: Messages, texts: Sequence[str]) -> Sequence[TokenScores]:
        """Score in one batch, or by parallel requests to a server.

        Connections close with the event loop.
        """
        if not self.served:
            return await self.generator.score(prompt, texts, temperature=self.temperature)
        gate = asyncio.Semaphore(self.patience.concurrency)
        try:
            return await asyncio.gather(*(self._again(prompt, text, gate) for text in texts))
        finally:
            close = getattr(self.generator, "close", None)
            if close is not None:
                await close()

    async def _again(self, prompt: Messages, text: str, gate: asyncio.Semaphore) -> TokenScores:
        pace = Pace(self.patience, np.random.default_rng(len(text)))
        async with gate:
            for attempt in range(self.patience.attempts):
                try:
                    return (await self.generator.score(prompt, [text]))[0]
                except RetryableError as error:
                    last = error
                await asyncio.sleep(pace.delay(attempt, last))
        raise UnfinishedError(
            f"{self.name} did not score a text in {self.patience.attempts} tries, the last one with: {last.reason}",
            expected="a server that responds",
            todo="run again later, or score with another generator",
        )


@dataclass(frozen=True, slots=True, eq=False)
class Cross:
    """Cross-scores of some outputs.

    Attributes:
        rows: which outputs (n,). names: of the prompts (K,). scores: of every output under every prompt (n, K).
        limit: why they differ from the sampling distribution, as far as the scorer knows.
    """

    rows: Ints
    names: Sequence[str]
    scores: Floats
    limit: ScorerLimit | None = None


def cross_scores(
    said: Outputs,
    scorer: Scorer | ScorerOf,
    *,
    rng: np.random.Generator,
    prompts: int = PROMPTS,
    samples: int = SAMPLES,
    progress: Progress = silent,
) -> Cross | None:
    """Score the outputs of at most ``prompts`` random prompts under all of these.

    None for fewer than two prompts. Each prompt uses the scorer of its own outputs, because temperatures may differ
    between prompts.

    All prompts are equally likely, and the first ``samples`` outputs of each are used.

    Raises:
        InputError: prompts with a name but no content.
    """
    names = sorted(set(said.prompts))
    if len(names) < 2:
        return None
    chosen = [names[k] for k in sorted(rng.choice(len(names), size=min(prompts, len(names)), replace=False))]
    number = {name: k for k, name in enumerate(chosen)}
    rows, seen = [], Counter[str]()
    for row, name in enumerate(said.prompts):
        if name in number and seen[name] < samples:
            seen[name] += 1
            rows.append(row)
    texts, ended = [said.texts[row] for row in rows], [not said.cut[row] for row in rows]
    scores: Floats = np.empty((len(rows), len(chosen)))
    limit: ScorerLimit | None = None
    for name, k in number.items():
        own = [at for at, row in enumerate(rows) if said.prompts[row] == name]
        answers = said.take([rows[at] for at in own])
        its = scorer_for(scorer, answers)
        scores[:, k] = its.score(prompt_of(said, rows[own[0]]), texts, ended)
        silent_rows = [rows[at] for at in own if not np.isfinite(scores[at, k])]
        if silent_rows:
            raise unsayable(said.ids[silent_rows[0]], its)
        limit = limit or getattr(its, "limit", lambda _: None)(answers)
        progress("scoring outputs under other prompts", (k + 1) / len(chosen))
    return Cross(np.array(rows, dtype=np.int64), chosen, scores, limit)


def scorer_for(scorer: Scorer | ScorerOf, said: Outputs) -> Scorer:
    """The scorer of these outputs."""
    return scorer(said) if callable(scorer) else scorer


def prompt_of(said: Outputs, row: int) -> Messages:
    """The prompt of a row, for scoring.

    Raises:
        InputError: the row has its name only.
    """
    asked = said.asked[row]
    if asked is None:
        raise InputError(
            f"{said.ids[row]}: the row has a prompt hash but no prompt",
            expected="the prompt itself in `prompt_messages` or `prompt`",
            todo="add this column to the rows, or leave out --generator",
        )
    return asked


def unsayable(row: str, scorer: Scorer) -> InputError:
    """The error for a text of probability 0 under the scorer."""
    return InputError(
        f"{row}: the scorer {scorer.name} assigns probability 0 to this text under its own prompt",
        expected="a generator that assigns every output a positive probability",
        todo="name the generator that produced the rows",
    )
