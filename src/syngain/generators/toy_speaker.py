"""The exact toy generator behind the generator interface."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.fingerprint import fingerprint
from syngain.data.text.words import joined, length, pieces, token
from syngain.generators.protocol import Call, Capabilities, Messages, Reply, Scored, TopLogprobs
from syngain.generators.toy import END, MarkovText

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Floats

END_WORD = "</s>"


@dataclass(frozen=True)
class ToyGenerator:
    """A :class:`MarkovText` that uses the label named last in a prompt.

    A prompt without a label uses the distribution of all rows. Top-p is not supported and must be 1; schemas
    are ignored. Tokens are words with the space before them; the last one is the end token, unless the output was cut.
    """

    chain: MarkovText
    batch: int = 16
    _digest: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        tables = [(label or "", sorted(map(str, table))) for label, table in sorted(self.chain.tables.items(), key=str)]
        content = [self.chain.vocabulary, tables, self.chain.backoff, self.chain.max_words, _total(self.chain)]
        object.__setattr__(self, "_digest", fingerprint(content))

    @property
    def identity(self) -> Mapping[str, object]:
        """The kind and a fingerprint of the counts."""
        return {"kind": "toy", "chain": self._digest}

    @property
    def name(self) -> str:
        """``toy``."""
        return "toy"

    @property
    def capabilities(self) -> Capabilities:
        """Everything."""
        size = len(self.chain.vocabulary) + 1
        return Capabilities(chosen=True, top=size, prompt=True, full=True, mode="exact", schema=False)

    def label_of(self, messages: Messages) -> str | None:
        """The label that the prompt names last."""
        return self.chain.named_last("\n".join(content for _, content in messages))

    async def generate(self, calls: Sequence[Call]) -> Sequence[Reply]:
        """One reply per call, from the seed of the call."""
        return await asyncio.to_thread(lambda: [self._reply(call) for call in calls])

    async def score(self, messages: Messages, texts: Sequence[str], *, temperature: float = 1.0) -> Sequence[Scored]:
        """Exact log-probabilities, end token included.

        Minus infinity for impossible texts.
        """
        label = self.label_of(messages)
        return [
            Scored(
                tokens=_tokens(pieces(text), ended=True),
                logprobs=self.chain.steps(text, label, temperature=temperature)[0].astype(np.float32),
                end_included=True,
                mode="exact",
            )
            for text in texts
        ]

    async def close(self) -> None:
        """Do nothing: no connection is open."""

    def _reply(self, call: Call) -> Reply:
        """Draw words one by one; record entropy and most probable symbols of every step."""
        rng = np.random.default_rng(call.seed)
        label, sampling = self.label_of(call.messages), call.sampling
        words: list[int] = []
        logs: list[float] = []
        entropies: list[float] = []
        tops: list[Floats] = []
        while len(words) < sampling.max_tokens and (not words or words[-1] != END):
            law = self.chain.next_word(words, label, temperature=sampling.temperature)
            symbol = int(rng.choice(law.size, p=law / law.sum()))
            words.append(symbol)
            logs.append(float(np.log(law[symbol])))
            support = law[law > 0]
            entropies.append(float(-np.sum(support * np.log(support))))
            if sampling.top_logprobs:
                tops.append(law)
        ended = words[-1] == END
        said = [self.chain.vocabulary[k - 1] for k in words if k != END]
        return Reply(
            text=joined(said),
            finish="stop" if ended else "length",
            tokens=_tokens(said, ended=ended),
            logprobs=np.array(logs, dtype=np.float32),
            top=self._top(tops, sampling.top_logprobs) if sampling.top_logprobs else None,
            entropies=np.array(entropies, dtype=np.float32),
            end_included=ended,
            mode="exact",
            prompt_tokens=sum(length(content) for _, content in call.messages),
            completion_tokens=len(words),
        )

    def _top(self, laws: Sequence[Floats], k: int) -> TopLogprobs:
        """The k most probable symbols with positive probability, of each distribution."""
        counts, tokens, logs = [], [], []
        for step, law in enumerate(laws):
            best = [int(i) for i in np.argsort(-law, kind="stable")[:k] if law[i] > 0]
            counts.append(len(best))
            tokens += [END_WORD if i == END else token(self.chain.vocabulary[i - 1], first=not step) for i in best]
            logs += [float(np.log(law[i])) for i in best]
        return TopLogprobs(counts=tuple(counts), tokens=tuple(tokens), logprobs=np.array(logs, dtype=np.float32))


def _tokens(words: Sequence[str], *, ended: bool) -> tuple[str, ...]:
    spaced = [token(word, first=i == 0) for i, word in enumerate(words)]
    return (*spaced, END_WORD) if ended else tuple(spaced)


def _total(chain: MarkovText) -> list[list[object]]:
    """Counts of the lowest order per label, which identify a chain with its contexts."""
    return [[label or "", *map(float, table[()][1])] for label, table in sorted(chain.tables.items(), key=str)]
