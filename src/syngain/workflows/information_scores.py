"""Scoring outputs under other prompts: who can score, which prompts are taken, and the cross-scores by strategy."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from syngain.core.errors import InputError
from syngain.core.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from numpy.typing import NDArray

    from syngain.data.dataset import Dataset
    from syngain.generators.toy import MarkovText
    from syngain.learners.causal import CausalModel
    from syngain.learners.completions import Completion, Reader
    from syngain.workflows.information_rows import Messages, Outputs

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

PROMPTS, SAMPLES = 16, 16  # prompts of a strategy and outputs of each that are cross-scored


class Scorer(Protocol):
    """Who can say how probable given texts are under a given prompt."""

    @property
    def name(self) -> str:
        """What the report calls it."""
        ...

    def score(self, prompt: Messages, texts: Sequence[str], ended: Sequence[bool], /) -> Floats:
        """Log-probability of each text after the prompt, and of its end where it ended, in nats, shape (n,)."""
        ...


class TokenScores(Protocol):
    """A scored text: the log-probability of each of its tokens."""

    @property
    def logprobs(self) -> NDArray[np.float32]:
        """Shape (steps,), in nats."""
        ...

    @property
    def end_included(self) -> bool:
        """Whether the last one is that of the end token."""
        ...


class ScoringGenerator(Protocol):
    """A generator that scores, as those behind ``syngain generate`` do."""

    @property
    def name(self) -> str:
        """What rows say of who made them."""
        ...

    def score(self, messages: Messages, texts: Sequence[str], /) -> Coroutine[Any, Any, Sequence[TokenScores]]:
        """Log-probabilities of the tokens of each text."""
        ...


@dataclass(frozen=True, slots=True)
class ByGenerator:
    """The scorer of a generator that scores asynchronously."""

    generator: ScoringGenerator

    @property
    def name(self) -> str:
        """Its name."""
        return self.generator.name

    def score(self, prompt: Messages, texts: Sequence[str], ended: Sequence[bool]) -> Floats:
        """Summed over the tokens."""
        found = asyncio.run(self.generator.score(prompt, texts))
        spans = [len(item.logprobs) - (item.end_included and not end) for item, end in zip(found, ended, strict=True)]
        return np.array(
            [float(np.sum(item.logprobs[:n], dtype=np.float64)) for item, n in zip(found, spans, strict=True)]
        )


@dataclass(frozen=True, slots=True)
class ByToy:
    """The exact toy generator: the chain of the label that a prompt names last, else of all rows."""

    chain: MarkovText
    temperature: float = 1.0

    @property
    def name(self) -> str:
        """``toy``."""
        return "toy"

    def score(self, prompt: Messages, texts: Sequence[str], ended: Sequence[bool]) -> Floats:
        """Exact; minus infinity for what the chain cannot say."""
        label = self.label(prompt)
        steps = [self.chain.steps(text, label, temperature=self.temperature)[0] for text in texts]
        return np.array([float(logs[: len(logs) - (not end)].sum()) for logs, end in zip(steps, ended, strict=True)])

    def label(self, prompt: Messages) -> str | None:
        """The label that the prompt names last."""
        return self.chain.named_last("\n".join(said for _, said in prompt))


@dataclass(frozen=True, slots=True)
class ByCausal:
    """A causal language model of this machine; its messages are joined to one of the user."""

    model: CausalModel
    reader: Reader
    temperature: float = 1.0

    @classmethod
    def open(
        cls,
        name: str,
        *,
        temperature: float = 1.0,
        max_tokens: int = 768,
        dtype: Literal["auto", "float32", "bf16"] = "float32",
        progress: Progress = silent,
    ) -> ByCausal:
        """Load a model: ``smollm2``, a folder, a GGUF file or a hub name; ``dtype`` as the rows were generated in.

        Raises:
            MissingDependencyError, InputError, UnfinishedError: as for the proxy of ``syngain gain --proxy lm``.
        """
        from syngain.data.roles import Kind
        from syngain.learners.causal import CausalProxy

        model = CausalProxy(model=name, max_tokens=max_tokens, dtype=dtype).open(progress)
        return cls(model, model.reader(Kind.PAIR), temperature)

    @property
    def name(self) -> str:
        """The name of the model."""
        return self.model.proxy.model

    def score(self, prompt: Messages, texts: Sequence[str], ended: Sequence[bool]) -> Floats:
        """At the temperature; texts longer than the model reads are an error, for their end would be missing."""
        asked = "\n\n".join(said for _, said in prompt)
        rows = [self._read(asked, text, ended=end) for text, end in zip(texts, ended, strict=True)]
        if any(row.cut for row in rows):
            raise InputError(
                f"a prompt and text of more than {self.reader.max_tokens} tokens",
                expected="texts that the scoring model reads whole",
                todo="leave out the longest rows",
            )
        return -self.model.score_after(rows, temperature=self.temperature)

    def _read(self, asked: str, text: str, *, ended: bool) -> Completion:
        row = self.reader.read(asked, text)
        extra = 0 if ended or row.cut else len(self.reader.layout.end)
        return replace(row, ids=row.ids[: len(row.ids) - extra])


@dataclass(frozen=True, slots=True, eq=False)
class Cross:
    """Cross-scores of some outputs: their rows (n,), their prompts by number (n,), names (K,) and scores (n, K)."""

    rows: Ints
    names: Sequence[str]
    scores: Floats


def toy_scorer(real: Dataset) -> ByToy:
    """The toy generator as ``syngain generate`` fits it: on the anchors, a chain per label."""
    from syngain.generators.toy import MarkovText

    side = "response" if "response" in real.sides else "text"
    labels = None if real.labels is None else list(real.labels)
    return ByToy(MarkovText.fit(list(real.sides[side]), labels, max_words=256))


def cross_scores(
    said: Outputs,
    scorer: Scorer,
    *,
    rng: np.random.Generator,
    prompts: int = PROMPTS,
    samples: int = SAMPLES,
    progress: Progress = silent,
) -> Cross | None:
    """Score the outputs of at most ``prompts`` random prompts under all of these; None when there are not two.

    Prompts with most outputs are as likely as others; of each the first ``samples`` outputs are taken.

    Raises:
        InputError: prompts that are known by name only.
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
    scores = np.empty((len(rows), len(chosen)))
    for name, k in number.items():
        asked = prompt_of(said, next(row for row in rows if said.prompts[row] == name))
        scores[:, k] = scorer.score(asked, texts, ended)
        own = [at for at, row in enumerate(rows) if said.prompts[row] == name]
        silent_rows = [rows[at] for at in own if not np.isfinite(scores[at, k])]
        if silent_rows:
            raise unsayable(said.ids[silent_rows[0]], scorer)
        progress("scoring outputs under other prompts", (k + 1) / len(chosen))
    return Cross(np.array(rows, dtype=np.int64), chosen, scores)


def prompt_of(said: Outputs, row: int) -> Messages:
    """The prompt of a row, to score texts under it.

    Raises:
        InputError: it is known by its name only.
    """
    asked = said.asked[row]
    if asked is None:
        raise InputError(
            f"{said.ids[row]}: the row names its prompt but does not hold it",
            expected="the prompt itself in `prompt_messages` or `prompt`, to score outputs under it",
            todo="write it beside the rows, or leave out --generator",
        )
    return asked


def unsayable(row: str, scorer: Scorer) -> InputError:
    """The error of a scorer to which a text is impossible."""
    return InputError(
        f"{row}: the scorer {scorer.name} cannot say this text under its own prompt",
        expected="a generator that gives every output a probability",
        todo="name the generator that made the rows",
    )
