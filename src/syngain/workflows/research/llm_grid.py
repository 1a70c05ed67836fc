"""The recipes of ``syngain lab llm``: strategies x settings, on a generator with log-probabilities."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Spec = dict[str, Any]

TEMPERATURES = (0.7, 1.0, 1.3)
PERSONAS = ("a student", "a pensioner", "a shop owner", "a traveler", "a new customer", "an angry customer")
TOPICS, LONG_WORD = 8, 5  # topics from the real rows, and the letters of a word that can be one
LIST = "{% for shot in shots %}- {{ shot.text }}\n{% endfor %}-"
QUICK = ("zero-shot", "1 shot", "3 shots", "8 shots", "3 shots filtered", "rewritten", "personas", "template")


def grid(generator: str, texts: Sequence[str], *, about: str, rows: int, quick: bool) -> list[Spec]:
    """The recipes: 26 cells, or 8 with ``quick``.

    Args:
        generator: ``toy``, or a local model.
        texts: the real rows, for topics and lengths.
        about: what they are, in words for the prompts.
        rows: generated rows of a cell.
        quick: 8 cells at temperature 1.
    """
    found = []
    for name, strategy in _strategies(texts, about).items():
        for degree in (1.0,) if quick or name in {"template", "rewritten filtered"} else TEMPERATURES:
            title = name if quick or name == "template" else f"{name}, T {degree:g}"
            if quick and name not in QUICK:
                continue
            spec = {**strategy, "name": title, "rows": rows}
            found.append(_recipe(generator, spec, degree, _filter(texts) if "filtered" in name else []))
    return found


def _strategies(texts: Sequence[str], about: str) -> Mapping[str, Spec]:
    """The strategies by name; lists that a language model continues by one line."""
    head = f"A list of {about}"
    shots = {f"{n} shot{'s' if n > 1 else ''}": _shots(f"{head}:\n{LIST}", n) for n in (1, 3, 8)}
    anchor = "- {{ anchor.text }}\n-"
    rewritten = {"kind": "paraphrase", "template": f"The same text in other words, twice:\n{anchor}"}
    persona = {"kind": "persona", "personas": list(PERSONAS), "template": f"{head} by {{{{ persona }}}}:\n{anchor}"}
    topics = {
        "kind": "attributes",
        "shots": 1,
        "attributes": {"topic": _topics(texts)},
        "template": f"{head} about {{{{ attributes.topic }}}}:\n{anchor}",
    }
    return {
        "zero-shot": _shots(f"{head}:\n-", 1),
        **shots,
        "3 shots filtered": shots["3 shots"],
        "rewritten": rewritten,
        "rewritten filtered": rewritten,
        "personas": persona,
        "topics": topics,
        "template": {"kind": "template", "template": "Hello, I have a question. {{ anchor.text }} Thank you."},
    }


def _shots(template: str, count: int) -> Spec:
    return {"kind": "few_shot", "shots": count, "template": template}


def _recipe(generator: str, strategy: Spec, degree: float, curate: list[Spec]) -> Spec:
    sampling = {"temperature": degree, "samples": 2, "max_tokens": 32, "stop": ["\n"]}
    local = {"kind": "transformers", "model": generator, "chat": False}
    return {
        "generator": {"kind": "toy"} if generator == "toy" else local,
        "strategies": [{**strategy, "sampling": sampling}],
        "curate": curate,
    }


def _filter(texts: Sequence[str]) -> list[Spec]:
    """Finished rows with as many words as 90% of the real rows."""
    low, high = np.quantile([len(text.split()) for text in texts], (0.05, 0.95))
    return [{"step": "finished"}, {"step": "length", "min_words": int(low), "max_words": max(int(high), 1)}]


def _topics(texts: Sequence[str]) -> list[str]:
    """The most frequent long words of the real rows."""
    words = Counter(word for text in texts for word in {part.strip(".,;:!?()\"'").lower() for part in text.split()})
    ordered = sorted((word for word in words if len(word) >= LONG_WORD), key=lambda word: (-words[word], word))
    return ordered[:TOPICS] or ["anything"]
