"""Worlds that know their own truth, loops, experiments."""

from syngain.lab.presets.paper import PaperProtocol
from syngain.lab.presets.presets import PRESETS, paper_protocol, run
from syngain.lab.result import Check, Curve, LabResult, Panel, Table
from syngain.lab.worlds.gmm_world import World

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
