"""Find the fields of rows of tokens and of triplets by their names and first values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from syngain.data.columns.targets import label_list

if TYPE_CHECKING:
    from syngain.data.columns.finder import Finder

TOKENS = ("tokens", "words")
TAGS = ("ner_tags", "tags", "ner", "labels", "bio_tags", "tag_ids", "pos_tags", "chunk_tags", "label")
QUERIES = ("query", "anchor", "question", "queries", "sentence", "prompt")
POSITIVES = ("positive", "pos", "positives", "positive_passages", "positive_ctxs", "positive_passage", "positive_doc")
NEGATIVES = ("negative", "neg", "negatives", "negative_passages", "negative_ctxs", "hard_negative", "hard_negatives")
NUMBERED = re.compile(r"(?:hard_)?neg(?:ative)?s?_?\d+", re.IGNORECASE)


def token_fields(finder: Finder, named: str | None = None) -> tuple[str, str] | None:
    """The fields of tokens and tags: lists of one length in the first row; None where there are none."""
    tokens = finder.candidates(TOKENS)[:1]
    tags = [named] if named else finder.candidates(TAGS)
    for name in tags:
        if tokens and name in finder.loaded.fields and _aligned(finder, tokens[0], name):
            return tokens[0], name
    return None


def _aligned(finder: Finder, tokens: str, tags: str) -> bool:
    first = finder.loaded.fields[tokens].first
    if first < 0:
        return False
    row = finder.loaded.rows[first]
    words, found = label_list(row.get(tokens)), label_list(row.get(tags))
    return bool(words) and found is not None and len(words or ()) == len(found)


def triplet_fields(finder: Finder) -> tuple[str, ...] | None:
    """The fields of query, positive and negative candidates; None where one of them is absent."""
    query, positive = finder.candidates(QUERIES)[:1], finder.candidates(POSITIVES)[:1]
    numbered = [name for name in finder.loaded.fields if NUMBERED.fullmatch(name.strip())]
    negatives = [*finder.candidates(NEGATIVES), *numbered]
    if query and positive and negatives:
        return (query[0], positive[0], *dict.fromkeys(negatives))
    return None
