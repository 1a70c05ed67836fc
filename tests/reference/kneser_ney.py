"""Interpolated Kneser-Ney over symbols by its definition, with dictionaries."""

from __future__ import annotations

from collections import Counter, defaultdict

BORDER = 256


def laid_out(prompt, text):
    """Symbols of a row and where its scored part begins."""
    past = [BORDER] * 7 + list(prompt.encode("utf-8", "surrogatepass")) + [BORDER]
    return past + list(text.encode("utf-8", "surrogatepass")) + [BORDER], len(past)


class KneserNey:
    def __init__(self, rows, order, discount, power, types):
        self.order, self.discount, self.power, self.types = order, discount, power, types
        self.occurred = defaultdict(Counter)
        self.pasts = defaultdict(lambda: defaultdict(set))
        for prompt, text in rows:
            symbols, start = laid_out(prompt, text)
            for i in range(start, len(symbols)):
                for k in range(order):
                    context = tuple(symbols[i - k : i])
                    self.occurred[context][symbols[i]] += 1
                    self.pasts[context][symbols[i]].add(symbols[i - k - 1])

    def counts(self, context):
        """Counts of the symbols after a context, and their discount."""
        if len(context) == self.order - 1 or context[:1] == (BORDER,):
            return self.occurred[context], self.discount
        return {w: len(pasts) for w, pasts in self.pasts[context].items()}, self.types[len(context)]

    def law(self, context):
        """Probabilities of the 257 symbols."""
        shorter = self.law(context[1:]) if context else [1 / 257] * 257
        counts, d = self.counts(context)
        total = sum(counts.values())
        if not total:
            return shorter
        removed = {w: min(c, d * c**self.power) for w, c in counts.items()}
        mass = sum(removed.values()) / total
        return [(counts.get(w, 0) - removed.get(w, 0)) / total + mass * p for w, p in enumerate(shorter)]

    def after(self, prompt, text):
        """Probabilities of the 257 symbols after the beginning of a text."""
        symbols = laid_out(prompt, text)[0][:-1]
        return self.law(tuple(symbols[len(symbols) - self.order + 1 :]) if self.order > 1 else ())
