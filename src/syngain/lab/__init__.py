"""Worlds that know their own truth, loops, experiments."""

from syngain.lab.gmm_world import World
from syngain.lab.paper import PaperProtocol
from syngain.lab.presets import PRESETS, paper_protocol, run
from syngain.lab.result import Check, Curve, LabResult, Panel, Table

__all__ = [
    "PRESETS",
    "Check",
    "Curve",
    "LabResult",
    "Panel",
    "PaperProtocol",
    "Table",
    "World",
    "paper_protocol",
    "run",
]
