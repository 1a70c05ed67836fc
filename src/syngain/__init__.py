"""What a synthetic dataset adds over your real rows, what is wrong with it, and how much of it to use.

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
    from syngain import lab, report
    from syngain.core.errors import SyngainError
    from syngain.core.estimate import Estimate
    from syngain.core.result import Finding, Result, Verdict
    from syngain.data.dataset import Dataset
    from syngain.data.files.write import write_rows
    from syngain.data.read import read
    from syngain.workflows.evaluate.audit import audit
    from syngain.workflows.evaluate.compare import compare
    from syngain.workflows.evaluate.gain import gain
    from syngain.workflows.evaluate.gate import gate
    from syngain.workflows.evaluate.mix import mix, mix_runs
    from syngain.workflows.evaluate.select import select
    from syngain.workflows.generate.check import check
    from syngain.workflows.generate.convert import convert
    from syngain.workflows.generate.generate import generate
    from syngain.workflows.generate.information import information
    from syngain.workflows.research.demo import demo
    from syngain.workflows.research.ggmi import ggmi
    from syngain.workflows.research.loop import loop
    from syngain.workflows.train.train import train

__all__ = [
    "Dataset",
    "Estimate",
    "Finding",
    "Result",
    "SyngainError",
    "Verdict",
    "__version__",
    "audit",
    "check",
    "compare",
    "convert",
    "demo",
    "gain",
    "gate",
    "generate",
    "ggmi",
    "information",
    "lab",
    "loop",
    "mix",
    "mix_runs",
    "read",
    "report",
    "select",
    "train",
    "write_rows",
]

_HOMES = {
    "Dataset": "syngain.data.dataset",
    "Estimate": "syngain.core.estimate",
    "Finding": "syngain.core.result",
    "Result": "syngain.core.result",
    "SyngainError": "syngain.core.errors",
    "Verdict": "syngain.core.result",
    "audit": "syngain.workflows.evaluate.audit",
    "compare": "syngain.workflows.evaluate.compare",
    "convert": "syngain.workflows.generate.convert",
    "demo": "syngain.workflows.research.demo",
    "gain": "syngain.workflows.evaluate.gain",
    "information": "syngain.workflows.generate.information",
    "gate": "syngain.workflows.evaluate.gate",
    "loop": "syngain.workflows.research.loop",
    "mix": "syngain.workflows.evaluate.mix",
    "mix_runs": "syngain.workflows.evaluate.mix",
    "check": "syngain.workflows.generate.check",
    "ggmi": "syngain.workflows.research.ggmi",
    "generate": "syngain.workflows.generate.generate",
    "read": "syngain.data.read",
    "select": "syngain.workflows.evaluate.select",
    "train": "syngain.workflows.train.train",
    "write_rows": "syngain.data.files.write",
}
_FOLDERS = frozenset({"lab", "report"})


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
