"""N-grams as sets of strings and bytes."""

from __future__ import annotations

import re

from syngain.data.text.words import BLOCKS, PUNCTUATION, pattern, unspaced


def laid_out(text):
    return f" {' '.join(text.lower().split())} ".replace("\0", " ").encode("utf-8", "surrogatepass")


def symbols(text):
    """Bytes, and whole characters in scripts without spaces."""
    row = laid_out(text).decode("utf-8", "surrogatepass")
    if not unspaced(row):
        return [(byte,) for byte in laid_out(text)]
    out, marks = [], {point for low, high in (*BLOCKS, *PUNCTUATION) for point in range(low, high + 1)}
    for piece in re.findall(rf"{pattern('character').pattern}|.", row, re.DOTALL):
        if pattern("character").match(piece):
            out.append(piece)
        elif ord(piece) in marks:
            out.append((piece,))
        else:
            out += [(byte,) for byte in piece.encode("utf-8", "surrogatepass")]
    return out


def character_ngrams(text, size):
    data = symbols(text)
    grams, shorter = ([tuple(data[i : i + n]) for i in range(len(data) - n + 1)] for n in (size, max(size - 1, 1)))
    long = [gram for gram in grams if not any(isinstance(one, str) for one in gram)]
    return long + [gram for gram in shorter if any(isinstance(one, str) for one in gram)]


def word_ngrams(text, size):
    found = [[]]
    for one in symbols(text):
        if isinstance(one, str):
            found += [[one], []]
        elif isinstance(one[0], int) and re.match(rb"[a-z0-9\x80-\xff]", bytes(one)):
            found[-1].append(one)
        else:
            found.append([])
    kept = [tuple(word) for word in found if word]
    return [tuple(kept[i : i + size]) for i in range(len(kept) - size + 1)]


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
