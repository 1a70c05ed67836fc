"""N-grams as sets of strings and bytes."""

from __future__ import annotations

import re


def laid_out(text):
    return f" {' '.join(text.lower().split())} ".replace("\0", " ").encode("utf-8", "surrogatepass")


def character_ngrams(text, size):
    data = laid_out(text)
    return [data[i : i + size] for i in range(len(data) - size + 1)]


def word_ngrams(text, size):
    found = re.findall(rb"[a-z0-9\x80-\xff]+", laid_out(text))
    return [tuple(found[i : i + size]) for i in range(len(found) - size + 1)]


def jaccard(first, second):
    first, second = set(first), set(second)
    return len(first & second) / len(first | second) if first | second else 0.0


def components(count, linked):
    """Connected components of the rows, numbered by first appearance."""
    code = list(range(count))
    for i in range(count):
        for j in range(i):
            if linked(i, j) and code[i] != code[j]:
                old, new = max(code[i], code[j]), min(code[i], code[j])
                code = [new if c == old else c for c in code]
    order = list(dict.fromkeys(code))
    return [order.index(c) for c in code]
