"""Simulations with known true values: presets, planted defects, theory."""

from syngain.lab.presets.paper import PaperProtocol
from syngain.lab.presets.presets import PRESETS, paper_protocol, run
from syngain.lab.presets.table_orders import TablesProtocol
from syngain.lab.result import LabCheck, LabCurve, LabResult, LabTable, Panel
from syngain.lab.worlds.gmm_world import World

Check, Curve, Table = LabCheck, LabCurve, LabTable  # as they were called in version 0.1

__all__ = [
    "PRESETS",
    "Check",
    "Curve",
    "LabCheck",
    "LabCurve",
    "LabResult",
    "LabTable",
    "Panel",
    "PaperProtocol",
    "Table",
    "TablesProtocol",
    "World",
    "paper_protocol",
    "run",
]
