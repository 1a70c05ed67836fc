"""Names that pages and figures show, where the id in stored results has other words."""

from __future__ import annotations

SHOWN = {
    "train synthetic, test anchors": "train synthetic, test real",
    "anchors repeated": "oversampled real rows",
}


def displayed(identifier: str) -> str:
    """The name of a predictor or a variant; ids in stored results are never renamed."""
    return SHOWN.get(identifier, identifier)
