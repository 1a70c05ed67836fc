"""Evaluate synthetic data before you train on it: defects, gain, number of rows to use.

>>> import syngain
>>> result = syngain.audit("real.jsonl", "synthetic.jsonl")  # doctest: +SKIP
>>> print(result.verdict.sentence)  # doctest: +SKIP

Names are resolved when they are first used, so that importing the package loads nothing heavy.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from syngain._version import __version__

if TYPE_CHECKING:
    from syngain import lab, report, settings
    from syngain.core.errors import SyngainError
    from syngain.core.estimate import Estimate
    from syngain.core.result import Finding, Result, Verdict
    from syngain.data.dataset import Dataset
    from syngain.data.files.write import write_rows
    from syngain.data.generated_row import GeneratedRow
    from syngain.data.read import read
    from syngain.data.study import Study
    from syngain.workflows.evaluate.audit import audit
    from syngain.workflows.evaluate.balance import balance
    from syngain.workflows.evaluate.clean import clean
    from syngain.workflows.evaluate.compare import compare
    from syngain.workflows.evaluate.explain import explain
    from syngain.workflows.evaluate.gain import gain
    from syngain.workflows.evaluate.gate import gate
    from syngain.workflows.evaluate.mix import mix, mix_runs
    from syngain.workflows.evaluate.reselect import reselect
    from syngain.workflows.evaluate.review import review
    from syngain.workflows.evaluate.select import select
    from syngain.workflows.evaluate.stress import stress
    from syngain.workflows.generate.convert import convert
    from syngain.workflows.generate.generate import generate
    from syngain.workflows.generate.information import information
    from syngain.workflows.generate.probe import check, probe
    from syngain.workflows.research.demo import demo
    from syngain.workflows.research.ggmi import ggmi
    from syngain.workflows.research.lab_llm import lab_llm
    from syngain.workflows.research.loop import loop
    from syngain.workflows.research.strategies import strategies
    from syngain.workflows.train.repair import repair
    from syngain.workflows.train.train import train

__all__ = [
    "Dataset",
    "Estimate",
    "Finding",
    "GeneratedRow",
    "Result",
    "Study",
    "SyngainError",
    "Verdict",
    "__version__",
    "audit",
    "balance",
    "check",
    "clean",
    "compare",
    "convert",
    "demo",
    "explain",
    "gain",
    "gate",
    "generate",
    "ggmi",
    "information",
    "lab",
    "lab_llm",
    "loop",
    "mix",
    "mix_runs",
    "probe",
    "read",
    "repair",
    "report",
    "reselect",
    "review",
    "select",
    "settings",
    "strategies",
    "stress",
    "train",
    "write_rows",
]

_HOMES = {
    "Dataset": "syngain.data.dataset",
    "Estimate": "syngain.core.estimate",
    "Finding": "syngain.core.result",
    "GeneratedRow": "syngain.data.generated_row",
    "Result": "syngain.core.result",
    "Study": "syngain.data.study",
    "SyngainError": "syngain.core.errors",
    "Verdict": "syngain.core.result",
    "audit": "syngain.workflows.evaluate.audit",
    "balance": "syngain.workflows.evaluate.balance",
    "check": "syngain.workflows.generate.probe",
    "clean": "syngain.workflows.evaluate.clean",
    "compare": "syngain.workflows.evaluate.compare",
    "convert": "syngain.workflows.generate.convert",
    "demo": "syngain.workflows.research.demo",
    "explain": "syngain.workflows.evaluate.explain",
    "gain": "syngain.workflows.evaluate.gain",
    "gate": "syngain.workflows.evaluate.gate",
    "generate": "syngain.workflows.generate.generate",
    "ggmi": "syngain.workflows.research.ggmi",
    "information": "syngain.workflows.generate.information",
    "lab_llm": "syngain.workflows.research.lab_llm",
    "loop": "syngain.workflows.research.loop",
    "mix": "syngain.workflows.evaluate.mix",
    "mix_runs": "syngain.workflows.evaluate.mix",
    "probe": "syngain.workflows.generate.probe",
    "read": "syngain.data.read",
    "repair": "syngain.workflows.train.repair",
    "reselect": "syngain.workflows.evaluate.reselect",
    "review": "syngain.workflows.evaluate.review",
    "select": "syngain.workflows.evaluate.select",
    "strategies": "syngain.workflows.research.strategies",
    "stress": "syngain.workflows.evaluate.stress",
    "train": "syngain.workflows.train.train",
    "write_rows": "syngain.data.files.write",
}
_FOLDERS = frozenset({"lab", "report", "settings"})


def __getattr__(name: str) -> Any:  # noqa: ANN401  (PEP 562: any public name)
    """Import a public name when it is first used."""
    from importlib import import_module

    if name in _FOLDERS:
        return import_module(f"syngain.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'syngain' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


class _Face(ModuleType):
    """The public face: ``syngain.audit`` is the verb, whatever was imported before.

    Importing ``syngain.audit.frame`` makes Python bind the folder ``audit`` to the same name; a verb wins over the
    folder, which stays reachable by ``from syngain.audit import ...`` (docs/decisions/0001).
    """

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Face
