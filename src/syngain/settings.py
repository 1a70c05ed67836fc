"""Settings of every command, resolved when they are first used.

>>> from syngain.settings import AuditSettings
>>> AuditSettings(sample=500).sample
500
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syngain.audit.measure import Settings as AuditSettings
    from syngain.data.columns.options import RoleOptions
    from syngain.data.encoders.sentences import SentenceEncoder
    from syngain.data.encoders.vectors import HashedNgrams
    from syngain.gain.cleaning.nested_cleaning import CleaningTrial
    from syngain.gain.design.cross_validation import Design as GainDesign
    from syngain.gain.generalization import Masks
    from syngain.generators.embedding_server import EmbeddingServer
    from syngain.lab.text_loop import Loop
    from syngain.learners.causal import CausalProxy
    from syngain.selection.matched_sets import Contest
    from syngain.selection.nested_choice import SelectionTrial
    from syngain.selection.response_surface import SurfaceDesign
    from syngain.tables.balance.settings import BalanceSettings
    from syngain.tables.stress.settings import StressSettings
    from syngain.workflows.evaluate.clean import CleanSettings
    from syngain.workflows.evaluate.compare import CompareSettings
    from syngain.workflows.evaluate.gain import GainSettings
    from syngain.workflows.evaluate.mix import MixSettings
    from syngain.workflows.evaluate.select import SelectSettings
    from syngain.workflows.generate.generate import Limits
    from syngain.workflows.generate.information import InformationSettings
    from syngain.workflows.research.ggmi import GgmiSettings
    from syngain.workflows.research.loop import LoopSettings
    from syngain.workflows.research.strategy_settings import StrategySettings
    from syngain.workflows.train.repair import RepairSettings
    from syngain.workflows.train.train import TrainSettings

__all__ = [
    "AuditSettings",
    "BalanceSettings",
    "CausalProxy",
    "CleanSettings",
    "CleaningTrial",
    "CompareSettings",
    "Contest",
    "EmbeddingServer",
    "GainDesign",
    "GainSettings",
    "GgmiSettings",
    "HashedNgrams",
    "InformationSettings",
    "Limits",
    "Loop",
    "LoopSettings",
    "Masks",
    "MixSettings",
    "RepairSettings",
    "RoleOptions",
    "SelectSettings",
    "SelectionTrial",
    "SentenceEncoder",
    "StrategySettings",
    "StressSettings",
    "SurfaceDesign",
    "TrainSettings",
]

_HOMES = {
    "AuditSettings": ("syngain.audit.measure", "Settings"),
    "BalanceSettings": ("syngain.tables.balance.settings", "BalanceSettings"),
    "CausalProxy": ("syngain.learners.causal", "CausalProxy"),
    "CleanSettings": ("syngain.workflows.evaluate.clean", "CleanSettings"),
    "CleaningTrial": ("syngain.gain.cleaning.nested_cleaning", "CleaningTrial"),
    "CompareSettings": ("syngain.workflows.evaluate.compare", "CompareSettings"),
    "Contest": ("syngain.selection.matched_sets", "Contest"),
    "EmbeddingServer": ("syngain.generators.embedding_server", "EmbeddingServer"),
    "GainDesign": ("syngain.gain.design.cross_validation", "Design"),
    "GainSettings": ("syngain.workflows.evaluate.gain", "GainSettings"),
    "GgmiSettings": ("syngain.workflows.research.ggmi", "GgmiSettings"),
    "HashedNgrams": ("syngain.data.encoders.vectors", "HashedNgrams"),
    "InformationSettings": ("syngain.workflows.generate.information", "InformationSettings"),
    "Limits": ("syngain.workflows.generate.generate", "Limits"),
    "Loop": ("syngain.lab.text_loop", "Loop"),
    "LoopSettings": ("syngain.workflows.research.loop", "LoopSettings"),
    "Masks": ("syngain.gain.generalization", "Masks"),
    "MixSettings": ("syngain.workflows.evaluate.mix", "MixSettings"),
    "RepairSettings": ("syngain.workflows.train.repair", "RepairSettings"),
    "RoleOptions": ("syngain.data.columns.options", "RoleOptions"),
    "SelectSettings": ("syngain.workflows.evaluate.select", "SelectSettings"),
    "SelectionTrial": ("syngain.selection.nested_choice", "SelectionTrial"),
    "SentenceEncoder": ("syngain.data.encoders.sentences", "SentenceEncoder"),
    "StrategySettings": ("syngain.workflows.research.strategy_settings", "StrategySettings"),
    "StressSettings": ("syngain.tables.stress.settings", "StressSettings"),
    "SurfaceDesign": ("syngain.selection.response_surface", "SurfaceDesign"),
    "TrainSettings": ("syngain.workflows.train.train", "TrainSettings"),
}


def __getattr__(name: str) -> object:
    """Import a settings class when it is first used (PEP 562)."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module 'syngain.settings' has no attribute {name!r}")
    module, own = _HOMES[name]
    value: object = getattr(import_module(module), own)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
