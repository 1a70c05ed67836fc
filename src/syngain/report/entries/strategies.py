"""Entries of the measures of strategies."""

from __future__ import annotations

from syngain.report.entries.entry import MeasureEntry

_ASKED = "Does it order strategies as their measured gain does?"
_READ = "1 is the same order, 0 is chance, -1 is the reverse order."
_RANKED = {
    "information_gain": "Order by information gain",
    "prompt_information": "Order by prompt information",
    "entropy": "Order by entropy",
    "minus_divergence": "Order by minus total variation",
    "minus_js": "Order by minus Jensen-Shannon",
    "minus_mmd": "Order by minus mean discrepancy",
    "minus_generation_divergence": "Order by minus effect of curation",
    "minus_ld_cmi": "Order by minus ld-CMI",
    "minus_e_cmi": "Order by minus e-CMI",
    "minus_f_cmi": "Order by minus f-CMI",
    "ggmi": "Order by GGMI",
    "minus_bound_valid": "Order by minus the valid bound",
    "minus_bound_memorization": "Order by minus the memorization bound",
    "minus_bound_published": "Order by minus the published bound",
    "minus_cost": "Order by minus cost",
}
STRATEGIES = {
    "student.nats_per_token": MeasureEntry(
        "Gain of a fine-tuned model",
        "How much better does a fine-tuned model predict the test rows with these rows?",
        "Positive is better. One seed: the interval is that of the test rows.",
        signed=True,
    ),
    "ranking.proxy_gain": MeasureEntry(
        "Order by the proxy's gain",
        "Does the proxy's gain order strategies as the gain of fine-tuned models does?",
        _READ,
        signed=True,
    ),
    **{f"ranking.{key}": MeasureEntry(name, _ASKED, _READ, signed=True) for key, name in _RANKED.items()},
    "bound.valid": MeasureEntry(
        "Divergence + entropy term (valid chain)",
        "How large is total variation + effect of curation + the root of half the entropy per row?",
        "Above 1 it says nothing about a loss in [0, 1]. The divergence is a lower bound: it certifies nothing.",
    ),
    "bound.memorization": MeasureEntry(
        "Divergence + memorization term",
        "How large is total variation + effect of curation + the bound from what losses leak?",
        "The divergence is a lower bound: it certifies nothing.",
    ),
    "bound.published": MeasureEntry(
        "Divergence + published term (not valid)",
        "How large is the sum with the published form of the information term?",
        "Not a bound: the published form is violated in finite chains.",
    ),
    "strategies.cost": MeasureEntry("Generated tokens per kept row", "How many tokens does a kept row cost?"),
    "strategies.kept_fraction": MeasureEntry("Kept rows", "What fraction of generated rows does curation keep?"),
}
